"""The caged network: a linear baseline, and message passing that corrects it."""

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import silu

from glassbotan.models.architecture import ModelSettings, Predicted, Preparation
from glassbotan.models.caged.constants import FOLDS, N_PAIRS, N_SPECIES, fit_constants
from glassbotan.models.caged.inputs import CagedInputs, CagedTensors, scalar_names
from glassbotan.models.caged.passing import VectorMessages
from glassbotan.models.caged.settings import CagedSettings
from glassbotan.models.network import Network, column_factors

FARTHEST = 5.0
"""Standard deviations at which inputs are cut off."""
SHELLS = tuple(0.7 + 0.08 * k for k in range(11))
"""Centres of the Gaussians in which a bond's length is told, length units."""
SHELL_WIDTH = 0.08


class CagedNetwork(Network):
    """Ridge regression on what cages tell, corrected by equivariant message passing.

    Propensity = baseline (scalars, averages) + spread * messages (scalars, vectors, bonds), where
    the baseline is linear, one for each species and time; bond extension is read from the states
    of both ends. All constants (means, spreads, the baseline) are set from training snapshots
    before the first step; see ``glassbotan.models.caged.constants``. Further quantities are
    further columns: those of particles like the propensity, those of bonds like their extension.
    """

    architecture = "caged"
    settings_type: ClassVar[type[ModelSettings]] = CagedSettings
    folds = FOLDS
    turns_with_snapshot = True
    settings: CagedSettings

    def __init__(self, settings: CagedSettings) -> None:
        super().__init__(settings)
        width, vectors, n_times = settings.width, max(settings.width // 3, 1), len(settings.times)
        n_outputs, n_told = (len(settings.of(place)) * n_times for place in ("particles", "bonds"))
        n_scalars = len(scalar_names(settings))
        n_columns = n_scalars * (1 + N_SPECIES * len(settings.averages))
        n_vectors = len(settings.descent) + 1 + len(settings.cages)
        n_bond = 3 + 4 * len(settings.cages)
        each = (N_SPECIES, n_outputs)
        self.column_mean = _buffer(N_SPECIES, n_columns)
        self.column_spread = _buffer(N_SPECIES, n_columns, ones=True)
        self.vector_size = _buffer(n_vectors, ones=True)
        self.bond_mean, self.bond_spread = _buffer(n_bond), _buffer(n_bond, ones=True)
        self.slopes = _buffer(FOLDS + 1, N_SPECIES, n_columns, n_outputs)
        self.intercepts = _buffer(FOLDS + 1, *each)
        self.spread = _buffer(*each, ones=True)
        self.extension_mean = _buffer(N_PAIRS, n_told)
        self.extension_spread = _buffer(N_PAIRS, n_told, ones=True)
        self.error = _buffer(*each, 3)
        self.output_scale = _buffer(len(settings.columns) * n_times, ones=True)

        self.scalars_in = nn.Sequential(
            nn.Linear(n_scalars + n_outputs, 2 * width), nn.SiLU(), nn.Linear(2 * width, width)
        )
        self.species_in = nn.Embedding(N_SPECIES, width)
        self.vectors_in = nn.Linear(n_vectors, vectors, bias=False)
        n_edge = n_bond + 2 * len(SHELLS) + N_SPECIES**2
        self.bonds_in = nn.Sequential(
            nn.Linear(n_edge, width), nn.SiLU(), nn.Linear(width, width), nn.SiLU()
        )
        self.passing = nn.ModuleList(VectorMessages(width, vectors) for _ in range(settings.steps))
        read_out = nn.Linear(width, N_SPECIES * n_outputs)
        # The correction begins at nothing.
        nn.init.zeros_(read_out.weight)
        nn.init.zeros_(read_out.bias)
        self.particle_out = nn.Sequential(nn.Linear(width + vectors, width), nn.SiLU(), read_out)
        self.end = nn.Linear(width, width)
        self.bond_end = nn.Linear(width, width)
        self.bond_out = nn.Linear(width, n_told)

    def prepare(self, preparation: Preparation) -> None:
        """Let the first process set the constants, and all have them."""

        def constants() -> dict[str, Tensor]:
            fit_constants(self, preparation.examples)
            return dict(self.named_buffers())

        found = preparation.processes.first(constants)
        self.load_state_dict(self.state_dict() | found)

    @classmethod
    def tensors_type(cls) -> type[CagedTensors]:
        """Return the kind of its inputs as tensors."""
        return CagedTensors

    def forward(self, graph: CagedTensors) -> dict[str, Tensor]:
        """Return quantities [N, T] and [E, T], in units of 1 / output_scale."""
        columns = self.columns(graph)
        base = self.baseline(graph, columns)
        x, v, bonds = self._states(graph, columns, base)
        species, settings, scale = graph.species, self.settings, self.output_scale
        lengths = (v.square().sum(1) + 1e-6).sqrt()
        every = self.particle_out(torch.cat([x, lengths], 1)).unflatten(1, (N_SPECIES, -1))
        change = every[torch.arange(len(species), device=species.device), species]
        outputs = base + self.spread[species] * change
        found = self._named("particles", outputs * scale[: outputs.shape[1]])
        if settings.of("bonds"):
            ends = self.end(x)
            both = ends[graph.senders] + ends[graph.receivers] + self.bond_end(bonds)
            pair = species[graph.senders] + species[graph.receivers]
            told = self.extension_mean[pair] + self.extension_spread[pair] * self.bond_out(
                silu(both)
            )
            found |= self._named("bonds", told * scale[: told.shape[1]])
        return {name: found[name] for name in settings.quantities}

    def _named(self, place: str, columns: Tensor) -> dict[str, Tensor]:
        parts = torch.split(columns, len(self.settings.times), dim=1)
        return dict(zip(self.settings.of(place), parts, strict=True))

    def predict(self, inputs: CagedInputs) -> Predicted:
        """Return every quantity, those of particles with errors and not negative."""
        tensors = self.placed(inputs)
        assert isinstance(tensors, CagedTensors)
        with torch.inference_mode():
            found = self(tensors)
            names = self.settings.of("particles")
            outputs = torch.cat([found[name] for name in names], 1)
            errors = self._named("particles", self.half_width(outputs, tensors.species))
        values = {name: x.cpu().numpy().T for name, x in found.items()}
        values |= {name: np.maximum(values[name], 0.0) for name in names}
        return Predicted(values, {name: x.cpu().numpy().T for name, x in errors.items()})

    def scale_outputs(self, factors: Mapping[str, Tensor]) -> None:
        """Multiply what the network predicts by factors for each time, each of shape [T]."""
        self.output_scale.mul_(column_factors(self.settings, factors).to(self.output_scale))

    def columns(self, graph: CagedTensors) -> Tensor:
        """Return scalars and averages in units of their spread, shape [N, P (1 + W S)]."""
        raw = torch.cat([graph.scalars, graph.averages], 1)
        scaled = (raw - self.column_mean[graph.species]) / self.column_spread[graph.species]
        return scaled.clamp(-FARTHEST, FARTHEST)

    def baseline(self, graph: CagedTensors, columns: Tensor) -> Tensor:
        """Return what the linear baseline says of particles by :meth:`columns`, shape [N, K T]."""
        fold = graph.fold
        base = torch.empty(len(columns), self.slopes.shape[-1]).to(columns)
        for species in range(N_SPECIES):
            members = graph.species == species
            base[members] = (
                columns[members] @ self.slopes[fold, species] + self.intercepts[fold, species]
            )
        return base

    def half_width(self, propensity: Tensor, species: Tensor) -> Tensor:
        """Return half the width of the 90 % interval around outputs of particles [N, K T].

        It grows linearly with the propensity: what moves far varies more.
        """
        constant, slope, least = self.error[species].unbind(-1)
        return torch.maximum(constant + slope * propensity, least)

    def _states(
        self, graph: CagedTensors, columns: Tensor, base: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return scalars [N, H] and vectors [N, d, V] after all steps, and encoded bonds [E, H]."""
        species, n_scalars = graph.species, graph.scalars.shape[1]
        told = (base - self.intercepts[graph.fold][species]) / self.spread[species]
        x = self.scalars_in(torch.cat([columns[:, :n_scalars], told], 1)) + self.species_in(species)
        v = self.vectors_in((graph.vectors / self.vector_size[:, None]).transpose(1, 2))
        bonds = self.bonds_in(self._bond_columns(graph))
        for step in self.passing:
            x, v = step(x, v, bonds, (graph.senders, graph.receivers), graph.directions)
        return x, v, bonds

    def _bond_columns(self, graph: CagedTensors) -> Tensor:
        scaled = (graph.bond_scalars - self.bond_mean) / self.bond_spread
        centres = torch.tensor(SHELLS).to(graph.bond_scalars)
        thermal, cage = graph.bond_scalars[:, 0:1], graph.bond_scalars[:, 2:3]
        shells = [
            torch.exp(-0.5 * ((length - centres) / SHELL_WIDTH).square())
            for length in (cage, thermal)
        ]
        pair = graph.species[graph.senders] * N_SPECIES + graph.species[graph.receivers]
        one_hot = nn.functional.one_hot(pair, N_SPECIES**2).to(scaled)
        return torch.cat([*shells, scaled.clamp(-FARTHEST, FARTHEST), one_hot], 1)


def _buffer(*shape: int, ones: bool = False) -> nn.Buffer:
    return nn.Buffer(torch.ones(shape) if ones else torch.zeros(shape))
