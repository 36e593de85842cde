"""How fast the polynomial hash runs, next to plain C that multiplies bit by bit."""

from collections.abc import Callable
from functools import partial
from time import process_time

import numpy as np

from hexkey._native import ffi, lib
from hexkey.bench.timing import best_s
from hexkey.gf128 import BLOCK_BYTES, absorb, polynomial_hash, polynomial_hash_reference

BASELINE_BYTES = 160_000
PATHS = {
    "": lib.HEXKEY_CLMUL_FASTEST,
    "avx2_": lib.HEXKEY_CLMUL_AVX2,
    "narrow_": lib.HEXKEY_CLMUL_NARROW,
    "portable_": lib.HEXKEY_CLMUL_PORTABLE,
}


def run(message_bytes: int = 8_000_000) -> dict[str, float]:
    """Return gigabytes a second on each path, and of the fastest the ratio to plain C.

    Parameters
    ----------
    message_bytes : int
        Length of the message for the kernels; the baseline hashes 160 kB.

    Raises
    ------
    RuntimeError
        If the ways, or Python's integers, disagree.
    """
    rng = np.random.default_rng(1)
    message, point = rng.bytes(message_bytes), rng.bytes(BLOCK_BYTES)
    start = message[: BASELINE_BYTES // 100]
    if polynomial_hash(start, point) != polynomial_hash_reference(start, point):
        raise RuntimeError("the kernel and the Python integers disagree")
    works: list[Callable[[], object]] = [
        partial(absorb, bytes(BLOCK_BYTES), point, message, path) for path in PATHS.values()
    ]
    if len({work() for work in works}) != 1:
        raise RuntimeError("the paths disagree")
    baseline = message[: min(BASELINE_BYTES, message_bytes) // BLOCK_BYTES * BLOCK_BYTES]
    if plain(point, baseline) != absorb(bytes(BLOCK_BYTES), point, baseline, PATHS[""]):
        raise RuntimeError("the kernel and plain C disagree")
    *paths, of_plain = best_s(
        *works, partial(plain, point, baseline), repetitions=5, clock=process_time
    )
    result = {"instruction": float(lib.hexkey_clmul_accelerated())}
    for way, seconds in zip(PATHS, paths, strict=True):
        result[f"{way}gbyte_per_s"] = message_bytes / seconds / 1e9
    result["plain_gbyte_per_s"] = len(baseline) / of_plain / 1e9
    result["ratio_to_plain"] = result["gbyte_per_s"] / result["plain_gbyte_per_s"]
    return result


def plain(point: bytes, message: bytes) -> bytes:
    """The baseline, of whole blocks."""
    state = ffi.new("uint8_t[]", BLOCK_BYTES)
    lib.hexkey_plain_gf128(state, point, ffi.from_buffer(message), len(message))
    return bytes(ffi.buffer(state, BLOCK_BYTES))
