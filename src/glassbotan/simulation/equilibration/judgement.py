"""Is it in equilibrium? What the record of a hold says, and how surely.

Two things would still change in a liquid that has not reached equilibrium: its energy would fall,
and its relaxation would slow down (ageing: Kob, Barrat, Phys. Rev. Lett. 78, 4581 (1997)). Both are
compared between the first and the second half of the hold, in units of the standard error of the
difference, which comes from averages over blocks that are at least a relaxation time long.
"""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from glassbotan.dynamics import tau_alpha
from glassbotan.dynamics.estimate import concise, plain
from glassbotan.simulation.equilibration.record import HoldRecord
from glassbotan.structure.periodic import FloatArray

Verdict = Literal["equilibrated", "not yet", "cannot tell"]

LEVELS: tuple[tuple[float, Verdict, str], ...] = (
    (3.0, "not yet", "still"),
    (2.0, "cannot tell", "perhaps"),
)
"""Standard errors from which a change is held to be real, and from which it may be."""

LEAST_HELD = 2.5
"""Relaxation times in less than which no two parts of a hold can be compared."""

ENERGY_BLOCK = 1.5
"""Length of a block of energies in units of the slower of relaxation and thermostat: with 1, one
in thirty stationary runs whose energy is as slow as that would pass for drifting."""

MOST_AGEING = 0.5
"""Relative change of tau_alpha that must lie two standard errors or more beyond what was found."""


@dataclass(frozen=True)
class Change:
    """A quantity's second half of the hold less its first.

    Attributes
    ----------
    value, error
        The difference and its standard error; NaN where they are not known.
    z
        The difference in standard errors, by Student's distribution as rare as that many are in
        the normal distribution: few blocks tell less than many.

    """

    value: float
    error: float
    z: float


UNKNOWN = Change(np.nan, np.nan, np.nan)


@dataclass(frozen=True)
class Judgement:
    """Whether a hold has shown equilibrium.

    Attributes
    ----------
    verdict
        "equilibrated": nothing changes any more, and a change worth speaking of would have been
        seen. "not yet": something changes, or F_s has not even fallen to 1/e. "cannot tell".
    reason
        Why, in a sentence.
    time, held
        How long it was held, in time units and in units of tau_alpha.
    tau_alpha
        In which F_s of the majority species falls to 1/e; NaN where it did not.
    temperature
        By the kinetic energy.
    energy, energy_error
        Potential energy a particle in the second half of the hold, and its standard error.
    energy_drift
        Its change between the halves.
    scattering_change
        Change of F_s at a lag of tau_alpha; above 0 it ages.
    tau_ratio, tau_ratio_error
        Relaxation time of the second half over that of the first.

    """

    verdict: Verdict
    reason: str
    time: float
    held: float
    tau_alpha: float
    temperature: float
    energy: float
    energy_error: float
    energy_drift: Change
    scattering_change: Change
    tau_ratio: float
    tau_ratio_error: float

    def as_dict(self) -> dict[str, object]:
        """Return all of it as JSON knows it; None for NaN."""
        return dict(plain(self))

    def describe(self) -> str:
        """Return the numbers in a line."""
        if np.isnan(self.tau_alpha):
            return f"T = {self.temperature:.4f}, energy {concise(self.energy, self.energy_error)}"
        drift, change = self.energy_drift, self.scattering_change
        return (
            f"tau_alpha = {self.tau_alpha:.4g}, held {self.held:.3g} of them; "
            f"T = {self.temperature:.4f}; "
            f"energy {concise(self.energy, self.energy_error)} a particle, change "
            f"{drift.value:+.2g} ({drift.z:+.1f} standard errors); "
            f"tau_alpha late / early {concise(self.tau_ratio, self.tau_ratio_error)} "
            f"({change.z:+.1f} standard errors)"
        )


def judge(
    record: HoldRecord,
    time: float,
    *,
    temperature: float,
    damping: float = 0.0,
    common_start: bool = False,
) -> Judgement:
    """Judge a hold by its record.

    Parameters
    ----------
    record
        Of one trajectory, or of several.
    time
        How long the hold was.
    temperature
        By the kinetic energy.
    damping
        In which the thermostat exchanges heat: the energy changes no faster.
    common_start
        Several trajectories leave one snapshot. What is special in the snapshot is in all of them
        at first, so that in the first half they count as one sample, and only in the second as
        many.

    """
    tau = record.tau_alpha()
    half = (record.frames - 1) // 2
    early, late = record.energies[:half], record.energies[half : 2 * half]
    blocks = _blocks(half * record.spacing, ENERGY_BLOCK * max(tau, damping))
    scattering_change, tau_ratio, tau_ratio_error = _ageing(record, half, common_start=common_start)
    found = Judgement(
        verdict="cannot tell",
        reason="",
        time=time,
        held=time / tau,
        tau_alpha=tau,
        temperature=temperature,
        energy=float(late.mean()) if late.size else np.nan,
        energy_error=_mean_error(late, blocks),
        energy_drift=_change(early, late, blocks, common_start=common_start),
        scattering_change=scattering_change,
        tau_ratio=tau_ratio,
        tau_ratio_error=tau_ratio_error,
    )
    verdict, reason = _verdict(found)
    return replace(found, verdict=verdict, reason=reason)


def _verdict(found: Judgement) -> tuple[Verdict, str]:
    """Return the verdict and why."""
    if np.isnan(found.tau_alpha):
        return "not yet", f"F_s has not fallen to 1/e within the {found.time:g} that it was held"
    changes = {
        "the energy": (found.energy_drift.z, "falls", "rises"),
        "relaxation": (found.scattering_change.z, "gets faster", "gets slower"),
    }
    for level, verdict, still in LEVELS:
        for what, (z, falls, rises) in changes.items():
            if abs(z) >= level:
                moves = falls if z < 0 else rises
                return verdict, f"{what} {still} {moves} ({abs(z):.1f} standard errors)"
    if found.held < LEAST_HELD or np.isnan(found.scattering_change.z + found.energy_drift.z):
        return "cannot tell", (
            f"{found.held:.3g} relaxation times are too few to compare their two halves; hold it "
            "longer"
        )
    most = abs(found.tau_ratio - 1) + 2 * found.tau_ratio_error
    if not most <= MOST_AGEING:
        return "cannot tell", (
            f"tau_alpha may still change by {most:.0%} from one half of the hold to the other; "
            "hold it longer"
        )
    return "equilibrated", f"no drift of the energy, and no ageing beyond {most:.0%} of tau_alpha"


def _ageing(record: HoldRecord, half: int, *, common_start: bool) -> tuple[Change, float, float]:
    """Return what F_s says, early against late: its change, and tau_alpha's ratio with error."""
    tau, spacing = record.tau_alpha(), record.spacing
    if np.isnan(tau):
        return UNKNOWN, np.nan, np.nan
    lag = min(max(1, round(tau / spacing)), half)
    if half < 1 or lag * spacing < 0.5 * tau:
        return UNKNOWN, np.nan, np.nan
    origins = half - lag + 1
    at_lag = np.array([record.scattering[i, i + lag] for i in range(record.frames - lag)])
    early, late = at_lag[:origins], at_lag[half : half + origins]
    blocks = _blocks((origins - 1) * spacing, tau)
    change = _change(early, late, blocks, common_start=common_start)

    times = spacing * np.arange(1, half + 1, dtype=np.float64)
    curves = [record.relaxation(0, half + 1), record.relaxation(half, 2 * half + 1)]
    before, after = (tau_alpha(times, curve) for curve in curves)
    slope = _slope(times, np.mean(curves, axis=0), lag)
    if np.isfinite(after / before):
        ratio = after / before
    else:
        # A half too short for its own crossing: by the change at one lag.
        ratio = float(np.exp(change.value / slope)) if slope > 0 else np.nan
    return change, ratio, ratio * change.error / slope if slope > 0 else np.nan


def _slope(times: FloatArray, curve: FloatArray, lag: int) -> float:
    """Return -dF_s / d ln t about a lag: what a relative change of tau_alpha does to F_s."""
    below, above = max(lag - 2, 0), min(lag, len(times) - 1)
    if below == above:
        return np.nan
    return float((curve[below] - curve[above]) / np.log(times[above] / times[below]))


def _blocks(duration: float, tau: float) -> int:
    """Return into how many blocks of at least tau a time can be divided; at least 1."""
    return max(1, int(duration / tau + 1e-9)) if np.isfinite(tau) and tau > 0 else 1


def _block_means(samples: FloatArray, blocks: int) -> FloatArray:
    """Return means [B, R] over consecutive blocks of samples [T, R]."""
    parts = np.array_split(samples, min(blocks, len(samples)))
    return np.array([part.mean(axis=0) for part in parts])


def _mean_error(samples: FloatArray, blocks: int) -> float:
    """Return the standard error of the mean of samples [T, R]; NaN from a single block."""
    if not len(samples):
        return np.nan
    means = _block_means(samples, blocks).ravel()
    return float(means.std(ddof=1) / np.sqrt(len(means))) if len(means) > 1 else np.nan


def _change(early: FloatArray, late: FloatArray, blocks: int, *, common_start: bool) -> Change:
    """Return the change between samples [T, R] of two stretches of equal length.

    A steady drift must not hide behind the scatter that it makes within each half, so scatter
    counts from the straight line through all blocks; among trajectories with a common start, from
    their mean in each block of the second half.
    """
    if not (len(early) and len(late)):
        return UNKNOWN
    before, after = _block_means(early, blocks), _block_means(late, blocks)
    difference = float(after.mean() - before.mean())
    if common_start:
        scatter = after - after.mean(axis=1, keepdims=True)
        freedom = after.size - len(after)
        samples = 1 / len(before) + 1 / after.size
    else:
        scatter = _around_line(np.concatenate([before, after]))
        freedom = scatter.size - 2
        samples = 1 / before.size + 1 / after.size
    if freedom < 1:
        return Change(difference, np.nan, np.nan)
    error = float(np.sqrt(np.sum(scatter**2) / freedom * samples))
    return Change(difference, error, _normal_score(difference, error, freedom))


def _around_line(samples: FloatArray) -> FloatArray:
    """Return samples [B, R] less the straight line in time that fits all of them best."""
    when = np.arange(len(samples)) - 0.5 * (len(samples) - 1)
    slope = when @ samples.mean(axis=1) / max(float(when @ when), 1e-300)
    return np.asarray(samples - samples.mean() - slope * when[:, None])


def _normal_score(difference: float, error: float, freedom: int) -> float:
    """Return the normal distribution's deviate that is as rare as Student's difference / error."""
    from scipy.special import ndtri, stdtr

    if error == 0:
        return 0.0 if difference == 0 else float(np.sign(difference) * np.inf)
    # The lower tail, where small probabilities keep their digits.
    probability = max(float(stdtr(freedom, -abs(difference) / error)), 1e-300)
    return float(-np.sign(difference) * ndtri(probability))
