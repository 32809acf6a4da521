"""Reported correlations: the facts that come along, and tables of one's own."""

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import glassbotan as gb
from glassbotan.evaluation import Scores
from glassbotan.evaluation.reported import (
    METHODS,
    Reported,
    published_tau_alpha,
    read_reported,
    reported_beside,
    select_reported,
)
from glassbotan.io.botan_npz import PUBLISHED_TIMES

HEADER = "temperature,time,aggregate,method,pearson_A\n"


def scores(temperature: float | None = 0.44, system: str | None = "Kob-Andersen mixture") -> Scores:
    return Scores(model="m", system=system, temperature=temperature, quantities={})


def test_the_bundled_facts_are_whole_and_at_the_published_times():
    rows = read_reported()
    assert len(rows) == 480
    assert len({(r.temperature, r.time, r.aggregate, r.method) for r in rows}) == 480
    for temperature, times in PUBLISHED_TIMES.items():
        for method in ("BOTAN", "CAGE", "GlassMLP", "SE3", "EIGNN-Cage", "EIGNN-Inh"):
            chosen = select_reported(rows, temperature=temperature, methods=[method])
            assert [r.time for r in chosen] == list(times)
    assert Reported(0.44, 4120.0, "mean", "BOTAN", 0.7523) in rows
    assert Reported(0.44, 0.13, "mean", "GlassMLP", 0.3919) in rows


def test_a_choice_of_methods_keeps_their_rows_and_an_unknown_one_names_those_there_are():
    rows = read_reported()
    chosen = select_reported(rows, temperature=0.5, aggregate="all", methods=["SE3"])
    assert {(r.temperature, r.aggregate, r.method) for r in chosen} == {(0.5, "all", "SE3")}
    with pytest.raises(gb.InputError, match=r"'FOO'; there are BOTAN, CAGE, GlassMLP, SE3"):
        select_reported(rows, methods=["SE3", "FOO"])
    with pytest.raises(gb.InputError, match=r"there are none"):
        select_reported(rows, temperature=0.7, methods=["SE3"])


def test_facts_stand_beside_results_of_the_same_mixture_and_temperature_only():
    beside = reported_beside([scores(), scores()])
    assert {(r.temperature, r.aggregate) for r in beside} == {(0.44, "mean")}
    assert {r.method for r in beside} == set(METHODS)
    assert len({r.method for r in reported_beside([scores()], None)}) == 6
    for others in (
        [scores(), scores(0.5)], [scores(None)], [scores(system=None)], [scores(0.7)],
    ):  # fmt: skip
        assert reported_beside(others) == []
    assert published_tau_alpha([scores()]) == 4120
    assert published_tau_alpha([scores(0.5)]) is None
    assert published_tau_alpha([scores(system=None)]) is None


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / "r.csv"


def test_tables_of_ones_own_in_any_order_of_columns(path):
    path.write_text(
        "\ufeffmethod,pearson_A,time, temperature,aggregate\r\n\nmine,0.5,10,0.4,mean\n"
    )
    assert read_reported(path) == [Reported(0.4, 10.0, "mean", "mine", 0.5)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "line 1: the columns are ''; expected temperature,time,aggregate,method,pearson_A"),
        ("a;b\n", "line 1: the columns are 'a;b'; expected"),
        (HEADER, "holds no value below its header"),
        (HEADER + "0.44,10,mean,m\n", "line 2: has 4 columns; expected 5"),
        (HEADER + "0.44,10,mean,m,0.5\n\n0.44,x,mean,m,0.5\n", "line 4: time is 'x'; expected a"),
        (HEADER + "0.44,-1,mean,m,0.5\n", "line 2: time is '-1'; expected a positive number"),
        (HEADER + "nan,1,mean,m,0.5\n", "line 2: temperature is 'nan'; expected a positive"),
        (HEADER + "inf,1,mean,m,0.5\n", "line 2: temperature is 'inf'; expected a positive"),
        (HEADER + "1,1,mean,m,75\n", "line 2: pearson_A is '75'; expected a correlation from -1"),
        (HEADER + "1,1,mean,m,nan\n", "line 2: pearson_A is 'nan'; expected a correlation"),
        (HEADER + "1,1,median,m,0.5\n", "line 2: aggregate is 'median'; expected mean or all"),
        (HEADER + "1,1,mean, ,0.5\n", "line 2: method is ''; expected a name"),
        (HEADER + '1,1,mean,"m,0.5\n', "line 2: unexpected end of data"),
        (HEADER + "1,1,mean," + "m" * 200_000 + ",0.5\n", "line 2: field larger than"),
    ],
)
def test_what_is_wrong_is_named_with_line_and_column(path, text, expected):
    path.write_text(text)
    with pytest.raises(gb.InputError) as caught:
        read_reported(path)
    assert str(caught.value).startswith(f"{path}: {expected}")


def test_files_that_are_no_text_or_not_there_are_refused(tmp_path, path):
    path.write_bytes(b"\xff\xfe\0")
    for place, reason in ((path, "is not a text file"), (tmp_path / "no", "cannot be read")):
        with pytest.raises(gb.InputError, match=reason):
            read_reported(place)
    with path.open("wb") as file:
        file.truncate(17 * 2**20)
    with pytest.raises(gb.InputError, match="is larger than 16 MiB"):
        read_reported(path)


@given(st.text(max_size=200))
def test_no_text_makes_more_than_a_refusal(tmp_path_factory, text):
    path = tmp_path_factory.getbasetemp() / "any.csv"
    path.write_text(HEADER + text, encoding="utf-8", errors="replace")
    with suppress(gb.InputError):
        assert all(-1 <= row.pearson_A <= 1 and row.time > 0 for row in read_reported(path))
