"""Maps: which particles are in the slice, where they are drawn, and in which colour."""

from pathlib import Path

import matplotlib.image
import numpy as np
import pytest
from matplotlib.figure import Figure

import glassbotan as gb
from conftest import random_snapshot
from glassbotan.dynamics.motion import Motion
from glassbotan.figures.map import RADII, draw_map, save_map, slice_of


@pytest.fixture
def axes():
    return Figure().subplots()


def pixels(path: Path) -> np.ndarray:
    return matplotlib.image.imread(path)[..., :3]


def test_a_slice_holds_the_particles_near_its_middle_across_the_boundary():
    heights = [0.1, 3.9, 4.1, 5.0, 9.7, 14.4, -0.2]
    positions = np.column_stack([np.arange(7.0), np.zeros(7), heights])
    snapshot = gb.Snapshot(positions, np.zeros(7), [10.0, 10.0, 10.0])
    assert slice_of(snapshot, position=4.0, thickness=1.0).tolist() == [1, 2, 5]
    # Around 0: 9.7 and -0.2 lie below, 0.1 above.
    assert slice_of(snapshot, position=0.0, thickness=1.0).tolist() == [4, 6, 0]
    assert slice_of(snapshot).tolist() == [3]  # 4.5 to 5.5
    assert slice_of(snapshot, axis=0, position=6.0, thickness=0.5).tolist() == [6]


def test_slices_side_by_side_share_the_particles_out():
    snapshot = random_snapshot(60)
    slices = [slice_of(snapshot, position=k + 0.5, thickness=1.0) for k in range(5)]
    together = np.concatenate(slices)
    assert sorted(together.tolist()) == list(range(60))


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_discs_stand_at_the_particles_with_their_radii_and_values(axes, axis):
    snapshot = random_snapshot(60)
    values = np.random.default_rng(0).random(60)
    discs = draw_map(axes, snapshot, values, axis=axis)
    chosen = slice_of(snapshot, axis=axis)
    assert np.array_equal(discs.get_array(), values[chosen])
    across = [k for k in range(3) if k != axis]
    for path, particle in zip(discs.get_paths(), chosen, strict=True):
        bounds = path.get_extents()
        centre = [(bounds.x0 + bounds.x1) / 2, (bounds.y0 + bounds.y1) / 2]
        assert centre == pytest.approx(snapshot.positions[particle][across] % 5, abs=1e-6)
        assert bounds.width / 2 == pytest.approx(RADII[snapshot.species[particle]], rel=1e-3)
    assert axes.get_xlim() == (0, 5)
    assert axes.get_ylim() == (0, 5)


def test_particles_without_a_value_are_left_out(axes):
    snapshot = random_snapshot(60)
    values = np.where(snapshot.species == 0, 1.0, np.nan)
    discs = draw_map(axes, snapshot, values, thickness=5.0)
    assert len(discs.get_paths()) == (snapshot.species == 0).sum()
    with pytest.raises(gb.InputError, match="no propensity to draw"):
        draw_map(axes, snapshot, np.full(60, np.nan))
    with pytest.raises(gb.InputError, match="no particle to draw in that slice"):
        draw_map(axes, snapshot, values, thickness=1e-6)


def test_limits_are_percentiles_or_those_that_are_given(axes):
    snapshot = random_snapshot(60)
    values = np.linspace(0, 1, 60)
    assert draw_map(axes, snapshot, values, thickness=5.0).get_clim() == pytest.approx((0.02, 0.98))
    assert draw_map(axes, snapshot, values, limits=(0, 3)).get_clim() == (0, 3)


@pytest.mark.parametrize("dimension", [2, 3])
@pytest.mark.parametrize("suffix", [".png", ".pdf", ".svg"])
def test_a_picture_has_a_panel_for_every_time(tmp_path, dimension, suffix):
    snapshot = random_snapshot(40, dimension=dimension)
    times = np.array([1.0, 10.0])
    values = np.random.default_rng(0).random((2, 40))
    path = tmp_path / f"m{suffix}"
    save_map(path, Motion(snapshot, times, values, source="model"))
    assert path.stat().st_size > 1000
    if suffix == ".png":
        both = pixels(path)
        save_map(path, Motion(snapshot, times[:1], values[:1]))
        assert both.shape[1] > 1.8 * pixels(path).shape[1]
        assert both.std() > 0.05  # not blank
    if suffix == ".svg":
        assert path.read_text().count("propensity") >= 1


def test_the_fast_are_red_and_the_slow_are_white(tmp_path):
    snapshot = gb.Snapshot([[2.5, 5.0], [7.5, 5.0]], [0, 0], [10.0, 10.0])
    path = tmp_path / "m.png"
    save_map(path, Motion(snapshot, np.array([1.0]), np.array([[0.0, 1.0]])))
    picture = pixels(path)[:, :450]  # without the colour bar
    red = np.argwhere((picture[..., 0] > 0.3) & (picture[..., 1] < 0.1))
    assert len(red) > 100
    # One red disc, right of the middle and halfway up.
    assert np.ptp(red, axis=0).max() < 60
    assert red[:, 1].mean() > 0.5 * picture.shape[1]
    assert abs(red[:, 0].mean() / picture.shape[0] - 0.5) < 0.1


def test_equal_values_and_a_single_particle_are_drawn(tmp_path):
    snapshot = gb.Snapshot([[1.0, 1.0]], [5], [4.0, 4.0])
    save_map(tmp_path / "m.png", Motion(snapshot, np.array([1.0]), np.ones((1, 1))))
    assert (tmp_path / "m.png").stat().st_size > 1000


def test_what_cannot_be_written_leaves_the_old_picture(tmp_path):
    motion = Motion(random_snapshot(40), np.array([1.0]), np.ones((1, 40)))
    (tmp_path / "m.bmp2").write_text("old")
    with pytest.raises(gb.InputError, match=r"m\.bmp2.*use \.png"):
        save_map(tmp_path / "m.bmp2", motion)
    assert (tmp_path / "m.bmp2").read_text() == "old"
    with pytest.raises(gb.InputError, match="there is no folder"):
        save_map(tmp_path / "no" / "m.png", motion)
