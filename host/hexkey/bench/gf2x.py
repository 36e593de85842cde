"""The system's libgf2x as a peer: loaded by a process of its own, ``python -m hexkey.bench.gf2x``.

The process reads two packed strings, multiplies them as polynomials over GF(2) a few times, and
writes the shortest time and the product. Nothing of the library, which is GPL, comes into hexkey's
own process. Its interface is one function, as its README documents it:
``gf2x_mul(c, a, an, b, bn)``, c = a b for strings of an and bn words.
"""

import ctypes
import ctypes.util
import os
import struct
import subprocess
import sys
import time
from typing import NamedTuple

REPETITIONS = 2
WORD_BYTES = 8


class Product(NamedTuple):
    seconds: float
    product: bytes


def library() -> str | None:
    """Return the name of the system's libgf2x; None where there is none.

    ``HEXKEY_BENCH_GF2X`` may name another file.
    """
    return os.environ.get("HEXKEY_BENCH_GF2X") or ctypes.util.find_library("gf2x")


def in_another_process(a: bytes, b: bytes) -> Product | None:
    """Return the product of two packed strings and the seconds it took; None without libgf2x."""
    name = library()
    if name is None:
        return None
    command = [sys.executable, "-m", "hexkey.bench.gf2x", name, str(len(a))]
    done = subprocess.run(command, input=a + b, capture_output=True, check=True)
    (seconds,) = struct.unpack_from("<d", done.stdout)
    return Product(seconds, done.stdout[8:])


def main() -> None:
    name, a_bytes = sys.argv[1], int(sys.argv[2])
    given = sys.stdin.buffer.read()
    a, b = _words(given[:a_bytes]), _words(given[a_bytes:])
    multiply = ctypes.CDLL(name).gf2x_mul
    multiply.argtypes = (ctypes.c_void_p, *(ctypes.c_void_p, ctypes.c_long) * 2)
    product = ctypes.create_string_buffer(len(a) + len(b))
    least = float("inf")
    for _ in range(REPETITIONS):
        start = time.process_time()
        multiply(product, a, len(a) // WORD_BYTES, b, len(b) // WORD_BYTES)
        least = min(least, time.process_time() - start)
    sys.stdout.buffer.write(struct.pack("<d", least) + product.raw)


def _words(string: bytes) -> bytes:
    return string + bytes(-len(string) % WORD_BYTES)


if __name__ == "__main__":
    main()
