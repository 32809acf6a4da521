"""A campaign from its file's content to its store."""

import time
from dataclasses import dataclass
from pathlib import Path

from glassbotan.errors import InputError
from glassbotan.io.ensemble_layout import SUFFIX
from glassbotan.io.lock import only_one
from glassbotan.progress import Progress, silent
from glassbotan.provenance import provenance
from glassbotan.simulation.campaign import Campaign
from glassbotan.simulation.cluster import connected
from glassbotan.simulation.plan import plan
from glassbotan.simulation.resources import Resources
from glassbotan.simulation.schedule import STOP, Job, run_here, run_on
from glassbotan.simulation.signals import listening
from glassbotan.simulation.store import WORK, clean, disk_errors, prepare


@dataclass(frozen=True)
class Summary:
    """How a run of a campaign ended.

    Attributes
    ----------
    complete
        Whether every snapshot is finished.
    interrupted
        Whether it was stopped by a signal; else, if it is not complete, by the time limit.

    """

    complete: bool
    interrupted: bool


def run_campaign(
    campaign: Campaign,
    output: str | Path,
    *,
    resources: Resources | None = None,
    progress: Progress = silent,
) -> Summary:
    """Make a campaign's ensembles, or go on with them.

    Which process does what, and when, leaves no trace in the data. Ctrl-C (or SIGTERM) lets every
    block write a checkpoint and stop; a second one stops at once.

    Parameters
    ----------
    campaign
        From :func:`glassbotan.simulation.campaign.load_campaign`.
    output
        The store, a folder NAME.zarr; one that is there already must be this campaign's.
    resources
        Where it is done, and for how long; by default in this process, to the end.
    progress
        Told several times a second the particle-steps and snapshots done.

    Raises
    ------
    InputError
        The campaign, a snapshot or the store is not as it must be, the engine or Dask is not
        installed, the scheduler is not there, or its workers do not see the store.
    RunError
        Trajectories blew up (all others are done first), the disk is full, workers die again and
        again, the scheduler was lost, or another run is at work in the store.

    """
    target = Path(output)
    if target.suffix != SUFFIX:
        raise InputError(f"{target}: the name of a store must end in {SUFFIX}")
    planned = plan(campaign)
    asked = campaign.model_dump(mode="json")
    made_by = provenance(dict.fromkeys(planned.files), seed=campaign.seed, campaign=asked)
    store = prepare(target, planned, made_by)
    resources = resources or Resources()
    limit = float("inf") if resources.time_limit is None else resources.time_limit
    deadline = time.time() + limit
    refusal = f"{store.path}: another run is at work there; wait for it to end"
    with only_one(store.path, refusal), listening() as signals:
        # What is left of a run that was killed.
        with disk_errors(store.path):
            (store.path / WORK / STOP).unlink(missing_ok=True)
        job = Job(store, planned, deadline, progress, signals)
        if job.pending and resources.local:
            run_here(job)
        elif job.pending:
            with connected(resources) as client:
                run_on(client, job)
        job.raise_failures()
        summary = Summary(not job.unfinished, signals.seen > 0)
        if summary.complete:
            clean(store.path)
    return summary
