"""Labelled snapshots in the order and orientation that the recipe's seed says."""

import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import lightning
import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset, Sampler

from glassbotan.datasets.public import resolve_all
from glassbotan.errors import InputError
from glassbotan.models.architecture import WHOLE
from glassbotan.models.example import Example
from glassbotan.training.config import Recipe
from glassbotan.training.example_files import ExampleFiles
from glassbotan.training.orientation import cubic_symmetries
from glassbotan.training.processes import ALONE, Processes
from glassbotan.training.sources import (
    Source,
    common_times,
    refuse_shared,
    stored_example,
    survey,
)

RESIDENT_SHARE = 0.5
"""Of a GPU's free memory, that examples may take for the whole run."""


class Draw(NamedTuple):
    """Which snapshot comes next, in which of the box's symmetries, and whether it counts."""

    snapshot: int
    orientation: int
    counts: bool = True


class Examples(Dataset[Example]):
    """Snapshots, turned as each draw says."""

    def __init__(self, examples: Sequence[Example], dimension: int) -> None:
        self.examples = examples
        self.symmetries = cubic_symmetries(dimension)

    def __len__(self) -> int:
        return len(self.examples)

    def __getitem__(self, draw: Draw) -> Example:
        matrix = self.symmetries[draw.orientation]
        return self.examples[draw.snapshot].turned(matrix, counts=float(draw.counts))


class EpochSampler(Sampler[Draw]):
    """Every snapshot once an epoch, in an order that depends on seed and epoch alone.

    That makes a resumed run the same as an undisturbed one. Of P processes the first takes places
    0, P, 2P ... of the order, the second 1, P + 1 ...: step by step they see together what one
    process with a batch P times as large sees. Where the last places are too few for all, those
    left over get a draw that does not count, so that all make the same number of steps.
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
        return math.ceil(self.length / self.processes)

    def __iter__(self) -> Iterator[Draw]:
        generator = np.random.default_rng([self.seed, self.first_epoch + self.epoch])
        order = generator.permutation(self.length)
        turns = generator.integers(self.orientations, size=self.length)
        draws = [Draw(int(k), int(turn)) for k, turn in zip(order, turns, strict=True)]
        yield from share(draws, self.rank, self.processes)


def share(draws: Sequence[Draw], rank: int, processes: int) -> list[Draw]:
    """Return one process's part of draws; all parts are equally long."""
    surplus = -len(draws) % processes
    return [*draws, *[draws[-1]._replace(counts=False)] * surplus][rank::processes]


class GlassData(lightning.LightningDataModule):
    """Training and validation snapshots of a recipe.

    Parameters
    ----------
    recipe
        Names the files.
    processes
        That train together; one of each machine writes the examples to its cache.

    Raises
    ------
    InputError
        A time of the recipe is missing in a file, labels are of another dimension or blank, bonds
        are to be learned from labels that have none, or there are fewer snapshots than processes.

    """

    def __init__(self, recipe: Recipe, *, processes: Processes = ALONE) -> None:
        super().__init__()
        self.recipe, self.processes = recipe, processes
        self.train_sources: list[Source] = []
        """Known to the first process of each machine."""
        prepared = processes.together(self._prepare, where=processes.local_rank == 0)
        found = processes.first(lambda: prepared)
        assert found is not None  # the first process has prepared
        self.times, train, validation = found
        kind = recipe.model.kind.tensors_type()
        self.train_examples = ExampleFiles(train, kind)
        self.validation_examples = ExampleFiles(validation, kind)
        self.first_epoch = 0
        """Epochs of earlier stages, so that no stage repeats another's draws."""
        self._resident: dict[str, Sequence[Example]] = {}

    def train_dataloader(self) -> DataLoader[Example]:
        """One snapshot at a time, shuffled and turned."""
        examples = self._placed("train", self.train_examples)
        cubic = self.recipe.augmentation == "cubic"
        sampler = EpochSampler(
            len(examples),
            orientations=len(examples.symmetries) if cubic else 1,
            seed=self.recipe.seed,
            first_epoch=self.first_epoch,
            rank=self.processes.rank,
            processes=self.processes.number,
        )
        return _loader(examples, sampler, self._device)

    def val_dataloader(self) -> DataLoader[Example]:
        """All validation snapshots, as they lie in their files."""
        examples = self._placed("validation", self.validation_examples)
        draws = [Draw(k, 0) for k in range(len(examples))]
        mine = share(draws, self.processes.rank, self.processes.number)
        return _loader(examples, mine, self._device)

    def _prepare(self) -> tuple[tuple[float, ...], list[str], list[str]]:
        recipe = self.recipe
        self.train_files = resolve_all(recipe.data.train)
        self.validation_files = resolve_all(recipe.data.validation)
        self.train_sources = survey(self.train_files, recipe)
        validation = survey(self.validation_files, recipe)
        refuse_shared(self.train_sources, validation)
        times, folds = common_times(recipe, self.train_sources), recipe.model.kind.folds
        train = [
            stored_example(source, recipe, times, fold=k % folds if folds > 1 else WHOLE)
            for k, source in enumerate(self.train_sources)
        ]
        judged = [stored_example(source, recipe, times) for source in validation]
        EpochSampler(len(train), orientations=1, seed=0, processes=self.processes.number)
        return times, train, judged

    @property
    def _device(self) -> torch.device:
        return self.trainer.strategy.root_device if self.trainer else torch.device("cpu")

    def _placed(self, part: str, files: ExampleFiles) -> Examples:
        """Return a part's examples, on the GPU for good where there is one with memory for all."""
        if part not in self._resident:
            device = self._device
            fits = (
                device.type == "cuda"
                and files.n_bytes < RESIDENT_SHARE * torch.cuda.mem_get_info(device)[0]
            )
            self._resident[part] = [x.to(device) for x in files] if fits else files
        return Examples(self._resident[part], self.recipe.model.settings().dimension)


def _loader(examples: Examples, sampler: Any, device: torch.device) -> DataLoader[Example]:
    # What must still go to a GPU is read by a worker, ahead of its step, and pinned. A CPU reads
    # the system's file cache, which costs less than to hand over between processes.
    ahead = device.type == "cuda" and isinstance(examples.examples, ExampleFiles)
    return DataLoader(
        examples,
        sampler=sampler,
        batch_size=None,
        num_workers=1 if ahead else 0,
        pin_memory=ahead,
        persistent_workers=ahead,
    )
