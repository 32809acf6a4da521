"""The project's own file of a prediction or a measurement: a Motion with all its bonds.

Arrays: ``times`` [T], ``species`` [N], ``positions`` [N, d], ``box`` [d], ``temperature`` (NaN if
unknown), ``provenance`` (JSON text); each quantity by its name, such as ``propensity`` [T, N] (NaN
for particles of which a model predicts nothing) or ``bond_extension`` [T, B]; where a model tells
it, ``propensity_error`` [T, N], half the width of the 90 % interval, and so on; and, where bonds
are known, ``bonds`` [2, B] (each pair once, i < j) and ``cutoff``. Files of earlier versions hold
both directions of a bond, and values of each; read is their mean.
"""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glassbotan.dynamics import Motion
from glassbotan.dynamics.bonds import Bonds, mean_of_both_ways
from glassbotan.dynamics.quantities import QUANTITIES
from glassbotan.errors import InputError
from glassbotan.io.npz import check_finite, one_number, read_members, write_members
from glassbotan.io.options import ReadOptions, given_box
from glassbotan.io.provenance import Provenance, from_json
from glassbotan.io.species import species_from_types
from glassbotan.structure import Snapshot, neighbour_graph

_SNAPSHOT = ["species", "positions", "box"]


def read(path: Path, options: ReadOptions) -> Snapshot:
    """Return the snapshot that the motion belongs to."""
    return _snapshot(path, read_members(path, _SNAPSHOT, ["temperature"]), options)


def read_motion(path: Path, options: ReadOptions) -> Motion:
    """Return the motion; its bonds are found anew and compared with the stored ones."""
    names = [name + suffix for name in QUANTITIES for suffix in ("", "_error")]
    required = [*_SNAPSHOT, "times"]
    members = read_members(path, required, ["temperature", "bonds", "cutoff", *names])
    snapshot = _snapshot(path, members, options)
    check_finite(members["times"], "times", path)
    for name in names:
        if name in members:
            blanks = QUANTITIES[name.removesuffix("_error")].place == "particles"
            check_finite(members[name], name, path, blanks=blanks)
    bonds = _bonds(snapshot, members, path) if "bonds" in members else None
    stored = members["times"].astype(np.float64).reshape(-1)
    return Motion(
        snapshot,
        stored if options.times is None else options.times,
        {name: _floating(members[name]) for name in QUANTITIES if name in members},
        bonds,
        str(path),
        {
            name: _floating(members[f"{name}_error"])
            for name in QUANTITIES
            if f"{name}_error" in members
        },
    )


def read_provenance(path: Path) -> dict[str, object]:
    """Return what the file tells of its origin; empty where it tells nothing."""
    stored = read_members(path, [], ["provenance"]).get("provenance")
    if stored is None or stored.size != 1:
        return {}
    return from_json(str(stored.reshape(-1)[0]))


def write(path: Path, motion: Motion, provenance: Provenance | None) -> None:
    """Write a motion; the snapshot's fields are not part of it."""
    snapshot = motion.snapshot
    arrays: dict[str, Any] = {
        "times": motion.times,
        "species": snapshot.species,
        "positions": snapshot.positions,
        "box": snapshot.box,
        "temperature": np.array(
            np.nan if snapshot.temperature is None else snapshot.temperature, dtype=np.float64
        ),
        **motion.values,
        **{f"{name}_error": error for name, error in motion.errors.items()},
    }
    if motion.bonds is not None:
        arrays["bonds"] = motion.bonds.pairs
        arrays["cutoff"] = np.array(motion.bonds.cutoff)
    write_members(path, arrays, provenance)


def _snapshot(
    path: Path, members: dict[str, NDArray[np.generic]], options: ReadOptions
) -> Snapshot:
    positions, source = members["positions"], str(path)
    check_finite(positions, "positions", path)
    temperature = one_number(members, "temperature", path)
    box = members["box"] if options.box is None else options.box
    dimension = positions.shape[1] if positions.ndim == 2 else 3
    return Snapshot(
        positions=positions.astype(np.float64),
        species=species_from_types(members["species"], options.species, first=0, source=source),
        box=given_box(box, dimension, source),  # type: ignore[arg-type]  # the file's own is checked there too
        temperature=temperature if np.isfinite(temperature) else None,
        source=source,
    )


def _bonds(snapshot: Snapshot, members: dict[str, NDArray[np.generic]], path: Path) -> Bonds:
    """Return the stored bonds; those of both directions, and what is on them, become one."""
    cutoff = one_number(members, "cutoff", path)
    if not cutoff > 0:
        raise InputError(f"{path}: holds bonds, but cutoff is {cutoff}; expected a positive length")
    bonds, stored = Bonds.up_to(snapshot, cutoff), members["bonds"]
    if np.array_equal(bonds.pairs, stored):
        return bonds
    graph = neighbour_graph(snapshot, cutoff)
    if not np.array_equal(graph.edge_index, stored):
        raise InputError(
            f"{path}: the stored bonds are not the {len(bonds)} pairs closer than the "
            f"cutoff {cutoff:g}; the file is damaged or was changed"
        )
    for name, one in QUANTITIES.items():
        for member in (name, f"{name}_error"):
            directed = members.get(member)
            # What has another shape is refused with those of the quantities that have their own.
            if (
                one.place == "bonds"
                and directed is not None
                and directed.shape[-1:] == (graph.n_edges,)
            ):
                members[member] = mean_of_both_ways(_floating(directed), graph)
    return bonds


def _floating(values: NDArray[np.generic]) -> NDArray[np.floating]:
    kept: NDArray[np.floating] = values if values.dtype.kind == "f" else values.astype(np.float64)  # type: ignore[assignment]  # kind f is floating
    return kept
