"""What a status may say of something that happens now and then: each time once, and soon."""


class Happened:
    """Follows something that happens for a clock, and what statuses say of it.

    Each time must be told in the first status that comes more than `latency` clocks later, if not
    before, and in one status only. Where a status can have meant one time or another, both are
    taken to be told or not, as it comes.

    Parameters
    ----------
    latency : int
    """

    def __init__(self, latency: int) -> None:
        self._latency = latency
        self._untold: list[int] = []  # clocks
        self._maybe: list[int] = []

    @property
    def times(self) -> int:
        """Times that are not certain to be told."""
        return len(self._untold) + len(self._maybe)

    def happen(self, clock: int) -> None:
        self._untold.append(clock)

    def take(self, clock: int, said: bool) -> None:
        """Check what a status says: AssertionError if it is not true."""
        every = self._maybe + self._untold
        young = [time for time in every if clock - time <= self._latency]
        if said:
            assert every, "says what did not happen, or was told before"
            self._maybe, self._untold = young if len(every) > 1 else [], []
        else:
            late = [time for time in self._untold if time not in young]
            assert not late, f"does not say what happened {clock - late[0]} clocks ago"
            self._maybe = [time for time in self._maybe if time in young]
