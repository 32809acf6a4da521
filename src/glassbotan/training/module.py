"""What Lightning is told of the physics: losses, stages, learning rate, validation."""

import copy
import math
from collections.abc import Sequence
from typing import Any

import lightning
import torch
from torch import Tensor

from glassbotan.dynamics.quantities import QUANTITIES
from glassbotan.models.example import Example
from glassbotan.models.network import Network
from glassbotan.training.config import Recipe, StageSection, loss_of
from glassbotan.training.units import Units


class Training(lightning.LightningModule):
    """A network under training by one stage of a recipe.

    The loss is the sum of the mean squared errors of all quantities, over all particles or all
    bonds of the graph, each times its weight in the stage (Shiba et al., J. Chem. Phys. 158,
    084503 (2023), Sec. II C), with the recipe's ``offset_weight`` on mean errors.

    Parameters
    ----------
    network
        Predicts in ``units``, a column of outputs in that of its first quantity; see
        ``Network.scale_outputs``.
    recipe, stage
        What to train and how.
    units
        In which errors of each time are counted.

    """

    def __init__(self, network: Network, recipe: Recipe, stage: StageSection, units: Units) -> None:
        super().__init__()
        self.network, self.units = network, units
        self.recipe, self.stage = recipe, stage
        self.leads = {name: c[0] for c in network.settings.columns for name in c}
        self.averaged = copy.deepcopy(network).requires_grad_(False)

    @property
    def best_network(self) -> Network:
        """The network that is validated: the running mean of weights, where the recipe asks."""
        return self.averaged if self.recipe.weight_averaging else self.network

    def training_step(self, example: Example, batch_index: int) -> Tensor:  # noqa: ARG002
        """Return the loss of one snapshot."""
        losses = self._losses(self.network, example)
        self._log("train", losses, example.counts * int(self.trainer.num_training_batches))
        return losses["loss"] * example.counts

    def validation_step(self, example: Example, batch_index: int) -> None:  # noqa: ARG002
        """Log losses, and the correlation of A propensity averaged over times."""
        figures = self._losses(self.best_network, example)
        [steps] = self.trainer.num_val_batches
        self._log("validation", figures, example.counts * int(steps))

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Return Adam over the network's weights."""
        return torch.optim.Adam(self.network.parameters(), lr=self.stage.learning_rate, eps=1e-8)

    def on_train_batch_start(self, batch: Any, batch_index: int) -> None:  # noqa: ARG002
        """Set the learning rate of this step."""
        optimiser: Any = self.optimizers()
        for group in optimiser.param_groups:
            group["lr"] = self._learning_rate(batch_index)

    def on_train_batch_end(self, outputs: Any, batch: Any, batch_index: int) -> None:  # noqa: ARG002
        """Move the running mean of weights, where this batch ended a step."""
        decay = self.recipe.weight_averaging
        ends_step = (batch_index + 1) % self.recipe.batch == 0 or self.trainer.is_last_batch
        if not (decay and ends_step):
            return
        with torch.no_grad():
            for mean, now in zip(
                self.averaged.parameters(), self.network.parameters(), strict=True
            ):
                mean.lerp_(now, 1 - decay)

    def _losses(self, network: Network, example: Example) -> dict[str, Tensor]:
        predicted, weights = network(example.graph), self.stage.loss_weights
        figures: dict[str, Tensor] = {}
        for name, outputs in predicted.items():
            if name not in example.targets:
                continue
            targets, of_particles = example.targets[name], QUANTITIES[name].place == "particles"
            unit, lead = (self.units[x].to(targets.device) for x in (name, self.leads[name]))
            # One rounding for what has the column's own unit, as ever.
            errors = (
                outputs - targets / unit
                if name == self.leads[name]
                else (outputs * lead - targets) / unit
            )
            figures[loss_of(name)] = errors.detach().square().mean()
            groups = example.species if of_particles else [slice(None)]
            part = weights.get(name, 0.0) * self._squared(errors, groups)
            figures["loss"] = figures["loss"] + part if "loss" in figures else part
            if of_particles and "pearson_A" not in figures:
                chosen = example.species[0]
                figures["pearson_A"] = _pearson(outputs[chosen].detach(), targets[chosen])
        return figures

    def _squared(self, errors: Tensor, groups: Sequence[Any]) -> Tensor:
        """Return the mean square of ``errors``, with each group's mean error weighted down."""
        total = errors.square().mean()
        lightened = 1 - self.recipe.offset_weight
        if not lightened:
            return total
        offsets = [
            len(errors[group]) / len(errors) * errors[group].mean(0).square().mean()
            for group in groups
        ]
        return total - lightened * sum(offsets, torch.zeros_like(total))

    def _log(self, part: str, figures: dict[str, Tensor], weight: float) -> None:
        """Log one snapshot's figures, so that the epoch's are means over all that count.

        ``weight`` is the process's number of steps, or 0 for a snapshot that does not count.
        """
        weight /= self._length(part) / self.trainer.world_size
        self.log_dict(
            {f"{part}/{name}": value.detach() * weight for name, value in figures.items()},
            batch_size=1,
            on_step=False,
            on_epoch=True,
            sync_dist=True,
            prog_bar=False,
        )

    def _length(self, part: str) -> int:
        data: Any = self.trainer.datamodule  # type: ignore[attr-defined]  # set by Lightning
        return len(data.train_examples if part == "train" else data.validation_examples)

    def _learning_rate(self, batch_index: int) -> float:
        stage, per_epoch = self.stage, self._length("train")
        # Counted in snapshots, over all processes.
        drawn = min((batch_index + 1) * self.trainer.world_size, per_epoch)
        step = self.current_epoch * per_epoch + drawn - 1
        rate = stage.learning_rate
        if step < stage.warmup_steps:
            return rate * (step + 1) / stage.warmup_steps
        if stage.schedule == "constant":
            return rate
        done = (step - stage.warmup_steps) / max(stage.epochs * per_epoch - stage.warmup_steps, 1)
        return rate * 0.5 * (1 + math.cos(math.pi * done))


def _pearson(x: Tensor, y: Tensor) -> Tensor:
    """Return the correlation along the first axis, averaged over the others."""
    x, y = x - x.mean(0), y - y.mean(0)
    norm = (x.square().sum(0) * y.square().sum(0)).sqrt().clamp_min(1e-12)
    return ((x * y).sum(0) / norm).mean()
