"""The published BOTAN data: one snapshot and its trajectories at one time, in one npz.

``types`` [N] (0 = A, 1 = B), ``initial_positions`` [N, 3], ``positions`` [R, N, 3] unwrapped.
Box, temperature and time are not in the published files: the box is known, the others stand in the
name, as in isoconfig_N4096T0.44_401_tc07.npz (the time index counts from 1). Files that this
project writes hold them as well, in ``box`` [d], ``temperature`` and ``time``, which the published
code passes over and which count more than the name.

Source: Shiba, Hanai, Suzumura, Shimokawabe, J. Chem. Phys. 158, 084503 (2023).
"""

import logging
import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from glassbotan.dynamics import IsoconfigurationalEnsemble
from glassbotan.errors import InputError
from glassbotan.io.npz import check_finite, positive_number, read_members, write_members
from glassbotan.io.options import BoxOption, ReadOptions, given_box
from glassbotan.io.provenance import Provenance
from glassbotan.io.species import species_from_types
from glassbotan.structure import Snapshot
from glassbotan.structure.periodic import FloatArray, wrap

LOGGER = logging.getLogger("glassbotan")

PUBLISHED_BOX = 15.05658
"""Edge of the cubic box of every published three-dimensional snapshot, length units."""
PUBLISHED_PARTICLES = 4096
PUBLISHED_TIMES: dict[float, tuple[float, ...]] = {
    0.44: (0.13, 1.3, 13, 130, 412, 1300, 4120, 13000, 41200, 130000),
    0.50: (0.108, 0.434, 2.17, 6.86, 21.7, 68.6, 217, 686, 2170, 6860),
    0.56: (0.104, 0.33, 0.99, 1.65, 5.2, 16.5, 52, 165, 520, 1650),
    0.64: (0.032, 0.1, 0.165, 0.52, 1.65, 5.2, 16.5, 52, 165, 520),
}
"""The ten published times, in Lennard-Jones units, by temperature in epsilon/k_B."""


_OWN = ["box", "temperature"]
"""What only this project's files hold of the snapshot."""


def read(path: Path, options: ReadOptions) -> Snapshot:
    """Return the snapshot that the trajectories start from."""
    members = read_members(path, ["types", "initial_positions"], _OWN)
    return published_snapshot(path, members, options, first=0)


def read_ensemble(path: Path, options: ReadOptions) -> IsoconfigurationalEnsemble:
    """Return the snapshot with its R trajectories at the file's one time."""
    required = ["types", "initial_positions", "positions"]
    members = read_members(path, required, [*_OWN, "time"])
    positions = members["positions"]
    if positions.ndim != 3 or positions.dtype.kind != "f":
        raise InputError(
            f"{path}: positions have shape {list(positions.shape)} and type {positions.dtype}; "
            "expected numbers of shape [trajectories, particles, dimensions]"
        )
    snapshot = published_snapshot(path, members, options, first=0)
    chosen = _time(path, members) if options.times is None else options.times
    trajectories: NDArray[np.floating] = positions[np.newaxis]  # type: ignore[assignment]  # kind f is floating
    return IsoconfigurationalEnsemble(snapshot, chosen, trajectories)


def write(path: Path, ensemble: IsoconfigurationalEnsemble, provenance: Provenance | None) -> None:
    """Write trajectories at one time as the published code reads them.

    Raises
    ------
    InputError
        The ensemble has several times, or a species that int8 does not hold.

    """
    write_members(path, arrays_of(ensemble), provenance)


def arrays_of(ensemble: IsoconfigurationalEnsemble) -> dict[str, NDArray[np.generic]]:
    """Return what :func:`write` writes, except for the provenance; refuses the same."""
    snapshot = ensemble.snapshot
    if len(ensemble.times) != 1:
        raise InputError(
            f"{snapshot.source}: has {len(ensemble.times)} times; a BOTAN npz holds one"
        )
    if snapshot.species.max() > np.iinfo(np.int8).max:
        raise InputError(
            f"{snapshot.source}: has species {snapshot.species.max()}; types of a BOTAN npz are "
            f"at most {np.iinfo(np.int8).max}"
        )
    shift = _shift(snapshot)
    arrays: dict[str, NDArray[np.generic]] = {
        "types": snapshot.species.astype(np.int8),
        "initial_positions": snapshot.positions + shift,
        "positions": ensemble.positions[0].astype(np.float64) + shift,
        "box": snapshot.box,
        "time": ensemble.times[0],
    }
    if snapshot.temperature is not None:
        arrays["temperature"] = np.array(snapshot.temperature)
    return arrays


def _shift(snapshot: Snapshot) -> FloatArray | float:
    """Return the whole boxes to move particles by, for the published code folds pairs only once."""
    if np.all(np.ptp(snapshot.positions, axis=0) <= snapshot.box):
        return 0.0
    return wrap(snapshot.positions, snapshot.box) - snapshot.positions


def file_name(n_particles: int, temperature: float | None, number: int, time: float) -> str:
    """Return the published name: isoconfig_N4096T0.44_401_tc07.npz.

    A time that is not published for the temperature stands for itself: ..._401_t0.2.npz.
    """
    published = PUBLISHED_TIMES.get(temperature or np.nan, ())
    index = next((k for k, t in enumerate(published, start=1) if np.isclose(t, time)), None)
    suffix = f"t{time:.12g}" if index is None else f"tc{index:02d}"
    return f"isoconfig_{system_name(n_particles, temperature)}_{number}_{suffix}.npz"


def system_name(n_particles: int, temperature: float | None) -> str:
    """Return N4096T0.44, as the names of published files have it."""
    if temperature is None:
        return f"N{n_particles}"
    short = f"{temperature:.2f}"
    return f"N{n_particles}T{short if float(short) == temperature else repr(temperature)}"


def temperature_of_name(path: Path) -> float | None:
    """Return the temperature that a file name such as isoconfig_N4096T0.44_401 tells."""
    found = re.search(r"T(\d+\.\d+)(?=_|\.npz|-|$)", path.name)
    return float(found[1]) if found else None


def published_times(temperature: float, source: str) -> FloatArray:
    """Return the ten times published for a temperature, shape [10].

    Raises
    ------
    InputError
        There is no data set of that temperature.

    """
    if temperature not in PUBLISHED_TIMES:
        known = ", ".join(f"{t:.2f}" for t in PUBLISHED_TIMES)
        raise InputError(
            f"{source}: no times are published for T = {temperature:g} (only for {known}); "
            "give the times"
        )
    return np.array(PUBLISHED_TIMES[temperature])


def published_snapshot(
    path: Path,
    members: Mapping[str, NDArray[np.generic]],
    options: ReadOptions,
    *,
    first: int,
) -> Snapshot:
    """Return the snapshot of a published file whose types count from ``first``.

    Raises
    ------
    InputError
        An array is not of its form, or the box is not known.

    """
    positions, source = members["initial_positions"], str(path)
    # Before the box is looked for: with a NaN no box fits, which would name the wrong fault.
    check_finite(positions, "initial_positions", path)
    box = options.box
    if box is None and "box" in members:
        box = members["box"].reshape(-1)  # type: ignore[assignment]  # checked with any other
    own = positive_number(members, "temperature", path)
    return Snapshot(
        positions=positions.astype(np.float64),
        species=species_from_types(members["types"], options.species, first=first, source=source),
        box=_box(positions, box, source),
        temperature=temperature_of_name(path) if np.isnan(own) else own,
        source=source,
    )


def _box(positions: NDArray[np.generic], box: BoxOption, source: str) -> FloatArray:
    """Return the given box or, for the published system and no other, the published one."""
    if positions.ndim != 2 or positions.shape[1] not in (2, 3):
        raise InputError(
            f"{source}: initial_positions have shape {list(positions.shape)}; "
            "expected [N, 2] or [N, 3]"
        )
    if box is not None:
        return given_box(box, positions.shape[1], source)
    extent = np.ptp(positions.astype(np.float64), axis=0)
    # 4096 particles come within a per mille or so of every face of the box they were wrapped to.
    fits = np.all((extent > 0.97 * PUBLISHED_BOX) & (extent < 1.001 * PUBLISHED_BOX))
    if positions.shape != (PUBLISHED_PARTICLES, 3) or not fits:
        raise InputError(
            f"{source}: the format has no box, and this is not the published system of "
            f"{PUBLISHED_PARTICLES} particles in a cube of edge {PUBLISHED_BOX}; give the box"
        )
    LOGGER.info(
        "%s: the format has no box; the published one, %s, is used (override with --box)",
        source,
        PUBLISHED_BOX,
    )
    return np.full(3, PUBLISHED_BOX)


def _time(path: Path, members: Mapping[str, NDArray[np.generic]]) -> FloatArray:
    """Return the file's one time, else that of its name, shape [1]."""
    own = positive_number(members, "time", path)
    if not np.isnan(own):
        return np.array([own])
    temperature = temperature_of_name(path)
    index = re.search(r"_tc(\d{1,3})(?!\d)", path.name)
    if temperature is None or not index:
        raise InputError(
            f"{path}: the time is not in the file, and the name does not tell temperature and "
            "time index as in T0.44_401_tc07; give the time"
        )
    times = published_times(temperature, str(path))
    k = int(index[1])
    if not 1 <= k <= len(times):
        raise InputError(f"{path}: time index tc{index[1]} is not one of 1 to {len(times)}")
    return times[k - 1 : k]
