"""Where a model is at home: what its training snapshots were like, and how another differs."""

from collections.abc import Sequence

import numpy as np

from glassbotan.errors import InputError
from glassbotan.models.card import Card, Domain
from glassbotan.models.potential import record_of
from glassbotan.structure import Snapshot
from glassbotan.structure.potential import (
    KOB_ANDERSEN,
    KOB_ANDERSEN_CUT,
    PairPotential,
    potential_energy,
)
from glassbotan.structure.snapshot import species_name

DENSITY_TOLERANCE = 0.01
COMPOSITION_TOLERANCE = 0.02
TEMPERATURE_TOLERANCE = 0.01
ENERGY_SPREADS = 6.0
"""A snapshot's energy further from the training mean than so many of its standard deviations."""
SMALLEST_SPREAD = 0.01
"""Energy per particle; ten snapshots alone may happen to lie closer together than is normal."""


def domain_of(snapshots: Sequence[Snapshot]) -> Domain:
    """Return the density, composition, temperature and energy of training snapshots."""
    n_species = 1 + max(int(s.species.max()) for s in snapshots)
    energies = [e for e in map(energy_per_particle, snapshots) if e is not None]
    temperatures = {s.temperature for s in snapshots}
    return Domain(
        temperature=temperatures.pop() if len(temperatures) == 1 else None,
        density=float(np.mean([s.density for s in snapshots])),
        composition=[
            float(np.mean([s.composition.get(k, 0.0) for s in snapshots])) for k in range(n_species)
        ],
        energy=(
            (float(np.mean(energies)), float(np.std(energies)))
            if len(energies) == len(snapshots)
            else None
        ),
        potential=record_of(KOB_ANDERSEN),
    )


def differences(snapshot: Snapshot, card: Card) -> list[str]:
    """Return one sentence for each way in which a snapshot is unlike the training data."""
    domain = card.domain
    if domain is None:
        return []
    found = []
    if abs(snapshot.density / domain.density - 1) > DENSITY_TOLERANCE:
        found.append(
            f"number density {snapshot.density:.4g} is away from the {domain.density:.4g} "
            f"that model {card.name!r} was trained at"
        )
    for species, trained in enumerate(domain.composition):
        fraction = snapshot.composition.get(species, 0.0)
        if abs(fraction - trained) > COMPOSITION_TOLERANCE:
            found.append(
                f"{100 * fraction:.1f} % of the particles are {species_name(species)}; "
                f"model {card.name!r} was trained with {100 * trained:.1f} %"
            )
    return found + _hotter_or_colder(snapshot, card.name, domain)


def energy_per_particle(
    snapshot: Snapshot, potential: PairPotential = KOB_ANDERSEN
) -> float | None:
    """Return the potential energy per particle.

    None where the potential does not apply: other dimensions, more species, a box too small.
    """
    if snapshot.dimension != 3 or max(snapshot.composition) >= potential.n_species:
        return None
    try:
        return potential_energy(snapshot, potential) / snapshot.n_particles
    except InputError:
        return None


def _hotter_or_colder(snapshot: Snapshot, name: str, domain: Domain) -> list[str]:
    """Compare temperatures where both are known, else potential energies."""
    known, trained = snapshot.temperature, domain.temperature
    if known is not None and trained is not None:
        if abs(known - trained) <= TEMPERATURE_TOLERANCE:
            return []
        return [
            f"temperature {known:g} is away from the {trained:g} that model {name!r} was trained at"
        ]
    given = domain.potential
    potential = KOB_ANDERSEN_CUT if given is None else PairPotential.from_json(given)
    energy = energy_per_particle(snapshot, potential)
    if domain.energy is None or energy is None:
        return []
    mean, spread = domain.energy
    if abs(energy - mean) <= ENERGY_SPREADS * max(spread, SMALLEST_SPREAD):
        return []
    kind = "hotter or less relaxed" if energy > mean else "colder or quenched"
    found = (
        f"potential energy per particle {energy:.3f} is away from the training data's {mean:.3f}: "
        f"a {kind} configuration than model {name!r} was trained on"
    )
    return [found]
