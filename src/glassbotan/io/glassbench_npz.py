"""GlassBench: one snapshot with its measured motion, in one npz (doi:10.5281/zenodo.10118191).

``types`` [N] (1 = A, 2 = B, and in two dimensions 3 = C), ``initial_positions`` [N, d], their
inherent structure and cage state ``initial_positions_inherent`` and ``initial_positions_cage``,
``md_prop`` (propensity) and ``bb_prop`` (the part of a particle's bonds that are not broken) [T, N]
at ten times; the other order of axes, [N, T], is read as well. Box, temperature and times are not
in the published files; those that this project writes hold them, in ``box`` [d], ``temperature``
and ``times`` [T], and a prediction's errors, where it has some, in ``md_prop_error`` [T, N].
"""

import logging
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glassbotan.dynamics import Motion
from glassbotan.errors import InputError
from glassbotan.io import provenance as provenance_text
from glassbotan.io.atomic import atomic_output
from glassbotan.io.botan_npz import (
    published_box,
    published_times,
    system_name,
    temperature_of_name,
)
from glassbotan.io.npz import positive_number, read_members
from glassbotan.io.options import ReadOptions
from glassbotan.io.provenance import Provenance
from glassbotan.io.species import species_from_types
from glassbotan.structure import Snapshot
from glassbotan.structure.periodic import FloatArray

LOGGER = logging.getLogger("glassbotan")
DEFAULT_TEMPERATURE = 0.44

FIELDS = {
    "initial_positions_inherent": "positions_inherent",
    "initial_positions_cage": "positions_cage",
    "bb_prop": "bb_prop",
}
"""Names in the file, and the fields of a Snapshot that they become."""


def read(path: Path, options: ReadOptions) -> Snapshot:
    """Return the thermal snapshot; inherent, cage positions and bb_prop [N, T] are its fields."""
    return _snapshot(path, read_members(path, ["types", "initial_positions"], _OPTIONAL), options)


def read_motion(path: Path, options: ReadOptions) -> Motion:
    """Return propensity and, where it is there, bond breaking; bonds are not known."""
    required = ["types", "initial_positions", "md_prop"]
    members = read_members(path, required, [*_OPTIONAL, "times", "md_prop_error"])
    times = _times(path, members) if options.times is None else options.times
    snapshot = _snapshot(path, members, options)
    found = {
        name: _at_times(members, name, snapshot, times, path)
        for name in ("md_prop", "md_prop_error", "bb_prop")
        if name in members
    }
    values = {"propensity": found["md_prop"]}
    if "bb_prop" in found:
        _check_parts(found["bb_prop"], path)
        values["bond_breaking"] = 1 - found["bb_prop"]
    errors = {"propensity": found["md_prop_error"]} if "md_prop_error" in found else {}
    return Motion(snapshot, times, values, source=str(path), errors=errors)


def _check_parts(values: FloatArray, path: Path) -> None:
    if values.min() < 0 or values.max() > 1:
        raise InputError(f"{path}: bb_prop must be parts of a particle's bonds, between 0 and 1")


def _at_times(
    members: dict[str, NDArray[np.generic]],
    name: str,
    snapshot: Snapshot,
    times: FloatArray,
    path: Path,
) -> FloatArray:
    """Return the numbers of each particle at each time, shape [T, N]."""
    _check_finite(members[name], name, path)
    values = _by_particle(members[name], snapshot.n_particles, name, path)
    if values.shape[1] != len(times):
        raise InputError(
            f"{path}: {name} has shape {list(members[name].shape)}; "
            f"expected [{len(times)} times, particles]"
        )
    return np.ascontiguousarray(values.T, dtype=np.float64)


def write(path: Path, motion: Motion, provenance: Provenance | None) -> None:
    """Write propensity, bond breaking if known, and the states that the snapshot has as fields.

    Raises
    ------
    InputError
        The propensity of some particles is not known, or a field is not of its form.

    """
    arrays: dict[str, Any] = arrays_of(motion)
    with atomic_output(path) as temporary, temporary.open("wb") as out:
        np.savez(out, **arrays, provenance=np.array(provenance_text.to_json(provenance)))


def arrays_of(motion: Motion) -> dict[str, NDArray[np.generic]]:
    """Return what :func:`write` writes, except for the provenance; refuses the same."""
    snapshot, source = motion.snapshot, Path(motion.source or motion.snapshot.source)
    if not np.all(np.isfinite(motion.propensity)):
        raise InputError(
            f"{source}: its propensity is blank (NaN) for some particles; GlassBench's files hold "
            "a number for every one"
        )
    arrays: dict[str, NDArray[np.generic]] = {
        "types": snapshot.species + 1,
        "initial_positions": snapshot.positions,
        "md_prop": np.asarray(motion.propensity, dtype=np.float64),
        "box": snapshot.box,
        "times": motion.times,
    }
    if motion.propensity_error is not None:
        arrays["md_prop_error"] = np.asarray(motion.propensity_error, dtype=np.float64)
    broken = motion.values.get("bond_breaking")
    if broken is not None and not np.isnan(broken).any():
        arrays["bb_prop"] = 1 - broken.astype(np.float64)
    if snapshot.temperature is not None:
        arrays["temperature"] = np.array(snapshot.temperature)
    for name, field in FIELDS.items():
        if field not in snapshot.fields or name == "bb_prop":
            continue
        arrays[name] = values = snapshot.fields[field]
        if values.shape != snapshot.positions.shape:
            raise InputError(
                f"{source}: field {field} has shape {list(values.shape)}; "
                f"GlassBench's {name} needs {list(snapshot.positions.shape)}"
            )
    return arrays


def file_name(n_particles: int, temperature: float | None, number: int) -> str:
    """Return the published name: N4096T0.44_401.npz."""
    return f"{system_name(n_particles, temperature)}_{number}.npz"


def _times(path: Path, members: dict[str, NDArray[np.generic]]) -> FloatArray:
    if "times" in members:
        _check_finite(members["times"], "times", path)
        times: FloatArray = members["times"].astype(np.float64).reshape(-1)
        if not len(times) or times[0] <= 0 or np.any(np.diff(times) <= 0):
            raise InputError(f"{path}: times {times.tolist()} must be positive and increase")
        return times
    positions = members["initial_positions"]
    # The published times are those of the three-dimensional mixture.
    if positions.ndim == 2 and positions.shape[1] == 2:
        raise InputError(
            f"{path}: the times of two-dimensional files are not known; "
            "give them: glassbotan.read_motion(path, times=[...])"
        )
    return published_times(_temperature(path, members), str(path))


_OPTIONAL = [*FIELDS, "box", "temperature"]


def _snapshot(
    path: Path, members: dict[str, NDArray[np.generic]], options: ReadOptions
) -> Snapshot:
    positions, source = members["initial_positions"], str(path)
    _check_finite(positions, "initial_positions", path)
    box = options.box
    if box is None and "box" in members:
        _check_finite(members["box"], "box", path)
        box = members["box"].astype(np.float64).reshape(-1)
    fields = {FIELDS[name]: members[name] for name in FIELDS if name in members}
    for name, values in fields.items():
        _check_finite(values, name, path)
        if name == "bb_prop":
            fields[name] = _by_particle(values, len(positions), name, path)
        elif values.shape != positions.shape:
            raise InputError(
                f"{path}: {name} have shape {list(values.shape)}, "
                f"but initial_positions {list(positions.shape)}"
            )
    own = positive_number(members, "temperature", path)
    return Snapshot(
        positions=positions.astype(np.float64),
        species=species_from_types(members["types"], options.species, first=1, source=source),
        box=published_box(positions, box, source),
        fields=fields,
        temperature=temperature_of_name(path) if np.isnan(own) else own,
        source=source,
    )


def _by_particle(
    values: NDArray[np.generic], n_particles: int, name: str, path: Path
) -> NDArray[np.generic]:
    """Return values [T, N] as [N, T], which they may also be already."""
    if values.ndim == 2 and values.dtype.kind == "f":
        if values.shape[1] == n_particles:
            return values.T
        if values.shape[0] == n_particles:
            return values
    raise InputError(
        f"{path}: {name} has shape {list(values.shape)} and type {values.dtype}; expected numbers "
        f"of shape [times, {n_particles} particles]"
    )


def _temperature(path: Path, members: dict[str, NDArray[np.generic]]) -> float:
    own = positive_number(members, "temperature", path)
    temperature = temperature_of_name(path) if np.isnan(own) else own
    if temperature is None:
        LOGGER.info(
            "%s: neither file nor name tells the temperature; the times of T = %s are used",
            path,
            DEFAULT_TEMPERATURE,
        )
        return DEFAULT_TEMPERATURE
    return temperature


def _check_finite(values: NDArray[np.generic], name: str, path: Path) -> None:
    if values.dtype.kind not in "iuf" or not values.ndim or not np.all(np.isfinite(values)):
        raise InputError(f"{path}: {name} must be an array of finite numbers")
