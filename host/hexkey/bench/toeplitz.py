"""How fast privacy amplification runs for 0.3 bits out of each bit in, on one core.

Times are processor time. Every way computes the same result, which is compared.
`hexkey.amplify.toeplitz` is measured whole, from arrays of 0 and 1 to an array of 0 and 1, on each
of its paths. The baseline is plain C that adds a shifted seed for each 1 of the input; its time is
proportional to the input, so that it runs on as many bits as take a moment and its rate is that of
all. The peers: SciPy's FFT of the bits as numbers; the same shifted seeds compiled by Numba, where
it is installed; and a product of packed strings, packing not counted, by the system's libgf2x
(Debian: libgf2x3), where it is found. That library is GPL: it is loaded by another process,
`hexkey.bench.gf2x`, and only to be timed.
"""

from collections.abc import Sequence
from functools import partial
from time import process_time

import numpy as np
from numpy.typing import NDArray
from scipy.signal import fftconvolve

from hexkey._native import ffi, lib
from hexkey.amplify import seed_bits, toeplitz
from hexkey.bench import gf2x
from hexkey.bench.numba_rows import compiled
from hexkey.bench.timing import best_s
from hexkey.bits import pack_bits, unpack_bits

OUTPUT = 0.3
SIZES = (100_000, 1_000_000, 10_000_000, 100_000_000)
MOST_FOR_PEERS = 10_000_000  # a hundred million bits take them half a minute and gigabytes
WORDS_OF_PLAIN = 40_000_000  # additions of the baseline: about a hundredth of a second

PATHS = {
    "": lib.HEXKEY_CLMUL_FASTEST,
    "avx2_": lib.HEXKEY_CLMUL_AVX2,
    "narrow_": lib.HEXKEY_CLMUL_NARROW,
    "portable_": lib.HEXKEY_CLMUL_PORTABLE,
}


def run(sizes: Sequence[int] = SIZES) -> dict[str, float | dict[str, float]]:
    """Return megabits of input a second and ratios, for each size.

    ``instruction`` is 3 for the 512-bit carry-less multiplication, 2 for the 256-bit one, 1 for the
    128-bit one, 0 for none; ``avx2`` is the 256-bit one, ``narrow`` the 128-bit one, ``portable``
    none.

    Parameters
    ----------
    sizes : sequence of int
        Bits of input.

    Raises
    ------
    RuntimeError
        If the ways disagree.
    """
    result: dict[str, float | dict[str, float]] = {
        "instruction": float(lib.hexkey_clmul_accelerated()),
        "libgf2x_found": float(gf2x.library() is not None),
    }
    for n in sizes:
        result[f"{n} bits"] = _measure(n)
    return result


def by_fft(bits: NDArray[np.uint8], seed: NDArray[np.uint8], length: int) -> NDArray[np.uint8]:
    """Count the ones of each sum in floating point."""
    counts: NDArray[np.float64] = fftconvolve(seed.astype(np.float64), bits.astype(np.float64))
    wanted = counts[bits.size - 1 : bits.size - 1 + length]
    return (np.rint(wanted).astype(np.int64) & 1).astype(np.uint8)


def _measure(n: int) -> dict[str, float]:
    rng, length = np.random.default_rng(n), int(OUTPUT * n)
    bits = unpack_bits(rng.bytes(n // 8 + 1), n)
    packed = rng.bytes((seed_bits(n, length) + 7) // 8)
    expected = toeplitz(bits, packed, length, lib.HEXKEY_CLMUL_FASTEST)
    repetitions = 7 if n < 1_000_000 else 3
    result = {}
    for way, path in PATHS.items():
        if n > MOST_FOR_PEERS and path == lib.HEXKEY_CLMUL_PORTABLE:
            continue
        _compare(way or "fastest", toeplitz(bits, packed, length, path), expected)
        (seconds,) = best_s(
            partial(toeplitz, bits, packed, length, path),
            repetitions=repetitions,
            clock=process_time,
        )
        result[f"{way}mbit_per_s"] = n / seconds / 1e6
    rates = {"plain": _plain(bits, packed, length)}
    if n <= MOST_FOR_PEERS:
        rates |= _peers(bits, packed, length, expected)
    for name, rate in rates.items():
        result[f"{name}_mbit_per_s"] = rate
        result[f"ratio_to_{name}"] = result["mbit_per_s"] / rate
    return result


def _plain(bits: NDArray[np.uint8], packed: bytes, length: int) -> float:
    out = np.zeros((length + 63) // 64, np.uint64)
    seed = _words(packed)
    taken = min(bits.size, WORDS_OF_PLAIN // out.size)
    shifted_seeds = partial(
        lib.hexkey_plain_toeplitz,
        ffi.from_buffer("uint64_t[]", out, require_writable=True),
        ffi.from_buffer("uint8_t[]", bits),
        bits.size,
        taken,
        ffi.from_buffer("uint64_t[]", seed),
        length,
    )
    (seconds,) = best_s(shifted_seeds, repetitions=3, clock=process_time)
    first = np.where(np.arange(bits.size) < taken, bits, np.uint8(0))
    expected = toeplitz(first, packed, length, lib.HEXKEY_CLMUL_FASTEST)
    _compare("plain", unpack_bits(out.view(np.uint8), length), expected)
    return taken / seconds / 1e6


def _peers(
    bits: NDArray[np.uint8], packed: bytes, length: int, expected: NDArray[np.uint8]
) -> dict[str, float]:
    n, rates = bits.size, {}
    seed = unpack_bits(packed, seed_bits(n, length))
    repetitions = 3 if n <= 1_000_000 else 1
    if n <= 1_000_000:
        _compare("FFT", by_fft(bits, seed, length), expected)
    (seconds,) = best_s(
        partial(by_fft, bits, seed, length), repetitions=repetitions, clock=process_time
    )
    rates["scipy"] = n / seconds / 1e6
    rows = compiled()
    if rows is not None:
        out = np.zeros((length + 63) // 64, np.uint64)
        words, taken = _words(packed), min(n, WORDS_OF_PLAIN // out.size)
        rows(out, bits, taken, words)
        (seconds,) = best_s(
            partial(rows, out, bits, taken, words), repetitions=repetitions, clock=process_time
        )
        rates["numba"] = taken / seconds / 1e6
    found = gf2x.in_another_process(pack_bits(bits), packed)
    if found is not None:
        whole = unpack_bits(found.product, n - 1 + length)[n - 1 :]
        _compare("libgf2x", whole, expected)
        rates["libgf2x"] = n / found.seconds / 1e6
    return rates


def _words(packed: bytes) -> NDArray[np.uint64]:
    """Return a packed string as words, and one more."""
    return np.frombuffer(packed + bytes(8 - len(packed) % 8 + 8), np.uint64)


def _compare(way: str, found: NDArray[np.uint8], expected: NDArray[np.uint8]) -> None:
    if not np.array_equal(found, expected):
        raise RuntimeError(f"{way} and the fastest way disagree for {expected.size} bits out")
