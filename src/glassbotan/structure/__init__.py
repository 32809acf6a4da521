"""What a glass is: the snapshot, its periodic geometry and its neighbour graph."""

from glassbotan.structure.graph import NeighbourGraph, neighbour_graph
from glassbotan.structure.periodic import minimum_image, wrap
from glassbotan.structure.snapshot import Snapshot

__all__ = ["NeighbourGraph", "Snapshot", "minimum_image", "neighbour_graph", "wrap"]
