"""Where in the period clicks arrive, and whether that has moved.

Light that is shifted in time is counted by one detector and missed by another (time shift; Zhao,
Fung, Qi, Chen and Lo, Phys. Rev. A 78, 042333 (2008)), and a trigger whose phase steps moves every
gate. Either moves the centre of the arrivals, taken over all detectors.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hexkey.skew import circular_mean

LEAST_CLICKS = 2_000  # of a centre that is compared
SIGMAS = 5.0


@dataclass(frozen=True, slots=True)
class Centre:
    """Centre of arrivals in ps after the trigger, and one standard deviation of it."""

    ps: float
    sigma_ps: float


class Arrivals:
    """Compares the centre of arrivals with what it was when the run began.

    The first is kept for the run, not followed: the gate was chosen for it, and who moves photons
    slowly enough would be followed, too.

    Parameters
    ----------
    period_ps : float
    """

    def __init__(self, period_ps: float) -> None:
        self._period_ps = period_ps
        self._seen: NDArray[np.int64] | None = None
        self._fresh: NDArray[np.int64] | None = None
        self.first: Centre | None = None
        self.now: Centre | None = None

    def take(self, total: NDArray[np.int64]) -> None:
        """Take the histogram since the run began, (bins,) over a whole period."""
        if self._seen is None or len(self._seen) != len(total) or np.any(total < self._seen):
            self._seen, self._fresh = np.zeros_like(total), np.zeros_like(total)
        assert self._fresh is not None
        self._fresh = self._fresh + total - self._seen
        self._seen = total.copy()
        if int(self._fresh.sum()) < LEAST_CLICKS:
            return
        found = circular_mean(self._fresh)
        self._fresh = np.zeros_like(total)
        if found is None:
            return  # spread over the whole period: it has no centre
        turn, sigma = found
        self.now = Centre(turn % 1.0 * self._period_ps, sigma * self._period_ps)
        self.first = self.first or self.now

    @property
    def moved_ps(self) -> float:
        """By how much the centre has moved, less what chance alone explains; 0 if by no more."""
        if self.first is None or self.now is None:
            return 0.0
        turn = math.remainder(self.now.ps - self.first.ps, self._period_ps)
        chance = SIGMAS * math.hypot(self.now.sigma_ps, self.first.sigma_ps)
        return math.copysign(max(0.0, abs(turn) - chance), turn)
