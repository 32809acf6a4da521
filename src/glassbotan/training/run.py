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

from glassbotan.datasets.groups import particle_groups
from glassbotan.dynamics.quantities import QUANTITIES
from glassbotan.errors import InputError, RunError
from glassbotan.io.atomic import atomic_output
from glassbotan.models.architecture import Model, Preparation
from glassbotan.models.card import CARD, Card
from glassbotan.models.domain import domain_of
from glassbotan.models.network import Network
from glassbotan.models.registry import load_model
from glassbotan.models.storage import load_saved, save_model
from glassbotan.provenance import provenance
from glassbotan.simulation.protocol import difference
from glassbotan.training.checkpoints import AtomicCheckpoints
from glassbotan.training.config import Recipe, StageSection, load_kept_recipe
from glassbotan.training.data import GlassData
from glassbotan.training.launch import told_once, train_in_processes
from glassbotan.training.memory import keep_freed_memory
from glassbotan.training.module import Training
from glassbotan.training.processes import PATIENCE, Processes, devices_of, joined, launched
from glassbotan.training.progress import EpochProgress
from glassbotan.training.units import Units, deviations


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
    model = _begin(recipe, data, units)
    card = processes.first(lambda: _card(recipe, data))
    for number, stage in enumerate(recipe.stages):
        stage_folder = folder / f"stage-{number + 1}"
        if not processes.first((stage_folder / "model" / CARD).is_file):
            data.first_epoch = sum(s.epochs for s in recipe.stages[:number])
            assert isinstance(model, Network)  # others have no stages
            scores = _train_stage(model, stage, recipe, data, units, stage_folder)
            card = card.model_copy(update={"scores": scores})
            processes.first(partial(save_model, stage_folder / "model", model, card))
        model, card = processes.first(partial(load_saved, stage_folder / "model"))
    processes.first(partial(save_model, folder / "model", model, card))
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
    network.scale_outputs({name: 1 / unit for name, unit in units.items()})
    training = Training(network.to(_precision(recipe)).train(), recipe, stage, units)
    figure = f"validation/{stage.judged_by(recipe.monitor)}"
    best = ModelCheckpoint(
        folder / "checkpoints",
        filename="best",
        monitor=figure,
        mode="max" if figure.endswith("pearson_A") else "min",
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
        network.scale_outputs(units)
        network.cpu().float()
        return {figure: float(best.best_model_score)}

    return processes.first(choose)


def _units(recipe: Recipe, data: GlassData) -> Units:
    quantities = recipe.model.settings().quantities
    if recipe.standardise:
        return deviations(data.train_examples, quantities)
    # Plain squared errors, as published.
    return {name: torch.ones(len(data.times)) for name in quantities}


def _begin(recipe: Recipe, data: GlassData, units: Units) -> Model:
    """Return the model as it is before the first step."""
    section = recipe.model

    def begun() -> tuple[Model, bool]:
        """Return the model with its first weights, and whether its read-out begins afresh."""
        model = section.kind(section.settings(data.times))
        if section.initial_weights is None:
            return model, True
        start = load_model(section.initial_weights)
        if not (isinstance(model, Network) and isinstance(start, type(model))):
            raise InputError(
                f"model.initial_weights: {section.initial_weights} is a {start.architecture} "
                f"model; {section.architecture} begins from one of its own"
            )
        return model, model.begin_from(start, section.initial_weights)

    found = data.processes.together(begun)
    assert found is not None
    model, fresh = found
    if isinstance(model, Network):
        model.to(_precision(recipe))
    model.prepare(
        Preparation(
            data.train_examples,
            units,
            weights=recipe.stages[0].loss_weights if recipe.stages else {},
            fresh=fresh,
            standardise=recipe.standardise,
            processes=data.processes,
        )
    )
    return model


def _precision(recipe: Recipe) -> torch.dtype:
    return torch.float64 if recipe.precision == "64-true" else torch.float32


def _claim_folder(folder: Path, recipe: Recipe, *, resume: bool) -> None:
    stored = folder / "recipe.yaml"
    text = yaml.safe_dump(recipe.model_dump(mode="json"), sort_keys=False)
    begun = (folder / "stage-1").exists() or (folder / "model").exists()
    if resume:
        # A run that stopped in its first epoch has no checkpoint yet, and simply begins again.
        if not begun:
            raise InputError(
                f"{folder}: holds no checkpoint to resume from; start without --resume"
            )
        there = load_kept_recipe(stored) if stored.is_file() else None
        if there != recipe:
            raise InputError(
                f"{stored}: differs from the given recipe{_told(there, recipe)}; resume with the "
                "recipe that began the run, or choose another folder"
            )
        return
    if begun:
        raise InputError(f"{folder}: already holds a run; go on with --resume or choose another")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{folder}: cannot be made ({error.strerror})") from None
    with atomic_output(stored) as temporary:
        temporary.write_text(text, encoding="utf-8")


def _told(there: Recipe | None, here: Recipe) -> str:
    if there is None:
        return ""
    then, now = (one.model_dump(mode="json") for one in (there, here))
    key = next(key for key in now if then[key] != now[key])
    return f" ({difference(key, then[key], now[key])})"


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
    settings = recipe.model.settings(data.times)
    last = recipe.stages[-1] if recipe.stages else None
    # What the loss of the last stage saw.
    learned = [q for q in settings.quantities if last is None or last.loss_weights.get(q, 0) > 0]
    groups = particle_groups(data.train_sources[0].snapshot)
    particles = [f"particles {group.name}" for group in groups]
    places = {QUANTITIES[name].place for name in learned}
    told: dict[str, Any] = {
        "train": [path.name for path in data.train_files],
        "validation": [path.name for path in data.validation_files],
    }
    if last is not None:
        told["chosen_on"] = f"validation/{last.judged_by(recipe.monitor)}"
    return Card(
        name=recipe.name,
        architecture=recipe.model.architecture,
        times=list(data.times),
        targets=particles * ("particles" in places) + ["bonds"] * ("bonds" in places),
        quantities=learned,
        settings=settings.model_dump(mode="json", exclude={"times"}),
        inputs=settings.record(),
        domain=domain_of([source.snapshot for source in data.train_sources]),
        data=told,
        recipe=recipe.model_dump(mode="json"),
        provenance=provenance([*data.train_files, *data.validation_files], seed=recipe.seed),
    )


def _quieten() -> None:
    """Silence advice of Lightning's that does not apply: snapshots are in memory, one a batch."""
    for part in ("pytorch", "fabric"):
        logging.getLogger(f"lightning.{part}").setLevel(logging.WARNING)
    warnings.filterwarnings("ignore", ".*does not have many workers.*")
    warnings.filterwarnings("ignore", ".*exists and is not empty.*")
    warnings.filterwarnings("ignore", ".*Checkpoint directory.*")
    warnings.filterwarnings("ignore", ".*LeafSpec.* is deprecated.*")
