"""Several processes, one a device, that train one network together (DDP of PyTorch)."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, TypeVar

from lightning.fabric import Fabric
from lightning.fabric.plugins.environments.slurm import SLURMEnvironment
from lightning.fabric.plugins.environments.torchelastic import TorchElasticEnvironment
from lightning.fabric.strategies.ddp import DDPStrategy
from lightning.fabric.utilities.exceptions import MisconfigurationException
from torch import Tensor, distributed

from glassbotan.errors import (
    GlassbotanError,
    InputError,
    LostContactError,
    RunError,
    ToldElsewhereError,
)
from glassbotan.training.config import Recipe

T = TypeVar("T")

PATIENCE = timedelta(minutes=5)
"""How long a process waits for another within a step; a death shows at once, a lost network so."""
PREPARATION = timedelta(days=2)
"""How long others wait while one process reads labels, or writes a file."""

_CONNECTION = ("gloo", "nccl", "connection", "timed out", "timeout", "tcpstore", "broken pipe")


@dataclass(frozen=True)
class Processes:
    """The processes of a run, as one of them sees them.

    Attributes
    ----------
    rank
        This process's number; 0 writes the files and talks to the person.
    local_rank
        Its number among those of its machine.
    number
        Of all.
    group
        What connects them, beside PyTorch's own for gradients: this one waits for long.

    """

    rank: int = 0
    local_rank: int = 0
    number: int = 1
    group: Any = None

    def together(self, function: Callable[[], T], *, where: bool = True) -> T | None:
        """Call a function on those processes that say ``where``; return None on others.

        Raises
        ------
        GlassbotanError
            On every process, when one of them raises it; the first one tells it.

        """
        if self.number == 1:
            return function() if where else None
        result, refusal = None, None
        try:
            result = function() if where else None
        except GlassbotanError as error:
            refusal = error
        refusals: list[GlassbotanError | None] = [None] * self.number
        distributed.all_gather_object(refusals, refusal, group=self.group)
        for found in refusals:
            if found is not None:
                raise self.told_by_first(found)
        return result

    def first(self, function: Callable[[], T]) -> T:
        """Call a function on the first process and return its value on all.

        Raises
        ------
        GlassbotanError
            On every process, when the first raises it.

        """
        value = self.together(function, where=self.rank == 0)
        if self.number > 1:
            box = [value]
            distributed.broadcast_object_list(box, src=0, group=self.group)
            [value] = box
        return value  # type: ignore[return-value]  # on the first process it is not None

    def total(self, values: Tensor) -> Tensor:
        """Return the sum of a tensor of the CPU over all processes."""
        if self.number > 1:
            values = values.clone()
            distributed.all_reduce(values, group=self.group)
        return values

    def told_by_first(self, error: GlassbotanError) -> GlassbotanError:
        """Return what to raise for an error that all processes have: one of them tells it."""
        return error if self.rank == 0 else ToldElsewhereError(error)


ALONE = Processes()


def devices_of(recipe: Recipe) -> Fabric:
    """Return the devices that a recipe asks for.

    Raises
    ------
    InputError
        They are not there, or a launcher has started another number of processes.

    """
    settings: dict[str, Any] = {
        "accelerator": recipe.accelerator,
        "devices": recipe.devices,
        "num_nodes": recipe.nodes,
    }
    try:
        fabric, started = Fabric(**settings), launched()
        if fabric.world_size > 1:
            fabric = Fabric(**settings, strategy=DDPStrategy(timeout=PATIENCE))
    except (MisconfigurationException, RuntimeError, TypeError, ValueError) as error:
        raise InputError(
            f"the recipe's accelerator ({recipe.accelerator}), devices ({recipe.devices}) and "
            f"nodes ({recipe.nodes}) cannot be had here: {error}"
        ) from None
    if started is not None and started != fabric.world_size:
        raise InputError(
            f"devices: the recipe asks for {fabric.world_size} processes (devices x nodes) and "
            f"{started} were started; let torchrun or srun start one a device on every node"
        )
    if started is None and recipe.nodes > 1:
        raise InputError(
            f"nodes: {recipe.nodes} nodes need a launcher, torchrun or Slurm's srun, that starts "
            "this command on each of them"
        )
    return fabric


def launched() -> int | None:
    """Return how many processes a launcher started, this one among them; None without one."""
    for environment in (TorchElasticEnvironment, SLURMEnvironment):
        if environment.detect():
            return environment().world_size()
    if "LOCAL_RANK" in os.environ:
        return int(os.environ.get("WORLD_SIZE", "1"))
    return None


@contextmanager
def joined(fabric: Fabric) -> Iterator[Processes]:
    """Connect this process with the others of its run, for the block.

    Raises
    ------
    InputError
        Recipe and launcher disagree.
    RunError
        The others do not come.
    LostContactError
        One of them went.

    """
    if fabric.world_size == 1:
        yield ALONE
        return
    alone = Processes(fabric.global_rank, fabric.local_rank, fabric.world_size)
    try:
        fabric.launch()
        group = distributed.new_group(backend="gloo", timeout=PREPARATION)
    except ValueError as error:
        raise alone.told_by_first(InputError(f"devices: {error}")) from None
    except RuntimeError as error:
        reason = str(error).partition("\n")[0]
        raise alone.told_by_first(
            RunError(
                f"the {alone.number} processes of the run did not find each other ({reason}); "
                "a launcher (torchrun, srun) has to start all of them"
            )
        ) from None
    processes = replace(alone, group=group)
    try:
        yield processes
    except RuntimeError as error:
        if not _is_of_connection(error):
            raise
        raise processes.told_by_first(
            LostContactError(
                "another process of the run has ended or cannot be reached; go on with --resume"
            )
        ) from None
    distributed.destroy_process_group()


def _is_of_connection(error: RuntimeError) -> bool:
    words = str(error).lower()
    return isinstance(error, distributed.DistError) or any(word in words for word in _CONNECTION)
