"""What a report is about: result files, or one model with the run that made it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from glassbotan.errors import InputError
from glassbotan.evaluation.files import read_all_scores
from glassbotan.evaluation.scores import Scores
from glassbotan.figures.report.history import History, read_history
from glassbotan.figures.report.inputs import listed
from glassbotan.models.card import CARD, Card
from glassbotan.models.registry import bundled_names, card_of, locate
from glassbotan.training.config import Recipe, StageSection, load_kept_recipe

RECIPE = "recipe.yaml"


@dataclass(frozen=True)
class Subject:
    """One model, finished or still in training.

    Attributes
    ----------
    name
        The model's.
    model
        Its folder, file or bundled name; None while the run is unfinished.
    card
        The model's card.
    recipe
        As the run keeps it, or as the card does; empty where neither does.
    history
        The run's logs; None for a model without its run.
    planned
        Epochs of each stage by the recipe.

    """

    name: str
    model: str | Path | None
    card: Card | None
    recipe: dict[str, Any]
    history: History | None
    planned: Sequence[int] = ()

    @property
    def validation(self) -> list[str]:
        """Files, folders or parts of data sets that the recipe validates on."""
        return [str(name) for name in listed(self._data.get("validation"))]

    @property
    def box(self) -> list[float] | None:
        """The recipe's edge lengths for files that have none."""
        return self._data.get("box")

    @property
    def _data(self) -> dict[str, Any]:
        section = self.recipe.get("data")
        return section if isinstance(section, dict) else {}

    @property
    def monitored(self) -> str:
        """The log's figure that chooses the checkpoint of the last stage that has begun."""
        stages = self.recipe.get("stages") or []
        begun = len(self.history.stages) if self.history is not None else len(stages)
        monitor = str(self.recipe.get("monitor", "loss"))
        if stages:
            stage = StageSection.model_validate(stages[min(max(begun, 1), len(stages)) - 1])
            monitor = stage.judged_by(monitor)
        return f"validation/{monitor}"


def read_subject(sources: Sequence[str | Path]) -> Subject | list[Scores]:
    """Return the run or model that is named, or the scores of all result files.

    Raises
    ------
    InputError
        None of these, several runs or models, or both kinds.

    """
    if not sources:
        raise InputError("name a run folder, a model, or result files of `glassbotan evaluate`")
    others = [source for source in sources if not _is_results(Path(source))]
    if not others:
        return read_all_scores(sources)
    if len(sources) > 1:
        raise InputError(
            f"{others[0]}: is no result file (.json), of which there may be several; give one run "
            "or model alone, and others to compare it with as --model"
        )
    return _read_one(sources[0])


def _is_results(path: Path) -> bool:
    return path.suffix.lower() == ".json" and path.name != CARD and not path.is_dir()


def _read_one(source: str | Path) -> Subject:
    path = Path(source)
    if (path / RECIPE).is_file() or (path.is_dir() and any(path.glob("stage-*"))):
        return _read_run(path)
    if path.is_dir() and not (path / CARD).is_file():
        raise InputError(
            f"{path}: neither a run (no {RECIPE}) nor a model ({CARD} is missing) is in this folder"
        )
    if not path.exists() and str(source) not in bundled_names():
        raise InputError(
            f"{source}: no such run folder, result file, model folder or bundled model "
            f"({', '.join(bundled_names())})"
        )
    card = card_of(source)
    return Subject(card.name, locate(source), card, card.recipe, None)


def _read_run(folder: Path) -> Subject:
    if not (folder / RECIPE).is_file():
        raise InputError(f"{folder}: {RECIPE} is missing; is it the folder of a training run?")
    recipe: Recipe = load_kept_recipe(folder / RECIPE)
    planned = [stage.epochs for stage in recipe.stages]
    history = read_history(folder, planned)
    finished = (folder / "model" / CARD).is_file()
    if not finished and not history.epochs:
        raise InputError(
            f"{folder}: the run has not completed an epoch yet; there is nothing to report"
        )
    model = folder / "model" if finished else None
    card = None if model is None else card_of(model)
    return Subject(recipe.name, model, card, recipe.model_dump(mode="json"), history, planned)
