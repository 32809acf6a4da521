"""From a snapshot to its predicted motion, whatever kind of model does it.

PyTorch is imported where a network is loaded and runs: the linear baseline does without.
"""

import logging
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from glassbotan.dynamics import Motion
from glassbotan.errors import InputError
from glassbotan.models import DEFAULT_MODEL
from glassbotan.models.card import LINEAR_WEIGHTS, Card
from glassbotan.models.domain import differences
from glassbotan.models.linear import LinearBaseline
from glassbotan.models.registry import card_of, is_linear, load_model_and_card, locate
from glassbotan.progress import Progress, silent
from glassbotan.structure import Snapshot, neighbour_graph
from glassbotan.structure.snapshot import species_name

if TYPE_CHECKING:
    from glassbotan.models.caged.network import CagedNetwork
    from glassbotan.models.network import Network
    from glassbotan.models.recurrent import RecurrentNetwork

LOGGER = logging.getLogger("glassbotan")


class OutOfDomainWarning(UserWarning):
    """The snapshot is unlike those that the model was trained on."""


class Predictor(Protocol):
    """A trained model and its card."""

    card: Card

    def predict(self, snapshot: Snapshot, progress: Progress = silent) -> Motion:
        """Return the motion at the model's times; tell what is computed, where it takes long."""
        ...


class NetworkPredictor:
    """A graph network as a predictor."""

    def __init__(self, network: "RecurrentNetwork", card: Card) -> None:
        self.network, self.card = network, card

    def predict(self, snapshot: Snapshot, progress: Progress = silent) -> Motion:  # noqa: ARG002 - one part
        """Return propensity and, for a network of bonds, bond extension at its times."""
        import torch

        _check_species(snapshot, self.card)
        _check_dimension(snapshot, self.network, self.card)
        graph = neighbour_graph(snapshot, self.network.settings.cutoff)
        with torch.inference_mode():
            nodes, bonds = self.network(graph)
        # What was never trained means nothing: bonds are left out, particles blanked.
        known = bonds if "bonds" in self.card.targets else None
        return Motion(
            snapshot=snapshot,
            times=np.array(self.network.settings.times),
            propensity=_trained_particles(nodes.cpu().numpy().T, snapshot, self.card),
            graph=None if known is None else graph,
            bond_extension=None if known is None else known.cpu().numpy().T,
            source=self.card.name,
        )


class CagedPredictor:
    """The caged network as a predictor: its inputs take far longer than itself."""

    def __init__(self, network: "CagedNetwork", card: Card) -> None:
        self.network, self.card = network, card
        if card.recipe.get("inputs") != network.inputs.record():
            raise InputError(
                f"model {card.name!r}: was trained on inputs that this version does not compute "
                "(recipe.inputs of its card); train it anew"
            )

    def predict(self, snapshot: Snapshot, progress: Progress = silent) -> Motion:
        """Return propensity with its error, and bond extension, at the network's times."""
        import torch

        from glassbotan.models.caged.inputs import caged_inputs
        from glassbotan.models.caged.tensors import caged_tensors

        _check_species(snapshot, self.card)
        _check_dimension(snapshot, self.network, self.card)
        inputs = caged_inputs(snapshot, self.network.inputs, progress=progress)
        tensors = caged_tensors(inputs)
        with torch.inference_mode():
            nodes, bonds = self.network(tensors)
            errors = self.network.half_width(nodes, tensors.species)
        known = "bonds" in self.card.targets
        return Motion(
            snapshot=snapshot,
            times=np.array(self.network.settings.times),
            propensity=np.maximum(_trained_particles(nodes.numpy().T, snapshot, self.card), 0.0),
            propensity_error=_trained_particles(errors.numpy().T, snapshot, self.card),
            graph=inputs.graph if known else None,
            bond_extension=bonds.numpy().T if known else None,
            source=self.card.name,
        )


class LinearPredictor:
    """The linear baseline as a predictor."""

    def __init__(self, baseline: LinearBaseline, card: Card) -> None:
        self.baseline, self.card = baseline, card

    def predict(self, snapshot: Snapshot, progress: Progress = silent) -> Motion:  # noqa: ARG002 - one part
        """Return the propensity at the baseline's times; it knows no bonds."""
        _check_species(snapshot, self.card)
        return self.baseline.predict(snapshot)


def load_predictor(model: str | Path) -> Predictor:
    """Load any model by bundled name, file or folder.

    Raises
    ------
    InputError
        Nothing of that name, or the file is no model.

    """
    path = locate(model)
    LOGGER.debug("loading model %s from %s", model, path)
    if is_linear(path):
        return LinearPredictor(LinearBaseline.load(path / LINEAR_WEIGHTS), card_of(path))
    from glassbotan.models.caged.network import CagedNetwork
    from glassbotan.models.recurrent import RecurrentNetwork

    network, card = load_model_and_card(model)
    if isinstance(network, CagedNetwork):
        return CagedPredictor(network, card)
    assert isinstance(network, RecurrentNetwork)  # every other is
    return NetworkPredictor(network, card)


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
        Told the share that is done; ``caged`` computes for some ten seconds, networks for a moment.

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


def _check_dimension(snapshot: Snapshot, network: "Network", card: Card) -> None:
    if snapshot.dimension != network.settings.dimension:
        raise InputError(
            f"{snapshot.source}: has {snapshot.dimension} dimensions; model {card.name!r} is for "
            f"{network.settings.dimension}"
        )


def _check_species(snapshot: Snapshot, card: Card) -> None:
    if card.domain is None:
        return
    known = len(card.domain.composition)
    strange = [s for s in snapshot.composition if s >= known]
    if strange:
        raise InputError(
            f"{snapshot.source}: has species {species_name(strange[0])} (number {strange[0]}); "
            f"model {card.name!r} knows {', '.join(species_name(s) for s in range(known))}"
        )


def _trained_particles(
    propensity: NDArray[np.floating], snapshot: Snapshot, card: Card
) -> NDArray[np.floating]:
    """Blank the species that the model was never trained on: its numbers there mean nothing."""
    names = np.array([f"particles {species_name(int(s))}" for s in snapshot.species])
    return np.where(np.isin(names, card.targets), propensity, np.nan)
