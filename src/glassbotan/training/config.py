"""The training recipe: one YAML file, validated before anything is computed."""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from glassbotan.errors import InputError
from glassbotan.settings import checked
from glassbotan.yaml_mapping import read_mapping

Positive = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=1)]
Fraction = Annotated[float, Field(ge=0, le=1)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ModelSection(_Section):
    """Which network, and where its weights start."""

    architecture: Literal["botan", "node-only", "caged"]
    initial_weights: str | None = None
    """A bundled model's name, a file or a folder; fresh random weights without it."""
    dimension: Literal[2, 3] = 3
    cutoff: Positive = 2.0
    width: Count = 64
    steps: Count = 7


class DataSection(_Section):
    """Files, folders, globs or parts of public data sets such as ``botan-small/train``."""

    train: list[str] = Field(min_length=1)
    validation: list[str] = Field(min_length=1)
    times: list[Positive] | None = None
    """Lennard-Jones times to learn; all that the training data have by default."""
    box: list[Positive] | None = None
    """Edge lengths, for files that lack them."""


class StageSection(_Section):
    """A part of the training with targets and learning rate of its own."""

    epochs: Count
    node_weight: Fraction
    """p in the loss p * node MSE + (1 - p) * bond MSE."""
    learning_rate: Positive
    schedule: Literal["constant", "cosine"] = "constant"
    """Constant, or falling to zero along a half cosine over the stage."""
    warmup_steps: Annotated[int, Field(ge=0)] = 0


class Recipe(_Section):
    """A whole training run."""

    name: str = Field(pattern=r"^[\w.-]+$")
    model: ModelSection
    data: DataSection
    stages: list[StageSection] = Field(min_length=1)
    offset_weight: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Weight in the loss of a snapshot's mean error, beside the error about that mean.

    1 is the plain mean squared error. Snapshots differ in their mean motion by as much as their
    particles do, and one snapshot a step makes that a large noise in the gradient; a smaller
    weight quiets it, so that fewer steps suffice."""
    standardise: bool = False
    """Whether errors are counted in units of the training labels' standard deviation at each time,
    so that every time, and particles and bonds, count alike; plain squared errors without it."""
    augmentation: Literal["cubic", "none"] = "cubic"
    batch: Count = 1
    """Snapshots whose gradients are averaged in one step."""
    gradient_norm: Positive | None = 1.0
    weight_averaging: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Decay per step of the running mean of weights that is validated and kept; 0 turns it off."""
    patience: Count | None = None
    """Validations without a better one after which training stops."""
    validate_every: Count = 1
    """Epochs between validations."""
    monitor: Literal["loss", "node_loss", "bond_loss", "pearson_A"] = "loss"
    """The validation figure by which the best checkpoint is chosen."""
    precision: Literal["32-true", "16-mixed", "bf16-mixed", "64-true"] = "32-true"
    accelerator: Literal["auto", "cpu", "gpu"] = "auto"
    devices: int | Literal["auto"] = "auto"
    nodes: Count = 1
    seed: int = 0


def load_recipe(path: str | Path, overrides: dict[str, Any] | None = None) -> Recipe:
    """Read and validate a recipe.

    Parameters
    ----------
    path
        YAML file.
    overrides
        Values by dotted key, such as ``{"data.train": ["folder"], "seed": 1}``.

    Raises
    ------
    InputError
        The file is missing or no YAML mapping, or a key or value is wrong; names the key and, for
        an unknown one, the nearest known.

    """
    content = read_mapping(path, kind="a recipe", expected="of recipe keys")
    for key, value in (overrides or {}).items():
        try:
            _override(content, key, value)
        except (TypeError, ValueError, IndexError, AttributeError):
            raise InputError(f"{path}: there is no key {key!r} to set") from None
    return checked(Recipe, content, source=str(path))


def _override(content: dict[str, Any], dotted: str, value: object) -> None:
    *parents, last = dotted.split(".")
    section: Any = content
    for key in parents:
        section = section[int(key)] if isinstance(section, list) else section.setdefault(key, {})
    if isinstance(section, list):
        section[int(last)] = value
    else:
        section[last] = value
