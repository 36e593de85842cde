"""The period of pulsed light, from the clicks alone, and the phase of each click within it.

Clicks of pulsed light are whole periods apart, up to the pulses' width. The histogram of delays
between near clicks has a line in its spectrum at the repetition rate, which says it to some parts
in 10⁴. From there on phases do: with clicks as unit vectors exp(2πi f t), summed over blocks of a
length T, the mean turn from one block to the next is 2π T (f₀ − f). Each T four times as long as
the last makes the estimate as much finer, as long as the light keeps its phase over T.

A file is followed with a loop of second order, so light that drifts by more than a period over the
file has its phases all the same.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hexkey.measure.clicks import Times

REACH_PS = 10_000_000  # delays that the spectrum is of: rates from about 1 MHz on
BIN_PS = 25  # or a tick, if longer; rates to 10 GHz, and harmonics that tell one from its multiple
MOST_PAIRS = 10_000_000
MOST_CLICKS = 400_000
CHANCE = 1e-6  # that the spectrum of light without pulses has such a line
LEAST_LINE = 0.03  # of the strongest line: a line at a whole part of its rate is the base
BLOCK_CLICKS = 4096
PHASE_GAIN, RATE_GAIN = 0.3, 0.1
STRETCHES = 64  # that the last fit of the rate is over


@dataclass(frozen=True, slots=True)
class Comb:
    """The period found.

    Attributes
    ----------
    period_ps, sigma_ps : float
        With one standard deviation, over the time looked at.
    contrast : float
        Length of the mean vector of phases: 1 for pulses without a width, 0 for steady light.
    """

    period_ps: float
    sigma_ps: float
    contrast: float


def find_comb(time_ps: Times, tick_ps: float = 1.0) -> Comb | None:
    """Return the period of the light that made these clicks; None if it has none.

    Parameters
    ----------
    time_ps : (n,) int64
        Clicks of one detector, since two that are half a period apart would show twice the rate,
        from one stretch of a file; at most `MOST_CLICKS` are used.
    tick_ps : float
        Times are multiples of it, which is no period of the light.
    """
    time = np.sort(time_ps[:MOST_CLICKS])
    if len(time) < 100 or time[-1] == time[0]:
        return None
    time = time - time[0]
    bin_ps = tick_ps * math.ceil(BIN_PS / tick_ps)
    rate = _line(_delays(time, bin_ps), bin_ps)
    return None if rate is None else _refine(time, rate)


def _delays(time: Times, bin_ps: float) -> NDArray[np.int64]:
    """Return how many pairs of clicks are how far apart, up to `REACH_PS`."""
    counts = np.zeros(int(REACH_PS / bin_ps), np.int64)
    reach = (len(counts) - 0.5) * bin_ps
    pairs = 0
    for apart in range(1, len(time)):
        delay = time[apart:] - time[:-apart]
        delay = delay[delay < reach]
        pairs += len(delay)
        if not len(delay):
            break
        # Times of whole ticks stand in the middle of bins of one.
        counts += np.bincount((delay / bin_ps + 0.5).astype(np.int64), minlength=len(counts))
        if pairs > MOST_PAIRS:
            # Whole orders of neighbours only reach so far: beyond, the counts would fall off.
            break
    return counts


def _line(counts: NDArray[np.int64], bin_ps: float) -> float | None:
    """Return the rate (per ps) of the lowest of the strong lines in the spectrum of the delays."""
    if not counts.any():
        return None
    seen = counts - counts.mean()
    power = np.abs(np.fft.rfft(seen * np.hanning(len(seen)))) ** 2
    lowest = 8  # bins: a rate of which the reach holds so few periods is none
    around = 512
    usable = len(power) // around * around
    if not usable:  # a tick so long that the reach holds too few
        return None
    floor = np.repeat(np.median(power[:usable].reshape(-1, around), axis=1), around) / math.log(2)
    signal = power[:usable] / np.maximum(floor, 1e-300)
    signal[:lowest] = 0
    limit = math.log(usable / CHANCE)
    strongest = int(np.argmax(signal * floor * (signal > limit)))
    if signal[strongest] <= limit:
        return None
    best = strongest
    for part in range(2, 17):
        near = round(strongest / part)
        low, high = max(lowest, near - 2), near + 3
        if low >= high:
            break
        here = low + int(np.argmax(power[low:high]))
        if signal[here] > limit and power[here] > LEAST_LINE * power[strongest]:
            best = here
    left, middle, right = (math.log(max(p, 1e-300)) for p in power[best - 1 : best + 2])
    bend = left - 2 * middle + right
    shift = 0.5 * (left - right) / bend if bend else 0.0
    return (best + shift) / (len(counts) * bin_ps)


def _refine(time: Times, rate: float) -> Comb:
    """Sharpen the rate by blocks ever longer, until their turns are no longer one turn."""
    block_ps = float(REACH_PS)
    while block_ps < float(time[-1]) / 4:
        blocks = (time / block_ps).astype(np.int64)
        first = np.append(0, np.flatnonzero(np.diff(blocks)) + 1)  # of rare clicks most are empty
        vectors = np.add.reduceat(_unit(time, rate), first)
        turns = (np.conj(vectors[:-1]) * vectors[1:])[np.diff(blocks[first]) == 1]
        turn = complex(turns.sum())
        if abs(turn) > 5 * math.sqrt(float(np.sum(np.abs(turns) ** 2))):
            rate -= math.atan2(turn.imag, turn.real) / (2 * math.pi * block_ps)
        block_ps *= 4
    pieces = max(8, min(STRETCHES, len(time) // 256))
    sums = np.array([piece.mean() for piece in np.array_split(_unit(time, rate), pieces)])
    # What is left is a small turn from stretch to stretch, and its scatter is the error.
    phases = np.unwrap(np.angle(sums)) / (2 * np.pi)
    middle = np.array([piece.mean() for piece in np.array_split(time, pieces)])
    away = middle - middle.mean()
    slope = float(np.sum(away * phases) / np.sum(away**2))
    rest = phases - phases.mean() - slope * away
    sigma = math.sqrt(float(np.sum(rest**2)) / (pieces - 2) / float(np.sum(away**2)))
    rate -= slope
    return Comb(1 / rate, sigma / rate**2, float(np.mean(np.abs(sums))))


def _unit(time: Times, rate: float) -> NDArray[np.complex128]:
    return np.asarray(np.exp(2j * np.pi * np.mod(time * rate, 1.0)))


class Follower:
    """Gives each click its phase, following the light's slow drift.

    Parameters
    ----------
    comb : Comb
        As found at the start of the file.
    """

    def __init__(self, comb: Comb) -> None:
        self._rate = 1 / comb.period_ps
        self._origin_ps: int | None = None
        self._offset = 0.0  # phase of the light's mean at the origin, in periods
        self._started = False

    @property
    def period_ps(self) -> float:
        """The period now."""
        return 1 / self._rate

    def push(self, time_ps: Times, leads: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Return the phases of the clicks in periods, 0 to 1.

        Parameters
        ----------
        time_ps : (n,) int64
        leads : (n,) bool
            The clicks that are followed, of one detector; their circular mean is near ½.
        """
        phases = []
        for first in range(0, len(time_ps), BLOCK_CLICKS):
            part = slice(first, first + BLOCK_CLICKS)
            phases.append(self._block(time_ps[part], leads[part]))
        return np.concatenate([np.zeros(0), *phases])

    def _block(self, time: Times, leads: NDArray[np.bool_]) -> NDArray[np.float64]:
        last = int(time[-1])
        if self._origin_ps is None:
            self._origin_ps = last
        turned = (time - self._origin_ps) * self._rate
        vector = complex(np.sum(np.exp(2j * np.pi * np.mod(turned[leads] - self._offset, 1.0))))
        error = math.atan2(vector.imag, vector.real) / (2 * math.pi)
        gain, seconds = PHASE_GAIN, (last - self._origin_ps) or 1
        if not self._started:
            gain, self._started = 1.0, bool(leads.any())
        else:
            self._rate -= RATE_GAIN * error / seconds
        phases = np.asarray(np.mod(turned - self._offset - gain * error + 0.5, 1.0))
        # Carry the frame to the last click, so that numbers stay small and the rate acts from here.
        ahead = (last - self._origin_ps) * self._rate
        self._offset = math.fmod(self._offset + gain * error - ahead, 1.0)
        self._origin_ps = last
        return phases
