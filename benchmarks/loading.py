"""Cost of loading a published snapshot with its targets, against the textbook way.

    python benchmarks/loading.py [--repeats 5] [--json FILE]

Each side is a process of its own, with one thread, and the sides take turns:

- textbook: a PyTorch Geometric data set's way. All pairs of particles are compared, a bond's
  length is computed in each trajectory and averaged, and the graph with its targets is kept as a
  Data object, which is read back.
- first: this package's first load of a file: the same and noise ceilings, kept in the cache.
- later: this package's load of a file that it has kept.

Seconds are the processor's, and leave out what was imported before; peak memory is the process's,
with its imports. Both sides' targets are compared.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from common import options, published_file, write_record

from glassbotan.provenance import provenance

SNAPSHOT = published_file(401)
BOX = 15.05658
CUTOFF = 2.0
SIDES = ("textbook", "first", "later")

Means = dict[str, float]
"""What tells one result from another: the bonds' number, and means of targets."""


def main() -> None:
    """Measure, print and, if asked, write JSON."""
    parser = options(__doc__, repeats=5)
    parser.add_argument("--side", choices=SIDES, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.side:
        sys.stdout.write(json.dumps(measured(arguments.side, arguments.folder)))
        return
    rows = summary([one_round() for _ in range(arguments.repeats)])
    for row in rows:
        print(
            f"{row['side']}: {row['seconds']:.3f} s, {row['ratio']:.1f} times as fast as the "
            f"textbook way; peak memory {row['peak_mb']:.0f} MB, of which {row['imports_mb']:.0f} "
            f"MB imports; imports {row['imports_seconds']:.2f} s"
        )
    record = {"rows": rows, "provenance": provenance([SNAPSHOT], threads=1)}
    write_record(record, arguments.json)


def one_round() -> dict[str, dict[str, float]]:
    """Run each side once, in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        found = {side: in_a_process(side, folder) for side in SIDES}
    for side in SIDES:
        for name, expected in found["textbook"]["means"].items():
            assert np.isclose(found[side]["means"][name], expected, rtol=1e-5), (side, name)
    return found


def in_a_process(side: str, folder: str) -> dict[str, float]:
    """Return what a new process measures of one side."""
    one_thread = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    done = subprocess.run(
        [sys.executable, __file__, "--side", side, "--folder", folder],
        check=True,
        stdout=subprocess.PIPE,
        env={**os.environ, **one_thread, "GLASSBOTAN_CACHE": folder},
    )
    return json.loads(done.stdout)


def summary(rounds: list[dict[str, dict[str, float]]]) -> list[dict[str, str | float]]:
    """Return medians over the rounds, a row for each side."""
    names = ("seconds", "peak_mb", "imports_mb", "imports_seconds")
    return [
        {
            "side": side,
            **{name: statistics.median(r[side][name] for r in rounds) for name in names},
            "ratio": statistics.median(
                r["textbook"]["seconds"] / r[side]["seconds"] for r in rounds
            ),
        }
        for side in SIDES
    ]


def measured(side: str, folder: Path) -> dict[str, float | Means]:
    """Load in this process; return its costs and what was loaded."""
    load = prepared_textbook(folder) if side == "textbook" else prepared_product()
    imports_seconds, imports = time.process_time(), peak_memory()
    start = time.process_time()
    means = load()
    return {
        "seconds": time.process_time() - start,
        "peak_mb": peak_memory(),
        "imports_mb": imports,
        "imports_seconds": imports_seconds,
        "means": means(),
    }


def peak_memory() -> float:
    """Return the most memory that this process has held so far, MB."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def prepared_product() -> Callable[[], Callable[[], Means]]:
    """Import what this package needs; return its way to load."""
    from glassbotan.datasets import load_labelled

    def load() -> Callable[[], Means]:
        labels = load_labelled(SNAPSHOT, cutoff=CUTOFF)
        motion, vectors = labels.motion, labels.bonds.vectors
        return lambda: means(vectors, motion.propensity[0], motion.bond_extension[0])

    return load


def prepared_textbook(folder: Path) -> Callable[[], Callable[[], Means]]:
    """Import what the textbook way needs; return it."""
    import torch
    from torch_geometric.data import Data

    def load() -> Callable[[], Means]:
        with np.load(SNAPSHOT) as archive:
            species, start = archive["types"], archive["initial_positions"]
            trajectories = archive["positions"]
        senders, receivers = np.nonzero(close_pairs(start))
        vectors = folded(start[receivers] - start[senders])
        data = Data(
            x=torch.tensor(species[:, None], dtype=torch.float32),
            edge_index=torch.tensor(np.array([senders, receivers])),
            edge_attr=torch.tensor(vectors, dtype=torch.float32),
            y=torch.tensor(
                np.mean([lengths(end - start) for end in trajectories], axis=0),
                dtype=torch.float32,
            ),
            y_edge=torch.tensor(
                np.mean(
                    [
                        # The pair is followed: its image is that of the snapshot.
                        lengths(vectors + (end - start)[receivers] - (end - start)[senders])
                        for end in trajectories
                    ],
                    axis=0,
                )
                - lengths(vectors),
                dtype=torch.float32,
            ),
        )
        torch.save(data, folder / "processed.pt")
        kept = torch.load(folder / "processed.pt", weights_only=False)

        def compared() -> Means:
            once = kept.edge_index[0] < kept.edge_index[1]
            vectors, extension = kept.edge_attr[once], kept.y_edge[once]
            return means(vectors.numpy(), kept.y.numpy(), extension.numpy())

        return compared

    return load


def close_pairs(positions: np.ndarray) -> np.ndarray:
    """Return which pairs [N, N] are closer than the cutoff."""
    distances = lengths(folded(positions[None, :, :] - positions[:, None, :]))
    return (distances < CUTOFF) & ~np.eye(len(positions), dtype=bool)


def folded(vectors: np.ndarray) -> np.ndarray:
    """Return minimum images."""
    return vectors - BOX * np.round(vectors / BOX)


def lengths(vectors: np.ndarray) -> np.ndarray:
    """Return the lengths of vectors [..., d]."""
    return np.linalg.norm(vectors, axis=-1)


def means(vectors: np.ndarray, propensity: np.ndarray, extension: np.ndarray) -> Means:
    """Return the number of bonds, each once, and the means of distances and targets."""
    return {
        "bonds": float(len(vectors)),
        "distance": float(lengths(vectors.astype(np.float64)).mean()),
        "propensity": float(propensity.astype(np.float64).mean()),
        "extension": float(np.mean(extension.astype(np.float64) ** 2)),
    }


if __name__ == "__main__":
    main()
