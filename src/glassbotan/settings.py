"""Settings of a job: one pydantic model a kind of job, refused in one line where they are wrong.

The command line's options, the keys of a YAML file, a Python function's arguments and the record in
an output are a model's fields.
"""

import difflib
from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Any, TypeVar, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from glassbotan.errors import InputError

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Fraction = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=1, le=1_000_000)]
Natural = Annotated[int, Field(ge=0)]


class Settings(BaseModel):
    """Settings that cannot be changed, and that know no other keys; fields are :func:`told`."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, validate_default=True, arbitrary_types_allowed=True
    )


def told(default: Any, title: str | None, description: str, **limits: Any) -> Any:
    """Return a field of settings.

    Parameters
    ----------
    default
        Its value where none is given; ``...`` where one must be, None where it is worked out.
    title
        What its value is called in ``--help``; None for a flag.
    description
        What it means.
    limits
        See :func:`pydantic.Field`.

    """
    return Field(default, title=title, description=description, **limits)


Some = TypeVar("Some", bound=BaseModel)
Place = tuple[int | str, ...]

LONGEST = 60
"""Characters of a value that a refusal repeats."""


def _listed(value: Any) -> Any:
    """Return "12,12,20" and a single number as lists, whose entries are validated elsewhere."""
    if isinstance(value, str):
        return value.split(",")
    return [value] if isinstance(value, (int, float)) else value


LISTED = BeforeValidator(_listed)
"""Of a field with several values: one alone and text with commas are as good as a list."""


def checked(
    model: type[Some],
    content: Mapping[str, Any],
    *,
    source: str = "",
    naming: Callable[[Place], str] = lambda place: ".".join(map(str, place)),
) -> Some:
    """Return the model of what was given; numbers and arrays of NumPy are taken too.

    Parameters
    ----------
    model
        Of the job.
    content
        Values by field.
    source
        Where they are from, such as a file's name.
    naming
        Returns what a place in the model is called there.

    Raises
    ------
    InputError
        A key or value is wrong; names it and, for an unknown key, the nearest known.

    """
    before = f"{source}: " if source else ""
    plain = {key: v.tolist() if hasattr(v, "tolist") else v for key, v in content.items()}
    try:
        return model.model_validate(plain)
    except ValidationError as error:
        raise InputError(f"{before}{_explain(error, model, plain, naming)}") from None
    except InputError as error:
        raise InputError(f"{before}{error}") from None


def _explain(
    error: ValidationError,
    model: type[BaseModel],
    content: Mapping[str, Any],
    naming: Callable[[Place], str],
) -> str:
    first = error.errors()[0]
    place, given = first["loc"], first["input"]
    # A place in a list that a single value or text became says nothing to who gave that.
    where = naming(place if _is_in(content, place[:-1]) else place[:-1])
    if first["type"] == "extra_forbidden":
        known = sorted(set(_keys(model)))
        nearest = difflib.get_close_matches(str(first["loc"][-1]), known, n=1, cutoff=0.5)
        hint = f"; did you mean {nearest[0]!r}?" if nearest else ""
        return f"unknown key {where!r}{hint}"
    if first["type"] == "missing":
        return f"the key {where!r} is missing"
    told = repr(given) if len(repr(given)) <= LONGEST else f"{repr(given)[: LONGEST - 3]}..."
    if first["type"] == "value_error":
        message = str(first["ctx"]["error"])
        if where and not isinstance(given, dict):
            return f"{where} {told}: {message}"
        return f"{where}: {message}".removeprefix(": ")
    return f"{where}: {first['msg'][0].lower()}{first['msg'][1:]} (it is {told})"


def _is_in(content: Any, place: Place) -> bool:
    """Tell whether there are entries at a place."""
    for key in place:
        try:
            content = content[key]
        except (KeyError, IndexError, TypeError):
            return True
    return isinstance(content, (Mapping, list, tuple))


def _keys(kind: Any) -> Iterator[str]:
    """Yield the keys of a model and of the models within it."""
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        for name, field in kind.model_fields.items():
            yield name
            yield from _keys(field.annotation)
    for inner in get_args(kind):
        yield from _keys(inner)
