# mypy: ignore-errors
# ruff: noqa: ANN001, ANN201, ANN202 - Triton's language, with types of its own
"""Forces on a tile's particles: of the pairs in their rows, and of walls."""

import triton
import triton.language as tl

from glassbotan.simulation.device.language.tiles import PARTICLE, SHIFT, C, three_axes, tile


@triton.jit
def tile_forces(
    displacement, entries, base, counts, species, table, walls, particles,
    SPECIES: tl.constexpr, LANES: tl.constexpr, BLOCK: tl.constexpr, SHIFTED: tl.constexpr,
    FLAT: tl.constexpr, CAGED: tl.constexpr, ENERGY: tl.constexpr, UNROLL: tl.constexpr,
    FAST: tl.constexpr,
):  # fmt: skip
    """Return this program's particles, their places, which are real, forces, and energy.

    Half of a pair's energy, and all of a wall's; each [BLOCK, R].
    """
    i, here, at = tile(particles, LANES, BLOCK)
    xi, yi, zi = three_axes(displacement, at, LANES)
    count = tl.where(here, tl.load(counts + i), 0)
    fx, fy, fz, energy = _row_forces(
        displacement, entries, base, table, particles, i, count, tl.load(species + i), xi, yi, zi,
        SPECIES, LANES, SHIFTED, FLAT, ENERGY, UNROLL, FAST,
    )  # fmt: skip
    if CAGED:
        pull, x, y, z, wall = _wall(walls, particles, i, xi, yi, zi, ENERGY)
        fx -= pull * x
        fy -= pull * y
        fz -= pull * z
        energy += wall
    mask = here[:, None] & (tl.arange(0, LANES)[None, :] < LANES)
    return i, at, mask, fx, fy, fz, energy


@triton.jit
def _wall(walls, particles, i, xi, yi, zi, ENERGY: tl.constexpr):
    """Return the pull of particles' walls over the distance, where from the centre, the energy."""
    at = walls + i
    x = xi - tl.load(at)[:, None]
    y = yi - tl.load(at + particles)[:, None]
    z = zi - tl.load(at + 2 * particles)[:, None]
    radius = tl.load(at + 3 * particles)[:, None]
    stiffness = tl.load(at + 4 * particles)[:, None]
    distance2 = x * x + y * y + z * z
    outside = distance2 > radius * radius
    distance = tl.sqrt(distance2)
    pull = tl.where(outside, stiffness * (1.0 - radius / distance), 0.0)
    energy = tl.zeros_like(xi)
    if ENERGY:
        excess = distance - radius
        energy = tl.where(outside, 0.5 * stiffness * excess * excess, 0.0)
    return pull, x, y, z, energy


@triton.jit
def _coefficient(table, row, kind, first, second, INDEX: tl.constexpr, SPECIES: tl.constexpr):
    """Return one coefficient of each pair; of two species both are in registers."""
    if SPECIES == 1:
        value = first
    elif SPECIES == 2:
        value = tl.where(kind == 0, first, second)
    else:
        value = tl.load(table + row + kind * C + INDEX)
    return value


@triton.jit
def _reciprocal(value, FAST: tl.constexpr):
    """Return 1 / value to 1 ulp, in one instruction where the hardware has it."""
    if FAST:
        inverse = tl.inline_asm_elementwise(
            "rcp.approx.ftz.f32 $0, $1;", "=f,f", [value], dtype=tl.float32, is_pure=True, pack=1
        )
    else:
        inverse = 1.0 / value
    return inverse


@triton.jit
def _row_forces(
    displacement, entries, base, table, particles, i, count, species, xi, yi, zi,
    SPECIES: tl.constexpr, LANES: tl.constexpr, SHIFTED: tl.constexpr, FLAT: tl.constexpr,
    ENERGY: tl.constexpr, UNROLL: tl.constexpr, FAST: tl.constexpr,
):  # fmt: skip
    """Return forces on a tile's particles and half of their pairs' energy, each [BLOCK, R]."""
    lane = tl.arange(0, LANES)
    row = species * (SPECIES * C)
    last = row + (SPECIES - 1) * C
    twelve0, twelve1 = tl.load(table + row), tl.load(table + last)
    six0, six1 = tl.load(table + row + 1), tl.load(table + last + 1)
    cutoff0, cutoff1 = tl.load(table + row + 2), tl.load(table + last + 2)
    fx, fy, fz = tl.zeros_like(xi), tl.zeros_like(xi), tl.zeros_like(xi)
    energy = tl.zeros_like(xi)
    entry_at, base_at = entries + i, base + i
    most = tl.max(count, axis=0)
    for k in range(0, most, UNROLL):
        for u in tl.static_range(UNROLL):
            entry = tl.load(entry_at + u * particles)
            kind = entry >> SHIFT
            at = displacement + ((entry & PARTICLE) * (3 * LANES))[:, None] + lane[None, :]
            here = base_at + (3 * u) * particles
            x = (tl.load(at) - xi) + tl.load(here)[:, None]
            y = (tl.load(at + LANES) - yi) + tl.load(here + particles)[:, None]
            r2 = x * x + y * y
            z = zi
            if not FLAT:
                z = (tl.load(at + 2 * LANES) - zi) + tl.load(here + 2 * particles)[:, None]
                r2 += z * z
            twelve = _coefficient(table, row, kind, twelve0, twelve1, 0, SPECIES)[:, None]
            six = _coefficient(table, row, kind, six0, six1, 1, SPECIES)[:, None]
            cutoff2 = _coefficient(table, row, kind, cutoff0, cutoff1, 2, SPECIES)
            # What lies behind the end of a row is no pair.
            near = r2 < tl.where(k + u < count, cutoff2, 0.0)[:, None]
            inverse = _reciprocal(r2, FAST)
            inverse4 = inverse * inverse
            inverse6 = inverse4 * inverse
            strength = (inverse4 * inverse4) * (twelve * inverse6 - six)
            if SHIFTED:
                slope = tl.load(table + row + kind * C + 3)[:, None]
                strength -= slope * (tl.sqrt(r2) * inverse)
            strength = tl.where(near, strength, 0.0)
            fx -= strength * x
            fy -= strength * y
            if not FLAT:
                fz -= strength * z
            if ENERGY:
                more = table + row + kind * C
                well = inverse6 * (
                    tl.load(more + 4)[:, None] * inverse6 - tl.load(more + 5)[:, None]
                ) - tl.load(more + 6)[:, None]  # fmt: skip
                if SHIFTED:
                    well += slope * tl.sqrt(r2)
                energy += tl.where(near, 0.5 * well, 0.0)
        entry_at += UNROLL * particles
        base_at += (3 * UNROLL) * particles
    return fx, fy, fz, energy
