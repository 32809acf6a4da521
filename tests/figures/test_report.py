"""The report page: complete, escaped, self-contained, printable, and honest about what lacks."""

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

import glassbotan as gb
from browser import open_browser
from conftest import Told, random_snapshot
from glassbotan.datasets import LabelledSnapshot
from glassbotan.dynamics import Motion
from glassbotan.dynamics.quantities import BOND_EXTENSION, PROPENSITY
from glassbotan.evaluation.comparison import Comparison
from glassbotan.evaluation.files import read_scores
from glassbotan.figures.report import gather, gathering, report_page
from glassbotan.figures.report.history import read_history
from glassbotan.figures.report.page import score_table, seconds, significant
from glassbotan.figures.report.pictures import map_picture
from glassbotan.figures.report.training import training_figure
from glassbotan.provenance import package_version, sha256
from report_cases import BOX, Case, make_case, make_run, save_model, stored_record, visible

LARGEST = 5_000_000


@pytest.fixture(scope="module")
def case(tmp_path_factory, _own_cache: None) -> Case:
    return make_case(tmp_path_factory.mktemp("report"))


@pytest.fixture(scope="module")
def whole(case):
    """Report and page of two scored models whose data and folders are here."""
    report = gather([case.results], models=case.models, box=BOX)
    return report, report_page(report)


@pytest.fixture(scope="module")
def run(case, tmp_path_factory) -> Path:
    return make_run(tmp_path_factory.mktemp("runs") / "run", case.files[0].parent)


@pytest.fixture
def undrawn(monkeypatch):
    """Leave the figures out where a test is not about them; they take most of the time."""
    monkeypatch.setattr(gathering, "_draw", lambda *_: None)


def edited(case: Case, folder: Path, change) -> Path:
    """Return a copy of the result file, changed."""
    content = json.loads(case.results.read_text())
    change(content)
    path = folder / "edited.json"
    path.write_text(json.dumps(content))
    return path


class Page(HTMLParser):
    """Collects elements, and complains of those left open."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        if tag not in ("meta", "img", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def addresses(self) -> list[str]:
        names = ("src", "href", "srcset", "data", "action", "poster", "background")
        return [
            value
            for _, found in self.elements
            for n, value in found.items()
            if n in names and value
        ]


def test_every_score_is_in_the_page_and_in_its_record(case, whole):
    report, page = whole
    text, results = visible(page), read_scores(case.results)
    assert stored_record(page)["results"] == [s.model_dump(mode="json") for s in results]
    for scores in results:
        for row in [*scores.particles, *scores.bonds]:
            numbers = [
                scores.model,
                f"{row.pearson_mean:.3f} ± {row.pearson_sem:.3f}",
                f"{row.pearson_pooled:.3f}",
                significant(row.mse),
            ]
            first = next(
                r
                for r in [*results[0].particles, *results[0].bonds]
                if (r.time, r.species) == (row.time, row.species)
            )
            line = " ".join([*numbers, f"{row.mse / first.mse:.2f}", f"{row.ceiling:.3f} 2"])
            assert f"4120 {line.replace('-', '−')}" in text, line
    assert {p.name for p in report.pictures} == {"map", "curve", "bonds", "rearrangement"}
    assert not report.notes


def test_coverage_has_a_column_where_a_model_tells_errors(case, whole):
    report, page = whole
    assert "coverage" not in visible(page)
    first, *others = report.results
    rows = [row.model_copy(update={"coverage": 0.875}) for row in first.particles]
    told = replace(
        report,
        results=[
            first.model_copy(update={"quantities": {**first.quantities, "propensity": rows}}),
            *others,
        ],
    )
    particles, bonds = (score_table(told, one) for one in (PROPENSITY, BOND_EXTENSION))
    lines = [line for rows in particles.values() for line in rows]
    assert list(lines[0])[-3:] == ["ceiling", "coverage", "n"]
    assert all("coverage" not in line for rows in bonds.values() for line in rows)
    cells = {line["model"]: line["coverage"] for line in lines}
    assert cells == {first.model: "0.875"} | {other.model: "–" for other in others}


def test_files_versions_timings_and_commands_are_in_the_page(case, whole):
    report, page = whole
    text = visible(page)
    for path in case.files:
        assert path.name in text
        assert sha256(path) in text
    for word in (package_version(), "torch", "numpy", report.provenance["commit"] or "", "Timings"):
        assert word in text
    for scores in report.results:
        assert seconds(scores.timings.seconds) in text
        assert scores.timings.machine in text
        assert scores.provenance["command"] in text
    record = stored_record(page)
    assert record["form"] == 1
    assert [f["sha256"] for f in record["files"]] == [sha256(path) for path in case.files]
    assert record["provenance"]["inputs"] == [
        {"name": case.results.name, "sha256": sha256(case.results)}
    ]


def test_pictures_have_captions_and_words_for_the_blind(whole):
    report, page = whole
    images = [found for tag, found in Page(page).elements if tag == "img"]
    assert len(images) == len(report.pictures) == 4
    for image, picture in zip(images, report.pictures, strict=True):
        assert image["alt"] == picture.alternative
        assert len(picture.alternative) > 30
        assert picture.caption in visible(page)
        assert re.match(r"data:image/(png|svg\+xml);base64,", image["src"])
    assert re.search(r"the \d+ particles .* \(of 60 in snapshot", report.pictures[0].caption)
    assert "n = 2 snapshots" in report.pictures[1].caption


def test_nothing_outside_of_the_page_is_referred_to(whole):
    _, page = whole
    assert len(page.encode()) < LARGEST
    for address in Page(page).addresses():
        assert address.startswith(("data:image/", "https://doi.org/"))
    style = re.search(r"<style>(.*?)</style>", page, re.DOTALL)[1]
    assert "url(" not in style
    assert "@import" not in style


def test_hostile_names_stay_text(case, tmp_path, undrawn):
    hostile = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\"'{{ 7*7 }}"

    def change(content):
        content[0]["model"] = hostile
        content[0]["provenance"] |= {"command": hostile, "version": hostile, "model": hostile}
        content[0]["provenance"]["inputs"][0]["name"] = hostile
        content[0]["timings"]["machine"] = hostile
        content[0]["quantities"]["propensity"][0]["species"] = "A<b>"

    report = gather([edited(case, tmp_path, change)], box=BOX)
    page = report_page(report)
    parsed = Page(page)
    assert [tag for tag, _ in parsed.elements].count("script") == 1
    assert not [f for _, f in parsed.elements if any(name.startswith("on") for name in f)]
    assert stored_record(page)["title"].startswith(hostile)
    assert "{{ 7*7 }}" in visible(page)
    assert all(a.startswith(("data:", "https://doi.org/")) for a in parsed.addresses())


def test_a_missing_file_is_named_and_its_pictures_left_out(case, tmp_path):
    def move(content):
        for scores in content:
            scores["data"] = [str(tmp_path / "gone" / Path(d).name) for d in scores["data"]]

    path = edited(case, tmp_path, move)
    report = gather([path], models=case.models, box=BOX)
    assert [p.name for p in report.pictures] == ["curve"]
    text = visible(report_page(report))
    for file in case.files:
        assert f"{file.name}: missing: not found where it was scored" in text
    assert "name them with --data" in text

    given = gather([path], data=case.files, models=case.models, box=BOX)
    assert {p.name for p in given.pictures} == {"map", "curve", "bonds", "rearrangement"}


def test_a_changed_file_is_named_and_never_drawn(case, tmp_path):
    copies = []
    for file in case.files:
        copies.append(tmp_path / file.name)
        copies[-1].write_bytes(file.read_bytes())

    def move(content):
        for scores in content:
            scores["data"] = [str(copy) for copy in copies]

    path = edited(case, tmp_path, move)
    copies[0].write_bytes(case.files[1].read_bytes())
    report = gather([path], models=case.models, box=BOX)
    assert any(
        n.startswith(f"{copies[0].name}: changed: the SHA-256 of {copies[0]} is not the recorded")
        for n in report.notes
    )
    assert "in snapshot isoconfig_T0.44_1_tc07.npz" in report.pictures[0].caption


def test_data_other_than_those_scored_are_told(case, tmp_path):
    from conftest import random_snapshot, write_botan_npz

    other = write_botan_npz(tmp_path / "isoconfig_T0.44_9_tc07.npz", random_snapshot(60, seed=9))
    report = gather([case.results], data=[other], models=case.models, box=BOX)
    assert "The pictures are of data other than those that were scored." in report.notes
    assert "isoconfig_T0.44_9_tc07.npz" in report.pictures[0].caption


def test_a_model_that_is_not_found_is_told(case):
    report = gather([case.results], models=case.models[:1], box=BOX)
    assert any(n.startswith("Model second is not a bundled one") for n in report.notes)
    assert [m.place is None for m in report.models] == [False, True]
    assert "predicted by first, at" in report.pictures[0].caption


def test_one_more_model_is_scored_on_the_same_data(case, tmp_path, undrawn):
    third = save_model(tmp_path / "third", seed=5)
    report = gather([case.results], models=[*case.models, third], box=BOX)
    assert [scores.model for scores in report.results] == ["first", "second", "third"]
    direct = gb.evaluate(case.files, [third], box=BOX)[0]
    assert report.results[2].particles == direct.particles
    assert report.comparable


def test_a_model_of_another_quantity_of_particles_has_its_map():
    snapshot, times = random_snapshot(60), np.array([1.0])
    broken = Motion(snapshot, times, {"bond_breaking": np.full((1, 60), 0.5)}, source="breaks")
    labels = LabelledSnapshot(Motion(snapshot, times, {"propensity": np.ones((1, 60))}), {})
    picture = map_picture(Comparison(snapshot, labels, [broken]))
    assert picture.title == "Maps of bond-breaking propensity"
    assert picture.caption.startswith("Bond-breaking propensity predicted by breaks, at t = 1, of")


def test_results_of_other_files_have_no_ratio(case, tmp_path, undrawn):
    def keep_one(content):
        del content[0]
        content[0]["data"].pop()
        content[0]["snapshots"].pop()
        content[0]["provenance"]["inputs"].pop()
        for rows in content[0]["quantities"].values():
            for row in rows:
                row["pearson"].pop()

    report = gather([case.results, edited(case, tmp_path, keep_one)], box=BOX)
    assert not report.comparable
    page = report_page(report)
    assert "not all models were scored on the same files" in visible(page).lower()
    assert not re.search(r"<th[^>]*>ratio", page)


def test_a_result_file_of_another_version_is_refused(case, tmp_path):
    path = edited(case, tmp_path, lambda content: content[0].update(form=1))
    with pytest.raises(gb.InputError, match="another version"):
        gather([path])


def test_a_run_is_scored_on_its_validation_data_with_its_training(run, case):
    told = Told()
    report = gather([run], models=case.models[:1], progress=told)
    direct = gb.evaluate(case.files, [run / "model"], box=BOX)[0]
    assert report.title == "small-run, first"
    assert report.results[0].particles == direct.particles
    assert [p.name for p in report.pictures] == [
        "map",
        "curve",
        "bonds",
        "rearrangement",
        "training",
    ]
    text = visible(report_page(report))
    for line in ("node_weight: 0.4", "monitor: pearson_A", "seed: 7341", "validation of small-run"):
        assert line in text
    assert report.provenance["seed"] == 7341
    done, total, _ = told[-1]
    assert done == total
    assert {doing for *_, doing in told} >= {"predicting", "drawing"}
    assert all(0 <= d <= t for d, t, _ in told)


def test_an_unfinished_run_says_so_and_shows_what_there_is(case, tmp_path):
    run = make_run(tmp_path / "run", case.files[0].parent, finished=False)
    report = gather([run])
    assert report.verdict == (
        "Unfinished: 5 of 5 epochs are complete, in stage 2 of 2; "
        "best validation Pearson correlation of A so far 0.4321, after epoch 4."
    )
    assert [p.name for p in report.pictures] == ["training"]
    assert report.provenance["seed"] == 7341
    page = report_page(report)
    assert sha256(case.files[0]) in page
    assert stored_record(page)["training"]["stages"][1]["series"]["train/loss"] == {
        "3": 0.3,
        "4": 0.2,
        "5": 0.1,
    }


def test_a_run_without_an_epoch_and_a_folder_of_neither_kind_are_refused(tmp_path, case, run):
    begun = make_run(tmp_path / "begun", case.files[0].parent, finished=False)
    for log in begun.glob("stage-*/logs/*/metrics.csv"):
        log.unlink()
    with pytest.raises(gb.InputError, match="not completed an epoch"):
        gather([begun])
    (tmp_path / "empty").mkdir()
    with pytest.raises(gb.InputError, match=r"neither a run \(no recipe.yaml\) nor a model"):
        gather([tmp_path / "empty"])
    with pytest.raises(gb.InputError, match="no such run folder"):
        gather([tmp_path / "nothing"])
    with pytest.raises(gb.InputError, match="is no result file"):
        gather([case.results, run])
    with pytest.raises(gb.InputError, match="name a run folder"):
        gather([])


def test_a_model_without_its_data_has_the_scores_of_its_card(tmp_path, undrawn):
    row = {
        "time": 4120.0, "species": "A", "pearson_mean": 0.618, "pearson_sem": 0.02,
        "pearson_pooled": 0.61, "mse": 0.03, "ceiling": 0.9, "snapshots": 2,
    }  # fmt: skip
    model = save_model(
        tmp_path / "model",
        recipe={"data": {"validation": [str(tmp_path / "gone")]}},
        scores={"particles": [row], "bonds": []},
    )
    report = gather([model])
    assert "0.618 ± 0.020" in visible(report_page(report))
    assert any("validation data are not here" in note for note in report.notes)
    assert any("those of the model's card" in note for note in report.notes)


def test_later_rows_of_a_resumed_stage_replace_earlier_ones(run):
    history = read_history(run, [2, 3])
    assert history.epochs == 5
    assert history.stages[0].series["train/loss"] == {1: 0.5, 2: 0.4}
    assert history.stages[1].series["train/loss"] == {3: 0.3, 4: 0.2, 5: 0.1}
    assert history.stages[1].best("validation/pearson_A") == (4, 0.4321)
    assert history.stages[1].best("validation/loss") == (4, 0.25)
    assert history.stages[1].best("validation/bond_loss") is None


@pytest.mark.parametrize("row", ["x,1,0.1,,,", "1,1,many,,,", ",1,0.1,,,", "1,1,1,1,1,1,1"])
def test_a_broken_log_is_named_with_its_line(case, tmp_path, row):
    run = make_run(tmp_path / "run", case.files[0].parent)
    log = run / "stage-1/logs/csv/metrics.csv"
    log.write_text(log.read_text() + row + "\n")
    with pytest.raises(gb.InputError, match=r"metrics\.csv, line 5: expected"):
        gather([run])


@pytest.mark.parametrize(
    ("value", "text"), [(0.0, "0"), (0.012345, "0.0123"), (1.2e-5, "0.0000120"), (12345.6, "12346")]
)
def test_errors_have_three_figures(value, text):
    assert significant(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(0.412, "0.41 s"), (77.4, "77 s"), (200, "3 min 20 s"), (7500, "2 h 5 min")]
)
def test_durations_are_readable(value, text):
    assert seconds(value) == text


@pytest.mark.mpl_image_compare(
    baseline_dir="baseline",
    filename="training.png",
    tolerance=4,
    savefig_kwargs={"dpi": 100},
    style="default",
)
def test_the_training_curve_looks_as_it_did(run):
    return training_figure(read_history(run, [2, 3]))


def pdf_pages(content: bytes) -> int:
    return len(re.findall(rb"/Type\s*/Page\b(?!s)", content))


def test_the_page_fits_a_telephone_a_screen_and_paper(whole, tmp_path):
    path = tmp_path / "report.html"
    path.write_text(whole[1], encoding="utf-8")
    with open_browser() as browser:
        page = browser.new_page()
        said, asked = [], []
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(path.as_uri())
        assert page.evaluate("[...document.images].every(i => i.complete && i.naturalWidth > 0)")
        for width in (360, 768, 1400):
            page.set_viewport_size({"width": width, "height": 800})
            assert page.evaluate("document.documentElement.scrollWidth") <= width
        page.emulate_media(media="print")
        # The width between the margins of A4, and of US letter.
        for width in (680, 702):
            page.set_viewport_size({"width": width, "height": 1000})
            wide = page.evaluate(
                "w => [...document.querySelectorAll('main *')]"
                ".filter(e => e.getBoundingClientRect().right > w + 1).map(e => e.outerHTML)",
                width,
            )
            assert not wide
            # Nothing that paper cannot scroll to.
            assert page.evaluate(
                "[...document.querySelectorAll('.scroll')]"
                ".every(e => e.scrollWidth <= e.clientWidth + 1)"
            )
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") in (
            "rgb(255, 255, 255)",
            "rgba(0, 0, 0, 0)",
        )
        for paper in ("A4", "Letter"):
            assert 3 <= pdf_pages(page.pdf(format=paper)) <= 9
        # No figure is higher than a page, or it would be cut.
        assert page.evaluate(
            "[...document.querySelectorAll('figure')].every(f => f.offsetHeight < 960)"
        )
    assert not said
    assert all(url.startswith(("file:", "data:")) for url in asked)
