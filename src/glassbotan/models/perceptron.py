"""The two-layer perceptron of which both networks are built."""

from torch import Tensor, nn

from glassbotan.models.kernels.perceptron import perceptron
from glassbotan.models.spans import by_spans


class Perceptron(nn.Module):
    """Two linear layers, each followed by a ReLU: [..., inputs] -> [..., width]."""

    def __init__(self, inputs: int, width: int) -> None:
        super().__init__()
        self.hidden = nn.Linear(inputs, width)
        self.out = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        """Apply the layers along the last axis."""
        hidden, out = self.hidden, self.out
        return perceptron(x, (hidden.weight, hidden.bias, out.weight, out.bias))


class Decoder(nn.Module):
    """A perceptron and a linear read-out of T numbers: [..., width] -> [..., T]."""

    def __init__(self, width: int, outputs: int) -> None:
        super().__init__()
        self.perceptron = Perceptron(width, width)
        self.out = nn.Linear(width, outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Apply the layers along the last axis."""
        return by_spans(lambda rows: self.out(self.perceptron(rows)), x, self.out.out_features)
