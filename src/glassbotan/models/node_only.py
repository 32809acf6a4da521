"""The node-only network, BOTAN's predecessor."""

from typing import ClassVar

from pydantic import Field

from glassbotan.models.recurrent import RecurrentNetwork, RecurrentSettings


class NodeOnlySettings(RecurrentSettings):
    """Settings of a network that predicts particles alone."""

    places: ClassVar[tuple[str, ...]] = ("particles",)
    self_edges: ClassVar[bool] = True

    quantities: tuple[str, ...] = Field(default=("propensity",), min_length=1)


class NodeOnly(RecurrentNetwork):
    """The graph network of Bapst et al., Nature Physics 16, 448 (2020).

    It differs from BOTAN in that every particle has an edge to itself, edges see the encoded nodes
    beside the current ones, and nodes alone are decoded.
    """

    architecture = "node-only"
    settings_type = NodeOnlySettings
    edges_see_encoded_nodes = True
