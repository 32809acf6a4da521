"""Which equations of motion are integrated, and how."""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from glassbotan.errors import InputError
from glassbotan.structure import Snapshot

Integrator = Literal["nve", "nose-hoover", "langevin"]


@dataclass(frozen=True)
class DynamicsSettings:
    """The equations of motion of one simulation, Lennard-Jones units.

    Attributes
    ----------
    temperature
        Of the Maxwell-Boltzmann distribution that velocities are drawn from, and of the
        thermostat, units of epsilon / k_B.
    timestep
        Of the velocity-Verlet integration, time units.
    integrator
        "nve": Newton's equations, constant energy. "nose-hoover": a chain of three thermostats
        (Martyna, Klein, Tuckerman, J. Chem. Phys. 97, 2635 (1992)). "langevin": friction and
        noise on every particle.
    damping
        Time in which a thermostat takes hold: the period of the Nose-Hoover chain, or the mass
        over the friction coefficient of Langevin's equation. Not used at constant energy.

    Raises
    ------
    InputError
        The integrator is unknown, or a number is not positive.

    """

    temperature: float
    timestep: float = 0.005
    integrator: Integrator = "nve"
    damping: float = 1.0

    def __post_init__(self) -> None:
        """Refuse what cannot be integrated."""
        if self.integrator not in get_args(Integrator):
            raise InputError(
                f"integrator {self.integrator!r} is unknown; use 'nve', 'nose-hoover' or 'langevin'"
            )
        for name in ("temperature", "timestep", "damping"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, (int, float, np.number)):
                raise InputError(f"the {name} is {value!r}; it must be a number")
            if not (np.isfinite(value) and value > 0):
                raise InputError(f"the {name} is {value:g}; it must be a positive number")
            object.__setattr__(self, name, float(value))
        if self.integrator != "nve" and self.damping < self.timestep:
            raise InputError(
                f"the damping time is {self.damping:g}, shorter than the timestep "
                f"{self.timestep:g}; a hundred timesteps is usual"
            )


def temperature_of(snapshot: Snapshot) -> float:
    """Return the temperature that a snapshot was taken at, or raise InputError where none is."""
    if snapshot.temperature is None:
        raise InputError(f"{snapshot.source}: the temperature is not in the file; give it")
    return snapshot.temperature
