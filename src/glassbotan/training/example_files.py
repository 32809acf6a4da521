"""Examples as files that all processes of a machine map into memory and share.

A file of 4096 particles and one time is 5 MB. It is mapped when a draw asks for it and let go
after the step, so that no process grows with the number of snapshots; what was read once stays in
the system's file cache, where all find it.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import overload

from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save
from torch import Tensor

from glassbotan.errors import InputError, RunError
from glassbotan.io.atomic import atomic_output
from glassbotan.io.cache import cache_home
from glassbotan.models.caged.tensors import CagedTensors
from glassbotan.models.graph_tensors import GraphTensors
from glassbotan.training.example import Example, Graph

EXAMPLE_FORM = 2
"""Counts up when the files' form changes, so that older ones are made anew."""

ENDING = ".safetensors"

GRAPHS: dict[str, type[GraphTensors | CagedTensors]] = {
    "graph": GraphTensors,
    "caged": CagedTensors,
}
"""Kinds of input tensors, by the first part of their names in the file."""


class ExampleFiles(Sequence[Example]):
    """The examples in files of the cache, each read anew when it is asked for."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = list(names)

    def __len__(self) -> int:
        return len(self.names)

    @overload
    def __getitem__(self, index: int) -> Example: ...
    @overload
    def __getitem__(self, index: slice) -> "ExampleFiles": ...
    def __getitem__(self, index: int | slice) -> "Example | ExampleFiles":
        if isinstance(index, slice):
            return ExampleFiles(self.names[index])
        return read_example(example_path(self.names[index]))

    @property
    def n_bytes(self) -> int:
        """The memory that all of them would take."""
        # Indices are twice as long in memory; the largest example stands for the others.
        paths = [example_path(name) for name in self.names]
        largest = max(paths, key=lambda path: path.stat().st_size)
        return len(self) * read_example(largest).n_bytes


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
    [kind] = [name for name, form in GRAPHS.items() if isinstance(example.graph, form)]
    tensors = {
        "nodes": example.nodes,
        **{f"{kind}.{name}": _short(values) for name, values in example.graph.stored().items()},
        **{f"species.{k}": members.int() for k, members in enumerate(example.species)},
    }
    if example.bonds is not None:
        tensors["bonds"] = example.bonds
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


def read_example(path: Path) -> Example:
    """Return the example in a file; vectors and targets are the file's own pages, mapped.

    Raises
    ------
    RunError
        The file has gone, or something else stands there.

    """
    try:
        stored = load_file(path)
        return Example(_graph(stored), stored["nodes"], stored.get("bonds"), _species(stored))
    except (OSError, SafetensorError, KeyError) as error:
        raise RunError(
            f"{path}: cannot be read any more ({error}); go on with --resume, which makes it anew"
        ) from None


def _graph(stored: dict[str, Tensor]) -> Graph:
    for kind, form in GRAPHS.items():
        prefix = f"{kind}."
        parts = {
            name.removeprefix(prefix): values if values.is_floating_point() else values.long()
            for name, values in stored.items()
            if name.startswith(prefix)
        }
        if parts:
            return form.of_stored(parts)
    raise KeyError("graph")


def _short(values: Tensor) -> Tensor:
    return values if values.is_floating_point() else values.int()


def _species(stored: dict[str, Tensor]) -> tuple[Tensor, ...]:
    count = sum(key.startswith("species.") for key in stored)
    return tuple(stored[f"species.{k}"].long() for k in range(count))
