"""The end of a batch in which a trajectory blew up."""

from glassbotan.errors import RunError
from glassbotan.simulation.device.system import System


class BatchBlownUpError(RunError):
    """Trajectories of some boxes blew up; the state is the last one that was sound.

    Attributes
    ----------
    box
        The first of these boxes.

    """

    def __init__(self, message: str, box: int) -> None:
        super().__init__(message)
        self.box = box


def runaway(system: System, box: int, step: int) -> BatchBlownUpError:
    """Return the error of a box whose particles outrun every list after a step."""
    return BatchBlownUpError(
        f"{system.sources[box]}: a trajectory blew up by step {step + 1}: particles move without "
        f"bounds; use a timestep shorter than {system.timestep:g}",
        box,
    )
