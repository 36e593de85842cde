"""How long the binomial inverse takes, beside SciPy's in the same run."""

import math
import statistics
import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from hexkey._native import ffi, lib
from hexkey.keyrate.b92 import leak_eq7_array
from hexkey.keyrate.binomial import LARGEST_N, binomial_ppf, binomial_ppf_array
from hexkey.keyrate.binomial_exact import decide_near

EPSILON, N, P = 1e-15, 10**7, 0.9351  # ten minutes of sifted bits at the paper's QBER
CASES = 2000
VALUES = 50_000
SCIPY_CASES = 50
OPEN_CASES = 100
COPIES = 32  # of a case in one call: the clock is too coarse for one

Cases = tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.float64]]


def run() -> dict[str, float]:
    """Return times in µs per value, and ratios to SciPy's.

    ``c_median_us``, ``c_worst_us``: the C kernel, over random cases: ε from 1e-300 to 1 and n to
    1e15 by magnitude, p uniform. ``array_us`` and ``leak_array_us``: the same cases at once from
    Python, and Eq. 7 on top. ``scipy_…``: `scipy.stats.binom.ppf` of one block's case, at once and
    one by one; the ratios compare the same case, how many times as fast as SciPy. ``open_…_us``:
    random cases decided in decimal digits, as those are that the kernel leaves open: ε at a value
    of the distribution function.
    """
    from scipy.stats import binom  # a second to import: only for the comparison

    cases = random_cases(np.random.default_rng(1), VALUES)
    times = [_kernel_us(cases, i) for i in range(min(CASES, VALUES))]
    whole_us = _best_us(lambda: binomial_ppf_array(*cases)) / VALUES
    leaks = np.minimum(cases[2], 0.5)
    leak_us = _best_us(lambda: leak_eq7_array(cases[1], leaks, cases[0])) / VALUES
    many = np.full(1000, N)
    scalar_us = _best_us(lambda: binomial_ppf(EPSILON, N, P))
    array_us = _best_us(lambda: binomial_ppf_array(EPSILON, many, P)) / many.size
    scipy_us = _median_us(lambda: binom.ppf(EPSILON, N, P), SCIPY_CASES)
    scipy_array_us = _best_us(lambda: binom.ppf(EPSILON, many, P)) / many.size
    open_us = [_open_us(cases, i) for i in range(OPEN_CASES)]
    return {
        "c_median_us": statistics.median(times),
        "c_worst_us": max(times),
        "array_us": whole_us,
        "leak_array_us": leak_us,
        "one_block_us": scalar_us,
        "one_block_array_us": array_us,
        "scipy_us": scipy_us,
        "scipy_array_us": scipy_array_us,
        "ratio_to_scipy": scipy_us / scalar_us,
        "array_ratio_to_scipy": scipy_array_us / array_us,
        "open_median_us": statistics.median(open_us),
        "open_worst_us": max(open_us),
    }


def random_cases(random: np.random.Generator, count: int) -> Cases:
    """Return ε, n and p of `count` cases."""
    return (
        10 ** random.uniform(-300, 0, count),
        np.floor(10 ** random.uniform(0, math.log10(LARGEST_N), count)).astype(np.int64),
        random.random(count),
    )


def _kernel_us(cases: Cases, i: int) -> float:
    epsilon, n, p = (np.repeat(column[i], COPIES) for column in cases)
    answers, undecided = np.empty(COPIES, np.int64), np.empty(COPIES, np.uint8)
    pointers = [
        ffi.from_buffer(kind, array)
        for kind, array in (
            ("double[]", epsilon),
            ("int64_t[]", n),
            ("double[]", p),
            ("int64_t[]", answers),
            ("uint8_t[]", undecided),
        )
    ]
    return _best_us(lambda: lib.hexkey_binomial_ppf_array(COPIES, *pointers)) / COPIES


def _open_us(cases: Cases, i: int) -> float:
    epsilon, n, p = (column[i].item() for column in cases)
    answer = binomial_ppf(epsilon, n, p)
    return _median_us(lambda: decide_near(answer, epsilon, n, p), 1)


def _best_us(call: Callable[[], object]) -> float:
    """Return the best of a few runs: what the others add is the rest of the machine."""
    return min(_times_us(call, 5))


def _median_us(call: Callable[[], object], repetitions: int) -> float:
    call()
    return statistics.median(_times_us(call, repetitions))


def _times_us(call: Callable[[], object], repetitions: int) -> list[float]:
    times_ns = []
    for _ in range(repetitions):
        start = time.perf_counter_ns()
        call()
        times_ns.append(time.perf_counter_ns() - start)
    return [ns / 1000 for ns in times_ns]
