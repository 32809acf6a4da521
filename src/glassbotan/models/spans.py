"""Large graphs without gradients: when to work by spans of edges, and rows span by span."""

from collections.abc import Callable

import torch
from torch import Tensor

MOST_EDGES_AT_ONCE = 2**23
"""200 thousand particles, for which the usual form takes 4 GiB of 64 channels in float32. It is
never the slower one (1.7 times as much arithmetic here), so that memory alone sets the limit."""
SPAN_EDGES = 2**15
"""A tensor of 64 channels is 8 MiB, and calls cost nothing; half or twice as many are as fast."""


def is_large(n_edges: int) -> bool:
    """Tell whether to work by spans: edges are many, and no gradient is recorded."""
    return n_edges > MOST_EDGES_AT_ONCE and not torch.is_grad_enabled()


def by_spans(function: Callable[[Tensor], Tensor], rows: Tensor, outputs: int) -> Tensor:
    """Return function(rows), shape [M, outputs].

    ``function`` works on each of the rows [M, H] for itself; where they are many, what it makes on
    the way exists for one span at a time.
    """
    if not is_large(len(rows)):
        return function(rows)
    result = rows.new_empty(len(rows), outputs)
    for start in range(0, len(rows), SPAN_EDGES):
        span = slice(start, start + SPAN_EDGES)
        result[span] = function(rows[span])
    return result
