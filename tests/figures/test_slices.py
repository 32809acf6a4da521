"""Slices: which particles lie in one, where discs stand, and how long the scale bar is."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure
from matplotlib.transforms import Affine2D

import glassbotan as gb
from conftest import random_snapshot
from glassbotan.figures.slices import (
    MOST_VECTOR_DISCS,
    RADII,
    Slice,
    _round_length,
    draw_discs,
    frame,
    scale_bar,
)


@pytest.fixture
def axes():
    return Figure().subplots()


def test_a_slice_holds_the_particles_near_its_middle_across_the_boundary():
    heights = [0.1, 3.9, 4.1, 5.0, 9.7, 14.4, -0.2]
    positions = np.column_stack([np.arange(7.0), np.zeros(7), heights])
    snapshot = gb.Snapshot(positions, np.zeros(7), [10.0, 10.0, 10.0])
    assert Slice(position=4.0).particles(snapshot).tolist() == [1, 2, 5]
    assert Slice(position=-6.0).particles(snapshot).tolist() == [1, 2, 5]
    # Around 0: 9.7 and -0.2 lie below, 0.1 above.
    assert Slice(position=0.0).particles(snapshot).tolist() == [4, 6, 0]
    assert Slice().particles(snapshot).tolist() == [3]  # 4.5 to 5.5
    assert Slice(0, 6.0, 0.5).particles(snapshot).tolist() == [6]


def test_slices_side_by_side_share_the_particles_out():
    snapshot = random_snapshot(60)
    slices = [Slice(position=k + 0.5).particles(snapshot) for k in range(5)]
    assert sorted(np.concatenate(slices).tolist()) == list(range(60))


@given(
    axis=st.integers(0, 2),
    position=st.floats(-20, 20),
    thickness=st.floats(2, 30),
    image=st.integers(-3, 3),
)
def test_periodic_images_are_the_same_slice(axis, position, thickness, image):
    snapshot = random_snapshot(60)
    moved = gb.Snapshot(snapshot.positions + 5.0 * image, snapshot.species, snapshot.box)
    view = Slice(axis, position + 0.0123, thickness)
    chosen = set(view.particles(snapshot).tolist())
    assert chosen == set(view.particles(moved).tolist())
    assert chosen == set(Slice(axis, view.position + 10.0, thickness).particles(snapshot).tolist())
    gap = (snapshot.positions[:, axis] - view.position) % 5.0
    assert chosen == set(np.flatnonzero(np.minimum(gap, 5.0 - gap) <= thickness / 2).tolist())
    if thickness > 5:
        assert len(chosen) == 60


def test_a_plane_is_its_own_slice():
    snapshot = random_snapshot(40, dimension=2)
    for view in (Slice(), Slice(0, 1.0, 0.1)):
        assert view.particles(snapshot).tolist() == list(range(40))
        assert view.across(2) == (0, 1)
        assert view.extent(snapshot) == (5.0, 5.0)


def test_an_empty_slice_says_where_particles_are():
    snapshot = gb.Snapshot(
        [[1.0, 2, 3], [1, 2, 3.75], [1, 2, 13]], [0, 0, 0], [10.0, 10, 10], source="s.xyz"
    )
    with pytest.raises(gb.InputError) as caught:
        Slice(position=7.0).particles(snapshot)
    assert str(caught.value) == (
        "s.xyz: no particle lies within 0.5 of z = 7; particles lie from z = 3 to 3.75, "
        "the nearest at 3.75: move or thicken the slice"
    )
    with pytest.raises(gb.InputError, match=r"of y = 5; .* from y = 2 to 2, the nearest at 2:"):
        Slice(axis=1).particles(snapshot)


@pytest.mark.parametrize(
    ("view", "wrong"),
    [
        ((3, None, 1.0), "axis is 3; expected 0, 1 or 2"),
        ((-1, None, 1.0), "axis is -1"),
        ((2, float("nan"), 1.0), "position is nan"),
        ((2, None, 0.0), "thickness is 0.0; expected a positive length"),
        ((2, None, float("inf")), "thickness is inf"),
        ((2, None, float("nan")), "thickness is nan"),
    ],
)
def test_what_is_no_slab_is_refused(view, wrong):
    with pytest.raises(gb.InputError, match=wrong):
        Slice(*view)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_discs_stand_at_the_particles_with_their_radii(axes, axis):
    snapshot = random_snapshot(60)
    moved = gb.Snapshot(snapshot.positions + 5.0, np.arange(60) % 5, [5.0, 5, 5])
    view = Slice(axis)
    chosen = view.particles(moved)[::-1]
    discs = draw_discs(axes, moved, chosen, view=view)
    across = [k for k in range(3) if k != axis]
    for path, particle in zip(discs.get_paths()[: len(chosen)], chosen, strict=True):
        bounds = path.get_extents()
        centre = [(bounds.x0 + bounds.x1) / 2, (bounds.y0 + bounds.y1) / 2]
        assert centre == pytest.approx(snapshot.positions[particle][across], abs=1e-6)
        radius = (*RADII, RADII[2], RADII[2])[moved.species[particle]]
        assert bounds.width / 2 == pytest.approx(radius, rel=1e-3)
        assert bounds.height / 2 == pytest.approx(radius, rel=1e-3)
    assert discs.axes is axes


def test_discs_at_the_edge_are_completed_on_the_other_side(axes):
    # One in a corner, one over the right edge, one that just does not touch any.
    snapshot = gb.Snapshot([[0.1, 4.9], [4.8, 2.0], [0.51, 2.0]], [0, 0, 0], [5.0, 5.0])
    discs = draw_discs(
        axes, snapshot, np.arange(3), values=np.array([1.0, 2.0, 3.0]), wider=0.0, cmap="Reds"
    )
    places = [path.get_extents().get_points().mean(axis=0) for path in discs.get_paths()]
    drawn = {
        (*np.round(place, 6).tolist(), value)
        for place, value in zip(places, discs.get_array(), strict=True)
    }
    assert drawn == {
        *((0.1, 4.9, 1), (4.8, 2.0, 2), (0.51, 2.0, 3)),
        *((5.1, 4.9, 1), (0.1, -0.1, 1), (5.1, -0.1, 1), (-0.2, 2.0, 2)),
    }
    wide = draw_discs(axes, snapshot, np.array([2]), wider=0.02)
    assert len(wide.get_paths()) == 2


def test_discs_are_round(axes):
    snapshot = gb.Snapshot([[2.0, 3.0]], [0], [5.0, 5.0])
    (path,) = draw_discs(axes, snapshot, np.array([0])).get_paths()
    (outline,) = path.to_polygons(Affine2D().scale(1000), closed_only=False)
    assert len(outline) > 50
    distances = np.hypot(*(outline / 1000 - [2.0, 3.0]).T)
    assert distances == pytest.approx(np.full(len(outline), RADII[0]), rel=3e-3)


def test_values_colours_and_limits_of_discs(axes):
    snapshot = random_snapshot(60)
    chosen = np.array([3, 1, 2])
    discs = draw_discs(
        axes, snapshot, chosen, values=np.array([1.0, 2, 3]), cmap="Reds", limits=(1, 2)
    )
    assert discs.get_array().tolist() == [1, 2, 3]
    assert discs.get_clim() == (1, 2)
    assert discs.get_cmap().name == "Reds"
    plain = draw_discs(axes, snapshot, chosen, colours=["red", "blue", "white"])
    assert plain.get_array() is None
    assert plain.get_facecolor()[:, :3].tolist() == [[1, 0, 0], [0, 0, 1], [1, 1, 1]]


def test_many_discs_are_pixels_in_vector_files(axes):
    for count, expected in ((MOST_VECTOR_DISCS, False), (MOST_VECTOR_DISCS + 1, True)):
        snapshot = random_snapshot(count, edge=40.0)
        assert draw_discs(axes, snapshot, np.arange(count)).get_rasterized() is expected


def test_the_frame_shows_the_whole_box_in_true_aspect(axes):
    snapshot = gb.Snapshot([[1.0, 1, 1]], [0], [4.0, 6.0, 9.0])
    for axis, expected in enumerate([(6.0, 9.0), (4.0, 9.0), (4.0, 6.0)]):
        frame(axes, snapshot, Slice(axis))
        assert (axes.get_xlim()[1], axes.get_ylim()[1]) == expected
        assert (axes.get_xlim()[0], axes.get_ylim()[0]) == (0, 0)
        assert axes.get_aspect() == 1
        assert not len(axes.get_xticks())
        assert not len(axes.get_yticks())


@pytest.mark.parametrize(("width", "length"), [(15.05658, 2), (4.0, 1), (40.0, 10), (1.0, 0.2)])
def test_the_scale_bar_is_as_long_as_it_says(axes, width, length):
    axes.set(xlim=(0, width), ylim=(0, width))
    scale_bar(axes)
    (bar,) = axes.get_lines()
    assert np.ptp(bar.get_xdata()) == pytest.approx(length)
    assert axes.texts[0].get_text() == f"{length:g} σ"
    assert bar.get_xdata().min() > 0
    assert 0 < bar.get_ydata()[0] < 0.1 * width
    assert axes.get_xlim() == (0, width)


@given(st.floats(1e-6, 1e9))
def test_a_bar_is_one_two_or_five_and_hardly_shorter_than_it_may_be(upper):
    length = _round_length(upper)
    assert upper / 2.5 * (1 - 1e-9) <= length <= upper * (1 + 1e-6)
    assert f"{length:.6e}"[0] in "125"


@pytest.mark.parametrize("power", range(-6, 10))
def test_a_bar_of_a_power_of_ten_is_found(power):
    assert _round_length(10.0**power) == pytest.approx(10.0**power)
