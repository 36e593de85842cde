"""The best setting of a model, found on grids that close in: deterministic, and over arrays.

Rates have one maximum in the settings searched here, but they are flat or cut off elsewhere, where
a gradient says nothing. A grid over the whole range finds the hill, and each of the following ones
spans four steps of the one before, so that a corner of the range is found as well as its inside.
"""

from collections.abc import Callable, Sequence

import numpy as np

from hexkey.keyrate.domain import Array

_FIRST = {1: 129, 2: 41}  # points an axis, by the number of axes
_NEXT = {1: 9, 2: 7}


def maximise(
    objective: Callable[..., Array],
    ranges: Sequence[tuple[float | Array, float | Array]],
    shape: tuple[int, ...] = (),
    width: float = 1e-8,
) -> list[Array]:
    """Return where `objective` is largest, one array of `shape` per range.

    Parameters
    ----------
    objective : function
        Of one array per range, of shape ``(points, *shape)``; returns an array of that shape.
    ranges : sequence of (low, high)
        Closed; numbers or arrays of `shape`. One or two.
    shape : tuple of int
        Independent problems.
    width : float
        Where the grid ends, as a share of the first one's range.
    """
    low = [np.broadcast_to(np.asarray(bound[0], np.float64), shape) for bound in ranges]
    high = [np.broadcast_to(np.asarray(bound[1], np.float64), shape) for bound in ranges]
    start, stop, share = list(low), list(high), 1.0
    points = _FIRST[len(ranges)]
    while True:
        axes = [_axis(a, b, points) for a, b in zip(start, stop, strict=True)]
        index = np.indices((points,) * len(ranges)).reshape(len(ranges), -1)
        grid = [axis[chosen] for axis, chosen in zip(axes, index, strict=True)]
        best = np.argmax(objective(*grid), axis=0)[None]
        found = [np.take_along_axis(values, best, 0)[0] for values in grid]
        share *= 4 / (points - 1)
        if share < width:
            return found
        for i, centre in enumerate(found):
            half = (high[i] - low[i]) * share / 2
            start[i] = np.maximum(low[i], centre - half)
            stop[i] = np.minimum(high[i], centre + half)
        points = _NEXT[len(ranges)]


def climbable(signed: Array, scale: Array) -> Array:
    """Return `signed` where positive, else `signed` per `scale`.

    Of two settings without key the one nearer to a key wins by this, not the one without clicks.
    """
    return np.where(signed > 0, signed, signed / np.maximum(scale, 1e-300) - 1e-300)


def largest_positive(rate: Callable[[float], float], high: float, width: float = 1e-9) -> float:
    """Return the largest x from 0 to `high` with a positive rate; 0 if there is none at 0.

    For rates that are positive up to one point and never after it.
    """
    if not rate(0.0) > 0:
        return 0.0
    if rate(high) > 0:
        return high
    low = 0.0
    while high - low > width:
        middle = (low + high) / 2
        low, high = (middle, high) if rate(middle) > 0 else (low, middle)
    return low


def _axis(low: Array, high: Array, points: int) -> Array:
    share = np.linspace(0, 1, points).reshape((points,) + (1,) * low.ndim)
    return np.asarray(low * (1 - share) + high * share)
