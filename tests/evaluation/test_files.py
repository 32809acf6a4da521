"""Score files: what is written is read again, and what is damaged is refused by name."""

import json
import math
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import glassbotan as gb
from glassbotan.evaluation import Row, Scores, files
from glassbotan.evaluation.files import read_all_scores, read_scores, scores_json, write_scores
from glassbotan.evaluation.scores import Timings


def scores(name: str = "net", **changes: object) -> Scores:
    row = Row(
        time=4120.0,
        species="A",
        pearson_mean=0.5,
        pearson_sem=None,
        pearson_pooled=0.5,
        mse=0.02,
        ceiling=0.9,
        snapshots=1,
        pearson=[0.5],
    )
    timings = Timings(seconds=1.5, particles=60.0, threads=1, device="cpu", machine="one core")
    facts = {
        "model": name, "temperature": 0.44, "data": ["a.npz"],
        "quantities": {"propensity": [row]}, "timings": timings, "provenance": {"version": "1"},
    }  # fmt: skip
    return Scores(**facts | changes)


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / "s.json"


def stored(path: Path, change) -> Path:
    content = json.loads(scores_json([scores()]))
    changed = change(content)
    path.write_text(json.dumps(content if changed is None else changed))
    return path


def refused(path: Path) -> str:
    with pytest.raises(gb.InputError) as caught:
        read_scores(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    assert len(message) < 300 + len(str(path))
    return message.removeprefix(f"{path}: ")


def test_what_is_written_is_read_again(path):
    for results in ([scores()], [scores("one"), scores("two", temperature=None, timings=None)]):
        write_scores(path, results)
        assert read_scores(path) == results
    assert [entry["form"] for entry in json.loads(path.read_text())] == [3, 3]
    write_scores(path, [scores()])
    assert path.read_text().startswith('{\n  "form": 3,')


def test_files_without_coverage_are_read_and_one_with_it_comes_back(path):
    def older(content):
        del content["quantities"]["propensity"][0]["coverage"]

    assert read_scores(stored(path, older)) == [scores()]
    told = scores().particles[0].model_copy(update={"coverage": 0.9})
    write_scores(path, [scores(quantities={"propensity": [told]})])
    assert json.loads(path.read_text())["quantities"]["propensity"][0]["coverage"] == 0.9
    assert read_scores(path)[0].particles == [told]


def test_files_that_knew_particles_and_bonds_alone_are_read(path):
    def older(content):
        content["form"] = 2
        row = content.pop("quantities")["propensity"][0]
        content |= {"particles": [row], "bonds": [row | {"species": "AA"}]}

    (found,) = read_scores(stored(path, older))
    assert found.form == 3
    assert found.particles == scores().particles
    assert [row.species for row in found.quantities["bond_extension"]] == ["AA"]


@settings(deadline=None)  # each example is flushed to the disk
@given(
    st.floats(-1, 1),
    st.floats(0, exclude_min=True, allow_infinity=False),
    st.text(min_size=1),
    st.lists(st.none() | st.floats(-1, 1)),
)
def test_numbers_and_names_survive_to_the_last_bit(tmp_path_factory, r, time, name, each):
    row = (
        scores()
        .particles[0]
        .model_copy(update={"pearson_mean": r, "time": time, "species": name, "pearson": each})
    )
    target = tmp_path_factory.getbasetemp() / "survive.json"
    name = name.encode("utf-8", "replace").decode()
    row.species = name
    write_scores(target, [scores(name, quantities={"propensity": [row]}, data=[])])
    (found,) = read_scores(target)
    assert found.model == name
    assert found.particles == [row]


@pytest.mark.parametrize("form", [None, 1, 4, "2", 2.0, True, [2]])
def test_another_version_says_so_and_what_to_do(path, form):
    def change(content):
        del content["form"]
        if form is not None:
            content["form"] = form

    message = refused(stored(path, change))
    assert message.startswith("is a result file of another version (")
    assert "reads form 3); evaluate again: glassbotan evaluate" in message
    assert ("without a form number" if form is None else f"form {form!r}") in message


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "is not JSON"),
        ("{", "is not JSON"),
        ("\0", "is not JSON"),
        ("[" * 10_000, "is not JSON (recursion limit"),
        ("[]", "holds no scores; write one with glassbotan evaluate --json"),
        ("3", "holds no scores of a model"),
        ("[[]]", "holds no scores of a model"),
        ('{"a": 1}', "holds no scores of a model"),
    ],
)
def test_what_is_no_result_file_is_refused(path, text, expected):
    path.write_text(text)
    assert refused(path).startswith(expected)


ROW = "quantities.propensity.0"


def set_row(key: str, value: object):
    return lambda content: content["quantities"]["propensity"][0].update({key: value})


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (set_row("mse", math.nan), f"{ROW}.mse: input should be a finite number (it is nan)"),
        (set_row("pearson_mean", math.inf), f"{ROW}.pearson_mean: "),
        (set_row("pearson_mean", 1.5), f"{ROW}.pearson_mean: input should be less than"),
        (set_row("pearson", [None, "0.5"]), f"{ROW}.pearson.1: input should be a valid numb"),
        (set_row("time", 0), f"{ROW}.time: input should be greater than 0 (it is 0)"),
        (set_row("time", True), f"{ROW}.time: input should be a valid number (it is True)"),
        (set_row("snapshots", 1.5), f"{ROW}.snapshots: input should be a valid integer"),
        (set_row("species", ""), f"{ROW}.species: "),
        (set_row("coverage", 1.5), f"{ROW}.coverage: input should be less than or equal"),
        (set_row("coverage", math.nan), f"{ROW}.coverage: input should be"),
        (set_row("speed", 1), f"unknown key '{ROW}.speed'"),
        (lambda c: c["quantities"]["propensity"][0].pop("mse"), f"the key '{ROW}.mse' is missing"),
        (lambda c: c.update(model=7), "model: input should be a valid string (it is 7)"),
        (lambda c: c.update(colour="red"), "unknown key 'colour'"),
        (
            lambda c: c["quantities"].update(propensity=c["quantities"]["propensity"] * 2),
            "propensity has two rows of t = 4120, A",
        ),
        (
            lambda c: c["quantities"].update(velocity=[]),
            "no quantity 'velocity'; there are propensity, bond_extension",
        ),
        (
            set_row("pearson", [0.1, 0.2]),
            "a row of propensity has not one pearson for each snapshot",
        ),
        (lambda c: c.update(data="a.npz"), "data: input should be a valid list"),
        (lambda c: c.update(temperature=-1), "temperature: "),
        (lambda c: c["timings"].update(threads=0), "timings.threads: "),
        (lambda c: c["provenance"].update(x=[math.nan]), "provenance holds something that is not"),
        (lambda c: [c, {**c, "model": None}], "1.model: input should be a valid string"),
    ],
)
def test_a_wrong_field_is_named(path, change, expected):
    def keep(content):
        changed = change(content)
        return changed if isinstance(changed, list) else None

    assert refused(stored(path, keep)).startswith(expected)


def test_files_that_cannot_be_or_are_too_large_to_be_read_are_refused(tmp_path, path, monkeypatch):
    assert refused(path) == "cannot be read (No such file or directory)"
    assert refused(tmp_path) == "cannot be read (Is a directory)"
    write_scores(path, [scores()])
    monkeypatch.setattr(files, "MAX_BYTES", path.stat().st_size)
    assert len(read_scores(path)) == 1
    monkeypatch.setattr(files, "MAX_BYTES", path.stat().st_size - 1)
    assert refused(path).startswith("is larger than")


def test_a_byte_order_mark_does_no_harm(path):
    path.write_bytes(b"\xef\xbb\xbf" + scores_json([scores()]).encode())
    assert read_scores(path) == [scores()]


def test_an_existing_file_stays_where_writing_fails(path, monkeypatch):
    path.write_text("old")
    broken = scores().model_copy(update={"temperature": math.nan})
    with pytest.raises(ValueError):
        write_scores(path, [broken])
    assert path.read_text() == "old"
    assert list(path.parent.iterdir()) == [path]


def test_models_of_one_name_are_told_apart_by_their_file(tmp_path):
    def named(*places: str) -> list[str]:
        return [s.model for s in read_all_scores([tmp_path / p for p in places])]

    for name in ("one.json", "two.v2.json", "old/one.json"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        write_scores(tmp_path / name, [scores("net"), scores(f"only-{name[:3]}")])
    assert named("one.json") == ["net", "only-one"]
    assert named("one.json", "two.v2.json") == [
        "net (one)", "only-one", "net (two.v2)", "only-two",
    ]  # fmt: skip
    parent = tmp_path.name
    assert named("one.json", "old/one.json")[0] == f"net ({parent}/one)"
    assert named("one.json", "old/one.json")[2] == "net (old/one)"
    assert named("one.json", "one.json")[::2] == ["net (one, 1)", "net (one, 2)"]
