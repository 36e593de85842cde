"""What a detector makes of a decay: its share in each bin of the period, for two kinds of response.

Both are wrapped with the period of the pulses and integrated over bins. `Gaussians` is a sum of
them, for a response that nobody has measured; `Measured` is a histogram of light without a
lifetime, taken with the same detector.

E. Grushka, Anal. Chem. 44, 1733 (1972), for the exponentially modified Gaussian.
"""

import math
from functools import lru_cache
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import interpolate, optimize, special

from hexkey.errors import InputError

Counts = NDArray[np.int64]
Floats = NDArray[np.float64]
LEAST_RESPONSE = 2000  # clicks: fewer say too little of a shape
SAME_PERIOD = 1e-3
FINER = 4  # cells in a bin, between which a measured response goes on smoothly
_BLURRED = 5.0  # response over lifetime
_KEPT = 64  # of the latest parts: a fit moves one at a time
_HALF_68 = 0.6826894921370859 / 2


class Response(Protocol):
    """How light is blurred.

    Attributes
    ----------
    measured : bool
    """

    measured: bool

    def shares(self, lifetime_ps: float, start_ps: float, rest: Floats) -> Floats:
        """Return the share of a decay's clicks in each bin, `rest` being the response's shape."""

    def width_ps(self, rest: Floats) -> float:
        """Return half of what holds 68 % of the response: a Gaussian's standard deviation."""

    def noise(
        self, lifetime_ps: float, start_ps: float, decays: float, weights: Floats
    ) -> tuple[Floats, Floats]:
        """Return what the response's own uncertainty adds.

        Parameters
        ----------
        lifetime_ps, start_ps, decays : float
        weights : (parameters, bins) float
            By how much parameters move with what is expected in each bin.

        Returns
        -------
        (parameters, parameters) float, (bins,) float
            Covariance of the parameters, and variance of what is expected.
        """


class Gaussians:
    """A sum of Gaussians, the first of them the largest.

    The shape holds the logarithm of the first one's standard deviation, and of each other its
    logarithm of the ratio to the first, its offset in ps, and the logarithm of its deviation.
    """

    measured = False

    def __init__(self, edges_ps: Floats, period_ps: float) -> None:
        def part(lifetime_ps: float, start_ps: float, sigma_ps: float) -> Floats:
            return blurred_decay(edges_ps, period_ps, lifetime_ps, start_ps, sigma_ps)

        self._part = lru_cache(_KEPT)(part)

    def shares(self, lifetime_ps: float, start_ps: float, rest: Floats) -> Floats:
        share, offset, sigma = parts_of(rest)
        found = 0.0
        for one, at, wide in zip(share, offset, sigma, strict=True):
            found = found + one * self._part(lifetime_ps, start_ps + float(at), float(wide))
        return np.asarray(found)

    def width_ps(self, rest: Floats) -> float:
        share, offset, sigma = parts_of(rest)

        def until(time_ps: float) -> float:
            return float(np.sum(share * special.ndtr((time_ps - offset) / sigma)))

        reach = float(np.max(np.abs(offset) + 10 * sigma))
        low, high = (
            optimize.brentq(lambda time_ps, of=of: until(time_ps) - of, -reach, reach)
            for of in (0.5 - _HALF_68, 0.5 + _HALF_68)
        )
        return float(high - low) / 2

    def noise(
        self, lifetime_ps: float, start_ps: float, decays: float, weights: Floats
    ) -> tuple[Floats, Floats]:
        return np.zeros((len(weights),) * 2), np.zeros(weights.shape[1])


def parts_of(rest: Floats) -> tuple[Floats, Floats, Floats]:
    """Return shares, offsets and standard deviations of a sum of Gaussians."""
    ratio = np.exp(np.append(0.0, rest[1::3]))
    return ratio / ratio.sum(), np.append(0.0, rest[2::3]), np.exp(rest[0::3])


class Measured:
    """A response that was measured, as a histogram.

    It is continued between its bins by its monotone cumulative, and convolved by its Fourier
    series, in which a decay that repeats is exactly 1 / (1 + iωτ). What is level in it is taken
    for background; what is left of that is a background in the decay, too, so it does no harm.

    Parameters
    ----------
    counts : (bins,) int64
    response_edges_ps : (bins + 1,) float
        From 0 to its period.
    edges_ps, period_ps
        Of the decay.

    Raises
    ------
    InputError
        It has another period or wider bins than the decay, too few clicks, or no peak.
    """

    measured = True

    def __init__(
        self, counts: Counts, response_edges_ps: Floats, edges_ps: Floats, period_ps: float
    ) -> None:
        own_ps = float(response_edges_ps[-1])
        if abs(own_ps / period_ps - 1) > SAME_PERIOD:
            raise InputError(
                f"the response's pulses are {own_ps:.6g} ps apart and the recording's "
                f"{period_ps:.6g} ps: measure the response at the same pulse rate"
            )
        wide, narrow = response_edges_ps[1] - response_edges_ps[0], edges_ps[1] - edges_ps[0]
        if wide > 1.01 * narrow:
            raise InputError(
                f"the response has bins of {wide:.4g} ps and the recording of {narrow:.4g} ps: "
                "measure the response with the recording's resolution, or a finer one"
            )
        self._edges, self._period = edges_ps, period_ps
        self._cells = FINER * (len(edges_ps) - 1)
        self._grid = np.linspace(0, period_ps, self._cells + 1)
        self._frequency = 2 * np.pi * np.arange(self._cells // 2 + 1) / period_ps
        scaled = response_edges_ps * (period_ps / own_ps)
        until = interpolate.PchipInterpolator(scaled, np.append(0, np.cumsum(counts)))
        self._clicks = np.diff(until(self._grid))
        level = _floor(self._clicks)
        net = self._clicks - level
        self._total = float(net.sum())
        if self._total < max(LEAST_RESPONSE, 5 * math.sqrt(counts.sum())):
            raise InputError(
                f"the response has {max(0, int(self._total))} clicks above its background, and "
                f"needs {LEAST_RESPONSE}: record it for longer"
            )
        self._spectrum = np.fft.rfft(net / self._total)
        self._width = _width(net, self._grid)

    def shares(self, lifetime_ps: float, start_ps: float, rest: Floats) -> Floats:
        cells = np.fft.irfft(self._spectrum * self._decay(lifetime_ps, start_ps), self._cells)
        until = np.append(0.0, np.cumsum(cells))
        # Where the response is empty, less its background, noise makes it less than nothing.
        shares = np.diff(np.interp(self._edges, self._grid, until))
        return np.asarray(np.maximum(shares, 0))

    def width_ps(self, rest: Floats) -> float:
        return self._width

    def shift_ps(self, counts: Floats, lifetime_ps: float) -> float:
        """Return by how much the decay comes later than the response, to a cell."""
        until = np.append(0.0, np.cumsum(counts))
        seen = np.fft.rfft(np.diff(np.interp(self._grid, self._edges, until)))
        alike = np.fft.irfft(
            seen * np.conj(self._spectrum * self._decay(lifetime_ps, 0.0)), self._cells
        )
        return float(np.argmax(alike)) * self._period / self._cells

    def noise(
        self, lifetime_ps: float, start_ps: float, decays: float, weights: Floats
    ) -> tuple[Floats, Floats]:
        # A click more in cell j adds decays / total · (kernel from j − shares) to what is expected.
        decay = self._decay(lifetime_ps, start_ps)
        bins = len(self._edges) - 1
        bin_of = np.minimum(np.searchsorted(self._edges[1:], self._grid[:-1], "right"), bins - 1)
        back = np.fft.irfft(np.fft.rfft(weights[:, bin_of]) * np.conj(decay), self._cells)
        back -= (back @ np.fft.irfft(self._spectrum, self._cells))[:, None]
        scale = decays / self._total
        covariance = scale**2 * (back * np.maximum(self._clicks, 0)) @ back.T
        one_bin = np.fft.rfft(np.arange(self._cells) < FINER)
        kernel = np.fft.irfft(decay * one_bin, self._cells)
        # One click more a bin than were seen: of an empty bin, too, the mean may be one.
        seen = np.fft.rfft(self._clicks + 1 / FINER)
        squares = np.fft.irfft(np.fft.rfft(kernel**2) * seen, self._cells)
        ends = np.minimum(np.arange(bins) * FINER + FINER - 1, self._cells - 1)
        shares = self.shares(lifetime_ps, start_ps, np.zeros(0))
        variance = scale**2 * (squares[ends] - shares**2 * self._total)
        return covariance, np.maximum(variance, 0)

    def _decay(self, lifetime_ps: float, start_ps: float) -> NDArray[np.complex128]:
        turned = np.exp(-1j * self._frequency * start_ps)
        return np.asarray(turned / (1 + 1j * self._frequency * lifetime_ps))


def _floor(clicks: Floats) -> float:
    """Return the level of the emptiest quarter of the period."""
    quarter = len(clicks) // 4
    until = np.append(0.0, np.cumsum(np.append(clicks, clicks[:quarter])))
    return float(np.min(until[quarter:] - until[:-quarter])) / quarter


def _width(net: Floats, grid_ps: Floats) -> float:
    """Return half of what holds 68 % of a wrapped histogram, seen from half a period off."""
    around = np.roll(net, len(net) // 2 - int(np.argmax(net)))
    until = np.maximum.accumulate(np.append(0.0, np.cumsum(around))) / net.sum()
    low, high = np.interp([0.5 - _HALF_68, 0.5 + _HALF_68], until, grid_ps)
    return float(high - low) / 2


def decay_integral(time_ps: Floats, lifetime_ps: float, response_ps: float) -> Floats:
    """Return the chance that a blurred decay comes before each time, counted from its start."""
    # exp(½ r² − t/τ) Φ(t/s − r), with r = s/τ: through erfcx where its parts would overflow.
    blur = response_ps / lifetime_ps
    scaled = time_ps / response_ps
    away = (blur - scaled) / math.sqrt(2)
    tail = np.empty_like(scaled)
    early = away > 0
    tail[early] = 0.5 * np.exp(-(scaled[early] ** 2) / 2) * special.erfcx(away[early])
    late = ~early
    slope = np.exp(blur**2 / 2 - time_ps[late] / lifetime_ps)
    tail[late] = 0.5 * slope * special.erfc(away[late])
    return np.asarray(special.ndtr(scaled) - tail)


def blurred_decay(
    edges_ps: Floats, period_ps: float, lifetime_ps: float, start_ps: float, sigma_ps: float
) -> Floats:
    """Return the share in each bin of decays behind one Gaussian, of this pulse and all before."""
    since = edges_ps - start_ps % period_ps
    blur = sigma_ps / lifetime_ps
    blurred = math.ceil((8 + min(blur, _BLURRED)) * sigma_ps / period_ps)
    reached = np.zeros(len(since))
    for turn in range(-1 - blurred, 2 + blurred):
        reached += decay_integral(since + turn * period_ps, lifetime_ps, sigma_ps)
    if blur < _BLURRED:  # beyond it nothing is left of the decay when the response is over
        # Where the response is over, earlier pulses' decays are a geometric series.
        first = blur**2 / 2 - (since + (2 + blurred) * period_ps) / lifetime_ps
        reached -= np.exp(first) / -math.expm1(-period_ps / lifetime_ps)
    return np.maximum(np.diff(reached), 0)
