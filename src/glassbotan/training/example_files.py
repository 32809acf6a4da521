"""Examples as files that all processes of a machine map into memory and share.

A file of 4096 particles and one time is 5 MB. It is mapped when a draw asks for it and let go
after the step, so that no process grows with the number of snapshots; what was read once stays in
the system's file cache, where all find it.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save
from torch import Tensor

from glassbotan.errors import InputError, RunError
from glassbotan.io.atomic import atomic_output
from glassbotan.io.cache import cache_home
from glassbotan.models.example import Example, Tensors

EXAMPLE_FORM = 4
"""Counts up when the files' form changes, so that older ones are made anew."""

ENDING = ".safetensors"


class ExampleFiles(Sequence[Example]):
    """The examples in files of the cache, each read anew when it is asked for.

    Parameters
    ----------
    names
        Of the files.
    kind
        Of the inputs' tensors in them.

    """

    def __init__(self, names: Sequence[str], kind: type[Tensors]) -> None:
        self.names, self.kind = list(names), kind

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return ExampleFiles(self.names[index], self.kind)
        return read_example(example_path(self.names[index]), self.kind)

    @property
    def n_bytes(self) -> int:
        """The memory that all of them would take."""
        # Indices are twice as long in memory; the largest example stands for the others.
        paths = [example_path(name) for name in self.names]
        largest = max(paths, key=lambda path: path.stat().st_size)
        return len(self) * read_example(largest, self.kind).n_bytes


def example_path(name: str) -> Path:
    """Return where the example of that name lies in this machine's cache."""
    return cache_home() / "examples" / f"{name}{ENDING}"


def is_stored(name: str) -> bool:
    """Tell whether the example's file is there and whole."""
    try:
        with safe_open(example_path(name), framework="pt") as file:
            return bool(file.keys())
    except (OSError, SafetensorError):
        return False


def write_example(name: str, example: Example) -> None:
    """Write an example's file: indices in 32 bits, the rest in the example's precision.

    Raises
    ------
    InputError
        The cache folder cannot be made or written.
    RunError
        The disk is full.

    """
    tensors = {
        **{f"target.{name}": values for name, values in example.targets.items()},
        **{
            f"graph.{name}": _whole(values, torch.int32)
            for name, values in example.graph.stored().items()
        },
        **{f"species.{k}": members.int() for k, members in enumerate(example.species)},
    }
    path = example_path(name)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"{path.parent}: cannot be made ({error.strerror}); name a folder for the cache in "
            "GLASSBOTAN_CACHE"
        ) from None
    with atomic_output(path) as temporary:
        temporary.write_bytes(save({key: value.contiguous() for key, value in tensors.items()}))


def read_example(path: Path, kind: type[Tensors]) -> Example:
    """Return the example in a file; vectors and targets are the file's own pages, mapped.

    Raises
    ------
    RunError
        The file has gone, or something else stands there.

    """
    try:
        stored = load_file(path)
        graph = {
            name: _whole(values, torch.int64) for name, values in _named(stored, "graph").items()
        }
        species = _named(stored, "species")
        return Example(
            kind.of_stored(graph),
            _named(stored, "target"),
            tuple(species[str(k)].long() for k in range(len(species))),
        )
    except (OSError, SafetensorError, KeyError) as error:
        raise RunError(
            f"{path}: cannot be read any more ({error}); go on with --resume, which makes it anew"
        ) from None


def _named(stored: dict[str, Tensor], part: str) -> dict[str, Tensor]:
    prefix = f"{part}."
    return {n.removeprefix(prefix): x for n, x in stored.items() if n.startswith(prefix)}


def _whole(values: Tensor, dtype: torch.dtype) -> Tensor:
    return values if values.is_floating_point() else values.to(dtype)
