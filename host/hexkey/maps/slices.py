"""Counts of a map in stretches of time: what their scatter is tells how sure a map is.

Clicks of two gates are mostly the same clicks, and a link drifts: no formula has both. Leaving out
one stretch after another does (`hexkey.maps.optimum`). Stretches end where a pulse without a click
is between two events, so that their counts add up to those of the whole, click for click.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hexkey.events import Events
from hexkey.maps.count import Kinds

FEWEST = 16  # stretches of the first epoch
MOST = 64  # beyond, two and two become one
_APART = 2  # pulses


@dataclass(frozen=True, slots=True)
class Slice:
    """A stretch of the link: the pulses of every gate by kind, (S, W, K) int64."""

    kinds: Kinds
    seconds: float


@dataclass(slots=True)
class _Part:
    kinds: Kinds  # at each shift, (shifts, S, W, K)
    pulses: int


class Slices:
    """Cuts epochs into stretches, and keeps their counts in bounded memory."""

    def __init__(self, pulse_rate_hz: float) -> None:
        self._pulse_rate_hz = pulse_rate_hz
        self._parts: list[_Part] = []
        self._length = 0  # pulses of a stretch

    def cut(self, events: Events, first: int, end: int) -> Iterator[tuple[Events, int]]:
        """Yield the events of an epoch's pulses `first` to ``end - 1`` in stretches, with pulses.

        Whoever takes a stretch has to `add` its counts before the next.
        """
        self._length = self._length or max(1, (end - first) // FEWEST)
        apart = np.flatnonzero(np.diff(events.pulse) >= np.uint64(_APART)) + 1
        after = events.pulse[apart].astype(np.int64)
        begun, start = first, 0
        while end - begun >= 3 * self._length // 2:
            place = int(np.searchsorted(after, begun + self._length))
            if place == len(apart):
                break
            stop, pulse = int(apart[place]), int(after[place])
            yield events.take(slice(start, stop)), pulse - begun
            begun, start = pulse, stop
        yield events.take(slice(start, None)), end - begun

    def add(self, kinds: Kinds, pulses: int) -> None:
        """Keep the counts of a stretch at each shift, (shifts, S, W, K)."""
        self._parts.append(_Part(kinds, pulses))
        if len(self._parts) >= MOST:
            pairs = zip(self._parts[::2], self._parts[1::2], strict=True)
            self._parts = [_Part(a.kinds + b.kinds, a.pulses + b.pulses) for a, b in pairs]
            self._length *= 2

    def at(self, chosen: NDArray[np.int64]) -> tuple[Slice, ...]:
        """Return the stretches, each gate at the shift of that place among them, (S, W)."""
        return tuple(
            Slice(at_shifts(part.kinds, chosen), part.pulses / self._pulse_rate_hz)
            for part in self._parts
        )


def at_shifts(kinds: Kinds, chosen: NDArray[np.int64]) -> Kinds:
    """Return counts, (S, W, K), of those at each shift: of every gate at its own one."""
    return np.asarray(np.take_along_axis(kinds, chosen[None, ..., None], axis=0)[0])
