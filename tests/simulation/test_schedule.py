"""Work spread over processes and clusters: the same data, whoever does it."""

import os
import signal
import sys
import time
import types

import pytest

from conftest import Told
from glassbotan.errors import InputError, RunError
from glassbotan.settings import checked
from glassbotan.simulation import cluster, pacing, signals
from glassbotan.simulation.resources import Resources, seconds
from glassbotan.simulation.run import run_campaign
from simulation.campaigns import assert_same_contents, campaign
from simulation.glasses import needs_lammps


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("schedule")


@pytest.fixture(scope="module")
def alone(folder):
    path = folder / "alone.zarr"
    run_campaign(campaign(folder), path)
    return path


@needs_lammps
def test_the_workers_of_a_scheduler_do_the_same(folder, alone):
    """A scheduler of ours in this process stands for one that runs elsewhere."""
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=1,
        threads_per_worker=1,
        processes=False,
        dashboard_address=None,
        memory_limit=0,
        protocol="tcp",
    ) as cluster:
        told = Told()
        path = folder / "cluster.zarr"
        resources = Resources(scheduler=cluster.scheduler_address)
        summary = run_campaign(campaign(folder), path, resources=resources, progress=told)
        assert summary.complete
        assert told[-1][0] == told[-1][1]
        assert_same_contents(path, alone)
        stopped = run_campaign(
            campaign(folder),
            folder / "late.zarr",
            resources=resources.model_copy(update={"time_limit": 1e-9}),
        )
        assert not stopped.complete
        sharp = campaign(folder, timestep=0.05, times=[1.0, 50.0], trajectories=[2, 2])
        with pytest.raises(RunError, match="blew up by step"):
            run_campaign(sharp, folder / "hot.zarr", resources=resources)


@needs_lammps
def test_ctrl_c_writes_checkpoints_and_stops(folder, alone, tmp_path, monkeypatch):
    monkeypatch.setattr(pacing, "SLICE", 0.01)
    path = tmp_path / "stopped.zarr"

    def press(done, total, *_, **__):
        if done > 0.3 * total and not pressed:
            pressed.append(done)
            os.kill(os.getpid(), signal.SIGINT)

    pressed = []
    summary = run_campaign(campaign(folder), path, progress=press)
    assert pressed
    assert summary.interrupted
    assert not summary.complete
    assert list((path / ".work").rglob("checkpoint.npz"))
    assert run_campaign(campaign(folder), path).complete
    assert_same_contents(path, alone)


@needs_lammps
def test_a_second_ctrl_c_stops_at_once(folder, tmp_path, monkeypatch):
    def press(done, *_, **__):
        if done:
            for _ in range(2):
                os.kill(os.getpid(), signal.SIGTERM)
                time.sleep(0.02)

    monkeypatch.setattr(signals, "PATIENCE", 0.01)
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(KeyboardInterrupt):
        run_campaign(campaign(folder), tmp_path / "stopped.zarr", progress=press)
    assert signal.getsignal(signal.SIGTERM) is before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"workers": 0}, "workers: input should be greater than or equal to 1"),
        ({"batch": "lsf"}, "batch: input should be 'slurm' or 'pbs'"),
        ({"batch": "pbs", "scheduler": "tcp://a:1"}, "has workers of its own"),
        ({"batch_option": {"queue": "q"}}, "no batch system"),
    ],
)
def test_resources_that_make_no_sense_are_refused(arguments, message):
    with pytest.raises(InputError, match=message):
        checked(Resources, arguments)


def test_without_dask_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with (
        pytest.raises(InputError, match=r"pip install .glassbotan\[simulate\]"),
        cluster.connected(Resources(workers=2)),
    ):
        pass


def test_no_scheduler_at_the_address():
    dask = pytest.importorskip("dask")
    with (
        dask.config.set({"distributed.comm.timeouts.connect": "200ms"}),
        pytest.raises(InputError, match="no Dask scheduler answers there"),
        cluster.connected(Resources(scheduler="tcp://127.0.0.1:9")),
    ):
        pass


def test_batch_systems_get_their_options_and_jobs(monkeypatch):
    """A stand-in for dask-jobqueue, which needs a batch system to do anything."""
    asked = {}

    class Cluster:
        def __init__(self, **options):
            if "nonsense" in options:
                raise TypeError("unexpected option 'nonsense'")
            asked.update(options)

        def scale(self, *, jobs):
            asked["jobs"] = jobs

    monkeypatch.setitem(sys.modules, "dask_jobqueue", types.SimpleNamespace(SLURMCluster=Cluster))
    options = {"queue": "short", "memory": "4GB"}
    cluster._batch_cluster(Resources(workers=7, batch="slurm", batch_option=options))
    assert asked == {"cores": 1, "processes": 1, "memory": "4GB", "queue": "short", "jobs": 7}
    with pytest.raises(InputError, match="unexpected option"):
        cluster._batch_cluster(Resources(batch="slurm", batch_option={"nonsense": 1}))
    monkeypatch.setitem(sys.modules, "dask_jobqueue", None)
    with pytest.raises(InputError, match="pip install dask-jobqueue"):
        cluster._batch_cluster(Resources(batch="slurm"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [("90", 90), ("1.5h", 5400), ("15min", 900), ("2d", 172800), ("1:30:05", 5405), (None, None)],
)
def test_durations_are_read(text, expected):
    assert seconds(text) == expected


@pytest.mark.parametrize("text", ["", "0", "-3", "h", "1:30", "3 weeks"])
def test_what_is_no_duration_is_refused(text):
    with pytest.raises(ValueError, match="expected a time"):
        seconds(text)
