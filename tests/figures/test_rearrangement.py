"""Rearrangements: arrows are displacements, particles are followed, the fast are marked."""

import numpy as np
import pytest
from matplotlib.collections import PatchCollection
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.quiver import Quiver

import glassbotan as gb
from conftest import random_ensemble, random_snapshot
from glassbotan.dynamics import propensity
from glassbotan.figures.rearrangement import (
    HALO,
    MOBILE,
    draw_configuration,
    draw_displacements,
    rearrangement,
    rearrangement_figure,
    slice_of_cluster,
)
from glassbotan.figures.slices import RADII, Slice
from glassbotan.figures.style import new_figure


@pytest.fixture
def axes():
    return Figure().subplots()


@pytest.fixture
def ensemble() -> gb.IsoconfigurationalEnsemble:
    return random_ensemble(random_snapshot(60), times=(1.0, 10.0))


def one_fast(*, dimension: int = 3) -> gb.IsoconfigurationalEnsemble:
    """Three particles in a box of edge 10, of which the second goes far, by another way each."""
    positions = np.array([[2.0, 5.0, 5.0], [9.0, 4.0, 5.2], [6.0, 6.0, 1.0]])[:, :dimension]
    snapshot = gb.Snapshot(positions, [0, 1, 0], [10.0] * dimension)
    moved = np.zeros((1, 2, *positions.shape))
    moved[0, 0, 1] = [2.0, 1.0, 3.0][:dimension]
    moved[0, 1, 1] = [2.0, 0.0, -3.0][:dimension]
    moved[0, :, 0, 1] = 0.25
    return gb.IsoconfigurationalEnsemble(snapshot, np.array([7.0]), positions + moved)


def arrows(axes) -> dict[tuple[float, float, float, float], tuple]:
    """Return the colour of each arrow by its beginning and vector."""
    found = {}
    for quiver in (c for c in axes.collections if isinstance(c, Quiver)):
        for line in zip(quiver.X, quiver.Y, quiver.U, quiver.V, strict=True):
            found[tuple(round(float(k), 9) for k in line)] = tuple(quiver.get_facecolor()[0])
    return found


def centres(collection: PatchCollection) -> list[tuple[float, float]]:
    boxes = [path.get_extents() for path in collection.get_paths()]
    return [(round((b.x0 + b.x1) / 2, 6), round((b.y0 + b.y1) / 2, 6)) for b in boxes]


def all_centres(axes) -> list[tuple[float, float]]:
    return sorted(place for c in axes.collections for place in centres(c))


def halo(axes) -> PatchCollection:
    coloured = [
        c
        for c in axes.collections
        if isinstance(c, PatchCollection)
        and len(c.get_facecolor())
        and tuple(c.get_facecolor()[0][:3]) == to_rgba(MOBILE)[:3]
    ]
    assert len(coloured) == 1
    return coloured[0]


def test_arrows_are_the_displacements_in_the_plane(axes):
    moved = rearrangement(one_fast(), trajectory=0)
    draw_displacements(axes, moved, view=Slice(2, 5.0, 1.0))
    found = arrows(axes)
    # The particle at z = 1 is not in the slab; the arrow over the boundary comes in again.
    assert set(found) == {(2, 5, 0, 0.25), (9, 4, 2, 1), (-1, 4, 2, 1)}
    assert found[9, 4, 2, 1] == found[-1, 4, 2, 1] == to_rgba(MOBILE)
    assert found[2, 5, 0, 0.25] != to_rgba(MOBILE)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_arrows_are_drawn_true_to_scale(ensemble, axis):
    figure = new_figure(4, 4)
    axes = figure.subplots()
    moved = rearrangement(ensemble, trajectory=3)
    draw_displacements(axes, moved, view=Slice(axis, 2.5, 5.0))
    across = [k for k in range(3) if k != axis]
    figure.draw_without_rendering()
    for quiver in (c for c in axes.collections if isinstance(c, Quiver)):
        assert (quiver.angles, quiver.scale_units, quiver.scale) == ("xy", "xy", 1)
        # Drawn outline, in the axes' own units: its far end is the tip of the arrow.
        unit = quiver.get_transform() - axes.transData
        for path, x, y, u, v in zip(
            quiver.get_paths(), quiver.X, quiver.Y, quiver.U, quiver.V, strict=True
        ):
            start = np.array([x, y]) % 5
            same = np.linalg.norm(ensemble.snapshot.positions[:, across] % 5 - start, axis=1) < 1e-9
            expected = moved.displacements[same][:, across]
            assert np.any(np.all(np.isclose(expected, [u, v]), axis=1))
            outline = unit.transform(path.vertices) - unit.transform([(0, 0)])
            reach = outline @ np.array([u, v]) / np.hypot(u, v)
            if np.hypot(u, v) > 0.1:
                assert reach.max() == pytest.approx(np.hypot(u, v), rel=0.02)


def test_the_mean_is_of_vectors_and_the_fast_are_those_of_propensity():
    moved = rearrangement(one_fast())
    assert np.allclose(moved.displacements[1], [2.0, 0.5, 0.0])
    assert moved.cluster.tolist() == [1]
    assert moved.source == "mean of 2 trajectories"
    assert moved.time == 7.0
    assert np.allclose(moved.after.positions[1], [11.0, 4.5, 5.2])


def test_the_whole_ensemble_and_one_trajectory(ensemble):
    mean = rearrangement(ensemble, fraction=1 / 60)
    assert mean.cluster.tolist() == [np.argmax(propensity(ensemble)[1])]
    assert np.allclose(mean.displacements, ensemble.displacements(1).mean(axis=0))
    one = rearrangement(ensemble, time=1.0, trajectory=3, fraction=1 / 60)
    expected = ensemble.displacements(0)[3]
    assert np.array_equal(one.displacements, expected)
    assert one.cluster.tolist() == [np.argmax(np.linalg.norm(expected, axis=1))]
    assert one.source == "trajectory 3"


def test_by_default_the_slice_holds_most_of_the_cluster(ensemble):
    moved = rearrangement(ensemble, fraction=0.5)
    view = slice_of_cluster(moved)
    held = np.isin(view.particles(moved.before), moved.cluster).sum()
    others = [
        np.isin(Slice(position=z).particles(moved.before), moved.cluster).sum()
        for z in moved.before.positions[moved.cluster, 2]
    ]
    assert held == max(others) > 0
    assert slice_of_cluster(moved, Slice(1, 2.0)) == Slice(1, 2.0)


def test_a_cluster_across_the_boundary_is_one_slice():
    positions = np.array([[5.0, 5.0, z] for z in (9.6, 0.0, 0.4, 5.0)])
    positions[:, 0] += [0, 1, 2, 0]
    snapshot = gb.Snapshot(positions, [0] * 4, [10.0] * 3)
    trajectories = positions + np.array([1, 1, 1, 0])[:, None] * np.ones((1, 1, 4, 3))
    ensemble = gb.IsoconfigurationalEnsemble(snapshot, np.array([1.0]), trajectories)
    moved = rearrangement(ensemble, fraction=0.75)
    assert moved.cluster.tolist() == [0, 1, 2]
    view = slice_of_cluster(moved)
    assert view.position == pytest.approx(0.0)
    assert sorted(view.particles(snapshot).tolist()) == [0, 1, 2]


def test_the_same_particles_are_drawn_before_and_after(axes):
    moved = rearrangement(one_fast(), trajectory=0)
    view = Slice(2, 5.0, 1.0)
    draw_configuration(axes, moved, view=view)
    assert all_centres(axes) == [(2, 5), (9, 4), (9, 4)]
    later = Figure().subplots()
    draw_configuration(later, moved, view=view, after=True)
    # The second leaves the slab upwards and the box to the right, and is drawn all the same.
    assert all_centres(later) == [(1, 5), (1, 5), (2, 5.25)]
    assert centres(halo(later)) == [(1, 5)]
    assert later.get_xlim() == later.get_ylim() == (0, 10)


def test_the_most_mobile_stand_out_in_all_three_panels(ensemble):
    figure = rearrangement_figure(ensemble)
    moved = rearrangement(ensemble)
    view = slice_of_cluster(moved)
    chosen = view.particles(moved.before)
    marked = chosen[np.isin(chosen, moved.cluster)]
    for axes, positions in zip(
        figure.axes,
        (moved.before.positions, moved.before.positions, moved.after.positions),
        strict=True,
    ):
        found = halo(axes)
        expected = positions[marked][:, :2] % 5
        own = found.get_paths()[: len(marked)]  # their periodic images follow
        assert sorted(centres(found)[: len(marked)]) == [
            pytest.approx(place, abs=1e-5) for place in sorted(map(tuple, expected))
        ]
        widths = sorted(path.get_extents().width for path in own)
        radii = [RADII[s] + HALO for s in moved.before.species[marked]]
        assert np.allclose(widths, sorted(2 * r for r in radii), rtol=1e-3)
    titles = [axes.get_title("left") for axes in figure.axes]
    assert titles == [
        "(a) before, $t$ = 0",
        "(b) displacements, mean of 8 trajectories",
        "(c) after, $t$ = 10",
    ]


def test_the_remark_counts_those_that_leave_the_slab():
    figure = rearrangement_figure(one_fast(), trajectory=0, view=Slice(2, 5.0, 1.0))
    remark = figure.get_supxlabel()
    assert "z = 5.00 ± 0.5 σ with 2 particles (1 of the most mobile)" in remark
    assert "at $t$ = 7, 1 of them lie outside it" in remark
    # Within the plane, nothing is left.
    flat = rearrangement_figure(one_fast(dimension=2)).get_supxlabel()
    assert flat == "arrows true to scale, from $t$ = 0 to 7"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"trajectory": 8}, "has 8 trajectories, counted from 0 to 7; there is no trajectory 8"),
        ({"trajectory": -1}, "there is no trajectory -1"),
        ({"time": 5.0}, "has t = 1, 10, not t = 5"),
        ({"time": np.inf}, "has t = 1, 10, not t = inf"),
        ({"fraction": 0.0}, "fastest fraction is 0"),
        ({"view": Slice(2, 2.5, 1e-9)}, "no particle lies within"),
    ],
)
def test_what_the_ensemble_lacks(ensemble, options, message):
    with pytest.raises(gb.InputError, match=message):
        rearrangement_figure(ensemble, **options)


@pytest.mark.mpl_image_compare(
    baseline_dir="baseline",
    filename="rearrangement.png",
    tolerance=4,
    savefig_kwargs={"dpi": 60},
    style="default",
)
def test_rearrangement_looks_as_it_did():
    snapshot = random_snapshot(240, edge=6.0)
    ensemble = random_ensemble(snapshot, trajectories=3, times=(30.0,))
    return rearrangement_figure(ensemble, trajectory=1, fraction=0.1)
