"""A training run from recipe to model folder: Lightning does the loop."""

import logging
import warnings
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import lightning
import torch
import yaml
from lightning.fabric.plugins.environments.slurm import SLURMEnvironment
from lightning.fabric.plugins.environments.torchelastic import TorchElasticEnvironment
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch.callbacks import Callback, EarlyStopping, ModelCheckpoint
from lightning.pytorch.loggers import CSVLogger, TensorBoardLogger
from lightning.pytorch.strategies import DDPStrategy
from torch import Tensor

from glassbotan.datasets.groups import particle_groups
from glassbotan.errors import InputError, RunError
from glassbotan.io.atomic import atomic_output
from glassbotan.models.caged.network import CagedNetwork
from glassbotan.models.caged.recipe import InputRecipe
from glassbotan.models.card import CARD, Card
from glassbotan.models.domain import domain_of
from glassbotan.models.network import Network, Settings
from glassbotan.models.recurrent import RecurrentNetwork
from glassbotan.models.registry import load_model
from glassbotan.models.state import load_state
from glassbotan.models.storage import ARCHITECTURES, build, load_network, save_network
from glassbotan.provenance import provenance
from glassbotan.training.caged import fit_constants
from glassbotan.training.checkpoints import AtomicCheckpoints
from glassbotan.training.config import Recipe, StageSection
from glassbotan.training.data import GlassData
from glassbotan.training.launch import told_once, train_in_processes
from glassbotan.training.memory import keep_freed_memory
from glassbotan.training.module import Training
from glassbotan.training.processes import PATIENCE, Processes, devices_of, joined, launched
from glassbotan.training.progress import EpochProgress
from glassbotan.training.read_out import fit_read_out
from glassbotan.training.units import Units, deviations, plain_units


def train(recipe: Recipe, folder: Path, *, resume: bool = False) -> Path:
    """Train by a recipe and leave the chosen network in ``folder / "model"``.

    Each stage is a run of its own in ``folder / "stage-1"`` and so on, with a fresh optimiser, and
    starts from the best weights of the one before. Several devices are a process each: started
    here, or by torchrun or srun, which then call this function in each of them.

    Parameters
    ----------
    recipe
        What to train, on what, how long.
    folder
        Receives recipe.yaml, the stages' logs and checkpoints, and the model.
    resume
        Continue from the last checkpoint; on a CPU the losses are, bit for bit, those of
        an undisturbed run.

    Returns
    -------
    Path
        The model folder.

    Raises
    ------
    InputError
        The folder already holds a run (without ``resume``), none (with it), or another recipe's;
        the devices are not there.
    RunError
        Interrupted, a process of several died, or the loss is no longer finite.

    """
    keep_freed_memory()
    _quieten()
    with told_once():
        fabric = devices_of(recipe)
    if fabric.world_size > 1 and launched() is None:
        return train_in_processes(recipe, folder, fabric.world_size, resume=resume)
    with joined(fabric) as processes:
        return _train(recipe, folder, processes, resume=resume)


def _train(recipe: Recipe, folder: Path, processes: Processes, *, resume: bool) -> Path:
    """Train as one of the processes: all compute, the first writes."""
    if processes.rank > 0:
        warnings.simplefilter("ignore")  # the first says the same
    processes.first(lambda: _claim_folder(folder, recipe, resume=resume))
    lightning.seed_everything(recipe.seed, workers=True, verbose=False)
    data = GlassData(recipe, processes=processes)
    units = processes.first(lambda: _units(recipe, data))
    network: Network = _network(recipe, data, units)
    card = processes.first(lambda: _card(recipe, data))
    for number, stage in enumerate(recipe.stages):
        stage_folder = folder / f"stage-{number + 1}"
        if not processes.first((stage_folder / "model" / CARD).is_file):
            data.first_epoch = sum(s.epochs for s in recipe.stages[:number])
            scores = _train_stage(network, stage, recipe, data, units, stage_folder)
            card = card.model_copy(update={"scores": scores})
            processes.first(partial(save_network, stage_folder / "model", network, card))
        network, card = processes.first(partial(load_network, stage_folder / "model"))
    processes.first(partial(save_network, folder / "model", network, card))
    return folder / "model"


def _train_stage(
    network: Network,
    stage: StageSection,
    recipe: Recipe,
    data: GlassData,
    units: Units,
    folder: Path,
) -> dict[str, float]:
    """Train one stage, leave the best weights in the first process's network, return the score."""
    network.scale_outputs(1 / units.nodes)
    training = Training(network.to(_precision(recipe)).train(), recipe, stage, units)
    figure = f"validation/{_judge(recipe, stage)}"
    best = ModelCheckpoint(
        folder / "checkpoints",
        filename="best",
        monitor=figure,
        mode=_mode(figure),
        enable_version_counter=False,
    )
    processes = data.processes
    trainer = _trainer(recipe, stage.epochs, folder, best, processes)
    last = folder / "checkpoints" / "last.ckpt"
    begun = processes.first(last.is_file)
    try:
        trainer.fit(training, data, ckpt_path=str(last) if begun else None, weights_only=True)
    except SystemExit:  # Lightning's way out after Ctrl-C
        raise processes.told_by_first(
            RunError(f"interrupted; go on with --resume (the run is in {folder.parent})")
        ) from None

    def choose() -> dict[str, float]:
        if best.best_model_score is None or not torch.isfinite(best.best_model_score):
            raise RunError(
                f"{folder}: the training went astray ({figure} is not finite); lower learning_rate"
            )
        checkpoint = torch.load(best.best_model_path, map_location="cpu", weights_only=True)
        training.load_state_dict(checkpoint["state_dict"])
        network.load_state_dict(training.best_network.state_dict())
        network.scale_outputs(units.nodes)
        network.cpu().float()
        return {figure: float(best.best_model_score)}

    return processes.first(choose)


def _units(recipe: Recipe, data: GlassData) -> Units:
    return deviations(data.train_examples) if recipe.standardise else plain_units(len(data.times))


def _network(recipe: Recipe, data: GlassData, units: Units) -> Network:
    begun = data.processes.together(lambda: _begin(recipe, data.times))
    assert begun is not None
    network, reads_anew = begun
    if isinstance(network, CagedNetwork):
        _fit_constants(network, data)
    elif isinstance(network, RecurrentNetwork) and reads_anew and recipe.standardise:
        network.to(_precision(recipe))
        fit_read_out(
            network,
            data.train_examples,
            units,
            recipe.stages[0].node_weight,
            processes=data.processes,
        )
    return network


def _fit_constants(network: CagedNetwork, data: GlassData) -> None:
    """Let the first process set the constants, and all have them."""

    def constants() -> dict[str, Tensor]:
        fit_constants(network, data.train_examples)
        return dict(network.named_buffers())

    found = data.processes.first(constants)
    network.load_state_dict(network.state_dict() | found)


def _begin(recipe: Recipe, times: tuple[float, ...]) -> tuple[Network, bool]:
    """Return the network with its first weights, and whether its last layer begins afresh."""
    section = recipe.model
    settings = Settings(times, section.dimension, section.cutoff, section.width, section.steps)
    network = build(section.architecture, settings)
    if section.initial_weights is None:
        return network, True
    start = load_model(section.initial_weights)
    state = start.state_dict()
    # A network of other times lends its features.
    reads_anew = len(start.settings.times) != len(times)
    if reads_anew and isinstance(network, RecurrentNetwork):
        state |= {f"decoder.out.{k}": v for k, v in network.decoder.out.state_dict().items()}
    load_state(network, state, section.initial_weights)
    return network, reads_anew


def _precision(recipe: Recipe) -> torch.dtype:
    return torch.float64 if recipe.precision == "64-true" else torch.float32


def _claim_folder(folder: Path, recipe: Recipe, *, resume: bool) -> None:
    stored = folder / "recipe.yaml"
    text = yaml.safe_dump(recipe.model_dump(mode="json"), sort_keys=False)
    if resume:
        # A run that stopped in its first epoch has no checkpoint yet, and simply begins again.
        if not (folder / "stage-1").exists():
            raise InputError(
                f"{folder}: holds no checkpoint to resume from; start without --resume"
            )
        if not stored.is_file() or stored.read_text(encoding="utf-8") != text:
            raise InputError(
                f"{stored}: differs from the given recipe; resume with the recipe that began the "
                "run, or choose another folder"
            )
        return
    if (folder / "stage-1").exists():
        raise InputError(f"{folder}: already holds a run; go on with --resume or choose another")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{folder}: cannot be made ({error.strerror})") from None
    with atomic_output(stored) as temporary:
        temporary.write_text(text, encoding="utf-8")


def _judge(recipe: Recipe, stage: StageSection) -> str:
    """Return the figure that chooses the stage's checkpoint: its loss, if it learns no particle."""
    return recipe.monitor if stage.node_weight > 0 else "loss"


def _mode(figure: str) -> str:
    return "max" if figure.endswith("pearson_A") else "min"


def _trainer(
    recipe: Recipe, epochs: int, folder: Path, best: ModelCheckpoint, processes: Processes
) -> lightning.Trainer:
    last = ModelCheckpoint(
        folder / "checkpoints",
        filename="last",
        every_n_epochs=1,
        save_on_train_epoch_end=True,
        enable_version_counter=False,
    )
    callbacks: list[Callback] = [best, last, EpochProgress()]
    if recipe.patience is not None:
        assert best.monitor is not None
        callbacks.append(EarlyStopping(best.monitor, patience=recipe.patience, mode=best.mode))
    try:
        return lightning.Trainer(
            max_epochs=epochs,
            accelerator=recipe.accelerator,
            devices=recipe.devices,
            num_nodes=recipe.nodes,
            strategy="auto" if processes.number == 1 else DDPStrategy(timeout=PATIENCE),
            # In double precision, network and data are double already: nothing is left to cast.
            precision="32-true" if recipe.precision == "64-true" else recipe.precision,
            accumulate_grad_batches=recipe.batch,
            gradient_clip_val=recipe.gradient_norm,
            check_val_every_n_epoch=recipe.validate_every,
            callbacks=callbacks,
            logger=[
                CSVLogger(folder, "logs", version=_free_name(folder / "logs", "csv")),
                TensorBoardLogger(folder, "logs", version="tensorboard"),
            ],
            plugins=[AtomicCheckpoints(), *_environment()],
            default_root_dir=folder,
            use_distributed_sampler=False,
            num_sanity_val_steps=0,
            enable_progress_bar=False,
            enable_model_summary=False,
            log_every_n_steps=1,
        )
    except (MisconfigurationException, TypeError, ValueError) as error:
        raise InputError(
            f"the recipe's accelerator ({recipe.accelerator}), devices ({recipe.devices}) and "
            f"precision ({recipe.precision}) cannot be had here: {error}"
        ) from None


def _environment() -> list[SLURMEnvironment]:
    """Keep Lightning from requeueing a Slurm job with a checkpoint that no stage knows of."""
    if TorchElasticEnvironment.detect() or not SLURMEnvironment.detect():
        return []
    return [SLURMEnvironment(auto_requeue=False)]


def _free_name(folder: Path, name: str) -> str:
    """Return ``name``, or name-2, name-3 ... for a resumed run, whose earlier rows must stay."""
    candidates = (name if k == 1 else f"{name}-{k}" for k in count(1))
    return next(c for c in candidates if not (folder / c).exists())


def _card(recipe: Recipe, data: GlassData) -> Card:
    section = recipe.model
    return Card(
        name=recipe.name,
        architecture=section.architecture,
        times=list(data.times),
        targets=_targets(recipe, data),
        dimension=section.dimension,
        cutoff=section.cutoff,
        width=section.width,
        steps=section.steps,
        domain=domain_of([source.snapshot for source in data.train_sources]),
        data={
            "train": [path.name for path in data.train_files],
            "validation": [path.name for path in data.validation_files],
            "chosen_on": f"validation/{_judge(recipe, recipe.stages[-1])}",
        },
        recipe=recipe.model_dump(mode="json") | _inputs(recipe),
        provenance=provenance([*data.train_files, *data.validation_files], seed=recipe.seed),
    )


def _inputs(recipe: Recipe) -> dict[str, Any]:
    """Return what the caged network's inputs were computed by; nothing for others."""
    if recipe.model.architecture != CagedNetwork.architecture:
        return {}
    return {"inputs": InputRecipe(cutoff=recipe.model.cutoff).record()}


def _targets(recipe: Recipe, data: GlassData) -> list[str]:
    """Name what the loss of the last stage saw."""
    weight = recipe.stages[-1].node_weight
    snapshot = data.train_sources[0].snapshot
    particles = [f"particles {group.name}" for group in particle_groups(snapshot)]
    bonds = ARCHITECTURES[recipe.model.architecture].predicts_bonds
    return particles * (weight > 0) + ["bonds"] * (bonds and weight < 1)


def _quieten() -> None:
    """Silence advice of Lightning's that does not apply: snapshots are in memory, one a batch."""
    for part in ("pytorch", "fabric"):
        logging.getLogger(f"lightning.{part}").setLevel(logging.WARNING)
    warnings.filterwarnings("ignore", ".*does not have many workers.*")
    warnings.filterwarnings("ignore", ".*exists and is not empty.*")
    warnings.filterwarnings("ignore", ".*Checkpoint directory.*")
    warnings.filterwarnings("ignore", ".*LeafSpec.* is deprecated.*")
