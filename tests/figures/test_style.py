"""Saved pictures: their kinds, what they tell of their origin, and what they leave alone."""

import json
import re
import zlib
from xml.etree import ElementTree as ET

import matplotlib as mpl
import pytest
from matplotlib.figure import Figure
from PIL import Image

import glassbotan as gb
from glassbotan.figures.style import (
    COLUMN,
    PAGE,
    check_suffix,
    new_figure,
    panel_letter,
    save_figure,
    style,
)

ORIGIN = {"command": "glassbotan figure map 'a<&>é.npz' -o (x).pdf", "seed": None, "inputs": [1]}


def picture() -> Figure:
    with style():
        figure = new_figure(COLUMN, 2.0)
        axes = figure.subplots()
        axes.plot([0, 1], [0, 1], label="line")
        axes.fill_between([0, 1], [0, 1], alpha=0.5)
        axes.set(xlabel="$t$ (τ)", xlim=(0, 1))
        axes.legend()
        panel_letter(axes, "a")
    return figure


def origin(path) -> dict[str, object]:
    """Read the record with another program's eyes."""
    if path.suffix.lower() == ".png":
        with Image.open(path) as image:
            return json.loads(image.info["Description"])
    if path.suffix.lower() == ".svg":
        name = "{http://purl.org/dc/elements/1.1/}description"
        (found,) = ET.parse(path).iter(name)
        return json.loads(found.text)
    text = path.read_bytes().decode("latin-1")
    (raw,) = re.findall(r"/Subject \((.*)\)", text)
    return json.loads(re.sub(r"\\(.)", r"\1", raw))


@pytest.mark.parametrize("suffix", [".png", ".pdf", ".svg", ".SVG", ".Png"])
def test_a_picture_tells_its_origin(tmp_path, suffix):
    path = tmp_path / f"p{suffix}"
    save_figure(path, picture(), provenance=ORIGIN)
    assert origin(path) == ORIGIN
    magic = {".png": b"\x89PNG", ".pdf": b"%PDF", ".svg": b"<?xml"}[suffix.lower()]
    assert path.read_bytes().startswith(magic)
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("suffix", [".png", ".pdf", ".svg"])
def test_the_same_picture_is_the_same_file(tmp_path, suffix):
    first, second, third = (tmp_path / f"{name}{suffix}" for name in "abc")
    figure = picture()
    save_figure(first, figure, provenance=ORIGIN)
    save_figure(second, figure, provenance=ORIGIN)
    save_figure(third, picture(), provenance=ORIGIN)
    assert first.read_bytes() == second.read_bytes() == third.read_bytes()
    save_figure(third, picture())
    assert first.read_bytes() != third.read_bytes()
    assert origin(third) == {}


def test_no_date_is_written(tmp_path):
    for suffix in (".png", ".pdf", ".svg"):
        save_figure(tmp_path / f"p{suffix}", picture())
        assert b"Date" not in (tmp_path / f"p{suffix}").read_bytes()
        assert b"dc:date" not in (tmp_path / f"p{suffix}").read_bytes()


@pytest.mark.parametrize("name", ["p", "p.jpg", "p.svgz", "png", "p.png.gz", ".png"])
def test_another_suffix_is_refused(tmp_path, name):
    with pytest.raises(gb.InputError, match=r"unknown suffix; use one of \.png, \.pdf, \.svg"):
        check_suffix(tmp_path / name)
    (tmp_path / name).write_text("old")
    with pytest.raises(gb.InputError, match="unknown suffix"):
        save_figure(tmp_path / name, picture())
    assert (tmp_path / name).read_text() == "old"


@pytest.mark.parametrize("name", ["p.png", "a.b.pdf", "p.SVG", "ガラス.png", "a b.svg"])
def test_a_known_suffix_passes(tmp_path, name):
    check_suffix(tmp_path / name)
    save_figure(tmp_path / name, picture())
    assert (tmp_path / name).stat().st_size > 1000


def test_a_failure_leaves_the_old_picture(tmp_path):
    for suffix in (".png", ".pdf", ".svg"):
        path = tmp_path / f"p{suffix}"
        path.write_text("old")
        figure = picture()
        figure.axes[0].set_title("$\\nonsense$")
        with pytest.raises(ValueError, match="nonsense"):
            save_figure(path, figure)
        assert path.read_text() == "old"
    assert len(list(tmp_path.iterdir())) == 3
    with pytest.raises(gb.InputError, match="there is no folder"):
        save_figure(tmp_path / "no" / "p.png", picture())


def test_the_users_settings_stay_as_they_are(tmp_path):
    with mpl.rc_context({"font.size": 23, "savefig.dpi": 40, "svg.fonttype": "path"}):
        before = dict(mpl.rcParams)
        figure = picture()
        save_figure(tmp_path / "p.svg", figure)
        save_figure(tmp_path / "p.png", figure)
        with pytest.raises(gb.InputError):
            save_figure(tmp_path / "p.gif", figure)
        assert dict(mpl.rcParams) == before
    # ... and do not reach the project's pictures: text is text, at 300 dots an inch.
    assert "line</text>" in (tmp_path / "p.svg").read_text()
    with Image.open(tmp_path / "p.png") as image:
        assert image.size == (round(COLUMN * 300 - 0.5), 600)


def test_fonts_in_a_pdf_are_outlines_that_programs_can_edit(tmp_path):
    save_figure(tmp_path / "p.pdf", picture())
    content = (tmp_path / "p.pdf").read_bytes()
    streams = [
        zlib.decompressobj().decompress(part)
        for part in re.findall(rb"stream\r?\n(.*?)\r?\nendstream", content, re.DOTALL)
        if part[:1] == b"\x78"
    ]
    whole = content + b"".join(streams)
    assert b"/CIDFontType2" in whole or b"/TrueType" in whole
    assert b"/Type3" not in whole


def test_widths_are_those_of_a_journal():
    assert pytest.approx(8.6) == COLUMN * 2.54
    assert pytest.approx(17.8) == PAGE * 2.54
    with style():
        assert new_figure(COLUMN, 1.0).get_figwidth() == COLUMN
        # Not smaller in print than a journal's referees can read.
        for name in ("font.size", "xtick.labelsize", "ytick.labelsize", "legend.fontsize"):
            assert mpl.rcParams[name] >= 6.5


def test_a_panels_letter_stands_above_it():
    figure = picture()
    figure.draw_without_rendering()
    (letter,) = figure.axes[0].texts
    assert letter.get_text() == "(a)"
    assert letter.get_window_extent().y0 >= figure.axes[0].get_window_extent().y1
