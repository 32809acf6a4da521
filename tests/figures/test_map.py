"""Maps: which discs are drawn in which colour, and what stands around them."""

from dataclasses import replace

import matplotlib.colors
import matplotlib.image
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

import glassbotan as gb
from conftest import random_ensemble, random_snapshot
from glassbotan.datasets import LabelledSnapshot
from glassbotan.datasets.labelled import label
from glassbotan.dynamics import Motion
from glassbotan.dynamics.ceiling import pearson
from glassbotan.dynamics.quantities import QUANTITIES, Quantity
from glassbotan.evaluation.comparison import Comparison, compare
from glassbotan.evaluation.scores import score
from glassbotan.figures.bonds import bonds_shown
from glassbotan.figures.map import draw_map, map_figure
from glassbotan.figures.scales import shared_limits
from glassbotan.figures.slices import Slice
from glassbotan.figures.style import COLUMN, PAGE, save_figure

ALL = Slice(thickness=5.0)


@pytest.fixture
def axes():
    return Figure().subplots()


def motion(snapshot: gb.Snapshot, source: str, *, times=(1.0, 10.0), seed: int = 0) -> Motion:
    """Return random propensities."""
    values = np.random.default_rng(seed).random((len(times), snapshot.n_particles))
    return Motion(snapshot, np.array(times), {"propensity": values}, source=source)


def comparison(
    snapshot: gb.Snapshot, *predictions: Motion, measured: Motion | None = None
) -> Comparison:
    labels = None if measured is None else LabelledSnapshot(measured, {})
    return Comparison(snapshot, labels, predictions)


def panels(figure: Figure) -> list:
    """Return the maps, row by row, without the colour bars."""
    return [axes for axes in figure.axes if axes.get_label() != "<colorbar>"]


def bars(figure: Figure) -> list:
    return [axes for axes in figure.axes if axes.get_label() == "<colorbar>"]


def limits(axes) -> tuple[float, float]:
    return axes.collections[0].get_clim()


# One map


def within(axes):
    """Return the number of discs whose centres are in the picture: the others are images."""
    centres = [
        path.get_extents().get_points().mean(axis=0) for path in axes.collections[0].get_paths()
    ]
    return sum(bool(np.all((place > 0) & (place < 5))) for place in centres)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_discs_are_those_of_the_slice_with_their_values(axes, axis):
    snapshot = random_snapshot(60)
    values = np.random.default_rng(0).random(60)
    view = Slice(axis)
    assert draw_map(axes, snapshot, values, view=view) is axes
    (discs,) = axes.collections
    inside = view.particles(snapshot)
    assert np.array_equal(discs.get_array()[: len(inside)], values[inside])
    assert discs.get_cmap().name == "Reds"
    assert axes.get_xlim() == axes.get_ylim() == (0, 5)
    assert axes.get_aspect() == 1
    assert [text.get_text() for text in axes.texts] == ["1 σ"]


def test_particles_without_a_value_are_left_out(axes):
    snapshot = random_snapshot(60)
    values = np.where(snapshot.species == 0, 1.0, np.nan)
    draw_map(axes, snapshot, values, view=ALL)
    assert within(axes) == (snapshot.species == 0).sum()
    with pytest.raises(gb.InputError, match=r"none of the 60 particle\(s\) in the slice has a"):
        draw_map(axes, snapshot, np.full(60, np.nan), view=ALL)
    with pytest.raises(gb.InputError, match="no particle lies within 5e-07 of z = 2.5"):
        draw_map(axes, snapshot, values, view=Slice(thickness=1e-6))


@pytest.mark.parametrize("shape", [(59,), (61,), (1, 60), ()])
def test_values_of_another_snapshot_are_refused(axes, shape):
    with pytest.raises(gb.InputError, match="expected one for each of 60 particles"):
        draw_map(axes, random_snapshot(60), np.ones(shape))


def test_limits_are_percentiles_or_those_that_are_given(axes):
    snapshot = random_snapshot(60)
    values = np.linspace(0, 1, 60)
    draw_map(axes, snapshot, values, view=ALL)
    assert limits(axes) == pytest.approx((0.02, 0.98))
    other = Figure().subplots()
    draw_map(other, snapshot, values, limits=(0, 3))
    assert limits(other) == (0, 3)


def test_the_fast_are_red_and_the_slow_are_white(axes):
    snapshot = gb.Snapshot([[2.5, 5.0], [7.5, 5.0]], [0, 0], [10.0, 10.0])
    draw_map(axes, snapshot, np.array([0.0, 1.0]), limits=(0, 1))
    axes.figure.draw_without_rendering()
    slow, fast = axes.collections[0].get_facecolor()[:, :3]
    assert slow.min() > 0.9
    assert fast[0] > 0.3
    assert fast[1:].max() < 0.1


def test_the_picture_shows_one_red_disc_in_its_place(tmp_path):
    snapshot = gb.Snapshot([[2.5, 5.0], [7.5, 5.0]], [0, 0], [10.0, 10.0])
    one = Motion(snapshot, np.array([1.0]), {"propensity": np.array([[0.0, 1.0]])}, source="one")
    figure = map_figure(comparison(snapshot, one))
    save_figure(tmp_path / "m.png", figure)
    picture = matplotlib.image.imread(tmp_path / "m.png")[..., :3]
    figure.draw_without_rendering()
    where = panels(figure)[0].get_position()
    height, width = picture.shape[:2]
    red = np.argwhere((picture[..., 0] > 0.3) & (picture[..., 1] < 0.1))
    red = red[red[:, 1] < where.x1 * width]  # without the colour bar
    assert len(red) > 1000
    down, right = red.mean(axis=0)
    assert right / width == pytest.approx(where.x0 + 0.75 * where.width, abs=0.01)
    assert 1 - down / height == pytest.approx(where.y0 + 0.5 * where.height, abs=0.01)
    assert np.ptp(red[:, 0]) / height == pytest.approx(0.1 * where.height, rel=0.1)


# One scale


def test_the_scale_is_that_of_the_first_panel():
    first = np.linspace(0, 1, 101)
    assert shared_limits([first]) == pytest.approx((0.02, 0.98))
    assert shared_limits([first, 0.5 + 0.4 * first]) == pytest.approx((0.02, 0.98))


def test_an_offset_lengthens_the_scale_up_to_its_own_length():
    first = np.linspace(0, 1, 101)
    assert shared_limits([first, first + 0.7]) == pytest.approx((0.02, 1.2))
    assert shared_limits([first, first - 0.7]) == pytest.approx((-0.2, 0.98))
    assert shared_limits([first, first + 50]) == pytest.approx((0.02, 1.94))
    assert shared_limits([first, first - 50]) == pytest.approx((-0.94, 0.98))


samples = st.lists(st.floats(-5, 5), min_size=1, max_size=30).map(np.array)


@given(st.lists(samples, min_size=1, max_size=4))
def test_what_is_measured_spans_a_third_of_the_scale_at_least(shown):
    low, high = shared_limits(shown)
    inner = np.percentile(shown[0], [2, 98])
    assert low <= inner[0] <= inner[1] <= high
    assert high - low <= 3 * (inner[1] - inner[0]) + 1e-9


# Maps side by side


def test_columns_are_motions_and_rows_are_times():
    snapshot = random_snapshot(60)
    measured, late = motion(snapshot, "file.npz"), motion(snapshot, "late", times=(10.0, 100.0))
    figure = map_figure(comparison(snapshot, late, measured=measured), view=ALL)
    top_left, top_right, left, right = panels(figure)
    assert [axes.get_title() for axes in panels(figure)] == ["simulation", "late", "", ""]
    assert [axes.get_ylabel() for axes in (top_left, left)] == ["$t$ = 1", "$t$ = 10"]
    assert top_right.texts[0].get_text() == "no prediction\nat $t$ = 1"
    assert not top_right.collections
    inside = ALL.particles(snapshot)
    assert np.array_equal(left.collections[0].get_array()[:60], measured.propensity[1, inside])
    assert np.array_equal(right.collections[0].get_array()[:60], late.propensity[0, inside])
    assert len(bars(figure)) == 2
    assert {axes.get_ylabel() for axes in bars(figure)} == {"propensity (σ)"}


def test_chosen_times_are_rows_in_order_wherever_they_are_known():
    snapshot = random_snapshot(60)
    measured, late = motion(snapshot, "file.npz"), motion(snapshot, "late", times=(10.0, 100.0))
    both = comparison(snapshot, late, measured=measured)
    figure = map_figure(both, times=[100, 1.01], view=ALL)
    labels = [axes.get_ylabel() for axes in panels(figure)]
    assert labels == ["$t$ = 1", "", "$t$ = 100", ""]
    assert panels(figure)[2].texts[0].get_text() == "not simulated\nat $t$ = 100"
    # Without a measurement the scale is the prediction's own.
    shown = late.propensity[1, ALL.particles(snapshot)]
    assert limits(panels(figure)[3]) == pytest.approx(np.percentile(shown, [2, 98]))


def test_a_row_has_one_scale_and_rows_have_their_own():
    snapshot = random_snapshot(60)
    measured = motion(snapshot, "file.npz")
    measured.propensity[1] *= 7
    others = [motion(snapshot, name, seed=k) for k, name in enumerate("abc", 1)]
    figure = map_figure(comparison(snapshot, *others, measured=measured), view=ALL)
    first, second = panels(figure)[:4], panels(figure)[4:]
    for row, values in ((first, measured.propensity[0]), (second, measured.propensity[1])):
        (shared,) = {limits(axes) for axes in row}
        assert shared == pytest.approx(np.percentile(values, [2, 98]))
        assert {axes.collections[0].get_cmap().name for axes in row} == {"Reds"}
    assert [bar.get_ylim() for bar in bars(figure)] == [limits(first[0]), limits(second[0])]


def test_scores_are_those_of_a_over_the_whole_snapshot():
    snapshot = random_snapshot(60)
    measured, guess = motion(snapshot, "file.npz"), motion(snapshot, "guess", seed=1)
    figure = map_figure(comparison(snapshot, guess, measured=measured), view=Slice())
    first = snapshot.species == 0
    for t, axes in enumerate(panels(figure)[1::2]):
        x, y = guess.propensity[t, first], measured.propensity[t, first]
        expected = (
            f"A: Pearson {pearson(x, y):.2f}\nsquared error {((x - y) ** 2).mean():.2g}\xa0σ²"
        )
        assert axes.get_xlabel() == expected.replace("-", "−")
    assert {axes.get_xlabel() for axes in panels(figure)[::2]} == {""}


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (lambda y: 0 * y + 3.0, "A: Pearson undefined"),
        (lambda y: -y, "A: Pearson −1.00"),
        (lambda y: y + 1e-3, "squared error 1.0×10⁻⁶\xa0σ²"),
        (lambda y: y + 1e3, "squared error 1.0×10⁶\xa0σ²"),
        (lambda y: y, "A: Pearson 1.00\nsquared error 0\xa0σ²"),
    ],
)
def test_scores_are_readable(values, expected):
    snapshot = random_snapshot(60)
    measured = motion(snapshot, "file.npz", times=(1.0,))
    guess = Motion(
        snapshot, measured.times, {"propensity": values(measured.propensity)}, source="guess"
    )
    figure = map_figure(comparison(snapshot, guess, measured=measured), view=ALL)
    assert expected in panels(figure)[1].get_xlabel()


def test_species_that_are_not_predicted_have_no_score():
    snapshot = random_snapshot(60)
    measured = motion(snapshot, "file.npz")
    only_b = motion(snapshot, "only B")
    only_b.propensity[:, snapshot.species == 0] = np.nan
    figure = map_figure(comparison(snapshot, only_b, measured=measured), view=ALL)
    drawn = panels(figure)[1]
    assert drawn.get_xlabel() == ""
    assert within(drawn) == (snapshot.species == 1).sum()


def test_a_model_of_bonds_alone_is_refused():
    snapshot = random_snapshot(60)
    measured = motion(snapshot, "file.npz")
    blank = replace(measured, values={"propensity": np.full((2, 60), np.nan)}, source="bonds-1")
    with pytest.raises(gb.InputError, match=r"model bonds-1: there is no propensity to draw; "):
        map_figure(comparison(snapshot, blank, measured=measured))
    with pytest.raises(gb.InputError, match="no motion to draw; name a model"):
        map_figure(comparison(snapshot))


# Other quantities


@pytest.fixture
def speed(monkeypatch):
    """A signed quantity of particles, without a unit, that nothing else knows."""
    one = Quantity("speed", "particles", "", "mean speed", lambda bonds, r: r[..., 0], signed=True)
    monkeypatch.setitem(QUANTITIES, "speed", one)


@pytest.mark.usefixtures("speed")
def test_a_quantity_that_is_described_here_alone_is_drawn_and_scored():
    snapshot = random_snapshot(60)
    measured, guess = (
        Motion(snapshot, np.array([1.0]), {"speed": values - 0.3, "propensity": values}, source="m")
        for values in np.random.default_rng(0).random((2, 1, 60))
    )
    both = comparison(snapshot, guess, measured=measured)
    figure = map_figure(both, quantity="speed", view=ALL)
    assert bars(figure)[0].get_ylabel() == "mean speed"
    inside = ALL.particles(snapshot)
    shown = np.concatenate([measured["speed"][0, inside], guess["speed"][0, inside]])
    for axes, motion in zip(panels(figure), (measured, guess), strict=True):
        discs = axes.collections[0]
        assert discs.get_cmap().name == "RdBu_r"
        assert discs.get_clim()[1] == pytest.approx(np.percentile(np.abs(shown), 98))
        assert discs.get_clim()[0] == -discs.get_clim()[1]
        assert np.array_equal(discs.get_array()[:60], motion["speed"][0, inside])
    (row,) = (
        row for row in score("m", [both.labels], [guess]).quantities["speed"] if row.species == "A"
    )
    first = snapshot.species == 0
    assert row.mse == pytest.approx(np.mean((guess["speed"] - measured["speed"])[0, first] ** 2))
    told = f"A: Pearson {row.pearson_mean:.2f}\nsquared error {row.mse:.2g}"
    assert panels(figure)[1].get_xlabel() == told.replace("-", "−")


def test_bonds_are_lines_of_one_scale_with_their_scores():
    snapshot = random_snapshot(120, edge=6.0)
    labels = label(random_ensemble(snapshot, times=(1.0,)), gb.neighbour_graph(snapshot))
    measured = labels.motion
    noise = np.random.default_rng(0).normal(0, 0.1, measured.bond_extension.shape)
    guess = replace(measured, values={"bond_extension": measured.bond_extension + noise})
    figure = map_figure(Comparison(snapshot, labels, [guess]), quantity="bond_extension")
    assert bars(figure)[0].get_ylabel() == "bond extension (σ)"
    (row,) = (r for r in score("m", [labels], [guess]).bonds if r.species == "AA")
    assert f"AA: Pearson {row.pearson_mean:.2f}" in panels(figure)[1].get_xlabel()
    lines = [
        next(c for c in axes.collections if isinstance(c, LineCollection))
        for axes in panels(figure)
    ]
    assert lines[0].get_clim() == lines[1].get_clim()
    _, chosen = bonds_shown(measured, 0, QUANTITIES["bond_extension"], Slice())
    for drawn, motion in zip(lines, (measured, guess), strict=True):
        assert set(drawn.get_array()) == set(motion.bond_extension[0, chosen])


def test_simulations_without_a_quantity_are_left_out():
    snapshot = random_snapshot(60)
    guess = Motion(snapshot, np.array([1.0]), {"bond_breaking": np.full((1, 60), 0.5)}, source="b")
    both = comparison(snapshot, guess, measured=motion(snapshot, "file.npz"))
    figure = map_figure(both, quantity="bond_breaking", view=ALL)
    assert [axes.get_title() for axes in panels(figure)] == ["b"]
    assert bars(figure)[0].get_ylabel() == "bond-breaking propensity"
    with pytest.raises(gb.InputError, match="no quantity 'speed'; there are propensity, bond_e"):
        map_figure(both, quantity="speed")


def test_an_unknown_time_and_an_empty_slice_are_refused():
    snapshot = replace(random_snapshot(60), source="s.npz")
    both = comparison(snapshot, motion(snapshot, "m"), measured=motion(snapshot, "s.npz"))
    with pytest.raises(gb.InputError, match=r"t = 5: not known here; s.npz has t = 1, 10; model m"):
        map_figure(both, times=[5.0])
    with pytest.raises(gb.InputError, match="particles lie from x = "):
        map_figure(both, view=Slice(0, 2.5, 1e-9))
    many = motion(snapshot, "m", times=tuple(1.1**k for k in range(26)))
    with pytest.raises(gb.InputError, match="26 times are too many"):
        map_figure(comparison(snapshot, many))


@pytest.mark.parametrize("columns", [1, 2, 5])
@pytest.mark.parametrize("stretch", [(1, 1, 1), (4, 1, 1), (1, 4, 1)])
def test_nothing_overlaps_and_nothing_is_cut_off(columns, stretch):
    snapshot = random_snapshot(60)
    snapshot = gb.Snapshot(snapshot.positions * stretch, snapshot.species, snapshot.box * stretch)
    measured = motion(snapshot, "file.npz", times=(1.0, 130000.0))
    long = "a-network-of-mine-with-$a_name}-longer-than-others"
    guesses = [motion(snapshot, long, times=(1.0, 130000.0), seed=k) for k in range(1, columns)]
    figure = map_figure(comparison(snapshot, *guesses, measured=measured), view=ALL)
    assert figure.get_figwidth() == (PAGE if columns > 2 else COLUMN)
    figure.draw_without_rendering()
    texts = [
        text.get_window_extent()
        for axes in figure.axes
        for text in (axes.title, axes.xaxis.label, axes.yaxis.label)
        if text.get_text()
    ]
    maps = [axes.get_window_extent() for axes in panels(figure)]
    for k, box in enumerate(texts):
        assert box.x0 >= 0
        assert box.y0 >= 0
        assert box.x1 <= figure.bbox.x1 + 0.5
        assert box.y1 <= figure.bbox.y1 + 0.5
        assert not any(box.overlaps(other) for other in texts[k + 1 :])
        assert not any(box.overlaps(other) for other in maps)
    for axes in panels(figure):
        box = axes.get_window_extent()
        assert box.width / box.height == pytest.approx(stretch[0] / stretch[1], rel=0.01)


@pytest.mark.parametrize(("dimension", "suffix"), [(2, ".png"), (3, ".svg")])
def test_a_map_is_saved(tmp_path, dimension, suffix):
    snapshot = random_snapshot(40, dimension=dimension)
    save_figure(tmp_path / f"m{suffix}", map_figure(comparison(snapshot, motion(snapshot, "m"))))
    assert (tmp_path / f"m{suffix}").stat().st_size > 1000
    if suffix == ".svg":
        assert "propensity (σ)</text>" in (tmp_path / "m.svg").read_text("utf-8")


def test_equal_values_and_a_single_particle_are_drawn():
    snapshot = gb.Snapshot([[1.0, 1.0]], [5], [4.0, 4.0])
    one = Motion(snapshot, np.array([1.0]), {"propensity": np.ones((1, 1))}, source="m")
    figure = map_figure(comparison(snapshot, one))
    figure.draw_without_rendering()
    colour = panels(figure)[0].collections[0].get_facecolor()[0]
    assert colour == pytest.approx(matplotlib.colormaps["Reds"](0.5), abs=0.05)


@pytest.mark.parametrize("suffix", [".pdf", ".svg"])
def test_vector_files_of_a_published_snapshot_are_small(tmp_path, labelled, suffix):
    measured = labelled[0].motion
    guesses = [replace(measured, source=name) for name in ("a", "b")]
    figure = map_figure(Comparison(measured.snapshot, labelled[0], guesses))
    save_figure(tmp_path / f"m{suffix}", figure)
    assert (tmp_path / f"m{suffix}").stat().st_size < 500_000


def test_a_file_without_motion_shows_predictions_alone(tmp_path):
    snapshot = random_snapshot(60)
    gb.write(tmp_path / "p.npz", motion(snapshot, "m"), provenance={"model": "stored"})
    figure = map_figure(compare(tmp_path / "p.npz"), times=[1.0], view=ALL)
    (panel,) = panels(figure)
    assert panel.get_title() == "stored"
    assert panel.get_xlabel() == ""


@pytest.mark.mpl_image_compare(
    baseline_dir="baseline",
    filename="map.png",
    tolerance=4,
    savefig_kwargs={"dpi": 80},
    style="default",
)
def test_the_map_looks_as_it_did() -> Figure:
    snapshot = random_snapshot(80, edge=5.0)
    truth = np.sin(snapshot.positions[:, 0]) ** 2 + 0.2 * snapshot.species
    measured = Motion(
        snapshot, np.array([1.0, 10.0]), {"propensity": np.stack([truth, 3 * truth])}, source="s"
    )
    early = Motion(snapshot, np.array([1.0]), {"propensity": truth[None] ** 2}, source="early")
    blank = np.where(snapshot.species == 0, 2 * truth + 1, np.nan)
    only_a = replace(measured, values={"propensity": np.stack([blank, blank])}, source="only-A")
    return map_figure(comparison(snapshot, early, only_a, measured=measured))
