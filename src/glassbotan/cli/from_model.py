"""Options of a command from the fields of its job's settings, so that they are written once."""

import functools
import inspect
from collections.abc import Callable, Mapping
from types import UnionType
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

import typer
from pydantic import BaseModel, BeforeValidator
from pydantic.fields import FieldInfo

from glassbotan.settings import Place, checked

Some = TypeVar("Some", bound=BaseModel)


def options_of(
    *models: type[BaseModel],
    first: tuple[str, ...] = (),
    leave_out: tuple[str, ...] = (),
    short: Mapping[str, str] | None = None,
    defaults: Mapping[str, Any] | None = None,
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Return what gives a command an option for each field of some models.

    The command's first parameter is then the mapping of fields to what was given, for
    :func:`settings_of`; its other parameters are further
    arguments and options.

    Parameters
    ----------
    models
        Their fields' titles stand for the values in ``--help``, their descriptions are the texts.
    first
        The most important fields and options of the command's own, which come first.
    leave_out
        Fields without an option.
    short
        Options of one letter, by field.
    defaults
        Of the command, where they are others than the model's.

    """
    fields = {
        name: field
        for model in models
        for name, field in model.model_fields.items()
        if name not in leave_out
    }
    letters, usual = short or {}, defaults or {}

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        _, *own = inspect.signature(command, eval_str=True).parameters.values()
        arguments = [p for p in own if p.kind is p.POSITIONAL_OR_KEYWORD]
        options = {
            name: _option(
                name,
                field,
                usual.get(name, field.get_default(call_default_factory=True)),
                letters.get(name),
            )
            for name, field in fields.items()
        } | {p.name: p for p in own if p not in arguments}

        @functools.wraps(command)
        def run(**given: Any) -> None:
            command({name: given.pop(name) for name in fields}, **given)

        # Typer reads the options from the signature, and their types from nowhere else.
        run.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
            [*arguments, *(options[name] for name in dict.fromkeys((*first, *options)))]
        )
        run.__annotations__ = {}
        return run

    return decorate


def settings_of(model: type[Some], given: Mapping[str, Any], **also: Any) -> Some:
    """Return the settings that a model's options give, and others that are set beside them.

    Raises
    ------
    InputError
        A value is wrong; names the option.

    """
    own = {name: value for name, value in given.items() if name in model.model_fields}
    return checked(model, {**own, **also}, naming=_option_at)


def _option(name: str, field: FieldInfo, default: Any, letter: str | None) -> inspect.Parameter:
    text = any(isinstance(part, BeforeValidator) for part in field.metadata)
    kind = str if text and get_origin(field.annotation) is not dict else _kind(field.annotation)
    if isinstance(default, tuple):
        default = ",".join(map(str, default))
    elif default == {}:
        default = None
    option = typer.Option(
        f"--{_dashed(name)}",
        *([letter] if letter else []),
        # A flag has no value.
        metavar=None if kind is bool else field.title,
        help=field.description,
    )
    return inspect.Parameter(
        name,
        inspect.Parameter.KEYWORD_ONLY,
        default=default,
        annotation=Annotated[kind if default is not None else kind | None, option],
    )


def _kind(annotation: Any) -> Any:
    """Return what the command line gives for a type: a flag, a number, text, or several texts."""
    if get_origin(annotation) is Annotated:
        return _kind(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        kinds = {_kind(inner) for inner in get_args(annotation) if inner is not type(None)}
        return kinds.pop() if len(kinds) == 1 else str
    if get_origin(annotation) is dict:
        return list[str]
    return annotation if annotation in (bool, int, float) else str


def _option_at(place: Place) -> str:
    return f"--{_dashed(str(place[0]))}" if place else ""


def _dashed(name: str) -> str:
    return name.replace("_", "-")
