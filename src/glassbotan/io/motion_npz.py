"""The project's own file of a prediction or a measurement: a Motion with all its bonds.

Arrays: ``times`` [T], ``species`` [N], ``positions`` [N, d], ``box`` [d], ``propensity`` [T, N]
(NaN for particles of which a model predicts nothing), ``temperature`` (NaN where unknown),
``provenance`` (JSON text); where a model tells it, ``propensity_error`` [T, N], half the width of
the 90 % interval; and, where bonds are known, ``bonds`` [2, E], ``cutoff`` and ``bond_extension``
[T, E].
"""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glassbotan.dynamics import Motion
from glassbotan.errors import InputError
from glassbotan.io import provenance as provenance_text
from glassbotan.io.atomic import atomic_output
from glassbotan.io.npz import one_number, read_members
from glassbotan.io.options import ReadOptions, given_box
from glassbotan.io.provenance import Provenance
from glassbotan.io.species import species_from_types
from glassbotan.structure import NeighbourGraph, Snapshot, neighbour_graph

_SNAPSHOT = ["species", "positions", "box"]


def read(path: Path, options: ReadOptions) -> Snapshot:
    """Return the snapshot that the motion belongs to."""
    return _snapshot(path, read_members(path, _SNAPSHOT, ["temperature"]), options)


def read_motion(path: Path, options: ReadOptions) -> Motion:
    """Return the motion; its bonds are found anew and compared with the stored ones."""
    members = read_members(
        path,
        [*_SNAPSHOT, "times", "propensity"],
        ["temperature", "propensity_error", "bonds", "bond_extension", "cutoff"],
    )
    snapshot = _snapshot(path, members, options)
    _check_finite(members["times"], "times", path)
    _check_finite(members["propensity"], "propensity", path, blanks=True)
    if "propensity_error" in members:
        _check_finite(members["propensity_error"], "propensity_error", path, blanks=True)
    if "bond_extension" in members:
        _check_finite(members["bond_extension"], "bond_extension", path)
    stored = members["times"].astype(np.float64).reshape(-1)
    return Motion(
        snapshot=snapshot,
        times=stored if options.times is None else options.times,
        propensity=_floating(members["propensity"]),
        graph=_graph(snapshot, members, path) if "bonds" in members else None,
        bond_extension=_optional(members, "bond_extension"),
        source=str(path),
        propensity_error=_optional(members, "propensity_error"),
    )


def read_provenance(path: Path) -> dict[str, object]:
    """Return what the file tells of its origin; empty where it tells nothing."""
    stored = read_members(path, [], ["provenance"]).get("provenance")
    if stored is None or stored.size != 1:
        return {}
    return provenance_text.from_json(str(stored.reshape(-1)[0]))


def write(path: Path, motion: Motion, provenance: Provenance | None) -> None:
    """Write a motion; the snapshot's fields are not part of it."""
    snapshot = motion.snapshot
    arrays: dict[str, Any] = {
        "times": motion.times,
        "species": snapshot.species,
        "positions": snapshot.positions,
        "box": snapshot.box,
        "propensity": motion.propensity,
        "temperature": np.array(
            np.nan if snapshot.temperature is None else snapshot.temperature, dtype=np.float64
        ),
        "provenance": np.array(provenance_text.to_json(provenance)),
    }
    if motion.propensity_error is not None:
        arrays["propensity_error"] = motion.propensity_error
    if motion.graph is not None:
        arrays["bonds"] = motion.graph.edge_index
        arrays["cutoff"] = np.array(motion.graph.cutoff)
    if motion.bond_extension is not None:
        arrays["bond_extension"] = motion.bond_extension
    with atomic_output(path) as temporary, temporary.open("wb") as out:
        np.savez(out, **arrays)


def _snapshot(
    path: Path, members: dict[str, NDArray[np.generic]], options: ReadOptions
) -> Snapshot:
    positions, source = members["positions"], str(path)
    _check_finite(positions, "positions", path)
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


def _graph(
    snapshot: Snapshot, members: dict[str, NDArray[np.generic]], path: Path
) -> NeighbourGraph:
    cutoff = one_number(members, "cutoff", path)
    if not cutoff > 0:
        raise InputError(f"{path}: holds bonds, but cutoff is {cutoff}; expected a positive length")
    graph = neighbour_graph(snapshot, cutoff)
    if not np.array_equal(graph.edge_index, members["bonds"]):
        raise InputError(
            f"{path}: the stored bonds are not the {graph.n_edges} ordered pairs closer than the "
            f"cutoff {graph.cutoff:g}; the file is damaged or was changed"
        )
    return graph


def _optional(members: dict[str, NDArray[np.generic]], name: str) -> NDArray[np.floating] | None:
    return _floating(members[name]) if name in members else None


def _floating(values: NDArray[np.generic]) -> NDArray[np.floating]:
    kept: NDArray[np.floating] = values if values.dtype.kind == "f" else values.astype(np.float64)  # type: ignore[assignment]  # kind f is floating
    return kept


def _check_finite(
    values: NDArray[np.generic], name: str, path: Path, *, blanks: bool = False
) -> None:
    """Raise InputError where a value is infinite, or NaN without ``blanks``."""
    bad = np.isinf if blanks else lambda numbers: ~np.isfinite(numbers)
    if values.dtype.kind not in "iuf" or np.any(bad(values)):
        allowed = " (or NaN, where a model predicts nothing)" if blanks else ""
        raise InputError(f"{path}: {name} must be finite numbers throughout{allowed}")
