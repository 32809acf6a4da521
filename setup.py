"""The package's native parts; all else about the package is in pyproject.toml.

Where no C++ compiler is at hand, the package installs without them.
"""

import platform
import sys
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

NATIVE = Path("native")
FLAGS = ["-std=c++17", "-O3", "-fno-math-errno", "-fvisibility=hidden", "-Wno-psabi"]

# Name, floats in a vector, compiler flags. ARM's vectors need no flags.
GENERIC = ("generic", 4, [])
AVX512 = [f"-mavx512{part}" for part in ("f", "vl", "dq", "bw")]
X86 = [
    ("avx512", 16, [*AVX512, "-mfma", "-mprefer-vector-width=512"]),
    ("avx512_narrow", 8, [*AVX512, "-mfma"]),
    ("avx2", 8, ["-mavx2", "-mfma"]),
]

# Of each extension, what is compiled once for each instruction set, and for which of x86's.
VARIED = {
    "glassbotan.simulation._ensemble": ("ensemble/group.cpp", ("avx512", "avx512_narrow", "avx2")),
    "glassbotan.models._network": ("network/kernels.cpp", ("avx512", "avx2")),
}


class BuildVariants(build_ext):
    """Compiles an extension's loops once for each instruction set."""

    def build_extension(self, ext: Extension) -> None:
        """Add every variant's object to the extension and link it."""
        x86 = platform.machine().lower() in ("x86_64", "amd64") and sys.maxsize > 2**32
        source, wanted = VARIED[ext.name]
        variants = [variant for variant in X86 if x86 and variant[0] in wanted]
        for name, lanes, flags in [GENERIC, *variants]:
            ext.extra_objects += self.compiler.compile(
                [str(NATIVE / source)],
                output_dir=str(Path(self.build_temp) / name),
                macros=[("VARIANT", name), ("LANES", str(lanes))],
                extra_postargs=[*FLAGS, *flags],
            )
        if x86:
            ext.define_macros.append(("HAVE_X86_VARIANTS", "1"))
        super().build_extension(ext)


def extension(name: str, source: str) -> Extension:
    """Return the extension of which ``source`` holds the C face."""
    folder = NATIVE / Path(source).parent
    return Extension(
        name,
        [str(NATIVE / source)],
        depends=[str(file) for room in (folder, NATIVE / "common") for file in room.iterdir()],
        extra_compile_args=[*FLAGS, "-pthread"],
        extra_link_args=["-pthread"],
        language="c++",
        optional=True,
    )


setup(
    ext_modules=[
        extension("glassbotan.simulation._ensemble", "ensemble/ensemble.cpp"),
        extension("glassbotan.models._network", "network/network.cpp"),
    ],
    cmdclass={"build_ext": BuildVariants},
)
