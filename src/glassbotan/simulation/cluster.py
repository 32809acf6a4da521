"""Dask clusters: cores of this machine, workers of a running scheduler, jobs of a batch system."""

import logging
import os
import tempfile
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from glassbotan.errors import InputError
from glassbotan.simulation.resources import Resources
from glassbotan.simulation.signals import held

if TYPE_CHECKING:
    from collections.abc import Iterator

    from distributed import Client

LOGGER = logging.getLogger("glassbotan")

ALLOWED_DEATHS = 10
"""Of workers while they were at a task, before the task is held to be the cause."""

NO_DASK = 'Dask is not installed; install it with: pip install "glassbotan[simulate]"'


def check_sees(client: "Client", path: Path) -> None:
    """Raise InputError where a worker does not see a folder."""
    found = client.run(os.path.isdir, str(path))
    blind = [worker for worker, sees in found.items() if not sees]
    if blind:
        raise InputError(
            f"{path}: the worker {blind[0]} does not see this folder; the store must lie on a file "
            "system that all workers share"
        )
    if not found:
        LOGGER.info("waiting for workers")


@contextmanager
def connected(resources: Resources) -> "Iterator[Client]":
    """Connect to the cluster that is asked for, starting it where there is none."""
    try:
        import dask
        from distributed import Client, LocalCluster
    except ImportError:
        raise InputError(NO_DASK) from None

    configuration = {
        # One task a worker, so that the longest waiting is what is begun next.
        "distributed.scheduler.worker-saturation": 1.0,
        "distributed.scheduler.allowed-failures": ALLOWED_DEATHS,
    }
    with ExitStack() as stack:
        stack.enter_context(dask.config.set(configuration))
        # Its remarks are of no interest, and its errors reach people in other ways.
        for name in ("distributed", "distributed.client", "tornado"):
            logger = logging.getLogger(name)
            stack.callback(logger.setLevel, logger.level)
            logger.setLevel(logging.CRITICAL)
        if resources.scheduler is not None:
            where: Any = resources.scheduler
        elif resources.batch is not None:
            where = stack.enter_context(_batch_cluster(resources))
        else:
            scratch = stack.enter_context(tempfile.TemporaryDirectory(prefix="glassbotan-"))
            with held():
                cluster = LocalCluster(
                    n_workers=resources.workers,
                    threads_per_worker=1,
                    processes=True,
                    dashboard_address=":0",
                    memory_limit=0,
                    local_directory=scratch,
                    silence_logs=logging.CRITICAL,
                )
            where = stack.enter_context(cluster)
        try:
            client = stack.enter_context(Client(where))
        except (OSError, ValueError) as error:
            raise InputError(f"{where}: no Dask scheduler answers there ({error})") from None
        yield client


def _batch_cluster(resources: Resources) -> Any:
    try:
        import dask_jobqueue
    except ImportError:
        raise InputError(
            "dask-jobqueue is not installed; install it with: pip install dask-jobqueue"
        ) from None
    kind = {"slurm": "SLURMCluster", "pbs": "PBSCluster"}[resources.batch or "slurm"]
    options = {"cores": 1, "processes": 1, "memory": "2GB", **resources.batch_option}
    try:
        cluster = getattr(dask_jobqueue, kind)(**options)
    except (TypeError, ValueError) as error:
        raise InputError(f"{resources.batch}: {error}") from None
    cluster.scale(jobs=resources.workers)
    return cluster
