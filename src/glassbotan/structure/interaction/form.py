"""What a pair form offers, and the table of all that are known."""

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import Any, ClassVar, Literal, NamedTuple, Self, TypeVar

import numpy as np

from glassbotan.errors import InputError
from glassbotan.structure.periodic import FloatArray

Shift = Literal["energy", "force", "none"]

ENTRY_POINTS = "glassbotan.pair_forms"
"""Group under which an installed package names modules that register forms of their own."""


class Powers(NamedTuple):
    """Coefficients of V(r), arrays of one shape.

    V(r) = repulsion / r^12 - attraction / r^6 - shift + slope r + quadratic r^2 + quartic r^4.
    """

    repulsion: FloatArray
    attraction: FloatArray
    shift: FloatArray
    slope: FloatArray
    quadratic: FloatArray
    quartic: FloatArray


@dataclass(frozen=True, eq=False)
class PairForm:
    """The energy V(r) of a pair of particles, before it is cut off and shifted.

    A form has one file in ``structure/interaction/forms``: a subclass with the decorator
    :func:`register`, its parameters as fields, and three methods. Parameters are arrays that
    broadcast against distances: [S, S] of a mixture, [P] of pairs.

    Attributes
    ----------
    epsilon, sigma
        Scales of energy and length; the particles' depths and diameters where it has such.

    """

    epsilon: FloatArray
    sigma: FloatArray

    name: ClassVar[str]
    """In files of potentials and in stores."""
    any_sign: ClassVar[tuple[str, ...]] = ()
    """Parameters that may be zero or negative."""

    def energy(self, r: FloatArray) -> FloatArray:
        """Return V(r), energy units, at distances r, length units."""
        raise NotImplementedError

    def slope(self, r: FloatArray) -> FloatArray:
        """Return V'(r), energy / length."""
        raise NotImplementedError

    def curvature(self, r: FloatArray) -> FloatArray:
        """Return V''(r), energy / length^2."""
        raise NotImplementedError

    def powers(self) -> Powers | None:
        """Return V(r) as a sum of powers, which engines evaluate fastest; None where it is none."""
        return None

    def lammps_style(self, shift: Shift) -> str | None:  # noqa: ARG002 - for others
        """Return LAMMPS's pair style for a shift, or None: LAMMPS then interpolates a table.

        Its coefficients are epsilon, sigma and the cutoff; energies are shifted by pair_modify.
        """
        return None

    @classmethod
    def parameters(cls) -> dict[str, Any]:
        """Return the names of the parameters with their defaults (dataclasses.MISSING: none)."""
        return {field.name: field.default for field in fields(cls)}

    def of(self, pair: Any) -> Self:
        """Return the form of pairs of species, from their index into [S, S]."""
        return replace(self, **{name: getattr(self, name)[pair] for name in self.parameters()})

    def checked(self) -> Self:
        """Return the form of a mixture, its parameters float64 matrices [S, S].

        Raises
        ------
        InputError
            A parameter is not [S, S] (or one number for every pair), symmetric, finite and, but
            for those that may have any sign, positive.

        """
        shape = np.shape(self.epsilon)
        checked = {
            name: checked_matrix(name, getattr(self, name), shape, any_sign=name in self.any_sign)
            for name in self.parameters()
        }
        return replace(self, **checked)


def checked_matrix(
    name: str, given: Any, shape: tuple[int, ...], *, any_sign: bool = False
) -> FloatArray:
    """Return one number a pair of species as a float64 matrix [S, S], or raise InputError."""
    matrix = np.array(given, dtype=np.float64)
    if matrix.ndim == 0:
        matrix = np.full(shape, matrix)
    if matrix.ndim != 2 or matrix.shape != shape[::-1] or not matrix.size:
        raise InputError(
            f"pair potential: {name} has shape {list(matrix.shape)}; epsilon, sigma and "
            "cutoff must all be [species, species]"
        )
    if not (np.all(np.isfinite(matrix)) and (any_sign or np.all(matrix > 0))):
        wanted = "finite" if any_sign else "positive"
        raise InputError(f"pair potential: every {name} must be a {wanted} number")
    if not np.array_equal(matrix, matrix.T):
        raise InputError(f"pair potential: {name} must be symmetric (AB is BA)")
    return matrix


_FORMS: dict[str, type[PairForm]] = {}

Form = TypeVar("Form", bound=PairForm)


def register(name: str) -> Callable[[type[Form]], type[Form]]:
    """Make a form known under a name: a class decorator."""

    def registered(form: type[Form]) -> type[Form]:
        form.name = name
        _FORMS[name] = form
        return form

    return registered


def form_names() -> list[str]:
    """Return the names of all forms that are known."""
    _load_all()
    return sorted(_FORMS)


def form_named(name: str) -> type[PairForm]:
    """Return the form with a name.

    Raises
    ------
    InputError
        There is none; tells which there are.

    """
    _load_all()
    if name not in _FORMS:
        raise InputError(
            f"pair potential: no form is called {str(name)[:60]!r}; there are "
            f"{', '.join(form_names())}"
        )
    return _FORMS[name]


@cache
def _load_all() -> None:
    """Import every file of the folder of forms, and the modules of other packages."""
    from importlib import metadata

    from glassbotan.structure.interaction import forms

    for module in iter_modules(forms.__path__, f"{forms.__name__}."):
        import_module(module.name)
    for point in metadata.entry_points(group=ENTRY_POINTS):
        point.load()
