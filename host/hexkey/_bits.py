"""The one check that every consumer of 0/1 arrays makes."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def checked_bits(name: str, bits: NDArray[Any]) -> NDArray[np.uint8]:
    """Return `bits` as a contiguous array, shape ``(n,)``.

    Raises
    ------
    TypeError
        If the elements are not uint8.
    ValueError
        If the array is not one-dimensional or an element is neither 0 nor 1.
    """
    if bits.dtype != np.uint8:
        raise TypeError(f"{name} must be uint8, not {bits.dtype}")
    if bits.ndim != 1:
        raise ValueError(f"{name} must have one dimension, not {bits.ndim}")
    if bits.max(initial=0) > 1:
        raise ValueError(f"{name} must hold only 0 and 1")
    return np.ascontiguousarray(bits)
