"""Normal random numbers of the thermostat in PyTorch: those of native/ensemble/random.h.

A pure function of the trajectory's key, the step and the particle: Threefry-2x32 with 20 rounds
(Salmon, Moraes, Dror, Shaw, SC 2011), then Box and Muller, Ann. Math. Stat. 29, 610 (1958).
"""

import torch

ROTATIONS = (13, 15, 26, 6, 17, 29, 16, 24)
WORD = 0xFFFFFFFF
PARITY = 0x1BD11BDA
ROOT_HALF = 0x3F3504F3
"""sqrt(1/2) as the bits of a float32."""


def threefry(
    key: torch.Tensor, counter: tuple[torch.Tensor, torch.Tensor]
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return two words for keys [2, ...] and counters, all of them int64 below 2^32."""
    schedule = (key[0], key[1], key[0] ^ key[1] ^ PARITY)
    x, y = (schedule[0] + counter[0]) & WORD, (schedule[1] + counter[1]) & WORD
    for turn in range(20):
        x = (x + y) & WORD
        by = ROTATIONS[turn % 8]
        y = (((y << by) | (y >> (32 - by))) & WORD) ^ x
        if turn % 4 == 3:
            part = turn // 4 + 1
            x = (x + schedule[part % 3]) & WORD
            y = (y + schedule[(part + 1) % 3] + part) & WORD
    return x, y


def normal_pair(
    key: torch.Tensor, step: int, place: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return two normal numbers each, float32, for keys [2, ...] and places, broadcast."""
    now = torch.tensor(step & WORD, dtype=torch.int64, device=place.device)
    first, second = threefry(key, (now, place))
    uniform = ((first >> 8).to(torch.float32) + 0.5) * 2.0**-24
    signed = torch.where(second >= 1 << 31, second - (1 << 32), second)
    turn = (signed >> 8).to(torch.float32) * 2.0**-24
    radius = torch.sqrt(-2.0 * logarithm(uniform))
    sine, cosine = sine_cosine(turn)
    return radius * cosine, radius * sine


def logarithm(value: torch.Tensor) -> torch.Tensor:
    """Return the natural logarithm of positive normal float32; relative error below 1e-6.

    value = 2^power m with m in [sqrt(1/2), sqrt(2)); log m = 2 artanh z, z = (m - 1) / (m + 1).
    """
    folded = value.view(torch.int32) - ROOT_HALF
    power = folded >> 23
    m = ((folded & 0x007FFFFF) + ROOT_HALF).view(torch.float32)
    z = (m - 1.0) / (m + 1.0)
    z2 = z * z
    series = 2.0 + z2 * (2.0 / 3 + z2 * (2.0 / 5 + z2 * (2.0 / 7 + z2 * (2.0 / 9))))
    return z * series + power.to(torch.float32) * 0.69314718056


def sine_cosine(turn: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return sine and cosine of 2 pi turn for turn in [-1/2, 1/2), float32."""
    quarter = (turn * 4.0 + 8.5).to(torch.int32) - 8
    angle = (turn - quarter.to(torch.float32) * 0.25) * 6.28318530718
    a2 = angle * angle
    s = angle * (1.0 + a2 * (-1.0 / 6 + a2 * (1.0 / 120 + a2 * (-1.0 / 5040 + a2 / 362880))))
    c = 1.0 + a2 * (-0.5 + a2 * (1.0 / 24 + a2 * (-1.0 / 720 + a2 / 40320)))
    odd = (quarter & 1) != 0
    sine, cosine = torch.where(odd, c, s), torch.where(odd, s, c)
    return (
        torch.where((quarter & 2) != 0, -sine, sine),
        torch.where(((quarter + 1) & 2) != 0, -cosine, cosine),
    )
