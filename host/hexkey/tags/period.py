"""The period of a trigger from its edges, when it is known only about and most edges are missing.

Edges lie on a comb of period P, each with its jitter, few or most of them missing. The comb's
phasors exp(2πi t/P) add up at the true period alone: it is sought on a grid as fine as a short
stretch of edges can tell, and then made finer by fits over ever longer stretches, each so long that
no count of periods is in doubt (Rayleigh's test for a period, as for a pulsar's).
"""

import numpy as np
from numpy.typing import NDArray

from hexkey.errors import InputError

FEWEST_EDGES = 32
LOCKED = 0.6  # mean phasor of edges on a comb: 0.6 is a jitter of a sixth of the period
_FIRST_EDGES = 256
_MOST_EDGES = 1 << 16
_MOST_PERIODS = 200_000
_PER_LOBE = 4  # periods tried in the width of the peak
_AT_ONCE = 4_096

Floats = NDArray[np.float64]


def find_period(
    edges: NDArray[np.int64], about_ticks: float, tolerance: float
) -> tuple[float, float]:
    """Return the period of edges, and the length of their mean phasor at it, from 0 to 1.

    Parameters
    ----------
    edges : (n,) int64
        Ascending times in ticks, at least `FEWEST_EDGES` of them.
    about_ticks : float
        The period as it is known beforehand.
    tolerance : float
        How far it may be off, as a share of it.

    Raises
    ------
    InputError
        Edges are so rare that the period must be known better beforehand.
    """
    times = (edges - edges[0]).astype(np.float64)
    count = min(_FIRST_EDGES, len(edges))
    while count > FEWEST_EDGES and _tries(times[count - 1], about_ticks, tolerance) > _MOST_PERIODS:
        count //= 2
    count = max(count, FEWEST_EDGES)
    tries = _tries(times[count - 1], about_ticks, tolerance)
    if tries > _MOST_PERIODS:
        raise InputError(
            f"the edges of the trigger are too rare to find its period among those within "
            f"{tolerance:.1e} of {about_ticks:.6g} ticks: state the pulse rate more exactly"
        )
    rates = np.linspace(1 - tolerance, 1 + tolerance, tries) / about_ticks
    period = 1 / float(rates[np.argmax(_strengths(times[:count], rates))])
    period, strength = _fitted(times[:count], period)
    while strength >= LOCKED and count < min(len(times), _MOST_EDGES):
        count = min(4 * count, len(times))
        longer, longer_strength = _fitted(times[:count], period)
        if longer_strength < LOCKED:  # over so long the period itself has moved
            break
        period, strength = longer, longer_strength
    return period, strength


def _tries(span: float, about: float, tolerance: float) -> int:
    return int(2 * tolerance * span / about * _PER_LOBE) + 3


def _strengths(times: Floats, rates: Floats) -> Floats:
    found = np.empty(len(rates))
    for first in range(0, len(rates), _AT_ONCE):
        some = slice(first, first + _AT_ONCE)
        found[some] = np.abs(np.exp(2j * np.pi * rates[some, None] * times).mean(axis=1))
    return found


def _fitted(times: Floats, period: float) -> tuple[float, float]:
    """Return the period by a straight line through the edges' phases, and their mean phasor."""
    turns = times / period
    middle = np.angle(np.mean(np.exp(2j * np.pi * turns))) / (2 * np.pi)
    off = turns - middle
    off -= np.rint(off)
    near = np.abs(off) < 0.25  # others follow no trigger
    if np.count_nonzero(near) >= 3:
        slope = np.polyfit(times[near], off[near], 1)[0]
        period /= 1 - slope * period
    return period, float(abs(np.mean(np.exp(2j * np.pi * times / period))))
