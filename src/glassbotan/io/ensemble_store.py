"""Reading the Zarr 3 stores that simulations write: ``STORE.zarr/snapshots/0007`` is one snapshot.

What a store holds is told in :mod:`glassbotan.io.ensemble_layout`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from glassbotan.dynamics import IsoconfigurationalEnsemble, Motion
from glassbotan.dynamics.bonds import Bonds
from glassbotan.dynamics.quantities import QUANTITIES
from glassbotan.errors import InputError
from glassbotan.io.ensemble_layout import (
    FORM,
    GROUP_FILE,
    SNAPSHOTS,
    Attributes,
    group_name,
    open_group,
)
from glassbotan.io.options import PLAIN, ReadOptions
from glassbotan.structure import Snapshot

if TYPE_CHECKING:
    import zarr

LARGEST_ARRAY = 2**34
"""Bytes of one array; a store that claims more is not believed."""


@dataclass(frozen=True, eq=False)
class Halves:
    """Means over even and over odd trajectories, each of shape [T, N] or [T, B]."""

    even: NDArray[np.floating]
    odd: NDArray[np.floating]


def is_store(path: Path) -> bool:
    """Tell whether a path is a whole store."""
    return (path / GROUP_FILE).is_file() and (path / SNAPSHOTS).is_dir()


def is_stored_snapshot(path: Path) -> bool:
    """Tell whether a path is one snapshot of a store."""
    return path.parent.name == SNAPSHOTS and (path / GROUP_FILE).is_file()


def stored_snapshots(store: Path) -> tuple[list[Path], int]:
    """Return the finished snapshots of a store, in their order, and the number of all."""
    number = len(read_attributes(store)["snapshots"])
    paths = [store / group_name(index) for index in range(number)]
    return [p for p in paths if open_group(p).attrs.get("finished", False)], number


def read_attributes(store: Path) -> Attributes:
    """Return what a store says of itself: campaign, snapshots, provenance.

    Raises
    ------
    InputError
        It is no store of this project, or of a later version.

    """
    found = open_group(store).attrs.get("glassbotan") if is_store(store) else None
    if not isinstance(found, dict) or not isinstance(found.get("snapshots"), list):
        raise InputError(f"{store}: is no store of ensembles")
    if found.get("form") != FORM:
        raise InputError(
            f"{store}: has form {found.get('form')}; this version of glassbotan reads {FORM}"
        )
    return found


def read(path: Path, options: ReadOptions = PLAIN) -> Snapshot:  # noqa: ARG001 - a store tells all
    """Return the initial configuration, with the temperature that it was run at."""
    group = open_group(path)
    temperature = group.attrs.get("temperature")
    return Snapshot(
        positions=stored_values(group, "positions", path).astype(np.float64),
        species=stored_values(group, "species", path).astype(np.int64),
        box=stored_values(group, "box", path).astype(np.float64),
        temperature=float(temperature) if isinstance(temperature, (int, float)) else None,
        source=str(path),
    )


def read_ensemble(path: Path, options: ReadOptions) -> IsoconfigurationalEnsemble:
    """Return the trajectories of a snapshot, up to the last time that all of them reached."""
    group = with_trajectories(path)
    snapshot = read(path)
    counts = stored_values(group, "trajectories", path)
    reached = int(np.sum(counts == counts.max()))
    moved = stored_values(group, "displacements", path, slice(0, reached))
    return IsoconfigurationalEnsemble(
        snapshot,
        stored_values(group, "times", path)[:reached] if options.times is None else options.times,
        snapshot.positions + moved,
    )


def read_motion(path: Path, options: ReadOptions) -> Motion:
    """Return the quantities that a store of targets holds."""
    group = _with_targets(path)
    snapshot = read(path)
    return Motion(
        snapshot,
        stored_values(group, "times", path) if options.times is None else options.times,
        {name: stored_values(group, name, path) for name in QUANTITIES if name in group},
        _bonds(group, snapshot, path),
        str(path),
    )


def file_name(path: Path) -> str:
    """Return the name of the file that a stored snapshot was read from."""
    return str(open_group(path).attrs.get("source", path.name))


def holds_targets(path: Path) -> bool:
    """Tell whether a stored snapshot holds averages rather than trajectories."""
    return any(name in open_group(path) for name in QUANTITIES)


def read_halves(path: Path) -> Mapping[str, Halves]:
    """Return half-ensemble means of each quantity that a stored snapshot holds; NaN if unknown."""
    group = _with_targets(path)
    # Where their number is not known (0), neither are the halves.
    counts = np.maximum(stored_values(group, "trajectories", path)[:, None], 1)
    even, odd = (counts + 1) // 2, counts // 2
    found: dict[str, Halves] = {}
    for name in QUANTITIES:
        if name in group:
            mean = stored_values(group, name, path).astype(np.float64)
            split = stored_values(group, f"{name}_split", path).astype(np.float64)
            found[name] = Halves(mean + split * odd / counts, mean - split * even / counts)
    return found


def with_trajectories(path: Path) -> "zarr.Group":
    """Return the group of a stored snapshot, to read its trajectories.

    Raises
    ------
    InputError
        It is not finished, or holds averages only.

    """
    group = _finished(path)
    if "displacements" not in group:
        raise InputError(
            f"{path}: holds averages, not trajectories; make a store with keep: positions in "
            "the campaign, or with glassbotan simulate ensemble without --targets-only"
        )
    return group


def _finished(path: Path) -> "zarr.Group":
    group = open_group(path)
    if not group.attrs.get("finished", False):
        raise InputError(
            f"{path}: is not finished; run the glassbotan simulate that began it again"
        )
    return group


def _with_targets(path: Path) -> "zarr.Group":
    group = _finished(path)
    if not any(name in group for name in QUANTITIES):
        raise InputError(f"{path}: holds trajectories, not averages; read it as an ensemble")
    return group


def stored_values(
    group: "zarr.Group", name: str, path: Path, chosen: slice = slice(None)
) -> NDArray[Any]:
    """Return an array of a stored snapshot, or the chosen times of it.

    Raises
    ------
    InputError
        It is missing, damaged, or claims more than ``LARGEST_ARRAY``.

    """
    try:
        array: Any = group[name]
        if int(np.prod(array.shape)) * array.dtype.itemsize > LARGEST_ARRAY:
            raise InputError(f"{path}: {name} claims the shape {list(array.shape)}, too large")
        values: NDArray[Any] = np.asarray(array[chosen])
    except KeyError:
        raise InputError(f"{path}: has no array {name}; the store is damaged") from None
    except (OSError, ValueError, TypeError, RuntimeError) as error:
        raise InputError(f"{path}: {name} cannot be read ({error})") from None
    return values


def _bonds(group: "zarr.Group", snapshot: Snapshot, path: Path) -> Bonds:
    cutoff = group.attrs.get("cutoff")
    if not isinstance(cutoff, (int, float)) or not cutoff > 0:
        raise InputError(f"{path}: its cutoff is {cutoff}; expected a positive length")
    bonds = Bonds.up_to(snapshot, float(cutoff))
    if "bonds" in group and not np.array_equal(bonds.pairs, stored_values(group, "bonds", path)):
        raise InputError(
            f"{path}: the stored bonds are not the {len(bonds)} pairs closer than the "
            f"cutoff {bonds.cutoff:g}; the store is damaged or was changed"
        )
    return bonds
