"""Score models on labelled snapshots."""

import logging
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter

import numpy as np

from glassbotan.datasets import load_all_labelled
from glassbotan.datasets.public import resolve_all
from glassbotan.dynamics import Motion
from glassbotan.dynamics.motion import listed_times, match_times
from glassbotan.errors import InputError
from glassbotan.evaluation.circumstances import common_temperature, known_system, timings
from glassbotan.evaluation.scores import Scores, score
from glassbotan.io.options import BoxOption
from glassbotan.models import DEFAULT_MODEL
from glassbotan.models.card import Card
from glassbotan.models.predictor import load_predictor, predict
from glassbotan.progress import Progress, silent
from glassbotan.provenance import provenance

LOGGER = logging.getLogger("glassbotan")


def evaluate(
    data: Sequence[str | Path],
    models: Sequence[str | Path] = (DEFAULT_MODEL,),
    *,
    box: BoxOption = None,
    progress: Progress = silent,
) -> list[Scores]:
    """Return each model's scores on all snapshots.

    Parameters
    ----------
    data
        Files with trajectories or measured propensities, folders, globs, or parts of public data
        sets such as ``botan-small/validation``. Files of one snapshot at different times are
        scored as one.
    models
        Bundled names, files or folders.
    box
        Edge lengths, or one for all, for files that lack them.
    progress
        Told the predictions done and their total.

    Raises
    ------
    InputError
        No snapshot, a file without labels, or no time that labels and model share.

    """
    files = resolve_all(data)
    predictors = [load_predictor(model) for model in models]
    measured = load_all_labelled(files, box=box, any_cutoff=True)
    results, strangers = [], []
    for k, predictor in enumerate(predictors):
        predictions, seconds = [], []
        for n, labels in enumerate(measured):
            start = perf_counter()
            predictions.append(predict(labels.motion.snapshot, predictor))
            seconds.append(perf_counter() - start)
            done, total = k * len(measured) + n + 1, len(predictors) * len(measured)
            progress(done, total, "predicting", unit="snapshots")
        scores = score(predictor.card.name, measured, predictions)
        if not scores.quantities:
            strangers.append(_nothing_in_common(predictor.card, measured[0].motion))
            continue
        snapshots = [labels.motion.snapshot for labels in measured]
        facts = {
            "system": known_system(snapshots),
            "temperature": common_temperature(snapshots),
            "data": [str(path) for path in files],
            "snapshots": [snapshot.motion.source for snapshot in measured],
            "timings": timings(predictor, snapshots, seconds),
            "provenance": provenance(files, model=predictor.card.name),
        }
        results.append(scores.model_copy(update=facts))
    if not results:
        raise InputError("; ".join(strangers))
    for stranger in strangers:
        LOGGER.warning("warning: left out: %s", stranger)
    return results


def _nothing_in_common(card: Card, measured: Motion) -> str:
    model = f"model {card.name!r}"
    if max(match_times(measured.times, np.array(card.times))) >= 0:
        return f"{model} predicts nothing that was measured: no particles or bonds in common"
    return (
        f"{model} predicts t = {listed_times(card.times)}, "
        f"the data have t = {listed_times(measured.times)}: no time in common"
    )
