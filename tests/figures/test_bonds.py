"""Bonds in a slice: which lines are drawn, where and in which colour; scores beside the scatter."""

from dataclasses import replace

import numpy as np
import pytest
from matplotlib import colormaps
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.figure import Figure

import glassbotan as gb
from conftest import random_ensemble, random_snapshot
from glassbotan.datasets import LabelledSnapshot
from glassbotan.datasets.groups import BOND_RANGE, bond_groups, groups_of_motion, particle_groups
from glassbotan.datasets.labelled import label
from glassbotan.dynamics import Bonds
from glassbotan.dynamics.motion import values_on
from glassbotan.dynamics.quantities import BOND_EXTENSION
from glassbotan.evaluation.comparison import Comparison, compare
from glassbotan.evaluation.scores import score
from glassbotan.figures.bonds import bonds_figure, bonds_shown, draw_bonds, draw_scatter
from glassbotan.figures.scales import DIVERGING
from glassbotan.figures.slices import Slice
from glassbotan.structure import neighbour_graph


@pytest.fixture
def axes():
    return Figure().subplots()


@pytest.fixture(scope="module")
def labels() -> LabelledSnapshot:
    snapshot = random_snapshot(120, edge=6.0)
    ensemble = random_ensemble(snapshot, times=(1.0, 10.0))
    return label(ensemble, neighbour_graph(snapshot, 2.0))


def predicted(labels: LabelledSnapshot, *, times=(0, 1), noise: float = 0.1, name: str = "model"):
    """A prediction that is right but for some noise, at some of the times."""
    generator, motion, chosen = np.random.default_rng(5), labels.motion, list(times)
    particles, bonds = motion.propensity[chosen], motion.bond_extension[chosen]
    return replace(
        motion,
        times=motion.times[chosen],
        values={
            "propensity": particles + noise * generator.normal(size=particles.shape),
            "bond_extension": bonds + noise * generator.normal(size=bonds.shape),
        },
        source=name,
    )


def comparison(labels: LabelledSnapshot, *predictions: gb.Motion) -> Comparison:
    return Comparison(labels.motion.snapshot, labels, predictions)


def three_in_a_row() -> gb.Motion:
    """One bond within the picture, which lengthens, and one over its edge, which shortens."""
    snapshot = gb.Snapshot(
        [[9.5, 4.0, 5.0], [0.5, 4.5, 5.2], [1.5, 4.5, 4.8]], [0, 1, 0], [10.0] * 3
    )
    bonds = Bonds.up_to(snapshot, 2.0)
    extension = np.zeros((1, len(bonds)))
    extension[0, bonds.pairs.sum(axis=0) == 1] = -0.2
    extension[0, bonds.pairs.sum(axis=0) == 3] = 0.4
    return gb.Motion(
        snapshot,
        np.array([1.0]),
        {"propensity": np.zeros((1, 3)), "bond_extension": extension},
        bonds,
        "made up",
    )


def coloured(axes) -> LineCollection:
    (lines,) = (c for c in axes.collections if isinstance(c, LineCollection))
    return lines


def test_lines_go_from_particle_to_particle_and_not_across_the_picture(axes):
    lines = coloured(draw_bonds(axes, three_in_a_row(), 0))
    found = {
        tuple(sorted(tuple(np.round(end, 9)) for end in line)): value
        for line, value in zip(lines.get_segments(), lines.get_array(), strict=True)
    }
    assert found == {
        ((0.5, 4.5), (1.5, 4.5)): 0.4,
        # Over the edge: once at either side, clipped there.
        ((9.5, 4.0), (10.5, 4.5)): -0.2,
        ((-0.5, 4.0), (0.5, 4.5)): -0.2,
    }
    assert axes.get_xlim() == axes.get_ylim() == (0, 10)


def test_the_colour_of_a_line_is_its_extension(axes):
    lines = coloured(draw_bonds(axes, three_in_a_row(), 0, limits=(-0.4, 0.4)))
    lines.update_scalarmappable()
    for value, colour in zip(lines.get_array(), lines.get_edgecolor(), strict=True):
        assert np.allclose(colour, colormaps[DIVERGING]((value + 0.4) / 0.8))
        red, blue = colour[0], colour[2]
        assert (red > blue) == (value > 0)


def test_limits_are_symmetric_about_zero(axes, labels):
    low, high = coloured(draw_bonds(axes, labels.motion, 1)).get_clim()
    assert low == -high
    near = labels.bonds.distances < BOND_RANGE
    assert 0 < high < np.abs(labels.motion.bond_extension[1, near]).max()


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_line_for_each_bond_with_both_ends_in_the_slab(axes, labels, axis):
    view = Slice(axis, 3.0, 2.0)
    motion = labels.motion
    inside = set(view.particles(motion.snapshot).tolist())
    expected = {
        (int(i), int(j))
        for (i, j), length in zip(motion.bonds.pairs.T, motion.bonds.distances, strict=True)
        if length < BOND_RANGE and {int(i), int(j)} <= inside
    }
    values, chosen = bonds_shown(motion, 0, BOND_EXTENSION, view)
    assert np.array_equal(values, motion.bond_extension[0, chosen])
    assert set(map(tuple, motion.bonds.pairs[:, chosen].T.tolist())) == expected
    assert len(chosen) == len(expected) > 20
    drawn = coloured(draw_bonds(axes, motion, 0, view=view))
    assert set(drawn.get_array()) == set(motion.bond_extension[0, chosen])
    # As long in the picture as the bond is in the plane.
    flat = np.delete(motion.bonds.vectors[chosen], axis, axis=1)
    lengths = {round(float(np.linalg.norm(b - a)), 6) for a, b in drawn.get_segments()}
    assert lengths == {round(float(k), 6) for k in np.linalg.norm(flat, axis=1)}


def test_scores_beside_the_scatter_are_those_of_evaluate(axes, labels):
    guess = predicted(labels)
    rows = score("model", [labels], [guess])
    for name, part in (("propensity", rows.particles), ("bond_extension", rows.bonds)):
        axes, groups = Figure().subplots(), groups_of_motion(guess, name)
        draw_scatter(axes, labels.motion[name][1], guess[name][1], groups)
        expected = [
            f"{row.species}  ρ {row.pearson_mean:.2f}, MSE {row.mse:.2g}"
            for row in part
            if row.time == 10.0
        ]
        assert [text.get_text() for text in axes.texts] == expected
        assert len(expected) == len(groups) > 1


def test_the_scatter_has_a_point_for_each_and_equal_axes(axes, labels):
    guess, groups = predicted(labels), particle_groups(labels.motion.snapshot)
    draw_scatter(axes, labels.motion.propensity[1], guess.propensity[1], groups)
    (points,) = (c for c in axes.collections if isinstance(c, PathCollection))
    found = points.get_offsets()
    expected = np.column_stack([labels.motion.propensity[1], guess.propensity[1]])
    assert sorted(map(tuple, np.asarray(found))) == sorted(map(tuple, expected))
    assert axes.get_xlim() == axes.get_ylim()
    assert axes.get_xlim()[0] < expected.min()
    assert axes.get_xlim()[1] > expected.max()
    # Each in its group's colour.
    shown = zip(found, points.get_facecolor(), strict=True)
    colours = {tuple(place): tuple(colour) for place, colour in shown}
    for group in groups:
        assert len({colours[tuple(expected[k])] for k in group.members}) == 1
    assert len(set(colours.values())) == 2


def test_what_is_not_predicted_says_so(labels):
    nothing = np.full(120, np.nan)
    axes = draw_scatter(
        Figure().subplots(),
        labels.motion.propensity[1],
        nothing,
        particle_groups(labels.motion.snapshot),
    )
    assert [text.get_text() for text in axes.texts] == ["not predicted"]
    # A model of A alone.
    half = np.where(labels.motion.snapshot.species == 0, 1.0, np.nan)
    axes = draw_scatter(
        Figure().subplots(),
        labels.motion.propensity[1],
        half,
        particle_groups(labels.motion.snapshot),
    )
    (text,) = axes.texts
    assert text.get_text().startswith("A  ρ undefined, MSE ")


def test_measured_and_predicted_share_a_scale_and_the_longest_time(labels):
    early, both = predicted(labels, times=[0], name="early"), predicted(labels, name="both")
    figure = bonds_figure(comparison(labels, early, both))
    left, right, *_, bar = figure.axes
    assert [k.get_title("left") for k in (left, right)] == ["(a) simulation", "(b) early"]
    assert bar.get_xlabel() == "bond extension by $t$ = 1 (σ)"
    assert coloured(left).get_clim() == coloured(right).get_clim() == bar.get_xlim()
    assert set(coloured(left).get_array()) <= set(labels.motion.bond_extension[0])
    assert set(coloured(right).get_array()) <= set(early.bond_extension[0])
    later = bonds_figure(comparison(labels, early, both), model="both")
    assert later.axes[4].get_xlabel() == "bond extension by $t$ = 10 (σ)"
    assert set(coloured(later.axes[1]).get_array()) <= set(both.bond_extension[1])
    chosen = bonds_figure(comparison(labels, early, both), model="both", time=1.01)
    assert chosen.axes[4].get_xlabel() == "bond extension by $t$ = 1 (σ)"


def test_times_of_data_and_model_are_matched(labels):
    late = predicted(labels, times=[1])
    left, right, *_, pairs, _ = bonds_figure(comparison(labels, late)).axes
    _, chosen = bonds_shown(labels.motion, 1, BOND_EXTENSION, Slice())
    true, guess = labels.motion.bond_extension[1], late.bond_extension[0]
    assert set(coloured(left).get_array()) == set(true[chosen])
    assert set(coloured(right).get_array()) == set(guess[chosen])
    top = np.percentile(np.abs([true[chosen], guess[chosen]]), 98)
    assert coloured(left).get_clim() == pytest.approx((-top, top))
    scored = np.concatenate([group.members for group in bond_groups(late.snapshot, labels.bonds)])
    (points,) = (c for c in pairs.collections if isinstance(c, PathCollection))
    expected = sorted(zip(true[scored], guess[scored], strict=True))
    assert sorted(map(tuple, np.asarray(points.get_offsets()))) == expected


@pytest.mark.parametrize("cutoff", [1.4, 2.5])
def test_bonds_of_another_cutoff_are_drawn_as_those_of_the_same(labels, cutoff):
    same = predicted(labels)
    bonds = Bonds.up_to(same.snapshot, cutoff)
    extension = np.nan_to_num(values_on(bonds, same, "bond_extension"), nan=100.0)
    other = replace(
        same, bonds=bonds, values={"propensity": same.propensity, "bond_extension": extension}
    )
    figures = [bonds_figure(comparison(labels, guess)) for guess in (same, other)]
    for one, two in zip(figures[0].axes[:2], figures[1].axes[:2], strict=True):
        assert np.array_equal(coloured(one).get_array(), coloured(two).get_array())
        assert coloured(one).get_clim() == coloured(two).get_clim()
    for axes in zip(figures[0].axes[2:4], figures[1].axes[2:4], strict=True):
        told = [[text.get_text() for text in k.texts] for k in axes]
        assert told[0] == told[1]
        assert len(told[0]) >= 2
        assert axes[0].get_xlim() == axes[1].get_xlim()


def test_two_dimensions_and_a_box_that_is_no_square():
    snapshot = random_snapshot(100, dimension=2, edge=10.0)
    snapshot = replace(
        snapshot, positions=snapshot.positions * [1, 1.3], box=snapshot.box * [1, 1.3]
    )
    labels = label(random_ensemble(snapshot), neighbour_graph(snapshot, 2.0))
    figure = bonds_figure(comparison(labels, predicted(labels, times=[0])))
    figure.draw_without_rendering()
    assert figure.axes[0].get_ylim() == (0, 13)


def test_measured_and_predicted_bonds_of_a_published_snapshot_are_the_same(published):
    both = compare(published[0], ["botan"])
    assert np.array_equal(both.labels.bonds.pairs, both.predictions[0].bonds.pairs)
    assert np.allclose(both.labels.bonds.vectors, both.predictions[0].bonds.vectors)
    figure = bonds_figure(both)
    texts = {text.get_text().split()[0]: text.get_text() for k in figure.axes for text in k.texts}
    rows = score("botan", [both.labels], list(both.predictions))
    for row in (*rows.particles, *rows.bonds):
        assert f"ρ {row.pearson_mean:.2f}, MSE {row.mse:.2g}" in texts[row.species]


def test_what_cannot_be_drawn(labels):
    guess = predicted(labels)
    no_bonds = replace(
        guess, bonds=None, values={"propensity": guess.propensity}, source="node-only"
    )
    other = Bonds.up_to(labels.motion.snapshot, 1.2)
    narrower = replace(
        guess,
        bonds=other,
        values={"propensity": guess.propensity, "bond_extension": np.zeros((2, len(other)))},
    )
    unmeasured = replace(
        labels, motion=replace(labels.motion, values={"propensity": labels.motion.propensity})
    )
    strange = replace(guess, times=np.array([3.0, 300.0]))
    lonely = Slice(position=float(guess.snapshot.positions[0, 2]), thickness=1e-6)
    for made, options, message in (
        (comparison(labels, no_bonds), {}, "model 'node-only' predicts no bonds"),
        (comparison(labels), {}, "no prediction by any model; models: none"),
        (comparison(labels, guess), {"model": "x"}, "no prediction by 'x'; models: model"),
        (Comparison(guess.snapshot, None, [guess]), {}, "holds no measured motion"),
        (comparison(unmeasured, guess), {}, "measured propensities, but no bonds"),
        (
            comparison(labels, narrower),
            {},
            "'model' predicts bonds shorter than 1.2 only; bonds are scored up to 1.35",
        ),
        (comparison(labels, guess), {"time": 5.0}, "has t = 1, 10, not t = 5"),
        (comparison(labels, strange), {}, "data have t = 1, 10, the model t = 3, 300"),
        (comparison(labels, guess), {"view": Slice(thickness=1e-9)}, "no particle lies within"),
        (comparison(labels, guess), {"view": lonely}, "no bond shorter than 1.35"),
    ):
        with pytest.raises(gb.InputError, match=message):
            bonds_figure(made, **options)


@pytest.mark.mpl_image_compare(
    baseline_dir="baseline",
    filename="bonds.png",
    tolerance=4,
    savefig_kwargs={"dpi": 80},
    style="default",
)
def test_bonds_look_as_they_did(labels):
    return bonds_figure(comparison(labels, predicted(labels)), view=Slice(thickness=2.0))
