"""What is kept of a hold: energies, configurations, and the relaxation between any two of them.

How long a hold will be is not known before it ends. At most 65 configurations are kept, evenly
spaced in time; whenever there are more, every other one is dropped and the spacing doubles, so
that the record resolves a 32nd of the hold or better however long it gets.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from glassbotan.dynamics import tau_alpha
from glassbotan.dynamics.relaxation import isotropic_phase
from glassbotan.errors import InputError
from glassbotan.simulation.engine import State
from glassbotan.simulation.velocities import relative_to_centre
from glassbotan.structure.periodic import FloatArray
from glassbotan.structure.snapshot import IntArray

MOST_INTERVALS = 64
"""Even, so that half of them are left when they get too many."""

FIRST_INTERVAL = 20
"""Timesteps between the first configurations: a tenth of a time unit."""

LONGEST_SAMPLING = 200
"""Timesteps between two looks at the energy."""


class HoldRecord:
    """Energies and relaxation of R trajectories, all of the same particles.

    The motion of the centre of mass is taken off: a thermostat that pushes every particle makes it
    wander, and with few particles it would pass for relaxation.

    Parameters
    ----------
    trajectories
        Their number R.
    masses
        Shape [N].
    members
        The particles whose relaxation is followed, shape [n].
    wave_number
        At which F_s is taken, inverse length.
    timestep
        Time units.

    Attributes
    ----------
    interval
        Timesteps between configurations.
    scattering
        F_s between configurations i < j, shape [F, F, R]; 0 elsewhere.

    """

    def __init__(
        self,
        trajectories: int,
        masses: FloatArray,
        members: IntArray,
        *,
        wave_number: float,
        timestep: float,
    ) -> None:
        self._trajectories, self._masses, self._members = trajectories, masses, members
        self._wave_number, self._timestep = wave_number, timestep
        self.interval = FIRST_INTERVAL
        self.scattering = np.zeros((0, 0, trajectories))
        self._frames: list[NDArray[np.float32]] = []
        self._energies: list[FloatArray] = []
        self._sums = np.zeros((2, trajectories))
        self._samples = np.zeros(2, dtype=np.int64)
        self._tau_before = float("nan")
        self._tau: float | None = None

    @property
    def sampling(self) -> int:
        """Timesteps between two looks at the energy; divides the interval."""
        steps = self.interval
        while steps > LONGEST_SAMPLING and steps % 2 == 0:
            steps //= 2
        return steps

    @property
    def frames(self) -> int:
        """The number of configurations F that are kept."""
        return len(self._frames)

    @property
    def spacing(self) -> float:
        """Time between configurations."""
        return self.interval * self._timestep

    @property
    def energies(self) -> FloatArray:
        """Potential energy a particle, averaged from each configuration to the next, [F - 1, R]."""
        return np.array(self._energies).reshape(-1, self._trajectories)

    @property
    def kinetic_energy(self) -> float:
        """Kinetic energy a particle, averaged over the hold and all trajectories."""
        return float(self._sums[1].mean() / max(self._samples[1], 1))

    def add(
        self,
        step: int,
        displacements: FloatArray | None,
        potential: FloatArray,
        kinetic: FloatArray,
    ) -> None:
        """Take note of a sample.

        Parameters
        ----------
        step
            Timesteps since the hold began, a multiple of ``sampling``.
        displacements
            Since then, shape [R, N, d]; needed where the step is a multiple of ``interval``.
        potential, kinetic
            Energies a particle, shape [R].

        """
        if step > 0:
            self._sums += np.stack([potential, kinetic])
            self._samples += 1
        if step % self.interval:
            return
        assert displacements is not None
        if step > 0:
            self._energies.append(self._sums[0] / self._samples[0])
            self._sums[0], self._samples[0] = 0, 0
        self._add_frame(displacements)
        if self.frames > MOST_INTERVALS:
            self._thin_out()

    def relaxation(self, first: int = 0, last: int | None = None) -> FloatArray:
        """Return F_s at lags of 1, 2, ... intervals within the configurations first ... last.

        Averaged over all initial configurations that there are and over trajectories, shape [L].
        """
        chosen = self.scattering[first:last, first:last].mean(axis=2)
        return np.array([np.diagonal(chosen, lag).mean() for lag in range(1, len(chosen))])

    def tau_alpha(self) -> float:
        """Return the time in which F_s falls to 1/e; NaN where it has not yet.

        From the later half of the hold where that is long enough to tell: a liquid that has not
        reached equilibrium gets slower while it is held.
        """
        if self._tau is None:
            self._tau = self._found_tau()
        return self._tau

    def _found_tau(self) -> float:
        for first in (self.frames // 2, 0):
            relaxed = self.relaxation(first)
            if len(relaxed) and relaxed[0] <= np.exp(-1):
                return self._tau_before
            lags = np.arange(1, len(relaxed) + 1, dtype=np.float64)
            tau = tau_alpha(self.spacing * lags, relaxed)
            if np.isfinite(tau):
                return tau
        return float("nan")

    def state(self) -> State:
        """Return what :meth:`restore` needs."""
        return {
            "interval": np.array(self.interval),
            "scattering": self.scattering,
            "frames": np.array(self._frames),
            "energies": self.energies,
            "sums": self._sums,
            "samples": self._samples,
            "tau_before": np.array(self._tau_before),
        }

    def restore(self, state: Mapping[str, NDArray[np.generic]]) -> None:
        """Go to a state that :meth:`state` returned.

        Raises
        ------
        InputError
            Something is missing, or of another shape.

        """
        try:
            interval = int(state["interval"])
            frames = np.asarray(state["frames"], dtype=np.float32)
            arrays = {
                name: np.array(state[name], dtype=np.float64)
                for name in ("scattering", "energies", "sums", "tau_before")
            }
            samples = np.array(state["samples"], dtype=np.int64)
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"the checkpoint holds no record of a hold ({error})") from None
        count, lanes = len(frames), self._trajectories
        sound = (
            arrays["scattering"].shape == (count, count, lanes)
            and arrays["energies"].shape == (max(count - 1, 0), lanes)
            and (not count or frames.shape[1:3] == (lanes, len(self._members)))
            and arrays["sums"].shape == (2, lanes)
            and samples.shape == (2,)
        )
        if not sound:
            raise InputError("the checkpoint's record of the hold is of other trajectories")
        self.interval, self._frames, self._samples = interval, list(frames), samples
        self.scattering, self._energies = arrays["scattering"], list(arrays["energies"])
        self._sums, self._tau_before = arrays["sums"], float(arrays["tau_before"])
        self._tau = None

    def _add_frame(self, displacements: FloatArray) -> None:
        moved = relative_to_centre(displacements, self._masses)
        # In one order in memory, now and when restored: sums depend on it in the last bit.
        frame = np.ascontiguousarray(moved[:, self._members], dtype=np.float32)
        count = self.frames
        wider = np.zeros((count + 1, count + 1, self._trajectories))
        wider[:count, :count] = self.scattering
        for i, before in enumerate(self._frames):
            wider[i, count] = scattering(frame - before, self._wave_number)
        self.scattering = wider
        self._frames.append(frame)
        self._tau = None

    def _thin_out(self) -> None:
        tau = self.tau_alpha()
        if np.isfinite(tau):
            self._tau_before = tau
        self._frames = self._frames[::2]
        self.scattering = np.ascontiguousarray(self.scattering[::2, ::2])
        pairs = np.array(self._energies).reshape(-1, 2, self._trajectories)
        self._energies = list(pairs.mean(axis=1))
        self.interval *= 2
        self._tau = None


def scattering(displacements: NDArray[np.floating], wave_number: float) -> FloatArray:
    """Return F_s of displacements [..., n, d], averaged over particles, shape [...]."""
    distances = np.sqrt(np.einsum("...d,...d->...", displacements, displacements))
    phases = isotropic_phase(wave_number * distances, displacements.shape[-1])
    return np.asarray(phases.mean(axis=-1), dtype=np.float64)
