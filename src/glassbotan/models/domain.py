"""Where a model is at home: what its training snapshots were like, and how another differs."""

from collections.abc import Sequence

import numpy as np

from glassbotan.models.card import Domain
from glassbotan.structure import Snapshot


def domain_of(snapshots: Sequence[Snapshot]) -> Domain:
    """Return the density, composition, temperature and energy of training snapshots."""
    n_species = 1 + max(int(s.species.max()) for s in snapshots)
    energies = [_energy(s) for s in snapshots]
    temperatures = {s.temperature for s in snapshots}
    return Domain(
        temperature=temperatures.pop() if len(temperatures) == 1 else None,
        density=float(np.mean([s.density for s in snapshots])),
        composition=[
            float(np.mean([s.composition.get(k, 0.0) for s in snapshots])) for k in range(n_species)
        ],
        energy=None if np.isnan(energies).any() else (np.mean(energies), np.std(energies)),
    )


def _energy(snapshot: Snapshot) -> float:
    return float("nan")
