"""The ensemble engine's native part; all else about the package is in pyproject.toml.

Where no C++ compiler is at hand, the package installs without it.
"""

import platform
import sys
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

SOURCE = Path("native/ensemble")
FLAGS = ["-std=c++17", "-O3", "-fno-math-errno", "-fvisibility=hidden", "-Wno-psabi"]

# Name, floats in a vector, compiler flags. ARM's vectors need no flags.
GENERIC = ("generic", 4, [])
AVX512 = [f"-mavx512{part}" for part in ("f", "vl", "dq", "bw")]
X86 = [
    ("avx512", 16, [*AVX512, "-mfma", "-mprefer-vector-width=512"]),
    ("avx512_narrow", 8, [*AVX512, "-mfma"]),
    ("avx2", 8, ["-mavx2", "-mfma"]),
]


class BuildVariants(build_ext):
    """Compiles group.cpp once for each instruction set."""

    def build_extension(self, ext: Extension) -> None:
        """Add every variant's object to the extension and link it."""
        x86 = platform.machine().lower() in ("x86_64", "amd64") and sys.maxsize > 2**32
        for name, lanes, flags in [GENERIC, *(X86 if x86 else [])]:
            ext.extra_objects += self.compiler.compile(
                [str(SOURCE / "group.cpp")],
                output_dir=str(Path(self.build_temp) / name),
                macros=[("VARIANT", name), ("LANES", str(lanes))],
                extra_postargs=[*FLAGS, *flags],
            )
        if x86:
            ext.define_macros.append(("HAVE_X86_VARIANTS", "1"))
        super().build_extension(ext)


setup(
    ext_modules=[
        Extension(
            "glassbotan.simulation._ensemble",
            [str(SOURCE / "ensemble.cpp")],
            depends=[str(file) for file in SOURCE.iterdir()],
            extra_compile_args=[*FLAGS, "-pthread"],
            extra_link_args=["-pthread"],
            language="c++",
            optional=True,
        )
    ],
    cmdclass={"build_ext": BuildVariants},
)
