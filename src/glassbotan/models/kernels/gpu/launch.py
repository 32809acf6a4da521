"""How the kernels are started: precision, tiles, number of programs."""

from contextlib import nullcontext
from typing import Any, NamedTuple

import torch
import triton.language as tl
from torch import Tensor

from glassbotan.models.kernels.choice import Triton

ACCUMULATORS = {
    torch.bfloat16: torch.float32,
    torch.float32: torch.float32,
    torch.float64: torch.float64,
}
"""What products and sums of numbers of a precision are accumulated in."""

IN_TRITON = {
    torch.bfloat16: tl.bfloat16,
    torch.float32: tl.float32,
    torch.float64: tl.float64,
}

PROGRAMS_PER_PROCESSOR = 2
"""Of the kernels that add up weight gradients; their registers leave room for no more."""


class Tile(NamedTuple):
    """Rows of one tile, and warps that work on it."""

    rows: int
    warps: int


TILES: dict[str, dict[str, Tile]] = {
    "edges_forward": {"tf32": Tile(64, 4), "tf32x3": Tile(128, 8), "bf16": Tile(64, 4)},
    "edges_backward": {"tf32": Tile(64, 4), "tf32x3": Tile(32, 4), "bf16": Tile(64, 4)},
    "rows_forward": {"tf32": Tile(64, 4), "tf32x3": Tile(64, 4), "bf16": Tile(64, 4)},
    "rows_backward": {"tf32": Tile(64, 4), "tf32x3": Tile(32, 4), "bf16": Tile(64, 4)},
    "nodes_forward": {"tf32": Tile(32, 4), "tf32x3": Tile(16, 4), "bf16": Tile(32, 4)},
    "nodes_backward": {"tf32": Tile(32, 4), "tf32x3": Tile(16, 4), "bf16": Tile(32, 4)},
    "sums_at_receivers": {"tf32": Tile(64, 4), "tf32x3": Tile(64, 4), "bf16": Tile(64, 4)},
    "sums_at_both_ends": {"tf32": Tile(64, 4), "tf32x3": Tile(64, 4), "bf16": Tile(64, 4)},
}
"""By kernel and way of multiplying, for 64 channels: the fewest instructions a row without spilling
registers, or few, when compiled for compute capability 9.0 (tests/models/compile_kernels.py).

Fixed rather than tried out at run time, because the rows of a tile order the sums of weights'
gradients: the same run gives the same bits on every GPU with as many multiprocessors.
"""


class Launcher:
    """Starts kernels on one device, for one width and precision.

    Parameters
    ----------
    path
        How float32 is multiplied, and whether Triton's interpreter runs the kernels.
    like
        A tensor of the device and precision.
    width
        Channels H.

    """

    def __init__(self, path: Triton, like: Tensor, width: int) -> None:
        self.device, self.dtype = like.device, like.dtype
        self.accumulator = ACCUMULATORS[like.dtype]
        # The interpreter multiplies bfloat16 numbers as if they were integers.
        operand = torch.float32 if path.interpreted and like.dtype == torch.bfloat16 else like.dtype
        exact = like.dtype != torch.float32
        self._way = "bf16" if like.dtype == torch.bfloat16 else path.precision
        self._options: dict[str, Any] = {
            "WIDTH": width,
            "OPERAND": IN_TRITON[operand],
            "ACCUMULATOR": IN_TRITON[self.accumulator],
            "PRECISION": "ieee" if exact else path.precision,
            "PIN": not path.interpreted,
        }
        cuda = like.device.type == "cuda"
        processors = (
            torch.cuda.get_device_properties(like.device).multi_processor_count if cuda else 2
        )
        self.most_programs = PROGRAMS_PER_PROCESSOR * processors
        self._wider = max(width // 64, 1)

    def tile(self, kernel: Any) -> Tile:
        """Return the tile that a kernel works on."""
        tiles = TILES[kernel.fn.__name__]
        rows, warps = tiles.get(self._way, tiles["tf32x3"])
        return Tile(rows, warps * self._wider)

    def programs(self, kernel: Any, rows: int) -> int:
        """Return how many programs share the tiles of so many rows, each with sums of its own."""
        return min(-(-rows // self.tile(kernel).rows), self.most_programs)

    def over_tiles(self, kernel: Any, rows: int, *arguments: Any, **more: Any) -> None:
        """Start one program for each tile of so many rows."""
        self.start(kernel, -(-rows // self.tile(kernel).rows), *arguments, **more)

    def start(self, kernel: Any, programs: int, *arguments: Any, **more: Any) -> None:
        """Start so many programs of a kernel."""
        if programs == 0:
            return
        tile = self.tile(kernel)
        options = {name: x for name, x in self._options.items() if name in kernel.arg_names}
        here = torch.cuda.device(self.device) if self.device.type == "cuda" else nullcontext()
        with here:
            kernel[(programs,)](
                *arguments, ROWS=tile.rows, **options, **more, num_warps=tile.warps, num_stages=1
            )

    def empty(self, *shape: int) -> Tensor:
        """Return an uninitialised tensor of the working precision."""
        return torch.empty(shape, dtype=self.dtype, device=self.device)

    def sums(self, *shape: int) -> Tensor:
        """Return zeros of the precision in which sums are kept."""
        return torch.zeros(shape, dtype=self.accumulator, device=self.device)
