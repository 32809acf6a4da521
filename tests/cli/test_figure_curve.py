"""glassbotan figure curve: its picture, what it shows beside, and what it refuses."""

import json
import re
from pathlib import Path

import matplotlib.image
import pytest
from command_line import refusal, run

from glassbotan.evaluation import Row, Scores
from glassbotan.evaluation.files import write_scores

HEADER = "temperature,time,aggregate,method,pearson_A\n"


def scores(name: str = "botan", **changes: object) -> Scores:
    def row(species: str) -> Row:
        return Row(
            time=4120.0, species=species, pearson_mean=0.6, pearson_sem=0.1, pearson_pooled=0.6,
            mse=0.02, ceiling=0.94, snapshots=2, pearson=[0.5, 0.7],
        )  # fmt: skip

    facts = {
        "system": "Kob-Andersen mixture", "temperature": 0.44,
        "quantities": {"propensity": [row("A"), row("B")], "bond_extension": [row("AA")]},
    }  # fmt: skip
    return Scores(model=name, **facts | changes)


@pytest.fixture
def results(tmp_path) -> Path:
    linear = scores("linear")
    del linear.quantities["bond_extension"]
    write_scores(tmp_path / "scores.json", [scores(), linear])
    return tmp_path / "scores.json"


def words(*arguments: object, results: Path) -> set[str]:
    """Return the texts of the picture that is drawn with these arguments."""
    target = results.with_name("c.svg")
    result = run("-q", "figure", "curve", results, "-o", target, *arguments)
    assert result.status == 0, result
    assert result.out == f"curve: {target}\n"
    return set(re.findall(r"<text[^>]*>([^<]+)</text>", target.read_text()))


def test_a_picture_of_a_columns_width_that_knows_where_it_came_from(results):
    target = results.with_name("curve.png")
    result = run("figure", "curve", results, "-o", target)
    assert (result.status, result.out, result.err) == (0, f"curve: {target}\n", "")
    assert b"scores.json" in target.read_bytes()
    picture = matplotlib.image.imread(target)
    assert picture.shape[1] == pytest.approx(8.6 / 2.54 * 300, abs=2)
    assert picture[..., :3].std() > 0.05


def test_the_default_name_and_the_default_company(results, monkeypatch):
    monkeypatch.chdir(results.parent)
    assert run("figure", "curve", results.name).out == "curve: curve.png\n"
    shown = words(results=results)
    assert {"botan", "linear", "noise ceiling"} <= shown
    assert {x for x in shown if x.endswith(", reported")} == {
        "BOTAN, reported", "CAGE, reported", "SE3, reported",
    }  # fmt: skip


def test_reported_methods_are_chosen_or_left_out(results):
    def reported(*arguments: object) -> set[str]:
        shown = words(*arguments, results=results)
        return {x.partition(",")[0] for x in shown if x.endswith(", reported")}

    assert reported("--methods", "SE3, EIGNN-Inh") == {"SE3", "EIGNN-Inh"}
    assert len(reported("--methods", "all")) == 6
    assert reported("--reported", "none") == set()
    assert reported("--species", "B") == reported("--bonds") == set()
    assert reported("--quantity", "bond_extension") == set()


def test_ones_own_reported_values(results):
    table = results.with_name("mine.csv")
    table.write_text(HEADER + "0.44,10,mean,mine,0.5\n0.44,10,all,other,0.5\n0.5,10,mean,hot,0.5\n")
    shown = words("--reported", table, results=results)
    assert "mine, reported" in shown
    assert not {"other, reported", "hot, reported", "BOTAN, reported"} & shown
    message = refusal(
        "figure", "curve", results, "--reported", table, "--methods", "SE3", "-o", "no.png"
    )
    assert message == "no value is reported for the method 'SE3'; there are mine"
    table.write_text(HEADER + "0.5,10,mean,mine,0.5\n0.56,10,mean,mine,0.5\n")
    message = refusal("figure", "curve", results, "--reported", table)
    assert message == (
        f"{table}: has no value of aggregate mean at T = 0.44, that of the results; "
        "it has T = 0.5, 0.56"
    )
    write_scores(results, [scores(), scores("hot", temperature=0.5)])
    message = refusal("figure", "curve", results, "--reported", table)
    assert "the results are not of one known temperature" in message
    table.write_text(HEADER + "0.56,10,mean,mine,0.5\n")
    assert "mine, reported" in words("--reported", table, results=results)
    table.write_text(HEADER + "0.56,10,mean,mine,half\n")
    message = refusal("figure", "curve", results, "--reported", table)
    assert message.startswith(f"{table}: line 2: pearson_A is 'half'")


def test_results_of_other_glasses_stand_alone(results):
    for changes in ({"system": None}, {"temperature": None}):
        write_scores(results, [scores(**changes)])
        shown = words(results=results)
        assert not any(x.endswith("reported") for x in shown)
        message = refusal("figure", "curve", results, "--methods", "BOTAN")
        assert message.startswith("--methods BOTAN: there are no reported values to choose from")


def test_the_relaxation_time_is_the_published_one_or_given_or_none(results):
    def marked(*arguments: object) -> str | None:
        target = results.with_name("c.svg")
        assert run("figure", "curve", results, "-o", target, *arguments).status == 0
        # The dotted line is the one with these dashes.
        line = re.search(r'<path d="(M [^"]+)"[^>]*stroke-dasharray: 0.7,1.05', target.read_text())
        return line and line[1]

    published = marked()
    assert published is not None
    assert marked("--tau-alpha", "4120") == published
    assert marked("--tau-alpha", "130") not in (published, None)
    assert marked("--tau-alpha", "none") is None
    for wrong in ("-1", "nan", "inf", "late", "1,2"):
        message = refusal("figure", "curve", results, f"--tau-alpha={wrong}")
        assert message == f"--tau-alpha {wrong!r}: expected one positive time, or none"


def test_several_files_are_told_apart(results):
    other = results.with_name("other.json")
    write_scores(other, [scores()])
    shown = words(other, results=results)
    assert {"botan (scores)", "botan (other)", "linear"} <= shown


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["--species", "C"],
            "no correlation of propensity C to draw: model 'botan' has prop",
        ),
        (
            ["--bonds", "--species", "BB"],
            "no correlation of bond_extension BB to draw: model",
        ),
        (["--quantity", "speed"], "no quantity 'speed'; there are propensity, bond_extension"),
        (["-o", "c.jpg"], "c.jpg: unknown suffix; use one of .png, .pdf, .svg"),
        (["-o", "no/c.png"], "no/c.png: cannot be written, there is no folder"),
        (["--methods", "FOO"], "no value is reported for the method 'FOO'; there are BOTAN, CAGE"),
        (["--methods", "SE3", "--reported", "none"], "--methods SE3: there are no reported values"),
        (["--species", "B", "--reported", "x.csv"], "--reported x.csv: holds propensity of A"),
        (["--reported", "x.csv"], "x.csv: cannot be read (No such file or directory)"),
    ],
)
def test_what_cannot_be_drawn_is_refused(results, monkeypatch, arguments, message):
    monkeypatch.chdir(results.parent)
    assert refusal("figure", "curve", results, *arguments).startswith(message)
    assert [path.name for path in results.parent.iterdir()] == ["scores.json"]


def test_a_result_file_of_another_version_says_so(results):
    content = json.loads(results.read_text())
    for entry in content:
        del entry["form"]
    results.write_text(json.dumps(content))
    message = refusal("figure", "curve", results)
    assert message.startswith(f"{results}: is a result file of another version (without a form")
    assert "evaluate again" in message
