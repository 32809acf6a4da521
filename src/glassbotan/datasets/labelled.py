"""A snapshot with its measured motion and noise ceilings, computed once and cached on disk."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from glassbotan import io
from glassbotan.datasets.groups import Group, groups_of
from glassbotan.dynamics import IsoconfigurationalEnsemble, Motion
from glassbotan.dynamics.bonds import Bonds
from glassbotan.dynamics.ceiling import ceiling_of_halves, ceiling_of_sums, random_halves
from glassbotan.dynamics.quantities import QUANTITIES, within_reach
from glassbotan.errors import InputError
from glassbotan.io.cache import cache_home, loaded_or_computed
from glassbotan.io.ensemble_store import Halves, is_stored_snapshot, read_halves
from glassbotan.io.options import BoxOption
from glassbotan.provenance import sha256
from glassbotan.structure import NeighbourGraph, Snapshot
from glassbotan.structure.periodic import FloatArray

CACHE_FORM = 3
"""Counts up when the cached form changes, so that older files are made anew."""

Ceilings = Mapping[str, FloatArray]
"""Noise ceiling by group (species letter, or pair of letters), each an array [T]."""


@dataclass(frozen=True, eq=False)
class LabelledSnapshot:
    """The measured motion of one snapshot, and how well it can be predicted at best.

    Attributes
    ----------
    motion
        Quantities of particles and, where they are known, of bonds.
    ceilings
        By quantity, noise ceilings by group; empty where the trajectories are not known.

    """

    motion: Motion
    ceilings: Mapping[str, Ceilings]

    @property
    def bonds(self) -> Bonds:
        """The motion's, which labels always have."""
        assert self.motion.bonds is not None
        return self.motion.bonds


def load_labelled(
    path: str | Path,
    *,
    cutoff: float = 2.0,
    box: BoxOption = None,
    cached: bool = True,
    any_cutoff: bool = False,
) -> LabelledSnapshot:
    """Read a file that holds an ensemble or measured propensities, by way of the cache.

    Parameters
    ----------
    path
        BOTAN npz, node-only pickle, GlassBench npz, the project's own motion npz, or a snapshot
        of a store of ensembles (STORE.zarr/snapshots/0007).
    cutoff
        Of the bonds, length units.
    box
        Edge lengths, or one for all, where the format has none and the published one does not
        apply.
    cached
        Whether to keep bonds and labels in the cache folder (see ``cache_home``).
    any_cutoff
        Whether a file that holds bonds of another cutoff is taken with these, to score against;
        otherwise it is refused.

    Raises
    ------
    InputError
        The file cannot be read, holds no motion, or its bonds are of another cutoff.

    """
    path = Path(path)
    if cached and (path.is_file() or is_stored_snapshot(path)):
        labelled = loaded_or_computed(
            _entry(path, cutoff, box),
            lambda entry: _load(entry, path),
            lambda: _measure(path, cutoff, box),
            _save,
            "labels",
        )
    else:
        labelled = _measure(path, cutoff, box)
    if not any_cutoff:
        _check_same_cutoff(labelled.bonds.cutoff, cutoff, path)
    return labelled


def label(ensemble: IsoconfigurationalEnsemble, graph: NeighbourGraph) -> LabelledSnapshot:
    """Return the ensemble's averages, on a graph's bonds too, and their noise ceilings."""
    return _labels(ensemble, Bonds.of(graph))


def _labels(ensemble: IsoconfigurationalEnsemble, bonds: Bonds) -> LabelledSnapshot:
    snapshot = ensemble.snapshot
    # The mean of all trajectories stands first, before those of halves.
    halves = random_halves(ensemble.n_trajectories)
    weights = np.concatenate([np.ones((1, ensemble.n_trajectories)), halves])
    values, ceilings = {}, {}
    for one in within_reach(bonds.cutoff):
        groups = groups_of(one.place, snapshot, bonds)
        sums = [
            weights @ one.sample(bonds, ensemble.displacements(t))
            for t in range(len(ensemble.times))
        ]
        values[one.name] = np.stack([at_time[0] for at_time in sums]) / ensemble.n_trajectories
        ceilings[one.name] = {
            group.name: np.array(
                [
                    ceiling_of_sums(
                        at_time[1:, group.members],
                        at_time[0, group.members],
                        ensemble.n_trajectories,
                    )
                    for at_time in sums
                ]
            )
            for group in groups
        }
    motion = Motion(snapshot, ensemble.times, values, bonds, snapshot.source)
    return LabelledSnapshot(motion, ceilings)


def _measure(path: Path, cutoff: float, box: BoxOption) -> LabelledSnapshot:
    kind = io.detect_format(path)
    if io.holds(path, Motion):
        if kind == "ensemble_store":
            return _stored_averages(path)
        motion = io.read_motion(path, box=box)
        bonds = motion.bonds or Bonds.up_to(motion.snapshot, cutoff)
        return LabelledSnapshot(replace(motion, bonds=bonds), {})
    ensemble = io.read_ensemble(path, box=box)
    return _labels(ensemble, Bonds.up_to(ensemble.snapshot, cutoff))


def _stored_averages(path: Path) -> LabelledSnapshot:
    """Return a store's averages, with ceilings from its one split into halves."""
    labelled = LabelledSnapshot(io.read_motion(path), {})
    snapshot, bonds = labelled.motion.snapshot, labelled.bonds
    ceilings = {
        name: _halves_ceilings(halves, groups_of(QUANTITIES[name].place, snapshot, bonds))
        for name, halves in read_halves(path).items()
    }
    return replace(labelled, ceilings=ceilings)


def _halves_ceilings(halves: Halves, groups: list[Group]) -> Ceilings:
    return {
        group.name: np.array(
            [
                ceiling_of_halves(even[group.members], odd[group.members])
                for even, odd in zip(halves.even, halves.odd, strict=True)
            ]
        )
        for group in groups
    }


def _check_same_cutoff(stored: float, wanted: float, path: Path) -> None:
    if abs(stored - wanted) > 1e-9:
        raise InputError(
            f"{path}: its bonds are those of cutoff {stored:g}; the model's graph has {wanted:g}"
        )


def _entry(path: Path, cutoff: float, box: BoxOption) -> Path:
    boxed = "" if box is None else "-" + "x".join(f"{edge:g}" for edge in np.atleast_1d(box))
    # The name is part of the key, because it tells the time and temperature of published files.
    return cache_home() / "labelled" / f"{path.stem}-{sha256(path)[:16]}-{cutoff:g}{boxed}.npz"


def _save(path: Path, labelled: LabelledSnapshot) -> None:
    motion, bonds = labelled.motion, labelled.bonds
    arrays: dict[str, Any] = {
        "form": np.array(CACHE_FORM),
        "positions": motion.snapshot.positions,
        "species": motion.snapshot.species.astype(np.int16),
        "box": motion.snapshot.box,
        "temperature": np.array(motion.snapshot.temperature or np.nan),
        "times": motion.times,
        "pairs": bonds.pairs.astype(np.int32),
        "vectors": bonds.vectors,
        "cutoff": np.array(bonds.cutoff),
    }
    for kind, of_kind in (("value", motion.values), ("error", motion.errors)):
        arrays |= {f"{kind}:{name}": x.astype(np.float32) for name, x in of_kind.items()}
    for name, ceilings in labelled.ceilings.items():
        arrays |= {f"ceiling:{name}:{group}": values for group, values in ceilings.items()}
    np.savez(path, **arrays)


def _load(entry: Path, path: Path) -> LabelledSnapshot:
    with np.load(entry, allow_pickle=False) as stored:
        if int(stored["form"]) != CACHE_FORM:
            raise ValueError(entry)
        temperature = float(stored["temperature"])
        snapshot = Snapshot(
            stored["positions"],
            stored["species"],
            stored["box"],
            temperature=None if np.isnan(temperature) else temperature,
            source=str(path),
        )
        pairs, cutoff = stored["pairs"].astype(np.int64), float(stored["cutoff"])
        bonds = Bonds(pairs, stored["vectors"], snapshot.n_particles, cutoff)
        values, errors = _named(stored, "value"), _named(stored, "error")
        motion = Motion(snapshot, stored["times"], values, bonds, str(path), errors)
        ceilings = {name: _named(stored, f"ceiling:{name}") for name in values}
        return LabelledSnapshot(motion, ceilings)


def _named(stored: "np.lib.npyio.NpzFile", kind: str) -> dict[str, Any]:
    """Return the arrays whose names begin with a kind, by the rest of their names."""
    return {n.removeprefix(f"{kind}:"): stored[n] for n in stored.files if n.startswith(f"{kind}:")}
