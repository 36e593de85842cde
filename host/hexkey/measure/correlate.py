"""Delays between the clicks of two channels, as a histogram over a whole file.

In a stream in order of time, the neighbours n places apart are looked at for n = 1, 2, … until no
two of them are within reach: as many steps as a stretch of the reach holds clicks, each over whole
arrays.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hexkey.measure.clicks import Clicks


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
    """Counts delays between two channels, chunk by chunk.

    Parameters
    ----------
    first, second : int
        The channels; where they are one, each pair is counted once, with its delay above zero.
    reach_ps : int
        Longest delay. Clicks may be out of order by as much.
    bin_ps : int
    """

    def __init__(self, first: int, second: int, reach_ps: int, bin_ps: int) -> None:
        self._first, self._second = first, second
        self._half = -(-reach_ps // bin_ps)
        self._bin_ps = bin_ps
        self._counts = np.zeros(2 * self._half, np.int64)
        self._tail = np.zeros(0, np.int64), np.zeros(0, np.bool_)

    def push(self, clicks: Clicks) -> None:
        chosen = (clicks.channel == self._first) | (clicks.channel == self._second)
        time = np.concatenate([self._tail[0], clicks.time_ps[chosen]])
        second = np.concatenate([self._tail[1], clicks.channel[chosen] == self._second])
        new = np.arange(len(time)) >= len(self._tail[0])
        if not len(time):
            return
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
        for apart in range(1, len(time)):
            delay = time[apart:] - time[:-apart]
            near = delay <= reach
            if not near.any():
                return
            pair = near & (new[apart:] | new[:-apart])
            if self._first != self._second:
                pair &= second[apart:] != second[:-apart]
            signed = np.where(second[apart:], delay, -delay)[pair]
            index = signed // self._bin_ps + self._half
            index = index[(index >= 0) & (index < len(self._counts))]
            self._counts += np.bincount(index, minlength=len(self._counts))

    def result(self) -> Delays:
        return Delays(self._counts.copy(), self._bin_ps)
