"""From a snapshot to its predicted motion, whatever kind of model does it."""

import logging
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glassbotan.dynamics import Motion
from glassbotan.dynamics.bonds import Bonds, mean_of_both_ways
from glassbotan.errors import InputError
from glassbotan.models import DEFAULT_MODEL
from glassbotan.models.architecture import Model, Predicted
from glassbotan.models.card import Card
from glassbotan.models.domain import differences
from glassbotan.models.registry import load_model_and_card, locate
from glassbotan.progress import Progress, silent
from glassbotan.structure import NeighbourGraph, Snapshot
from glassbotan.structure.snapshot import species_name

LOGGER = logging.getLogger("glassbotan")


class OutOfDomainWarning(UserWarning):
    """The snapshot is unlike those that the model was trained on."""


class Predictor:
    """A trained model and its card."""

    def __init__(self, model: Model, card: Card) -> None:
        self.model, self.card = model, card

    def __repr__(self) -> str:
        """Return what model it predicts by, in a line."""
        return f"<Predictor of {self.card!r}>"

    def predict(self, snapshot: Snapshot, progress: Progress = silent) -> Motion:
        """Return the motion at the model's times; tell what is computed, where it takes long."""
        self._check(snapshot)
        inputs = self.model.settings.inputs(snapshot, progress)
        return self._motion(snapshot, self.model.predict(inputs), inputs.graph)

    def _check(self, snapshot: Snapshot) -> None:
        dimension, domain = self.model.settings.dimension, self.card.domain
        known = len(domain.composition) if domain else int(max(snapshot.composition)) + 1
        strange = [s for s in snapshot.composition if s >= known]
        if strange:
            raise InputError(
                f"{snapshot.source}: has species {species_name(strange[0])} (number {strange[0]}); "
                f"model {self.card.name!r} knows {', '.join(species_name(s) for s in range(known))}"
            )
        if snapshot.dimension != dimension:
            raise InputError(
                f"{snapshot.source}: has {snapshot.dimension} dimensions; "
                f"model {self.card.name!r} is for {dimension}"
            )

    def _motion(
        self, snapshot: Snapshot, predicted: Predicted, graph: NeighbourGraph | None
    ) -> Motion:
        """Return what the model was trained on: the rest of its numbers mean nothing."""
        card, settings = self.card, self.model.settings
        names = np.array([f"particles {species_name(int(s))}" for s in snapshot.species])
        trained = np.isin(names, card.targets)
        told = [name for name in settings.quantities if name in card.quantities]

        def once(name: str, numbers: NDArray[Any]) -> NDArray[Any]:
            if name in settings.of("particles"):
                return np.where(trained, numbers, np.nan)
            n_edges = 0 if graph is None else graph.n_edges
            if graph is None or numbers.shape[-1] != n_edges:
                raise InputError(
                    f"model {card.name!r}: {name} has shape {list(numbers.shape)}, expected "
                    f"[times, edges of its graph] = {[len(settings.times), n_edges]}"
                )
            return mean_of_both_ways(numbers, graph)

        values, errors = (
            {name: once(name, of_kind[name]) for name in told if name in of_kind}
            for of_kind in predicted
        )
        bonded = any(name in settings.of("bonds") for name in values)
        bonds = Bonds.of(graph) if bonded and graph is not None else None
        return Motion(snapshot, np.array(settings.times), values, bonds, card.name, errors)


def load_predictor(model: str | Path) -> Predictor:
    """Load any model by bundled name, file or folder.

    Raises
    ------
    InputError
        Nothing of that name, or the file is no model.

    """
    LOGGER.debug("loading model %s from %s", model, locate(model))
    return Predictor(*load_model_and_card(model))


def predict(
    snapshot: Snapshot,
    model: str | Path | Predictor = DEFAULT_MODEL,
    *,
    progress: Progress = silent,
) -> Motion:
    """Predict the motion of every particle and bond of a snapshot.

    Parameters
    ----------
    snapshot
        As ``glassbotan.read`` returns it.
    model
        A bundled name, a file, a folder, or what ``load_predictor`` returned.
    progress
        Told what is being computed, and which share of all is done; ``caged`` computes for some
        ten seconds, networks for a moment.

    Returns
    -------
    Motion
        NaN for species that the model was not trained on; no bonds where it was not on those.

    Warns
    -----
    OutOfDomainWarning
        Density, composition, temperature or potential energy is away from the training data's;
        the text says how.

    Raises
    ------
    InputError
        The snapshot cannot be predicted: species or dimension are not the model's, particles
        overlap, or the box is too small for the model's graph.

    """
    predictor = load_predictor(model) if isinstance(model, str | Path) else model
    LOGGER.debug(
        "predicting %s, %d particles, by %s",
        snapshot.source,
        snapshot.n_particles,
        predictor.card.name,
    )
    motion = predictor.predict(snapshot, progress)
    for difference in differences(snapshot, predictor.card):
        warnings.warn(f"{snapshot.source}: {difference}", OutOfDomainWarning, stacklevel=2)
    return motion
