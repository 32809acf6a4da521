"""Compile the kernels for compute capability 9.0, which takes no GPU, and tell what came out.

    python tests/models/compile_kernels.py tf32|tf32x3|bf16 [edges|nodes|rows|sums]

For each kernel, or those of one module, as it is launched for 64 channels: registers a thread,
bytes spilled, shared memory, instructions, and how many of these are products of matrices.
"""

import os
import re
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

os.environ.pop("TRITON_INTERPRET", None)
os.environ.setdefault("TRITON_DEFAULT_FP_FUSION", "1")

import triton
import triton.language as tl
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

from glassbotan.models.kernels.gpu import edges, nodes, rows, sums
from glassbotan.models.kernels.gpu.launch import TILES

INDICES = {"senders", "receivers", "offsets", "by_sender", "sender_offsets"}
SUMS = {"grad_weights", "grad_bias", "grad_first_weight", "grad_out_weight", "grad_biases"}
COUNTS = {"n_edges", "n_nodes", "n_rows"}
NO_TERMS = {"sender_constants": None, "receiver_constants": None}
FROM_VECTORS = {"INPUTS": 3, "PADDED": 16}
FROM_STATES = {"INPUTS": 64, "PADDED": 64}
LAUNCHES = [
    (edges.edges_forward, {"KEEP_HIDDEN": True}),
    (edges.edges_backward, {"UPDATED_IS_USED": True}),
    (sums.sums_at_receivers, {}),
    (sums.sums_at_both_ends, {}),
    (nodes.nodes_forward, {"KEEP_HIDDEN": True, "TERMS_ARE_USED": True, **NO_TERMS}),
    (nodes.nodes_backward, {"TERMS_ARE_USED": True}),
    (rows.rows_forward, {"KEEP_HIDDEN": True, **FROM_VECTORS}),
    (rows.rows_forward, {"KEEP_HIDDEN": True, **FROM_STATES}),
    (rows.rows_backward, {"INPUTS_ARE_VARIABLE": False, **FROM_VECTORS}),
    (rows.rows_backward, {"INPUTS_ARE_VARIABLE": True, **FROM_STATES}),
]


def compiled(kernel, constants, way):
    dtype, operand = ("bf16", tl.bfloat16) if way == "bf16" else ("fp32", tl.float32)
    tile = TILES[kernel.__name__][way]
    constants = constants | {
        "WIDTH": 64,
        "ROWS": tile.rows,
        "OPERAND": operand,
        "ACCUMULATOR": tl.float32,
        "PRECISION": "ieee" if way == "bf16" else way,
        "PIN": True,
    }
    signature, aligned = {}, {}
    for k, name in enumerate(kernel.arg_names):
        if name in constants:
            signature[name] = "constexpr"
        elif name in COUNTS:
            signature[name] = "i32"
        else:
            aligned[k,] = [["tt.divisibility", 16]]
            kind = "i64" if name in INDICES else "fp32" if name in SUMS else dtype
            signature[name] = f"*{kind}"
    values = {(kernel.arg_names.index(n),): x for n, x in constants.items() if n in signature}
    source = ASTSource(kernel, signature, values, aligned)
    options = {"num_warps": tile.warps, "num_stages": 1}
    return triton.compile(source, target=GPUTarget("cuda", 90, 32), options=options)


def summary(binary):
    tools = Path(triton.__file__).parent / "backends/nvidia/bin"
    with tempfile.NamedTemporaryFile(suffix=".cubin") as file:
        file.write(binary.asm["cubin"])
        file.flush()
        use, code = (
            subprocess.run(
                [tools / tool, *options, file.name], capture_output=True, text=True, check=True
            ).stdout
            for tool, options in (("cuobjdump", ["-res-usage"]), ("nvdisasm", []))
        )
    registers, stack = re.search(r"REG:(\d+) STACK:(\d+)", use).groups()
    instructions = re.findall(
        r"^\s+/\*[0-9a-f]+\*/\s+(?:@!?U?P\d+ )?([A-Z0-9]+)", code, re.MULTILINE
    )
    counts = Counter(instructions)
    return (
        f"{registers:>4} registers, {stack:>4} bytes spilled, {binary.metadata.shared:>6} shared, "
        f"{len(instructions):>5} instructions, of which {counts['HGMMA']} HGMMA, "
        f"{counts['HMMA']} HMMA"
    )


if __name__ == "__main__":
    way, only = sys.argv[1], "".join(sys.argv[2:])
    for kernel, constants in LAUNCHES:
        if not kernel.__name__.startswith(only):
            continue
        binary = compiled(kernel, constants, way)
        sys.stdout.write(f"{kernel.__name__:20}{summary(binary)}\n")
        sys.stdout.flush()
