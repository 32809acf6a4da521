"""Scores against their definitions."""

import dataclasses
import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

import glassbotan as gb
from conftest import random_ensemble, random_snapshot
from glassbotan.datasets.labelled import LabelledSnapshot, label
from glassbotan.dynamics import Bonds
from glassbotan.dynamics.ceiling import noise_ceiling, pearson
from glassbotan.dynamics.motion import Motion, values_on
from glassbotan.evaluation.scores import Row, Scores, score
from glassbotan.evaluation.table import comparison_table, score_table


@pytest.fixture(scope="module")
def measured() -> list[LabelledSnapshot]:
    found = []
    for seed in range(2):
        snapshot = random_snapshot(60, seed=seed)
        ensemble = random_ensemble(snapshot, times=(1.0, 10.0), seed=seed)
        found.append(label(ensemble, gb.neighbour_graph(snapshot)))
    return found


def changed(labels: LabelledSnapshot, change) -> Motion:
    motion = labels.motion
    return Motion(
        motion.snapshot,
        motion.times,
        {name: change(values) for name, values in motion.values.items()},
        motion.bonds,
    )


def rows(scores: Scores) -> list[Row]:
    return scores.particles + scores.bonds


def test_a_perfect_predictor_scores_one_without_error(measured):
    scores = score("truth", measured, [x.motion for x in measured])
    assert [(r.time, r.species) for r in scores.particles] == [
        (1, "A"), (1, "B"), (10, "A"), (10, "B"),
    ]  # fmt: skip
    assert {r.species for r in scores.bonds} == {"AA", "AB", "BB"}
    for row in rows(scores):
        assert row.pearson_mean == pytest.approx(1, abs=1e-12)
        assert row.pearson_pooled == pytest.approx(1, abs=1e-12)
        assert row.pearson_sem == pytest.approx(0, abs=1e-12)
        assert row.mse == 0
        assert row.snapshots == 2
        assert row.pearson == pytest.approx([1, 1], abs=1e-12)
        assert 0 <= row.ceiling < 1


@given(slope=st.floats(0.01, 100), offset=st.floats(-100, 100))
def test_correlation_does_not_see_scale_and_offset_and_the_error_does(measured, slope, offset):
    noise = np.random.default_rng(0)
    guesses = [changed(x, lambda y: y + noise.normal(0, 0.05, y.shape)) for x in measured]
    lines = [
        Motion(
            g.snapshot,
            g.times,
            {name: slope * values + offset for name, values in g.values.items()},
            g.bonds,
        )
        for g in guesses
    ]
    for before, after in zip(
        rows(score("m", measured, guesses)), rows(score("m", measured, lines)), strict=True
    ):
        assert after.pearson_mean == pytest.approx(before.pearson_mean, abs=1e-6)
        assert after.pearson_pooled == pytest.approx(before.pearson_pooled, abs=1e-6)
        if abs(slope - 1) > 0.1 or abs(offset) > 1:
            assert after.mse != pytest.approx(before.mse, rel=1e-6)


def test_the_error_of_a_shifted_truth_is_the_squared_shift(measured):
    scores = score("m", measured, [changed(x, lambda y: y + 0.25) for x in measured])
    assert all(row.mse == pytest.approx(0.0625) for row in rows(scores))
    mirrored = score("m", measured, [changed(x, lambda y: -y) for x in measured])
    assert all(row.pearson_mean == pytest.approx(-1) for row in rows(mirrored))


def test_the_pooled_correlation_sees_what_sets_snapshots_apart(measured):
    # Each snapshot is ranked perfectly, and their means are exchanged.
    guesses = [changed(measured[0], lambda y: y + 5), changed(measured[1], lambda y: y - 5)]
    for row in rows(score("m", measured, guesses)):
        assert row.pearson_mean == pytest.approx(1)
        assert row.pearson_pooled < 0.9


def test_a_constant_prediction_has_no_correlation(measured):
    guesses = [changed(x, lambda y: np.full(y.shape, 0.1)) for x in measured]
    for row in rows(score("m", measured, guesses)):
        assert row.pearson_mean is None
        assert row.pearson_pooled is None
        assert row.pearson == [None, None]
        assert row.mse > 0


def test_mean_and_error_are_those_of_the_snapshots_correlations(measured):
    noise = np.random.default_rng(0)
    scores = score(
        "m", measured, [changed(x, lambda y: y + noise.normal(0, 0.1, y.shape)) for x in measured]
    )
    for row in rows(scores):
        assert len(row.pearson) == row.snapshots == 2
        assert row.pearson_mean == pytest.approx(np.mean(row.pearson))
        assert row.pearson_sem == pytest.approx(np.std(row.pearson, ddof=1) / np.sqrt(2))


def test_correlations_stay_in_the_order_of_the_data_where_a_snapshot_lacks_a_species(measured):
    motion = measured[0].motion
    blank = motion.propensity.copy()
    blank[:, motion.snapshot.species == 1] = np.nan
    guesses = [Motion(motion.snapshot, motion.times, {"propensity": blank}), measured[1].motion]
    (b,) = [r for r in score("m", measured, guesses).particles if (r.time, r.species) == (1, "B")]
    assert b.pearson == [None, pytest.approx(1)]
    assert (b.snapshots, b.pearson_sem) == (1, None)


def test_infinite_numbers_are_refused(measured):
    infinite = changed(measured[0], lambda y: np.where(y == y.max(), np.inf, y))
    with pytest.raises(gb.InputError, match=r"prediction of model 'net' holds infinite numbers"):
        score("m", measured[:1], [dataclasses.replace(infinite, source="net")])


def test_blanks_on_either_side_have_no_row(measured):
    def without_b(labels):
        motion = labels.motion
        values = motion.propensity.copy()
        values[:, motion.snapshot.species == 1] = np.nan
        return Motion(motion.snapshot, motion.times, {"propensity": values})

    blank = [without_b(x) for x in measured]
    whole = [x.motion for x in measured]
    scores = score("m", measured, blank)
    assert {r.species for r in scores.particles} == {"A"}
    assert scores.bonds == []
    labels = [LabelledSnapshot(changed(x, np.copy), x.ceilings) for x in measured]
    for x, motion in zip(labels, blank, strict=True):
        x.motion.propensity[:] = motion.propensity
    assert {r.species for r in score("m", labels, whole).particles} == {"A"}


def test_only_common_times_are_scored(measured):
    def last(labels):
        m = labels.motion
        return Motion(
            m.snapshot, m.times[1:], {name: x[1:] for name, x in m.values.items()}, m.bonds
        )

    scores = score("m", measured, [last(x) for x in measured])
    assert {r.time for r in rows(scores)} == {10}
    assert all(row.mse == 0 for row in rows(scores))


def on_cutoff(motion: Motion, cutoff: float, source: str = "net") -> Motion:
    """The motion with bonds of another cutoff; those that it has not are far off."""
    bonds = Bonds.up_to(motion.snapshot, cutoff)
    extension = np.nan_to_num(values_on(bonds, motion, "bond_extension"), nan=100.0)
    values = {"propensity": motion.propensity, "bond_extension": extension}
    return dataclasses.replace(motion, bonds=bonds, values=values, source=source)


@pytest.mark.parametrize("cutoff", [1.35, 1.5, 2.3])
def test_bonds_of_another_cutoff_are_scored_as_far_as_bonds_are(measured, cutoff):
    noise = np.random.default_rng(0)
    guesses = [changed(x, lambda y: y + noise.normal(0, 0.1, y.shape)) for x in measured]
    expected = score("m", measured, guesses).bonds
    other = [on_cutoff(guess, cutoff) for guess in guesses]
    assert {row.species for row in expected} == {"AA", "AB", "BB"}
    assert score("m", measured, other).bonds == expected
    # And so where the labels have the other graph.
    labels = [dataclasses.replace(x, motion=on_cutoff(x.motion, cutoff)) for x in measured]
    for one, two in zip(score("m", labels, guesses).bonds, expected, strict=True):
        assert one.pearson_mean == pytest.approx(two.pearson_mean, abs=1e-12)
        assert (one.mse, one.ceiling) == (pytest.approx(two.mse), two.ceiling)


def test_bonds_that_end_before_all_scored_ones_are_left_out_with_one_warning(measured, caplog):
    short = [on_cutoff(x.motion, 1.2) for x in measured]
    found = score("m", measured, short)
    assert found.bonds == []
    assert len(found.particles) == 4
    (message,) = caplog.messages
    assert message == (
        "warning: bonds are not scored: model 'net' predicts bonds shorter than 1.2 only; "
        "bonds are scored up to 1.35"
    )


def test_bonds_of_another_snapshot_are_refused(measured):
    guesses = [measured[0].motion, measured[0].motion]
    with pytest.raises(gb.InputError, match="both must be of one snapshot"):
        score("m", measured, guesses)


def test_coverage_is_the_fraction_within_the_error(measured):
    def told(labels: LabelledSnapshot, share: float) -> Motion:
        """A prediction 0.1 off, whose error is large enough for a share of each species only."""
        motion = changed(labels, lambda y: y - 0.1)
        error = np.zeros(motion.propensity.shape)
        for s in (0, 1):
            members = np.flatnonzero(motion.snapshot.species == s)
            error[0, members[: round(share * len(members))]] = 0.11
        error[1] = 0.09
        return dataclasses.replace(motion, errors={"propensity": error})

    whole = score("m", measured, [told(x, 1.0) for x in measured])
    assert [row.coverage for row in whole.particles] == [1, 1, 0, 0]
    assert {row.coverage for row in whole.bonds} == {None}
    # Over all particles of both snapshots, and those alone whose errors are told.
    mixed = score("m", measured, [told(measured[0], 0.5), told(measured[1], 1.0)])
    for row in mixed.particles[:2]:
        n, m = (np.sum(x.motion.snapshot.species == "AB".index(row.species)) for x in measured)
        assert row.coverage == pytest.approx((round(0.5 * n) + m) / (n + m))
    half = score("m", measured, [told(measured[0], 1.0), measured[1].motion])
    assert [row.coverage for row in half.particles] == [1, 1, 0, 0]
    none = score("m", measured, [x.motion for x in measured])
    assert {row.coverage for row in rows(none)} == {None}


def test_an_error_of_nothing_covers_the_truth_alone(measured):
    def exact(labels: LabelledSnapshot) -> Motion:
        motion = labels.motion
        values, error = motion.propensity.copy(), np.zeros(motion.propensity.shape)
        values[0] += 1e-9
        values[:, motion.snapshot.species == 1] = np.nan
        return dataclasses.replace(
            motion, values=motion.values | {"propensity": values}, errors={"propensity": error}
        )

    found = score("m", measured, [exact(x) for x in measured]).particles
    assert [(row.species, row.coverage) for row in found] == [("A", 0), ("A", 1)]


def test_a_truth_that_is_as_noisy_as_its_labels_reaches_the_ceiling():
    # Halves of one ensemble predict each other as well as the ceiling of such labels says.
    generator = np.random.default_rng(0)
    signal = generator.normal(size=4000)
    samples = signal + generator.normal(0, 2.0, (16, 4000))
    assert pearson(signal, samples.mean(0)) == pytest.approx(noise_ceiling(samples), abs=0.01)


@given(st.integers(2, 5), st.integers(1, 4), st.integers(0, 50))
def test_the_ceiling_of_few_particles_is_a_correlation_or_unknown(trajectories, particles, seed):
    samples = np.random.default_rng(seed).normal(size=(trajectories, particles))
    ceiling = noise_ceiling(samples)
    assert np.isnan(ceiling) or 0 <= ceiling <= 1 + 1e-12
    # Two particles whose halves always disagree: a correlation of -1 has no reliability.
    assert noise_ceiling(np.array([[0.0, 1.0], [1.0, 0.0]])) == 0


@given(st.lists(st.floats(-1e3, 1e3), min_size=3, max_size=20), st.floats(-10, 10))
def test_a_constant_correlates_with_nothing(values, constant):
    assert np.isnan(pearson(np.array(values), np.full(len(values), constant)))
    assert np.isnan(pearson(np.full(len(values), constant), np.array(values)))


def shown(table) -> str:
    console = Console(width=120, record=True, file=io.StringIO())
    console.print(table)
    return console.export_text()


def row(**changes: object) -> Row:
    values = {
        "time": 10.0, "species": "A", "pearson_mean": 0.5, "pearson_sem": 0.01,
        "pearson_pooled": 0.4, "mse": 0.02, "ceiling": 0.9, "snapshots": 3,
        "pearson": [0.4, 0.5, 0.6],
    }  # fmt: skip
    return Row(**values | changes)


def test_the_table_has_coverage_where_a_row_has():
    bare = Scores(model="one", quantities={"propensity": [row()]})
    told = Scores(model="one", quantities={"propensity": [row(coverage=0.875), row(species="B")]})
    assert "coverage" not in shown(score_table(bare, "propensity"))
    lines = shown(score_table(told, "propensity")).splitlines()
    (headings,) = [x.split() for x in lines if "species" in x]
    assert headings[-3:] == ["ceiling", "coverage", "snapshots"]
    found = {x.split()[1]: x.split()[-2:] for x in lines if x.split()[:1] == ["10"]}
    assert found == {"A": ["0.875", "3"], "B": ["-", "3"]}


def test_tables_show_what_is_there_and_mark_what_is_not():
    one = Scores(model="[one]", quantities={"propensity": [row(), row(species="B", ceiling=None)]})
    text = shown(score_table(one, "propensity"))
    assert "[one]: propensity" in text
    assert "0.500 ± 0.010" in text
    other = Scores(model="two", quantities={"propensity": [row(mse=0.01), row(time=20.0, mse=0.0)]})
    lines = shown(comparison_table([one, other], "propensity")).splitlines()
    assert "ratio to [one]" in lines[0]
    (a,) = [x for x in lines if x.split()[:2] == ["10", "A"]]
    assert "(1.00)" in a
    assert "(0.50)" in a
    (b,) = [x for x in lines if x.split()[:2] == ["10", "B"]]
    assert b.split()[-2:] == ["-", "-"]  # the second model and the ceiling
    (late,) = [x for x in lines if x.split()[:2] == ["20", "A"]]
    assert late.split()[2] == "-"
    assert "(" not in late
