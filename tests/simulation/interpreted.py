"""The Triton kernels in Triton's interpreter against the plain form, in a process of its own.

Triton decides when it is imported whether kernels are compiled or interpreted. Prints, as JSON, by
case the differences of lists, forces, energies, and states after some steps; with the word
``lammps`` those from LAMMPS of a liquid after 200 steps, which take some five
minutes.
"""

import json
import os
import sys
from dataclasses import replace

os.environ["TRITON_INTERPRET"] = "1"

import numpy as np
import torch
from walls import walls_of

from glassbotan.simulation.cages import Cages
from glassbotan.simulation.device.batch import Batch
from glassbotan.simulation.device.kernels import TritonKernels
from glassbotan.simulation.device.plain import PARTICLE
from glassbotan.simulation.engine import Task
from glassbotan.simulation.settings import DynamicsSettings
from glassbotan.structure.interaction.forms.lennard_jones import LennardJones
from glassbotan.structure.potential import (
    KOB_ANDERSEN,
    PairPotential,
    energies_and_forces,
    interacting_pairs,
)
from glassbotan.structure.snapshot import Snapshot

THREE = PairPotential(
    LennardJones(
        [[1.0, 1.5, 1.2], [1.5, 0.5, 0.8], [1.2, 0.8, 0.9]],
        [[1.0, 0.8, 0.9], [0.8, 0.88, 0.85], [0.9, 0.85, 0.9]],
    ),
    [[2.0, 1.6, 1.8], [1.6, 1.76, 1.7], [1.8, 1.7, 1.8]],
    masses=[1.0, 2.0, 1.5],
    shift="force",
)  # fmt: skip
STEPS = 3


def gas(edge_count, box, kinds, seed, dimension=3, every=1):
    """A cluster of particles in a corner of the box, across which it goes on."""
    random = np.random.default_rng(seed)
    box = np.full(dimension, float(box))
    cells = np.stack(np.meshgrid(*[np.arange(edge_count)] * dimension), axis=-1)
    places = 1.25 * cells.reshape(-1, dimension)[::every] - 1.0
    places += random.normal(scale=0.05, size=places.shape)
    return Snapshot(places, random.integers(0, kinds, len(places)), box, source="gas")


def task(snapshot, trajectories, potential=KOB_ANDERSEN, integrator="nve"):
    settings = DynamicsSettings(1.0, integrator=integrator)
    return Task(snapshot, potential, settings, tuple(trajectories), seed=2)


def caged(one, seed, radius=0.06):
    """The same with cages that are off the particles' places."""
    offset = np.random.default_rng(seed).normal(scale=0.04, size=one.snapshot.positions.shape)
    return replace(one, cages=Cages(one.snapshot.positions + offset, radius, stiffness=150.0))


CASES = {
    "nve, two boxes, next images": [
        task(gas(3, 5.1, 2, 1, every=2), (0, 1)),
        task(gas(2, 5.4, 2, 2), (5,)),
    ],
    "langevin": [task(gas(2, 8.0, 2, 3), range(3), integrator="langevin")],
    "three species, forces shifted": [task(gas(2, 4.1, 3, 4), (0, 1), potential=THREE)],
    "a plane, langevin": [task(gas(3, 6.5, 2, 5, 2), (0, 1), integrator="langevin")],
    "cages, of two sizes and none": [
        caged(task(gas(2, 5.2, 2, 6), (0, 1)), 1),
        task(gas(2, 5.4, 2, 2), (5,)),
        caged(task(gas(2, 5.6, 2, 7), (2,)), 2, radius=0.1),
    ],
    "cages in a plane, langevin": [
        caged(task(gas(3, 6.5, 2, 5, 2), (0, 1), integrator="langevin"), 3)
    ],
}


def double_loop_error(batch):
    """Return the largest error of a force, and of an energy, against NumPy and float64."""
    worst = 0.0
    for box, one in enumerate(batch.tasks):
        for k, moved in enumerate(batch.displacements(box)):
            where = replace(one.snapshot, positions=one.snapshot.positions + moved)
            energies, forces = energies_and_forces(
                where.positions, interacting_pairs(where, one.potential)
            )
            if one.cages is not None:
                walls, push = walls_of(one.cages, where.positions)
                assert 0 < np.count_nonzero(walls) < len(walls)
                energies, forces = np.concatenate([energies, walls]), forces + push
            scale = np.sqrt(np.mean(forces**2))
            away = np.abs(batch.forces(box)[k] - forces).max() / scale
            total = abs(batch.energies(box)[0][k] - energies.sum()) / np.abs(energies).sum()
            worst = max(worst, float(away), float(total))
    return worst


def compare(tasks, *, double):
    """Return the largest differences between both forms."""
    plain = Batch(tasks, double=double, skins=(0.4, 0.2))
    kernels = Batch(tasks, kernels=TritonKernels(tile=64), double=double, skins=(0.4, 0.2))
    # Trajectories far apart, some by whole boxes.
    states = [plain.state(box) for box in range(len(tasks))]
    random = np.random.default_rng(0)
    for state, one in zip(states, tasks, strict=True):
        away = random.normal(scale=0.05, size=state["displacements"].shape)
        if one.cages is None:
            away[-1] += 2 * one.snapshot.box
        state["displacements"] = away.astype(state["displacements"].dtype)
    found = {"lists": 0, "pairs": 0}
    for batch in (plain, kernels):
        batch.restore(states)
        batch.lists.ensure_inner()
    for name in ("outer", "inner"):
        one, other = getattr(plain.lists, name), getattr(kernels.lists, name)
        found["lists"] += int((one.counts != other.counts).sum())
        found["pairs"] += int(one.counts.sum())
        rows = torch.arange(int(one.counts.max()))
        used = rows[:, None] < one.counts
        for values in ("entries", "base"):
            mine, theirs = (getattr(x, values)[: len(rows)] for x in (one, other))
            if values == "base":
                mine, theirs = mine.transpose(1, 2), theirs.transpose(1, 2)
            found["lists"] += int((mine[used] != theirs[used]).sum())
    assert int((plain.lists.inner.entries & PARTICLE).max()) < plain.particles
    found["double loop"] = double_loop_error(kernels)
    scale = float(plain._evaluate()[0].double().square().mean().sqrt())
    for name, mine, theirs in zip(
        ("forces", "energies"), plain._evaluate(), kernels._evaluate(), strict=True
    ):
        found[name] = float((mine - theirs).abs().max()) / scale
    # The energy of such a start is nobody's concern.
    for batch in (plain, kernels):
        batch._check_energy = lambda: None
        batch.advance(STEPS)
    found["repeated"] = plain.counters["repeated"] - kernels.counters["repeated"]
    for name in ("displacement", "lost", "half"):
        mine, theirs = getattr(plain.moving, name), getattr(kernels.moving, name)
        found[name] = float((mine - theirs).abs().max())
    moved, expected = (
        batch.kernels.farthest(
            batch.system, batch.moving.displacement, batch.lists._outer_reference
        )
        for batch in (plain, kernels)
    )
    found["farthest"] = float((moved - expected).abs().max())
    return found


def against_lammps():
    """Return errors of forces, and differences from LAMMPS after 200 steps of 216 particles."""
    from glassbotan.simulation import lammps_engine
    from simulation import test_device_batch as liquids

    wanted = liquids.task(trajectories=(0, 5))
    interpreted = TritonKernels(tile=512, list_tile=512)
    ours = Batch([wanted], kernels=interpreted, skins=(1.2, 0.4))
    theirs = lammps_engine.start(wanted)
    found = {"double loop at first": double_loop_error(ours)}
    for run in (ours, theirs):
        run.advance(200)
    moved = ours.displacements(0) - theirs.displacements()
    energies = np.array(ours.energies(0)) / np.array(theirs.energies()) - 1
    return {
        **found,
        "double loop": double_loop_error(ours),
        "displacements": float(np.abs(moved).max()),
        "energies": float(np.abs(energies).max()),
    }


if __name__ == "__main__":
    if sys.argv[1:] == ["lammps"]:
        json.dump(against_lammps(), sys.stdout)
        sys.exit()
    results = {name: compare(tasks, double=False) for name, tasks in CASES.items()}
    results["float64"] = compare(CASES["langevin"], double=True)
    results["cages, float64"] = compare(CASES["cages, of two sizes and none"], double=True)
    json.dump(results, sys.stdout)
