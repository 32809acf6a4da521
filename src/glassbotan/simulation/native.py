"""The ensemble engine's native library as ctypes sees it (native/ensemble/system.h)."""

import ctypes
from ctypes import POINTER, c_bool, c_double, c_float, c_int, c_int32, c_int64, c_void_p
from functools import cache

from glassbotan.native_library import Signatures, Variant, open_library, variants_of

CUT, SHIFTED, SMOOTH, SPLINE = range(4)
"""Laws of the interaction."""
DONE, BLOWN_UP, OUT_OF_MEMORY = range(3)
COUNTED = ("steps", "outer_lists", "inner_lists", "outer_pairs", "inner_pairs")


class System(ctypes.Structure):
    """What all trajectories share; arrays are pointers that the caller keeps alive."""

    _fields_ = (
        ("particles", c_int64),
        ("species_count", c_int),
        ("species", POINTER(c_int32)),
        ("identity", POINTER(c_int64)),
        ("origin", POINTER(c_double)),
        ("box", c_double * 3),
        ("dimension", c_int),
        ("terms", POINTER(c_double)),
        ("inverse_mass", POINTER(c_double)),
        ("cutoff", c_double),
        ("law", c_int),
        ("spline_forces", POINTER(c_float)),
        ("spline_energies", POINTER(c_float)),
        ("intervals", c_int64),
        ("timestep", c_double),
        ("thermostatted", c_bool),
        ("velocity_kept", c_double),
        ("kick", POINTER(c_double)),
        ("largest_kinetic_energy", c_double),
        ("cage_centres", POINTER(c_double)),
        ("cage_radius", c_double),
        ("cage_stiffness", c_double),
        ("outer_skin", c_double),
        ("inner_skin", c_double),
    )


class Counters(ctypes.Structure):
    """How much work the pair lists were, summed over groups of trajectories."""

    _fields_ = tuple((name, c_int64) for name in COUNTED)


@cache
def load() -> ctypes.CDLL | None:
    """Return the library, or None where it was not built for this version."""
    run, floats, doubles, integers = c_void_p, c_void_p, c_void_p, c_void_p
    signatures: Signatures = {
        "variant_lanes": (c_int, [c_int]),
        "new": (run, [POINTER(System), c_int, c_int, integers]),
        "delete": (None, [run]),
        "set_displacements": (None, [run, floats, floats]),
        "get_displacements": (None, [run, floats, floats]),
        "set_half_velocities": (None, [run, floats]),
        "get_half_velocities": (None, [run, floats]),
        "set_step": (None, [run, c_int64]),
        "step": (c_int64, [run]),
        "advance": (c_int, [run, c_int64, c_int]),
        "evaluate": (c_int, [run, doubles, doubles, c_int]),
        "counters": (None, [run, POINTER(Counters)]),
        "pairs": (c_int64, [run, c_int, integers, integers, c_int64]),
    }
    return open_library(
        "glassbotan.simulation._ensemble", "ensemble", signatures, {"system": System}
    )


def variants() -> tuple[Variant, ...]:
    """Return the instruction sets that can be used here, best first; none without the library."""
    return variants_of(load(), "ensemble")
