"""Slices of a configuration: which particles lie in one, and how they are drawn."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from numpy.typing import NDArray

from glassbotan.errors import InputError
from glassbotan.figures.segments import periodic_segments
from glassbotan.figures.style import note
from glassbotan.structure import Snapshot, minimum_image, wrap
from glassbotan.structure.periodic import FloatArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.collections import PatchCollection

RADII = (0.5, 0.44, 0.47)
"""Disc radius by species (half of sigma_AA and sigma_BB; a third species lies between)."""
AXES = "xyz"
MOST_VECTOR_DISCS = 1000
"""Above this, a panel's discs are pixels in PDF and SVG too, which else grow to megabytes."""


Look = TypeVar("Look")


def of_species(looks: Sequence[Look], species: int) -> Look:
    """Return a species' own of A, B, ...; species beyond the last share that."""
    return looks[min(int(species), len(looks) - 1)]


@dataclass(frozen=True)
class Slice:
    """A slab of the periodic box; a two-dimensional snapshot is its own slice.

    Attributes
    ----------
    axis
        Normal of the slab: 0, 1, 2 for x, y, z.
    position
        Its middle along that axis, length units; half of the box by default.
    thickness
        Its width, length units.

    Raises
    ------
    InputError
        There is no such axis, the position is not finite, or the thickness not positive.

    """

    axis: int = 2
    position: float | None = None
    thickness: float = 1.0

    def __post_init__(self) -> None:
        """Refuse what is no slab."""
        if self.axis not in range(len(AXES)):
            raise InputError(f"slice: axis is {self.axis}; expected 0, 1 or 2 for x, y or z")
        if self.position is not None and not np.isfinite(self.position):
            raise InputError(f"slice: position is {self.position}; expected a finite length")
        if not 0 < self.thickness < np.inf:
            raise InputError(f"slice: thickness is {self.thickness}; expected a positive length")

    def particles(self, snapshot: Snapshot) -> NDArray[np.int64]:
        """Return the indices of the particles in the slab, lowest first.

        Raises
        ------
        InputError
            The slab is empty; says where particles are.

        """
        if snapshot.dimension == 2:
            return np.arange(snapshot.n_particles)
        offset = self.offsets(snapshot)
        chosen = np.flatnonzero(np.abs(offset) <= 0.5 * self.thickness)
        if not len(chosen):
            raise InputError(self._emptiness(snapshot, offset))
        return chosen[np.argsort(offset[chosen], kind="stable")]

    def across(self, dimension: int) -> tuple[int, int]:
        """Return the two axes that the picture shows, horizontal and vertical."""
        if dimension == 2:
            return (0, 1)
        first, second = (k for k in range(3) if k != self.axis)
        return (first, second)

    def points(self, snapshot: Snapshot) -> FloatArray:
        """Return all particles' places in the picture, wrapped into the box, shape [N, 2]."""
        across = list(self.across(snapshot.dimension))
        return wrap(snapshot.positions, snapshot.box)[:, across]

    def extent(self, snapshot: Snapshot) -> tuple[float, float]:
        """Return the picture's width and height, length units."""
        first, second = self.across(snapshot.dimension)
        return float(snapshot.box[first]), float(snapshot.box[second])

    def middle(self, snapshot: Snapshot) -> float:
        """Return the place of the slab's middle along its normal, length units."""
        return 0.5 * float(snapshot.box[self.axis]) if self.position is None else self.position

    def offsets(self, snapshot: Snapshot) -> FloatArray:
        """Return how far from its middle along its normal all particles are, shape [N]."""
        along, edge = snapshot.positions[:, self.axis], snapshot.box[self.axis]
        return np.asarray(minimum_image(along - self.middle(snapshot), edge))

    def _emptiness(self, snapshot: Snapshot, offset: FloatArray) -> str:
        name, middle = AXES[self.axis], self.middle(snapshot)
        height = wrap(snapshot.positions, snapshot.box)[:, self.axis]
        nearest = height[np.argmin(np.abs(offset))]
        return (
            f"{snapshot.source}: no particle lies within {0.5 * self.thickness:g} of "
            f"{name} = {middle:g}; particles lie from {name} = {height.min():.4g} to "
            f"{height.max():.4g}, the nearest at {nearest:.4g}: move or thicken the slice"
        )


def draw_discs(
    axes: "Axes",
    snapshot: Snapshot,
    chosen: NDArray[np.int64],
    *,
    view: Slice | None = None,
    values: NDArray[np.floating] | None = None,
    colours: Sequence[str] | str = "white",
    cmap: str | None = None,
    limits: tuple[float, float] | None = None,
    wider: float = 0.0,
) -> "PatchCollection":
    """Draw particles as discs of their species' radius, in the given order.

    Where a disc reaches over the edge of the box, its periodic images follow after all discs.

    Parameters
    ----------
    axes
        To draw on; its limits are left to ``frame``.
    snapshot
        Where the particles stand; positions are wrapped into the box.
    chosen
        Indices of the particles.
    view
        Tells the two axes of the picture.
    values
        Shape [len(chosen)], to be coloured by ``cmap`` between ``limits``; else ``colours``.
    colours
        One, or one for each chosen particle.
    cmap, limits
        Matplotlib's name of a colour map, and the values at its two ends.
    wider
        Added to every radius, length units.

    """
    from matplotlib.collections import PatchCollection
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    # Four arcs, half of those of Matplotlib's own circle, make vector files half as large.
    unit = Path.arc(0, 360, n=4)
    corners = np.asarray(unit.vertices, dtype=np.float64)
    view = view or Slice()
    points = view.points(snapshot)[chosen]
    kinds = np.minimum(snapshot.species[chosen], len(RADII) - 1)
    radii = np.array(RADII)[kinds] + wider
    # A disc reaches as far as a line from corner to corner.
    reach = np.repeat(radii[:, None], 2, axis=1)
    images, which = periodic_segments(points - reach, 2 * reach, view.extent(snapshot))
    circles = [
        PathPatch(Path(place + radius * corners, unit.codes))
        for place, radius in zip(images.mean(axis=1), radii[which], strict=True)
    ]
    if values is None:
        if not isinstance(colours, str):
            colours = [colours[k] for k in which]
        discs = PatchCollection(circles, facecolor=colours, edgecolor="0.25", linewidth=0.3)
    else:
        discs = PatchCollection(circles, cmap=cmap, edgecolor="0.25", linewidth=0.3)
        discs.set_array(values[which])
        if limits is not None:
            discs.set_clim(*limits)
    discs.set_rasterized(len(chosen) > MOST_VECTOR_DISCS)
    axes.add_collection(discs)
    return discs


def frame(axes: "Axes", snapshot: Snapshot, view: Slice) -> None:
    """Show the whole box in true aspect, without ticks."""
    width, height = view.extent(snapshot)
    axes.set(xlim=(0, width), ylim=(0, height), aspect="equal", xticks=[], yticks=[])


def scale_bar(axes: "Axes") -> None:
    """Draw a bar of 1, 2, 5, 10, ... length units inside the lower left corner."""
    from matplotlib.patheffects import withStroke

    left, right = axes.get_xlim()
    low, high = axes.get_ylim()
    length = _round_length(0.3 * (right - left))
    x, y = left + 0.04 * (right - left), low + 0.04 * (high - low)
    halo = [withStroke(linewidth=3.0, foreground="white")]
    axes.plot([x, x + length], [y, y], color="black", lw=1.6, path_effects=halo, zorder=5)
    note(
        axes,
        f"{length:g} σ",
        (x + 0.5 * length, y),
        (0, 3),
        fontsize="small",
        bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.85, "pad": 0.6},
        zorder=5,
    )


def _round_length(upper: float) -> float:
    """Return the largest of 1, 2, 5 times a power of ten that is not above ``upper``."""
    power = 10.0 ** np.floor(np.log10(upper))
    return float(max(k * power for k in (1, 2, 5) if k * power <= upper * (1 + 1e-9)))
