"""A relaxation as plain numbers and lists, for JSON; what is not known is None."""

from typing import Any

from glassbotan.dynamics.estimate import plain
from glassbotan.dynamics.force_balance import ForceBalance
from glassbotan.dynamics.summary import Relaxation

FORM = 1
"""Counts up when the fields change."""


def relaxation_record(relaxation: Relaxation) -> dict[str, Any]:
    """Return all fields of a relaxation by their names; an estimate is its value and error."""
    found = plain(relaxation)
    of_all = {name: found.pop(name) for name in ("overlap", "susceptibility")}
    species = [
        {"species": one.pop("name"), "particles": one.pop("n_particles"), **one}
        for one in found.pop("species")
    ]
    particles = relaxation.n_particles
    return {"form": FORM, "particles": particles, **found, "species": species, "all": of_all}


def balance_record(balance: ForceBalance) -> dict[str, Any]:
    """Return whether configurations agree with a potential, and what that is based on."""
    windows = [{**w._asdict(), "species": list(w.species)} for w in balance.windows]
    return {"verdict": balance.verdict, **plain(balance), "windows": windows}
