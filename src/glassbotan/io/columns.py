"""Per-particle fields as the named columns of a table, and a motion as such fields."""

import re
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from glassbotan.dynamics import Motion
from glassbotan.dynamics.motion import time_label
from glassbotan.dynamics.quantities import QUANTITIES
from glassbotan.errors import InputError
from glassbotan.structure import Snapshot

Columns = dict[str, NDArray[np.generic]]


def check_columns(fields: Mapping[str, NDArray[np.generic]], taken: set[str], path: object) -> None:
    """Raise InputError for a field that no table can hold under its name.

    ``taken`` are the names of the format's own columns.
    """
    for name, values in fields.items():
        if not re.fullmatch(r"[^\s:=\"']+", name) or name in taken:
            raise InputError(
                f"{path}: a field named {name!r} cannot be written; "
                "rename it to one word that is not a column of the format"
            )
        array = np.asarray(values)
        if array.ndim not in (1, 2) or 0 in array.shape or array.dtype.kind not in "biufU":
            raise InputError(
                f"{path}: field {name!r} (shape {list(array.shape)}, type {array.dtype}) cannot be "
                "written; a table holds one row of numbers or one word a particle"
            )
        if array.dtype.kind == "U" and not all(re.fullmatch(r"\S+", t) for t in array.flat):
            raise InputError(f"{path}: the texts of field {name!r} must be single words")


def scalar_columns(fields: Mapping[str, NDArray[np.generic]]) -> Columns:
    """Return fields with several components split into name[1], name[2], ...

    True and false become 1 and 0.
    """
    columns: Columns = {}
    for name, values in fields.items():
        array = np.asarray(values)
        if array.dtype.kind == "b":
            array = array.astype(np.int64)
        if array.ndim == 1:
            columns[name] = array
        else:
            columns.update({f"{name}[{k + 1}]": array[:, k] for k in range(array.shape[1])})
    return columns


def quantity_columns(motion: Motion) -> Columns:
    """Return a motion's particles as columns propensity_t0.13, propensity_t1.3, ... of shape [N].

    The number in the name is the time. Where the motion has errors, propensity_error_t0.13, ...
    follow, and so on for every quantity on particles.
    """
    labels = [time_label(float(time)) for time in motion.times]
    if len(set(labels)) < len(labels):
        labels = [repr(float(time)) for time in motion.times]
    kinds = (("", motion.values), ("_error", motion.errors))
    return {
        f"{name}{suffix}_t{label}": values
        for name in motion.values
        for suffix, kind in kinds
        if name in kind and QUANTITIES[name].place == "particles"
        for label, values in zip(labels, kind[name], strict=True)
    }


def with_quantities(item: Snapshot | Motion) -> Snapshot:
    """Return a snapshot as it is, or a motion's snapshot with its quantities as fields."""
    if isinstance(item, Snapshot):
        return item
    fields = {**item.snapshot.fields, **quantity_columns(item)}
    return replace(item.snapshot, fields=fields)
