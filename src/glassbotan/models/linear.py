"""The linear baseline: ridge regression of the propensity on structural descriptors."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import numpy as np
from pydantic import Field

from glassbotan.errors import InputError
from glassbotan.io.npz import read_members
from glassbotan.models.architecture import WHOLE, Model, ModelSettings, Predicted, Preparation
from glassbotan.models.card import CARD, Card
from glassbotan.models.potential import Potential
from glassbotan.models.ridge import cross_fitted_ridge
from glassbotan.models.state import check_state, entry_of, read_weights
from glassbotan.progress import Progress, silent
from glassbotan.settings import Positive, checked
from glassbotan.structure import Snapshot
from glassbotan.structure.descriptors import DescriptorRecipe, descriptors
from glassbotan.structure.inherent import inherent_structure
from glassbotan.structure.periodic import FloatArray
from glassbotan.structure.potential import KOB_ANDERSEN
from glassbotan.structure.snapshot import IntArray, species_name

if TYPE_CHECKING:
    import torch

    from glassbotan.models.example import Example, Tensors

ALPHAS = tuple(float(alpha) for alpha in 10.0 ** np.arange(0, 6.1, 0.5))
"""Strengths of the penalty among which cross-validation chooses."""

FOLDS = 10
"""Of the cross-validation, unless there are fewer snapshots."""

SMALLEST_SPREAD = 1e-3
"""A column that hardly varies in training must not decide a prediction where it varies."""

RIDGE_FORM = "glassbotan linear baseline 1"
"""What an archive of an old baseline calls itself."""

INHERENT = "positions_inherent"
"""Field of a snapshot with its inherent structure, where its file brought that along."""


@dataclass(frozen=True, eq=False)
class LinearInputs:
    """Descriptors [N, D] of each particle, and its species [N]."""

    columns: FloatArray
    species: IntArray
    graph: None = None

    def tensors(self, dtype: "torch.dtype", fold: int = WHOLE) -> "Tensors":  # noqa: ARG002 - chosen anew within the fit
        """Return the same as tensors."""
        import torch

        from glassbotan.models.example import Columns

        return Columns(torch.from_numpy(self.columns).to(dtype), torch.from_numpy(self.species))


class LinearSettings(ModelSettings):
    """What the linear baseline is built from.

    Attributes
    ----------
    descriptors
        Which descriptors.
    potential
        Whose inherent structure; a recipe names a mixture or a file.
    alphas
        Penalties on the slopes of standardised descriptors. Of several, that one is taken for
        each species and time which correlates best within held-out snapshots (cross-validation in
        ten folds, or as many as there are snapshots).

    """

    places: ClassVar[tuple[str, ...]] = ("particles",)
    inputs_take_long: ClassVar[bool] = True

    quantities: tuple[str, ...] = Field(default=("propensity",), min_length=1)
    descriptors: DescriptorRecipe = DescriptorRecipe()
    potential: Potential = KOB_ANDERSEN
    alphas: Annotated[tuple[Positive, ...], Field(min_length=1)] = ALPHAS

    def inputs(self, snapshot: Snapshot, progress: Progress = silent) -> LinearInputs:  # noqa: ARG002 - one part
        """Return the descriptors of the inherent structure.

        It is computed where the snapshot has no field "positions_inherent".
        """
        if INHERENT in snapshot.fields:
            known = np.asarray(snapshot.fields[INHERENT], dtype=np.float64)
            minimum = replace(snapshot, positions=known, fields={})
        else:
            minimum = inherent_structure(snapshot, self.potential)
        return LinearInputs(descriptors(minimum, self.descriptors), snapshot.species)

    def record(self) -> dict[str, Any]:
        """Return what the descriptors follow from."""
        return self.model_dump(mode="json", include={"descriptors", "potential"})


class Linear(Model):
    """Propensity of a particle as a linear function of the inherent structure around it.

    Descriptors after Boattini, Smallenburg, Filion, Phys. Rev. Lett. 127, 088007 (2021);
    a function of its own for each species, quantity and time. Its arrays are the ``species`` that
    it was fitted to [S], ``slopes`` [S, K T, D] and ``intercepts`` [S, K T] in units of the
    quantity, and ``alphas`` [S, K T], the penalties that were chosen.
    """

    architecture = "linear"
    settings_type: ClassVar[type[ModelSettings]] = LinearSettings
    learns_by_steps = False
    turns_with_snapshot = True
    settings: LinearSettings

    def __init__(self, settings: LinearSettings) -> None:
        super().__init__(settings)
        self.arrays: Mapping[str, FloatArray] = {}

    @classmethod
    def tensors_type(cls) -> "type[Tensors]":
        """Return the kind of its inputs as tensors."""
        from glassbotan.models.example import Columns

        return Columns

    def prepare(self, preparation: Preparation) -> None:
        """Fit to the training snapshots.

        Slopes come from the differences between the particles of one snapshot: what sets a whole
        snapshot apart (its energy, the luck of its ensemble) shifts all its particles alike and
        would be learnt from as many examples as there are snapshots. The descriptors of all
        particles are held in memory about five times: 0.9 GB for ten snapshots of 4096 particles.

        Raises
        ------
        InputError
            A species is in one snapshot only, and there are several penalties.

        """
        self.arrays = preparation.processes.first(lambda: self._fitted(preparation.examples))

    def _fitted(self, examples: "Sequence[Example]") -> Mapping[str, FloatArray]:
        glasses = []
        for example in examples:
            graph, values = example.graph.stored(), example.targets
            y = [values[name].double().numpy() for name in self.settings.quantities]
            glasses.append((graph["species"].numpy(), graph["columns"].double().numpy(), y))
        every = np.unique(np.concatenate([species for species, _, _ in glasses]))
        fits = []
        for s in every:
            groups = [
                (x[species == s], np.hstack(y)[species == s])
                for species, x, y in glasses
                if s in species
            ]
            fits.append(self._fit(groups, species_name(int(s))))
        parts = (np.stack(part) for part in zip(*fits, strict=True))
        arrays = dict(zip(("slopes", "intercepts", "alphas"), parts, strict=True))
        return {"species": every.astype(np.float64), **arrays}

    def _fit(
        self, groups: Sequence[tuple[FloatArray, FloatArray]], species: str
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return slopes [K T, D], intercepts [K T] and chosen penalties [K T] of one species."""
        alphas = self.settings.alphas
        if len(alphas) > 1 and len(groups) == 1:
            raise InputError(
                f"linear baseline: species {species} is in one snapshot only, and "
                f"choosing among {len(alphas)} alphas by cross-validation takes two; give more "
                "snapshots or one alpha"
            )
        spread = np.concatenate([x - x.mean(axis=0) for x, _ in groups]).std(axis=0)
        # What is divided by infinity never counts.
        spread[spread < SMALLEST_SPREAD] = np.inf
        n_folds = min(FOLDS, len(groups))
        scaled = [(x / spread, y) for x, y in groups]
        found = cross_fitted_ridge(scaled, np.arange(len(groups)) % n_folds, n_folds, alphas)
        return found.slopes[-1].T / spread, found.intercepts[-1], found.alphas

    def predict(self, inputs: LinearInputs) -> Predicted:
        """Return quantities of particles; NaN for species that the baseline was not fitted to."""
        found = np.full((self._shapes(0)["alphas"][1], len(inputs.species)), np.nan)
        for k, species in enumerate(self.arrays["species"]):
            chosen = inputs.species == species
            columns, slopes = inputs.columns[chosen], self.arrays["slopes"][k]
            found[:, chosen] = slopes @ columns.T + self.arrays["intercepts"][k][:, None]
        # A mean length is not negative, whatever a straight line says.
        parts = np.maximum(found, 0.0).reshape(len(self.settings.quantities), -1, found.shape[1])
        return Predicted(dict(zip(self.settings.quantities, parts, strict=True)), {})

    def weights(self) -> bytes:
        """Return its arrays as safetensors."""
        from safetensors.numpy import save

        return save({name: np.ascontiguousarray(x) for name, x in self.arrays.items()})

    def load_weights(self, path: Path) -> None:
        """Take the arrays of a file."""
        from safetensors.numpy import load_file

        self.take_arrays(read_weights(path, load_file), path)

    def take_arrays(self, arrays: Mapping[str, FloatArray], path: Path) -> None:
        """Take arrays that ``path`` held."""
        n_species = entry_of(arrays, "species", path).size
        check_state(arrays, self._shapes(n_species), self.architecture, path, isfinite=np.isfinite)
        self.arrays = arrays

    def _shapes(self, n_species: int) -> dict[str, tuple[int, ...]]:
        settings = self.settings
        each = (n_species, len(settings.times) * len(settings.quantities))
        slopes = (*each, settings.descriptors.n_columns)
        return {"species": each[:1], "slopes": slopes, "intercepts": each, "alphas": each}


def load_ridge(path: Path, card: Card) -> tuple[Model, Card]:
    """Read a baseline of the time when one archive held its arrays and settings.

    Raises
    ------
    InputError
        The file is no such archive, or is not the card's.

    """
    names, tables = ("species", "slopes", "intercepts", "alphas"), ("epsilon", "sigma", "cutoff")
    found = read_members(path, ["form", "recipe", *names, *tables], ["shift"])
    if str(found["form"]) != RIDGE_FORM or card.architecture != Linear.architecture:
        raise InputError(f"{path}: not a {RIDGE_FORM!r}, or not of the {CARD} beside it")
    # The first files, all of shifted energy, do not name the shift.
    potential = {name: found[name].tolist() for name in (*tables, "shift") if name in found}
    try:
        arrays = {name: found[name].astype(np.float64) for name in names}
        recipe = json.loads(str(found["recipe"]))
    except ValueError as error:
        raise InputError(f"{path}: cannot be read ({error})") from None
    given = {"descriptors": recipe, "potential": {"shift": "energy", **potential}}
    settings = checked(LinearSettings, {"times": card.times, **given}, source=str(path))
    model = Linear(settings)
    model.take_arrays(arrays, path)
    own = settings.model_dump(mode="json", exclude={"times"})
    return model, card.model_copy(update={"settings": own, "inputs": settings.record()})
