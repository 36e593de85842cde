"""Count rates and how steady they are.

Clicks are counted in equal stretches of time; a long run has longer ones, so that memory stays the
same. Poisson light makes χ² of the stretches about their number, and an Allan deviation that falls
as the root of the time; what lies above is drift, blinking or a lamp.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from hexkey.measure.clicks import Clicks

FIRST_BIN_PS = 1_000_000_000  # 1 ms
MOST_BINS = 4096
SHOWN_BINS = 128
LEAST_CONSTANT = 1e-6


@dataclass(frozen=True, slots=True)
class Rate:
    """One channel's rate.

    Attributes
    ----------
    clicks : int
    rate_hz, sigma_hz : float
        Mean over the run, with the standard deviation of Poisson counts.
    chi2, p_value : float
        Of constancy, over the stretches of `over_time`.
    dof : int
    drift, drift_sigma : float
        Change over the whole run, as a share of the mean, from a weighted line.
    allan : tuple of (seconds, deviation, poisson)
        Relative Allan deviation by time, and what Poisson counts alone would have.
    bin_s : float
    over_time : (n,) int64
        Clicks in stretches of `bin_s`.
    """

    clicks: int
    rate_hz: float
    sigma_hz: float
    chi2: float
    dof: int
    p_value: float
    drift: float
    drift_sigma: float
    allan: tuple[tuple[float, float, float], ...]
    bin_s: float
    over_time: NDArray[np.int64]


class RateCounter:
    """Counts clicks over time, chunk by chunk; times may be out of order a little."""

    def __init__(self) -> None:
        self._bin_ps = FIRST_BIN_PS
        self._counts = np.zeros((256, MOST_BINS), np.int64)
        self._origin_ps: int | None = None
        self._last_ps = 0

    def push(self, clicks: Clicks) -> None:
        if not len(clicks):
            return
        if self._origin_ps is None:
            self._origin_ps = int(clicks.time_ps.min())
        self._last_ps = max(self._last_ps, int(clicks.time_ps.max()) - self._origin_ps)
        while self._last_ps // self._bin_ps >= MOST_BINS:
            self._counts[:, : MOST_BINS // 2] = self._counts.reshape(256, -1, 2).sum(axis=2)
            self._counts[:, MOST_BINS // 2 :] = 0
            self._bin_ps *= 2
        index = np.maximum(clicks.time_ps - self._origin_ps, 0) // self._bin_ps
        flat = clicks.channel.astype(np.int64) * MOST_BINS + index
        counts = np.bincount(flat)
        self._counts.reshape(-1)[: len(counts)] += counts

    @property
    def seconds(self) -> float:
        """From the first click to the last."""
        return self._last_ps * 1e-12

    @property
    def channels(self) -> tuple[int, ...]:
        """Those with clicks."""
        return tuple(int(channel) for channel in np.flatnonzero(self._counts.any(axis=1)))

    def clicks(self, channel: int) -> int:
        return int(self._counts[channel].sum())

    def result(self, channel: int) -> Rate:
        """Return a channel's rate; whole stretches alone are judged, the last is left out."""
        counts = self._counts[channel, : max(1, self._last_ps // self._bin_ps)]
        clicks, seconds = self.clicks(channel), max(self.seconds, 1e-12)
        bin_s = self._bin_ps * 1e-12
        allan = _allan(counts, bin_s)
        together = max(1, len(counts) // SHOWN_BINS)
        usable = len(counts) // together * together
        shown = counts[:usable].reshape(-1, together).sum(axis=1)
        mean = max(float(shown.mean()), 1e-300)
        chi2, dof = float(np.sum((shown - mean) ** 2) / mean), max(1, len(shown) - 1)
        place = (np.arange(len(shown)) + 0.5) / len(shown) - 0.5
        power = max(float(np.sum(place**2)), 1e-300)
        return Rate(
            clicks=clicks,
            rate_hz=clicks / seconds,
            sigma_hz=math.sqrt(clicks) / seconds,
            chi2=chi2,
            dof=dof,
            p_value=float(stats.chi2.sf(chi2, dof)),
            drift=float(np.sum(place * shown)) / power / mean,
            drift_sigma=math.sqrt(mean / power) / mean,
            allan=allan,
            bin_s=bin_s * together,
            over_time=shown,
        )


def constant_ratio(one: NDArray[np.int64], two: NDArray[np.int64]) -> bool:
    """Return whether two channels' clicks over time may have one ratio throughout.

    Said no where constant ratios differ as much with a chance of `LEAST_CONSTANT` only.
    """
    both, share = one + two, two.sum() / max(1, one.sum() + two.sum())
    used = both > 0
    if not 0 < share < 1:
        return True
    pull = (two - both * share)[used] ** 2 / (both[used] * share * (1 - share))
    return bool(stats.chi2.sf(pull.sum(), max(1, used.sum() - 1)) > LEAST_CONSTANT)


def _allan(counts: NDArray[np.int64], bin_s: float) -> tuple[tuple[float, float, float], ...]:
    """Return (seconds, relative deviation, that of Poisson counts) for times doubled each time."""
    found = []
    series, mean = counts.astype(np.float64), max(float(counts.mean()), 1e-300)
    while len(series) >= 8:
        deviation = math.sqrt(float(np.mean(np.diff(series) ** 2)) / 2) / mean
        found.append((bin_s, deviation, 1 / math.sqrt(mean)))
        series = series[: len(series) // 2 * 2].reshape(-1, 2).sum(axis=1)
        bin_s, mean = 2 * bin_s, 2 * mean
    return tuple(found)
