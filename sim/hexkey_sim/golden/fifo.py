"""The event FIFO between the front end and the link: bounded, and honest about what it drops."""

from dataclasses import dataclass

from hexkey.events import Events


@dataclass(frozen=True, slots=True)
class Dropped:
    """Events that found the FIFO full: how many, and the first and last pulse among them."""

    first_pulse: int
    last_pulse: int
    events: int


class EventFifo:
    """Holds at most `depth` events; when full, the newest are dropped and counted.

    Attributes
    ----------
    dropped : int
        Events dropped since the FIFO was made.
    """

    def __init__(self, depth: int) -> None:
        self._depth = depth
        self._waiting = Events.empty()
        self._unreported: Dropped | None = None
        self.dropped = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def push(self, events: Events, *, blocked: bool = False) -> None:
        """Take events in the order of their pulses; `blocked` drops them as if it were full."""
        room = 0 if blocked else max(0, self._depth - len(self._waiting))
        if room and len(events):
            self._waiting = Events.concatenate([self._waiting, events.take(slice(None, room))])
        if len(events) > room:
            self._drop(events.take(slice(room, None)))

    def waiting(self) -> Events:
        """Return the events in the FIFO, oldest first, and leave them there."""
        return self._waiting

    def remove(self, count: int) -> None:
        """Remove the oldest `count` events."""
        self._waiting = self._waiting.take(slice(count, None))

    def take_dropped(self) -> Dropped | None:
        """Return what was dropped since the last call, for a LOSS frame; None if nothing was."""
        unreported, self._unreported = self._unreported, None
        return unreported

    def _drop(self, events: Events) -> None:
        self.dropped += len(events)
        before = self._unreported
        first = int(events.pulse[0]) if before is None else before.first_pulse
        already = 0 if before is None else before.events
        self._unreported = Dropped(first, int(events.pulse[-1]), already + len(events))
