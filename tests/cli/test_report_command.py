"""glassbotan report: the page it writes, what it says, and what it refuses."""

import pytest
from command_line import refusal, run

from glassbotan.provenance import sha256
from report_cases import Case, make_case, make_run, stored_record

EDGE = ("--box", "5")


@pytest.fixture(scope="module")
def case(tmp_path_factory, _own_cache: None) -> Case:
    return make_case(tmp_path_factory.mktemp("report"))


def test_a_page_is_written_from_results(case, tmp_path):
    target = tmp_path / "page.htm"
    models = [word for model in case.models for word in ("-m", model)]
    result = run("report", case.results, *models, *EDGE, "-o", target)
    assert result == (0, f"report: {target}\n", "")
    record = stored_record(target.read_text(encoding="utf-8"))
    assert record["title"] == "first, second"
    assert record["provenance"]["command"].startswith("glassbotan report")
    assert record["commands"]["this report"] == record["provenance"]["command"]
    assert len(record["pictures"]) == 4
    assert sorted(path.name for path in tmp_path.iterdir()) == ["page.htm"]


def test_an_unfinished_run_is_reported_with_a_warning(case, tmp_path):
    folder = make_run(tmp_path / "run", case.files[0].parent, finished=False)
    result = run("--quiet", "report", folder, "-o", tmp_path / "page.html")
    assert result.status == 0
    assert result.err.startswith("warning: There is no model to score yet")
    assert result.err.count("\n") == 1


def test_missing_data_are_told_on_standard_error(case, tmp_path):
    content = case.results.read_text().replace(str(case.files[0].parent), str(tmp_path))
    (tmp_path / "scores.json").write_text(content)
    result = run("report", tmp_path / "scores.json", "-o", tmp_path / "page.html")
    assert result.status == 0
    assert f"warning: {case.files[0].name}: missing" in result.err


def test_a_bundled_model_is_reported_on_real_data(published, tmp_path):
    target = tmp_path / "page.html"
    result = run("report", "--quiet", "botan", "--data", published[0], "-o", target)
    assert (result.status, result.err) == (0, ""), result
    page = target.read_text(encoding="utf-8")
    record = stored_record(page)
    assert [p["name"] for p in record["pictures"]] == ["map", "curve", "bonds", "rearrangement"]
    assert record["results"][0]["temperature"] == 0.44
    assert sha256(published[0]) in page
    assert '<a href="https://doi.org/10.1063/5.0129791">' in page
    assert len(page) < 5_000_000


def test_bad_requests_are_refused_and_leave_no_file(case, tmp_path):
    target = tmp_path / "page.html"
    assert "unknown suffix; use .html" in refusal("report", case.results, "-o", tmp_path / "p.pdf")
    assert "another version" in refusal("report", _older(case, tmp_path), "-o", target)
    assert "no model 'none-such'" in refusal(
        "report", case.results, "-m", "none-such", "-o", target
    )
    assert "gone" in refusal("report", case.results, "--data", tmp_path / "gone", "-o", target)
    assert "no such run folder" in refusal("report", tmp_path / "gone", "-o", target)
    assert "--box" in refusal("report", case.results, "--box", "-1", "-o", target)
    assert not target.exists()


def test_a_page_that_cannot_be_written_leaves_the_old_one(case, tmp_path):
    target = tmp_path / "page.html"
    target.write_text("old")
    refusal("report", _older(case, tmp_path), "-o", target)
    assert target.read_text() == "old"


def _older(case: Case, folder):
    path = folder / "older.json"
    path.write_text(case.results.read_text().replace('"form": 3', '"form": 1'))
    return path
