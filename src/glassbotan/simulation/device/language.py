# mypy: ignore-errors
# ruff: noqa: ANN001, ANN201, ANN202, D103, PLR0915 - Triton's language, with types of its own
"""Lists, forces and steps as Triton kernels; ``kernels.py`` launches them.

One program does a few particles in all of their trajectories.

A tile is [particles, R]; the R trajectories of a particle lie side by side in memory, so that a
warp reads whole lines wherever its neighbours are. Lists are [K, N]: the k-th neighbours of a
tile's particles are side by side too. No program writes what another reads in the same launch:
displacements are read from one buffer and written to another, and there are no atomics.
"""

import triton
import triton.language as tl

from glassbotan.simulation.device.lists import IMAGE_BITS, IMAGE_OFFSET
from glassbotan.simulation.device.plain import ABSURD
from glassbotan.simulation.device.system import COEFFICIENTS, SPECIES_SHIFT

C = tl.constexpr(COEFFICIENTS)
SHIFT = tl.constexpr(SPECIES_SHIFT)
PARTICLE = tl.constexpr((1 << SPECIES_SHIFT) - 1)
FAR = tl.constexpr(ABSURD)
OFFSET = tl.constexpr(IMAGE_OFFSET)
BITS = tl.constexpr(IMAGE_BITS)
IMAGE_MASK = tl.constexpr((1 << IMAGE_BITS) - 1)
NO_IMAGE = tl.constexpr(2**31 - 1)


# Forces


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


@triton.jit
def evaluate(
    displacement, force, energy, entries, base, counts, species, table, particles,
    SPECIES: tl.constexpr, LANES: tl.constexpr, BLOCK: tl.constexpr, SHIFTED: tl.constexpr,
    FLAT: tl.constexpr, UNROLL: tl.constexpr, FAST: tl.constexpr,
):  # fmt: skip
    number = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    here = number < particles
    i = tl.minimum(number, particles - 1)
    lane = tl.arange(0, LANES)
    at = (i * (3 * LANES))[:, None] + lane[None, :]
    xi = tl.load(displacement + at)
    yi = tl.load(displacement + at + LANES)
    zi = tl.load(displacement + at + 2 * LANES)
    count = tl.where(here, tl.load(counts + i), 0)
    fx, fy, fz, well = _row_forces(
        displacement, entries, base, table, particles, i, count, tl.load(species + i), xi, yi, zi,
        SPECIES, LANES, SHIFTED, FLAT, True, UNROLL, FAST,
    )  # fmt: skip
    mask = here[:, None] & (lane[None, :] < LANES)
    tl.store(force + at, fx, mask=mask)
    tl.store(force + at + LANES, fy, mask=mask)
    tl.store(force + at + 2 * LANES, fz, mask=mask)
    tl.store(energy + (i * LANES)[:, None] + lane[None, :], well, mask=mask)


# Random numbers, as in native/ensemble/random.h


@triton.jit
def _four_rounds(x, y, A: tl.constexpr, B: tl.constexpr, E: tl.constexpr, D: tl.constexpr):
    x += y
    y = ((y << A) | (y >> (32 - A))) ^ x
    x += y
    y = ((y << B) | (y >> (32 - B))) ^ x
    x += y
    y = ((y << E) | (y >> (32 - E))) ^ x
    x += y
    y = ((y << D) | (y >> (32 - D))) ^ x
    return x, y


@triton.jit
def _normal_pair(key0, key1, step, place):
    """Return two normal numbers, float32, for keys and places (uint32), broadcast."""
    key2 = key0 ^ key1 ^ tl.full([1, 1], 0x1BD11BDA, tl.uint32)
    x = key0 + step
    y = key1 + place
    x, y = _four_rounds(x, y, 13, 15, 26, 6)
    x += key1
    y += key2 + tl.full([1, 1], 1, tl.uint32)
    x, y = _four_rounds(x, y, 17, 29, 16, 24)
    x += key2
    y += key0 + tl.full([1, 1], 2, tl.uint32)
    x, y = _four_rounds(x, y, 13, 15, 26, 6)
    x += key0
    y += key1 + tl.full([1, 1], 3, tl.uint32)
    x, y = _four_rounds(x, y, 17, 29, 16, 24)
    x += key1
    y += key2 + tl.full([1, 1], 4, tl.uint32)
    x, y = _four_rounds(x, y, 13, 15, 26, 6)
    x += key2
    y += key0 + tl.full([1, 1], 5, tl.uint32)
    # (0, 1) in steps of 2^-24, and [-1/2, 1/2).
    uniform = ((x >> 8).to(tl.int32).to(tl.float32) + 0.5) * 5.9604644775390625e-08
    turn = (y.to(tl.int32, bitcast=True) >> 8).to(tl.float32) * 5.9604644775390625e-08
    radius = tl.sqrt(-2.0 * _logarithm(uniform))
    quarter = (turn * 4.0 + 8.5).to(tl.int32) - 8
    angle = (turn - quarter.to(tl.float32) * 0.25) * 6.28318530718
    a2 = angle * angle
    s = angle * (
        1.0 + a2 * (-0.16666666666666666 + a2 * (
            0.008333333333333333 + a2 * (-0.0001984126984126984 + a2 * 2.7557319223985893e-06)))
    )  # fmt: skip
    c4 = 0.041666666666666664 + a2 * (-0.001388888888888889 + a2 * 2.48015873015873e-05)
    c = 1.0 + a2 * (-0.5 + a2 * c4)
    odd = (quarter & 1) != 0
    sine, cosine = tl.where(odd, c, s), tl.where(odd, s, c)
    sine = tl.where((quarter & 2) != 0, -sine, sine)
    cosine = tl.where(((quarter + 1) & 2) != 0, -cosine, cosine)
    return radius * cosine, radius * sine


@triton.jit
def _logarithm(value):
    """Return the natural logarithm of positive normal float32; relative error below 1e-6."""
    folded = value.to(tl.int32, bitcast=True) - 0x3F3504F3
    power = folded >> 23
    m = ((folded & 0x007FFFFF) + 0x3F3504F3).to(tl.float32, bitcast=True)
    z = (m - 1.0) / (m + 1.0)
    z2 = z * z
    series = 2.0 + z2 * (
        0.6666666666666666 + z2 * (0.4 + z2 * (0.2857142857142857 + z2 * 0.2222222222222222))
    )
    return z * series + power.to(tl.float32) * 0.69314718056


# The step


@triton.jit
def _move(
    source, target, lost, half, reference, at, mask, force, deviate, kick, strength, timestep,
    kept, THERMOSTATTED: tl.constexpr,
):  # fmt: skip
    """Move along one axis; return the square of the distance from the reference."""
    velocity = tl.load(half + at) + kick * force
    drift = timestep * velocity
    if THERMOSTATTED:
        before = velocity
        velocity = kept * velocity + strength * deviate
        drift = (0.5 * timestep) * (before + velocity)
    tl.store(half + at, velocity, mask=mask)
    old = tl.load(source + at)
    increment = drift - tl.load(lost + at)
    new = old + increment
    # What rounding takes from the displacement is kept for the next step (Kahan's sum).
    tl.store(lost + at, (new - old) - increment, mask=mask)
    tl.store(target + at, new, mask=mask)
    away = new - tl.load(reference + at)
    return away * away


@triton.jit(do_not_specialize=["offset"])
def step(
    source, target, lost, half, reference, entries, base, counts, species, table, kick, strength,
    keys, box_of, identity, constants, now, offset, moved, particles,
    SPECIES: tl.constexpr, LANES: tl.constexpr, BLOCK: tl.constexpr, SHIFTED: tl.constexpr,
    FLAT: tl.constexpr, THERMOSTATTED: tl.constexpr, UNROLL: tl.constexpr, FAST: tl.constexpr,
):  # fmt: skip
    number = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    here = number < particles
    i = tl.minimum(number, particles - 1)
    lane = tl.arange(0, LANES)
    at = (i * (3 * LANES))[:, None] + lane[None, :]
    xi = tl.load(source + at)
    yi = tl.load(source + at + LANES)
    zi = tl.load(source + at + 2 * LANES)
    count = tl.where(here, tl.load(counts + i), 0)
    fx, fy, fz, _ = _row_forces(
        source, entries, base, table, particles, i, count, tl.load(species + i), xi, yi, zi,
        SPECIES, LANES, SHIFTED, FLAT, False, UNROLL, FAST,
    )  # fmt: skip
    timestep, kept = tl.load(constants), tl.load(constants + 1)
    dx, dy, dz, deviation = fx, fy, fz, 0.0
    if THERMOSTATTED:
        box = tl.load(box_of + i)
        key_at = keys + (box * (2 * LANES))[:, None] + lane[None, :]
        key0 = tl.load(key_at).to(tl.uint32, bitcast=True)
        key1 = tl.load(key_at + LANES).to(tl.uint32, bitcast=True)
        step = (tl.load(now) + offset).to(tl.uint32)
        place = (2 * tl.load(identity + i)).to(tl.uint32)[:, None]
        dx, dy = _normal_pair(key0, key1, step, place)
        if not FLAT:
            dz, _ = _normal_pair(key0, key1, step, place + tl.full([1, 1], 1, tl.uint32))
            dz = dz.to(fx.dtype)
        dx, dy = dx.to(fx.dtype), dy.to(fx.dtype)
        deviation = tl.load(strength + i)[:, None]
    push = tl.load(kick + i)[:, None]
    mask = here[:, None] & (lane[None, :] < LANES)
    moved2 = _move(
        source, target, lost, half, reference, at, mask, fx, dx, push, deviation, timestep, kept,
        THERMOSTATTED,
    )  # fmt: skip
    moved2 += _move(
        source, target, lost, half, reference, at + LANES, mask, fy, dy, push, deviation,
        timestep, kept, THERMOSTATTED,
    )  # fmt: skip
    if not FLAT:
        moved2 += _move(
            source, target, lost, half, reference, at + 2 * LANES, mask, fz, dz, push, deviation,
            timestep, kept, THERMOSTATTED,
        )  # fmt: skip
    # Not a number is as far as can be.
    moved2 = tl.where(moved2 < FAR, moved2, FAR)
    largest = tl.max(tl.max(moved2, axis=1), axis=0).to(tl.float32)
    slot = moved + tl.program_id(0)
    tl.store(slot, tl.maximum(tl.load(slot), largest))


@triton.jit
def farthest(displacement, reference, result, particles, LANES: tl.constexpr, BLOCK: tl.constexpr):
    number = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    i = tl.minimum(number, particles - 1)
    at = (i * (3 * LANES))[:, None] + tl.arange(0, LANES)[None, :]
    x = tl.load(displacement + at) - tl.load(reference + at)
    y = tl.load(displacement + at + LANES) - tl.load(reference + at + LANES)
    z = tl.load(displacement + at + 2 * LANES) - tl.load(reference + at + 2 * LANES)
    square = x * x + y * y + z * z
    square = tl.where(square < FAR, square, FAR)
    tl.store(result + i, tl.max(square, axis=1).to(tl.float32), mask=number < particles)


# Lists


@triton.jit(do_not_specialize=["capacity"])
def prune(
    displacement, entries, base, counts, kept_entries, kept_base, kept_counts, species, table,
    particles, capacity, skin, SPECIES: tl.constexpr, LANES: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    number = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    here = number < particles
    i = tl.minimum(number, particles - 1)
    lane = tl.arange(0, LANES)
    at = displacement + (i * (3 * LANES))[:, None] + lane[None, :]
    xi, yi, zi = tl.load(at), tl.load(at + LANES), tl.load(at + 2 * LANES)
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
        other = displacement + ((entry & PARTICLE) * (3 * LANES))[:, None] + lane[None, :]
        x = (tl.load(other) - xi) + bx[:, None]
        y = (tl.load(other + LANES) - yi) + by[:, None]
        z = (tl.load(other + 2 * LANES) - zi) + bz[:, None]
        nearest = tl.min(x * x + y * y + z * z, axis=1)
        near = (nearest < reach * reach) & (k < count)
        fits = near & (kept < capacity)
        place = kept.to(tl.int64) * particles
        tl.store(kept_entries + place + i, entry, mask=fits)
        to = kept_base + 3 * place + i
        tl.store(to, bx, mask=fits)
        tl.store(to + particles, by, mask=fits)
        tl.store(to + 2 * particles, bz, mask=fits)
        kept += near.to(tl.int32)
        entry_at += particles
        base_at += 3 * particles
    tl.store(kept_counts + i, kept, mask=here)


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
    tile = tl.program_id(0)
    box = tl.load(tile_box + tile)
    start, end = tl.load(starts + box), tl.load(starts + box + 1)
    number = tl.load(tile_first + tile) + tl.arange(0, BLOCK)
    here = number < end
    i = tl.minimum(number, end - 1)
    lane = tl.arange(0, LANES)
    at = displacement + (i * (3 * LANES))[:, None] + lane[None, :]
    xi, yi, zi = tl.load(at), tl.load(at + LANES), tl.load(at + 2 * LANES)
    ox, oy, oz = (
        tl.load(single_origin + 3 * i),
        tl.load(single_origin + 3 * i + 1),
        tl.load(single_origin + 3 * i + 2),
    )
    ex, ey, ez = (
        tl.load(edges + 3 * box),
        tl.load(edges + 3 * box + 1),
        tl.load(edges + 3 * box + 2),
    )
    lx, ly, lz = ex.to(xi.dtype), ey.to(xi.dtype), ez.to(xi.dtype)
    inverse_x, inverse_y = 1.0 / lx, 1.0 / ly
    inverse_z = tl.where(lz > 0, 1.0 / tl.where(lz > 0, lz, 1.0), 0.0)
    cx, cy, cz = tl.load(centre + 3 * i), tl.load(centre + 3 * i + 1), tl.load(centre + 3 * i + 2)
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
        gx = tl.load(centre + 3 * j)[None, :] - cx[:, None]
        gy = tl.load(centre + 3 * j + 1)[None, :] - cy[:, None]
        gz = tl.load(centre + 3 * j + 2)[None, :] - cz[:, None]
        gx -= lx * tl.floor(gx * inverse_x + 0.5)
        gy -= ly * tl.floor(gy * inverse_y + 0.5)
        gz -= lz * tl.floor(gz * inverse_z + 0.5)
        bound = (ri + widest + skin)[:, None] + tl.load(radius + j)[None, :]
        chance = (gx * gx + gy * gy + gz * gz < bound * bound) & (numbers[None, :] < end)
        if tl.max(tl.max(chance.to(tl.int32), axis=1), axis=0) > 0:
            for second in range(first, tl.minimum(first + CHUNK, end)):
                hx = tl.load(centre + 3 * second) - cx
                hy = tl.load(centre + 3 * second + 1) - cy
                hz = tl.load(centre + 3 * second + 2) - cz
                hx -= lx * tl.floor(hx * inverse_x + 0.5)
                hy -= ly * tl.floor(hy * inverse_y + 0.5)
                hz -= lz * tl.floor(hz * inverse_z + 0.5)
                kind = tl.load(species + second)
                reach = tl.load(table + row + kind * C + 7) + skin
                limit = ri + tl.load(radius + second) + reach
                allowed = here & (i != second) & (hx * hx + hy * hy + hz * hz < limit * limit)
                if tl.max(allowed.to(tl.int32), axis=0) > 0:
                    from_ = displacement + second * (3 * LANES) + lane
                    wx = (tl.load(from_)[None, :] - xi) + (
                        tl.load(single_origin + 3 * second) - ox
                    )[:, None]
                    wy = (tl.load(from_ + LANES)[None, :] - yi) + (
                        tl.load(single_origin + 3 * second + 1) - oy
                    )[:, None]
                    wz = (tl.load(from_ + 2 * LANES)[None, :] - zi) + (
                        tl.load(single_origin + 3 * second + 2) - oz
                    )[:, None]
                    nx = tl.floor(wx * inverse_x + 0.5)
                    ny = tl.floor(wy * inverse_y + 0.5)
                    nz = tl.floor(wz * inverse_z + 0.5)
                    wx -= nx * lx
                    wy -= ny * ly
                    wz -= nz * lz
                    reach2 = reach * reach
                    above = tl.full([BLOCK], -1, tl.int32)
                    code = _lowest_code(
                        wx, wy, wz, nx, ny, nz, lx, ly, lz, reach2, allowed, above, SMALL, FLAT
                    )
                    while tl.min(code, axis=0) < NO_IMAGE:
                        found = code < NO_IMAGE
                        ix = ((code >> (2 * BITS)) - OFFSET).to(tl.float64)
                        iy = (((code >> BITS) & IMAGE_MASK) - OFFSET).to(tl.float64)
                        iz = ((code & IMAGE_MASK) - OFFSET).to(tl.float64)
                        bx = tl.load(origin + 3 * second) - (tl.load(origin + 3 * i) - ix * ex)
                        by = tl.load(origin + 3 * second + 1) - (
                            tl.load(origin + 3 * i + 1) - iy * ey
                        )
                        bz = tl.load(origin + 3 * second + 2) - (
                            tl.load(origin + 3 * i + 2) - iz * ez
                        )
                        fits = found & (kept < capacity)
                        place = kept.to(tl.int64) * particles
                        entry = tl.zeros_like(i) + (second | (kind << SHIFT))
                        tl.store(entries + place + i, entry, mask=fits)
                        to = base + 3 * place + i
                        tl.store(to, bx.to(xi.dtype), mask=fits)
                        tl.store(to + particles, by.to(xi.dtype), mask=fits)
                        tl.store(to + 2 * particles, bz.to(xi.dtype), mask=fits)
                        kept += found.to(tl.int32)
                        above = tl.where(found, code, NO_IMAGE)
                        code = _lowest_code(
                            wx, wy, wz, nx, ny, nz, lx, ly, lz, reach2, allowed, above, SMALL,
                            FLAT,
                        )  # fmt: skip
    tl.store(counts + i, kept, mask=here)
