"""g² of pulsed light, with its dip found.

The delays between two detectors' clicks stand in peaks a period apart, their common offset being
the detectors' skew within a pulse. That of two photons of one pulse is missing for a single-photon
source: but where it is depends on cables, so it is looked for among all peaks within reach. The
lowest of many is low by chance, too: a dip counts as one only if, among that many peaks, chance
makes one as low with probability `CHANCE` at most.

A gap of several peaks is no dip but a dead time: of a converter that both detectors share, of a
hold-off. Peaks that a repeated pattern of light and dark pulses modulates are compared with peaks a
whole pattern away.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from hexkey.errors import InputError
from hexkey.measure.correlate import Delays
from hexkey.measure.g2_counts import STANDARD_DEVIATION, G2Band, g2_band

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]

CHANCE = 1e-3
LEAST_PEAKS = 7
MOST_MISPLACED = 0.1  # of the coincidences, where a pattern is given
LEAST_EVEN = 1e-4  # chance below which peaks differ by more than chance
# Peaks on either side that a peak is compared with: blinking is slower than they are wide.
NEAR = 10


@dataclass(frozen=True, slots=True)
class PulsedG2:
    """g²(0) of pulsed light.

    Attributes
    ----------
    band : G2Band
        With bounds of `confidence`.
    one_sigma : G2Band
        With the confidence of one standard deviation, for a figure such as 0.003 ± 0.003.
    long : G2Band
        Compared with the far half of all peaks instead of the nearest: where a source blinks, those
        are lower and this is the larger value. It is the one for a bound on the source.
    confidence : float
    coincidences : int
        Within a pulse.
    mean : float
        Expected in that peak of coherent light: the mean of the peaks it is compared with.
    peaks : int
        How many those are.
    others : int
        Coincidences in them.
    dip_pulse : int
        Number of the peak that is the pulse's own, counted from delay zero.
    dip_ps : float
        Its delay, of the second channel after the first.
    chance : float
        That the lowest of so many peaks is as low without a dip.
    pattern_pulses : int
        Length of the repeated pattern that modulates the peaks; 1 for none.
    pulse : (n,) int64
        Numbers of all peaks,
    counts : (n,) int64
        and their coincidences.
    remark : str or None
        What a person should know before believing the value.
    """

    band: G2Band
    one_sigma: G2Band
    long: G2Band
    confidence: float
    coincidences: int
    mean: float
    peaks: int
    others: int
    dip_pulse: int
    dip_ps: float
    chance: float
    pattern_pulses: int
    pulse: NDArray[np.int64]
    counts: NDArray[np.int64]
    remark: str | None = None

    @property
    def sigma(self) -> float:
        """Root of the coincidences, over the mean: the usual error, 0 where there are none."""
        return math.sqrt(self.coincidences) / self.mean


@dataclass(frozen=True, slots=True)
class Peaks:
    """Coincidences by pulses apart, and the offset common to all their delays."""

    pulse: NDArray[np.int64]
    counts: NDArray[np.int64]
    offset_ps: float


def peaks_of(delays: Delays, period_ps: float) -> Peaks:
    """Sort delays into pulses: each belongs to the nearest peak.

    Raises
    ------
    InputError
        The delays hold fewer than `LEAST_PEAKS` whole peaks, or no coincidence at all.
    """
    centre = delays.centre_ps
    vector = complex(np.sum(delays.counts * np.exp(2j * np.pi * np.mod(centre / period_ps, 1.0))))
    if not delays.counts.any():
        raise InputError("the two detectors have no coincidence at any delay, record for longer")
    offset = math.atan2(vector.imag, vector.real) / (2 * math.pi) * period_ps
    number = np.rint((centre - offset) / period_ps).astype(np.int64)
    # Peaks that the reach cuts are left out.
    last = math.floor((delays.reach_ps - abs(offset)) / period_ps - 0.5)
    if 2 * last + 1 < LEAST_PEAKS:
        raise InputError(f"delays must reach over {LEAST_PEAKS} pulses, not {2 * last + 1}")
    inside = np.abs(number) <= last
    counts = np.bincount(number[inside] + last, delays.counts[inside], minlength=2 * last + 1)
    return Peaks(np.arange(-last, last + 1), np.rint(counts).astype(np.int64), offset)


def pulsed_g2(
    delays: Delays,
    period_ps: float,
    *,
    confidence: float = 0.95,
    pattern: Floats | None = None,
    apart_ps: float | None = None,
) -> PulsedG2:
    """Return g²(0) of pulsed light.

    Parameters
    ----------
    delays : Delays
        Of one detector's clicks after the other's, unresolved: no double click discarded.
    period_ps : float
        Of the pulses.
    confidence : float
        Of the band.
    pattern : (pulses,) float, optional
        Mean number of photons sent in each pulse of a repeated pattern, to any scale: peaks are
        weighted by its correlation. Without it a repetition is looked for in the peaks themselves.
    apart_ps : float, optional
        How near tags of different channels come, which a shared converter's dead time would forbid.

    Raises
    ------
    InputError
        There are too few coincidences or peaks; no peak is lower than chance makes the lowest of
        so many; the gap is wider than one pulse, as dead time makes it; or the peaks do not follow
        the pattern, or are too few for it.
    """
    peaks = peaks_of(delays, period_ps)
    correlation = None if pattern is None else _correlation(pattern)
    if correlation is not None and 2 * len(correlation) > len(peaks.counts):
        raise InputError(
            f"a pattern of {len(correlation)} pulses needs coincidences over twice as many, and "
            f"there are {len(peaks.counts)} peaks: leave it out, or give its shortest repetition"
        )
    repeat = _repetition(peaks.counts) if correlation is None else len(correlation)
    _refuse_holes(peaks.counts, repeat)
    candidates = np.arange(len(peaks.counts))
    weights = np.zeros(repeat)
    weights[0] = 1.0
    if correlation is not None:
        weights = correlation
        candidates = candidates[np.isin(candidates % repeat, _shifts(peaks.counts, weights))]
    dip, chance = _find_dip(peaks.counts, weights, candidates)
    if correlation is not None:
        _refuse_other_pattern(peaks.counts, weights, dip)
    coincidences = int(peaks.counts[dip])
    others, lags, used = _near(peaks.counts, weights, dip)
    far = _far(peaks.counts, weights, dip)
    dip_ps = float(peaks.offset_ps + peaks.pulse[dip] * period_ps)
    return PulsedG2(
        band=g2_band(coincidences, others, lags, confidence),
        one_sigma=g2_band(coincidences, others, lags, STANDARD_DEVIATION),
        long=g2_band(coincidences, *far, confidence),
        confidence=confidence,
        coincidences=coincidences,
        mean=others / lags,
        peaks=used,
        others=others,
        dip_pulse=int(peaks.pulse[dip]),
        dip_ps=dip_ps,
        chance=chance,
        pattern_pulses=repeat,
        pulse=peaks.pulse,
        counts=peaks.counts,
        remark=_remark(dip_ps, period_ps, apart_ps),
    )


def _remark(dip_ps: float, period_ps: float, apart_ps: float | None) -> str | None:
    """Say that a dead time may have made the dip, if it may: one of less than a period."""
    shortest = abs(dip_ps)
    if shortest > period_ps / 2 or (apart_ps is not None and apart_ps < shortest):
        return None
    return (
        f"the dip is {shortest / 1000:.3g} ns from delay zero, where a dead time that both "
        "detectors share makes the same gap: delay one of them by some pulses to tell the two apart"
    )


def _correlation(pattern: Floats) -> Floats:
    """Return by how much a repeated pattern raises peaks some pulses apart, 1 for all of it."""
    sent = np.asarray(pattern, np.float64)
    if sent.ndim != 1 or not len(sent) or np.any(sent < 0) or not sent.any():
        raise ValueError("a pattern must be the photons of each pulse, not all of them zero")
    raised = np.fft.irfft(np.abs(np.fft.rfft(sent)) ** 2, len(sent))
    return np.asarray(np.maximum(raised, 0) / raised[0])


def _shifts(counts: Counts, correlation: Floats) -> NDArray[np.int64]:
    """Return where, modulo the pattern, its correlation fits the peaks best."""
    repeat = len(correlation)
    seen = _by_class(counts.astype(np.float64), repeat)[0]
    expected = np.maximum(correlation, 1e-3)
    logs = np.log(expected / expected.sum())
    fits = np.array([np.sum(seen * np.roll(logs, shift)) for shift in range(repeat)])
    return np.flatnonzero(fits > fits.max() - 10)  # such as those half of a pattern 1-0-1-0 away


def _refuse_other_pattern(counts: Counts, weights: Floats, dip: int) -> None:
    """Raise InputError where the peaks beside the dip do not stand as the pattern says.

    A tenth may be elsewhere: dark pulses are never quite dark.
    """
    repeat = len(weights)
    of = np.delete((np.arange(len(counts)) - dip) % repeat, dip)
    seen = np.bincount(of, np.delete(counts, dip), minlength=repeat)
    expected = np.bincount(of, weights[of], minlength=repeat)
    expected *= seen.sum() / expected.sum()
    misplaced = float(np.abs(seen - expected).sum() / seen.sum())
    chi2 = float(np.sum((seen - expected) ** 2 / np.maximum(expected, 1)))
    if misplaced > MOST_MISPLACED and stats.chi2.sf(chi2, max(1, repeat - 1)) < CHANCE:
        raise InputError(
            f"the peaks do not follow the pattern of {repeat} pulses ({100 * misplaced:.0f} % of "
            f"the coincidences stand elsewhere): give the pattern that was sent, or leave it out"
        )


def _repetition(counts: Counts) -> int:
    """Return after how many pulses the peaks repeat: 1 where they all are alike, or never do.

    Peaks are compared with the next like one, since a source that blinks makes them fall slowly.
    """
    for repeat in range(1, len(counts) // 4 + 1):
        first, second = counts[:-repeat].astype(np.float64), counts[repeat:].astype(np.float64)
        both = first + second
        pull = np.where(both > 0, (first - second) ** 2 / np.maximum(both, 1), 0.0)
        pull = np.sort(pull)[:-2]  # without the dip, which is in two differences
        # Each count is in two differences, which makes χ² spread √1.5 times as much.
        excess = (pull.sum() - (both > 0).sum()) / math.sqrt(3 * max(1, len(pull)))
        if stats.norm.sf(excess) > LEAST_EVEN:
            return repeat
    return 1


def _by_class(counts: Floats, repeat: int) -> tuple[Floats, NDArray[np.int64]]:
    of = np.arange(len(counts)) % repeat
    return np.bincount(of, counts, minlength=repeat) / np.bincount(of, minlength=repeat), of


def _refuse_holes(counts: Counts, repeat: int) -> None:
    """Raise InputError if neighbouring peaks are missing, as no single photon makes them."""
    # By the median, which a hole does not lower as it does the mean.
    usual = np.array([np.median(counts[first::repeat]) for first in range(repeat)])
    expected = usual[np.arange(len(counts)) % repeat]
    missing = stats.poisson.cdf(counts, expected) < CHANCE / len(counts)
    missing &= counts < 0.5 * expected
    edges = np.flatnonzero(np.diff(np.r_[False, missing, False]))
    widest = int(np.max(edges[1::2] - edges[::2], initial=0))
    if widest > 1:
        raise InputError(
            f"coincidences are missing over {widest} neighbouring pulses, which is a dead time "
            f"that the detectors share or a hold-off, not antibunching: give each its own input"
        )


def _find_dip(counts: Counts, weights: Floats, candidates: NDArray[np.int64]) -> tuple[int, float]:
    """Return the peak that is furthest below its like, and the chance of the lowest being that."""
    near = [_near(counts, weights, int(candidate))[:2] for candidate in candidates]
    others, lags = np.array(near).T
    seen, compared = counts[candidates], lags > 0
    chances = stats.binom.logcdf(seen, seen + others, 1 / (1 + lags))
    low = np.where(compared, chances, 0.0)
    best = int(np.argmin(low))
    chance = min(1.0, math.exp(float(low[best])) * len(counts))
    if chance > CHANCE:
        raise InputError(
            f"none of {len(counts)} peaks of {float(np.mean(counts)):.3g} coincidences is lower "
            f"than chance makes the lowest, so there is no dip: record for longer, or the light is "
            f"not of single photons"
        )
    return int(candidates[best]), chance


def _near(counts: Counts, weights: Floats, dip: int) -> tuple[int, float, int]:
    """Return the nearest peaks' coincidences, how many like the dip's they make, and how many."""
    repeat = len(weights)
    apart = np.arange(len(counts)) - dip
    weight = weights[apart % repeat]
    chosen = (apart != 0) & (np.abs(apart) <= NEAR * repeat) & (weight > 0)
    return int(counts[chosen].sum()), float(weight[chosen].sum()), int(chosen.sum())


def _far(counts: Counts, weights: Floats, dip: int) -> tuple[int, float]:
    """Return as `_near` for the far half of all peaks."""
    apart = np.arange(len(counts)) - dip
    weight = weights[apart % len(weights)]
    usable = (apart != 0) & (weight > 0)
    chosen = usable & (np.abs(apart) >= np.median(np.abs(apart[usable])))
    return int(counts[chosen].sum()), float(weight[chosen].sum())
