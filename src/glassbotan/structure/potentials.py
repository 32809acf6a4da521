"""Potentials as data: the mixtures that come with the package, and a user's own YAML file."""

from dataclasses import MISSING, dataclass
from functools import cache
from itertools import combinations_with_replacement
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    create_model,
    model_validator,
)

from glassbotan.errors import InputError
from glassbotan.settings import Positive
from glassbotan.structure.interaction.form import Shift, form_named
from glassbotan.structure.interaction.forms.lennard_jones import LennardJones
from glassbotan.structure.periodic import FloatArray
from glassbotan.structure.potential import PairPotential
from glassbotan.yaml_mapping import read_mapping

BUNDLED = Path(__file__).parent / "mixtures"


@dataclass(frozen=True, eq=False)
class Mixture:
    """A glass former: its interaction, and the state it is usually studied in where that is known.

    Attributes
    ----------
    name
        Of the bundled mixture, or the file's.
    species
        Names in the order of their numbers: species 0, 1, ...
    potential
        Interaction and masses.
    composition
        Fraction of the particles that each species makes up, shape [S]; None where it is open.
    density
        Particles / length^d; None where it is open.
    dimension
        2 or 3; None where the potential serves in both.
    reference
        Where it was published.

    """

    name: str
    species: tuple[str, ...]
    potential: PairPotential
    composition: FloatArray | None = None
    density: float | None = None
    dimension: int | None = None
    reference: str = ""


def mixture_names() -> list[str]:
    """Return the names of the bundled mixtures."""
    return sorted(path.stem for path in BUNDLED.glob("*.yaml"))


def load_potential(name_or_path: str | Path) -> PairPotential:
    """Return the interaction of a bundled mixture or of a YAML file; see :func:`load_mixture`."""
    return load_mixture(name_or_path).potential


def load_mixture(name_or_path: str | Path) -> Mixture:
    """Return a bundled mixture by its name, or read one from a YAML file.

    A file gives, for species with names of its own choice, one number a pair ("AB" is "BA"):

    .. code-block:: yaml

        species: [A, B]
        form: lennard-jones              # optional; or another that is known
        epsilon: {AA: 1.0, AB: 1.5, BB: 0.5}
        sigma: {AA: 1.0, AB: 0.8, BB: 0.88}
        cutoff: {AA: 2.5, AB: 2.0, BB: 2.2}
        mass: {A: 1.0, B: 1.0}           # optional, 1
        shift: energy                    # optional; or force, or none
        composition: {A: 0.8, B: 0.2}    # optional, as are density, dimension, reference

    Epsilon and sigma are the form's parameters; others have more, such as inverse-power its
    exponent. A number alone is that of every pair. Pairs of species whose names are longer than a
    letter are written with a hyphen: "Ni-P".

    Raises
    ------
    InputError
        No bundled mixture and no file has that name, the file is no YAML mapping, or an entry is
        missing, unknown or makes no sense; names the entry.

    """
    path = BUNDLED / f"{name_or_path}.yaml"
    if str(name_or_path) not in mixture_names():
        path = Path(name_or_path)
    if path.suffix not in (".yaml", ".yml") and not path.exists():
        raise InputError(
            f"{name_or_path}: no mixture has this name; there are {', '.join(mixture_names())}, or "
            "give a YAML file"
        )
    content = read_mapping(
        path, kind="a file of potentials", expected="with species, epsilon, sigma and cutoff"
    )
    try:
        table = _table(str(content.get("form", LennardJones.name)))
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    try:
        return table.model_validate(content).mixture(path.stem)
    except ValidationError as error:
        raise InputError(f"{path}: {_explain(error, table)}") from None


Finite = Annotated[float, Field(allow_inf_nan=False)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9]*$")]

EVERY = "every pair"
"""What stands for all pairs in a table."""


def _of_every_pair(given: Any) -> Any:
    return {EVERY: given} if isinstance(given, (int, float)) else given


Numbers = Annotated[dict[str, Positive], BeforeValidator(_of_every_pair)]
SignedNumbers = Annotated[dict[str, Finite], BeforeValidator(_of_every_pair)]


class _Table(BaseModel):
    """The file's entries but for the form's parameters, validated."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    species: list[Name] = Field(min_length=1, max_length=64)
    form: str = LennardJones.name
    cutoff: Numbers
    mass: dict[str, Positive] | None = None
    shift: Shift = "energy"
    composition: dict[str, Annotated[float, Field(ge=0, le=1)]] | None = None
    density: Positive | None = None
    dimension: Annotated[int, Field(ge=2, le=3)] | None = None
    reference: str = ""

    @model_validator(mode="after")
    def _complete(self) -> "_Table":
        repeated = {name for name in self.species if self.species.count(name) > 1}
        if repeated:
            raise ValueError(f"species: {', '.join(sorted(repeated))} is listed twice")
        for name in (*self._parameters, "cutoff"):
            self._matrix(name)
        self._check_reach()
        for name in ("mass", "composition"):
            self._vector(name)
        if self.composition is not None and abs(sum(self.composition.values()) - 1) > 1e-6:
            total = sum(self.composition.values())
            raise ValueError(f"composition: the fractions add up to {total:g}; they must to 1")
        return self

    @property
    def _parameters(self) -> list[str]:
        """Names of the form's parameters that the file gives."""
        return [n for n in form_named(self.form).parameters() if getattr(self, n) is not None]

    def _check_reach(self) -> None:
        """Refuse a cutoff within the core, through which particles would pass."""
        cutoff, sigma = self._matrix("cutoff"), self._matrix("sigma")
        for a, b in zip(*np.nonzero(cutoff < sigma), strict=True):
            pair = _pair_keys(self.species[a], self.species[b])[0]
            raise ValueError(
                f"cutoff: {pair} is {cutoff[a, b]:g}, shorter than its sigma of {sigma[a, b]:g}; "
                "2.5 sigma is usual"
            )

    def mixture(self, name: str) -> Mixture:
        form = form_named(self.form)
        potential = PairPotential(
            form(**{parameter: self._matrix(parameter) for parameter in self._parameters}),
            cutoff=self._matrix("cutoff"),
            masses=self._vector("mass"),
            shift=self.shift,
        )
        return Mixture(
            name=name,
            species=tuple(self.species),
            potential=potential,
            composition=self._vector("composition"),
            density=self.density,
            dimension=self.dimension,
            reference=self.reference,
        )

    def _matrix(self, entry: str) -> FloatArray:
        """Return the table of pairs as a symmetric matrix [S, S]."""
        given: dict[str, float] = dict(getattr(self, entry))
        every = given.pop(EVERY, None)
        matrix = np.zeros((len(self.species), len(self.species)))
        for (a, first), (b, second) in combinations_with_replacement(enumerate(self.species), 2):
            keys = _pair_keys(first, second)
            values = {given.pop(key) for key in keys if key in given}
            if not values and every is not None:
                values = {every}
            if not values:
                raise ValueError(f"{entry}: the pair {keys[0]} is missing")
            if len(values) > 1:
                raise ValueError(f"{entry}: {first} and {second} have two different values")
            matrix[a, b] = matrix[b, a] = values.pop()
        if given:
            raise ValueError(
                f"{entry}: {next(iter(given))!r} is no pair of the species "
                f"{', '.join(self.species)}"
            )
        return matrix

    def _vector(self, entry: str) -> FloatArray | None:
        """Return the table of species as a vector [S]."""
        given: dict[str, float] | None = getattr(self, entry)
        if given is None:
            return None
        for name in self.species:
            if name not in given:
                raise ValueError(f"{entry}: the species {name} is missing")
        for name in given:
            if name not in self.species:
                raise ValueError(f"{entry}: {name!r} is none of the species")
        return np.array([given[name] for name in self.species])


@cache
def _table(name: str) -> type[_Table]:
    """Return the model of a file with a form: every parameter is an entry, too."""
    form = form_named(name)
    entries: dict[str, Any] = {}
    for parameter, default in form.parameters().items():
        numbers = SignedNumbers if parameter in form.any_sign else Numbers
        entries[parameter] = (numbers, ...) if default is MISSING else (numbers | None, None)
    return create_model("_Table", __base__=_Table, **entries)


def _pair_keys(first: str, second: str) -> list[str]:
    """Return the spellings of a pair, in either order."""
    joined = [f"{first}-{second}", f"{second}-{first}"]
    if len(first) == len(second) == 1:
        joined = [f"{first}{second}", f"{second}{first}", *joined]
    return list(dict.fromkeys(joined))


def _explain(error: ValidationError, table: type[_Table]) -> str:
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        return f"unknown entry {where!r}; there are {', '.join(table.model_fields)}"
    if first["type"] == "missing":
        return f"the entry {where!r} is missing"
    if first["type"] == "value_error":
        return str(first["ctx"]["error"])
    return f"{where}: {first['msg'][0].lower()}{first['msg'][1:]} (it is {first['input']!r})"
