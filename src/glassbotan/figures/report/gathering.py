"""From results or a run, models and data to all that a report says."""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from glassbotan.datasets.public import resolve_all
from glassbotan.errors import InputError
from glassbotan.evaluation.comparison import Comparison, compare
from glassbotan.evaluation.protocol import evaluate
from glassbotan.evaluation.scores import Row, Scores, rows_by_quantity
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
    map_picture,
    rearrangement_picture,
    training_picture,
)
from glassbotan.figures.report.records import commands, source_files, versions
from glassbotan.figures.report.subject import Subject, read_subject
from glassbotan.figures.report.verdict import progress_verdict, same_data, verdict
from glassbotan.models.predictor import OutOfDomainWarning
from glassbotan.models.registry import bundled_names, card_of
from glassbotan.progress import Progress, silent
from glassbotan.provenance import provenance

Box = Sequence[float] | None


def gather(
    sources: Sequence[str | Path],
    *,
    data: Sequence[str | Path] = (),
    models: Sequence[str | Path] = (),
    box: Box = None,
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
        Told the predictions, then the pictures done, and their totals.

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
    others = [Model(card.name, card, place) for place, card in cards.items()]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", OutOfDomainWarning)
        if isinstance(subject, Subject):
            box = box or subject.box
            report, files = _on_model(subject, given, others, box, progress)
        else:
            report, files = _on_results(subject, given, others, box, progress)
        _draw(report, files, box, progress)
    for warning in caught:
        if not issubclass(warning.category, OutOfDomainWarning):
            warnings.warn_explicit(
                warning.message, warning.category, warning.filename, warning.lineno
            )
        elif str(warning.message) not in report.notes:
            report.notes.append(str(warning.message))
    report.title = ", ".join(model.name for model in report.models)
    report.verdict = report.verdict or verdict(report.results)
    report.comparable = same_data(report.results)
    if not report.comparable:
        report.notes.append("Not all models were scored on the same files; compare with care.")
    inputs = files_of_cards(model.card for model in report.models if model.card is not None)
    report.files = merged([*report.files, *inputs])
    seed = subject.recipe.get("seed") if isinstance(subject, Subject) else None
    report.provenance = provenance(source_files(sources), seed=seed)
    report.versions = versions()
    report.commands = commands(report)
    for model in report.models:
        if model.card is not None and model.card.recipe:
            report.recipes.setdefault(model.name, _yaml(model.card.recipe))
    return report


def _on_model(
    subject: Subject, given: Sequence[Path], others: Sequence[Model], box: Box, progress: Progress
) -> tuple[Report, Sequence[Path]]:
    """Return the report and the files that its pictures are of."""
    model = Model(subject.name, subject.card, subject.model)
    report = Report([model], history=subject.history)
    report.recipes[subject.name] = _yaml(subject.recipe)
    files = given or _validation_files(subject, report.notes)
    if subject.model is None:
        report.verdict = progress_verdict(subject)
        report.notes.append("There is no model to score yet; go on with glassbotan train --resume.")
        if others:
            report.notes.append(f"Not compared with {', '.join(m.name for m in others)}.")
        report.files = _files_of_recipe(subject)
        return report, []
    report.models += others
    if not files:
        _scores_of_card(report, subject)
        return report, []
    _score(report, report.models, files, box, progress)
    report.files = files_here(files, "scored")
    recorded = dict(recorded_inputs(subject.card.provenance)) if subject.card is not None else {}
    changed = [f.name for f in report.files if recorded.get(f.name, f.sha256) != f.sha256]
    if changed:
        report.notes.append(
            f"Changed since the training: {', '.join(changed)} (another SHA-256 of the same name)."
        )
    return report, files


def _on_results(
    results: list[Scores],
    given: Sequence[Path],
    others: Sequence[Model],
    box: Box,
    progress: Progress,
) -> tuple[Report, Sequence[Path]]:
    """Return the report and the files that its pictures are of."""
    report = Report([], results=list(results))
    scored = scored_files(results)
    report.notes += [f"{file.name}: {file.problem}." for file in scored if file.problem]
    files = given or [file.path for file in scored if file.path is not None]
    report.models += [_find(scores, others, report.notes) for scores in results]
    known = {_original_name(scores) for scores in results}
    more = [model for model in others if model.name not in known]
    if more and files:
        report.models += more
        _score(report, more, files, box, progress)
    elif more:
        names = ", ".join(model.name for model in more)
        report.notes.append(f"Not compared with {names}: no data to score it on.")
    if not files:
        report.notes.append(
            "Pictures of the glass are left out, for they need the data; name them with --data."
        )
    here = files_here(given, "pictures of this report")
    report.files = [*scored, *here]
    if given and not {f.sha256 for f in here} <= {f.sha256 for f in scored}:
        report.notes.append("The pictures are of data other than those that were scored.")
    return report, files


def _draw(report: Report, files: Sequence[Path], box: Box, progress: Progress) -> None:
    """Draw what there is to draw; pictures of a glass are of the first file alone."""
    makers: list[Callable[[], Picture | None]] = []
    if report.results:
        makers.append(partial(curve_picture, report.results))
    if files:
        comparison = _comparison(report.models, files[0], box, progress)
        makers.insert(0, partial(map_picture, comparison))
        makers.append(partial(bonds_picture, comparison))
        makers.append(partial(rearrangement_picture, files[0], box))
    if report.history is not None and report.history.epochs:
        makers.append(partial(training_picture, report.history))
    for done, make in enumerate(makers):
        progress(done, len(makers), "drawing", unit="pictures")
        try:
            picture = make()
        except InputError as error:
            report.notes.append(f"One figure is left out: {error}")
        else:
            report.pictures += [picture] if picture is not None else []
    progress(len(makers), len(makers), "drawing", unit="pictures")


def _comparison(models: Sequence[Model], file: Path, box: Box, progress: Progress) -> Comparison:
    """Return what is measured, and the predictions under the models' names in the report."""
    # A model that several result files scored is drawn once, under its first name.
    shown = {str(m.place): m for m in reversed(models) if m.place is not None}
    placed = [m for m in models if m in shown.values()]
    places = [m.place for m in placed if m.place is not None]
    found = compare(file, places, box=box, progress=progress)
    named = zip(found.predictions, placed, strict=True)
    return replace(found, predictions=[replace(m, source=model.name) for m, model in named])


def _score(
    report: Report, models: Sequence[Model], files: Sequence[Path], box: Box, progress: Progress
) -> None:
    """Add the scores of models, and name those that share no time with the data."""
    places = [model.place for model in models if model.place is not None]
    report.results += evaluate(files, places, box=box, progress=progress)
    scored = {scores.model for scores in report.results}
    report.notes += [
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
        found = {
            name: [Row(**row, pearson=[]) for row in rows]
            for name, rows in rows_by_quantity(stored).items()
        }
        results = [Scores(model=subject.name, quantities=found)]
    except (TypeError, ValidationError):  # the card of another version
        found, results = {}, []
    if found:
        report.results = results
        report.notes.append("The scores are those of the model's card.")
        return
    figures = [f"{name} = {x:.4g}" for name, x in stored.items() if isinstance(x, float)]
    if figures:
        report.verdict = f"The chosen checkpoint has {', '.join(figures)} by its card."


def _find(scores: Scores, others: Sequence[Model], notes: list[str]) -> Model:
    """Return the scored model, among those given or bundled."""
    name = _original_name(scores)
    for other in others:
        if other.name == name:
            return replace(other, name=scores.model)
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
            files += files_here(resolve_all(section[part]), f"{role} of {subject.name}")
        except InputError:  # said already, of the validation data
            continue
    return files


def _yaml(recipe: dict[str, Any]) -> str:
    return yaml.safe_dump(recipe, sort_keys=False, allow_unicode=True, width=88)
