"""What scores were measured on: the glass, its temperature, and the machine."""

import os
import platform
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from glassbotan.evaluation.scores import KOB_ANDERSEN, Scores, Timings
from glassbotan.structure import Snapshot

if TYPE_CHECKING:
    from glassbotan.models.predictor import Predictor

DENSITY = 1.2
FRACTION_OF_A = 0.8
TOLERANCE = 0.01
"""Of density (relative) and composition; 80 % of a small number of particles is not whole."""


def known_system(snapshots: Sequence[Snapshot]) -> str | None:
    """Return "Kob-Andersen mixture" where all snapshots are like one, else None.

    The potential is not in a snapshot: what is looked at are dimension (3), number density (1.2)
    and composition (80 % A, 20 % B). Source: Kob, Andersen, Phys. Rev. E 51, 4626 (1995).
    """
    return KOB_ANDERSEN if all(map(_is_kob_andersen, snapshots)) else None


def _is_kob_andersen(snapshot: Snapshot) -> bool:
    return (
        snapshot.dimension == 3
        and max(snapshot.composition) == 1
        and abs(snapshot.density / DENSITY - 1) <= TOLERANCE
        and abs(snapshot.composition.get(0, 0.0) - FRACTION_OF_A) <= TOLERANCE
    )


def common_temperature(known: Sequence[Snapshot] | Sequence[Scores]) -> float | None:
    """Return the temperature of all snapshots or results; None where they differ or do not tell."""
    temperatures = {one.temperature for one in known}
    return temperatures.pop() if len(temperatures) == 1 else None


def timings(
    predictor: "Predictor", snapshots: Sequence[Snapshot], seconds: Sequence[float]
) -> Timings:
    """Return the mean time of a prediction with the machine that took it.

    Parameters
    ----------
    predictor
        That predicted.
    snapshots, seconds
        What it predicted, and how long each took.

    """
    import torch

    device = predictor.model.device
    return Timings(
        seconds=float(np.mean(seconds)),
        particles=float(np.mean([s.n_particles for s in snapshots])),
        threads=torch.get_num_threads(),
        device=device,
        machine=torch.cuda.get_device_name() if device == "cuda" else _processor(),
    )


def _processor() -> str:
    cores = os.cpu_count() or 1
    return f"{_processor_name()}, {cores} core{'s' if cores > 1 else ''}"


def _processor_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:  # not Linux
        lines = []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.processor() or platform.machine())
