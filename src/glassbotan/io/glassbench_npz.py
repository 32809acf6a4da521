"""GlassBench: one snapshot with its measured motion, in one npz (doi:10.5281/zenodo.10118191).

``types`` [N] (1 = A, 2 = B, and in two dimensions 3 = C), ``initial_positions`` [N, d], their
inherent structure and cage state ``initial_positions_inherent`` and ``initial_positions_cage``,
``md_prop`` (propensity) and ``bb_prop`` (the part of a particle's bonds that are not broken) [T, N]
at ten times; the other order of axes, [N, T], is read as well. Box, temperature and times are not
in the published files; those that this project writes hold them, in ``box`` [d], ``temperature``
and ``times`` [T], and a prediction's errors, where it has some, in ``md_prop_error`` [T, N].
"""

import logging
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from glassbotan.dynamics import Motion
from glassbotan.errors import InputError
from glassbotan.io.botan_npz import published_snapshot, published_times, system_name
from glassbotan.io.npz import check_finite, read_members, write_members
from glassbotan.io.options import ReadOptions
from glassbotan.io.provenance import Provenance
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
_OPTIONAL = [*FIELDS, "box", "temperature"]


def read(path: Path, options: ReadOptions) -> Snapshot:
    """Return the thermal snapshot; inherent, cage positions and bb_prop [N, T] are its fields."""
    return _snapshot(path, read_members(path, ["types", "initial_positions"], _OPTIONAL), options)


def read_motion(path: Path, options: ReadOptions) -> Motion:
    """Return propensity and, where it is there, bond breaking; bonds are not known."""
    required = ["types", "initial_positions", "md_prop"]
    members = read_members(path, required, [*_OPTIONAL, "times", "md_prop_error"])
    snapshot = _snapshot(path, members, options)
    times = _times(path, members, snapshot) if options.times is None else options.times
    found: dict[str, FloatArray] = {}
    for name in ("md_prop", "md_prop_error", "bb_prop"):
        if name in members:
            check_finite(members[name], name, path)
            values = _by_particle(members[name], snapshot.n_particles, name, path).T
            if len(values) != len(times):
                raise InputError(
                    f"{path}: {name} has shape {list(members[name].shape)}; "
                    f"expected [{len(times)} times, particles]"
                )
            found[name] = np.ascontiguousarray(values, dtype=np.float64)
    quantities = {"propensity": found["md_prop"]}
    if "bb_prop" in found:
        if found["bb_prop"].min() < 0 or found["bb_prop"].max() > 1:
            raise InputError(
                f"{path}: bb_prop must be parts of a particle's bonds, between 0 and 1"
            )
        quantities["bond_breaking"] = 1 - found["bb_prop"]
    errors = {"propensity": found["md_prop_error"]} if "md_prop_error" in found else {}
    return Motion(snapshot, times, quantities, source=str(path), errors=errors)


def write(path: Path, motion: Motion, provenance: Provenance | None) -> None:
    """Write propensity, bond breaking if known, and the states that the snapshot has as fields.

    Raises
    ------
    InputError
        The propensity of some particles is not known, or a field is not of its form.

    """
    write_members(path, arrays_of(motion), provenance)


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


def _times(
    path: Path, members: Mapping[str, NDArray[np.generic]], snapshot: Snapshot
) -> FloatArray:
    if "times" in members:
        check_finite(members["times"], "times", path)
        times: FloatArray = members["times"].astype(np.float64).reshape(-1)
        if not len(times) or times[0] <= 0 or np.any(np.diff(times) <= 0):
            raise InputError(f"{path}: times {times.tolist()} must be positive and increase")
        return times
    # The published times are those of the three-dimensional mixture.
    if snapshot.dimension == 2:
        raise InputError(
            f"{path}: the times of two-dimensional files are not known; "
            "give them: glassbotan.read_motion(path, times=[...])"
        )
    if snapshot.temperature is None:
        LOGGER.info(
            "%s: neither file nor name tells the temperature; the times of T = %s are used",
            path,
            DEFAULT_TEMPERATURE,
        )
        return published_times(DEFAULT_TEMPERATURE, str(path))
    return published_times(snapshot.temperature, str(path))


def _snapshot(
    path: Path, members: Mapping[str, NDArray[np.generic]], options: ReadOptions
) -> Snapshot:
    snapshot = published_snapshot(path, members, options, first=1)
    fields = {FIELDS[name]: members[name] for name in FIELDS if name in members}
    for name, values in fields.items():
        check_finite(values, name, path)
        if name == "bb_prop":
            fields[name] = _by_particle(values, snapshot.n_particles, name, path)
        elif values.shape != snapshot.positions.shape:
            raise InputError(
                f"{path}: {name} have shape {list(values.shape)}, "
                f"but initial_positions {list(snapshot.positions.shape)}"
            )
    return replace(snapshot, fields=fields)


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
