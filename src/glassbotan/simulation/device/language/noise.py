# mypy: ignore-errors
# ruff: noqa: ANN001, ANN201, ANN202 - Triton's language, with types of its own
"""Random numbers of the thermostat, as in native/ensemble/random.h; see device/noise.py."""

import triton
import triton.language as tl


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
def normal_pair(key0, key1, step, place):
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
