"""Delays between the clicks of two detectors, and within each, as histograms over a whole file.

In a stream in order of time, neighbours n places apart are looked at for n = 1, 2, …; of these only
such as were near enough n − 1 places apart can be, so that each step has fewer to look at.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hexkey.measure.clicks import Clicks

_HELD = 1 << 19  # pairs that are counted together: a histogram is long
_ACROSS, _FIRST, _SECOND = range(3)


@dataclass(frozen=True, slots=True)
class Delays:
    """How many pairs of clicks have which delay.

    Attributes
    ----------
    counts : (2 n,) int64
        Pairs whose delay, of the second channel's click after the first's, is in
        ``[(i - n) bin_ps, (i - n + 1) bin_ps)``.
    bin_ps : int
    """

    counts: NDArray[np.int64]
    bin_ps: int

    @property
    def centre_ps(self) -> NDArray[np.float64]:
        """Middle of each bin; times are whole ps, so it lies half a ps before the half."""
        half = len(self.counts) // 2
        return np.asarray((np.arange(-half, half) + 0.5) * self.bin_ps - 0.5, np.float64)

    @property
    def reach_ps(self) -> int:
        return len(self.counts) // 2 * self.bin_ps


class Correlator:
    """Counts delays between the clicks of two channels, chunk by chunk.

    Parameters
    ----------
    first, second : int
        The channels.
    reach_ps : int
        Longest delay. Clicks may be out of order by as much.
    bin_ps : int
    """

    def __init__(self, first: int, second: int, reach_ps: int, bin_ps: int) -> None:
        self._first, self._second = first, second
        self._half = -(-reach_ps // bin_ps)
        self._bin_ps = bin_ps
        self._counts = np.zeros((3, 2 * self._half), np.int64)
        self._tail = np.zeros(0, np.int64), np.zeros(0, np.bool_)
        self._held: list[NDArray[np.int64]] = []
        self._holding = 0

    def push(self, clicks: Clicks) -> None:
        second = clicks.channel == self._second
        chosen = np.flatnonzero(second | (clicks.channel == self._first))
        time = np.concatenate([self._tail[0], clicks.time_ps[chosen]])
        second = np.concatenate([self._tail[1], second[chosen]])
        new = np.arange(len(time)) >= len(self._tail[0])
        if not len(time):
            return
        if np.any(time[1:] < time[:-1]):
            order = np.argsort(time, kind="stable")
            time, second, new = time[order], second[order], new[order]
        self._count(time, second, new)
        # What comes next may be earlier than the last click by a reach, and look back by another.
        kept = int(np.searchsorted(time, time[-1] - 2 * self._half * self._bin_ps))
        self._tail = time[kept:], second[kept:]

    def _count(
        self, time: NDArray[np.int64], second: NDArray[np.bool_], new: NDArray[np.bool_]
    ) -> None:
        reach = self._half * self._bin_ps
        later = np.arange(1, len(time))
        apart = 1
        while len(later):
            delay = time[later] - time[later - apart]
            near = np.flatnonzero(delay <= reach)
            later, delay = later[near], delay[near]
            counted = np.flatnonzero(new[later] | new[later - apart])
            self._hold(delay[counted], second[later[counted]], second[later[counted] - apart])
            apart += 1
            later = later[np.searchsorted(later, apart) :]

    def _hold(
        self, delay: NDArray[np.int64], of_second: NDArray[np.bool_], after: NDArray[np.bool_]
    ) -> None:
        """Keep pairs by their delay, the channel of the later click and that of the earlier."""
        kind = np.where(of_second, _SECOND, _FIRST)
        kind[of_second != after] = _ACROSS
        signed = np.where(of_second | (kind == _FIRST), delay, -delay)
        index = signed // self._bin_ps + self._half
        inside = index < 2 * self._half
        self._held.append((kind * (2 * self._half) + index)[inside])
        self._holding += len(delay)
        if self._holding > _HELD:
            self._take()

    def _take(self) -> None:
        if self._held:
            found = np.concatenate(self._held)
            self._counts += np.bincount(found, minlength=self._counts.size).reshape(3, -1)
        self._held, self._holding = [], 0

    def across(self) -> Delays:
        """Return the delays of the second channel's clicks after the first's."""
        self._take()
        return Delays(self._counts[_ACROSS].copy(), self._bin_ps)

    def within(self, channel: int) -> Delays:
        """Return the delays within one of the channels: each pair once, above zero."""
        self._take()
        row = _FIRST if channel == self._first else _SECOND
        return Delays(self._counts[row].copy(), self._bin_ps)
