"""Pulsed g²: coincidences of two detectors so many pulses apart, each start with each stop."""

import numpy as np
from numpy.typing import NDArray

from hexkey.wire import LAGS

MAX_LAG = LAGS[-1]


class G2:
    """Counts pulses k of an epoch in which `start` clicked while `stop` clicked in pulse k + lag.

    Several clicks of a detector in a pulse are one. Starts are pulses with `MAX_LAG` pulses of the
    same epoch to either side, so that each lag has had `pulses` chances.

    Parameters
    ----------
    start, stop : int
        The detectors.

    Attributes
    ----------
    coincidences : (33,) int64
        For lags -16 to 16.
    pulses : int
        Starts that were compared, with or without a click.
    """

    def __init__(self, start: int, stop: int) -> None:
        self._detectors = (start, stop)
        self._next = MAX_LAG  # the first that has 16 pulses before it
        self._clicked = [np.empty(0, np.int64), np.empty(0, np.int64)]
        self.coincidences = np.zeros(len(LAGS), np.int64)
        self.pulses = 0

    def push(self, pulse: NDArray[np.int64], detector: NDArray[np.int64], whole: int) -> None:
        """Take clicks.

        Parameters
        ----------
        pulse, detector : (n,) int64
            Of each click: the raw pulse, which no gate has changed.
        whole : int
            All clicks of pulses below this one have been brought.
        """
        for index, chosen in enumerate(self._detectors):
            new = pulse[detector == chosen]
            self._clicked[index] = np.union1d(self._clicked[index], new)
        end = whole - MAX_LAG
        if end > self._next:
            self._compare(end)

    def _compare(self, end: int) -> None:
        starts, stops = self._clicked
        compared = starts[(starts >= self._next) & (starts < end)]
        first = np.searchsorted(stops, compared - MAX_LAG)
        near = np.searchsorted(stops, compared + MAX_LAG, side="right") - first
        lags = _runs(first, near, stops) - np.repeat(compared, near)
        self.coincidences += np.bincount(lags + MAX_LAG, minlength=len(LAGS))
        self.pulses += end - self._next
        self._next = end
        self._clicked = [starts[starts >= end], stops[stops >= end - MAX_LAG]]


def _runs(
    first: NDArray[np.int64], length: NDArray[np.int64], values: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return runs of `values`, each from a place on and so long, one after the other."""
    before = np.cumsum(length) - length
    found: NDArray[np.int64] = values[np.arange(length.sum()) + np.repeat(first - before, length)]
    return found
