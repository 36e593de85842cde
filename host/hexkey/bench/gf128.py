"""How fast the polynomial hash runs, next to Python integers."""

from time import perf_counter

import numpy as np

from hexkey._native import lib
from hexkey.gf128 import absorb, polynomial_hash, polynomial_hash_reference

REPETITIONS = 3
BASELINE_BYTES = 16_000


def run(message_bytes: int = 8_000_000) -> dict[str, float]:
    """Return gigabytes a second, and ratios to the Python integers of the same run.

    Parameters
    ----------
    message_bytes : int
        Length of the message for the kernels; the baseline hashes 16 kB.

    Raises
    ------
    RuntimeError
        If the kernel and the baseline disagree.
    """
    rng = np.random.default_rng(1)
    message, point = rng.bytes(message_bytes), rng.bytes(16)
    python = _baseline(rng.bytes(BASELINE_BYTES), point)
    result = {
        "instruction": float(lib.hexkey_clmul_accelerated()),
        "python_gbyte_per_s": python,
    }
    for way, path in (
        ("fastest", lib.HEXKEY_CLMUL_FASTEST),
        ("portable", lib.HEXKEY_CLMUL_PORTABLE),
    ):
        least = float("inf")
        for _ in range(REPETITIONS):
            start = perf_counter()
            absorb(bytes(16), point, message, path)
            least = min(least, perf_counter() - start)
        result[f"{way}_gbyte_per_s"] = message_bytes / least / 1e9
        result[f"{way}_ratio_to_python"] = message_bytes / least / 1e9 / python
    return result


def _baseline(message: bytes, point: bytes) -> float:
    start = perf_counter()
    expected = polynomial_hash_reference(message, point)
    seconds = perf_counter() - start
    if polynomial_hash(message, point) != expected:
        raise RuntimeError("the kernel and the Python integers disagree")
    return len(message) / seconds / 1e9
