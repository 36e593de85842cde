"""What a model accepts: each check names the input, the value and the range, and returns an array.

NaN is in no range. Arrays are checked whole; the first value outside is the one that is named.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


def probability(name: str, value: ArrayLike) -> Array:
    """Return `value`, from 0 to 1."""
    return _within(name, value, "from 0 to 1", lambda x: (x >= 0) & (x <= 1))


def epsilon(name: str, value: ArrayLike) -> Array:
    """Return `value`, strictly between 0 and 1."""
    return _within(name, value, "between 0 and 1", lambda x: (x > 0) & (x < 1))


def non_negative(name: str, value: ArrayLike) -> Array:
    """Return `value`, finite and at least 0."""
    return _within(name, value, "finite and at least 0", lambda x: (x >= 0) & (x < np.inf))


def positive(name: str, value: ArrayLike) -> Array:
    """Return `value`, finite and above 0."""
    return _within(name, value, "finite and above 0", lambda x: (x > 0) & (x < np.inf))


def at_least_one(name: str, value: ArrayLike) -> Array:
    """Return `value`, finite and at least 1: an inefficiency, such as f of error correction."""
    return _within(name, value, "finite and at least 1", lambda x: (x >= 1) & (x < np.inf))


def within(name: str, value: ArrayLike, low: float, high: float) -> Array:
    """Return `value`, from `low` to `high`."""
    return _within(name, value, f"from {low!r} to {high!r}", lambda x: (x >= low) & (x <= high))


def choice(name: str, value: str, allowed: tuple[str, ...]) -> str:
    """Return `value`, one of `allowed`."""
    if value not in allowed:
        raise ValueError(f"{name} must be one of {', '.join(map(repr, allowed))}, not {value!r}")
    return value


def _within(
    name: str, value: ArrayLike, expected: str, accepted: Callable[[Array], NDArray[np.bool_]]
) -> Array:
    try:
        values = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError):
        raise ValueError(f"{name} must be a number {expected}, not {value!r}") from None
    good = accepted(values)
    if not np.all(good):
        raise ValueError(f"{name} must be {expected}, not {float(values[~good].flat[0])!r}")
    return values
