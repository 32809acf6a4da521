"""The linear baseline: ridge regression of the propensity on structural descriptors."""

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from glassbotan.dynamics import Motion
from glassbotan.errors import InputError
from glassbotan.io.atomic import atomic_output
from glassbotan.io.npz import read_members
from glassbotan.models.ridge import ridge_within_groups
from glassbotan.structure import Snapshot
from glassbotan.structure.descriptors import DescriptorRecipe, descriptors
from glassbotan.structure.inherent import inherent_structure
from glassbotan.structure.periodic import FloatArray
from glassbotan.structure.potential import KOB_ANDERSEN, PairPotential, Shift
from glassbotan.structure.snapshot import IntArray, species_name

ALPHAS = tuple(float(alpha) for alpha in 10.0 ** np.arange(0, 6.1, 0.5))
"""Strengths of the penalty among which cross-validation chooses."""

FORM = "glassbotan linear baseline 1"

INHERENT = "positions_inherent"
"""Field of a snapshot with its inherent structure, where its file brought that along."""


@dataclass(frozen=True, eq=False)
class LinearBaseline:
    """Propensity of a particle as a linear function of the inherent structure around it.

    Descriptors after Boattini, Smallenburg, Filion, Phys. Rev. Lett. 127, 088007 (2021);
    a function of its own for each species and time.

    Attributes
    ----------
    times
        Shape [T], Lennard-Jones time units.
    species
        Species that can be predicted, shape [S].
    slopes
        Shape [S, T, D], length units per unit of the descriptor.
    intercepts
        Shape [S, T], length units.
    alphas
        Penalty on the slopes of standardised descriptors, shape [S, T].
    recipe
        Which descriptors.
    potential
        Whose inherent structure.

    Raises
    ------
    InputError
        Shapes disagree.

    """

    times: FloatArray
    species: IntArray
    slopes: FloatArray
    intercepts: FloatArray
    alphas: FloatArray
    recipe: DescriptorRecipe
    potential: PairPotential = KOB_ANDERSEN

    def __post_init__(self) -> None:
        """Refuse parameters that do not belong together."""
        each = (len(self.species), len(self.times))
        expected = {
            "times": each[1:],
            "species": each[:1],
            "slopes": (*each, self.recipe.n_columns),
            "intercepts": each,
            "alphas": each,
        }
        for name, shape in expected.items():
            found = getattr(self, name).shape
            if found != shape:
                raise InputError(
                    f"linear baseline: {name} have shape {list(found)}, expected {list(shape)}"
                )

    @classmethod
    def fit(
        cls,
        motions: Iterable[Motion],
        *,
        recipe: DescriptorRecipe | None = None,
        potential: PairPotential = KOB_ANDERSEN,
        alphas: Sequence[float] = ALPHAS,
    ) -> "LinearBaseline":
        """Fit to measured propensities.

        Slopes come from the differences between the particles of one snapshot: what sets a whole
        snapshot apart (its energy, the luck of its ensemble) shifts all its particles alike and
        would be learnt from as many examples as there are snapshots. The descriptors of all
        particles are held in memory about five times: 0.9 GB for ten snapshots of 4096 particles.

        Parameters
        ----------
        motions
            Measured motion of each snapshot, all at the same times. The inherent structure is
            computed where the snapshot has no field "positions_inherent".
        recipe
            Descriptors; ``DescriptorRecipe()`` by default.
        potential
            Interaction that defines the inherent structure.
        alphas
            Penalties to choose from, for each species and time, by the correlation within held-out
            snapshots (cross-validation in ten folds, or as many as there are snapshots). A single
            one is taken as it is.

        Raises
        ------
        InputError
            There is no snapshot, or but one and several penalties; times differ; a target is not
            finite; or a snapshot is refused by the inherent structure or the descriptors.

        """
        recipe = recipe or DescriptorRecipe()
        if not len(alphas) or not all(np.isfinite(alpha) and alpha > 0 for alpha in alphas):
            raise InputError("linear baseline: alphas must be one or more positive numbers")
        times: FloatArray | None = None
        parts = []
        for k, motion in enumerate(motions):
            times = motion.times if times is None else times
            _check_targets(motion, times)
            columns = _describe(motion.snapshot, recipe, potential)
            species = motion.snapshot.species
            parts.append((columns, motion.propensity.T, species, np.full(len(species), k)))
        if times is None:
            raise InputError("linear baseline: there is no snapshot to fit to")
        x, y, species, snapshots = (np.concatenate(part) for part in zip(*parts, strict=True))
        del parts
        fits = []
        for s in np.unique(species):
            members = species == s
            if len(alphas) > 1 and np.ptp(snapshots[members]) == 0:
                raise InputError(
                    f"linear baseline: species {species_name(int(s))} is in one snapshot only, and "
                    f"choosing among {len(alphas)} alphas by cross-validation takes two; give more "
                    "snapshots or one alpha"
                )
            fits.append(ridge_within_groups(x[members], y[members], snapshots[members], alphas))
        slopes, intercepts, chosen = (np.stack(part) for part in zip(*fits, strict=True))
        return cls(times, np.unique(species), slopes, intercepts, chosen, recipe, potential)

    def predict(self, snapshot: Snapshot) -> Motion:
        """Return the propensity of every particle at every time; bonds are not predicted.

        NaN for species that the baseline was not fitted to. The inherent structure is computed
        where the snapshot has no field "positions_inherent".

        Raises
        ------
        InputError
            The snapshot is refused by the inherent structure or the descriptors.

        """
        columns = _describe(snapshot, self.recipe, self.potential)
        propensity = np.full((len(self.times), snapshot.n_particles), np.nan)
        for k, species in enumerate(self.species):
            chosen = snapshot.species == species
            propensity[:, chosen] = self.slopes[k] @ columns[chosen].T + self.intercepts[k][:, None]
        # A mean length is not negative, whatever a straight line says.
        return Motion(snapshot, self.times, np.maximum(propensity, 0.0), source="linear baseline")

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the parameters as npz: numbers, and JSON text for the recipe.

        Raises
        ------
        InputError
            The file cannot be written there.
        RunError
            The disk is full.

        """
        with atomic_output(path) as temporary, temporary.open("wb") as file:
            np.savez_compressed(
                file,
                form=np.array(FORM),
                recipe=np.array(json.dumps(asdict(self.recipe))),
                **{name: getattr(self, name) for name in _ARRAYS},
                **{name: getattr(self.potential, name) for name in _POTENTIAL},
                shift=np.array(self.potential.shift),
            )

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "LinearBaseline":
        """Read parameters that :meth:`save` wrote.

        Raises
        ------
        InputError
            The file is not there, or holds something else.

        """
        path = Path(path)
        members = read_members(path, ["form", "recipe", *_ARRAYS, *_POTENTIAL], ["shift"])
        if str(members["form"]) != FORM:
            raise InputError(f"{path}: is of form {str(members['form'])[:60]!r}, expected {FORM!r}")
        arrays = {name: _numbers(members[name], name, path) for name in (*_ARRAYS, *_POTENTIAL)}
        try:
            return cls(
                times=arrays["times"],
                species=arrays["species"].astype(np.int64),
                slopes=arrays["slopes"],
                intercepts=arrays["intercepts"],
                alphas=arrays["alphas"],
                recipe=_recipe(str(members["recipe"])),
                potential=PairPotential(
                    **{name: arrays[name] for name in _POTENTIAL}, shift=_shift(members)
                ),
            )
        except (AttributeError, TypeError, ValueError) as error:
            raise InputError(f"{path}: its descriptor recipe cannot be read ({error})") from None
        except InputError as error:
            raise InputError(f"{path}: {error}") from None


_ARRAYS = ("times", "species", "slopes", "intercepts", "alphas")
_POTENTIAL = ("epsilon", "sigma", "cutoff")


def _shift(members: Mapping[str, NDArray[np.generic]]) -> Shift:
    """Return the potential's shift; the first files, all of shifted energy, do not name it."""
    named = str(members["shift"])[:60] if "shift" in members else "energy"
    # The potential refuses any other word.
    return cast("Shift", named)


def _describe(snapshot: Snapshot, recipe: DescriptorRecipe, potential: PairPotential) -> FloatArray:
    """Return the descriptors [N, D] of the snapshot's inherent structure."""
    if INHERENT not in snapshot.fields:
        return descriptors(inherent_structure(snapshot, potential), recipe)
    positions = np.asarray(snapshot.fields[INHERENT], dtype=np.float64)
    known = Snapshot(positions, snapshot.species, snapshot.box, source=snapshot.source)
    return descriptors(known, recipe)


def _check_targets(motion: Motion, times: FloatArray) -> None:
    if not np.array_equal(motion.times, times):
        raise InputError(
            f"{motion.source or motion.snapshot.source}: times are {motion.times.tolist()}, but "
            f"those of the first snapshot {times.tolist()}; all snapshots need the same times"
        )
    if not np.all(np.isfinite(motion.propensity)):
        raise InputError(
            f"{motion.source or motion.snapshot.source}: the propensity holds values that are not "
            "finite; the linear baseline needs one for every particle"
        )


def _numbers(values: NDArray[np.generic], name: str, path: Path) -> FloatArray:
    if values.dtype.kind not in "if" or not np.all(np.isfinite(values)):
        raise InputError(f"{path}: {name} must hold finite numbers")
    return values.astype(np.float64)


def _recipe(text: str) -> DescriptorRecipe:
    fields: dict[str, Any] = json.loads(text)
    tuples: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in fields.items()}
    return DescriptorRecipe(**tuples)
