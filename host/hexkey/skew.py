"""Whether the two detectors of a pair see light come at the same time.

A detector whose clicks come late counts light that comes before the gate, and misses light that
comes at its end: who moves photons there knows which detector counts them (time shift; Zhao, Fung,
Qi, Chen and Lo, Phys. Rev. A 78, 042333 (2008)). Both detectors of a pair see the same light, so
their histograms of arrivals differ by their skew alone. It is the difference of the circular means,
which heeds neither a constant background nor where the period begins.

A skew tells when clicks came, not which: no bit of a key is in it.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SKEW_LIMIT_PS = 200.0  # what times are good for (docs/security.md, "Assumed")
SIGMAS = 5.0  # an alarm without a cause once in 10^6 looks
PAIRS = ((0, 1), (2, 3))


@dataclass(frozen=True, slots=True)
class Skew:
    """By how much the second detector of a pair comes later, and one standard deviation of it."""

    detectors: tuple[int, int]
    skew_ps: float
    sigma_ps: float

    @property
    def alarm(self) -> bool:
        return abs(self.skew_ps) > SKEW_LIMIT_PS + SIGMAS * self.sigma_ps


def skews(histograms: Mapping[int, NDArray[np.int64]], period_ps: float) -> tuple[Skew, ...]:
    """Return the skew of each pair of detectors that has clicks.

    Parameters
    ----------
    histograms : mapping of (bins,) int64
        Clicks of each detector over a whole period, equal bins.
    """
    found = []
    for first, second in PAIRS:
        if first in histograms and second in histograms:
            one, two = (circular_mean(histograms[index]) for index in (first, second))
            if one is not None and two is not None:
                turn = math.remainder(two[0] - one[0], 1.0)
                sigma = math.hypot(one[1], two[1])
                found.append(Skew((first, second), turn * period_ps, sigma * period_ps))
    return tuple(found)


def circular_mean(counts: NDArray[np.int64]) -> tuple[float, float] | None:
    """Return the circular mean and its standard deviation, in periods; None without a direction."""
    total = int(counts.sum())
    phases = 2 * np.pi * (np.arange(len(counts)) + 0.5) / len(counts)
    vector = complex(np.sum(counts * np.exp(1j * phases)))
    if abs(vector) < SIGMAS * math.sqrt(max(1, total)):  # as long as chance alone makes it
        return None
    mean = math.atan2(vector.imag, vector.real)
    # What phases scatter by across the mean's direction, and what a bin hides of it.
    hidden = (2 * np.pi / len(counts)) ** 2 / 12
    scatter = float(np.sum(counts * (np.sin(phases - mean) ** 2 + hidden)))
    sigma = math.sqrt(scatter) / abs(vector)
    return mean / (2 * np.pi), sigma / (2 * np.pi)
