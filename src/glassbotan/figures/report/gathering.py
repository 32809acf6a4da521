"""From results or a run, models and data to all that a report says."""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from pydantic import ValidationError

from glassbotan.datasets.public import resolve_all
from glassbotan.errors import InputError
from glassbotan.evaluation.comparison import compare
from glassbotan.evaluation.protocol import evaluate
from glassbotan.evaluation.scores import Row, Scores
from glassbotan.figures.report.content import Model, Report
from glassbotan.figures.report.inputs import (
    DataFile,
    files_here,
    files_of_cards,
    merged,
    recorded_inputs,
    scored_files,
)
from glassbotan.figures.report.pictures import (
    Picture,
    bonds_picture,
    curve_picture,
    draw,
    map_picture,
    rearrangement_picture,
    training_picture,
)
from glassbotan.figures.report.records import commands, source_files, versions
from glassbotan.figures.report.subject import Subject, read_subject
from glassbotan.figures.report.verdict import progress_verdict, same_data, verdict
from glassbotan.models.card import Card
from glassbotan.models.predictor import OutOfDomainWarning
from glassbotan.models.registry import bundled_names, card_of
from glassbotan.progress import Progress, silent
from glassbotan.provenance import provenance

PICTURES = 5
"""At most, for the count of steps."""


def gather(
    sources: Sequence[str | Path],
    *,
    data: Sequence[str | Path] = (),
    models: Sequence[str | Path] = (),
    box: Sequence[float] | None = None,
    progress: Progress = silent,
) -> Report:
    """Collect a report on result files, or on a run or model, which is scored here.

    Parameters
    ----------
    sources
        Result files of ``glassbotan evaluate --json``; or one folder of a training run, one model
        folder or one bundled name.
    data
        Files, folders, globs or parts of data sets, instead of those that were scored or that
        the recipe validates on.
    models
        To compare with: scored on the same data, and in the pictures. One that the result files
        have scored already is only looked up there.
    box
        Edge lengths, for files without.
    progress
        Called with the steps (predictions and pictures) done, their total, and what is done now.

    Returns
    -------
    Report
        A run that is unfinished, data that are missing or have changed, and figures that cannot
        be drawn are told in its ``notes``.

    Raises
    ------
    InputError
        The sources are none of these, a result file is of another version, a run has not
        completed an epoch, or given data or models are not found.

    """
    subject = read_subject(sources)
    given = resolve_all(data)
    cards = {str(model): card_of(model) for model in models}
    steps = _Steps(progress)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", OutOfDomainWarning)
        if isinstance(subject, Subject):
            report = _on_model(subject, given, cards, box or subject.box, steps)
        else:
            report = _on_results(subject, given, cards, box, steps)
    unusual = [str(w.message) for w in caught if issubclass(w.category, OutOfDomainWarning)]
    report.notes += dict.fromkeys(unusual)
    for other in caught:
        if not issubclass(other.category, OutOfDomainWarning):
            warnings.warn_explicit(other.message, other.category, other.filename, other.lineno)
    report.comparable = same_data(report.results)
    if not report.comparable:
        report.notes.append("Not all models were scored on the same files; compare with care.")
    seed = _seed(subject) if isinstance(subject, Subject) else None
    report.provenance = provenance(source_files(sources), seed=seed)
    report.versions = versions()
    report.commands = commands(report)
    report.recipes |= {
        model.name: _yaml(model.card.recipe)
        for model in report.models
        if model.card is not None and model.card.recipe and model.name not in report.recipes
    }
    steps.finish()
    return report


class _Steps:
    """Counts predictions and pictures as one row of steps."""

    def __init__(self, progress: Progress) -> None:
        self.progress, self.done, self.total, self.doing = progress, 0, PICTURES, "reading"

    def begin(self, doing: str, count: int = 0) -> None:
        """Say what is done now, and how many steps it adds."""
        self.doing = doing
        self.total += count
        self._say()

    def step(self, *_: object, **__: object) -> None:
        """Count one; arguments are those of a progress function, which has a count of its own."""
        self.done = min(self.done + 1, self.total)
        self._say()

    def finish(self) -> None:
        """Count what was not needed as done."""
        self.done = self.total
        self._say()

    def _say(self) -> None:
        self.progress(self.done, self.total, self.doing, unit="steps")


def _on_model(
    subject: Subject,
    given: Sequence[Path],
    others: dict[str, Card],
    box: Sequence[float] | None,
    steps: _Steps,
) -> Report:
    report = Report(subject.name, history=subject.history)
    report.recipes[subject.name] = _yaml(subject.recipe)
    files = list(given) or _validation_files(subject, report.notes)
    if subject.model is None:
        report.models = [Model(subject.name)]
        report.verdict = progress_verdict(subject)
        report.notes.append("There is no model to score yet; go on with glassbotan train --resume.")
        if others:
            report.notes.append(f"Not compared with {', '.join(c.name for c in others.values())}.")
        report.files = _files_of_recipe(subject)
    else:
        report.models = [Model(subject.name, subject.card, subject.model)]
        report.models += [Model(card.name, card, place) for place, card in others.items()]
        if files:
            report.results = _score(report.models, files, box, steps)
            report.notes += _left_out(report)
            report.verdict = verdict(report.results)
        else:
            _scores_of_card(report, subject)
        report.title = ", ".join(model.name for model in report.models)
    inputs = files_of_cards([m.card for m in report.models if m.card is not None])
    scored = files_here(files, "scored") if report.results and files else []
    report.files = merged([*scored, *report.files, *inputs])
    _check_unchanged(report, scored, subject)
    _draw(report, files if subject.model is not None else [], box, steps)
    return report


def _on_results(
    results: list[Scores],
    given: Sequence[Path],
    others: dict[str, Card],
    box: Sequence[float] | None,
    steps: _Steps,
) -> Report:
    report = Report("", results=list(results))
    scored = scored_files(results)
    report.notes += [f"{file.name}: {file.problem}." for file in scored if file.problem]
    files = list(given) or [file.path for file in scored if file.path is not None]
    report.models = [_find(scores, others, report.notes) for scores in results]
    known = {_original_name(scores) for scores in results}
    more = [
        Model(card.name, card, place) for place, card in others.items() if card.name not in known
    ]
    if more and files:
        report.results += _score(more, files, box, steps)
        report.models += more
        report.notes += _left_out(report)
    elif more:
        names = ", ".join(model.name for model in more)
        report.notes.append(f"Not compared with {names}: no data to score it on.")
    if not files:
        report.notes.append(
            "Pictures of the glass are left out, for they need the data; name them with --data."
        )
    report.title = ", ".join(scores.model for scores in report.results)
    report.verdict = verdict(report.results)
    here = files_here(given, "pictures of this report")
    inputs = files_of_cards([m.card for m in report.models if m.card is not None])
    report.files = merged([*scored, *here, *inputs])
    if given and not {f.sha256 for f in here} <= {f.sha256 for f in scored}:
        report.notes.append("The pictures are of data other than those that were scored.")
    _draw(report, files, box, steps)
    return report


def _draw(
    report: Report, files: Sequence[Path], box: Sequence[float] | None, steps: _Steps
) -> None:
    """Draw what there is to draw; pictures of a glass are of the first file alone."""
    makers: list[Callable[[], Picture | None]] = []
    if files:
        # A model that several result files scored is drawn once.
        drawn = {str(m.place): m for m in reversed(report.models) if m.place is not None}
        shown = [m for m in report.models if m in drawn.values()]
        steps.begin("predicting", len(shown))
        comparison = compare(
            files[0],
            [m.place for m in shown if m.place is not None],
            box=None if box is None else list(box),
            progress=steps.step,
        )
        motions = zip(comparison.predictions, shown, strict=True)
        comparison = replace(
            comparison, predictions=[replace(m, source=model.name) for m, model in motions]
        )
        makers.append(lambda: map_picture(comparison))
    if report.results:
        makers.append(lambda: curve_picture(report.results))
    if files:
        makers.append(lambda: bonds_picture(comparison))
        makers.append(lambda: rearrangement_picture(files[0], box))
    history = report.history
    if history is not None and history.epochs:
        makers.append(lambda: training_picture(history))
    steps.begin("drawing")
    for make in makers:
        report.pictures += draw(make, report.notes)
        steps.step()


def _score(
    models: Sequence[Model], files: Sequence[Path], box: Sequence[float] | None, steps: _Steps
) -> list[Scores]:
    places = [model.place for model in models if model.place is not None]
    steps.begin("scoring", len(places) * len(files))
    edges = None if box is None else np.array(box, dtype=float)
    return evaluate(files, places, box=edges, progress=steps.step)


def _left_out(report: Report) -> list[str]:
    """Name the models that share no time with the data."""
    scored = {scores.model for scores in report.results}
    return [
        f"Model {model.name} predicts none of the times of the data and has no scores."
        for model in report.models
        if model.name not in scored
    ]


def _validation_files(subject: Subject, notes: list[str]) -> list[Path]:
    if not subject.validation:
        notes.append("The recipe names no validation data; name data to score on with --data.")
        return []
    try:
        return resolve_all(subject.validation)
    except InputError as error:
        notes.append(f"The recipe's validation data are not here ({error}); name them with --data.")
        return []


def _scores_of_card(report: Report, subject: Subject) -> None:
    """Take the scores that the model's card has, where there are any."""
    assert subject.card is not None
    stored = subject.card.scores
    try:
        particles, bonds = (
            [Row(**row, pearson=[]) for row in stored.get(part, [])]
            for part in ("particles", "bonds")
        )
    except (TypeError, ValidationError):  # the card of another version
        particles, bonds = [], []
    if particles or bonds:
        report.results = [Scores(model=subject.name, particles=particles, bonds=bonds)]
        report.verdict = verdict(report.results)
        report.notes.append("The scores are those of the model's card.")
        return
    figures = [f"{name} = {value:.4g}" for name, value in stored.items() if _is_number(value)]
    if figures:
        report.verdict = f"The chosen checkpoint has {', '.join(figures)} by its card."


def _find(scores: Scores, others: dict[str, Card], notes: list[str]) -> Model:
    """Return the scored model, among those given or bundled."""
    name = _original_name(scores)
    for place, card in others.items():
        if card.name == name:
            return Model(scores.model, card, place)
    if name in bundled_names():
        return Model(scores.model, card_of(name), name)
    notes.append(
        f"Model {name} is not a bundled one, so that its recipe and its pictures are left out; "
        "name its folder with --model."
    )
    return Model(scores.model)


def _original_name(scores: Scores) -> str:
    """Return the model's own name, without what tells result files apart."""
    return str(scores.provenance.get("model", scores.model))


def _files_of_recipe(subject: Subject) -> list[DataFile]:
    section, files = subject.recipe["data"], []
    for part, role in (("train", "training"), ("validation", "validation")):
        try:
            files += files_here(resolve_all(section[part]), role, subject.name)
        except InputError:  # said already, of the validation data
            continue
    return files


def _check_unchanged(report: Report, scored: Sequence[DataFile], subject: Subject) -> None:
    """Say so where a validation file is not the one that chose the checkpoint."""
    recorded = dict(recorded_inputs(subject.card.provenance)) if subject.card is not None else {}
    changed = [f.name for f in scored if recorded.get(f.name, f.sha256) != f.sha256]
    if changed:
        report.notes.append(
            f"Changed since the training: {', '.join(changed)} (another SHA-256 of the same name)."
        )


def _seed(subject: Subject) -> int | None:
    seed = subject.recipe.get("seed")
    return seed if isinstance(seed, int) else None


def _yaml(recipe: dict[str, Any]) -> str:
    return yaml.safe_dump(recipe, sort_keys=False, allow_unicode=True, width=88)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
