"""What a batch is made of, by the Triton kernels of ``language/``.

``plain.py`` is the oracle; names are the same. Needs no GPU to be imported, and with
TRITON_INTERPRET=1 none to be run.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch

from glassbotan.simulation.device.language import lists as lists_language
from glassbotan.simulation.device.language import step as step_language
from glassbotan.simulation.device.lists import ROWS_AT_ONCE, PairList
from glassbotan.simulation.device.moving import Moving
from glassbotan.simulation.device.system import System

SKINS = (2.0, 0.5)
"""Reach of the outer and the inner list beyond the cutoff. Of the particles of a box of 4096 at
T = 0.44 in 32 trajectories the quickest comes 0.25 far in 16 steps, 0.4 in 31, and, as it rattles
in its cage, 0.8 only in 120: a wide outer list is made anew four times as seldom."""

CHUNK = 32
"""Second particles that are looked at together for whether any may be near."""

FUSED: dict[str, Any] = {"enable_fp_fusion": True}
"""Products and sums in one instruction, whatever a version of Triton takes for granted."""


@dataclass(frozen=True)
class TritonKernels:
    """What a batch is made of, in Triton.

    Attributes
    ----------
    tile, warps
        Elements of a step's tile (particles times trajectories), and warps that share it.
    unroll
        Neighbours in one turn of the loop, so that loads of the next overlap sums of the first.
    list_tile
        Elements of a tile where lists are made, by one warp: its sums need no barrier.

    """

    tile: int = 512
    warps: int = 4
    unroll: int = 2
    list_tile: int = 128

    name: ClassVar[str] = "triton"
    splines: ClassVar[bool] = False
    skins: ClassVar[tuple[float, float]] = SKINS
    captures: ClassVar[bool] = True

    def slots(self, system: System) -> int:
        """As :meth:`Kernels.slots`: one a tile of the step."""
        return -(-system.particles // self._block(system))

    def build(
        self, system: System, displacement: torch.Tensor, boxes: Sequence[int], pairs: PairList
    ) -> None:
        """As :meth:`Kernels.build`."""
        block = max(self.list_tile // system.lanes, 4)
        where, dtype = system.device, system.dtype
        firsts = [np.arange(system.starts[b], system.starts[b + 1], block) for b in boxes]
        tiles = torch.as_tensor(np.concatenate(firsts).astype(np.int32))
        owners = torch.as_tensor(np.repeat(boxes, list(map(len, firsts))).astype(np.int32))
        centre = displacement.mean(2)
        radius = torch.zeros(system.particles, dtype=dtype, device=where)
        for lane in range(system.lanes):
            apart = (displacement[:, :, lane] - centre).square().sum(1)
            radius = torch.maximum(radius, apart)
        # Rounding of large displacements must not hide a pair.
        radius = radius.sqrt() * (1 + 1e-5) + 1e-4
        lists_language.build[(len(tiles),)](
            displacement, pairs.entries, pairs.base, pairs.counts, system.species, system.table,
            system.origin, system.origin.to(dtype), system.edges,
            (centre + system.origin).to(dtype).contiguous(), radius,
            tiles.to(where), owners.to(where),
            torch.tensor(system.starts, dtype=torch.int32, device=where),
            system.particles, pairs.capacity, pairs.skin,
            SPECIES=system.species_count, LANES=system.lanes, BLOCK=block, CHUNK=CHUNK,
            SMALL=system.shortest_edge < 2 * (system.cutoff + pairs.skin),
            FLAT=system.dimension == 2, num_warps=1, **FUSED,
        )  # fmt: skip

    def prune(
        self, system: System, displacement: torch.Tensor, outer: PairList, inner: PairList
    ) -> None:
        """As :meth:`Kernels.prune`."""
        block = max(self.list_tile // system.lanes, 4)
        lists_language.prune[(-(-system.particles // block),)](
            displacement, outer.entries, outer.base, outer.counts, inner.entries, inner.base,
            inner.counts, system.species, system.table, system.particles, inner.capacity,
            inner.skin,
            SPECIES=system.species_count, LANES=system.lanes, BLOCK=block, num_warps=1,
            **FUSED,
        )  # fmt: skip

    def evaluate(
        self, system: System, displacement: torch.Tensor, pairs: PairList
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """As :meth:`Kernels.evaluate`."""
        force = torch.empty_like(displacement)
        energy = torch.empty(
            (system.particles, system.lanes), dtype=system.dtype, device=system.device
        )
        step_language.evaluate[(self.slots(system),)](
            displacement, force, energy, pairs.entries, pairs.base, pairs.counts, system.species,
            system.table, system.walls, system.particles, num_warps=self.warps,
            **self._shape(system),
        )  # fmt: skip
        return force, energy

    def step(
        self, moving: Moving, source: torch.Tensor, target: torch.Tensor, pairs: PairList,
        now: torch.Tensor, offset: int, moved: torch.Tensor,
    ) -> None:  # fmt: skip
        """As :meth:`Kernels.step`, in one launch."""
        system = moving.system
        step_language.step[(self.slots(system),)](
            source, target, moving.lost, moving.half, moving.reference, pairs.entries, pairs.base,
            pairs.counts, system.species, system.table, system.walls, system.kick,
            system.strength, system.keys, system.box_of, system.identity, system.constants, now,
            offset, moved, system.particles,
            THERMOSTATTED=system.thermostatted, num_warps=self.warps, **self._shape(system),
        )  # fmt: skip

    def farthest(
        self, system: System, displacement: torch.Tensor, reference: torch.Tensor
    ) -> torch.Tensor:
        """As :meth:`Kernels.farthest`."""
        result = torch.empty(system.particles, dtype=torch.float32, device=system.device)
        lists_language.farthest[(self.slots(system),)](
            displacement, reference, result, system.particles, LANES=system.lanes,
            BLOCK=self._block(system), num_warps=self.warps, **FUSED,
        )  # fmt: skip
        return result

    def _block(self, system: System) -> int:
        """Return the particles of a step's tile."""
        return max(self.tile // system.lanes, 4)

    def _shape(self, system: System) -> dict[str, Any]:
        return {
            "SPECIES": system.species_count,
            "LANES": system.lanes,
            "BLOCK": self._block(system),
            "SHIFTED": system.force_shifted,
            "FLAT": system.dimension == 2,
            "CAGED": any(system.caged),
            "UNROLL": self.unroll,
            "FAST": system.device.type == "cuda" and system.dtype == torch.float32,
            **FUSED,
        }


assert ROWS_AT_ONCE % TritonKernels.unroll == 0
