"""The code-density test: hits uniform in time fall on each code in proportion to its bin's width.

A code is how many taps an edge had passed when its clock cycle ended, so small codes are young
edges; the last code of a density is that of edges which had left the line by then. All functions
are pure. Widths follow from the counts alone: no bin is assumed to be as wide as another.
"""

from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import chdtrc

from hexkey.errors import CalibrationError

MIN_HITS = 1_000_000
"""With so many hits chance moves no bin by more than 2.5 ps rms (half a clock of 5 ns / 10^3)."""

OVERFLOW_SHARE = 1e-4
EDGE_SHARE = 1e-3
"""Codes that hold less than this at either end of a density say nothing about its span."""

LONGEST_GAP = 4
EMPTY_SHARE = 0.15
WIDEST_BIN = 8.0
"""In mean bins; silicon has some of two to five where a line crosses from block to block."""

DISAGREEMENT = 1e-6
"""Densities are refused as different if chance makes such a difference more rarely than this."""

DRIFT_PS = 0.5
"""By so much a bin's width may differ between densities for reasons other than chance, rms: the
line grows and shrinks with temperature, by about 1 ps a kelvin and nanosecond."""

Counts = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """A delay line as its density shows it.

    Attributes
    ----------
    clock_ps : float
        The sampling clock's period, which all bins fill together.
    hits : float
    widths_ps : (codes,) float64
        Of each code's bin.
    centres_ps : (codes,) float64
        From the middle of each bin to the end of the clock cycle.
    taps_per_clock : float
    """

    clock_ps: float
    hits: float
    widths_ps: NDArray[np.float64] = field(repr=False)
    centres_ps: NDArray[np.float64] = field(repr=False)
    taps_per_clock: float

    @property
    def tap_ps(self) -> float:
        """The mean tap, which tells the temperature: it grows with it."""
        return self.clock_ps / self.taps_per_clock

    def length_ps(self, taps: int) -> float:
        """Return how long an edge takes through all taps of the line."""
        return taps * self.tap_ps

    def fine_ticks(self, tick_ps: Fraction) -> NDArray[np.uint16]:
        """Return the table: whole ticks from a code's edge to the end of its clock cycle.

        Codes that never came are the latest there are. Rounding is down for all channels, so that
        differences of times have no bias.
        """
        last = int(Fraction(self.clock_ps) / tick_ps) - 1
        ticks = np.floor(self.centres_ps / float(tick_ps))
        return np.clip(ticks, 0, last).astype(np.uint16)

    @property
    def dnl(self) -> NDArray[np.float64]:
        """Return each bin's width in mean bins, less 1, for the codes within a clock."""
        inside = self._inside
        return self.widths_ps[inside] / self.tap_ps - 1

    @property
    def inl_ps(self) -> NDArray[np.float64]:
        """Return how far each bin's end is from where equal bins would have it, in ps."""
        ends = np.cumsum(self.widths_ps)[self._inside]
        return ends - self.tap_ps * np.arange(1, len(ends) + 1)

    @property
    def quantisation_ps(self) -> float:
        """Return the rms error of an edge that the widths of the bins leave, jitter apart."""
        return float(np.sqrt((self.widths_ps**3).sum() / 12 / self.clock_ps))

    @property
    def _inside(self) -> slice:
        return slice(0, max(1, int(self.taps_per_clock)))


def calibrate(counts: ArrayLike, clock_ps: float, *, min_hits: int = MIN_HITS) -> Line:
    """Return the line that a density shows.

    Parameters
    ----------
    counts : (codes,)
        Hits on each code, the last the overflow.
    clock_ps : float
    min_hits : int

    Raises
    ------
    CalibrationError
        If the density was not sampled uniformly, or the line is shorter than a clock.
    """
    density = np.asarray(counts, np.float64)
    check_density(density, min_hits)
    hits = float(density.sum())
    widths = density / hits * clock_ps
    ends = np.cumsum(widths)
    return Line(clock_ps, hits, widths, ends - widths / 2, _taps_per_clock(density))


def check_density(counts: ArrayLike, min_hits: int = MIN_HITS) -> None:
    """Refuse a density from which no table can be made.

    Raises
    ------
    CalibrationError
        With the reason ``hits``, ``short`` or ``locked``.
    """
    density = np.asarray(counts, np.float64)
    if density.ndim != 1 or len(density) < 2 or not np.all(density >= 0):
        raise ValueError("a density holds counts of two or more codes")
    hits = float(density.sum())
    if hits < max(min_hits, 1):
        raise CalibrationError(
            "hits", f"{hits:,.0f} hits are too few for a table, it takes {min_hits:,}"
        )
    overflow = float(density[-1]) / hits
    if overflow > OVERFLOW_SHARE:
        raise CalibrationError(
            "short",
            f"{overflow:.2%} of the edges had left the line before they were seen: it is shorter "
            "than a clock, so build with more taps",
        )
    if problem := _lock(density[:-1], hits):
        raise CalibrationError(
            "locked",
            f"{problem}: the source of the hits is locked to the sampling clock, or the line "
            "is broken",
        )


def _lock(codes: Counts, hits: float) -> str | None:
    """Say how a density differs from any that uniform hits could give; None if it does not."""
    last = int(np.searchsorted(np.cumsum(codes), (1 - EDGE_SHARE) * hits))
    span = codes[: last + 1]
    if len(span) < len(codes) / 2:
        return f"only {len(span)} of {len(codes)} codes came"
    gap = _longest_gap(span)
    if gap > LONGEST_GAP:
        return f"{gap} codes in a row never came"
    empty = int(np.count_nonzero(span == 0))
    if empty > EMPTY_SHARE * len(span):
        return f"{empty} of {len(span)} codes never came"
    widest = float(span.max()) / hits * len(span)
    if widest > WIDEST_BIN:
        return f"one code has {widest:.1f} times the hits of the mean code"
    return None


def _longest_gap(span: Counts) -> int:
    occupied = np.flatnonzero(span)
    return int(np.diff(occupied, prepend=-1, append=len(span)).max()) - 1


def _taps_per_clock(density: Counts) -> float:
    """Return how many taps an edge passes in a clock.

    From the codes that hold the middle nine tenths of the hits: the last bin is cut by the clock's
    edge, and how wide it would be nobody knows.
    """
    cumulative = np.concatenate([[0.0], np.cumsum(density)]) / density.sum()
    rising = np.concatenate([[True], np.diff(cumulative) > 0])
    places = np.flatnonzero(rising)
    low, high = np.interp([0.05, 0.95], cumulative[places], places)
    return float((high - low) / 0.9)


@dataclass(frozen=True, slots=True)
class Comparison:
    """How two densities of one line differ.

    Attributes
    ----------
    chi_square : float
    degrees : int
    chance : float
        Probability of at least this difference if hits were uniform both times.
    """

    chi_square: float
    degrees: int
    chance: float


def compare(
    first: ArrayLike, second: ArrayLike, clock_ps: float, drift_ps: float = DRIFT_PS
) -> Comparison:
    """Compare two densities by chi-square, with Poisson statistics and an allowance for drift."""
    a, b = np.asarray(first, np.float64), np.asarray(second, np.float64)
    if a.shape != b.shape:
        raise ValueError(f"densities of {len(a)} and {len(b)} codes are not of one line")
    total_a, total_b = a.sum(), b.sum()
    scale = np.sqrt(total_b / total_a)
    used = a + b >= 10  # rarer codes do not follow the chi-square distribution
    difference = scale * a - b / scale
    drift = drift_ps / clock_ps
    variance = a + b + 2 * (drift * drift) * total_a * total_b
    chi_square = float((difference[used] ** 2 / variance[used]).sum())
    degrees = max(int(used.sum()) - 1, 1)
    return Comparison(chi_square, degrees, float(chdtrc(degrees, chi_square)))


def check_agreement(
    first: ArrayLike, second: ArrayLike, clock_ps: float, drift_ps: float = DRIFT_PS
) -> None:
    """Refuse densities that were taken one after the other and differ by more than chance.

    Raises
    ------
    CalibrationError
        With the reason ``drifting``.
    """
    found = compare(first, second, clock_ps, drift_ps)
    if found.chance < DISAGREEMENT:
        raise CalibrationError(
            "drifting",
            f"two densities disagree (chi-square {found.chi_square:,.0f} for {found.degrees} "
            f"degrees of freedom, chance {found.chance:.0e}): the source of the hits is nearly "
            "locked to the sampling clock, or the board warms up",
        )


def merge(old: ArrayLike, new: ArrayLike, keep: float) -> Counts:
    """Return `new` with what went before it, which counts `keep` times as much as it did.

    Repeated, this forgets a density exponentially: after n more it has the weight keep**n. What
    comes of it goes through `calibrate` as any density does.
    """
    if not 0 <= keep < 1:
        raise ValueError(f"keep must be from 0 to below 1, not {keep:g}")
    a, b = np.asarray(old, np.float64), np.asarray(new, np.float64)
    if a.shape != b.shape:
        raise ValueError(f"densities of {len(a)} and {len(b)} codes are not of one line")
    return keep * a + b
