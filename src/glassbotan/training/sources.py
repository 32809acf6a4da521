"""From the files that a recipe names to examples in the cache."""

import hashlib
import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from glassbotan.datasets import load_all_labelled, load_labelled
from glassbotan.datasets.groups import particle_groups
from glassbotan.dynamics.bonds import Bonds, both_ways
from glassbotan.dynamics.motion import match_times, values_on
from glassbotan.dynamics.quantities import QUANTITIES
from glassbotan.errors import InputError
from glassbotan.models.architecture import WHOLE
from glassbotan.models.example import Example
from glassbotan.provenance import sha256
from glassbotan.structure import Snapshot
from glassbotan.structure.snapshot import fingerprint
from glassbotan.training.config import Recipe, StageSection
from glassbotan.training.example_files import EXAMPLE_FORM, is_stored, write_example

LABEL_CUTOFF = 2.0
"""Of the bonds that stores of targets hold, length units."""

LOGGER = logging.getLogger("glassbotan")


@dataclass(frozen=True, eq=False)
class Source:
    """One snapshot with labels, before its graph and targets are needed.

    Attributes
    ----------
    files
        Where its labels lie, one or several times in each.
    snapshot
        The configuration.
    times
        Of the labels, in the files' order.
    quantities
        That all files tell.
    name
        The files, for messages.

    """

    files: tuple[Path, ...]
    snapshot: Snapshot
    times: tuple[float, ...]
    quantities: tuple[str, ...]
    name: str


def survey(files: Sequence[Path], recipe: Recipe) -> list[Source]:
    """Return the snapshots in files; those of one configuration are one snapshot.

    Labels are looked at one after another, and never held all at once.
    """
    groups: dict[str, list[Source]] = {}
    longest = recipe.model.settings().longest_bond
    for path in files:
        labels = load_labelled(path, any_cutoff=True, **_reading(recipe))
        motion = labels.motion
        if labels.bonds.cutoff < longest - 1e-9:
            raise InputError(
                f"{path}: its bonds are those of cutoff {labels.bonds.cutoff:g}; "
                f"the model's graph has {longest:g}"
            )
        source = Source(
            (path,),
            motion.snapshot,
            tuple(float(t) for t in motion.times),
            tuple(motion.values),
            motion.source,
        )
        groups.setdefault(fingerprint(motion.snapshot), []).append(source)
    return [_joined(group) for group in groups.values()]


def common_times(recipe: Recipe, sources: Sequence[Source]) -> tuple[float, ...]:
    """Return the times to learn: the recipe's, or all that the sources share."""
    if recipe.data.times is not None:
        return tuple(sorted(recipe.data.times))
    found = [
        t
        for t in sorted(sources[0].times)
        if all(match_times(np.array([t]), np.array(x.times)) != [-1] for x in sources)
    ]
    if not found:
        raise InputError("data.train: the files have no time in common; choose some in data.times")
    return tuple(found)


def refuse_shared(train: Sequence[Source], validation: Sequence[Source]) -> None:
    """Refuse a validation snapshot that is trained on."""
    trained = {fingerprint(source.snapshot) for source in train}
    for source in validation:
        if fingerprint(source.snapshot) in trained:
            raise InputError(
                f"data.validation: the snapshot of {source.name} is also among "
                "data.train; validation snapshots must never be trained on"
            )


def stored_example(
    source: Source, recipe: Recipe, times: tuple[float, ...], *, fold: int = WHOLE
) -> str:
    """Make sure that the source's example is in the cache, and return its name there.

    Parameters
    ----------
    source, recipe, times
        What to make it of.
    fold
        The part of a cross-validation that it belongs to, for a network with a baseline.

    Raises
    ------
    InputError
        A time is missing, labels are of another dimension or blank, or bonds are to be learned
        from labels that have none.

    """
    _check(source, recipe, times)
    name = _name(source, recipe, times, fold)
    if not is_stored(name):
        LOGGER.debug("writing the example of %s", source.name)
        write_example(name, _example(source, recipe, times, fold))
    return name


def _reading(recipe: Recipe) -> dict[str, Any]:
    """Return the cutoff of labels that are made of trajectories, and the box of those without."""
    cutoff = max(LABEL_CUTOFF, recipe.model.settings().longest_bond)
    return {"cutoff": cutoff, "box": recipe.data.box}


def _joined(group: Sequence[Source]) -> Source:
    return Source(
        tuple(path for source in group for path in source.files),
        group[0].snapshot,
        tuple(t for source in group for t in source.times),
        tuple(q for q in group[0].quantities if all(q in source.quantities for source in group)),
        " and ".join(source.name for source in group),
    )


def _check(source: Source, recipe: Recipe, times: tuple[float, ...]) -> None:
    settings = recipe.model.settings()
    if source.snapshot.dimension != settings.dimension:
        raise InputError(
            f"{source.name}: has {source.snapshot.dimension} dimensions; "
            f"model.dimension is {settings.dimension}"
        )
    chosen = match_times(np.array(times), np.array(source.times))
    if -1 in chosen:
        raise InputError(
            f"{source.name}: has no labels at t = {times[chosen.index(-1)]:g}; "
            f"its times are {sorted(source.times)}"
        )
    for stage in recipe.stages:
        for name, weight in stage.loss_weights.items():
            if weight > 0 and name not in source.quantities:
                raise InputError(f"{source.name}: {_lacks(name, stage)}")
    for name in () if recipe.stages else settings.quantities:
        if name not in source.quantities:
            raise InputError(f"{source.name}: has no labels of {name}")


def _lacks(name: str, stage: StageSection) -> str:
    if stage.weights is None and QUANTITIES[name].place == "bonds":
        return (
            "has no bond labels, which node_weight < 1 asks for; "
            "set node_weight to 1 or use files with trajectories"
        )
    return f"has no labels of {name}, whose weight in the loss is above 0"


def _name(source: Source, recipe: Recipe, times: tuple[float, ...], fold: int) -> str:
    """Return a name that says everything that the example depends on."""
    # A published file's name tells its time and temperature.
    files = [(path.name, sha256(path)) for path in source.files]
    settings = recipe.model.settings()
    model = (recipe.model.architecture, settings.record(), settings.quantities, fold)
    record = (EXAMPLE_FORM, files, model, recipe.data.box, times, recipe.precision == "64-true")
    key = hashlib.sha256(json.dumps(record).encode()).hexdigest()
    return f"{source.files[0].stem}-{key[:24]}"


def _example(source: Source, recipe: Recipe, times: tuple[float, ...], fold: int) -> Example:
    [labels] = load_all_labelled(source.files, any_cutoff=True, **_reading(recipe))
    motion, settings = labels.motion, recipe.model.settings()
    chosen = match_times(np.array(times), motion.times)
    if settings.inputs_take_long:
        LOGGER.info("inputs of %s", motion.snapshot.source)
    inputs = settings.inputs(motion.snapshot)
    dtype = torch.float64 if recipe.precision == "64-true" else torch.float32
    targets = {}
    for name in settings.quantities:
        values = motion.values.get(name)
        if values is not None and QUANTITIES[name].place == "bonds":
            graph = inputs.graph
            assert graph is not None
            found = values_on(Bonds.of(graph), motion, name)
            values = None if found is None else both_ways(found, graph)
        if values is None:
            continue
        if np.isnan(values[chosen]).any():
            raise InputError(
                f"{motion.source}: its {name.replace('_', ' ')} is blank (NaN) for some "
                f"{QUANTITIES[name].place}, as in a prediction; learning takes a number for "
                "every one"
            )
        targets[name] = _tensor(values[chosen].T, dtype)
    species = tuple(torch.from_numpy(g.members) for g in particle_groups(motion.snapshot))
    return Example(inputs.tensors(dtype, fold), targets, species)


def _tensor(values: NDArray[np.floating], dtype: torch.dtype) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(values)).to(dtype)
