"""A motion as a table for spreadsheets and data frames: one row a particle. Written only."""

from pathlib import Path

import numpy as np

from glassbotan.dynamics import Motion
from glassbotan.io.atomic import atomic_output
from glassbotan.io.columns import quantity_columns
from glassbotan.io.provenance import Provenance, to_json
from glassbotan.structure.snapshot import species_name


def write(path: Path, motion: Motion, provenance: Provenance | None) -> None:
    """Write id (from 0), species, coordinates, propensity and, if known, its error at each time.

    Lines that start with # hold box, temperature and provenance; pandas skips them with
    ``comment="#"``.
    """
    snapshot = motion.snapshot
    columns = {
        "id": np.arange(snapshot.n_particles),
        "species": np.array([species_name(int(s)) for s in snapshot.species]),
        **dict(zip("xyz", snapshot.positions.T, strict=False)),
        **quantity_columns(motion),
    }
    with atomic_output(path) as temporary, temporary.open("w", encoding="utf-8") as out:
        out.write(f"# box {' '.join(repr(x) for x in snapshot.box.tolist())}\n")
        if snapshot.temperature is not None:
            out.write(f"# temperature {snapshot.temperature!r}\n")
        if provenance:
            out.write(f"# provenance {to_json(provenance)}\n")
        out.write(",".join(columns) + "\n")
        for row in zip(*(values.tolist() for values in columns.values()), strict=True):
            out.write(",".join(v if isinstance(v, str) else repr(v) for v in row) + "\n")
