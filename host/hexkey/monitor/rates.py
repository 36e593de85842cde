"""Counts since the run began, as rates over the last seconds."""

from collections import deque
from dataclasses import dataclass

from hexkey.wire import Counters

SPAN_S = 3.0


@dataclass(frozen=True, slots=True)
class Recent:
    """What the board counted in the last seconds; `clicks` of each detector stay inside."""

    seconds: float
    clicks: tuple[int, ...]
    events: int
    ignored_holdoff: int

    @property
    def clicks_hz(self) -> float:
        return sum(self.clicks) / self.seconds

    @property
    def events_hz(self) -> float:
        return self.events / self.seconds


class Rates:
    """Keeps the counters of the last `SPAN_S`."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, Counters]] = deque()

    def take(self, counters: Counters, now_s: float) -> None:
        """Take counters as they are at `now_s` (of any clock that does not go back)."""
        if self._seen and counters == self._seen[-1][1]:
            return
        if self._seen and counters.events < self._seen[-1][1].events:
            self._seen.clear()  # another run
        self._seen.append((now_s, counters))

    def recent(self, now_s: float) -> Recent | None:
        """Return what came in the last seconds; None where there is nothing to compare with."""
        while len(self._seen) > 2 and now_s - self._seen[1][0] >= SPAN_S:
            self._seen.popleft()
        if len(self._seen) < 2:
            return None
        (began_s, first), (_, last) = self._seen[0], self._seen[-1]
        seconds = now_s - began_s
        if seconds < SPAN_S / 3:
            return None
        return Recent(
            seconds,
            tuple(b - a for a, b in zip(first.clicks, last.clicks, strict=True)),
            last.events - first.events,
            last.ignored_holdoff - first.ignored_holdoff,
        )
