"""Totals: sums of increments, clock by clock, and what of them may be known elsewhere."""

from collections.abc import Sequence


class Totals:
    """Adds up increments and remembers how the totals were.

    Parameters
    ----------
    first : sequence of int
        Totals at the start.
    """

    def __init__(self, first: Sequence[int]) -> None:
        self._totals = [tuple(first)]

    @property
    def now(self) -> tuple[int, ...]:
        return self._totals[-1]

    @property
    def clocks(self) -> int:
        return len(self._totals) - 1

    def push(self, increments: Sequence[int], clocks: int = 1) -> None:
        """Take what each total grows by in a clock, or in some clocks alike."""
        for _ in range(clocks):
            self._totals.append(tuple(map(int.__add__, self.now, increments)))

    def clear(self) -> None:
        """All are 0, and were never anything else."""
        self._totals = [(0,) * len(self.now)]

    def ago(self, clocks: int) -> tuple[int, ...]:
        return self._totals[max(0, len(self._totals) - 1 - clocks)]

    def begins(self, since: Sequence[int]) -> list[int]:
        """Return the clocks since whose end all totals have grown to what they are in `since`."""
        return [
            clock
            for clock, then in enumerate(self._totals)
            if all(
                now - old == grown for now, old, grown in zip(self.now, then, since, strict=True)
            )
        ]


class Clicks:
    """Increments as of clicks: at most so many for each clock, once what was saved up has come.

    Parameters
    ----------
    bits : int
        Of an increment.
    saved : int
        That may come all at once; no more is saved later.
    each_clock : int
    """

    def __init__(self, bits: int, saved: int, each_clock: int) -> None:
        self._most = (1 << bits) - 1
        self._limit, self._each_clock = saved, each_clock
        self._saved = saved

    def push(self, wanted: int) -> int:
        """Return what can come of what is wanted in this clock."""
        self._saved = min(self._limit, self._saved + self._each_clock)
        now = min(wanted, self._saved, self._most)
        self._saved -= now
        return now
