"""GlassBench: one snapshot with its measured motion, in one npz (doi:10.5281/zenodo.10118191).

``types`` [N] (1 = A, 2 = B, and in two dimensions 3 = C), ``initial_positions`` [N, d], their
inherent structure and cage state ``initial_positions_inherent`` and ``initial_positions_cage``,
``md_prop`` (propensity) and ``bb_prop`` (bond-breaking propensity) [N, 10] at ten times.
"""

import logging
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from glassbotan.dynamics import Motion
from glassbotan.errors import InputError
from glassbotan.io.botan_npz import published_box, published_times, temperature_of_name
from glassbotan.io.npz import read_members
from glassbotan.io.options import ReadOptions, check_single_frame
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
    """Return the thermal snapshot; inherent, cage positions and bb_prop are among its fields."""
    check_single_frame(options, str(path))
    return _snapshot(path, read_members(path, ["types", "initial_positions"], _OPTIONAL), options)


def read_motion(path: Path, options: ReadOptions, times: FloatArray | None) -> Motion:
    """Return the measured propensity ``md_prop``; bonds are not known."""
    members = read_members(path, ["types", "initial_positions", "md_prop"], _OPTIONAL)
    measured = members["md_prop"]
    if times is None:
        times = _times_of_name(path, members["initial_positions"])
    if measured.ndim != 2 or measured.shape[1] != len(times) or measured.dtype.kind != "f":
        raise InputError(
            f"{path}: md_prop has shape {list(measured.shape)}; "
            f"expected [particles, {len(times)} times]"
        )
    _check_finite(measured, "md_prop", path)
    return Motion(
        snapshot=_snapshot(path, members, options),
        times=times,
        propensity=np.ascontiguousarray(measured.T, dtype=np.float64),
        source=str(path),
    )


def _times_of_name(path: Path, positions: NDArray[np.generic]) -> FloatArray:
    """Return the published times, which are those of the three-dimensional mixture."""
    if positions.ndim == 2 and positions.shape[1] == 2:
        raise InputError(
            f"{path}: the times of two-dimensional files are not known; "
            "give them: glassbotan.read_motion(path, times=[...])"
        )
    return published_times(_temperature(path), str(path))


_OPTIONAL = [*FIELDS, "box"]


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
        if name != "bb_prop" and values.shape != positions.shape:
            raise InputError(
                f"{path}: {name} have shape {list(values.shape)}, "
                f"but initial_positions {list(positions.shape)}"
            )
    return Snapshot(
        positions=positions.astype(np.float64),
        species=species_from_types(members["types"], options.species, first=1, source=source),
        box=published_box(positions, box, source),
        fields=fields,
        temperature=temperature_of_name(path),
        source=source,
    )


def _temperature(path: Path) -> float:
    temperature = temperature_of_name(path)
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
