"""A snapshot with its measured motion and noise ceilings, computed once and cached on disk."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from glassbotan import io
from glassbotan.datasets.groups import (
    BOND_RANGE,
    Group,
    bond_groups,
    groups_of_pairs,
    particle_groups,
)
from glassbotan.dynamics import IsoconfigurationalEnsemble, Motion
from glassbotan.dynamics.bonds import UnorderedBonds, both_ways
from glassbotan.dynamics.ceiling import ceiling_of_halves, ceiling_of_sums, random_halves
from glassbotan.dynamics.propensity import lengths_of
from glassbotan.errors import InputError
from glassbotan.io.cache import cache_home, loaded_or_computed
from glassbotan.io.ensemble_store import Halves, is_stored_snapshot, read_halves
from glassbotan.provenance import sha256
from glassbotan.structure import NeighbourGraph, Snapshot, neighbour_graph
from glassbotan.structure.periodic import FloatArray

CACHE_FORM = 1
"""Counts up when the cached form changes, so that older files are made anew."""

Ceilings = Mapping[str, FloatArray]
"""Noise ceiling by group (species letter, or pair of letters), each an array [T]."""


@dataclass(frozen=True, eq=False)
class LabelledSnapshot:
    """The measured motion of one snapshot, and how well it can be predicted at best.

    Attributes
    ----------
    motion
        Propensity [T, N] and, where trajectories are known, bond extension [T, E].
    particle_ceilings, bond_ceilings
        Noise ceilings by group; empty where the trajectories are not known.

    """

    motion: Motion
    particle_ceilings: Ceilings
    bond_ceilings: Ceilings

    @property
    def graph(self) -> NeighbourGraph:
        """The snapshot's neighbour graph."""
        assert self.motion.graph is not None
        return self.motion.graph


def load_labelled(
    path: str | Path,
    *,
    cutoff: float = 2.0,
    box: FloatArray | None = None,
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
        Of the neighbour graph, length units.
    box
        Edge lengths [d] where the format has none and the published one does not apply.
    cached
        Whether to keep graph and labels in the cache folder (see ``cache_home``).
    any_cutoff
        Whether a file that holds bonds of another cutoff is taken with these, to score against;
        otherwise it is refused.

    Raises
    ------
    InputError
        The file cannot be read, holds no motion, or its bonds are of another cutoff.

    """
    path = Path(path)
    labelled = _by_way_of_the_cache(path, cutoff, box, cached=cached)
    if not any_cutoff:
        _check_same_cutoff(labelled.graph.cutoff, cutoff, path)
    return labelled


def _by_way_of_the_cache(
    path: Path, cutoff: float, box: FloatArray | None, *, cached: bool
) -> LabelledSnapshot:
    if not (cached and (path.is_file() or is_stored_snapshot(path))):
        return _measure(path, cutoff, box)
    return loaded_or_computed(
        _entry(path, cutoff, box),
        lambda entry: _load(entry, path),
        lambda: _measure(path, cutoff, box),
        _save,
        "labels",
    )


def label(ensemble: IsoconfigurationalEnsemble, graph: NeighbourGraph) -> LabelledSnapshot:
    """Return the ensemble's averages and their noise ceilings."""
    snapshot, halves = ensemble.snapshot, random_halves(ensemble.n_trajectories)
    bonds = UnorderedBonds.of(graph)
    particles, extensions = [], []
    for t in range(len(ensemble.times)):
        moved = ensemble.displacements(t)
        particles.append(_particles_at(moved, snapshot, halves))
        extensions.append(_bonds_at(moved, snapshot, bonds, halves))
    return LabelledSnapshot(
        motion=Motion(
            snapshot=snapshot,
            times=ensemble.times,
            propensity=np.stack([mean for mean, _ in particles]),
            graph=graph,
            bond_extension=both_ways(np.stack([mean for mean, _ in extensions]), graph),
            source=snapshot.source,
        ),
        particle_ceilings=_by_group([ceilings for _, ceilings in particles]),
        bond_ceilings=_by_group([ceilings for _, ceilings in extensions]),
    )


def _particles_at(
    moved: FloatArray, snapshot: Snapshot, halves: FloatArray
) -> tuple[FloatArray, dict[str, float]]:
    """Return propensity [N] and ceilings by group from displacements [R, N, d] at one time."""
    lengths = lengths_of(moved)
    sums = np.concatenate([lengths.sum(axis=0, keepdims=True), halves @ lengths])
    return sums[0] / len(moved), _ceilings_of_sums(sums, particle_groups(snapshot), len(moved))


def _bonds_at(
    moved: FloatArray, snapshot: Snapshot, bonds: UnorderedBonds, halves: FloatArray
) -> tuple[FloatArray, dict[str, float]]:
    """Return extension [E / 2] and ceilings by group from displacements [R, N, d] at one time."""
    every = np.ones((1, len(moved)))
    extension = np.empty(len(bonds.distances))
    # Halves are summed of those bonds alone that have a ceiling.
    scored = bonds.distances < BOND_RANGE
    near = bonds.chosen(scored)
    sums = near.summed_extension(moved, np.concatenate([every, halves]))
    extension[scored] = sums[0]
    extension[~scored] = bonds.chosen(~scored).summed_extension(moved, every)[0]
    pairs = np.stack([near.first, near.second])
    groups = groups_of_pairs(snapshot.species, pairs, near.distances)
    return extension / len(moved), _ceilings_of_sums(sums, groups, len(moved))


def _ceilings_of_sums(
    sums: FloatArray, groups: list[Group], n_trajectories: int
) -> dict[str, float]:
    """Return each group's ceiling; sums [1 + splits, X] over all trajectories and over halves."""
    return {
        group.name: ceiling_of_sums(sums[1:, group.members], sums[0, group.members], n_trajectories)
        for group in groups
    }


def _by_group(at_times: list[dict[str, float]]) -> Ceilings:
    return {name: np.array([ceilings[name] for ceilings in at_times]) for name in at_times[0]}


def _measure(path: Path, cutoff: float, box: FloatArray | None) -> LabelledSnapshot:
    kind = io.detect_format(path)
    if io.holds(path, Motion):
        if kind == "ensemble_store":
            return _stored_averages(path)
        motion = io.read_motion(path, box=box)
        if motion.graph is not None:
            return LabelledSnapshot(motion, {}, {})
        graph = neighbour_graph(motion.snapshot, cutoff)
        return LabelledSnapshot(replace(motion, graph=graph), {}, {})
    ensemble = io.read_ensemble(path, box=box)
    return label(ensemble, neighbour_graph(ensemble.snapshot, cutoff))


def _stored_averages(path: Path) -> LabelledSnapshot:
    """Return a store's averages, with ceilings from its one split into halves."""
    motion = io.read_motion(path)
    assert motion.graph is not None
    halves = read_halves(path, motion.graph)
    particles, bonds = particle_groups(motion.snapshot), bond_groups(motion.graph)
    return LabelledSnapshot(
        motion,
        _halves_ceilings(halves["propensity"], particles),
        _halves_ceilings(halves["bond_extension"], bonds),
    )


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


def _entry(path: Path, cutoff: float, box: FloatArray | None) -> Path:
    boxed = "" if box is None else "-" + "x".join(f"{edge:g}" for edge in box)
    # The name is part of the key, because it tells the time and temperature of published files.
    return cache_home() / "labelled" / f"{path.stem}-{sha256(path)[:16]}-{cutoff:g}{boxed}.npz"


def _save(path: Path, labelled: LabelledSnapshot) -> None:
    motion, graph = labelled.motion, labelled.graph
    arrays: dict[str, Any] = {
        "form": np.array(CACHE_FORM),
        "positions": motion.snapshot.positions,
        "species": motion.snapshot.species.astype(np.int16),
        "box": motion.snapshot.box,
        "temperature": np.array(motion.snapshot.temperature or np.nan),
        "times": motion.times,
        "propensity": motion.propensity.astype(np.float32),
        "edge_index": graph.edge_index.astype(np.int32),
        "vectors": graph.vectors,
        "row_offsets": graph.row_offsets,
        "cutoff": np.array(graph.cutoff),
    }
    if motion.bond_extension is not None:
        arrays["bond_extension"] = motion.bond_extension.astype(np.float32)
    if motion.propensity_error is not None:
        arrays["propensity_error"] = motion.propensity_error.astype(np.float32)
    for kind, ceilings in (("p", labelled.particle_ceilings), ("b", labelled.bond_ceilings)):
        arrays |= {f"ceiling:{kind}:{name}": values for name, values in ceilings.items()}
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
        graph = NeighbourGraph(
            species=snapshot.species,
            edge_index=stored["edge_index"].astype(np.int64),
            vectors=stored["vectors"],
            row_offsets=stored["row_offsets"],
            cutoff=float(stored["cutoff"]),
        )
        extension, error = (
            stored[name] if name in stored.files else None
            for name in ("bond_extension", "propensity_error")
        )
        motion = Motion(
            snapshot, stored["times"], stored["propensity"], graph, extension, str(path), error
        )
        return LabelledSnapshot(motion, _ceilings(stored, "p"), _ceilings(stored, "b"))


def _ceilings(stored: "np.lib.npyio.NpzFile", kind: str) -> Ceilings:
    prefix = f"ceiling:{kind}:"
    return {n.removeprefix(prefix): stored[n] for n in stored.files if n.startswith(prefix)}
