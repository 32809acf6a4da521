"""How a glass is prepared: its thermal history, and how long it is held."""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from glassbotan.errors import InputError
from glassbotan.simulation.settings import DynamicsSettings

Cooling = Literal["quench", "ramp"]
Thermostat = Literal["langevin", "nose-hoover"]

QUENCH_STAIR, QUENCH_TIME = 0.8, 1.0
"""A quench goes down by such a factor in temperature every so many time units: about as fast as
the bath takes the heat up."""

SETTLING_TIME = 5.0
"""How long the thermostat keeps its tight hold after cooling, for the last heat to leave."""

LARGEST_LAG = 0.5
"""Part of the last temperature by which a liquid may lag behind a ramp."""

SHORTEST_DAMPING = 10.0
"""Of a thermostat, in timesteps."""

RAMP_STAIR = 0.02
"""The largest step in temperature of a ramp."""

MELT_DAMPING, QUENCH_DAMPING = 1.0, 0.5
"""Damping times of the thermostat before the hold, where nothing but the temperature counts."""


@dataclass(frozen=True)
class Stage:
    """A stretch at one temperature.

    Attributes
    ----------
    name
        "melt", "cooling" or "hold".
    temperature
        Of the thermostat.
    damping
        Time in which it takes hold.
    steps
        Number of timesteps; of the hold the largest.

    """

    name: str
    temperature: float
    damping: float
    steps: int


@dataclass(frozen=True)
class EquilibrationSettings:
    """Thermal history and hold, Lennard-Jones units.

    Attributes
    ----------
    temperature
        That the glass is held at.
    timestep
        Of the integration.
    thermostat
        "langevin", or "nose-hoover" on the engine "lammps".
    damping
        The thermostat's during the hold.
    melt_temperature, melt_time
        Before cooling: where, and for how long, memory of the random start is lost.
    cooling
        "quench": as fast as the thermostat takes the heat up. "ramp": linear in time.
    cooling_time
        Duration of a ramp.
    hold
        How long the glass is held, in units of tau_alpha as it is found during the hold.
    hold_time
        Instead of ``hold``: in time units.
    longest
        Time after which the hold ends in any case.
    wave_number
        At which F_s of the majority species tells tau_alpha, inverse length.

    Raises
    ------
    InputError
        A number is not positive, the melt is no hotter than the hold, a ramp has no duration, or a
        name is unknown.

    """

    temperature: float
    melt_temperature: float
    timestep: float = 0.005
    thermostat: Thermostat = "langevin"
    damping: float = 2.0
    melt_time: float = 20.0
    cooling: Cooling = "quench"
    cooling_time: float | None = None
    hold: float = 10.0
    hold_time: float | None = None
    longest: float = 1e5
    wave_number: float = 7.25

    def __post_init__(self) -> None:
        """Refuse what cannot be run."""
        if self.thermostat not in get_args(Thermostat):
            raise InputError(
                f"thermostat {self.thermostat!r} is unknown; use 'langevin' or 'nose-hoover'"
            )
        if self.cooling not in get_args(Cooling):
            raise InputError(f"cooling {self.cooling!r} is unknown; use 'quench' or 'ramp'")
        self.dynamics(self.temperature, self.damping)
        for name in ("melt_temperature", "melt_time", "cooling_time", "hold", "hold_time",
                     "longest", "wave_number"):  # fmt: skip
            value = getattr(self, name)
            if value is not None and not (np.isfinite(value) and value > 0):
                raise InputError(
                    f"the {name.replace('_', ' ')} is {value:g}; it must be a positive number"
                )
        if self.melt_temperature <= self.temperature:
            raise InputError(
                f"the melt's temperature {self.melt_temperature:g} is not above that of the hold, "
                f"{self.temperature:g}"
            )
        if (self.cooling == "ramp") != (self.cooling_time is not None):
            raise InputError(
                "a ramp needs a cooling time or a cooling rate"
                if self.cooling == "ramp"
                else "a quench has neither a cooling time nor a cooling rate; use cooling 'ramp'"
            )
        if self.cooling == "ramp":
            self._check_ramp()

    def dynamics(self, temperature: float, damping: float) -> DynamicsSettings:
        """Return the equations of motion at a temperature."""
        return DynamicsSettings(temperature, self.timestep, self.thermostat, damping)

    def stages(self, *, prepared: bool) -> list[Stage]:
        """Return what is done one after another; the hold alone where the start is prepared."""
        hold = Stage(
            "hold", self.temperature, self.damping, self.steps(self.hold_time or self.longest)
        )
        if prepared:
            return [hold]
        melt = Stage("melt", self.melt_temperature, MELT_DAMPING, self.steps(self.melt_time))
        return [melt, *self._cooling(), hold]

    def _cooling(self) -> list[Stage]:
        hot, cold = self.melt_temperature, self.temperature
        if self.cooling == "quench":
            number = int(np.ceil(np.log(hot / cold) / -np.log(QUENCH_STAIR)))
            temperatures = np.geomspace(hot, cold, number + 1)[1:]
            damping, total = QUENCH_DAMPING, number * self.steps(QUENCH_TIME)
        else:
            assert self.cooling_time is not None
            total = self.steps(self.cooling_time)
            number = min(int(np.ceil((hot - cold) / RAMP_STAIR)), total)
            temperatures = np.linspace(hot, cold, number + 1)[1:]
            damping = min(MELT_DAMPING, self._ramp_damping())
        # The stairs' ends as whole steps, so that the whole lasts as long as it should.
        ends = np.rint(np.linspace(0, total, number + 1)).astype(int)
        stairs = [
            Stage("cooling", float(temperature), damping, int(steps))
            for temperature, steps in zip(temperatures, np.diff(ends), strict=True)
        ]
        return [*stairs, Stage("cooling", cold, damping, self.steps(SETTLING_TIME))]

    def _ramp_damping(self) -> float:
        """Return the longest damping with which the liquid keeps up with a ramp.

        It lags behind by the rate times the damping: at most half of the last temperature.
        """
        assert self.cooling_time is not None
        rate = (self.melt_temperature - self.temperature) / self.cooling_time
        return LARGEST_LAG * self.temperature / rate

    def _check_ramp(self) -> None:
        least = SHORTEST_DAMPING * self.timestep
        if self._ramp_damping() < least:
            assert self.cooling_time is not None
            needed = self.cooling_time * least / self._ramp_damping()
            raise InputError(
                f"the cooling time is {self.cooling_time:g}, too short for a thermostat to follow; "
                f"use at least {needed:.2g}, or a quench"
            )

    def steps(self, time: float) -> int:
        """Return a time as a number of timesteps, at least one."""
        return max(1, round(time / self.timestep))
