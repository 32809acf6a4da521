"""The Triton kernels compiled for compute capability 9.0, which takes no GPU, in its own process.

The interpreter lets pass what the compiler refuses. Prints, as JSON, by kernel how many bytes its
threads keep in memory for want of registers.
"""

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

from glassbotan.simulation.device.kernels import FUSED
from glassbotan.simulation.device.language import lists, step

TYPES = {
    "*i32": "entries counts species kept_entries kept_counts keys box_of identity tile_first "
    "tile_box starts",
    "*i64": "now",
    "*fp64": "origin edges",
    "i32": "particles capacity offset",
    "fp32": "skin",
}
SHAPE = {"SPECIES": 2, "LANES": 32}
STEP = {**SHAPE, "BLOCK": 16, "SHIFTED": False, "FLAT": False, "UNROLL": 2, "FAST": True}
BUILD = {**SHAPE, "BLOCK": 4, "CHUNK": 32}
CASES = {
    "step": (step.step, 4, {**STEP, "THERMOSTATTED": False, "CAGED": False}),
    "step, langevin, caged": (step.step, 4, {**STEP, "THERMOSTATTED": True, "CAGED": True}),
    "evaluate, caged": (step.evaluate, 4, {**STEP, "CAGED": True}),
    "farthest": (lists.farthest, 4, {"LANES": 32, "BLOCK": 16}),
    "prune": (lists.prune, 1, {**SHAPE, "BLOCK": 4}),
    "build": (lists.build, 1, {**BUILD, "SMALL": False, "FLAT": False}),
    "build in a small plane": (lists.build, 1, {**BUILD, "SMALL": True, "FLAT": True}),
}


def type_of(name):
    """Return an argument's type; tensors of float32 are not listed."""
    return next((kind for kind, names in TYPES.items() if name in names.split()), "*fp32")


def compiled(kernel, warps, constants):
    """Return the machine code."""
    names = kernel.arg_names
    kinds = {name: "constexpr" if name in constants else type_of(name) for name in names}
    source = ASTSource(
        kernel,
        kinds,
        {(names.index(name),): value for name, value in constants.items()},
        {
            (place,): [["tt.divisibility", 16]]
            for place, name in enumerate(names)
            if kinds[name][0] == "*" or name == "particles"
        },
    )
    options = {"num_warps": warps, **FUSED}
    return triton.compile(source, target=GPUTarget("cuda", 90, 32), options=options).asm["cubin"]


def in_memory(code, folder):
    """Return the bytes of a thread's stack and local memory."""
    path = folder / "kernel.cubin"
    path.write_bytes(code)
    tool = triton.knobs.nvidia.cuobjdump.path
    told = subprocess.run([tool, "-res-usage", path], capture_output=True, text=True, check=True)
    used = re.search(r"STACK:(\d+).*LOCAL:(\d+)", told.stdout)
    return int(used[1]) + int(used[2])


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        found = {name: in_memory(compiled(*case), Path(scratch)) for name, case in CASES.items()}
    json.dump(found, sys.stdout)
