"""Snapshots to ASE's Atoms and back."""

from dataclasses import replace

import numpy as np
import pytest
from ase import Atoms

import glassbotan as gb
from conftest import random_snapshot


@pytest.mark.parametrize("dimension", [2, 3])
def test_there_and_back(dimension):
    fields = {"energy": np.arange(60.0), "velocity": np.ones((60, 3))}
    snapshot = replace(random_snapshot(dimension=dimension), fields=fields, temperature=0.44)
    atoms = snapshot.to_ase()
    back = gb.Snapshot.from_ase(atoms)
    for name in ("positions", "species", "box"):
        assert type(getattr(back, name)) is np.ndarray
        assert np.array_equal(getattr(back, name), getattr(snapshot, name))
    assert {name: values.tolist() for name, values in back.fields.items()} == {
        name: values.tolist() for name, values in fields.items()
    }
    assert back.temperature == 0.44
    atoms.positions += 1
    assert np.array_equal(back.positions, snapshot.positions)


def test_elements_are_species_as_told():
    atoms = Atoms("Ni3P", positions=np.eye(4, 3), cell=[5, 6, 7], pbc=True)
    snapshot = gb.Snapshot.from_ase(atoms, species={"Ni": 0, "P": 1})
    assert snapshot.species.tolist() == [0, 0, 0, 1]
    assert snapshot.box.tolist() == [5, 6, 7]
    with pytest.raises(gb.InputError, match="which species P are; say so with species"):
        gb.Snapshot.from_ase(atoms, species={"Ni": 0})
    with pytest.raises(gb.InputError, match="which species Ni, P are"):
        gb.Snapshot.from_ase(atoms)


@pytest.mark.parametrize(
    ("cell", "pbc", "message"),
    [
        ([5, 5, 5], False, "periodic is .False, False, False.; all three"),
        ([5, 5, 5], [True, True, False], "a plane whose z are all the same"),
        ([[5, 0, 0], [1, 5, 0], [0, 0, 5]], True, "not orthorhombic; triclinic"),
        ([0, 0, 0], True, "must be positive"),
    ],
)
def test_what_is_no_periodic_box_is_refused(cell, pbc, message):
    atoms = Atoms("H4", positions=np.eye(4, 3), cell=cell, pbc=pbc)
    with pytest.raises(gb.InputError, match=message):
        gb.Snapshot.from_ase(atoms, species={"H": 0})


def test_what_atoms_cannot_hold_is_refused():
    snapshot = random_snapshot()
    with pytest.raises(gb.InputError, match="field 'numbers' is an array of ASE's"):
        replace(snapshot, fields={"numbers": np.arange(60)}).to_ase()
    with pytest.raises(gb.InputError, match="species 200 has no chemical element"):
        replace(snapshot, species=np.full(60, 200)).to_ase()
