"""Lists, forces and steps in PyTorch alone: what the Triton kernels must give, on any device.

Every function does what the kernel of the same name does, in the same order of sums;
:class:`glassbotan.simulation.device.interface.Kernels` tells what.
"""

from collections.abc import Iterator, Sequence
from itertools import product
from typing import ClassVar

import torch

from glassbotan.simulation.device.lists import IMAGE_BITS, IMAGE_OFFSET, PairList
from glassbotan.simulation.device.moving import Moving
from glassbotan.simulation.device.noise import WORD, normal_pair
from glassbotan.simulation.device.system import SPECIES_SHIFT, System
from glassbotan.simulation.device.walls import hold_back

ELEMENTS = 1 << 21
"""Of an intermediate tensor."""

ABSURD = 1e30
"""What is told in place of a square that is not a number."""

PARTICLE = (1 << SPECIES_SHIFT) - 1


class PlainKernels:
    """The plain form of what a batch is made of."""

    name: ClassVar[str] = "plain"
    skins: ClassVar[tuple[float, float]] = (1.2, 0.4)
    splines: ClassVar[bool] = True
    captures: ClassVar[bool] = False

    def slots(self, system: System) -> int:  # noqa: ARG002 - other kernels need it
        """As :meth:`Kernels.slots`."""
        return 1

    def farthest(
        self,
        system: System,  # noqa: ARG002 - as above
        displacement: torch.Tensor,
        reference: torch.Tensor,
    ) -> torch.Tensor:
        """As :meth:`Kernels.farthest`."""
        squares = (displacement - reference).square().sum(1).amax(1)
        return torch.where(squares < ABSURD, squares, ABSURD)

    def build(
        self, system: System, displacement: torch.Tensor, boxes: Sequence[int], pairs: PairList
    ) -> None:
        """As :meth:`Kernels.build`."""
        for box in boxes:
            _build_box(system, displacement, box, pairs)

    def prune(
        self, system: System, displacement: torch.Tensor, outer: PairList, inner: PairList
    ) -> None:
        """As :meth:`Kernels.prune`."""
        kept = torch.zeros_like(outer.entries, dtype=torch.bool)
        for block in _blocks(system, outer):
            vectors, coefficients, valid = _vectors(system, displacement, outer, block)
            reach = coefficients[..., 7] + inner.skin
            near = (vectors * vectors).sum(2) < (reach * reach)[..., None]
            kept[block] = near.any(2) & valid
        places = torch.cumsum(kept, 0) - 1
        inner.counts.copy_(kept.sum(0))
        rows, columns = torch.nonzero(kept & (places < inner.capacity), as_tuple=True)
        target = places[rows, columns]
        inner.entries[target, columns] = outer.entries[rows, columns]
        inner.base[target, :, columns] = outer.base[rows, :, columns]

    def evaluate(
        self, system: System, displacement: torch.Tensor, pairs: PairList
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """As :meth:`Kernels.evaluate`."""
        return _forces(system, displacement, pairs, with_energy=True)

    def step(
        self, moving: Moving, source: torch.Tensor, target: torch.Tensor, pairs: PairList,
        now: torch.Tensor, offset: int, moved: torch.Tensor,
    ) -> None:  # fmt: skip
        """As :meth:`Kernels.step`."""
        system, lost, half = moving.system, moving.lost, moving.half
        forces, _ = _forces(system, source, pairs, with_energy=False)
        timestep, kept = system.constants
        velocity = half + system.kick[:, None, None] * forces
        drift = timestep * velocity
        if system.thermostatted:
            before = velocity
            deviates = _noise(system, int(now) + offset)
            velocity = kept * velocity + system.strength[:, None, None] * deviates
            drift = (0.5 * timestep) * (before + velocity)
        half.copy_(velocity)
        increment = drift - lost
        torch.add(source, increment, out=target)
        lost.copy_((target - source) - increment)
        squares = (target - moving.reference).square().sum(1).amax()
        sound = squares < ABSURD
        moved.copy_(torch.maximum(moved, torch.where(sound, squares, ABSURD).to(moved.dtype)))


def _blocks(system: System, pairs: PairList) -> Iterator[slice]:
    """Give the rows in use in blocks whose vectors are not too many."""
    used = min(pairs.longest(), pairs.capacity)
    size = max(1, ELEMENTS // (3 * system.particles * system.lanes))
    for first in range(0, used, size):
        yield slice(first, min(first + size, used))


def _vectors(
    system: System, displacement: torch.Tensor, pairs: PairList, block: slice
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return r_second - r_first [C, N, 3, R], coefficients [C, N, 8] and which are pairs [C, N]."""
    entries = pairs.entries[block]
    second, kind = (entries & PARTICLE).long(), (entries >> SPECIES_SHIFT).long()
    base = pairs.base[block].transpose(1, 2)
    vectors = (displacement[second] - displacement[None]) + base[..., None]
    coefficients = system.table[system.species.long() * system.species_count + kind]
    rows = torch.arange(block.start, block.stop, device=entries.device)
    return vectors, coefficients, rows[:, None] < pairs.counts[None]


def _forces(
    system: System, displacement: torch.Tensor, pairs: PairList, *, with_energy: bool
) -> tuple[torch.Tensor, torch.Tensor]:
    forces = system.empty_state()
    energies = forces[:, 0].clone()
    for block in _blocks(system, pairs):
        vectors, coefficients, valid = _vectors(system, displacement, pairs, block)
        x, y, z = vectors.unbind(2)
        r2 = x * x + y * y + z * z
        near = (r2 < coefficients[..., 2, None]) & valid[..., None]
        if system.splines is None:
            strength, well = _lennard_jones(system, coefficients, r2, with_energy=with_energy)
        else:
            strength, well = _interpolated(system, system.splines, pairs.entries[block], r2, near)
        parts = torch.where(near, strength, 0.0)[:, :, None] * vectors
        # One after another: the sum then does not depend on how many rows there are.
        for part in parts:
            forces -= part
        if with_energy:
            for part in torch.where(near, 0.5 * well, 0.0):
                energies += part
    if any(system.caged):
        hold_back(system.walls, displacement, forces, energies if with_energy else None)
    return forces, energies


def _lennard_jones(
    system: System, coefficients: torch.Tensor, r2: torch.Tensor, *, with_energy: bool
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the force over the distance and, if asked for, the energy of pairs [C, N, R]."""
    twelve, six, _, slope, repulsion, attraction, shift, _ = (
        c[..., None] for c in coefficients.unbind(2)
    )
    inverse = 1.0 / r2
    inverse4 = inverse * inverse
    inverse6, inverse8 = inverse4 * inverse, inverse4 * inverse4
    strength = inverse8 * (twelve * inverse6 - six)
    if system.force_shifted:
        strength = strength - slope * (torch.sqrt(r2) * inverse)
    if not with_energy:
        return strength, strength
    well = inverse6 * (repulsion * inverse6 - attraction) - shift
    if system.force_shifted:
        well = well + slope * torch.sqrt(r2)
    return strength, well


def _interpolated(
    system: System,
    splines: tuple[torch.Tensor, torch.Tensor],
    entries: torch.Tensor,
    r2: torch.Tensor,
    near: torch.Tensor,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the same of pairs [C, N, R] from splines; any number where none is near."""
    polynomials, places = splines
    kind = system.species.long() * system.species_count + (entries >> SPECIES_SHIFT).long()
    start, scale = places[kind].unbind(2)
    u = torch.where(near, (r2 - start[..., None]) * scale[..., None], 0.0).clamp(min=0.0)
    interval = u.long().clamp(max=polynomials.shape[1] - 1)
    t = (u - interval)[..., None]
    a, b, c, d = polynomials[kind[..., None], interval].reshape(*u.shape, 2, 4).unbind(-1)
    strength, energy = (a + t * (b + t * (c + t * d))).unbind(-1)
    return strength, energy


def _noise(system: System, step: int) -> torch.Tensor:
    """Return the step's normal numbers, [N_total, 3, R]; none along an axis that a plane lacks."""
    keys = (system.keys.long() & WORD)[system.box_of.long()].transpose(0, 1)
    place = 2 * system.identity.long()[:, None]
    x, y = normal_pair(keys, step, place)
    z, _ = normal_pair(keys, step, place + 1)
    if system.dimension == 2:
        z = torch.zeros_like(z)
    return torch.stack([x, y, z], 1).to(system.dtype)


def _build_box(system: System, displacement: torch.Tensor, box: int, pairs: PairList) -> None:
    rows = system.rows(box)
    moved, origin = displacement[rows].double(), system.origin[rows]
    species, edge = system.species[rows].long(), system.edges[box]
    reach = (
        system.table.reshape(system.species_count, -1, system.table.shape[1])[..., 7] + pairs.skin
    )
    centre = moved.mean(2)
    radius = (moved - centre[..., None]).square().sum(1).amax(1).sqrt()
    centre = centre + origin
    size = max(1, ELEMENTS // (8 * len(origin)))
    keys = [
        _keys_of_rows(
            range(first, min(first + size, len(origin))),
            moved, origin, centre, radius, species, edge, reach.double(), system.dimension,
        )
        for first in range(0, len(origin), size)
    ]  # fmt: skip
    _fill(system, box, torch.cat(keys), pairs)


def _torus(vectors: torch.Tensor, edge: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the shortest images of vectors [..., 3], and how many edges were taken off."""
    inverse = torch.where(edge > 0, 1 / edge, 0.0)
    whole = torch.floor(vectors * inverse + 0.5)
    return vectors - whole * edge, whole


def _keys_of_rows(
    chosen: range,
    moved: torch.Tensor,
    origin: torch.Tensor,
    centre: torch.Tensor,
    radius: torch.Tensor,
    species: torch.Tensor,
    edge: torch.Tensor,
    reach: torch.Tensor,
    dimension: int,
) -> torch.Tensor:
    """Return the pairs of some first particles as sorted numbers: first, second, image."""
    mine = torch.arange(chosen.start, chosen.stop, device=origin.device)
    apart = _torus(centre[None] - centre[mine, None], edge)[0].square().sum(2).sqrt()
    possible = apart < radius[mine, None] + radius[None] + reach[species[mine]][:, species]
    possible[mine - chosen.start, mine] = False
    first, second = torch.nonzero(possible, as_tuple=True)
    first = mine[first]
    limit = reach[species[first], species[second]].square()[:, None]
    found = []
    size = max(1, ELEMENTS // (4 * moved.shape[2]))
    for part in range(0, len(first), size):
        i, j = first[part : part + size], second[part : part + size]
        bound = limit[part : part + size]
        vectors = (moved[j] - moved[i]) + (origin[j] - origin[i])[..., None]
        shortest, whole = _torus(vectors.transpose(1, 2), edge)
        # In a short box the next image along an axis may be in reach as well.
        for other in product((0.0, 1.0), repeat=dimension):
            flip = torch.zeros(3, dtype=edge.dtype, device=edge.device)
            flip[:dimension] = torch.tensor(other, dtype=edge.dtype, device=edge.device)
            turn = flip * torch.where(shortest < 0, -1.0, 1.0)
            near = (shortest - turn * edge).square().sum(2) < bound
            pair, lane = torch.nonzero(near, as_tuple=True)
            image = -(whole + turn)[pair, lane].long() + IMAGE_OFFSET
            code = (image[:, 0] << 2 * IMAGE_BITS) | (image[:, 1] << IMAGE_BITS) | image[:, 2]
            number = i[pair] * len(origin) + j[pair]
            found.append(torch.unique((number << 3 * IMAGE_BITS) | code))
    return torch.unique(torch.cat(found)) if found else first


def _fill(system: System, box: int, keys: torch.Tensor, pairs: PairList) -> None:
    """Write the sorted pairs of a box into their rows."""
    rows, edge = system.rows(box), system.edges[box]
    size, start = rows.stop - rows.start, rows.start
    code, number = keys & ((1 << 3 * IMAGE_BITS) - 1), keys >> 3 * IMAGE_BITS
    first, second = number // size, number % size
    counts = torch.bincount(first, minlength=size)
    pairs.counts[rows] = counts.int()
    ends = torch.cumsum(counts, 0)
    place = torch.arange(len(keys), device=keys.device) - (ends - counts)[first]
    fits = place < pairs.capacity
    first, second, code, place = first[fits] + start, second[fits] + start, code[fits], place[fits]
    mask = (1 << IMAGE_BITS) - 1
    image = torch.stack([code >> 2 * IMAGE_BITS, (code >> IMAGE_BITS) & mask, code & mask], 1)
    shift = (image - IMAGE_OFFSET).double() * edge
    base = system.origin[second] - (system.origin[first] - shift)
    pairs.entries[place, first] = (second | (system.species[second].long() << SPECIES_SHIFT)).int()
    pairs.base[place, :, first] = base.to(pairs.base.dtype)
