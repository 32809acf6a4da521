"""The node-only network, BOTAN's predecessor."""

from glassbotan.models.recurrent import RecurrentNetwork


class NodeOnly(RecurrentNetwork):
    """The graph network of Bapst et al., Nature Physics 16, 448 (2020).

    It differs from BOTAN in that every particle has an edge to itself, edges see the encoded nodes
    beside the current ones, and nodes alone are decoded.
    """

    architecture = "node-only"
    self_edges = True
    predicts_bonds = False
    edges_see_encoded_nodes = True
