"""Pieces of work on the device as CUDA graphs, which start in no time."""

from collections.abc import Callable
from typing import Any

import torch


class Graphs:
    """Work that is done as a graph once it has been done without.

    A graph holds the addresses of the tensors that it was captured with: :meth:`drop` it when one
    of them is replaced.

    Parameters
    ----------
    usable
        Whether the work can be captured at all; it is done as it is otherwise.

    """

    def __init__(self, *, usable: bool) -> None:
        self._usable = usable
        self._graphs: dict[int, Any] = {}
        self._pool: Any = None

    def run(self, number: int, work: Callable[[], None]) -> None:
        """Do the work that has this number."""
        if not self._usable:
            work()
            return
        graph = self._graphs.get(number)
        if graph is not None:
            graph.replay()
        elif number in self._graphs:
            self._capture(number, work)
        else:
            # The first time compiles the kernels, which cannot be captured.
            self._graphs[number] = None
            work()

    def drop(self) -> None:
        """Let go of all graphs and their memory."""
        self._graphs.clear()
        self._pool = None

    def _capture(self, number: int, work: Callable[[], None]) -> None:
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, pool=self._pool):
            work()
        self._pool = self._pool or graph.pool()
        self._graphs[number] = graph
        graph.replay()
