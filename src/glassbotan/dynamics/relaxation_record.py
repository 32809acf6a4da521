"""A relaxation as plain numbers and lists, for JSON; what is not known is None."""

import math
from typing import Any

from glassbotan.dynamics.estimate import Estimate
from glassbotan.dynamics.force_balance import ForceBalance
from glassbotan.dynamics.overlap import Susceptibility
from glassbotan.dynamics.summary import Relaxation, SpeciesRelaxation

FORM = 1
"""Counts up when the fields change."""


def relaxation_record(relaxation: Relaxation) -> dict[str, Any]:
    """Return all fields of a relaxation by their names; an estimate is its value and error."""
    return {
        "form": FORM,
        "temperature": relaxation.temperature,
        "dimension": relaxation.dimension,
        "particles": relaxation.n_particles,
        "overlap_length": relaxation.overlap_length,
        "times": relaxation.times.tolist(),
        "snapshots": relaxation.snapshots.tolist(),
        "trajectories": relaxation.trajectories.tolist(),
        "species": [_species(one) for one in relaxation.species],
        "all": {
            "overlap": _estimate(relaxation.overlap),
            "susceptibility": _susceptibility(relaxation.susceptibility),
        },
    }


def _species(species: SpeciesRelaxation) -> dict[str, Any]:
    return {
        "species": species.name,
        "particles": species.n_particles,
        "mass": species.mass,
        "wave_number": species.wave_number,
        "tau_alpha": _estimate(species.tau_alpha),
        "scattering": _estimate(species.scattering),
        "squared_displacement": _estimate(species.squared_displacement),
        "non_gaussian": _estimate(species.non_gaussian),
        "overlap": _estimate(species.overlap),
        "susceptibility": _susceptibility(species.susceptibility),
    }


def balance_record(balance: ForceBalance) -> dict[str, Any]:
    """Return whether configurations agree with a potential, and what that is based on."""
    return {
        "verdict": balance.verdict,
        "configurations": balance.configurations,
        "windows": [
            {"species": list(w.species), "start": w.start, "end": w.end} for w in balance.windows
        ],
        "divergence": balance.divergence.tolist(),
        "residual": _estimate(balance.residual),
    }


def _susceptibility(susceptibility: Susceptibility) -> dict[str, Any]:
    return {name: _estimate(part) for name, part in vars(susceptibility).items()}


def _estimate(estimate: Estimate) -> dict[str, Any]:
    return {"value": _known(estimate.value.tolist()), "error": _known(estimate.error.tolist())}


def _known(values: Any) -> Any:
    if isinstance(values, list):
        return [_known(value) for value in values]
    return values if math.isfinite(values) else None
