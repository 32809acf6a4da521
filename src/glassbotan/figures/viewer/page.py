"""The page of the interactive view: markup, style, script and data in one text."""

import base64
import hashlib
import html
import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from string import Template

import numpy as np

from glassbotan.dynamics.quantities import PROPENSITY
from glassbotan.evaluation.comparison import Comparison
from glassbotan.figures.scales import DIVERGING, SEQUENTIAL
from glassbotan.figures.viewer.scene import Scene, scene_of
from glassbotan.provenance import package_version
from glassbotan.structure import Snapshot
from glassbotan.structure.snapshot import species_name

COLOUR_MAPS = (SEQUENTIAL, "viridis", "cividis", DIVERGING)
"""Those that the page offers; colour-blind readers can read each."""


def view_page(
    comparison: Comparison,
    *,
    quantity: str = PROPENSITY.name,
    descriptors: bool = False,
    provenance: Mapping[str, object] | None = None,
    title: str | None = None,
) -> str:
    """Return one HTML page that shows a snapshot and its motions in a browser.

    The page needs no network, and forbids itself any.

    Parameters
    ----------
    comparison
        The snapshot, with what was measured and predicted of it.
    quantity
        The name of what motions are shown by, of particles.
    descriptors
        Whether to offer descriptors of the structure as well (see ``readable_descriptors``).
    provenance
        What "About" tells, see ``glassbotan.provenance``.
    title
        Of the page; the name of the snapshot's file by default.

    Raises
    ------
    InputError
        There is no such quantity of particles, or descriptors are asked for and cannot be computed.

    """
    scene = scene_of(comparison, quantity=quantity, descriptors=descriptors)
    name = _writable(Path(comparison.snapshot.source).name)
    heading = _writable(title or name)
    metadata = {
        **scene.metadata,
        "title": heading,
        "source": name,
        "provenance": dict(provenance or {}),
        "colours": {name: _colours(name) for name in COLOUR_MAPS},
    }
    script, style = _asset("viewer.js"), _asset("viewer.css")
    return Template(_asset("page.html")).substitute(
        title=html.escape(heading),
        facts=html.escape(_facts(comparison.snapshot)),
        version=html.escape(package_version()),
        style=style,
        style_hash=_digest(style),
        script=script,
        script_hash=_digest(script),
        scene=_embedded(metadata),
        data=_base64(scene),
    )


def _writable(text: str) -> str:
    """Return a text without the bytes of a file name that are no characters."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _facts(snapshot: Snapshot) -> str:
    parts = [f"{snapshot.n_particles} particles"]
    shares = snapshot.composition.items()
    parts.append(", ".join(f"{100 * share:.3g} % {species_name(s)}" for s, share in shares))
    if snapshot.temperature is not None:
        parts.append(f"T = {snapshot.temperature:g}")
    parts.append("box " + " × ".join(f"{edge:.5g}" for edge in snapshot.box) + " σ")
    return " · ".join(parts)


def _embedded(metadata: Mapping[str, object]) -> str:
    """Return JSON that no text within it can turn into markup."""
    text = json.dumps(metadata, default=str, separators=(",", ":"))
    return text.translate({ord(c): f"\\u{ord(c):04x}" for c in "<>&"})


def _base64(scene: Scene) -> str:
    return base64.b64encode(scene.buffer).decode("ascii")


def _digest(text: str) -> str:
    """Return what a content security policy knows an inline script or style by."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


@cache
def _asset(name: str) -> str:
    return (files(__package__) / name).read_text(encoding="utf-8")


@cache
def _colours(name: str) -> str:
    """Return 256 colours of a Matplotlib colour map as base64 of red, green, blue."""
    from matplotlib import colormaps

    rgb = colormaps[name](np.linspace(0, 1, 256), bytes=True)[:, :3]
    return base64.b64encode(np.ascontiguousarray(rgb).tobytes()).decode("ascii")
