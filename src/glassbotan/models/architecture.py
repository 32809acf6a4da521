"""What an architecture offers, and the table of those that there are.

An architecture is a :class:`Model` with its :class:`ModelSettings`. What is computed of a snapshot
before a model sees it follows from the settings alone; what a model knows of its training
snapshots before the first step is set by ``prepare``. Nothing outside an architecture's file or
folder asks which one it is.

PyTorch is imported by the architectures that need it, and not here.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, NamedTuple, Protocol, TypeVar

from numpy.typing import NDArray
from pydantic import Field, field_validator

from glassbotan.dynamics.quantities import QUANTITIES
from glassbotan.errors import InputError
from glassbotan.progress import Progress, silent
from glassbotan.settings import Positive, Settings
from glassbotan.structure import NeighbourGraph, Snapshot

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from glassbotan.models.example import Example, Tensors

ARCHITECTURES = {
    "botan": "glassbotan.models.botan:Botan",
    "node-only": "glassbotan.models.node_only:NodeOnly",
    "linear": "glassbotan.models.linear:Linear",
    "caged": "glassbotan.models.caged.network:CagedNetwork",
}
"""Where each architecture's class is. Other packages name theirs in an entry point group."""

PLUG_INS = "glassbotan.architectures"
"""The entry point group: NAME = "package.module:Class"."""

WHOLE = -1
"""The fold of a snapshot that no part of a baseline was kept from."""

Count = Annotated[int, Field(ge=1, le=4096)]
"""Bounded, for models are built from cards before their weights are looked at."""
T = TypeVar("T")


class Inputs(Protocol):
    """What a model sees of one snapshot, in NumPy."""

    @property
    def graph(self) -> NeighbourGraph | None:
        """The bonds that it predicts quantities of, E directed edges; None where of none."""

    def tensors(self, dtype: "torch.dtype", fold: int = WHOLE) -> "Tensors":
        """Return the same as tensors, for training and for networks.

        Parameters
        ----------
        dtype
            Of its floating-point numbers.
        fold
            The part of a cross-validation that a training snapshot belongs to.

        """


class ModelSettings(Settings, ABC):
    """What a model is built from, stored in its card; a recipe's section "model" names it.

    Attributes
    ----------
    times
        The T times that it predicts, Lennard-Jones units; in a recipe the data's.
    quantities
        What it predicts, in the order of its outputs.
    dimension
        Space dimensions.

    """

    places: ClassVar[tuple[str, ...]] = ("particles", "bonds")
    """On which it can predict quantities."""
    inputs_take_long: ClassVar[bool] = False
    """Whether a training should say which snapshot's it computes."""

    times: tuple[Positive, ...] = Field(default=(), max_length=10_000)
    quantities: tuple[str, ...] = Field(default=("propensity", "bond_extension"), min_length=1)
    dimension: Literal[2, 3] = 3

    @field_validator("quantities")
    @classmethod
    def _predictable(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        known = [name for name, one in QUANTITIES.items() if one.place in cls.places]
        for name in names:
            if name not in known or names.count(name) > 1:
                raise ValueError(f"each must be another of {', '.join(known)}")
        return names

    @abstractmethod
    def inputs(self, snapshot: Snapshot, progress: Progress = silent) -> Inputs:
        """Compute what the model sees of a snapshot, or recall it from the cache.

        Raises
        ------
        InputError
            The snapshot is not one that the model can see.

        """

    @property
    def longest_bond(self) -> float:
        """The cutoff of the inputs' graph, length units; 0 where they have none."""
        return 0.0

    @abstractmethod
    def record(self) -> dict[str, Any]:
        """Return as JSON all but the snapshot that inputs follow from, for caches and cards."""

    def of(self, place: str) -> tuple[str, ...]:
        """Return the quantities on "particles" or on "bonds"."""
        return tuple(name for name in self.quantities if QUANTITIES[name].place == place)

    @property
    def columns(self) -> list[tuple[str, ...]]:
        """The quantities that share a column of outputs and its unit.

        The first on particles goes with the first on bonds, and so on; each column has T numbers.
        """
        particles, bonds = self.of("particles"), self.of("bonds")
        n_columns = max(len(particles), len(bonds))
        return [(*particles[k : k + 1], *bonds[k : k + 1]) for k in range(n_columns)]


class Predicted(NamedTuple):
    """What a model tells of one snapshot, by quantity.

    Attributes
    ----------
    values
        Shapes [T, N] on particles, [T, E] on the directed edges of the inputs' graph.
    errors
        Half-widths of 90 % intervals, of the same shapes; empty where none are told.

    """

    values: dict[str, NDArray[Any]]
    errors: dict[str, NDArray[Any]]


class Processes(Protocol):
    """The processes that train together, as one of them sees them."""

    @property
    def rank(self) -> int:
        """Number of this process."""

    @property
    def number(self) -> int:
        """Of all."""

    def first(self, function: Callable[[], T]) -> T:
        """Call a function on the first process and return its value on all."""

    def total(self, values: "Tensor") -> "Tensor":
        """Return the sum over all processes."""


@dataclass(frozen=True)
class Preparation:
    """What a model may use before its first step.

    Attributes
    ----------
    examples
        The training snapshots.
    units
        What one unit of error is, by quantity, each of shape [T].
    weights
        Of each quantity in the first stage's loss.
    fresh
        Whether what reads the outputs out begins afresh, rather than with trained weights.
    standardise
        Whether the recipe counts errors in units of the labels' spread.
    processes
        That share the examples; all must end with the same model.

    """

    examples: "Sequence[Example]"
    units: "Mapping[str, Tensor]"
    weights: Mapping[str, float]
    fresh: bool
    standardise: bool
    processes: Processes


class Model(ABC):
    """A model of one architecture, built from its settings.

    Those that learn by steps of gradient descent are :class:`glassbotan.models.network.Network`.
    """

    architecture: ClassVar[str]
    settings_type: ClassVar[type[ModelSettings]]
    learns_by_steps: ClassVar[bool] = True
    """Whether a recipe has stages; else ``prepare`` is all of the training."""
    turns_with_snapshot: ClassVar[bool] = False
    """Whether a snapshot that is turned with its box moves alike, by construction."""
    folds: ClassVar[int] = 1
    """Parts into which training snapshots are dealt for a cross-validation."""

    settings: ModelSettings

    def __init__(self, settings: ModelSettings) -> None:
        super().__init__()
        self.settings = settings

    @classmethod
    @abstractmethod
    def tensors_type(cls) -> "type[Tensors]":
        """Return the kind of its inputs as tensors."""

    @abstractmethod
    def prepare(self, preparation: Preparation) -> None:
        """Learn from the training snapshots what is known before the first step."""

    @abstractmethod
    def predict(self, inputs: Any) -> Predicted:
        """Return values, and errors where it knows them, from a snapshot's inputs."""

    @abstractmethod
    def weights(self) -> bytes:
        """Return the contents of its weights.safetensors."""

    @abstractmethod
    def load_weights(self, path: Path) -> None:
        """Take the weights of a file.

        Raises
        ------
        InputError
            It holds something else; see :func:`glassbotan.models.state.check_state`.

        """

    @property
    def device(self) -> str:
        """The kind of device that it computes on."""
        return "cpu"


_PARTS = ("architecture", "settings_type", "tensors_type", "prepare", "predict", "weights",
          "load_weights")  # fmt: skip


@cache
def architecture(name: str) -> type[Model]:
    """Return the class of an architecture's models.

    Raises
    ------
    InputError
        No such architecture; a plug-in that cannot be imported or lacks a part of the protocol.

    """
    plug_ins = (
        {} if name in ARCHITECTURES else {e.name: e.value for e in entry_points(group=PLUG_INS)}
    )
    if name not in {**ARCHITECTURES, **plug_ins}:
        known = ", ".join(sorted({*ARCHITECTURES, *plug_ins}))
        raise InputError(f"unknown architecture {name!r}; known are {known}")
    place = ARCHITECTURES.get(name) or plug_ins[name]
    try:
        module, _, attribute = place.partition(":")
        found: Any = getattr(import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise InputError(f"architecture {name!r} ({place}): cannot be loaded ({error})") from None
    lacking = [part for part in _PARTS if not hasattr(found, part)]
    lacking += sorted(getattr(found, "__abstractmethods__", ()))
    settings = getattr(found, "settings_type", ModelSettings)
    lacking += [f"settings_type.{part}" for part in sorted(settings.__abstractmethods__)]
    if lacking:
        raise InputError(
            f"architecture {name!r} ({place}): lacks {', '.join(dict.fromkeys(lacking))}; see "
            "glassbotan.models.architecture"
        )
    checked: type[Model] = found
    return checked
