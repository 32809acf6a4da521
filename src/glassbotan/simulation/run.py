"""A campaign from its file's content to its store."""

from pathlib import Path

from glassbotan.errors import InputError
from glassbotan.io.ensemble_layout import SUFFIX
from glassbotan.progress import Progress, silent
from glassbotan.provenance import provenance
from glassbotan.simulation.campaign import Campaign
from glassbotan.simulation.plan import plan
from glassbotan.simulation.resources import Resources
from glassbotan.simulation.schedule import Summary, execute
from glassbotan.simulation.store import prepare


def run_campaign(
    campaign: Campaign,
    output: str | Path,
    *,
    resources: Resources | None = None,
    progress: Progress = silent,
) -> Summary:
    """Make a campaign's ensembles, or go on with them.

    Parameters
    ----------
    campaign
        From :func:`glassbotan.simulation.campaign.load_campaign`.
    output
        The store, a folder NAME.zarr; one that is there already must be this campaign's.
    resources, progress
        As :func:`glassbotan.simulation.schedule.execute`.

    Raises
    ------
    InputError
        The campaign, a snapshot or the store is not as it must be, or the engine or Dask is not
        installed.
    RunError
        Trajectories blew up, the disk is full, or workers or the scheduler were lost.

    """
    target = Path(output)
    if target.suffix != SUFFIX:
        raise InputError(f"{target}: the name of a store must end in {SUFFIX}")
    planned = plan(campaign)
    asked = campaign.model_dump(mode="json")
    made_by = provenance(dict.fromkeys(planned.files), seed=campaign.seed, campaign=asked)
    store = prepare(target, planned, made_by)
    return execute(store, planned, resources=resources, progress=progress)
