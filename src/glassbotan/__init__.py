"""glassbotan: predict how a glass will move from one snapshot of its structure.

>>> import glassbotan as gb
>>> motion = gb.predict(gb.read("snapshot.extxyz"))

What these names need is loaded when they are first used; importing the package costs little. The
names and their homes are the import lines of ``__init__.pyi``, for type checkers and this file
alike (https://scientific-python.org/specs/spec-0001).
"""

import ast
from importlib import import_module
from pathlib import Path
from typing import Any

_HOMES = {
    alias.name: statement.module
    for statement in ast.parse(Path(__file__).with_suffix(".pyi").read_text(encoding="utf-8")).body
    if isinstance(statement, ast.ImportFrom) and statement.module
    for alias in statement.names
}
__all__ = sorted(_HOMES)  # noqa: PLE0605 - a list all the same


def __getattr__(name: str) -> Any:
    if name == "__version__":
        return import_module("glassbotan.provenance").package_version()
    if name not in _HOMES:
        raise AttributeError(f"module 'glassbotan' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
