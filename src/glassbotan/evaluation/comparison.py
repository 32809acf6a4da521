"""One snapshot with its measured and predicted motions side by side: what pictures are made of."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from glassbotan import io
from glassbotan.datasets import LabelledSnapshot, load_all_labelled
from glassbotan.dynamics import IsoconfigurationalEnsemble, Motion
from glassbotan.dynamics.motion import listed_times, match_times
from glassbotan.errors import InputError
from glassbotan.io.options import BoxOption
from glassbotan.models.predictor import Predictor, load_predictor, predict
from glassbotan.progress import Progress, silent
from glassbotan.structure import Snapshot
from glassbotan.structure.periodic import FloatArray

SIMULATION = "simulation"
"""Heading of the measured motion."""


@dataclass(frozen=True, eq=False)
class Comparison:
    """A snapshot, its measured motion where it was simulated, and models' predictions of it.

    Attributes
    ----------
    snapshot
        The configuration that all motions are of.
    labels
        Measured motion with noise ceilings; None where the file holds none.
    predictions
        In the order of the models asked for; ``source`` is the model's name.

    """

    snapshot: Snapshot
    labels: LabelledSnapshot | None = None
    predictions: Sequence[Motion] = field(default_factory=tuple)

    @property
    def measured(self) -> Motion | None:
        """The measured motion."""
        return None if self.labels is None else self.labels.motion

    def motions(self) -> Iterator[tuple[str, Motion]]:
        """Yield the measured motion, if there is one, and each prediction, with a heading."""
        if self.measured is not None:
            yield SIMULATION, self.measured
        for motion in self.predictions:
            yield motion.source, motion

    def times(self, wanted: Sequence[float] | None = None) -> FloatArray:
        """Return the times to show, increasing: those wanted, or all that any motion has.

        Where something was measured, "all" are the times that it was measured at.

        Raises
        ------
        InputError
            A wanted time is in none of the motions; names those that are.

        """
        known = _union([motion.times for _, motion in self.motions()])
        if wanted is None:
            return known if self.measured is None else self.measured.times
        matches = match_times(np.asarray(wanted, dtype=float), known)
        if -1 in matches:
            there_are = "; ".join(
                f"{self.snapshot.source if name == SIMULATION else f'model {name}'} has t = "
                + listed_times(motion.times)
                for name, motion in self.motions()
            )
            raise InputError(f"t = {wanted[matches.index(-1)]:g}: not known here; {there_are}")
        return np.unique(known[matches])


def compare(
    data: str | Path | Sequence[str | Path],
    models: Sequence[str | Path | Predictor] = (),
    *,
    box: BoxOption = None,
    species: Mapping[str, int] | None = None,
    frame: int = -1,
    progress: Progress = silent,
) -> Comparison:
    """Read a file, with its measured motion if it holds one, and predict it by each model.

    Parameters
    ----------
    data
        A file of any format that ``io.read`` or ``datasets.load_labelled`` knows, or a stored
        prediction, which then stands before those made here. Or several files, with measured
        motion of one snapshot at different times.
    models
        Bundled names, files, folders or loaded predictors.
    box
        Edge lengths, for files without.
    species, frame
        As in ``io.read``; they do not apply to files with measured motion.
    progress
        Told the predictions done and their total.

    Raises
    ------
    InputError
        A file cannot be read, several are not of one snapshot, or a model cannot predict it.

    """
    files = [Path(data)] if isinstance(data, str | Path) else [Path(path) for path in data]
    path = files[0]
    predictors = [
        load_predictor(model) if isinstance(model, str | Path) else model for model in models
    ]
    labels, predictions = None, []
    origin = io.read_provenance(path).get("model") if len(files) == 1 else None
    if origin is not None:
        stored = io.read_motion(path, box=box)
        predictions.append(replace(stored, source=str(origin)))
        snapshot = stored.snapshot
    elif len(files) > 1 or io.holds(path, IsoconfigurationalEnsemble) or io.holds(path, Motion):
        labels = _one_snapshot(load_all_labelled(files, box=box, any_cutoff=True))
        snapshot = labels.motion.snapshot
    else:
        snapshot = io.read(path, box=box, species=species, frame=frame)
    for k, predictor in enumerate(predictors):
        predictions.append(predict(snapshot, predictor))
        progress(k + 1, len(predictors), "predicting", unit="models")
    return Comparison(snapshot, labels, predictions)


def _one_snapshot(found: Sequence[LabelledSnapshot]) -> LabelledSnapshot:
    if len(found) > 1:
        raise InputError(
            f"{found[1].motion.source}: is another snapshot than {found[0].motion.source}; "
            "give one file, or files of one snapshot at different times"
        )
    return found[0]


def time_index(motion: Motion, time: float) -> int | None:
    """Return the index of a time (to 3 %) in a motion, or None."""
    match = match_times(np.array([time]), motion.times)[0]
    return None if match < 0 else match


def _union(times: Sequence[FloatArray]) -> FloatArray:
    """Return all times, those that differ by less than 3 % once."""
    known: list[float] = []
    for time in np.sort(np.concatenate([*times, np.empty(0)])):
        if not known or match_times(np.array([time]), np.array(known[-1:]))[0] < 0:
            known.append(float(time))
    return np.array(known)
