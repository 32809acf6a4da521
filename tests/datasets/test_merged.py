"""Labels of one snapshot in several files become one snapshot with all their times."""

from dataclasses import replace

import numpy as np
import pytest

import glassbotan as gb
from conftest import random_ensemble, random_snapshot, write_botan_npz
from glassbotan.datasets import load_all_labelled, load_labelled
from glassbotan.datasets.labelled import label
from glassbotan.datasets.merged import merged
from glassbotan.dynamics import Bonds
from glassbotan.dynamics.motion import values_on
from glassbotan.structure import neighbour_graph


@pytest.fixture
def parts():
    """One ensemble cut into its times, out of order."""
    snapshot = random_snapshot(50, edge=4.5)
    whole = random_ensemble(snapshot, times=(0.1, 1.0, 10.0))
    graph = neighbour_graph(snapshot, 2.0)

    def cut(times):
        part = gb.IsoconfigurationalEnsemble(snapshot, whole.times[times], whole.positions[times])
        return label(part, graph)

    return label(whole, graph), cut([1]), cut([0, 2])


def test_the_parts_make_up_the_whole(parts):
    whole, middle, ends = parts
    for order in ([middle, ends], [ends, middle]):
        (found,) = merged(order)
        assert np.array_equal(found.motion.times, whole.motion.times)
        assert np.array_equal(found.motion.propensity, whole.motion.propensity)
        assert np.array_equal(found.motion.bond_extension, whole.motion.bond_extension)
        for name, ceilings in whole.ceilings.items():
            for group, values in ceilings.items():
                assert np.array_equal(found.ceilings[name][group], values, equal_nan=True)


def test_errors_are_joined_where_all_parts_have_some(parts):
    _, middle, ends = parts

    def told(labels, value):
        error = np.full(labels.motion.propensity.shape, value)
        return replace(labels, motion=replace(labels.motion, errors={"propensity": error}))

    (found,) = merged([told(ends, 0.3), told(middle, 0.1)])
    assert found.motion.propensity_error[:, 0].tolist() == [0.3, 0.1, 0.3]
    (found,) = merged([told(ends, 0.3), middle])
    assert found.motion.propensity_error is None


def test_bonds_of_two_cutoffs_become_those_that_both_have(parts):
    whole, middle, ends = parts
    bonds = Bonds.up_to(whole.motion.snapshot, 1.6)
    shorter = values_on(bonds, middle.motion, "bond_extension")
    narrow = replace(
        middle,
        motion=replace(
            middle.motion, bonds=bonds, values=middle.motion.values | {"bond_extension": shorter}
        ),
    )
    expected = values_on(bonds, whole.motion, "bond_extension")
    for order in ([narrow, ends], [ends, narrow]):
        (found,) = merged(order)
        assert np.array_equal(found.bonds.pairs, bonds.pairs)
        assert np.array_equal(found.motion.bond_extension, expected)


def test_a_part_without_ceilings_leaves_them_unknown_at_its_times(parts):
    _, middle, ends = parts
    bare = type(middle)(middle.motion, {})
    (found,) = merged([ends, bare])
    for group, values in ends.ceilings["propensity"].items():
        assert np.array_equal(found.ceilings["propensity"][group][[0, 2]], values)
        assert np.isnan(found.ceilings["propensity"][group][1])


def test_other_snapshots_stay_apart_and_in_order(tmp_path):
    names = ["isoconfig_T0.44_2_tc07", "isoconfig_T0.44_1_tc07", "isoconfig_T0.44_2_tc04"]
    files = [
        write_botan_npz(tmp_path / f"{name}.npz", random_snapshot(50, edge=4.5, seed=int(name[16])))
        for name in names
    ]
    found = load_all_labelled(files, box=np.full(3, 4.5))
    assert [list(labels.motion.times) for labels in found] == [[130.0, 4120.0], [4120.0]]
    alone = load_labelled(files[1], box=np.full(3, 4.5))
    assert np.array_equal(found[1].motion.propensity, alone.motion.propensity)
    assert names[0] in found[0].motion.source
    assert names[2] in found[0].motion.source


def test_the_same_time_twice_is_refused(tmp_path):
    files = [
        write_botan_npz(tmp_path / f"{copy}_T0.44_1_tc07.npz", random_snapshot(50, edge=4.5))
        for copy in ("first", "second")
    ]
    with pytest.raises(gb.InputError, match=r"second.*same snapshot.*first.*t = 4120"):
        load_all_labelled(files, box=np.full(3, 4.5))
