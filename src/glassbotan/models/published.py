"""The parameters that the two groups published, in their own names and orders.

- BOTAN: PyTorch state dicts of github.com/h3-Open-BDEC/pyg_botan (Apache-2.0).
- Node-only: the checkpoint of github.com/google-deepmind/deepmind-research, glassy_dynamics
  (Apache-2.0), as an npz of its variables by their published names, weights [inputs, outputs].
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from glassbotan.errors import InputError
from glassbotan.io.npz import member_names, read_members
from glassbotan.models.botan import Botan
from glassbotan.models.card import Card, Domain
from glassbotan.models.network import Network
from glassbotan.models.node_only import NodeOnly, NodeOnlySettings
from glassbotan.models.recurrent import RecurrentSettings
from glassbotan.models.state import entry_of, load_state

BOTAN_NAMES = {
    "node_encoder.fc1": "passing.node_encoder.hidden",
    "node_encoder.fc2": "passing.node_encoder.out",
    "edge_encoder.fc1": "passing.edge_encoder.hidden",
    "edge_encoder.fc2": "passing.edge_encoder.out",
    "network.edge_model.mlp.fc1": "passing.edge_perceptron.hidden",
    "network.edge_model.mlp.fc2": "passing.edge_perceptron.out",
    "network.node_model.mlp.fc1": "passing.node_perceptron.hidden",
    "network.node_model.mlp.fc2": "passing.node_perceptron.out",
    "decoder.fc1": "decoder.perceptron.hidden",
    "decoder.fc2": "decoder.perceptron.out",
    "decoder.fc3": "decoder.out",
}

NODE_ONLY_NAMES = {
    "graph_independent/node_model/mlp/linear_0": "passing.node_encoder.hidden",
    "graph_independent/node_model/mlp/linear_1": "passing.node_encoder.out",
    "graph_independent/edge_model/mlp/linear_0": "passing.edge_encoder.hidden",
    "graph_independent/edge_model/mlp/linear_1": "passing.edge_encoder.out",
    "graph_network/edge_block/mlp/linear_0": "passing.edge_perceptron.hidden",
    "graph_network/edge_block/mlp/linear_1": "passing.edge_perceptron.out",
    "graph_network/node_block/mlp/linear_0": "passing.node_perceptron.hidden",
    "graph_network/node_block/mlp/linear_1": "passing.node_perceptron.out",
    "graph_independent_1/node_model/mlp/linear_0": "decoder.perceptron.hidden",
    "graph_independent_1/node_model/mlp/linear_1": "decoder.perceptron.out",
    "graph_independent_1/node_model/mlp/linear_2": "decoder.out",
}


def load_published(path: Path) -> tuple[Network, Card]:
    """Load a published .pth or .npz, with a card that tells what it was trained on."""
    botan = path.suffix == ".pth"
    network = load_published_botan(path) if botan else load_published_node_only(path)
    card = card_of_published(
        network,
        name=path.stem,
        domain=Domain(density=1.2, composition=[0.8, 0.2]),
        description=f"published parameters from {path.name}",
    )
    return network, card


def card_of_published(network: Network, **fields: Any) -> Card:
    """Return the card of published parameters: BOTAN's are of bonds, node-only's of A particles."""
    bonds = network.architecture == Botan.architecture
    return Card(
        architecture=network.architecture,
        times=list(network.settings.times),
        targets=["bonds"] if bonds else ["particles A"],
        quantities=["bond_extension"] if bonds else ["propensity"],
        settings=network.settings.model_dump(mode="json", exclude={"times"}),
        inputs=network.settings.record(),
        **fields,
    )


def load_published_botan(path: str | Path, *, time: float = 4120.0) -> Botan:
    """Load a published BOTAN state dict, without running anything that the file might hold.

    Raises
    ------
    InputError
        The file is no state dict of plain tensors, or its names or shapes are another network's.

    """
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # noqa: BLE001 - a hostile file can raise anything
        raise InputError(
            f"{path}: not a PyTorch state dict of plain tensors ({_reason(error)})"
        ) from None
    if not isinstance(state, Mapping) or not all(isinstance(v, Tensor) for v in state.values()):
        raise InputError(f"{path}: expected a state dict, names to tensors")
    model = Botan(RecurrentSettings(times=(time,)))
    renamed = {}
    for published, ours in BOTAN_NAMES.items():
        for kind in ("weight", "bias"):
            renamed[f"{ours}.{kind}"] = entry_of(state, f"{published}.{kind}", path)
    load_state(model, renamed, path)
    return model


def load_published_node_only(path: str | Path, *, time: float = 0.132) -> NodeOnly:
    """Load the published node-only checkpoint.

    Raises
    ------
    InputError
        The file is no npz of these variables.

    """
    path = Path(path)
    names = {name.removeprefix("Graph/"): name for name in member_names(path)}
    wanted = [entry_of(names, f"{v}/{kind}", path) for v in NODE_ONLY_NAMES for kind in "wb"]
    variables = read_members(path, wanted)
    model = NodeOnly(NodeOnlySettings(times=(time,)))
    state = {}
    for published, ours in NODE_ONLY_NAMES.items():
        weight, bias = (
            _floats(variables, names[f"{published}/{kind}"], n_axes, path)
            for kind, n_axes in (("w", 2), ("b", 1))
        )
        state[f"{ours}.weight"] = torch.from_numpy(_to_our_order(ours, weight).T.copy())
        state[f"{ours}.bias"] = torch.from_numpy(bias)
    load_state(model, state, path)
    return model


def _reason(error: Exception) -> str:
    # PyTorch's own text advises to load the file without its safeguard.
    refused = re.search(r"GLOBAL:? (\S+)", str(error))
    if refused:
        return f"it holds {refused[1]}, which a pickle could run"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return "it is cut off, damaged or of another kind"


def _floats(
    variables: Mapping[str, NDArray[np.generic]], name: str, n_axes: int, path: Path
) -> NDArray[np.floating]:
    values = variables[name]
    if values.dtype.kind != "f" or values.ndim != n_axes:
        raise InputError(
            f"{path}: {name} has shape {list(values.shape)} and type {values.dtype}; "
            f"expected numbers with {n_axes} axes"
        )
    return values  # type: ignore[return-value]  # kind f is floating


def _to_our_order(name: str, weight: NDArray[np.floating]) -> NDArray[np.floating]:
    """Reorder input rows: published edges come first, and so do published received sums."""
    if name == "passing.edge_perceptron.hidden":
        edge, receiver, sender = np.split(weight, [128, 256])
        return np.concatenate([sender, receiver, edge])
    if name == "passing.node_perceptron.hidden":
        received, node = np.split(weight, [64])
        return np.concatenate([node, received])
    return weight
