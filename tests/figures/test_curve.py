"""Curves: every number where it belongs, and nothing in its way."""

import logging

import numpy as np
import pytest
from matplotlib.figure import Figure

import glassbotan as gb
from glassbotan.evaluation import Row, Scores
from glassbotan.evaluation.reported import Reported
from glassbotan.figures.curve import curve_figure, draw_curve
from glassbotan.figures.marks import model_marks
from glassbotan.figures.style import COLUMN, style

TIMES = (0.13, 13.0, 412.0, 4120.0, 41200.0)
REPORTED = [
    Reported(0.44, t, "mean", method, r - drop)
    for method, drop in (("BOTAN", 0.0), ("SE3", 0.05))
    for t, r in ((0.13, 0.95), (13.0, 0.73), (4120.0, 0.75), (130000.0, 0.26))
]


def row(time: float, mean: float | None, sem: float | None = 0.04, **changes: object) -> Row:
    facts = {
        "time": time, "species": "A", "pearson_mean": mean, "pearson_sem": sem,
        "pearson_pooled": mean, "mse": 0.02, "ceiling": 0.97 - 0.01 * np.log10(time),
        "snapshots": 2, "pearson": [mean, mean],
    }  # fmt: skip
    return Row(**facts | changes)


def result(name: str, rows: list[Row], **changes: object) -> Scores:
    return Scores(model=name, quantities={"propensity": rows}, **changes)


def several(name: str, level: float) -> Scores:
    return result(name, [row(t, level - 0.02 * k * k) for k, t in enumerate(TIMES)])


def single(name: str, level: float, time: float = 4120.0, **changes: object) -> Scores:
    return result(name, [row(time, level, **changes)])


@pytest.fixture
def axes():
    with style():
        yield Figure(figsize=(COLUMN, 3)).subplots()


def labels(axes) -> list[str]:
    return [text.get_text() for text in axes.get_legend().get_texts()]


def line_at(axes, xs, ys):
    """Return the one line through these points."""
    (found,) = [
        line
        for line in axes.lines
        if np.array_equal(line.get_xdata(), xs) and np.allclose(line.get_ydata(), ys)
    ]
    return found


@pytest.mark.mpl_image_compare(
    baseline_dir="baseline",
    filename="curve.png",
    tolerance=4,
    savefig_kwargs={"dpi": 100},
    style="default",
)
def test_picture_of_curves_beside_reported_values():
    results = [several("botan", 0.8), several("mine", 0.6), single("linear", 0.7)]
    return curve_figure(results, reported=REPORTED, tau_alpha=4120.0)


@pytest.mark.mpl_image_compare(
    baseline_dir="baseline",
    filename="curve_single.png",
    tolerance=4,
    savefig_kwargs={"dpi": 100},
    style="default",
)
def test_picture_of_single_times():
    return curve_figure([single("botan", 0.67), single("linear", 0.72), single("node-only", 0.27)])


def test_a_model_with_several_times_is_a_line_with_a_band_of_its_standard_error(axes):
    rows = [row(1.0, 0.5, 0.1), row(10.0, 0.4, None), row(100.0, 0.3, 0.02)]
    draw_curve(axes, [result("botan", rows[::-1])])  # in any order
    line = line_at(axes, [1, 10, 100], [0.5, 0.4, 0.3])
    assert line.get_color() == model_marks(["botan"])["botan"].colour
    (band,) = axes.collections
    corners = band.get_paths()[0].vertices
    for time, low, high in ((1, 0.4, 0.6), (10, 0.4, 0.4), (100, 0.28, 0.32)):
        heights = corners[np.isclose(corners[:, 0], time), 1]
        assert (heights.min(), heights.max()) == pytest.approx((low, high))


def test_single_times_have_error_bars_and_stand_side_by_side_without_moving_their_data(axes):
    draw_curve(axes, [single("a", 0.5), single("b", 0.6, pearson_sem=None), single("c", 0.7)])
    axes.figure.draw_without_rendering()
    assert len(axes.containers) == 3
    places = []
    for bar, mean in zip(axes.containers, (0.5, 0.6, 0.7), strict=True):
        (marker,) = bar.lines[0].get_xydata()
        assert marker == pytest.approx((4120, mean))
        places.append(bar.lines[0].get_transform().transform(marker)[0])
    middle = axes.transData.transform((4120, 0.5))[0]
    points = (np.array(places) - middle) * 72 / axes.figure.dpi
    assert points == pytest.approx([-5, 0, 5], abs=0.01)
    assert [bar.has_yerr for bar in axes.containers] == [True, False, True]
    ends = axes.containers[0].lines[2][0].get_segments()[0][:, 1]
    assert ends == pytest.approx([0.46, 0.54])


def test_other_times_are_not_set_aside(axes):
    draw_curve(axes, [single("a", 0.5), single("b", 0.5, time=13.0), several("c", 0.5)])
    for bar in axes.containers:
        (point,) = bar.lines[0].get_xydata()
        drawn = bar.lines[0].get_transform().transform(point)
        assert drawn == pytest.approx(axes.transData.transform(point))


def test_the_noise_ceiling_is_drawn_once_where_results_agree(axes):
    draw_curve(axes, [several("a", 0.5), several("b", 0.6), single("c", 0.6)])
    line = line_at(axes, TIMES, [0.97 - 0.01 * np.log10(t) for t in TIMES])
    assert line.get_color() == "black"
    assert labels(axes) == ["a", "b", "c", "noise ceiling"]


def test_results_of_other_data_have_another_ceiling_and_unknown_ones_none(axes):
    draw_curve(
        axes, [single("a", 0.5), single("b", 0.6, ceiling=0.8), single("c", 0.1, ceiling=None)]
    )
    line_at(axes, [4120], [0.97 - 0.01 * np.log10(4120)])
    line_at(axes, [4120], [0.8])
    assert labels(axes) == ["a", "b", "c", "noise ceilings"]
    bare = Figure().subplots()
    draw_curve(bare, [single("c", 0.1, ceiling=None)])
    assert labels(bare) == ["c"]


def test_reported_values_are_open_markers_in_order_of_time(axes):
    draw_curve(axes, [single("a", 0.5)], reported=REPORTED[::-1])
    line = line_at(axes, [0.13, 13, 4120, 130000], [0.95, 0.73, 0.75, 0.26])
    assert line.get_markerfacecolor() == "white"
    assert labels(axes)[2:] == ["SE3, reported", "BOTAN, reported"]
    assert axes.get_xlim()[0] < 0.13
    assert axes.get_xlim()[1] > 130000


def test_the_relaxation_time_is_marked_and_in_sight(axes):
    draw_curve(axes, [single("a", 0.5, time=0.13)], tau_alpha=4120.0)
    line_at(axes, [4120, 4120], [0, 1])
    (text,) = axes.texts
    assert text.get_text() == r"$\tau_\alpha$"
    assert axes.get_xlim()[1] > 4120
    assert axes.get_xscale() == "log"


@pytest.mark.parametrize("tau_alpha", [None, 4120.0])
@pytest.mark.parametrize("count", [1, 4, 9])
def test_the_legend_stands_above_the_axes_inside_of_the_picture(count, tau_alpha):
    results = [several(f"model number {k}", 0.7 - 0.05 * k) for k in range(count)]
    figure = curve_figure(results, reported=REPORTED, tau_alpha=tau_alpha)
    figure.draw_without_rendering()
    (axes,) = figure.axes
    legend, frame = axes.get_legend().get_window_extent(), axes.get_window_extent()
    assert legend.y0 >= frame.y1
    assert figure.bbox.x0 <= legend.x0
    assert legend.x1 <= figure.bbox.x1
    assert legend.y1 <= figure.bbox.y1
    if tau_alpha is not None:
        assert not legend.overlaps(axes.texts[0].get_window_extent())
    assert figure.get_figwidth() == COLUMN
    assert frame.height / figure.dpi > 1.5  # the legend takes nothing from the axes


def test_names_are_shown_as_they_are_and_cut_in_the_middle_where_too_long(axes):
    names = ["_hidden", "$a$_{b}", "line\nbreak", "x" * 200 + "end"]
    draw_curve(axes, [single(name, 0.5, ceiling=None) for name in names])
    assert labels(axes)[:3] == ["_hidden", "$a$_{b}", "line break"]
    assert len(labels(axes)[3]) < 60
    assert labels(axes)[3].endswith("xend")
    axes.figure.draw_without_rendering()


def test_models_of_one_name_are_numbered(axes):
    draw_curve(axes, [single("a", 0.5), single("a", 0.6), single("b", 0.6), single("a", 0.7)])
    assert labels(axes)[:4] == ["a", "a (2)", "b", "a (3)"]
    assert len({bar.lines[0].get_color() for bar in axes.containers}) == 4


def test_correlations_below_zero_are_in_sight(axes):
    draw_curve(axes, [single("a", -0.4)])
    assert axes.get_ylim()[0] < -0.44
    bare = Figure().subplots()
    draw_curve(bare, [single("a", 0.4)])
    assert bare.get_ylim()[0] == 0


def test_bonds_and_other_species_are_drawn_where_asked_for(axes):
    both = result("a", [row(10.0, 0.5), row(10.0, 0.6, species="B")])
    both.quantities["bond_extension"] = [row(10.0, 0.7, species="AA")]
    both.quantities["bond_breaking"] = [row(10.0, 0.8)]
    for species, name, mean, label in (
        ("A", "propensity", 0.5, "A particles"),
        ("B", "propensity", 0.6, "B particles"),
        (None, "bond_extension", 0.7, "AA bonds"),
        (None, "bond_breaking", 0.8, "bond-breaking propensity of A particles"),
    ):
        fresh = Figure().subplots()
        draw_curve(fresh, [both], species=species, quantity=name)
        assert fresh.containers[0].lines[0].get_ydata() == [mean]
        assert fresh.get_ylabel() == f"Pearson correlation, {label}"


def test_without_such_rows_it_says_which_there_are(axes, caplog):
    lone = result("a", [row(10.0, 0.5), row(13.0, 0.5), row(13.0, 0.6, species="B")])
    lone.quantities["bond_extension"] = [row(10.0, 0.7, species="AA")]
    with pytest.raises(gb.InputError) as caught:
        draw_curve(axes, [lone, result("b", [])], species="C")
    assert str(caught.value) == (
        "no correlation of propensity C to draw: model 'a' has propensity A, B at t = 10, 13; "
        "bond_extension AA at t = 10; model 'b' has no correlations"
    )
    with pytest.raises(gb.InputError, match="there are no results"):
        draw_curve(axes, [])
    with pytest.raises(gb.InputError, match="no correlation of propensity A"):
        draw_curve(axes, [single("constant", None)])
    with caplog.at_level(logging.WARNING, logger="glassbotan"):
        draw_curve(axes, [lone, result("b", [])])
    assert caplog.messages == [
        "warning: left out, no correlation of propensity A: model 'b' has no correlations"
    ]
    assert labels(axes)[0] == "a"
