"""Labelled snapshots in the order and orientation that the recipe's seed says."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import lightning
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from glassbotan.datasets import LabelledSnapshot, load_all_labelled
from glassbotan.datasets.groups import particle_groups
from glassbotan.datasets.public import resolve_all
from glassbotan.dynamics.motion import match_times
from glassbotan.errors import InputError
from glassbotan.models.graph_tensors import GraphTensors, graph_tensors
from glassbotan.structure.snapshot import fingerprint
from glassbotan.training.config import Recipe
from glassbotan.training.orientation import cubic_symmetries


class Draw(NamedTuple):
    """Which snapshot comes next, in which of the box's symmetries."""

    snapshot: int
    orientation: int


@dataclass(frozen=True, eq=False)
class Example:
    """One snapshot's graph and targets.

    Attributes
    ----------
    graph
        Input tensors.
    nodes, bonds
        Propensity [N, T] and bond extension [E, T]; bonds are None where labels have none.
    species
        Indices of the particles of each species, A first.

    """

    graph: GraphTensors
    nodes: Tensor
    bonds: Tensor | None
    species: tuple[Tensor, ...]

    def to(self, device: torch.device) -> "Example":
        """Return the example on another device (Lightning calls this)."""
        return Example(
            self.graph.to(device),
            self.nodes.to(device),
            None if self.bonds is None else self.bonds.to(device),
            tuple(members.to(device) for members in self.species),
        )


class Examples(Dataset[Example]):
    """Snapshots held in memory, turned as each draw says."""

    def __init__(self, examples: Sequence[Example], dimension: int) -> None:
        self.examples = list(examples)
        self.symmetries = cubic_symmetries(dimension)

    def __len__(self) -> int:
        return len(self.examples)

    def __getitem__(self, draw: Draw) -> Example:
        example = self.examples[draw.snapshot]
        matrix = self.symmetries[draw.orientation].to(example.nodes.dtype)
        return Example(example.graph.turned(matrix), example.nodes, example.bonds, example.species)


class EpochSampler(Sampler[Draw]):
    """Every snapshot once an epoch, in an order that depends on seed and epoch alone.

    That makes a resumed run the same as an undisturbed one. With several processes each takes its
    share of the same order, without repeats; a remainder that cannot be shared waits for another
    epoch's order.
    """

    def __init__(
        self,
        length: int,
        *,
        orientations: int,
        seed: int,
        first_epoch: int = 0,
        rank: int = 0,
        processes: int = 1,
    ) -> None:
        if length < processes:
            raise InputError(
                f"{length} training snapshots cannot be shared by {processes} processes; "
                "use fewer devices"
            )
        self.length, self.orientations, self.seed = length, orientations, seed
        self.rank, self.processes = rank, processes
        self.first_epoch, self.epoch = first_epoch, 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the order (Lightning calls this at each epoch's start)."""
        self.epoch = epoch

    def __len__(self) -> int:
        return self.length // self.processes

    def __iter__(self) -> Iterator[Draw]:
        generator = np.random.default_rng([self.seed, self.first_epoch + self.epoch])
        order = generator.permutation(self.length)
        turns = generator.integers(self.orientations, size=self.length)
        mine = slice(self.rank, len(self) * self.processes, self.processes)
        for snapshot, turn in zip(order[mine], turns[mine], strict=True):
            yield Draw(int(snapshot), int(turn))


class GlassData(lightning.LightningDataModule):
    """Training and validation snapshots of a recipe.

    Raises
    ------
    InputError
        A time of the recipe is missing in a file, labels are of another dimension or blank, or
        bonds are to be learned from labels that have none.

    """

    def __init__(self, recipe: Recipe, *, self_edges: bool) -> None:
        super().__init__()
        self.recipe, self.self_edges = recipe, self_edges
        self.train_files = resolve_all(recipe.data.train)
        self.validation_files = resolve_all(recipe.data.validation)
        self.train_labels = self._labels(self.train_files)
        self.validation_labels = self._labels(self.validation_files)
        _refuse_shared(self.train_labels, self.validation_labels)
        self.times = _times(recipe, self.train_labels)
        self.first_epoch = 0
        """Epochs of earlier stages, so that no stage repeats another's draws."""
        self._train: Examples | None = None
        self._validation: Examples | None = None

    def setup(self, stage: str | None = None) -> None:  # noqa: ARG002 - Lightning's signature
        """Make tensors of all snapshots."""
        if self._train is None:
            self._train = self._examples(self.train_labels)
            self._validation = self._examples(self.validation_labels)

    @property
    def train_examples(self) -> Sequence[Example]:
        """The training snapshots as tensors, in their order; after ``setup``."""
        assert self._train is not None
        return self._train.examples

    def train_dataloader(self) -> DataLoader[Example]:
        """One snapshot at a time, shuffled and turned."""
        assert self._train is not None
        cubic = self.recipe.augmentation == "cubic"
        sampler = EpochSampler(
            len(self._train),
            orientations=len(self._train.symmetries) if cubic else 1,
            seed=self.recipe.seed,
            first_epoch=self.first_epoch,
            rank=self.trainer.global_rank if self.trainer else 0,
            processes=self.trainer.world_size if self.trainer else 1,
        )
        return _loader(self._train, sampler)

    def val_dataloader(self) -> DataLoader[Example]:
        """All validation snapshots, as they lie in their files."""
        assert self._validation is not None
        return _loader(self._validation, [Draw(k, 0) for k in range(len(self._validation))])

    def _labels(self, files: Sequence[Path]) -> list[LabelledSnapshot]:
        box = None if self.recipe.data.box is None else np.array(self.recipe.data.box)
        return load_all_labelled(files, cutoff=self.recipe.model.cutoff, box=box)

    def _examples(self, labels: Sequence[LabelledSnapshot]) -> Examples:
        return Examples([self._example(x) for x in labels], self.recipe.model.dimension)

    def _example(self, labels: LabelledSnapshot) -> Example:
        motion = labels.motion
        if motion.snapshot.dimension != self.recipe.model.dimension:
            raise InputError(
                f"{motion.source}: has {motion.snapshot.dimension} dimensions; "
                f"model.dimension is {self.recipe.model.dimension}"
            )
        chosen = match_times(np.array(self.times), motion.times)
        if -1 in chosen:
            raise InputError(
                f"{motion.source}: has no labels at t = {self.times[chosen.index(-1)]:g}; "
                f"its times are {[float(t) for t in motion.times]}"
            )
        if np.isnan(motion.propensity[chosen]).any():
            raise InputError(
                f"{motion.source}: its propensity is blank (NaN) for some particles, as in a "
                "prediction; learning takes a number for every one"
            )
        if motion.bond_extension is None and any(s.node_weight < 1 for s in self.recipe.stages):
            raise InputError(
                f"{motion.source}: has no bond labels, which node_weight < 1 asks for; "
                "set node_weight to 1 or use files with trajectories"
            )
        dtype = torch.float64 if self.recipe.precision == "64-true" else torch.float32
        return Example(
            graph_tensors(labels.graph, dtype=dtype, self_edges=self.self_edges),
            _tensor(motion.propensity[chosen].T, dtype),
            None
            if motion.bond_extension is None or self.self_edges
            else _tensor(motion.bond_extension[chosen].T, dtype),
            tuple(torch.from_numpy(g.members) for g in particle_groups(motion.snapshot)),
        )


def _loader(examples: Examples, sampler: Any) -> DataLoader[Example]:
    return DataLoader(examples, sampler=sampler, batch_size=None, num_workers=0)


def _tensor(values: NDArray[np.floating], dtype: torch.dtype) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(values)).to(dtype)


def _refuse_shared(
    train: Sequence[LabelledSnapshot], validation: Sequence[LabelledSnapshot]
) -> None:
    trained = {fingerprint(labels.motion.snapshot) for labels in train}
    for labels in validation:
        if fingerprint(labels.motion.snapshot) in trained:
            raise InputError(
                f"data.validation: the snapshot of {labels.motion.source} is also among "
                "data.train; validation snapshots must never be trained on"
            )


def _times(recipe: Recipe, labels: Sequence[LabelledSnapshot]) -> tuple[float, ...]:
    if recipe.data.times is not None:
        return tuple(sorted(recipe.data.times))
    first = labels[0].motion.times
    common = [
        float(t)
        for t in first
        if all(match_times(np.array([t]), x.motion.times) != [-1] for x in labels)
    ]
    if not common:
        raise InputError("data.train: the files have no time in common; choose some in data.times")
    return tuple(common)
