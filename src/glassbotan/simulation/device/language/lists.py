# mypy: ignore-errors
# ruff: noqa: ANN001, ANN201, ANN202, D103 - Triton's language, with types of its own
"""The rows of the outer and the inner list, and how far particles have come since."""

import triton
import triton.language as tl

from glassbotan.simulation.device.language.tiles import (
    FAR,
    PARTICLE,
    SHIFT,
    C,
    places,
    three_axes,
    tile,
)
from glassbotan.simulation.device.lists import IMAGE_BITS, IMAGE_OFFSET

OFFSET = tl.constexpr(IMAGE_OFFSET)
BITS = tl.constexpr(IMAGE_BITS)
IMAGE_MASK = tl.constexpr((1 << IMAGE_BITS) - 1)
NO_IMAGE = tl.constexpr(2**31 - 1)


@triton.jit
def farthest(displacement, reference, result, particles, LANES: tl.constexpr, BLOCK: tl.constexpr):
    i, here, at = tile(particles, LANES, BLOCK)
    x, y, z = three_axes(displacement, at, LANES)
    x0, y0, z0 = three_axes(reference, at, LANES)
    x -= x0
    y -= y0
    z -= z0
    square = x * x + y * y + z * z
    square = tl.where(square < FAR, square, FAR)
    tl.store(result + i, tl.max(square, axis=1).to(tl.float32), mask=here)


@triton.jit(do_not_specialize=["capacity"])
def prune(
    displacement, entries, base, counts, kept_entries, kept_base, kept_counts, species, table,
    particles, capacity, skin, SPECIES: tl.constexpr, LANES: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    i, here, at = tile(particles, LANES, BLOCK)
    xi, yi, zi = three_axes(displacement, at, LANES)
    row = tl.load(species + i) * (SPECIES * C)
    count = tl.where(here, tl.load(counts + i), 0)
    kept = tl.zeros_like(count)
    entry_at, base_at = entries + i, base + i
    most = tl.max(count, axis=0)
    for k in range(most):
        entry = tl.load(entry_at)
        bx = tl.load(base_at)
        by = tl.load(base_at + particles)
        bz = tl.load(base_at + 2 * particles)
        reach = tl.load(table + row + (entry >> SHIFT) * C + 7) + skin
        xj, yj, zj = three_axes(displacement, places(entry & PARTICLE, LANES), LANES)
        x = (xj - xi) + bx[:, None]
        y = (yj - yi) + by[:, None]
        z = (zj - zi) + bz[:, None]
        nearest = tl.min(x * x + y * y + z * z, axis=1)
        near = (nearest < reach * reach) & (k < count)
        kept = _append(
            kept_entries, kept_base, i, kept, particles, capacity, near, entry, bx, by, bz
        )
        entry_at += particles
        base_at += 3 * particles
    tl.store(kept_counts + i, kept, mask=here)


@triton.jit
def _append(entries, base, i, kept, particles, capacity, found, entry, bx, by, bz):
    """Write a pair behind the rows it was found for, where there is room; return their lengths."""
    fits = found & (kept < capacity)
    place = kept.to(tl.int64) * particles
    tl.store(entries + place + i, entry, mask=fits)
    to = base + 3 * place + i
    tl.store(to, bx, mask=fits)
    tl.store(to + particles, by, mask=fits)
    tl.store(to + 2 * particles, bz, mask=fits)
    return kept + found.to(tl.int32)


@triton.jit
def _lowest_code(
    wx, wy, wz, nx, ny, nz, lx, ly, lz, reach2, allowed, above,
    SMALL: tl.constexpr, FLAT: tl.constexpr,
):  # fmt: skip
    """Return each particle's lowest image in reach in any trajectory beyond ``above``, [BLOCK].

    w [BLOCK, R] are shortest vectors, n the edges taken off. In a SMALL box the next image along
    an axis may be in reach as well.
    """
    sx = tl.where(wx < 0, -1.0, 1.0)
    sy = tl.where(wy < 0, -1.0, 1.0)
    sz = tl.where(wz < 0, -1.0, 1.0)
    best = tl.full(wx.shape, NO_IMAGE, tl.int32)
    alternatives: tl.constexpr = (4 if FLAT else 8) if SMALL else 1
    for other in tl.static_range(alternatives):
        ax = 1.0 if other & 1 else 0.0
        ay = 1.0 if other & 2 else 0.0
        az = 1.0 if other & 4 else 0.0
        x = wx - ax * sx * lx
        y = wy - ay * sy * ly
        z = wz - az * sz * lz
        ix = OFFSET - (nx + ax * sx).to(tl.int32)
        iy = OFFSET - (ny + ay * sy).to(tl.int32)
        iz = OFFSET - (nz + az * sz).to(tl.int32)
        code = (ix << (2 * BITS)) | (iy << BITS) | iz
        near = (x * x + y * y + z * z < reach2[:, None]) & allowed[:, None]
        code = tl.where(near & (code > above[:, None]), code, NO_IMAGE)
        best = tl.minimum(best, code)
    return tl.min(best, axis=1)


@triton.jit(do_not_specialize=["capacity"])
def build(
    displacement, entries, base, counts, species, table, origin, single_origin, edges, centre,
    radius, tile_first, tile_box, starts, particles, capacity, skin,
    SPECIES: tl.constexpr, LANES: tl.constexpr, BLOCK: tl.constexpr, CHUNK: tl.constexpr,
    SMALL: tl.constexpr, FLAT: tl.constexpr,
):  # fmt: skip
    """Rows of one tile of a box: every second particle in order, and of each every image."""
    number_of_tile = tl.program_id(0)
    box = tl.load(tile_box + number_of_tile)
    start, end = tl.load(starts + box), tl.load(starts + box + 1)
    number = tl.load(tile_first + number_of_tile) + tl.arange(0, BLOCK)
    here = number < end
    i = tl.minimum(number, end - 1)
    xi, yi, zi = three_axes(displacement, places(i, LANES), LANES)
    ox, oy, oz = three_axes(single_origin, 3 * i, 1)
    ex, ey, ez = three_axes(edges, 3 * box, 1)
    lx, ly, lz = ex.to(xi.dtype), ey.to(xi.dtype), ez.to(xi.dtype)
    cx, cy, cz = three_axes(centre, 3 * i, 1)
    ri = tl.load(radius + i)
    row = tl.load(species + i) * (SPECIES * C)
    widest = tl.load(table + row + 7)
    for s in tl.static_range(1, SPECIES):
        widest = tl.maximum(widest, tl.load(table + row + s * C + 7))
    kept = tl.zeros([BLOCK], tl.int32)
    for first in range(start, end, CHUNK):
        # Spheres around where particles are in all trajectories: most chunks are out of reach.
        numbers = first + tl.arange(0, CHUNK)
        j = tl.minimum(numbers, end - 1)
        gx, gy, gz = three_axes(centre, 3 * j, 1)
        apart2 = _distance2(
            gx[None, :] - cx[:, None], gy[None, :] - cy[:, None], gz[None, :] - cz[:, None],
            lx, ly, lz,
        )  # fmt: skip
        bound = (ri + widest + skin)[:, None] + tl.load(radius + j)[None, :]
        chance = (apart2 < bound * bound) & (numbers[None, :] < end)
        if tl.max(tl.max(chance.to(tl.int32), axis=1), axis=0) > 0:
            for second in range(first, tl.minimum(first + CHUNK, end)):
                hx, hy, hz = three_axes(centre, 3 * second, 1)
                centres2 = _distance2(hx - cx, hy - cy, hz - cz, lx, ly, lz)
                kind = tl.load(species + second)
                reach = tl.load(table + row + kind * C + 7) + skin
                limit = ri + tl.load(radius + second) + reach
                allowed = here & (i != second) & (centres2 < limit * limit)
                if tl.max(allowed.to(tl.int32), axis=0) > 0:
                    at = second * (3 * LANES) + tl.arange(0, LANES)
                    xj, yj, zj = three_axes(displacement, at, LANES)
                    px, py, pz = three_axes(single_origin, 3 * second, 1)
                    wx, wy, wz, nx, ny, nz = _nearest(
                        (xj[None, :] - xi) + (px - ox)[:, None],
                        (yj[None, :] - yi) + (py - oy)[:, None],
                        (zj[None, :] - zi) + (pz - oz)[:, None],
                        lx, ly, lz,
                    )  # fmt: skip
                    reach2 = reach * reach
                    above = tl.full([BLOCK], -1, tl.int32)
                    code = _lowest_code(
                        wx, wy, wz, nx, ny, nz, lx, ly, lz, reach2, allowed, above, SMALL, FLAT
                    )
                    while tl.min(code, axis=0) < NO_IMAGE:
                        found = code < NO_IMAGE
                        bx, by, bz = _base(origin, i, second, code, ex, ey, ez)
                        entry = tl.zeros_like(i) + (second | (kind << SHIFT))
                        kept = _append(
                            entries, base, i, kept, particles, capacity, found, entry,
                            bx.to(xi.dtype), by.to(xi.dtype), bz.to(xi.dtype),
                        )  # fmt: skip
                        above = tl.where(found, code, NO_IMAGE)
                        code = _lowest_code(
                            wx, wy, wz, nx, ny, nz, lx, ly, lz, reach2, allowed, above, SMALL,
                            FLAT,
                        )  # fmt: skip
    tl.store(counts + i, kept, mask=here)


@triton.jit
def _nearest(x, y, z, lx, ly, lz):
    """Return the shortest image of each vector, and how many edges were taken off."""
    inverse_z = tl.where(lz > 0, 1.0 / tl.where(lz > 0, lz, 1.0), 0.0)
    nx = tl.floor(x * (1.0 / lx) + 0.5)
    ny = tl.floor(y * (1.0 / ly) + 0.5)
    nz = tl.floor(z * inverse_z + 0.5)
    return x - nx * lx, y - ny * ly, z - nz * lz, nx, ny, nz


@triton.jit
def _distance2(x, y, z, lx, ly, lz):
    """Return the square of each vector's shortest image."""
    x, y, z, _, _, _ = _nearest(x, y, z, lx, ly, lz)
    return x * x + y * y + z * z


@triton.jit
def _base(origin, i, second, code, ex, ey, ez):
    """Return the vector to an image of the second particle at the beginning, float64."""
    ix = ((code >> (2 * BITS)) - OFFSET).to(tl.float64)
    iy = (((code >> BITS) & IMAGE_MASK) - OFFSET).to(tl.float64)
    iz = ((code & IMAGE_MASK) - OFFSET).to(tl.float64)
    x, y, z = three_axes(origin, 3 * i, 1)
    xj, yj, zj = three_axes(origin, 3 * second, 1)
    return xj - (x - ix * ex), yj - (y - iy * ey), zj - (z - iz * ez)
