# mypy: ignore-errors
# ruff: noqa: ANN001, ANN201, ANN202, D103 - Triton's language, with types of its own
"""Forces and energies of now, and a timestep."""

import triton
import triton.language as tl

from glassbotan.simulation.device.language.forces import tile_forces
from glassbotan.simulation.device.language.noise import normal_pair
from glassbotan.simulation.device.language.tiles import FAR


@triton.jit
def evaluate(
    displacement, force, energy, entries, base, counts, species, table, walls, particles,
    SPECIES: tl.constexpr, LANES: tl.constexpr, BLOCK: tl.constexpr, SHIFTED: tl.constexpr,
    FLAT: tl.constexpr, CAGED: tl.constexpr, UNROLL: tl.constexpr, FAST: tl.constexpr,
):  # fmt: skip
    i, at, mask, fx, fy, fz, well = tile_forces(
        displacement, entries, base, counts, species, table, walls, particles,
        SPECIES, LANES, BLOCK, SHIFTED, FLAT, CAGED, True, UNROLL, FAST,
    )  # fmt: skip
    tl.store(force + at, fx, mask=mask)
    tl.store(force + at + LANES, fy, mask=mask)
    tl.store(force + at + 2 * LANES, fz, mask=mask)
    tl.store(energy + (i * LANES)[:, None] + tl.arange(0, LANES)[None, :], well, mask=mask)


@triton.jit(do_not_specialize=["offset"])
def step(
    source, target, lost, half, reference, entries, base, counts, species, table, walls, kick,
    strength, keys, box_of, identity, constants, now, offset, moved, particles,
    SPECIES: tl.constexpr, LANES: tl.constexpr, BLOCK: tl.constexpr, SHIFTED: tl.constexpr,
    FLAT: tl.constexpr, CAGED: tl.constexpr, THERMOSTATTED: tl.constexpr, UNROLL: tl.constexpr,
    FAST: tl.constexpr,
):  # fmt: skip
    i, at, mask, fx, fy, fz, _ = tile_forces(
        source, entries, base, counts, species, table, walls, particles,
        SPECIES, LANES, BLOCK, SHIFTED, FLAT, CAGED, False, UNROLL, FAST,
    )  # fmt: skip
    timestep, kept = tl.load(constants), tl.load(constants + 1)
    dx, dy, dz, deviation = fx, fy, fz, 0.0
    if THERMOSTATTED:
        dx, dy, dz = _deviates(keys, box_of, identity, now, offset, i, fx.dtype, LANES, FLAT)
        deviation = tl.load(strength + i)[:, None]
    push = tl.load(kick + i)[:, None]
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
def _deviates(
    keys, box_of, identity, now, offset, i, kind: tl.constexpr,
    LANES: tl.constexpr, FLAT: tl.constexpr,
):  # fmt: skip
    """Return the step's normal numbers by axis; none along an axis that a plane lacks."""
    lane = tl.arange(0, LANES)
    key_at = keys + (tl.load(box_of + i) * (2 * LANES))[:, None] + lane[None, :]
    key0 = tl.load(key_at).to(tl.uint32, bitcast=True)
    key1 = tl.load(key_at + LANES).to(tl.uint32, bitcast=True)
    step = (tl.load(now) + offset).to(tl.uint32)
    place = (2 * tl.load(identity + i)).to(tl.uint32)[:, None]
    x, y = normal_pair(key0, key1, step, place)
    z = x
    if not FLAT:
        z, _ = normal_pair(key0, key1, step, place + tl.full([1, 1], 1, tl.uint32))
    return x.to(kind), y.to(kind), z.to(kind)


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
