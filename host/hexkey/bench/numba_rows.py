"""The loop of `hexkey_plain_toeplitz` for Numba, a peer in the benchmark where it is installed."""

from collections.abc import Callable
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

Rows = Callable[[NDArray[np.uint64], NDArray[np.uint8], int, NDArray[np.uint64]], Any]


def shifted_seeds(
    out: NDArray[np.uint64], bits: NDArray[np.uint8], taken: int, seed: NDArray[np.uint64]
) -> None:
    """Add the shifted seed for each 1 among the first `taken` bits."""
    out[:] = 0
    for j in range(taken):
        if bits[j]:
            first = (bits.size - 1 - j) // 64
            shift = np.uint64((bits.size - 1 - j) % 64)
            for k in range(out.size):
                above = seed[first + k + 1] << np.uint64(1) << (np.uint64(63) - shift)
                out[k] ^= seed[first + k] >> shift | above


def compiled() -> Rows | None:
    """Return the loop, compiled; None where Numba is not installed."""
    try:
        import numba
    except ImportError:
        return None
    rows: Any = numba.njit(shifted_seeds)
    return cast(Rows, rows)
