"""Curves of relaxation: what is drawn where, and what is left out."""

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

import glassbotan as gb
from dynamics.gases import ballistic_gas, ensemble_of
from glassbotan.dynamics import relaxation_of
from glassbotan.figures.relaxation import (
    COLOURS,
    QUANTITIES,
    draw_relaxation,
    relaxation_figure,
)
from glassbotan.figures.style import PAGE, style

TIMES = np.geomspace(0.02, 50.0, 24)


def caged_gas(seed: int, *, temperature: float = 0.44):
    """Flight, a cage, and diffusion, faster for B, and in some snapshots faster than in others."""
    generator = np.random.default_rng(seed)
    shape = (len(TIMES), 6, 60, 3)
    speed = np.exp(0.3 * generator.normal())
    thermal = generator.normal(size=shape[1:]) * np.sqrt(temperature)
    wandering = np.cumsum(
        generator.normal(size=shape) * np.sqrt(np.diff(TIMES, prepend=0))[:, None, None, None], 0
    )
    mobility = np.where(np.arange(60) % 5 == 4, 0.2, 0.1)[:, None] * speed * np.sqrt(temperature)
    caged = 0.12 * np.tanh(TIMES / 0.12)[:, None, None, None] * thermal
    return ensemble_of(
        caged + mobility * wandering, times=TIMES, temperature=temperature, seed=seed
    )


@pytest.fixture(scope="module")
def results():
    return relaxation_of(
        [caged_gas(10 * k + s, temperature=t) for k, t in enumerate((0.44, 0.8)) for s in range(5)]
    )


@pytest.fixture
def axes():
    with style():
        yield Figure(figsize=(3, 2.4)).subplots()


def lines_at(axes, ys):
    return [
        line
        for line in axes.lines
        if len(line.get_ydata()) == len(ys) and np.allclose(line.get_ydata(), ys, equal_nan=True)
    ]


@pytest.mark.mpl_image_compare(
    baseline_dir="baseline",
    filename="relaxation.png",
    tolerance=4,
    savefig_kwargs={"dpi": 100},
    style="default",
)
def test_picture_of_two_temperatures(results):
    return relaxation_figure(results)


@pytest.mark.mpl_image_compare(
    baseline_dir="baseline",
    filename="relaxation_single.png",
    tolerance=4,
    savefig_kwargs={"dpi": 100},
    style="default",
)
def test_picture_of_one_snapshot():
    return relaxation_figure(relaxation_of([ballistic_gas(200, times=np.geomspace(0.01, 0.2, 12))]))


@pytest.mark.parametrize("name", list(QUANTITIES)[:4])
def test_every_species_is_a_line_of_its_colour_with_a_band(axes, results, name):
    draw_relaxation(axes, results[:1], name)
    for k, species in enumerate(results[0].species):
        estimate = getattr(species, name)
        (line,) = lines_at(axes, estimate.value)
        assert to_rgb(line.get_color()) == pytest.approx(to_rgb(COLOURS[k]))
        corners = axes.collections[k].get_paths()[0].vertices
        heights = corners[np.isclose(corners[:, 0], TIMES[10]), 1]
        low, high = estimate.value[10] - estimate.error[10], estimate.value[10] + estimate.error[10]
        assert (heights.min(), heights.max()) == pytest.approx((low, high))
    assert axes.get_xlim() == pytest.approx((TIMES[0], TIMES[-1]))
    assert axes.get_xscale() == "log"


def test_higher_temperatures_are_paler(axes, results):
    draw_relaxation(axes, results, "overlap")
    cold, hot = (
        to_rgb(lines_at(axes, result.species[0].overlap.value)[0].get_color()) for result in results
    )
    assert sum(hot) > sum(cold)


def test_relaxation_times_are_marked_where_the_curve_crosses(axes, results):
    draw_relaxation(axes, results, "scattering")
    marks = [line for line in axes.lines if line.get_marker() == "o"]
    expected = [
        float(s.tau_alpha.value)
        for r in results
        for s in r.species
        if np.isfinite(s.tau_alpha.value)
    ]
    assert expected
    assert [line.get_xdata()[0] for line in marks] == pytest.approx(expected)
    assert [line.get_ydata()[0] for line in marks] == pytest.approx([np.exp(-1)] * len(expected))


def test_guides_are_what_they_say(axes, results):
    draw_relaxation(axes, results, "squared_displacement")
    guides = [line for line in axes.lines if len(line.get_xdata()) == 2]
    slopes = [
        (np.diff(np.log(g.get_ydata())) / np.diff(np.log(g.get_xdata()))).item() for g in guides
    ]
    assert sorted(slopes) == pytest.approx([1, 2, 2])
    flight = [g for g, slope in zip(guides, slopes, strict=True) if slope > 1.5]
    speeds = [g.get_ydata()[0] / g.get_xdata()[0] ** 2 for g in flight]
    assert sorted(speeds) == pytest.approx([3 * 0.44, 3 * 0.8])
    (dotted,) = set(guides) - set(flight)
    assert axes.get_ylim()[1] > dotted.get_ydata().max()
    assert {text.get_text() for text in axes.texts} == {r"$d\,T t^2/m$", r"$\propto t$"}


def test_without_diffusion_or_temperature_no_guide(axes):
    gas = ballistic_gas(40, temperature=None, times=(0.1, 0.2))
    frozen = gb.IsoconfigurationalEnsemble(
        gas.snapshot, np.array([1.0, 2.0]), np.repeat(gas.positions[:1], 2, axis=0)
    )
    draw_relaxation(axes, relaxation_of([frozen]), "squared_displacement")
    assert not axes.texts
    assert len(axes.lines) == 2


def test_the_parts_of_chi_4_are_told_apart(axes, results):
    draw_relaxation(axes, results[:1], "susceptibility")
    parts = vars(results[0].species[0].susceptibility)
    assert list(parts) == ["total", "isoconfigurational", "structural"]
    patterns = set()
    for part in parts.values():
        (line,) = lines_at(axes, part.value)
        patterns.add(str(line._dash_pattern))
    assert len(patterns) == 3
    assert len(axes.collections) == 2  # a band for each species


@pytest.mark.parametrize("trajectories", [6, 1])
def test_chi_4_of_one_snapshot(axes, trajectories):
    found = relaxation_of([ballistic_gas(40, trajectories=trajectories)])
    draw_relaxation(axes, found, "susceptibility")
    within = found[0].species[0].susceptibility.isoconfigurational.value
    if trajectories == 1:
        assert axes.texts[0].get_text() == "not known from one trajectory"
    else:
        assert lines_at(axes, within)
        assert not axes.texts


def test_a_single_time_is_a_point(axes):
    draw_relaxation(axes, relaxation_of([ballistic_gas(40, times=(1.0,))]), "scattering")
    assert axes.lines[0].get_marker() == "o"
    assert axes.get_xlim()[0] < 1.0 < axes.get_xlim()[1]
    axes.figure.draw_without_rendering()


def test_the_key_tells_relaxation_times_and_how_much_was_averaged(results):
    figure = relaxation_figure([*results, *relaxation_of([ballistic_gas(40, temperature=None)])])
    assert figure.get_figwidth() == PAGE
    key = figure.axes[-1].get_legend()
    told = [text.get_text() for text in key.get_texts()]
    assert told[0] == "$T$ = 0.44 (30 trajectories of 5 snapshots)"
    a = results[0].species[0]
    assert told[1].startswith("A, $q$ = 7.25: ")
    assert told[1].endswith(a.tau_alpha_text)
    assert r"$\chi_4$, structural" in told
    assert "temperature not known (16 trajectories of 1 snapshot)" in told


@pytest.mark.parametrize("temperatures", [1, 7])
def test_the_key_has_room(temperatures):
    gases = [
        ballistic_gas(40, temperature=0.1 * (k + 1), seed=k, times=(0.1, 1))
        for k in range(temperatures)
    ]
    figure = relaxation_figure(relaxation_of(gases))
    figure.draw_without_rendering()
    axes = figure.axes[-1]
    box, panel = axes.get_legend().get_window_extent(), axes.get_window_extent()
    left = figure.axes[-2].get_window_extent()
    assert left.x1 < box.x0
    assert box.x1 <= figure.bbox.x1
    assert figure.bbox.y0 <= box.y0
    assert box.y1 <= panel.y1 + 1


def test_without_results_there_is_nothing_to_draw():
    with pytest.raises(gb.InputError, match="no relaxation to draw"):
        relaxation_figure([])
