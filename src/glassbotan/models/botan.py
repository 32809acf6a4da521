"""BOTAN, the bond targeting network."""

from glassbotan.models.recurrent import RecurrentNetwork


class Botan(RecurrentNetwork):
    """The bond targeting network: one decoder reads both nodes and edges.

    Shiba, Hanai, Suzumura, Shimokawabe, J. Chem. Phys. 158, 084503 (2023),
    doi:10.1063/5.0129791. With 64 channels and one time it has 54,209 parameters.
    """

    architecture = "botan"
    edges_see_encoded_nodes = False
