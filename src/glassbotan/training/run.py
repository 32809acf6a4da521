"""A training run from recipe to model folder: Lightning does the loop."""

import logging
import warnings
from itertools import count
from pathlib import Path

import lightning
import torch
import yaml
from lightning.pytorch.callbacks import Callback, EarlyStopping, ModelCheckpoint
from lightning.pytorch.loggers import CSVLogger, TensorBoardLogger

from glassbotan.datasets.groups import particle_groups
from glassbotan.errors import InputError, RunError
from glassbotan.io.atomic import atomic_output
from glassbotan.models.card import Card
from glassbotan.models.domain import domain_of
from glassbotan.models.network import Network, Settings
from glassbotan.models.registry import load_model
from glassbotan.models.state import load_state
from glassbotan.models.storage import ARCHITECTURES, build, save_network
from glassbotan.provenance import provenance
from glassbotan.training.checkpoints import AtomicCheckpoints
from glassbotan.training.config import Recipe
from glassbotan.training.data import GlassData
from glassbotan.training.memory import keep_freed_memory
from glassbotan.training.module import Training
from glassbotan.training.progress import EpochProgress


def train(recipe: Recipe, folder: Path, *, resume: bool = False) -> Path:
    """Train by a recipe and leave the chosen network in ``folder / "model"``.

    Parameters
    ----------
    recipe
        What to train, on what, how long.
    folder
        Receives recipe.yaml, logs, checkpoints and the model.
    resume
        Continue from the folder's last checkpoint; on a CPU the losses are, bit for bit, those of
        an undisturbed run.

    Returns
    -------
    Path
        The model folder.

    Raises
    ------
    InputError
        The folder already holds a run (without ``resume``), none (with it), or another recipe's.
    RunError
        Interrupted, or the loss is no longer finite.

    """
    _claim_folder(folder, recipe, resume=resume)
    keep_freed_memory()
    _quieten()
    lightning.seed_everything(recipe.seed, workers=True, verbose=False)
    data = GlassData(recipe, self_edges=ARCHITECTURES[recipe.model.architecture].self_edges)
    training = Training(_network(recipe, data.times), recipe)
    best, last = _best(recipe, folder), _last(folder)
    trainer = _trainer(recipe, folder, [best, last])
    try:
        trainer.fit(
            training, data, ckpt_path=_last_path(folder) if resume else None, weights_only=True
        )
    except SystemExit:  # Lightning's way out after Ctrl-C
        raise RunError(f"interrupted; go on with --resume (the run is in {folder})") from None
    network = _chosen(training, best)
    save_network(folder / "model", network, _card(recipe, data, training, best))
    return folder / "model"


def _network(recipe: Recipe, times: tuple[float, ...]) -> Network:
    section = recipe.model
    settings = Settings(times, section.dimension, section.cutoff, section.width, section.steps)
    network = build(section.architecture, settings)
    if section.initial_weights is not None:
        start = load_model(section.initial_weights)
        load_state(network, start.state_dict(), section.initial_weights)
    return network.to(torch.float64 if recipe.precision == "64-true" else torch.float32).train()


def _claim_folder(folder: Path, recipe: Recipe, *, resume: bool) -> None:
    stored = folder / "recipe.yaml"
    text = yaml.safe_dump(recipe.model_dump(mode="json"), sort_keys=False)
    if resume:
        if not Path(_last_path(folder)).is_file():
            raise InputError(
                f"{folder}: holds no checkpoint to resume from; start without --resume"
            )
        if not stored.is_file() or stored.read_text(encoding="utf-8") != text:
            raise InputError(
                f"{stored}: differs from the given recipe; resume with the recipe that began the "
                "run, or choose another folder"
            )
        return
    if (folder / "checkpoints").exists():
        raise InputError(f"{folder}: already holds a run; go on with --resume or choose another")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{folder}: cannot be made ({error.strerror})") from None
    with atomic_output(stored) as temporary:
        temporary.write_text(text, encoding="utf-8")


def _best(recipe: Recipe, folder: Path) -> ModelCheckpoint:
    return ModelCheckpoint(
        folder / "checkpoints",
        filename="best",
        monitor=f"validation/{recipe.monitor}",
        mode=_mode(recipe),
        enable_version_counter=False,
    )


def _last(folder: Path) -> ModelCheckpoint:
    return ModelCheckpoint(
        folder / "checkpoints",
        filename="last",
        every_n_epochs=1,
        save_on_train_epoch_end=True,
        enable_version_counter=False,
    )


def _last_path(folder: Path) -> str:
    return str(folder / "checkpoints" / "last.ckpt")


def _mode(recipe: Recipe) -> str:
    return "max" if recipe.monitor == "pearson_A" else "min"


def _trainer(recipe: Recipe, folder: Path, checkpoints: list[Callback]) -> lightning.Trainer:
    callbacks = [*checkpoints, EpochProgress()]
    if recipe.patience is not None:
        callbacks.append(
            EarlyStopping(
                f"validation/{recipe.monitor}", patience=recipe.patience, mode=_mode(recipe)
            )
        )
    return lightning.Trainer(
        max_epochs=recipe.epochs,
        accelerator=recipe.accelerator,
        devices=recipe.devices,
        num_nodes=recipe.nodes,
        precision=recipe.precision,
        accumulate_grad_batches=recipe.batch,
        gradient_clip_val=recipe.gradient_norm,
        check_val_every_n_epoch=recipe.validate_every,
        callbacks=callbacks,
        logger=[
            CSVLogger(folder, "logs", version=_free_name(folder / "logs", "csv")),
            TensorBoardLogger(folder, "logs", version="tensorboard"),
        ],
        plugins=[AtomicCheckpoints()],
        use_distributed_sampler=False,
        num_sanity_val_steps=0,
        enable_progress_bar=False,
        enable_model_summary=False,
        log_every_n_steps=1,
    )


def _free_name(folder: Path, name: str) -> str:
    """Return ``name``, or name-2, name-3 ... for a resumed run, whose earlier rows must stay."""
    candidates = (name if k == 1 else f"{name}-{k}" for k in count(1))
    return next(c for c in candidates if not (folder / c).exists())


def _chosen(training: Training, best: ModelCheckpoint) -> Network:
    """Return the network of the best validation, with its weights loaded."""
    if best.best_model_path:
        checkpoint = torch.load(best.best_model_path, map_location="cpu", weights_only=True)
        training.load_state_dict(checkpoint["state_dict"])
    return training.best_network.cpu().float().eval()


def _card(recipe: Recipe, data: GlassData, training: Training, best: ModelCheckpoint) -> Card:
    section = recipe.model
    validation = [path.name for path in data.validation_files]
    score = best.best_model_score
    return Card(
        name=recipe.name,
        architecture=section.architecture,
        times=list(data.times),
        dimension=section.dimension,
        cutoff=section.cutoff,
        width=section.width,
        steps=section.steps,
        targets=_targets(recipe, data),
        domain=domain_of([labels.motion.snapshot for labels in data.train_labels]),
        data={
            "train": [path.name for path in data.train_files],
            "validation": validation,
            "chosen_on": f"validation/{recipe.monitor}",
        },
        recipe=recipe.model_dump(mode="json"),
        scores={} if score is None else {f"validation/{recipe.monitor}": float(score)},
        provenance=provenance(
            [*data.train_files, *data.validation_files],
            seed=recipe.seed,
            steps=int(training.trainer.global_step),
        ),
    )


def _targets(recipe: Recipe, data: GlassData) -> list[str]:
    """Name what the loss of the last stage saw."""
    weight = recipe.stages[-1].node_weight
    snapshot = data.train_labels[0].motion.snapshot
    particles = [f"particles {group.name}" for group in particle_groups(snapshot)]
    bonds = ARCHITECTURES[recipe.model.architecture].predicts_bonds
    return particles * (weight > 0) + ["bonds"] * (bonds and weight < 1)


def _quieten() -> None:
    """Silence advice of Lightning's that does not apply: snapshots are in memory, one a batch."""
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    warnings.filterwarnings("ignore", ".*does not have many workers.*")
    warnings.filterwarnings("ignore", ".*exists and is not empty.*")
    warnings.filterwarnings("ignore", ".*Checkpoint directory.*")
