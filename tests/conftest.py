"""Real snapshots and small made-up ones, for all tests."""

import os
import signal
from pathlib import Path
from typing import Any

import hypothesis
import numpy as np
import pytest

# Two threads that wait for each other are far slower than one where the machine is busy. PyTorch
# reads this when it is imported, here and in the processes that tests start.
os.environ["OMP_NUM_THREADS"] = "1"

import torch

if not torch.cuda.is_available():
    # Triton reads this when it is imported, which PyTorch's optimisers do before any test of ours.
    os.environ.setdefault("TRITON_INTERPRET", "1")

import glassbotan as gb
from glassbotan.datasets import LabelledSnapshot, load_labelled
from glassbotan.models import architecture as architectures

# A busy machine is no failure.
hypothesis.settings.register_profile("patient", deadline=None)
hypothesis.settings.load_profile("patient")

REPOSITORY = Path(__file__).parent.parent
PUBLISHED = REPOSITORY / "data" / "published"


@pytest.fixture(autouse=True, scope="session")
def _ctrl_c() -> None:
    # A shell's background jobs ignore it, and what they start inherits that.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True, scope="session")
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GLASSBOTAN_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session")
def published() -> list[Path]:
    """The two published validation snapshots, 401 and 402."""
    return [PUBLISHED / f"isoconfig_N4096T0.44_{n}_tc07.npz" for n in (401, 402)]


@pytest.fixture(scope="session")
def labelled(published: list[Path], _own_cache: None) -> list[LabelledSnapshot]:
    return [load_labelled(path) for path in published]


def new_model(architecture: str, **settings: object) -> Any:
    """An untrained model of any architecture."""
    kind = architectures.architecture(architecture)
    return kind(kind.settings_type(**settings))


def random_snapshot(
    n: int = 60, *, dimension: int = 3, edge: float = 5.0, seed: int = 0
) -> gb.Snapshot:
    """Particles on a jittered lattice: random, and never overlapping."""
    generator = np.random.default_rng(seed)
    per_edge = int(np.ceil(n ** (1 / dimension)))
    sites = np.stack(np.meshgrid(*[np.arange(per_edge)] * dimension, indexing="ij"), -1).reshape(
        -1, dimension
    )
    spacing = edge / per_edge
    chosen = generator.permutation(len(sites))[:n]
    jitter = generator.uniform(-0.15, 0.15, (n, dimension)) * spacing
    return gb.Snapshot(
        positions=(sites[chosen] + 0.5) * spacing + jitter,
        species=generator.integers(0, 2, n),
        box=np.full(dimension, edge),
    )


def random_ensemble(snapshot: gb.Snapshot, *, trajectories: int = 8, seed: int = 1, times=(1.0,)):
    """Trajectories whose particles have wandered off, farther with time."""
    generator = np.random.default_rng(seed)
    shape = (len(times), trajectories, *snapshot.positions.shape)
    scale = 0.1 * np.sqrt(np.array(times))[:, None, None, None]
    return gb.IsoconfigurationalEnsemble(
        snapshot, np.array(times), snapshot.positions + scale * generator.normal(size=shape)
    )


def write_botan_npz(path: Path, snapshot: gb.Snapshot, *, trajectories: int = 4, seed: int = 1):
    """A small file in the published BOTAN form."""
    ensemble = random_ensemble(snapshot, trajectories=trajectories, seed=seed)
    np.savez(
        path,
        types=snapshot.species.astype(np.int8),
        initial_positions=snapshot.positions,
        positions=ensemble.positions[0],
    )
    return path


@pytest.fixture(scope="session")
def one_server():
    from datasets.fetch_server import running_server

    with running_server() as server:
        yield server


@pytest.fixture
def server(one_server):
    """A web server for all tests, with no files on it and nothing asked of it yet."""
    one_server.files.clear()
    one_server.asked.clear()
    one_server.sent = 0
    return one_server


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A folder of the test's own for public data sets."""
    monkeypatch.setenv("GLASSBOTAN_DATA", str(tmp_path / "home"))
    return tmp_path / "home"


class Told(list[tuple[float, float | None, str]]):
    """Keeps what a job tells of its progress: done, total, what."""

    def __call__(self, done: float, total: float | None, what: str = "", /, **_: object) -> None:
        self.append((done, total, what))
