"""The training recipe: one YAML file, validated before anything is computed."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, model_validator

from glassbotan.dynamics.quantities import QUANTITIES
from glassbotan.errors import InputError
from glassbotan.models.architecture import Model, ModelSettings, architecture
from glassbotan.models.potential import with_potential
from glassbotan.settings import Count, Fraction, Natural, Positive, Settings, checked
from glassbotan.yaml_mapping import read_mapping

LOSSES = {"propensity": "node_loss", "bond_extension": "bond_loss"}
"""Names in logs of mean squared errors, from the time when there were two."""


def loss_of(quantity: str) -> str:
    """Return what a quantity's mean squared error is called in logs."""
    return LOSSES.get(quantity, f"{quantity}_loss")


class ModelSection(Settings):
    """Which network, and where its weights start; further keys are its architecture's settings."""

    model_config = ConfigDict(extra="allow")
    architecture: str
    initial_weights: str | None = None
    """A bundled model's name, a file or a folder; fresh random weights without it."""

    @model_validator(mode="before")
    @classmethod
    def _with_settings(cls, given: Any) -> Any:
        """Check the architecture's settings, and fill in those that are not given."""
        if not isinstance(given, Mapping) or not isinstance(given.get("architecture"), str):
            return given
        try:
            kind = architecture(given["architecture"]).settings_type
        except InputError as error:
            raise InputError(f"model.architecture: {error}") from None
        own = {key: value for key, value in given.items() if key in cls.model_fields}
        rest = {key: value for key, value in given.items() if key not in own}
        if "times" in rest:
            raise InputError("unknown key 'model.times'; did you mean 'data.times'?")
        settings = checked(
            kind, rest, naming=lambda place: ".".join(("model", *map(str, place)))
        ).model_dump(mode="json", exclude={"times"})
        return {**own, **settings}

    @property
    def kind(self) -> type[Model]:
        """The class of the model."""
        return architecture(self.architecture)

    def settings(self, times: tuple[float, ...] = ()) -> ModelSettings:
        """Return what the model is built from, at these times."""
        return self.kind.settings_type(times=times, **(self.model_extra or {}))


class DataSection(Settings):
    """Files, folders, globs or parts of public data sets such as ``botan-small/train``."""

    train: list[str] = Field(min_length=1)
    validation: list[str] = Field(min_length=1)
    times: list[Positive] | None = None
    """Lennard-Jones times to learn; all that the training data have by default."""
    box: list[Positive] | None = None
    """Edge lengths, for files that lack them."""


class StageSection(Settings):
    """A part of the training with targets and learning rate of its own."""

    epochs: Count
    weights: dict[str, Annotated[float, Field(ge=0, allow_inf_nan=False)]] | None = None
    """Of each quantity's mean squared error in the loss; those not named count nothing."""
    node_weight: Fraction | None = None
    """p stands for weights of p for the propensity and 1 - p for the bond extension."""
    learning_rate: Positive
    schedule: Literal["constant", "cosine"] = "constant"
    """Constant, or falling to zero along a half cosine over the stage."""
    warmup_steps: Natural = 0

    @model_validator(mode="after")
    def _weighted_once(self) -> "StageSection":
        if (self.weights is None) == (self.node_weight is None):
            raise ValueError("give either weights, by quantity, or node_weight")
        if self.weights is not None and not any(self.weights.values()):
            raise ValueError("weights: one must be above 0")
        return self

    @property
    def loss_weights(self) -> dict[str, float]:
        """The weight of each quantity in the loss."""
        if self.weights is not None:
            return self.weights
        assert self.node_weight is not None
        return {"propensity": self.node_weight, "bond_extension": 1 - self.node_weight}

    def judged_by(self, monitor: str) -> str:
        """Return the figure that chooses the checkpoint: the loss, if no particle is learned."""
        learns = any(
            w > 0 and QUANTITIES[name].place == "particles" for name, w in self.loss_weights.items()
        )
        return monitor if learns else "loss"


class Recipe(Settings):
    """A whole training run."""

    name: str = Field(pattern=r"^[\w.-]+$")
    model: ModelSection
    data: DataSection
    stages: list[StageSection] = Field(default=[])
    """None for an architecture that is fitted at once."""
    offset_weight: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Weight in the loss of a snapshot's mean error, beside the error about that mean.

    1 is the plain mean squared error. Snapshots differ in their mean motion by as much as their
    particles do, and one snapshot a step makes that a large noise in the gradient; a smaller
    weight quiets it, so that fewer steps suffice."""
    standardise: bool = False
    """Whether errors are counted in units of the training labels' standard deviation at each time,
    so that every time and every quantity count alike; plain squared errors without it."""
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
    monitor: str = "loss"
    """The validation figure by which the best checkpoint is chosen: loss, pearson_A, or the mean
    squared error of one quantity (see ``loss_of``)."""
    precision: Literal["32-true", "16-mixed", "bf16-mixed", "64-true"] = "32-true"
    accelerator: Literal["auto", "cpu", "gpu"] = "auto"
    devices: int | Literal["auto"] = "auto"
    nodes: Count = 1
    seed: int = 0

    @model_validator(mode="after")
    def _stages_of_the_architecture(self) -> "Recipe":
        if self.model.kind.learns_by_steps != bool(self.stages):
            raise ValueError(
                "stages: give one or more"
                if self.model.kind.learns_by_steps
                else f"stages: {self.model.architecture} is fitted at once and has none"
            )
        quantities = self.model.settings().quantities
        figures = ["loss", "pearson_A", *map(loss_of, quantities)]
        if self.monitor not in figures:
            raise ValueError(
                f"monitor: input should be one of {', '.join(figures)} (it is {self.monitor!r})"
            )
        for k, stage in enumerate(self.stages):
            for name in stage.weights or {}:
                if name not in quantities:
                    raise ValueError(
                        f"stages.{k}.weights: {name!r} is not among model.quantities "
                        f"({', '.join(quantities)})"
                    )
        return self


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


def load_kept_recipe(path: Path) -> Recipe:
    """Read the recipe that a run's folder keeps; the first name no potential: see with_potential.

    Raises
    ------
    InputError
        See :func:`load_recipe`.

    """
    recipe = load_recipe(path)
    content = read_mapping(path, kind="a recipe", expected="of recipe keys")
    section = with_potential(content["model"], recipe.model.kind.settings_type)
    return checked(Recipe, {**content, "model": section}, source=str(path))


def _override(content: dict[str, Any], dotted: str, value: object) -> None:
    *parents, last = dotted.split(".")
    section: Any = content
    for key in parents:
        section = section[int(key)] if isinstance(section, list) else section.setdefault(key, {})
    if isinstance(section, list):
        section[int(last)] = value
    else:
        section[last] = value
