"""Raw tags: each tag has its full time; what is dropped is counted, the rest comes in order."""

from collections import deque
from collections.abc import Sequence

LOW_BITS = 32


class RawTags:
    """Takes slots of tags and what words say of them; raises AssertionError where they differ.

    Which tags are dropped depends on when there was room, so tags are expected in the order in
    which they came in, and those that are left out must be as many as were dropped.

    Parameters
    ----------
    ticks_per_clock : int
    start_ticks : int
        At the beginning of slot 0.

    Attributes
    ----------
    times : list of (int, int)
        Channel and ticks of the tags that came out.
    missing : int
        Tags that were left out.
    """

    def __init__(self, ticks_per_clock: int, start_ticks: int = 0) -> None:
        self._ticks_per_clock = ticks_per_clock
        self._end_ticks = start_ticks
        self._due: deque[tuple[int, int]] = deque()
        self._high: int | None = None
        self.times: list[tuple[int, int]] = []
        self.missing = 0

    def slot(self, fine_ticks: Sequence[int | None], *, on: bool) -> None:
        """Take a slot: of each channel the tag's distance from its end, or None."""
        self._end_ticks += self._ticks_per_clock
        if on:
            self._due.extend(
                (channel, self._end_ticks - fine)
                for channel, fine in enumerate(fine_ticks)
                if fine is not None
            )

    def begin(self) -> None:
        """Raw tags are wanted from now on: the reader knows nothing of the time."""
        self._high = None

    def time_high(self, number: int) -> None:
        self._high = number

    def tag(self, channel: int, low_ticks: int) -> None:
        assert self._high is not None, "a tag came before the upper bits of its time"
        told = channel, self._high << LOW_BITS | low_ticks
        skipped = 0
        while self._due and self._due[0] != told:
            self._due.popleft()
            skipped += 1
        assert self._due, f"a tag of channel {channel} at {told[1]} never came in, or before others"
        self._due.popleft()
        self.missing += skipped
        self.times.append(told)

    def finish(self) -> None:
        """Nothing more comes out."""
        self.missing += len(self._due)
        self._due.clear()
