"""How long the binomial inverse takes, beside SciPy's in the same run."""

import statistics
import time
from collections.abc import Callable

from hexkey._native import ffi, lib

EPSILON, N, P = 1e-15, 10**7, 0.9351  # ten minutes of sifted bits at the paper's QBER
REPETITIONS = 2000
SCIPY_REPETITIONS = 200


def run() -> dict[str, float]:
    """Return median times in µs, and the kernel's time over SciPy's.

    ``c_us`` is one call of the C kernel, ``scipy_us`` one of `scipy.stats.binom.ppf`.
    """
    from scipy.stats import binom  # a second to import: only for the comparison

    answer = ffi.new("int64_t *")
    c_us = _median_us(lambda: lib.hexkey_binomial_ppf(EPSILON, N, P, answer), REPETITIONS)
    scipy_us = _median_us(lambda: binom.ppf(EPSILON, N, P), SCIPY_REPETITIONS)
    return {"c_us": c_us, "scipy_us": scipy_us, "ratio_to_scipy": c_us / scipy_us}


def _median_us(call: Callable[[], object], repetitions: int) -> float:
    call()
    times_ns = []
    for _ in range(repetitions):
        start = time.perf_counter_ns()
        call()
        times_ns.append(time.perf_counter_ns() - start)
    return statistics.median(times_ns) / 1000
