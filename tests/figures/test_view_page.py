"""The interactive view in a real browser, drawn in software."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import matplotlib.image
import numpy as np
import pytest

import glassbotan as gb
from browser import open_browser
from conftest import REPOSITORY, random_snapshot
from glassbotan.datasets import LabelledSnapshot
from glassbotan.dynamics import Motion
from glassbotan.evaluation.comparison import Comparison
from glassbotan.figures.viewer import view_page

SOFTWARE = ("--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--ignore-gpu-blocklist")
ARTEFACTS = REPOSITORY / "out"
DESKTOP = {"width": 1000, "height": 640}
PHONE = {"width": 390, "height": 780}
TIMES = np.array([1.0, 10.0, 100.0])


@pytest.fixture(scope="module")
def browser():
    with open_browser(*SOFTWARE) as browser:
        yield browser


def compared(snapshot: gb.Snapshot) -> Comparison:
    """Three times of simulation, and a model that lacks the last."""
    generator = np.random.default_rng(3)
    base = generator.uniform(0.1, 0.9, (3, snapshot.n_particles)) * TIMES[:, None] ** 0.2
    measured = Motion(snapshot, TIMES, {"propensity": base}, source="simulated")
    guess = base[:2] + generator.normal(0, 0.1, base[:2].shape)
    model = Motion(snapshot, TIMES[:2], {"propensity": guess}, source="model")
    return Comparison(snapshot, LabelledSnapshot(measured, {}), (model,))


@pytest.fixture(scope="module")
def shown() -> Comparison:
    return compared(random_snapshot(216, edge=6.0))


@pytest.fixture(scope="module")
def sparse() -> Comparison:
    """Eight particles, none before another."""
    corners = np.array([[x, y, z] for x in (1, 3) for y in (1, 3) for z in (1, 3)], float)
    nudge = np.random.default_rng(0).uniform(-0.2, 0.2, corners.shape)
    snapshot = gb.Snapshot(corners + nudge, np.arange(8) % 2, np.full(3, 4.0), source="eight.xyz")
    return compared(snapshot)


class Opened:
    """A page with a view, and what went wrong on it."""

    def __init__(self, context, path: Path) -> None:
        self.page = context.new_page()
        self.errors: list[str] = []
        self.requests: list[str] = []
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("console", self._hear)
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.goto(path.as_uri())
        self.page.wait_for_selector("body[data-ready]", timeout=60000)

    def _hear(self, message) -> None:
        # Chromium remarks that reading pixels for a screenshot is slow.
        if message.type == "error":
            self.errors.append(message.text)

    def settled(self) -> "Opened":
        """Wait until the camera rests and the picture is drawn."""
        # Asked again and again from here: the page's policy forbids Playwright's own way to wait.
        for _ in range(400):
            if self.page.evaluate("!glassbotan.stage.moving && !glassbotan.stage.pending"):
                return self
            self.page.wait_for_timeout(25)
        pytest.fail("the picture never comes to rest")

    def pixels(self, panel: str) -> np.ndarray:
        """Return what a panel's middle shows, red, green, blue from 0 to 255."""
        self.settled()
        box = self.page.locator(f"#{panel}").bounding_box()
        # Without heading, colour bar and the outline of what has the focus.
        clip = {"x": box["x"] + 4, "width": box["width"] - 8}
        clip |= {"y": box["y"] + 40, "height": box["height"] - 110}
        return read_png(self.page.screenshot(clip=clip))

    def slide(self, selector: str, value: int) -> None:
        """Move a slider as a hand does."""
        self.page.locator(selector).evaluate(
            "(slider, value) => { slider.value = value;"
            " slider.dispatchEvent(new Event('input', {bubbles: true})); }",
            value,
        )

    def count(self, panel: str) -> int:
        return int(self.page.locator(f"#{panel}").get_attribute("data-shown"))

    def eye(self) -> np.ndarray:
        return np.array(self.page.evaluate("glassbotan.stage.eye.perspective.position.toArray()"))

    def place(self, panel: str, point: np.ndarray, box: np.ndarray) -> tuple[float, float]:
        """Return where a point of the glass lies on the page."""
        view, projection = (
            np.array(self.page.evaluate(f"glassbotan.stage.eye.camera.{name}.toArray()"))
            .reshape(4, 4)
            .T
            for name in ("matrixWorldInverse", "projectionMatrix")
        )
        x, y, _, w = projection @ view @ np.append(point - 0.5 * box, 1.0)
        frame = self.page.locator(f"#{panel}").bounding_box()
        return (
            frame["x"] + 0.5 * (1 + x / w) * frame["width"],
            frame["y"] + 0.5 * (1 - y / w) * frame["height"],
        )


def read_png(content: bytes) -> np.ndarray:
    from io import BytesIO

    return (255 * matplotlib.image.imread(BytesIO(content), format="png")[..., :3]).round()


def numbers(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


@pytest.fixture
def show(browser, tmp_path) -> Iterator:
    """Open a comparison's page; afterwards nothing must have gone wrong on it."""
    opened: list[Opened] = []
    contexts = []

    def open_page(comparison: Comparison, *, viewport=DESKTOP, **context) -> Opened:
        path = tmp_path / "view.html"
        path.write_text(view_page(comparison, descriptors=False), encoding="utf-8")
        contexts.append(browser.new_context(viewport=viewport, **context))
        opened.append(Opened(contexts[-1], path))
        return opened[-1]

    yield open_page
    for view in opened:
        assert view.errors == []
        assert [url for url in view.requests if not url.startswith(("file:", "blob:"))] == []
    for context in contexts:
        context.close()


def test_it_loads_and_draws_both_panels(show, shown):
    view = show(shown)
    assert view.count("left") == view.count("right") == 216
    # The last time that simulation and model know.
    assert view.page.inner_text("#timeline output") == "t = 10"
    for panel in ("left", "right"):
        assert len(np.unique(view.pixels(panel).reshape(-1, 3), axis=0)) > 100
    assert view.page.title() == "snapshot"


def test_the_slider_changes_colours(show, shown):
    view = show(shown)
    view.slide("#timeline input", 0)
    first = view.pixels("left")
    view.slide("#timeline input", 2)
    assert np.mean(np.any(first != view.pixels("left"), axis=-1)) > 0.05
    view.slide("#timeline input", 0)
    np.testing.assert_array_equal(first, view.pixels("left"))


def test_a_time_that_a_motion_lacks_is_said(show, shown):
    view = show(shown)
    view.slide("#timeline input", 2)
    assert "not known at t = 100" in view.page.inner_text("#right .note")
    colourful = np.ptp(view.pixels("right"), axis=-1) > 20
    assert not colourful.any()
    view.slide("#timeline input", 1)
    assert (np.ptp(view.pixels("right"), axis=-1) > 20).any()


def test_the_fastest_are_the_reddest(show, sparse):
    view = show(sparse).settled()
    view.slide("#timeline input", 0)
    snapshot = sparse.snapshot
    values = sparse.measured.propensity[0]
    picture = read_png(view.settled().page.screenshot())
    redness = []
    for particle in np.argsort(values):
        x, y = view.place("left", snapshot.positions[particle], snapshot.box)
        r, g, _ = picture[round(y), round(x)]
        redness.append(r / max(g, 1))
    assert redness[-1] > redness[0] + 1
    assert np.all(np.diff(redness) > -0.2)


def test_the_saved_picture_is_what_is_shown(show, shown, tmp_path):
    view = show(shown)
    view.slide("#timeline input", 1)
    with view.page.expect_download() as download:
        view.page.click("#save")
    assert download.value.suggested_filename == "snapshot.png"
    download.value.save_as(tmp_path / "saved.png")
    saved = (255 * matplotlib.image.imread(tmp_path / "saved.png")[..., :3]).round()
    box = view.page.locator("#stage").bounding_box()
    assert saved.shape[:2] == pytest.approx((2 * box["height"], 2 * box["width"]), abs=1)
    left, right = np.array_split(saved, 2, axis=1)
    for half in (left, right):
        colourful = np.ptp(half[80:-160], axis=-1) > 20
        assert colourful.mean() > 0.05
        assert np.any(np.ptp(half[-120:], axis=-1) > 60)  # the colour bar
    # Its pixels are those of the page, but for the finer edges.
    page = view.pixels("left").mean(axis=(0, 1))
    height, width = saved.shape[:2]
    middle = saved[80 : height - 140, : width // 2].mean(axis=(0, 1))
    np.testing.assert_allclose(middle, page, atol=6)


@pytest.mark.parametrize(("which", "sign"), [("highest", 1), ("lowest", -1)])
def test_the_threshold_leaves_the_extremes(show, shown, which, sign):
    view = show(shown)
    view.slide("#timeline input", 0)
    view.page.select_option("#which", which)
    view.slide("#percent", 4)  # 10 %
    assert "10 %" in view.page.inner_text("#percent-told")
    left = np.array(view.page.evaluate("[...glassbotan.stage.panels[0].shown]"))
    expected = np.argsort(-sign * shown.measured.propensity[0])[:22]
    assert set(left) == set(expected)
    assert view.count("left") == 22
    view.page.select_option("#threshold-by", "0")
    right = np.array(view.page.evaluate("[...glassbotan.stage.panels[1].shown]"))
    assert set(right) == set(expected)
    before = view.pixels("left")
    view.page.click("#clear")
    assert view.count("left") == 216
    blank = view.pixels("left")[0, 0]
    covered = [np.any(p != blank, axis=-1).mean() for p in (before, view.pixels("left"))]
    assert covered[0] < 0.6 * covered[1]


def test_errors_are_symmetric_about_zero_and_kept_by_magnitude(show, shown):
    view = show(shown)
    view.slide("#timeline input", 0)
    view.page.select_option("#left select", label="error, model − simulation")
    label = view.page.get_attribute("#left .legend", "aria-label")
    low, high = label.split("from ")[1].split(" to ")
    assert low == "−" + high
    view.page.select_option("#which", "largest")
    view.slide("#percent", 4)
    error = shown.predictions[0].propensity[0] - shown.measured.propensity[0]
    left = view.page.evaluate("[...glassbotan.stage.panels[0].shown]")
    assert set(left) == set(np.argsort(-np.abs(error))[:22])


def test_species_and_slices_hide(show, shown):
    view = show(shown)
    snapshot = shown.snapshot
    view.page.uncheck("#species-1")
    assert view.count("left") == view.count("right") == np.sum(snapshot.species == 0)
    view.page.check("#species-1")
    view.slide("#slice-y-lowest", 250)
    view.slide("#slice-y-highest", 500)
    y = snapshot.positions[:, 1]
    assert view.count("right") == np.sum((y >= 1.5) & (y <= 3.0))
    assert "of 216 particles" in view.page.inner_text("#left .note")
    # One thumb pushes the other.
    view.slide("#slice-y-lowest", 800)
    assert view.page.input_value("#slice-y-highest") == "800"
    view.page.click("#clear")
    assert view.count("left") == 216


def test_a_drag_in_either_panel_turns_both(show, shown):
    view = show(shown)
    for panel in ("left", "right"):
        before = {p: view.pixels(p) for p in ("left", "right")}
        eye = view.eye()
        box = view.page.locator(f"#{panel}").bounding_box()
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        view.page.mouse.move(x, y)
        view.page.mouse.down()
        view.page.mouse.move(x + 80, y + 20, steps=4)
        view.page.mouse.up()
        view.page.mouse.move(2, 2)
        assert np.linalg.norm(view.eye() - eye) > 1
        assert np.linalg.norm(view.eye()) == pytest.approx(np.linalg.norm(eye))
        for p, old in before.items():
            assert np.any(old != view.pixels(p), axis=-1).mean() > 0.05


@pytest.mark.parametrize("projection", ["perspective", "parallel"])
def test_hovering_shows_the_particles_numbers(show, sparse, projection):
    view = show(sparse).settled()
    if projection == "parallel":
        view.page.keyboard.press("o")
        view.settled()
    view.slide("#timeline input", 1)
    snapshot = sparse.snapshot
    for particle in (0, 3, 6):
        for panel in ("left", "right"):
            x, y = view.place(panel, snapshot.positions[particle], snapshot.box)
            view.page.mouse.move(x, y)
            told = dict(zip(*[iter(numbers(view.page.inner_text("#tip")))] * 2, strict=True))
            assert told["particle"] == str(particle)
            assert told["species"] == "AB"[particle % 2]
            position = [float(n) for n in told["position"].split(", ")]
            np.testing.assert_allclose(position, snapshot.positions[particle], rtol=1e-3)
            for name, motion in sparse.motions():
                number = float(told[f"propensity, {name}"].removesuffix(" σ"))
                assert number == pytest.approx(motion.propensity[1, particle], rel=1e-3)
    view.page.mouse.move(2, 2)
    assert view.page.is_hidden("#tip")


def test_a_particle_is_found_by_the_files_own_number(show, sparse):
    ids = np.array([11, 22, 33, 44, 55, 66, 77, 88])
    numbered = replace(sparse.snapshot, fields={"id": ids})
    view = show(compared(numbered))
    view.page.fill("#particle", "33")
    told = numbers(view.page.inner_text("#numbers"))
    assert told[:4] == ["particle", "33", "species", "A"]
    view.page.fill("#particle", "34")
    assert view.page.get_attribute("#particle", "aria-invalid") == "true"
    assert view.page.is_hidden("#numbers")


def test_the_keyboard_does_it_all(show, shown):
    view = show(shown)
    page = view.page
    page.focus("#canvas")
    page.keyboard.press(".")
    assert page.inner_text("#timeline output") == "t = 100"
    page.keyboard.press(",")
    assert page.inner_text("#timeline output") == "t = 10"
    eye = view.eye()
    page.keyboard.press("ArrowLeft")
    assert np.linalg.norm(view.eye() - eye) > 0.1
    page.keyboard.press("+")
    assert np.linalg.norm(view.eye()) < 0.95 * np.linalg.norm(eye)
    page.keyboard.press("r")
    np.testing.assert_allclose(view.eye(), eye, atol=1e-9)
    page.keyboard.press("1")
    assert page.is_hidden("#right")
    page.keyboard.press("2")
    assert page.is_visible("#right")
    light = view.pixels("left")[0, 0].sum()
    page.keyboard.press("d")
    assert view.pixels("left")[0, 0].sum() < 0.3 * light
    boxed = view.pixels("left")
    page.keyboard.press("b")
    assert np.any(boxed != view.pixels("left"))
    page.keyboard.press("?")
    assert page.is_visible("#help")
    page.keyboard.press("1")  # the help keeps keys for itself
    page.keyboard.press("Escape")
    assert page.is_hidden("#help")
    assert page.is_visible("#right")
    with page.expect_download():
        page.keyboard.press("s")
    # A slider keeps its own keys.
    page.focus("#percent")
    eye = view.eye()
    page.keyboard.press("ArrowLeft")
    assert view.count("left") < 216
    np.testing.assert_array_equal(view.eye(), eye)


def test_every_control_can_be_focused_and_has_a_name(show, shown):
    view = show(shown)
    nameless = view.page.evaluate(
        """() => [...document.querySelectorAll('button, input, select, [tabindex]')]
          .filter(e => !(e.ariaLabel || e.textContent.trim() || e.labels?.[0]?.textContent.trim()))
          .map(e => e.outerHTML)"""
    )
    assert nameless == []
    view.page.focus("#canvas")
    reached = set()
    for _ in range(60):
        view.page.keyboard.press("Tab")
        reached.add(view.page.evaluate("document.activeElement.id"))
    assert {"panels", "save", "slice-x-lowest", "percent", "map", "particle"} <= reached


def test_fingers_turn_and_tap(show, sparse):
    view = show(sparse, viewport=PHONE, has_touch=True, is_mobile=True).settled()
    box = view.page.locator("#left").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    eye = view.eye()
    client = view.page.context.new_cdp_session(view.page)
    point = {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]}
    client.send("Input.dispatchTouchEvent", point)
    for step in range(1, 5):
        points = [{"x": x + 15 * step, "y": y}]
        client.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": points})
    client.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    assert np.linalg.norm(view.eye() - eye) > 0.5
    view.settled()
    snapshot = sparse.snapshot
    view.page.touchscreen.tap(*view.place("right", snapshot.positions[5], snapshot.box))
    assert numbers(view.page.inner_text("#tip"))[:2] == ["particle", "5"]


@pytest.mark.parametrize("width", [320, 390])
def test_a_phone_shows_panels_one_above_the_other_without_overflow(show, shown, width):
    view = show(shown, viewport={"width": width, "height": 780}, is_mobile=True, has_touch=True)
    for _ in range(2):
        assert view.page.evaluate("document.documentElement.scrollWidth") <= width
        edges = view.page.evaluate(
            "[...document.querySelectorAll('header *, #timeline, #timeline output, aside *')]"
            ".map(e => e.getBoundingClientRect().right)"
        )
        assert max(edges) <= width + 0.5
        view.page.click("#controls-button")
    assert view.page.is_hidden("#controls")
    left, right = (view.page.locator(f"#{p}").bounding_box() for p in ("left", "right"))
    assert right["y"] >= left["y"] + left["height"] - 1
    assert left["width"] == pytest.approx(width)


def test_dark_is_the_readers_systems_wish(show, shown):
    view = show(shown, color_scheme="dark")
    assert view.pixels("left")[0, 0].max() < 60


def test_a_plane_is_seen_from_above(show):
    plane = compared(random_snapshot(100, dimension=2, edge=10.0))
    view = show(plane)
    assert view.count("left") == 100
    assert view.page.locator(".range").count() == 2
    snapshot = plane.snapshot
    eye = view.eye()
    assert abs(eye[2]) == pytest.approx(np.linalg.norm(eye))
    x, y = view.place("left", np.append(snapshot.positions[42], 0.0), np.append(snapshot.box, 0.0))
    view.page.mouse.move(x, y)
    told = numbers(view.page.inner_text("#tip"))
    assert told[:2] == ["particle", "42"]
    assert len(told[5].split(",")) == 2


def test_a_browser_that_cannot_draw_says_so(browser, tmp_path, shown):
    path = tmp_path / "view.html"
    path.write_text(view_page(shown), encoding="utf-8")
    context = browser.new_context()
    page = context.new_page()
    page.add_init_script("HTMLCanvasElement.prototype.getContext = () => null")
    page.goto(path.as_uri())
    page.wait_for_selector("#failure")
    assert "cannot be shown" in page.inner_text("#failure")
    context.close()


def test_a_published_glass_and_its_prediction(show, labelled, tmp_path):
    prediction = gb.predict(labelled[0].motion.snapshot, "botan")
    view = show(Comparison(labelled[0].motion.snapshot, labelled[0], (prediction,)))
    ARTEFACTS.mkdir(exist_ok=True)
    view.settled().page.screenshot(path=ARTEFACTS / "view.png")
    assert view.count("left") == 4096
    assert (np.ptp(view.pixels("right"), axis=-1) > 20).mean() > 0.2
