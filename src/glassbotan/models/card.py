"""The model card: everything that is known of a set of weights besides the weights."""

from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from glassbotan.errors import InputError
from glassbotan.settings import Fraction, Positive

WEIGHTS, CARD, RIDGE = "weights.safetensors", "model.json", "ridge.npz"
"""Files of a model folder; the last instead of the first in old ones of the linear baseline."""


class Domain(BaseModel):
    """What the training snapshots were like; snapshots unlike them are predicted with a warning.

    Attributes
    ----------
    temperature
        Of the training snapshots, units of epsilon/k_B; None where it was not known.
    density
        Number density, mean over training snapshots.
    composition
        Fraction of each species, in order.
    energy
        Mean and standard deviation over training snapshots of the potential energy per particle:
        a thermometer that every snapshot carries; None where it cannot be had.
    potential
        All of the pair potential that this is the energy of; of cards that name none, Kob and
        Andersen's with the force cut.

    """

    model_config = ConfigDict(extra="forbid")
    temperature: float | None = None
    density: Positive
    composition: list[Fraction]
    energy: tuple[float, float] | None = None
    potential: dict[str, Any] | None = None


class Card(BaseModel):
    """Stored as model.json beside the weights."""

    model_config = ConfigDict(extra="forbid")
    name: str
    architecture: str
    description: str = ""
    system: str = "Kob-Andersen mixture"
    times: list[Positive] = Field(min_length=1, max_length=10_000)
    targets: list[str] = Field(default_factory=lambda: ["particles A", "particles B", "bonds"])
    """What its outputs were trained on; others mean nothing."""
    quantities: list[str] = Field(default_factory=list)
    """Those that it was trained on."""
    settings: dict[str, Any] = Field(default_factory=dict)
    """What its architecture builds it from, besides the times."""
    inputs: dict[str, Any] = Field(default_factory=dict)
    """What its inputs follow from besides the snapshot, as its architecture records it."""
    domain: Domain | None = None
    data: dict[str, Any] = Field(default_factory=dict)
    recipe: dict[str, Any] = Field(default_factory=dict)
    scores: dict[str, Any] = Field(default_factory=dict)
    provenance: dict[str, Any] = Field(default_factory=dict)
    citation: str = ""
    licence: str = "Apache-2.0"

    @model_validator(mode="before")
    @classmethod
    def _of_first_form(cls, given: Any) -> Any:
        """Read cards that named four settings beside the others, and targets but no quantities."""
        if not isinstance(given, dict):
            return given
        card, recipe = dict(given), given.get("recipe")
        if "settings" not in card:
            card["settings"] = {k: card.pop(k) for k in _FIRST_SETTINGS if k in card}
        if "quantities" not in card:
            targets = " ".join(map(str, card.get("targets") or ["particles bonds"]))
            kinds = {"propensity": "particles", "bond_extension": "bonds"}
            card["quantities"] = [name for name, kind in kinds.items() if kind in targets]
        if isinstance(recipe, dict) and isinstance(recipe.get("inputs"), dict):
            card["recipe"] = {k: v for k, v in recipe.items() if k != "inputs"}
            card["inputs"] = {"form": 1, **recipe["inputs"]}
        return card

    def __repr__(self) -> str:
        """Return what model it is of, in a line."""
        what = ", ".join(self.quantities)
        when = f"t = {self.times[0]:g} to {self.times[-1]:g}"
        score = f"; {self.headline}" if self.headline else ""
        return f"<Card {self.name} ({self.architecture}): {what} at {when}{score}>"

    @property
    def headline(self) -> str:
        """Mean correlation on validation snapshots, last time: of A propensity, else AA bonds."""
        for part, group in (("particles", "A"), ("bonds", "AA")):
            found = [
                f"{group} {row['pearson_mean']:.3f} (t = {row['time']:g})"
                for row in self.scores.get(part, [])
                if row["species"] == group and row["pearson_mean"] is not None
            ]
            if found:
                return found[-1]
        return ""


_FIRST_SETTINGS = ("dimension", "cutoff", "width", "steps")


def read_card(path: Path) -> Card:
    """Read a model.json.

    Raises
    ------
    InputError
        It is missing, no JSON, or a field is wrong.

    """
    try:
        return Card.model_validate_json(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not a text file"
        raise InputError(f"{path}: cannot be read ({reason})") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "file"
        raise InputError(f"{path}: {where}: {first['msg']}") from None
