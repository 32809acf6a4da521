"""How a report came about: commands, versions, source files."""

import platform
import shlex
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from glassbotan.figures.report.content import Report
from glassbotan.figures.report.subject import RECIPE
from glassbotan.models.card import CARD
from glassbotan.models.registry import locate

PACKAGES = ["torch", "lightning", "numpy", "scipy", "scikit-learn", "freud-analysis", "matplotlib"]


def source_files(sources: Sequence[str | Path]) -> list[Path]:
    """Return the files that stand for the sources among the report's inputs."""
    found: list[Path] = []
    for source in sources:
        path = Path(source) if Path(source).exists() else locate(source)
        inside = [path / RECIPE, path / CARD, path / "model" / CARD]
        found += [path] if path.is_file() else [file for file in inside if file.is_file()]
    return found


def versions() -> dict[str, str]:
    """Return the versions of Python and of the libraries that decide the numbers."""
    found = {"Python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:  # a library that is installed without its metadata
            continue
    return found | {"system": platform.platform(terse=True), "machine": platform.machine()}


def commands(report: Report) -> dict[str, str]:
    """Return each command once, under the names of all that it made."""
    made: dict[str, list[str]] = {}
    for model in report.models:
        if model.card is not None and model.card.provenance.get("command"):
            made.setdefault(str(model.card.provenance["command"]), []).append(f"model {model.name}")
    if not made and report.history is not None:
        made[shlex.join(["glassbotan", "train", RECIPE])] = [f"model {report.title}"]
    for scores in report.results:
        if scores.provenance.get("command"):
            command = str(scores.provenance["command"])
            made.setdefault(command, []).append(f"scores of {scores.model}")
    made.setdefault(str(report.provenance["command"]), []).append("this report")
    return {", ".join(names): command for command, names in made.items()}
