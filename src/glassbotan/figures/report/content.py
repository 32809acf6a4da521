"""What a report says."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from glassbotan.evaluation.scores import Scores
from glassbotan.figures.report.history import History
from glassbotan.figures.report.inputs import DataFile
from glassbotan.figures.report.pictures import Picture
from glassbotan.models.card import Card


@dataclass(frozen=True)
class Model:
    """A model of the report: the name in its tables, its card, and where it is, if known."""

    name: str
    card: Card | None = None
    place: str | Path | None = None


@dataclass
class Report:
    """What the page shows, and what is in it for machines.

    Attributes
    ----------
    models
        With their cards where they are known.
    title, verdict
        The models' names, and their scores in a sentence.
    notes
        What is missing or to be minded, a sentence each.
    results
        Scores, in the order of the tables.
    comparable
        Whether all were scored on the same files.
    recipes
        YAML by model's name.
    pictures
        In the order of the page.
    history
        Of the training run.
    files
        With roles and SHA-256.
    versions
        Of Python and libraries, now.
    commands
        What made the model, the scores and the report.
    provenance
        Of the report.

    """

    models: list[Model]
    title: str = ""
    verdict: str = ""
    notes: list[str] = field(default_factory=list)
    results: list[Scores] = field(default_factory=list)
    comparable: bool = True
    recipes: dict[str, str] = field(default_factory=dict)
    pictures: list[Picture] = field(default_factory=list)
    history: History | None = None
    files: list[DataFile] = field(default_factory=list)
    versions: dict[str, str] = field(default_factory=dict)
    commands: dict[str, str] = field(default_factory=dict)
    provenance: dict[str, Any] = field(default_factory=dict)
