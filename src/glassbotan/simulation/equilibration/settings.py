"""How a glass is prepared: its thermal history, and how long it is held."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

import numpy as np
from pydantic import BeforeValidator, Field, ValidationInfo, field_validator, model_validator

from glassbotan.errors import InputError
from glassbotan.settings import Count, Positive, told
from glassbotan.simulation.engines import EngineSettings
from glassbotan.simulation.settings import DynamicsSettings, temperature_of
from glassbotan.structure import Snapshot
from glassbotan.structure.potential import check_species
from glassbotan.structure.potentials import Mixture, load_mixture

if TYPE_CHECKING:
    from collections.abc import Callable

PARTICLES = 4096

HOLD, HOLD_FROM = 10.0, 3.0
"""Relaxation times of a hold after a melt, and of one that only forgets where it began."""

DAMPING, DAMPING_FROM = 2.0, 10.0
"""The thermostat's in these: after a melt heat must come and go, which slows motion by some per
cent; what is at its temperature is better left alone."""

MELT = 3.0
"""Temperature of the melt over the deepest well of like particles: far above any glass."""

HOTTEST = 20.0
"""The same, beyond which a temperature is taken for one in other units."""

WAVE_NUMBER = 7.25
"""Times the majority's sigma: first peak of the Kob-Andersen mixture's structure factor."""

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


HISTORY = (
    "temperature", "melt_temperature", "timestep", "thermostat", "damping", "melt_time", "cooling",
    "cooling_time", "hold", "hold_time", "longest", "wave_number",
)  # fmt: skip
"""The settings that a glass follows from, apart from where it began and random numbers."""


def _mixture(given: Any) -> Any:
    return load_mixture(given) if isinstance(given, (str, Path)) else given


class EquilibrationSettings(EngineSettings):
    """How snapshots are brought to equilibrium, Lennard-Jones units.

    Where ``start`` is given, a snapshot in equilibrium, all are trajectories of one ensemble that
    leaves it, and are held until they have forgotten it. What depends on mixture or start by
    default is worked out, so that no value is None but those of a ramp and ``hold_time``.
    """

    mixture: Annotated[Mixture, BeforeValidator(_mixture)] = told(
        "kob-andersen-3d", "NAME", "A mixture's name, or a YAML file."
    )
    start: Snapshot | None = told(None, None, "In equilibrium, to be forgotten.")
    particles: Annotated[int, Field(ge=1)] = told(None, "N", "Their number; default: 4096.")
    density: Positive = told(None, "NUMBER", "Of particles; default: the mixture's usual one.")
    temperature: Positive = told(None, "T", "To be held at; default with --from: its own.")
    number: Count = told(1, "K", "How many; FILE is then numbered: glass-0001.extxyz.")
    hold: Positive = told(None, "TIMES", "In units of tau_alpha; default: 10, with --from 3.")
    hold_time: Positive | None = told(None, "TIME", "Instead of --hold, in time units.")
    longest: Positive = told(1e5, "TIME", "After which the hold ends in any case.")
    melt_temperature: Positive = told(
        None, "T", "Of the melt; default: 3, or twice the temperature."
    )
    melt_time: Positive = told(20.0, "TIME", "Of the melt.")
    cooling: Literal["quench", "ramp"] = told("quench", "NAME", "quench (fast), or ramp (linear).")
    cooling_time: Positive | None = told(None, "TIME", "Duration of a ramp.")
    cooling_rate: Positive | None = told(None, "RATE", "Of a ramp, temperature a time unit.")
    thermostat: Literal["langevin", "nose-hoover"] = told(
        "langevin", "NAME", "langevin; with lammps also nose-hoover."
    )
    damping: Positive = told(None, "TIME", "Of the thermostat; default: 2, with --from 10.")
    wave_number: Positive = told(None, "Q", "Of F_s, which tells tau_alpha; default: 7.25 / sigma.")

    @field_validator(
        "particles", "density", "temperature", "hold", "melt_temperature", "damping",
        "wave_number", mode="before",
    )  # fmt: skip
    @classmethod
    def _usual(cls, given: Any, known: ValidationInfo) -> Any:
        """Return the default by mixture and start."""
        if given is not None or "mixture" not in known.data:
            return given
        mixture, start = known.data["mixture"], known.data.get("start")
        defaults: dict[str, Callable[[], float]] = {
            "particles": lambda: PARTICLES if start is None else start.n_particles,
            "density": lambda: _density(mixture, start),
            "temperature": lambda: _temperature(start),
            "hold": lambda: HOLD if start is None else HOLD_FROM,
            "melt_temperature": lambda: max(
                MELT * _well(mixture), 2 * known.data.get("temperature", 0)
            ),
            "damping": lambda: DAMPING if start is None else DAMPING_FROM,
            "wave_number": lambda: _wave_number(mixture, start),
        }
        return defaults[str(known.field_name)]()

    @model_validator(mode="before")
    @classmethod
    def _check_start(cls, given: dict[str, Any]) -> dict[str, Any]:
        """Refuse what a start brings itself."""
        start = given.get("start")
        if start is None:
            return given
        asked = {name for name, value in given.items() if value is not None}
        if asked & {"particles", "density"}:
            raise InputError(
                f"{start.source}: particles and density are this snapshot's own; leave them out"
            )
        history = {"melt_temperature", "cooling_time", "cooling_rate"}
        if asked & history or given.get("cooling") == "ramp":
            raise InputError(
                f"{start.source}: what begins from a snapshot is neither melted nor cooled; leave "
                "out the melt's temperature and the cooling"
            )
        return given

    @model_validator(mode="after")
    def _check(self) -> Self:
        """Refuse what cannot be run."""
        if self.start is not None:
            check_species(self.start, self.mixture.potential)
        hottest = HOTTEST * _well(self.mixture)
        if self.temperature > hottest:
            raise InputError(
                f"the temperature is {self.temperature:g}; mixture {self.mixture.name} is a hot "
                f"gas above {hottest:g} (units of epsilon / k_B, not kelvin)"
            )
        self.dynamics(self.temperature, self.damping)
        if self.melt_temperature <= self.temperature:
            raise InputError(
                f"the melt's temperature {self.melt_temperature:g} is not above that of the hold, "
                f"{self.temperature:g}"
            )
        if self.cooling_rate is not None:
            if self.cooling_time is not None:
                raise InputError("a cooling time and a cooling rate are given; one is enough")
            time = (self.melt_temperature - self.temperature) / self.cooling_rate
            object.__setattr__(self, "cooling_time", time)
        if (self.cooling == "ramp") != (self.cooling_time is not None):
            raise InputError(
                "a ramp needs a cooling time or a cooling rate"
                if self.cooling == "ramp"
                else "a quench has neither a cooling time nor a cooling rate; use cooling 'ramp'"
            )
        if self.cooling_time is not None:
            share = SHORTEST_DAMPING * self.timestep / self._ramp_damping(self.cooling_time)
            if share > 1:
                raise InputError(
                    f"the cooling time is {self.cooling_time:g}, too short for a thermostat to "
                    f"follow; use at least {self.cooling_time * share:.2g}, or a quench"
                )
        return self

    @property
    def history(self) -> dict[str, Any]:
        """What a glass follows from, JSON-ready."""
        return self.model_dump(include=set(HISTORY))

    def dynamics(self, temperature: float, damping: float) -> DynamicsSettings:
        """Return the equations of motion at a temperature."""
        return DynamicsSettings(temperature, self.timestep, self.thermostat, damping)

    def stages(self) -> list[Stage]:
        """Return what is done one after another; from a start the hold alone."""
        hold = Stage(
            "hold", self.temperature, self.damping, self.steps(self.hold_time or self.longest)
        )
        if self.start is not None:
            return [hold]
        melt = Stage("melt", self.melt_temperature, MELT_DAMPING, self.steps(self.melt_time))
        return [melt, *self._cooling(), hold]

    def _cooling(self) -> list[Stage]:
        hot, cold = self.melt_temperature, self.temperature
        if self.cooling_time is None:
            number = int(np.ceil(np.log(hot / cold) / -np.log(QUENCH_STAIR)))
            temperatures = np.geomspace(hot, cold, number + 1)[1:]
            damping, total = QUENCH_DAMPING, number * self.steps(QUENCH_TIME)
        else:
            total = self.steps(self.cooling_time)
            number = min(int(np.ceil((hot - cold) / RAMP_STAIR)), total)
            temperatures = np.linspace(hot, cold, number + 1)[1:]
            damping = min(MELT_DAMPING, self._ramp_damping(self.cooling_time))
        # The stairs' ends as whole steps, so that the whole lasts as long as it should.
        ends = np.rint(np.linspace(0, total, number + 1)).astype(int)
        stairs = [
            Stage("cooling", float(temperature), damping, int(steps))
            for temperature, steps in zip(temperatures, np.diff(ends), strict=True)
        ]
        return [*stairs, Stage("cooling", cold, damping, self.steps(SETTLING_TIME))]

    def _ramp_damping(self, cooling_time: float) -> float:
        """Return the longest damping with which the liquid keeps up with a ramp.

        It lags behind by the rate times the damping: at most half of the last temperature.
        """
        rate = (self.melt_temperature - self.temperature) / cooling_time
        return LARGEST_LAG * self.temperature / rate

    def steps(self, time: float) -> int:
        """Return a time as a number of timesteps, at least one."""
        return max(1, round(time / self.timestep))


def _density(mixture: Mixture, start: Snapshot | None) -> float:
    found = mixture.density if start is None else start.density
    if found is None:
        raise InputError(f"mixture {mixture.name}: its density is not known; give it")
    return found


def _temperature(start: Snapshot | None) -> float:
    if start is None:
        raise InputError("the temperature is not given")
    return temperature_of(start)


def _wave_number(mixture: Mixture, start: Snapshot | None) -> float:
    """Return 7.25 over the majority's sigma."""
    if start is not None:
        majority = int(np.bincount(start.species).argmax())
    else:
        majority = 0 if mixture.composition is None else int(np.argmax(mixture.composition))
    return WAVE_NUMBER / float(mixture.potential.sigma[majority, majority])


def _well(mixture: Mixture) -> float:
    """Return the deepest well of like particles."""
    return float(np.diag(mixture.potential.epsilon).max())
