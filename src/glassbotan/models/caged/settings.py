"""What the caged network is built from, and what is computed of a snapshot before it sees it."""

from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import Field, field_validator

from glassbotan.models.architecture import Count, ModelSettings
from glassbotan.models.potential import Potential
from glassbotan.progress import Progress, silent
from glassbotan.settings import Positive
from glassbotan.simulation.cage_state import CageRecipe
from glassbotan.structure import Snapshot
from glassbotan.structure.descent import DURATIONS
from glassbotan.structure.potential import KOB_ANDERSEN

if TYPE_CHECKING:
    from glassbotan.models.caged.inputs import CagedInputs

FORM = 1
"""Counts up when the same settings come to mean other inputs."""

REST = CageRecipe(temperature=0.44, radius=0.55, duration=10.0)
"""The cage at the temperature of the data: vibrations about the places where particles rest."""

LOOSE = CageRecipe(temperature=0.7, radius=0.8, timestep=0.0125, duration=17.0)
"""Warmer, and with room for a half step to a neighbour's place: where cages begin to open."""

STRAIN = CageRecipe(temperature=0.9, radius=0.6, timestep=0.0125, duration=20.0)
"""At twice the temperature and confined more tightly: which regions give way at last."""

Few = Annotated[tuple[Positive, ...], Field(min_length=1, max_length=64)]


class CagedSettings(ModelSettings):
    """What the caged network is built from.

    Attributes
    ----------
    cutoff
        Longest bond of the message passing, length units.
    width, steps
        Scalar channels, of which vectors have a third, and message passing steps.
    descent
        Durations of steepest descent, length^2 / energy.
    cages
        Confined samplings; the first is the one whose mean positions are "the cage state".
    averages
        Widths of the Gaussians of neighbourhood averages, length units.
    reach
        Distance of the furthest particle in an average, length units.
    potential
        What drives descent, minimisation and sampling; the cages' temperatures are made for that
        of Kob and Andersen. A recipe names a mixture or a file.

    """

    inputs_take_long: ClassVar[bool] = True

    cutoff: Positive = 1.5
    width: Count = 64
    steps: Count = 7
    descent: Few = DURATIONS
    cages: tuple[CageRecipe, ...] = Field(
        default=(REST, LOOSE, STRAIN), min_length=1, max_length=16
    )
    averages: Few = (0.8, 1.5, 2.5)
    reach: Positive = 5.0
    potential: Potential = KOB_ANDERSEN

    @field_validator("quantities")
    @classmethod
    def _has_a_baseline(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        if not cls.model_construct(quantities=names).of("particles"):
            raise ValueError("the caged network needs one on particles")
        return names

    def inputs(self, snapshot: Snapshot, progress: Progress = silent) -> "CagedInputs":
        """Return a snapshot's inputs; see :func:`glassbotan.models.caged.states.states_of`."""
        from glassbotan.models.caged.inputs import assemble
        from glassbotan.models.caged.states import states_of

        return assemble(snapshot, states_of(snapshot, self, progress=progress), self)

    @property
    def longest_bond(self) -> float:
        """The cutoff of the graph."""
        return self.cutoff

    def record(self) -> dict[str, Any]:
        """Return as JSON all but the snapshot that inputs follow from."""
        names = {"descent", "cages", "cutoff", "averages", "reach", "potential"}
        return {"form": FORM, **self.model_dump(mode="json", include=names)}
