"""What moves in a batch: displacements and velocities of all trajectories, between two steps.

What is stored, and why nothing is lost in 10^7 steps
------------------------------------------------------
A trajectory's positions are its displacements from the snapshot, never folded into the box, in
float32, with what their rounding left out beside them (Kahan's compensated sum): ``displacement -
lost`` is the sum of all increments with an error of a few parts in 10^8 of one *increment*, not
of the sum. Increments are some 3e-3 a step, so that 10^7 steps lose some 1e-10 * sqrt(10^7) =
3e-7 by chance. Without compensation it would be 3e-8 * sqrt(10^7) = 1e-4 and, at constant energy,
a drift. Forces are computed from ``displacement`` alone, whose rounding (6e-8 of a displacement of
1) is that of any program in single precision. float64 may be asked for instead.
"""

import torch

from glassbotan.simulation.device.system import System


class Moving:
    """The state of all trajectories, and a copy of it to return to.

    Attributes
    ----------
    step
        Timesteps done.
    displacement, lost
        r(t) - r(0) is ``displacement - lost``, [N_total, 3, R].
    half
        Velocities half a step before, [N_total, 3, R].
    other
        What a step writes displacements to while others still read the old ones, [N_total, 3, R].
    reference
        Displacements of the copy, [N_total, 3, R].

    """

    def __init__(self, system: System) -> None:
        self.system, self.step = system, 0
        self.displacement, self.other = system.empty_state(), system.empty_state()
        self.lost, self.half = system.empty_state(), system.empty_state()
        self.reference = system.empty_state()
        self._copied_lost, self._copied_half = system.empty_state(), system.empty_state()

    def copy(self) -> None:
        """Keep what is now."""
        self.reference.copy_(self.displacement)
        self._copied_lost.copy_(self.lost)
        self._copied_half.copy_(self.half)

    def take_back(self) -> None:
        """Return to what was kept."""
        self.displacement.copy_(self.reference)
        self.lost.copy_(self._copied_lost)
        self.half.copy_(self._copied_half)

    def exact(self, rows: slice) -> torch.Tensor:
        """Return r(t) - r(0) of some particles, [N, 3, R], float64."""
        return self.displacement[rows].double() - self.lost[rows].double()

    def momenta(self) -> torch.Tensor:
        """Return the total momentum of every box half a step ago, [B, 3, R], float64."""
        return box_sums(self.system, self.half.double() * self.system.masses[:, None, None])

    def bring_to_rest(self) -> None:
        """Take off the momentum that rounding has gathered, from a few particles of every box.

        Shared by all it would be less than the last bit of their velocities. Where particles have
        cages momentum comes and goes, and is left alone.
        """
        system = self.system
        for box, momentum in enumerate(self.momenta()):
            if system.caged[box]:
                continue
            half, masses = self.half[system.rows(box)], system.masses[system.rows(box)]
            stride = len(masses) // 64 + 1
            chosen = half[::stride]
            share = momentum / len(chosen)
            chosen -= (share / masses[::stride, None, None]).to(half.dtype)


def box_sums(system: System, values: torch.Tensor) -> torch.Tensor:
    """Return sums of values [N_total, ...] over each box's particles, [B, ...].

    Halves are added to each other until one is left: an order that depends on the number of
    particles alone, where a library's depends on shape, device and version.
    """
    sizes = {later - first for first, later in zip(system.starts, system.starts[1:], strict=False)}
    if len(sizes) == 1:
        return _sums(values.reshape(system.boxes, sizes.pop(), *values.shape[1:]))
    return torch.cat([_sums(values[system.rows(box)][None]) for box in range(system.boxes)])


def _sums(values: torch.Tensor) -> torch.Tensor:
    """Return sums over the second dimension."""
    while (size := values.shape[1]) > 1:
        half = size // 2
        folded = values[:, :half] + values[:, half : 2 * half]
        if size % 2:
            folded[:, 0] += values[:, -1]
        values = folded
    return values[:, 0]
