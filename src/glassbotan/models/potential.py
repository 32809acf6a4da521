"""The pair potential that a model's inputs follow from: in its settings and card completely."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, InstanceOf, PlainSerializer

from glassbotan.structure.potential import KOB_ANDERSEN_CUT, PairPotential
from glassbotan.structure.potentials import load_potential


def _potential(given: Any) -> Any:
    if isinstance(given, str):
        return load_potential(given)
    return PairPotential.from_json(given) if isinstance(given, Mapping) else given


def record_of(potential: PairPotential) -> dict[str, Any]:
    """Return all that it consists of, as JSON takes it."""
    return potential.to_json(complete=True)


Potential = Annotated[
    InstanceOf[PairPotential], BeforeValidator(_potential), PlainSerializer(record_of)
]
"""A setting: a mixture's name, a YAML file of one, or the record of another card."""


def with_potential(kept: Mapping[str, Any], kind: type[BaseModel]) -> dict[str, Any]:
    """Return what was kept of a model's settings, with the potential that it follows from.

    The first cards and recipes name none: all were of the force that is cut.
    """
    if "potential" not in kind.model_fields:
        return dict(kept)
    return {"potential": record_of(KOB_ANDERSEN_CUT), **kept}
