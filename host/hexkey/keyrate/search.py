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


def climb(
    objective: Callable[[Array], Array], start: Array, step: float, rounds: int = 200
) -> Array:
    """Return a point near `start` where `objective` is largest: Nelder and Mead's simplex.

    For more settings than a grid can have. It climbs the hill that it stands on, and that it is at
    the top after that many rounds is not certain.

    Parameters
    ----------
    objective : function
        Of an array ``(settings, points, problems)``; returns ``(points, problems)``.
    start : (settings, problems) float64
    step : float
        Edge of the first simplex.
    rounds : int
        At most; each has one or two evaluations, of all problems at once.

    Returns
    -------
    (settings, problems) float64
    """
    settings, problems = start.shape
    corners = np.repeat(start[:, None, :], settings + 1, axis=1)
    for place in range(settings):
        corners[place, place + 1] += step
    values = objective(corners)
    for _ in range(rounds):
        order = np.argsort(-values, axis=0, kind="stable")
        values = np.take_along_axis(values, order, 0)
        corners = np.take_along_axis(corners, order[None], 1)
        centre, worst = corners[:, :-1].mean(1), corners[:, -1]
        tried = centre[:, None] + _STEPS[None, :, None] * (centre - worst)[:, None]
        found = objective(tried)
        reflected, expanded, outer, inner = found
        best, second, last = values[0], values[-2], values[-1]
        if np.all(best - last <= _FLAT * np.abs(best)):
            break
        kind = np.select(
            [
                (reflected > best) & (expanded > reflected),
                reflected > second,
                (reflected > last) & (outer >= reflected),
                (reflected <= last) & (inner > last),
            ],
            [1, 0, 2, 3],
            -1,
        )
        moved, all_problems = np.maximum(kind, 0), np.arange(problems)
        corners[:, -1] = np.where(kind >= 0, tried[:, moved, all_problems], worst)
        values[-1] = np.where(kind >= 0, found[moved, all_problems], last)
        if np.any(kind < 0):
            shrunk = corners[:, :1] + (corners - corners[:, :1]) / 2
            corners = np.where(kind >= 0, corners, shrunk)
            values = np.where(kind >= 0, values, objective(corners))
    best_place = np.argmax(values, axis=0)
    return np.asarray(np.take_along_axis(corners, best_place[None, None], 1)[:, 0])


_STEPS = np.array([1.0, 2.0, 0.5, -0.5])  # reflection, expansion, contraction on either side
_FLAT = 1e-10  # a simplex whose values differ by no more of their size is at the top


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
