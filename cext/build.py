"""Compile the C kernels into ``hexkey._native`` (cffi, API mode, abi3).

The header is the only list of declarations: what C includes is what cffi reads. It must
therefore stay plain C: no inline functions, no ``extern "C"``, constants as ``enum``.
"""

from pathlib import Path

from cffi import FFI

CEXT = Path("cext")  # PEP 517: a build runs in the project's root
HEADER = CEXT / "hexkey.h"

ffi = FFI()
ffi.cdef("\n".join(line for line in HEADER.read_text().splitlines() if line[:1] != "#"))
ffi.set_source(
    "hexkey._native",
    f'#include "{HEADER.name}"',
    sources=[path.as_posix() for path in sorted(CEXT.glob("*.c"))],
    depends=[path.as_posix() for path in sorted(CEXT.glob("*.h"))],
    include_dirs=[CEXT.as_posix()],
    # cffi's own wrappers leave parameters unused. No -ffast-math and no contraction: the binomial
    # inverse relies on IEEE arithmetic as written.
    extra_compile_args=[
        "-std=c11",
        "-O3",
        "-Wall",
        "-Wextra",
        "-Wno-unused-parameter",
        "-ffp-contract=off",
    ],
    py_limited_api=True,
)
