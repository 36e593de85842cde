"""Tags of edges, from the times at which an input changes: line, encoder and table together."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial

from hexkey_gateware.tagger.reach import reach
from hexkey_sim.golden.tagger_encoder import Encoder, Seen, look
from hexkey_sim.golden.tagger_line import Line

TICK_PS = 10
SNAPSHOTS = 1 << 14  # remembered: edges of one length, wherever they are, make fewer


@dataclass(frozen=True, slots=True)
class Tag:
    """An edge as a channel gives it.

    Attributes
    ----------
    slot : int
        Number of the sampling edge at the slot's end.
    code : int
    fine : int
        Ticks before the slot's end.
    """

    slot: int
    code: int
    fine: int


def equal_table(codes: int, tap_ps: float, ticks_per_clock: int = 500) -> list[int]:
    """Return what a table holds until it is calibrated."""
    return [min(int((code + 0.5) * tap_ps / TICK_PS), ticks_per_clock - 1) for code in range(codes)]


class Tagger:
    """A channel: tags the rising edges of its input.

    Parameters
    ----------
    delays_ps : sequence of int
        Of the line's taps.
    table : sequence of int
        Ticks for each code.
    neighbours : int
        See `reach`; 0 for the fallback, which samples.
    """

    def __init__(self, delays_ps: Sequence[int], table: Sequence[int], neighbours: int = 1) -> None:
        self._line = Line(delays_ps)
        self._reach = reach(self._line.taps, neighbours)
        self._see = lru_cache(SNAPSHOTS)(partial(look, reach=self._reach))
        self._table = table

    def tags(self, changes_ps: Sequence[int], clock_ps: Sequence[int]) -> Iterator[Tag]:
        """Yield the tags in their order.

        Only slots near which the input changes are looked at, so that idle time costs nothing.

        Parameters
        ----------
        changes_ps : sequence of int
            When the input changes, ascending; it is low at first, so the first one is a rise.
        clock_ps : sequence of int
            Sampling edges, ascending, from number 0 on.
        """
        encoder, expected = Encoder(self._reach), 0
        for slot in self._busy_slots(changes_ps, clock_ps):
            if slot != expected:
                encoder.decide(self._look(changes_ps, clock_ps[slot - 1]))
            expected = slot + 1
            code = encoder.decide(self._look(changes_ps, clock_ps[slot]))
            if code is not None:
                yield Tag(slot, code, self._table[code])

    def _busy_slots(self, changes_ps: Sequence[int], clock_ps: Sequence[int]) -> Iterator[int]:
        """Yield the slots at whose end an edge is in the line, and that after them."""
        last = -1
        for change in changes_ps:
            first = max(last + 1, bisect_left(clock_ps, change))
            last = max(last, bisect_right(clock_ps, change + self._line.longest_ps, lo=first))
            yield from range(first, min(last + 1, len(clock_ps)))

    def _look(self, changes_ps: Sequence[int], now_ps: int) -> Seen:
        passed = bisect_left(changes_ps, now_ps)
        first = bisect_left(changes_ps, now_ps - self._line.longest_ps, hi=passed)
        ages = (now_ps - change for change in changes_ps[first:passed])
        return self._see(self._line.snapshot(passed % 2 == 1, ages))
