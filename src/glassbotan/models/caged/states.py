"""The configurations around a snapshot that its inputs are made from; computed once and cached."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from itertools import accumulate

import numpy as np

from glassbotan.dynamics.bonds import UnorderedBonds
from glassbotan.io.cache import Arrays, cached_arrays
from glassbotan.models.caged.recipe import InputRecipe
from glassbotan.simulation.cage_state import CageState, sample_cage_state
from glassbotan.structure import Snapshot, neighbour_graph
from glassbotan.structure.descent import descent_path
from glassbotan.structure.inherent import inherent_structure
from glassbotan.structure.periodic import FloatArray
from glassbotan.structure.potential import KOB_ANDERSEN
from glassbotan.structure.snapshot import fingerprint

FORM = 1
"""Counts up when the same recipe comes to mean another computation."""

Progress = Callable[[str, float], object]
"""Told what is being computed, and which share of all is done."""

BEFORE_CAGES = 0.2
"""Share of the work that is descent and minimisation."""


@dataclass(frozen=True, eq=False)
class States:
    """Where a snapshot's particles go when nothing drives them, and when cages hold them.

    Attributes
    ----------
    descent
        Displacements along the path of steepest descent, shape [K, N, d], length units.
    inherent
        Displacement to the inherent structure, shape [N, d].
    cages
        One sampling for each of the recipe's; their pairs are the snapshot's bonds, each once.

    """

    descent: FloatArray
    inherent: FloatArray
    cages: tuple[CageState, ...]


def states_of(
    snapshot: Snapshot, recipe: InputRecipe, *, seed: int = 0, progress: Progress | None = None
) -> States:
    """Return a snapshot's states from the cache, or compute them: seconds for 4096 particles.

    For the Kob-Andersen mixture, whose temperatures the recipe's cages are made for.

    Raises
    ------
    InputError
        Unknown species, overlaps, or a box too small.
    RunError
        The minimisation or the sampling went astray.

    """
    record = {
        "computation": "states of the caged network",
        "form": FORM,
        "snapshot": fingerprint(snapshot),
        "recipe": asdict(recipe),
        "seed": seed,
    }
    arrays = cached_arrays(record, lambda: _compute(snapshot, recipe, seed, progress))
    return States(
        arrays["descent"],
        arrays["inherent"],
        tuple(_cage(arrays, f"cage{k}.") for k in range(len(recipe.cages))),
    )


def _compute(
    snapshot: Snapshot, recipe: InputRecipe, seed: int, progress: Progress | None
) -> Arrays:
    say = progress or _silent
    bonds = UnorderedBonds.of(neighbour_graph(snapshot, recipe.cutoff))
    say("steepest descent", 0.0)
    arrays: Arrays = {"descent": descent_path(snapshot, KOB_ANDERSEN, recipe.descent)}
    say("inherent structure", BEFORE_CAGES / 3)
    inherent = inherent_structure(snapshot, KOB_ANDERSEN).positions
    arrays["inherent"] = inherent - snapshot.positions
    costs = np.array([(cage.burn_in + cage.duration) / cage.timestep for cage in recipe.cages])
    shares = (1 - BEFORE_CAGES) * costs / costs.sum()
    begins = list(accumulate(shares, initial=BEFORE_CAGES))
    for k, (cage, begin, share) in enumerate(zip(recipe.cages, begins, shares, strict=False)):
        what = f"cage state {k + 1} of {len(recipe.cages)}"
        state = sample_cage_state(
            snapshot,
            inherent,
            cage,
            pairs=np.stack([bonds.first, bonds.second]),
            seed=seed + k,
            progress=lambda done, total, at=(what, begin, share): say(  # type: ignore[misc]
                at[0], at[1] + at[2] * done / total
            ),
        )
        arrays |= {f"cage{k}.{name}": values for name, values in vars(state).items()}
    return arrays


def _silent(_what: str, _share: float) -> None:
    """Tell nobody."""


def _cage(arrays: Arrays, prefix: str) -> CageState:
    return CageState(
        **{name.removeprefix(prefix): a for name, a in arrays.items() if name.startswith(prefix)}
    )
