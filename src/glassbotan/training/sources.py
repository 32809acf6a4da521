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
from glassbotan.datasets.labelled import LabelledSnapshot
from glassbotan.dynamics.motion import match_times
from glassbotan.errors import InputError
from glassbotan.models.caged.inputs import caged_inputs
from glassbotan.models.caged.network import CagedNetwork
from glassbotan.models.caged.recipe import InputRecipe
from glassbotan.models.caged.states import FORM as STATES_FORM
from glassbotan.models.caged.tensors import WHOLE, caged_tensors
from glassbotan.models.graph_tensors import graph_tensors
from glassbotan.models.storage import ARCHITECTURES
from glassbotan.provenance import sha256
from glassbotan.structure import Snapshot
from glassbotan.structure.periodic import FloatArray
from glassbotan.structure.snapshot import fingerprint
from glassbotan.training.config import Recipe
from glassbotan.training.example import Example, Graph
from glassbotan.training.example_files import EXAMPLE_FORM, is_stored, write_example

LABEL_CUTOFF = 2.0
"""Of the graph whose bonds stores of targets hold, length units."""

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
    has_bonds
        Whether all files tell bond extensions.
    name
        The files, for messages.

    """

    files: tuple[Path, ...]
    snapshot: Snapshot
    times: tuple[float, ...]
    has_bonds: bool
    name: str


def survey(files: Sequence[Path], recipe: Recipe) -> list[Source]:
    """Return the snapshots in files; those of one configuration are one snapshot.

    Labels are looked at one after another, and never held all at once.
    """
    groups: dict[str, list[Source]] = {}
    for path in files:
        motion = load_labelled(path, cutoff=_label_cutoff(recipe), box=_box(recipe)).motion
        source = Source(
            (path,),
            motion.snapshot,
            tuple(float(t) for t in motion.times),
            motion.bond_extension is not None,
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


def _box(recipe: Recipe) -> FloatArray | None:
    return None if recipe.data.box is None else np.array(recipe.data.box)


def _joined(group: Sequence[Source]) -> Source:
    return Source(
        tuple(path for source in group for path in source.files),
        group[0].snapshot,
        tuple(t for source in group for t in source.times),
        all(source.has_bonds for source in group),
        " and ".join(source.name for source in group),
    )


def _check(source: Source, recipe: Recipe, times: tuple[float, ...]) -> None:
    if source.snapshot.dimension != recipe.model.dimension:
        raise InputError(
            f"{source.name}: has {source.snapshot.dimension} dimensions; "
            f"model.dimension is {recipe.model.dimension}"
        )
    chosen = match_times(np.array(times), np.array(source.times))
    if -1 in chosen:
        raise InputError(
            f"{source.name}: has no labels at t = {times[chosen.index(-1)]:g}; "
            f"its times are {sorted(source.times)}"
        )
    if not source.has_bonds and any(s.node_weight < 1 for s in recipe.stages):
        raise InputError(
            f"{source.name}: has no bond labels, which node_weight < 1 asks for; "
            "set node_weight to 1 or use files with trajectories"
        )


def _name(source: Source, recipe: Recipe, times: tuple[float, ...], fold: int) -> str:
    """Return a name that says everything that the example depends on."""
    # A published file's name tells its time and temperature.
    files = [(path.name, sha256(path)) for path in source.files]
    model: list[Any] = [recipe.model.architecture == "node-only", recipe.model.cutoff]
    if recipe.model.architecture == CagedNetwork.architecture:
        model = ["caged", STATES_FORM, _inputs(recipe).record(), fold]
    record = (EXAMPLE_FORM, files, model, recipe.data.box, times, recipe.precision == "64-true")
    key = hashlib.sha256(json.dumps(record).encode()).hexdigest()
    return f"{source.files[0].stem}-{key[:24]}"


def _example(source: Source, recipe: Recipe, times: tuple[float, ...], fold: int) -> Example:
    [labels] = load_all_labelled(source.files, cutoff=_label_cutoff(recipe), box=_box(recipe))
    motion = labels.motion
    chosen = match_times(np.array(times), motion.times)
    if np.isnan(motion.propensity[chosen]).any():
        raise InputError(
            f"{motion.source}: its propensity is blank (NaN) for some particles, as in a "
            "prediction; learning takes a number for every one"
        )
    dtype = torch.float64 if recipe.precision == "64-true" else torch.float32
    graph, bonds = _graph(labels, recipe, dtype, fold)
    return Example(
        graph,
        _tensor(motion.propensity[chosen].T, dtype),
        None
        if motion.bond_extension is None or bonds is None
        else _tensor(motion.bond_extension[chosen][:, bonds].T, dtype),
        tuple(torch.from_numpy(g.members) for g in particle_groups(motion.snapshot)),
    )


def _graph(
    labels: LabelledSnapshot, recipe: Recipe, dtype: torch.dtype, fold: int
) -> tuple[Graph, Any]:
    """Return the network's input tensors, and which of the labels' bonds they hold, if any."""
    if recipe.model.architecture == CagedNetwork.architecture:
        LOGGER.info("inputs of %s", labels.motion.snapshot.source)
        inputs = caged_inputs(labels.motion.snapshot, _inputs(recipe))
        # The shortest of the labels' bonds, in the same order.
        return (
            caged_tensors(inputs, dtype=dtype, fold=fold),
            labels.graph.distances < recipe.model.cutoff,
        )
    self_edges = ARCHITECTURES[recipe.model.architecture].self_edges
    tensors = graph_tensors(labels.graph, dtype=dtype, self_edges=self_edges)
    return tensors, None if self_edges else slice(None)


def _inputs(recipe: Recipe) -> InputRecipe:
    return InputRecipe(cutoff=recipe.model.cutoff)


def _label_cutoff(recipe: Recipe) -> float:
    """Return the cutoff of the labels' graph: stores of targets have the published one."""
    caged = recipe.model.architecture == CagedNetwork.architecture
    return LABEL_CUTOFF if caged else recipe.model.cutoff


def _tensor(values: NDArray[np.floating], dtype: torch.dtype) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(values)).to(dtype)
