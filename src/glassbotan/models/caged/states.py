"""The configurations around a snapshot that its inputs are made from; computed once and cached."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from threading import Event

from glassbotan.errors import InputError, RunError
from glassbotan.io.cache import Arrays, cached_arrays
from glassbotan.models.caged.settings import CagedSettings
from glassbotan.progress import Progress, silent
from glassbotan.simulation.cage_state import CageState, cores, sample_cage_state
from glassbotan.structure import Snapshot
from glassbotan.structure.descent import descent_path
from glassbotan.structure.graph import unordered_pairs
from glassbotan.structure.inherent import inherent_structure
from glassbotan.structure.periodic import FloatArray
from glassbotan.structure.snapshot import fingerprint

BEFORE_CAGES = 0.15
"""Share of the work that is minimisation."""


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
    snapshot: Snapshot, recipe: CagedSettings, *, seed: int = 0, progress: Progress = silent
) -> States:
    """Return a snapshot's states from the cache, or compute them: seconds for 4096 particles.

    Raises
    ------
    InputError
        Unknown species, overlaps, or a box shorter than twice the recipe's reach.
    RunError
        The minimisation or the sampling went astray.

    """
    shortest = float(snapshot.box.min())
    if shortest < 2 * recipe.reach:
        raise InputError(
            f"{snapshot.source}: its shortest box edge is {shortest:g}; the caged network sees as "
            f"far as {recipe.reach:g}, so that every edge must be {2 * recipe.reach:g} or longer; "
            "use another model, such as botan"
        )
    record = {
        "computation": "states of the caged network",
        "snapshot": fingerprint(snapshot),
        "recipe": recipe.record(),
        "seed": seed,
    }
    arrays = cached_arrays(record, lambda: _compute(snapshot, recipe, seed, progress))
    return States(
        arrays["descent"],
        arrays["inherent"],
        tuple(_cage(arrays, f"cage{k}.") for k in range(len(recipe.cages))),
    )


def _compute(snapshot: Snapshot, recipe: CagedSettings, seed: int, progress: Progress) -> Arrays:
    progress(0, 1, "inherent structure")
    inherent = inherent_structure(snapshot, recipe.potential).positions
    pairs, _ = unordered_pairs(snapshot, recipe.cutoff)
    steps = [round((c.burn_in + c.duration) / c.timestep) for c in recipe.cages]
    done = [0.0] * len(steps)
    stopped = Event()

    def sampling(k: int, now: float, *_: object, **__: object) -> None:
        if stopped.is_set():
            raise RunError(f"{snapshot.source}: sampling was given up")
        done[k] = now
        share = sum(done) / sum(steps)
        progress(BEFORE_CAGES + (1 - BEFORE_CAGES) * share, 1, "cage states")

    with ThreadPoolExecutor(cores()) as pool:
        running = {
            k: pool.submit(
                sample_cage_state,
                snapshot,
                inherent,
                recipe.cages[k],
                potential=recipe.potential,
                pairs=pairs,
                seed=seed + k,
                threads=1,
                progress=partial(sampling, k),
            )
            for k in sorted(range(len(steps)), key=lambda k: -steps[k])
        }
        # Cheapest, and so last: the core that is free first takes it.
        descent = pool.submit(descent_path, snapshot, recipe.potential, recipe.descent)
        try:
            states = [running[k].result() for k in range(len(running))]
        except BaseException:
            # Ctrl-C, or one that blew up: the others need not go on.
            stopped.set()
            raise
        arrays: Arrays = {"inherent": inherent - snapshot.positions}
        for k, state in enumerate(states):
            arrays |= {f"cage{k}.{name}": values for name, values in vars(state).items()}
        return arrays | {"descent": descent.result()}


def _cage(arrays: Arrays, prefix: str) -> CageState:
    return CageState(
        **{name.removeprefix(prefix): a for name, a in arrays.items() if name.startswith(prefix)}
    )
