"""Dead time of a detector, from the intervals between its clicks.

The hazard is how often the next click comes after an interval, of the clicks for which it has not
come before. Without memory it is constant; a dead time makes it zero at first. Over bins of a whole
period, pulsed light is as steady as any.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hexkey.errors import InputError

REACH_PS = 100_000_000  # intervals looked at; the last half of them sets what is usual
STEADY_BIN_PS = 1000
LEAST_INTERVALS = 1000
EARLY = 1e-2  # of the usual hazard, in the dead time: what crosstalk and glitches make
LIKELY = 2.0  # fall of the log likelihood within which the dead time may lie
DECIDED = 8.0  # rise of it that makes a dead time one
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class DeadTime:
    """A detector's dead time.

    Attributes
    ----------
    dead_ps : float or None
        None where no interval is missing.
    low_ps, high_ps : float
        Where it lies; without one, from 0 to the shortest that would have been noticed.
    usual_hz : float
        The hazard at long intervals.
    shortest_ps : int
        The shortest interval of all.
    """

    dead_ps: float | None
    low_ps: float
    high_ps: float
    usual_hz: float
    shortest_ps: int


class Intervals:
    """Counts intervals between one channel's clicks, chunk by chunk.

    Parameters
    ----------
    bin_ps : float
        The period of pulsed light, else `STEADY_BIN_PS`.
    """

    def __init__(self, bin_ps: float) -> None:
        # Intervals of whole periods stand in the middle of their bins.
        self._bin_ps = bin_ps
        self._bins = max(64, math.ceil(REACH_PS / bin_ps))
        self._counts = np.zeros(self._bins + 1, np.int64)
        self._last: int | None = None
        self._shortest = 2**62

    def push(self, time_ps: NDArray[np.int64]) -> None:
        if not len(time_ps):
            return
        ordered = bool(np.all(time_ps[1:] >= time_ps[:-1]))
        time = time_ps if ordered else np.sort(time_ps)
        if self._last is not None:
            time = np.concatenate([[self._last], time])
        self._last = int(time[-1])
        steps = np.diff(time)
        if not len(steps):
            return
        self._shortest = min(self._shortest, int(steps.min()))
        index = np.rint(np.maximum(steps, 0) / self._bin_ps).astype(np.int64)
        self._counts += np.bincount(np.minimum(index, self._bins), minlength=self._bins + 1)

    def result(self) -> DeadTime:
        """Return what the intervals say.

        Raises
        ------
        InputError
            There are too few of them, or none is long enough to say what is usual.
        """
        total = int(self._counts.sum())
        if total < LEAST_INTERVALS:
            raise InputError(
                f"a dead time needs {LEAST_INTERVALS} intervals of a detector, not {total}: record "
                f"for longer"
            )
        counts = self._counts[:-1].astype(np.float64)
        waiting = total - np.concatenate([[0.0], np.cumsum(counts)[:-1]])
        waiting[0] /= 2  # the first bin is half as wide: no interval is below zero
        # The usual hazard is of the later half in clicks, where the clicks end before the reach.
        late = min(len(counts) // 2, int(np.searchsorted(np.cumsum(counts), 0.5 * counts.sum())))
        late = max(late, 1)
        usual = counts[late:].sum() / max(waiting[late:].sum(), 1.0)
        if counts[late:].sum() < LEAST_INTERVALS / 10:
            raise InputError(
                f"hardly any interval is shorter than {REACH_PS / 1e6:g} µs, too few to tell "
                f"a dead time from: record for longer or with more light"
            )
        edge, low, high = _edge(counts[:late], usual * waiting[:late])
        dead, low_ps, high_ps = (
            max(0.0, (place - 0.5) * self._bin_ps) for place in (edge, low - 0.5, high + 0.5)
        )
        return DeadTime(
            dead_ps=dead if edge else None,
            low_ps=low_ps if edge else 0.0,
            high_ps=high_ps if edge else (high + 1) * self._bin_ps,
            usual_hz=float(usual) / (self._bin_ps * 1e-12),
            shortest_ps=self._shortest,
        )


def _edge(counts: Floats, usual: Floats) -> tuple[int, int, int]:
    """Return the bin where intervals begin, by maximum likelihood, and the likely first and last.

    Before it the hazard is `EARLY` of the usual, from it on the usual: bins gain or lose by which
    of the two makes their counts likelier, so afterpulses right after the edge only sharpen it.
    """
    gain = counts * math.log(EARLY) + (1 - EARLY) * usual
    rise = np.concatenate([[0.0], np.cumsum(gain)])
    best = int(np.argmax(rise))
    if rise[best] < DECIDED:
        best = 0
        likely = np.flatnonzero(np.cumsum(usual) < DECIDED)
        return 0, 0, int(likely[-1]) if len(likely) else 0
    likely = np.flatnonzero(rise > rise[best] - LIKELY)
    return best, int(likely[0]), int(likely[-1])
