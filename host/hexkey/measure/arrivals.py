"""When in the pulse clicks come: one histogram per detector."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import interpolate, optimize, stats

Counts = NDArray[np.int64]
Floats = NDArray[np.float64]
LEAST_PER_BIN = 100  # for a ratio good to some 15 %
MOST_PARTS = 40
LEAST_BINS = 4  # of a part: within bins clicks are only interpolated


@dataclass(frozen=True, slots=True)
class Arrivals:
    """Clicks of each detector over one period.

    Attributes
    ----------
    counts : mapping of channel to (bins,) int64
        All of one length; together the bins last one period. Where the period is no whole number
        of bins, the last is that much shorter.
    bin_ps, period_ps : float
    outside : int
        Clicks whose time since the sync is longer than the period: they are in no bin.
    """

    counts: Mapping[int, Counts]
    bin_ps: float
    period_ps: float
    outside: int = 0

    @property
    def edges_ps(self) -> NDArray[np.float64]:
        length = len(next(iter(self.counts.values())))
        return np.asarray(np.minimum(np.arange(length + 1) * self.bin_ps, self.period_ps))


class Histogram:
    """Counts clicks by phase, chunk by chunk.

    Parameters
    ----------
    bins : int
        Phases count from 0 to it.
    """

    def __init__(self, bins: int) -> None:
        self._bins = bins
        self._counts = np.zeros(256 * bins, np.int64)
        self.outside = 0

    def push(self, channel: NDArray[np.uint8], index: NDArray[np.int64]) -> None:
        """Count clicks by their channel and bin."""
        inside = (index >= 0) & (index < self._bins)
        if not inside.all():
            self.outside += len(index) - int(np.count_nonzero(inside))
            channel, index = channel[inside], index[inside]
        flat = channel.astype(np.int64) * self._bins + index
        counts = np.bincount(flat)
        self._counts[: len(counts)] += counts

    def result(self, channels: tuple[int, ...]) -> dict[int, Counts]:
        table = self._counts.reshape(256, self._bins)
        return {channel: table[channel].copy() for channel in channels}


@dataclass(frozen=True, slots=True)
class Efficiencies:
    """How many clicks the second detector has for one of the first, over the pulse.

    Attributes
    ----------
    ratio, sigma : float
        Of all clicks.
    worst : float
        Of the parts of the pulse that hold enough clicks, the ratio furthest from `ratio`.
    worst_sigma : float
    worst_ps : float
        Middle of that part.
    parts : int
    p_value : float
        Chance that parts of one ratio differ as much as these do.
    """

    ratio: float
    sigma: float
    worst: float
    worst_sigma: float
    worst_ps: float
    parts: int
    p_value: float


def compare_efficiencies(
    first: Counts,
    second: Counts,
    bin_ps: float,
    skew_ps: float = 0.0,
    period_ps: float | None = None,
) -> Efficiencies | None:
    """Compare two detectors over the pulse; None where they have too few clicks.

    Parts are neighbouring bins, at least `LEAST_BINS` of them, taken together until both detectors'
    clicks make `LEAST_PER_BIN` or a 40th of all. On the edge of a pulse a skew wrong by a fraction
    of a bin looks like another efficiency, so the skew is the one at which the parts agree best.

    Parameters
    ----------
    first, second : (bins,) int64
        Histograms of one period.
    bin_ps : float
    skew_ps : float
        By how much the second detector comes later, to a bin.
    period_ps : float, optional
        Where the last bin is shorter; else all bins together.
    """
    if min(first.sum(), second.sum()) < LEAST_PER_BIN:
        return None
    bins, both = len(first), int(first.sum() + second.sum())
    edges_ps = np.minimum(np.arange(bins + 1) * bin_ps, period_ps or bins * bin_ps)
    until = _cumulative(second, edges_ps)
    total = first + np.diff(until(edges_ps + skew_ps))
    # From the deepest gap on, so that no pulse is cut by where the period begins.
    start = int(np.argmin(np.convolve(np.r_[total, total[:8]], np.ones(9), "valid")))
    bounds = _parts(np.roll(total, -start), max(2 * LEAST_PER_BIN, both // MOST_PARTS))
    one = np.add.reduceat(np.roll(first, -start), bounds[:-1]).astype(np.float64)
    turned_ps = np.append(edges_ps[start:-1], edges_ps[: start + 1] + edges_ps[-1])[bounds]
    chance = second.sum() / both
    spread = math.sqrt(chance * (1 - chance))

    def pulls(shift_ps: float) -> tuple[Floats, Floats]:
        two = np.diff(until(turned_ps + skew_ps + shift_ps))
        seen = one + two
        return two, (two - seen * chance) / (spread * np.sqrt(np.maximum(seen, 1)))

    found = optimize.minimize_scalar(
        lambda shift_ps: float(np.sum(pulls(shift_ps)[1] ** 2)),
        bounds=(-bin_ps, bin_ps),
        method="bounded",
    )
    two, pull = pulls(float(found.x))
    ratio = float(second.sum() / first.sum())
    sigma = ratio * math.sqrt(1 / first.sum() + 1 / second.sum())
    used = (one > 0) & (two > 0)
    shares = np.where(used, two / np.maximum(one, 1), ratio)
    errors = shares * np.sqrt(1 / np.maximum(one, 1) + 1 / np.maximum(two, 1))
    worst = int(np.argmax(np.abs(np.log(shares / ratio))))
    place = (turned_ps[worst] + turned_ps[worst + 1]) / 2 % edges_ps[-1]
    p_value = float(stats.chi2.sf(np.sum(pull**2), max(1, len(one) - 2)))
    return Efficiencies(
        ratio,
        sigma,
        float(shares[worst]),
        float(errors[worst]),
        float(place),
        len(one),
        p_value,
    )


def _cumulative(counts: Counts, edges_ps: Floats) -> Callable[[Floats], Floats]:
    """Return how many counts there are until a time, for times from a period before to three on."""
    turns = np.arange(-1, 4)[:, None]
    times = (edges_ps[:-1] + turns * edges_ps[-1]).ravel()
    seen = (np.cumsum(counts) - counts + turns * int(counts.sum())).ravel()
    found: Callable[[Floats], Floats] = interpolate.PchipInterpolator(times, seen)
    return found


def _parts(total: Counts, share: int) -> NDArray[np.int64]:
    """Return the first bin of each part, and one beyond the last."""
    bounds, since = [0], np.concatenate([[0], np.cumsum(total)])
    while True:
        enough = int(np.searchsorted(since, since[bounds[-1]] + share))
        end = max(enough, bounds[-1] + LEAST_BINS)
        if end + LEAST_BINS > len(total) or since[-1] - since[end] < share:
            return np.array([*bounds, len(total)])
        bounds.append(end)
