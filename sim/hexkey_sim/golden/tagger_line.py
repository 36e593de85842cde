"""A delay line at a clock's edge, exact to the picosecond, and lines to try things on."""

import random
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import accumulate

CELL_PS = {6: 71, 7: 63, 8: 56}
"""What a CCU2C, two taps, takes at each speed grade of an ECP5, as nextpnr has it."""

CELL_5G_PS = 43
"""The same of an ECP5-5G in speed grade 8."""


class Line:
    """A delay line.

    Parameters
    ----------
    delays_ps : sequence of int
        How late each tap sees the input, at least 1; in any order.
    """

    def __init__(self, delays_ps: Sequence[int]) -> None:
        if min(delays_ps) < 1:
            raise ValueError(f"a tap is at least 1 ps late, not {min(delays_ps)}")
        self.delays_ps = tuple(delays_ps)
        self.taps = len(self.delays_ps)
        self.longest_ps = max(self.delays_ps)
        order = sorted(range(self.taps), key=self.delays_ps.__getitem__)
        self._sorted = [self.delays_ps[tap] for tap in order]
        all_taps = (1 << self.taps) - 1
        passed = accumulate((1 << tap for tap in order), int.__or__, initial=0)
        self._ahead = [all_taps ^ taps for taps in passed]

    def snapshot(self, level: bool, ages_ps: Iterable[int]) -> int:
        """Return the taps, tap 0 in bit 0.

        Parameters
        ----------
        level : bool
            Of the input now.
        ages_ps : iterable of int
            How long ago the input changed; what is older than the line need not be there.
        """
        taps = self._ahead[0] if level else 0
        for age in ages_ps:
            taps ^= self._ahead[bisect_right(self._sorted, age)]
        return taps


def equal_line(taps: int, tap_ps: float) -> list[int]:
    """Return the delays of a line whose taps are alike."""
    return [round((tap + 1) * tap_ps) for tap in range(taps)]


def uneven_line(
    taps: int, cell_ps: float, seed: int, mismatch: float = 0.3, skew_ps: float = 8.0
) -> list[int]:
    """Return delays as real ones are.

    Parameters
    ----------
    taps : int
    cell_ps : float
        What two taps take on average.
    seed : int
    mismatch : float
        Standard deviation of the logarithm of a tap's own delay.
    skew_ps : float
        Of the flip-flops' clocks, rms; makes bubbles.
    """
    generator = random.Random(seed)
    factors = [generator.lognormvariate(0, mismatch) for _ in range(taps)]
    scale = cell_ps / 2 * taps / sum(factors)
    skews = [generator.gauss(0, skew_ps) for _ in range(taps)]
    passed = accumulate(factor * scale for factor in factors)
    return [max(1, round(delay + skew)) for delay, skew in zip(passed, skews, strict=True)]


def two_edges_line(clock_ps: int) -> list[int]:
    """Return the delays of the fallback: samples now, half a clock ago, and a clock ago."""
    return [1, clock_ps // 2 + 1, clock_ps + 1]
