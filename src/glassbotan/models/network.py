"""What every network offers besides what every model does: gradients, and outputs by quantity."""

from abc import abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import torch
from safetensors.torch import load_file, save
from torch import Tensor, nn

from glassbotan.models.architecture import Model, ModelSettings, Predicted
from glassbotan.models.example import Tensors
from glassbotan.models.state import load_state, read_weights


class Network(nn.Module, Model):
    """A network that learns by steps of gradient descent."""

    def __init__(self, settings: ModelSettings) -> None:
        super().__init__()
        self.settings = settings

    @abstractmethod
    def forward(self, graph: Any) -> dict[str, Tensor]:
        """Return quantities by name: [N, T] on particles, [E, T] on bonds."""

    @abstractmethod
    def scale_outputs(self, factors: Mapping[str, Tensor]) -> None:
        """Multiply what the network predicts by factors for each time, each of shape [T].

        For training in other units; nothing else need know in which. Quantities that share a
        column (see ``ModelSettings.columns``) are all multiplied by the factors of its first.
        """

    def begin_from(self, start: Self, path: str | Path) -> bool:
        """Take another network's weights; tell whether what reads the outputs out is left fresh."""
        load_state(self, start.state_dict(), path)
        return False

    def predict(self, inputs: Any) -> Predicted:
        """Return every quantity that the network was built for."""
        with torch.inference_mode():
            values = self(self.placed(inputs))
        return Predicted({name: x.cpu().numpy().T for name, x in values.items()}, {})

    def placed(self, inputs: Any) -> Tensors:
        """Return a snapshot's inputs as tensors of the network's precision, on its device."""
        parameter = next(self.parameters())
        tensors: Tensors = inputs.tensors(parameter.dtype)
        if parameter.device.type == "cpu":
            return tensors
        return tensors.each(lambda tensor: tensor.to(parameter.device))

    def weights(self) -> bytes:
        """Return all parameters and constants as safetensors."""
        return save({k: v.detach().contiguous() for k, v in self.state_dict().items()})

    def load_weights(self, path: Path) -> None:
        """Take the parameters and constants of a file."""
        load_state(self, read_weights(path, load_file), path)

    @property
    def device(self) -> str:
        """The kind of device that it computes on."""
        return next(self.parameters()).device.type

    @property
    def n_parameters(self) -> int:
        """The number of trained numbers."""
        return sum(p.numel() for p in self.parameters())


def column_factors(settings: ModelSettings, factors: Mapping[str, Tensor]) -> Tensor:
    """Return the factors of every output column in order, shape [K T]."""
    return torch.cat([factors[column[0]] for column in settings.columns])
