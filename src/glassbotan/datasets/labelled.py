"""A snapshot with its measured motion and noise ceilings, computed once and cached on disk."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from glassbotan import io
from glassbotan.datasets.groups import Group, bond_groups, groups_of, particle_groups
from glassbotan.dynamics import IsoconfigurationalEnsemble, Motion
from glassbotan.dynamics.bonds import Bonds, both_ways
from glassbotan.dynamics.ceiling import ceiling_of_halves, ceiling_of_sums, random_halves
from glassbotan.dynamics.quantities import QUANTITIES, within_reach
from glassbotan.errors import InputError
from glassbotan.io.cache import cache_home, loaded_or_computed
from glassbotan.io.ensemble_store import Halves, is_stored_snapshot, read_halves
from glassbotan.provenance import sha256
from glassbotan.structure import NeighbourGraph, Snapshot, neighbour_graph
from glassbotan.structure.periodic import FloatArray

CACHE_FORM = 2
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
    bonds, snapshot = Bonds.of(graph), ensemble.snapshot
    # The mean of all trajectories stands first, before those of halves.
    halves = random_halves(ensemble.n_trajectories)
    weights = np.concatenate([np.ones((1, ensemble.n_trajectories)), halves])
    values, ceilings = {}, {}
    for one in within_reach(graph.cutoff):
        groups = groups_of(one.place, snapshot, bonds)
        sums = [
            weights @ one.sample(bonds, ensemble.displacements(t))
            for t in range(len(ensemble.times))
        ]
        mean = np.stack([at_time[0] for at_time in sums]) / ensemble.n_trajectories
        values[one.name] = both_ways(mean, graph) if one.place == "bonds" else mean
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
    motion = Motion(snapshot, ensemble.times, values, graph, snapshot.source)
    return LabelledSnapshot(motion, ceilings)


def _measure(path: Path, cutoff: float, box: FloatArray | None) -> LabelledSnapshot:
    kind = io.detect_format(path)
    if io.holds(path, Motion):
        if kind == "ensemble_store":
            return _stored_averages(path)
        motion = io.read_motion(path, box=box)
        if motion.graph is not None:
            return LabelledSnapshot(motion, {})
        graph = neighbour_graph(motion.snapshot, cutoff)
        return LabelledSnapshot(replace(motion, graph=graph), {})
    ensemble = io.read_ensemble(path, box=box)
    return label(ensemble, neighbour_graph(ensemble.snapshot, cutoff))


def _stored_averages(path: Path) -> LabelledSnapshot:
    """Return a store's averages, with ceilings from its one split into halves."""
    motion = io.read_motion(path)
    assert motion.graph is not None
    graph, snapshot = motion.graph, motion.snapshot
    groups = {"particles": particle_groups(snapshot), "bonds": bond_groups(graph)}
    return LabelledSnapshot(
        motion,
        {
            name: _halves_ceilings(halves, groups[QUANTITIES[name].place])
            for name, halves in read_halves(path, graph).items()
        },
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
        "edge_index": graph.edge_index.astype(np.int32),
        "vectors": graph.vectors,
        "row_offsets": graph.row_offsets,
        "cutoff": np.array(graph.cutoff),
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
        graph = NeighbourGraph(
            species=snapshot.species,
            edge_index=stored["edge_index"].astype(np.int64),
            vectors=stored["vectors"],
            row_offsets=stored["row_offsets"],
            cutoff=float(stored["cutoff"]),
        )
        motion = Motion(
            snapshot,
            stored["times"],
            _named(stored, "value"),
            graph,
            str(path),
            _named(stored, "error"),
        )
        return LabelledSnapshot(
            motion, {name: _named(stored, f"ceiling:{name}") for name in motion.values}
        )


def _named(stored: "np.lib.npyio.NpzFile", kind: str) -> dict[str, Any]:
    """Return the arrays whose names begin with a kind, by the rest of their names."""
    return {n.removeprefix(f"{kind}:"): stored[n] for n in stored.files if n.startswith(f"{kind}:")}
