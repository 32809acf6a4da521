"""GSD, the binary format of HOOMD-blue, of one frame or many.

Positions are stored in single precision and within [-L/2, L/2), as HOOMD-blue requires; fields go
to the log, where OVITO finds them. A plane has dimensions = 2 and a box of no height.
"""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glassbotan.dynamics import Motion
from glassbotan.errors import InputError
from glassbotan.io.atomic import atomic_output
from glassbotan.io.columns import check_columns, with_quantities
from glassbotan.io.options import ReadOptions, given_box
from glassbotan.io.provenance import Provenance, to_json
from glassbotan.io.species import species_from_labels
from glassbotan.structure import Snapshot, minimum_image
from glassbotan.structure.periodic import FloatArray, in_space
from glassbotan.structure.snapshot import IntArray, species_name

MAGIC = (0x65DF65DF65DF65DF).to_bytes(8, "little")
_DEFAULT_BOX = (1, 1, 1, 0, 0, 0)
"""What HOOMD-blue leaves out, as it leaves out every default."""
MAX_TYPES = 1000
_FIELDS = "log/particles/"
_TEMPERATURE, _PROVENANCE = "glassbotan/temperature", "glassbotan/provenance"


def read(path: Path, options: ReadOptions) -> Snapshot:
    """Return one frame; what is logged of particles becomes fields of the snapshot."""
    import gsd.fl

    try:
        with gsd.fl.open(name=str(path), mode="r") as file:
            return _snapshot(_Frame(file, options.frame, str(path)), options)
    # Whatever the library and NumPy make of a damaged file.
    except (OSError, RuntimeError, ValueError, LookupError, TypeError, MemoryError) as error:
        raise InputError(
            f"{path}: is not a GSD file, or cut off or damaged ({' '.join(str(error).split())})"
        ) from None


def write(path: Path, item: Snapshot | Motion, provenance: Provenance | None) -> None:
    """Write one frame, a motion with its propensity and its error among what is logged."""
    import gsd.hoomd

    snapshot = with_quantities(item)
    check_columns(snapshot.fields, set(), path)
    if snapshot.species.max() >= MAX_TYPES:
        raise InputError(
            f"{path}: a species is {snapshot.species.max()}; GSD lists the names of all species "
            f"from A on, and more than {MAX_TYPES} are not written"
        )
    frame = gsd.hoomd.Frame()
    frame.configuration.step = 0
    frame.configuration.dimensions = snapshot.dimension
    frame.configuration.box = [*snapshot.box, *np.zeros(6 - snapshot.dimension)]
    frame.particles.N = snapshot.n_particles
    frame.particles.types = [species_name(s) for s in range(int(snapshot.species.max()) + 1)]
    frame.particles.typeid = snapshot.species
    frame.particles.position = _centred(snapshot)
    frame.log = _log(snapshot, provenance, path)
    with atomic_output(path) as temporary, gsd.hoomd.open(name=str(temporary), mode="w") as out:
        out.append(frame)


class _Frame:
    """One frame's chunks; as HOOMD-blue has it, what a frame leaves out is that of the first.

    The chunks are read one by one, for the library's own frames fill in what is missing for as
    many particles as a damaged file may claim to have.
    """

    def __init__(self, file: Any, frame: int, source: str) -> None:
        count = int(file.nframes)
        if not -count <= frame < count:
            raise InputError(f"{source}: has {count} frames, and so no frame {frame}")
        if file.schema != "hoomd":
            raise InputError(f"{source}: holds {file.schema!r} data; expected those of hoomd")
        self._file, self._frame, self.source = file, frame % count, source

    def chunk(self, name: str) -> NDArray[np.generic] | None:
        """Return an array; None where neither this frame nor the first has it."""
        for frame in (self._frame, 0):
            if self._file.chunk_exists(frame=frame, name=name):
                return np.asarray(self._file.read_chunk(frame=frame, name=name))
        return None

    def fields(self) -> dict[str, NDArray[np.generic]]:
        """Return what this frame logs of its particles."""
        names = self._file.find_matching_chunk_names(_FIELDS)
        return {
            name.removeprefix(_FIELDS): np.asarray(self._file.read_chunk(self._frame, name))
            for name in names
            if self._file.chunk_exists(frame=self._frame, name=name)
        }


def _snapshot(frame: _Frame, options: ReadOptions) -> Snapshot:
    positions = frame.chunk("particles/position")
    if positions is None:
        count = frame.chunk("particles/N")
        if count is not None and count.reshape(-1).tolist() == [1]:
            positions = np.zeros((1, 3))  # one particle at the origin, the default
    if positions is None or positions.ndim != 2 or positions.shape[1] != 3:
        raise InputError(f"{frame.source}: has no particles/position of shape [N, 3]")
    box, dimension = _box(frame)
    temperature = frame.chunk(f"log/{_TEMPERATURE}")
    return Snapshot(
        positions=positions[:, :dimension].astype(np.float64),
        species=_species(frame, len(positions), options),
        box=box if options.box is None else given_box(options.box, dimension, frame.source),
        fields=frame.fields(),
        temperature=None if temperature is None else float(temperature.reshape(-1)[0]),
        source=frame.source,
    )


def _box(frame: _Frame) -> tuple[FloatArray, int]:
    box = frame.chunk("configuration/box")
    if box is None:
        box = np.array(_DEFAULT_BOX)
    if box.shape != (6,):
        raise InputError(f"{frame.source}: configuration/box is not of six numbers")
    if np.any(box[3:] != 0):
        raise InputError(
            f"{frame.source}: its box is tilted (xy xz yz = {box[3:].tolist()}); "
            "triclinic boxes are not supported"
        )
    stored = frame.chunk("configuration/dimensions")
    flat = box[2] == 0 or (stored is not None and int(stored.reshape(-1)[0]) == 2)
    dimension = 2 if flat else 3
    return box[:dimension].astype(np.float64), dimension


def _species(frame: _Frame, n_particles: int, options: ReadOptions) -> IntArray:
    types = frame.chunk("particles/types")
    # HOOMD-blue leaves out what has its default value: the one type A, and type 0.
    names = ["A"] if types is None else [_text(row) for row in types.reshape(len(types), -1)]
    stored = frame.chunk("particles/typeid")
    ids = np.zeros(n_particles, dtype=np.int64) if stored is None else stored.astype(np.int64)
    if ids.shape != (n_particles,) or np.any(ids < 0) or np.any(ids >= len(names)):
        raise InputError(
            f"{frame.source}: particles/typeid must tell one of the {len(names)} types "
            f"for each of the {n_particles} particles"
        )
    present = np.unique(ids)
    species = np.zeros(len(names), dtype=np.int64)
    labels = [names[k] for k in present]
    species[present] = species_from_labels(labels, options.species, frame.source)
    return np.asarray(species[ids])


def _text(row: NDArray[np.generic]) -> str:
    return row.astype(np.uint8).tobytes().partition(b"\0")[0].decode("utf-8", errors="replace")


def _centred(snapshot: Snapshot) -> NDArray[np.float32]:
    """Return positions in [-L/2, L/2), also after rounding to single precision, shape [N, 3]."""
    half = (0.5 * snapshot.box).astype(np.float32)
    centred = minimum_image(snapshot.positions, snapshot.box).astype(np.float32)
    centred = np.where(centred >= half, -half, centred)
    return in_space(centred)


def _log(
    snapshot: Snapshot, provenance: Provenance | None, path: Path
) -> dict[str, NDArray[np.generic]]:
    log: dict[str, NDArray[np.generic]] = {}
    for name, values in snapshot.fields.items():
        array = np.asarray(values)
        if array.dtype.kind == "U":
            raise InputError(f"{path}: GSD holds no texts; leave out the field {name!r}")
        kept = array.astype(np.uint8) if array.dtype.kind == "b" else array
        log[f"particles/{name}"] = np.ascontiguousarray(kept)
    if snapshot.temperature is not None:
        log[_TEMPERATURE] = np.array([snapshot.temperature])
    if provenance:
        log[_PROVENANCE] = np.frombuffer(to_json(provenance).encode(), dtype=np.uint8)
    return log
