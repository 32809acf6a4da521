"""BOTAN as a textbook writes it, in PyTorch Geometric: the independent oracle and speed baseline.

It takes the published state dicts under their own names; its mathematics shares no code with the
product.
"""

import torch
from torch import Tensor, nn
from torch_geometric.nn import MessagePassing

from glassbotan.models.botan import Botan
from glassbotan.models.published import BOTAN_NAMES


class Perceptron(nn.Module):
    def __init__(self, inputs: int, width: int, outputs: int | None = None) -> None:
        super().__init__()
        self.fc1 = nn.Linear(inputs, width)
        self.fc2 = nn.Linear(width, width)
        self.fc3 = nn.Linear(width, outputs) if outputs else None

    def forward(self, x: Tensor) -> Tensor:
        x = torch.relu(self.fc2(torch.relu(self.fc1(x))))
        return x if self.fc3 is None else self.fc3(x)


class Holder(nn.Module):
    def __init__(self, mlp: Perceptron) -> None:
        super().__init__()
        self.mlp = mlp


class Step(MessagePassing):
    def __init__(self, width: int) -> None:
        super().__init__(aggr="add", flow="source_to_target")
        self.edge_model = Holder(Perceptron(4 * width, width))
        self.node_model = Holder(Perceptron(3 * width, width))

    def forward(self, x, x0, edge_index, edges, edges0):
        edges = self.edge_updater(edge_index, x=x, edges=edges, edges0=edges0)
        received = self.propagate(edge_index, edges=edges, size=(len(x), len(x)))
        return self.node_model.mlp(torch.cat([x, x0, received], dim=1)), edges

    def edge_update(self, x_i, x_j, edges, edges0):
        # PyTorch Geometric's x_j is the sender, x_i the receiver.
        return self.edge_model.mlp(torch.cat([x_j, x_i, edges, edges0], dim=1))

    def message(self, edges):
        return edges


class TextbookBotan(nn.Module):
    def __init__(self, *, times: int = 1, dimension: int = 3, width: int = 64, steps: int = 7):
        super().__init__()
        self.node_encoder = Perceptron(1, width)
        self.edge_encoder = Perceptron(dimension, width)
        self.decoder = Perceptron(width, width, times)
        self.network = Step(width)
        self.steps = steps

    def forward(self, species: Tensor, edge_index: Tensor, vectors: Tensor):
        x0, edges0 = self.node_encoder(species), self.edge_encoder(vectors)
        x, edges = x0, edges0
        for _ in range(self.steps):
            x, edges = self.network(x, x0, edge_index, edges, edges0)
        return self.decoder(x), self.decoder(edges)


def textbook_of(model: Botan) -> TextbookBotan:
    """Return the textbook network with the same weights and precision."""
    settings = model.settings
    textbook = TextbookBotan(
        times=len(settings.times),
        dimension=settings.dimension,
        width=settings.width,
        steps=settings.steps,
    )
    state = model.state_dict()
    textbook.load_state_dict(
        {
            f"{published}.{kind}": state[f"{ours}.{kind}"]
            for published, ours in BOTAN_NAMES.items()
            for kind in ("weight", "bias")
        }
    )
    return textbook.to(next(model.parameters()).dtype)
