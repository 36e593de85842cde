"""How fast privacy amplification runs, next to an FFT convolution of the same strings."""

from collections.abc import Callable, Sequence
from functools import partial
from time import perf_counter

import numpy as np
from numpy.typing import NDArray
from scipy.signal import fftconvolve

from hexkey._native import lib
from hexkey.amplify import seed_bits, toeplitz

REPETITIONS = 3


def run(sizes: Sequence[int] = (100_000, 1_000_000)) -> dict[str, float]:
    """Return megabits of input a second, for half as many bits out, and ratios to the FFT.

    Parameters
    ----------
    sizes : sequence of int
        Bits of input; the keys of the result end in the size.

    Raises
    ------
    RuntimeError
        If the ways disagree.
    """
    result = {"instruction": float(lib.hexkey_clmul_accelerated())}
    for n in sizes:
        result |= {f"{key}_{n}": value for key, value in _measure(n).items()}
    return result


def by_fft(bits: NDArray[np.uint8], seed: NDArray[np.uint8], length: int) -> NDArray[np.uint8]:
    """Count the ones of each sum in floating point: the baseline."""
    counts: NDArray[np.float64] = fftconvolve(seed.astype(np.float64), bits.astype(np.float64))
    wanted = counts[bits.size - 1 : bits.size - 1 + length]
    return (np.rint(wanted).astype(np.int64) & 1).astype(np.uint8)


def _measure(n: int) -> dict[str, float]:
    rng, length = np.random.default_rng(n), n // 2
    bits = rng.integers(0, 2, n, dtype=np.uint8)
    seed = rng.integers(0, 2, seed_bits(n, length), dtype=np.uint8)
    packed = np.packbits(seed, bitorder="little").tobytes()
    fft, expected = _best(partial(by_fft, bits, seed, length))
    result = {"fft_mbit_per_s": n / fft / 1e6}
    for way, path in (
        ("fastest", lib.HEXKEY_CLMUL_FASTEST),
        ("portable", lib.HEXKEY_CLMUL_PORTABLE),
    ):
        seconds, out = _best(partial(toeplitz, bits, packed, length, path))
        if not np.array_equal(out, expected):
            raise RuntimeError(f"the {way} way and the FFT disagree for {n} bits")
        result[f"{way}_mbit_per_s"] = n / seconds / 1e6
        result[f"{way}_ratio_to_fft"] = fft / seconds
    return result


def _best(way: Callable[[], NDArray[np.uint8]]) -> tuple[float, NDArray[np.uint8]]:
    """Return the shortest of a few times, in seconds, and the result."""
    least = float("inf")
    for _ in range(REPETITIONS):
        start = perf_counter()
        out = way()
        least = min(least, perf_counter() - start)
    return least, out
