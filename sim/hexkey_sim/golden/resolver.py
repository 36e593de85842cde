"""The click resolver: one pulse's gated clicks become at most one event."""

from typing import NamedTuple

from hexkey.events import FLAG_REPEAT
from hexkey.wire import PAIRS
from hexkey_sim.golden.settings import Click, FrontEndCounters, FrontEndSettings


class Event(NamedTuple):
    pulse: int
    phase_ticks: int
    mask: int
    flags: int


class Resolver:
    """Merges clicks; counts repeats, double pulses and pairs.

    The event's phase is its first click's. A second click of a detector is dropped and counted, and
    the event says so. A pulse with several detectors is reported with its mask, or discarded.
    """

    def __init__(self, settings: FrontEndSettings, counters: FrontEndCounters) -> None:
        self._discard_double = settings.discard_double
        self._counters = counters

    def resolve(self, clicks: list[Click]) -> Event | None:
        """Return the event of one pulse's accepted clicks, sorted by phase; or None."""
        mask = flags = 0
        for click in clicks:
            bit = 1 << click.detector
            if mask & bit:
                self._counters.repeats += 1
                flags |= FLAG_REPEAT
            mask |= bit
        if mask.bit_count() > 1:
            self._count_double(mask)
            if self._discard_double:
                return None
        if not mask:
            return None
        self._counters.events += 1
        return Event(clicks[0].pulse, clicks[0].phase_ticks, mask, flags)

    def _count_double(self, mask: int) -> None:
        self._counters.double_pulses += 1
        for index, (first, second) in enumerate(PAIRS):
            self._counters.pairs[index] += mask >> first & mask >> second & 1
