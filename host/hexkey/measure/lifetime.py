"""Lifetime of an emitter from its arrival histogram, by maximum likelihood.

The model is an exponential decay behind the detector's response, repeated with the period of the
pulses, on a constant background. It is integrated over each bin, so bins may be as wide as the
response. Counts are Poisson numbers: what is minimised is their deviance, and errors are those of
the Fisher matrix. Where the model does not fit, because few decays are quite exponential,
`scaled_sigma_ps` is larger by the square root of χ²/dof.

A response that was measured is used as it is, its own noise being part of the errors. Else it is a
Gaussian with small ones far from it (`MOST_ECHO`, `NEAR`), for light that came by another way and a
detector's lead-in: one is added as long as χ² asks for it and the likelihood gains by more than its
three numbers are worth (G. Schwarz, Ann. Statist. 6, 461 (1978)). Nearer or larger ones would stand
for a second lifetime, which stays a misfit. So does a detector's tail, which makes the lifetime
longer than it is: only a measured response tells the two apart.

S. Baker and R. D. Cousins, Nucl. Instrum. Methods 221, 437 (1984), for the deviance.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special, stats

from hexkey.errors import InputError
from hexkey.measure.arrivals import Arrivals, Counts
from hexkey.measure.response import Gaussians, Measured, Response, blurred_decay, parts_of

LEAST_CLICKS = 200
MOST_STEPS = 60  # of a fit: one that takes more has nothing to fit
MOST_BINS = 4096  # finer histograms are fitted with bins taken together
MOST_PARTS = 6  # of a response
MOST_ECHO = 0.02  # of the first part, of any other
NEAR = 3.0  # of the first's standard deviations: others are further from it
LEAST_BACKGROUND = 0.1  # clicks: with none at all, one in an empty bin would be impossible
MISFIT = 1e-3  # chance of a χ², below which a shape does not fit
LEAST_SIGMAS = 3.0  # of a lifetime that is told from a background
# By what the deviance is less with a lifetime than without one, of a lifetime below the response:
# such a one shows in the skewness only, as its third power, so that its error says nothing.
DECIDED = 16.0
_NO_LIFETIME = 0.02  # of the response
LEAST_EXPECTED = 5.0  # of a bin in χ²; neighbours are taken together until they have it
_TOO_SLOW = "clicks fall off too slowly within the period to tell a lifetime: pulse more seldom"
_DECAYS, _BACKGROUND, _LIFETIME, _START, _REST = range(5)  # parameters; logarithms of the first 3
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ResponsePart:
    """A Gaussian of a response beside its first.

    Attributes
    ----------
    share : float
        Of the decays' clicks.
    later_ps : float
        By how much it comes after the first.
    sigma_ps : float
        Standard deviation.
    """

    share: float
    later_ps: float
    sigma_ps: float


@dataclass(frozen=True, slots=True)
class Lifetime:
    """A fitted decay.

    Attributes
    ----------
    lifetime_ps, sigma_ps : float
        With one standard deviation from the Fisher matrix.
    response_ps, response_sigma_ps : float
        Half of what holds 68 % of the response, which is a Gaussian's standard deviation, and its
        error; 0 where the response was measured.
    response_measured : bool
    response_parts : tuple of ResponsePart
        Beside the first Gaussian.
    one_gaussian_ps, one_gaussian_sigma_ps : float or None
        Where there are such parts, the lifetime without them: what other software gives, which
        knows of one Gaussian.
    start_ps : float
        Centre of the response: where light without a lifetime would come. By how much later than
        the response's the decay comes, where that was measured.
    decays, background : float
        Clicks of the decay, and of the background over the whole period.
    chi2, p_value : float
    dof : int
    edges_ps : (bins + 1,) float
        Of the bins fitted,
    expected : (bins,) float
        and what the fit says each should hold.
    """

    lifetime_ps: float
    sigma_ps: float
    response_ps: float
    response_sigma_ps: float
    response_measured: bool
    response_parts: tuple[ResponsePart, ...]
    start_ps: float
    decays: float
    background: float
    chi2: float
    dof: int
    p_value: float
    edges_ps: Floats
    expected: Floats
    one_gaussian_ps: float | None = None
    one_gaussian_sigma_ps: float | None = None

    @property
    def misfits(self) -> bool:
        return self.p_value < MISFIT

    @property
    def scaled_sigma_ps(self) -> float:
        return self.sigma_ps * math.sqrt(max(1.0, self.chi2 / max(1, self.dof)))


def fit_lifetime(
    counts: Counts,
    edges_ps: Floats,
    period_ps: float,
    response: tuple[Counts, Floats] | None = None,
) -> Lifetime:
    """Fit the decay in an arrival histogram of one period.

    Parameters
    ----------
    counts : (bins,) int64
    edges_ps : (bins + 1,) float
        From 0 to the period.
    period_ps : float
    response : ((bins,) int64, (bins + 1,) float), optional
        Counts and edges of a histogram of light without a lifetime, from the same detector.

    Raises
    ------
    InputError
        There are too few clicks, they come at all times alike, no decay can be fitted to them, or
        the response does not go with them (as of `hexkey.measure.response.Measured`).
    """
    total = int(counts.sum())
    if total < LEAST_CLICKS:
        raise InputError(
            f"a lifetime needs {LEAST_CLICKS} clicks of a detector, not {total}, record for longer"
        )
    together = -(-len(counts) // MOST_BINS)
    if together > 1:
        counts = np.add.reduceat(counts, np.arange(0, len(counts), together))
        edges_ps = np.append(edges_ps[:-1:together], edges_ps[-1])
    guess = _guess(counts, edges_ps, period_ps)
    if response is not None:
        model = _Model(counts, edges_ps, period_ps, Measured(*response, edges_ps, period_ps))
        best = min(map(model.fitted, _with_shifts(model, guess)), key=model.cost)
    else:
        model = _Model(counts, edges_ps, period_ps, Gaussians(edges_ps, period_ps))
        plain = min(map(model.fitted, _with_widths(guess)), key=model.cost)
        best = _with_parts(model, plain)
    fit = model.result(best)
    if fit.response_parts:
        alone = model.result(plain)
        fit = replace(fit, one_gaussian_ps=alone.lifetime_ps, one_gaussian_sigma_ps=alone.sigma_ps)
    if fit.lifetime_ps < fit.response_ps and 2 * model.gain(best) < DECIDED:
        raise InputError(
            f"a response of {fit.response_ps / 1000:.3g} ns hides whether there is a lifetime, use "
            "faster detectors or record for longer"
        )
    if fit.lifetime_ps < LEAST_SIGMAS * fit.sigma_ps:
        raise InputError(_TOO_SLOW)
    return fit


def fit_with_response(arrivals: Arrivals, channel: int, response: Arrivals | None) -> Lifetime:
    """Fit the decay of one channel, behind the same channel of a response if there is one.

    Raises
    ------
    InputError
        As of `fit_lifetime`, or the response has no clicks of this channel.
    """
    measured = None
    if response is not None:
        if channel not in response.counts:
            raise InputError(
                f"the response has no clicks on channel {channel}: measure it with all detectors"
            )
        measured = response.counts[channel], response.edges_ps
    return fit_lifetime(arrivals.counts[channel], arrivals.edges_ps, arrivals.period_ps, measured)


def _guess(counts: Counts, edges_ps: Floats, period_ps: float) -> Floats:
    """Return parameters to begin with, without those of the response."""
    width = np.diff(edges_ps)
    density = counts / width
    floor = float(np.percentile(density, 10))
    signal = np.maximum(density - floor, 0) * width
    total = float(signal.sum())
    if total < 5 * math.sqrt(counts.sum()):
        raise InputError("clicks come at all times of the period alike, so there is no decay")
    middle = (edges_ps[1:] + edges_ps[:-1]) / 2
    peak = float(middle[int(np.argmax(np.convolve(density, np.ones(3) / 3, "same")))])
    away = np.mod(middle - peak + period_ps / 4, period_ps) - period_ps / 4
    spread = float(np.sum(signal * np.abs(away)) / total)
    spread = max(spread, float(width[0]) / 2)
    background = max(floor * period_ps, 0.5)
    return np.array([math.log(total), math.log(background), math.log(spread), peak])


def _with_widths(guess: Floats) -> Iterator[Floats]:
    for ratio in (0.3, 1.0, 3.0):  # of response and lifetime: the likelihood may have two tops
        start = np.append(guess, 0.0)
        start[_LIFETIME] -= 0.5 * math.log1p(ratio**2)
        start[_REST] = start[_LIFETIME] + math.log(ratio)
        yield start


def _with_shifts(model: "_Model", guess: Floats) -> Iterator[Floats]:
    assert isinstance(model.response, Measured)
    for ratio in (0.3, 1.0):  # of the lifetime and the guess, which holds the response, too
        start = guess.copy()
        start[_LIFETIME] += math.log(ratio)
        start[_START] = model.response.shift_ps(model.counts, math.exp(start[_LIFETIME]))
        yield start


def _with_parts(model: "_Model", best: Floats) -> Floats:
    """Return parameters with as many parts of the response as are worth their numbers."""
    while len(best) < _REST + 1 + 3 * (MOST_PARTS - 1) and model.result(best).misfits:
        start = model.with_another(best)
        if start is None:
            break
        found = model.fitted(start)
        gained = 2 * (model.cost(best) - model.cost(found))
        at_limit = np.any(found[_REST + 1 :: 3] > math.log(0.95 * MOST_ECHO))
        if gained < 3 * math.log(model.counts.sum()) or at_limit:
            break  # what is there is chance, or light of another kind
        best = found
    return best


class _Model:
    """Counts and what parameters say of them."""

    def __init__(
        self, counts: Counts, edges_ps: Floats, period_ps: float, response: Response
    ) -> None:
        self.counts = counts.astype(np.float64)
        self.response = response
        self._edges = edges_ps
        self._period = period_ps
        self._level = np.diff(edges_ps) / period_ps

    def expected(self, parameters: Floats) -> Floats:
        lifetime, start, rest = math.exp(parameters[_LIFETIME]), parameters[_START], parameters[4:]
        decays = math.exp(parameters[_DECAYS]) * self.response.shares(lifetime, start, rest)
        return np.maximum(decays + math.exp(parameters[_BACKGROUND]) * self._level, 1e-12)

    def residuals(self, parameters: Floats) -> Floats:
        """Return the signed root of each bin's deviance.

        The sum of their squares is −2 log likelihood, up to what the counts alone say.
        """
        expected = self.expected(parameters)
        deviance = 2 * (expected - self.counts + special.xlogy(self.counts, self.counts / expected))
        return np.asarray(np.sign(expected - self.counts) * np.sqrt(np.maximum(deviance, 0)))

    def cost(self, parameters: Floats) -> float:
        return float(np.sum(self.residuals(parameters) ** 2)) / 2

    def fitted(self, start: Floats, lifetime: float | None = None) -> Floats:
        """Return the best parameters near some; with `lifetime`, its logarithm stays that."""
        lowest, highest = self._bounds(start)
        free = np.ones(len(start), np.bool_)
        whole = np.clip(start, lowest + 1e-6, highest - 1e-6)
        if lifetime is not None:
            free[_LIFETIME], whole[_LIFETIME] = False, lifetime

        def residuals(some: Floats) -> Floats:
            whole[free] = some
            return self.residuals(whole)

        found = optimize.least_squares(
            residuals,
            whole[free],
            bounds=(lowest[free], highest[free]),
            x_scale=self._scale(whole)[free],
            max_nfev=MOST_STEPS,
        )
        whole[free] = found.x
        return whole

    def gain(self, parameters: Floats) -> float:
        """Return by how much a fit without a lifetime costs more."""
        width = self.response.width_ps(parameters[_REST:])
        lifetime = math.exp(parameters[_LIFETIME])
        start = parameters.copy()
        start[_START] += lifetime
        if not self.response.measured:
            start[_REST] = math.log(math.hypot(width, lifetime))
        without = self.fitted(start, math.log(_NO_LIFETIME * width))
        return self.cost(without) - self.cost(parameters)

    def with_another(self, parameters: Floats) -> Floats | None:
        """Return parameters with one part of the response more, where it is missed most."""
        sigma = math.exp(parameters[_REST])
        shape = blurred_decay(self._edges, self._period, math.exp(parameters[_LIFETIME]), 0, sigma)
        expected, bins = self.expected(parameters), len(shape)
        turned, squared = (np.conj(np.fft.rfft(one)) for one in (shape, shape**2))
        missed = np.fft.irfft(np.fft.rfft(self.counts / expected - 1) * turned, bins)
        noise = np.fft.irfft(np.fft.rfft(1 / expected) * squared, bins)
        half = self._period / 2
        later = (self._edges[:-1] - parameters[_START] + half) % self._period - half
        far = np.abs(later) > NEAR * sigma
        if not far.any():
            return None
        score = np.where(far, missed / np.sqrt(np.maximum(noise, 1e-30)), -np.inf)
        place = float(later[int(np.argmax(score))])
        return np.append(parameters, [math.log(MOST_ECHO / 10), place, math.log(sigma)])

    def _bounds(self, start: Floats) -> tuple[Floats, Floats]:
        """Return the least and the most that parameters near some may be."""
        period = self._period
        lowest = [-np.inf, math.log(LEAST_BACKGROUND), math.log(period * 1e-6), -np.inf]
        highest = [np.inf, np.inf, math.log(20 * period), np.inf]
        if len(start) > _REST:
            lowest.append(math.log(period * 1e-6))
            highest.append(math.log(period / 2))
        for offset in start[_REST + 2 :: 3]:
            sigma = math.exp(start[_REST])
            lowest += [-20.0, offset - NEAR * sigma, math.log(sigma / 4)]
            highest += [math.log(MOST_ECHO), offset + NEAR * sigma, math.log(4 * sigma)]
        return np.array(lowest), np.array(highest)

    def _scale(self, parameters: Floats) -> Floats:
        scale = np.ones(len(parameters))
        scale[_START] = math.exp(parameters[_LIFETIME])
        if len(parameters) > _REST:
            scale[_REST + 2 :: 3] = math.exp(parameters[_REST])
        return scale

    def result(self, parameters: Floats) -> Lifetime:
        expected = self.expected(parameters)
        slopes = []
        for index, step in enumerate(1e-4 * self._scale(parameters)):
            up, down = parameters.copy(), parameters.copy()
            up[index] += step
            down[index] -= step
            slopes.append((self.expected(up) - self.expected(down)) / (2 * step))
        # Of the background itself, which may be so little that its logarithm says nothing.
        slopes[_BACKGROUND] = self._level
        slope = np.array(slopes)
        covariance = np.linalg.pinv((slope / expected) @ slope.T)
        lifetime, start = math.exp(parameters[_LIFETIME]), float(parameters[_START])
        decays, rest = math.exp(parameters[_DECAYS]), parameters[_REST:]
        of_response, variance = self.response.noise(
            lifetime, start, decays, covariance @ (slope / expected)
        )
        errors = np.sqrt(np.maximum(np.diag(covariance + of_response), 0))
        if not lifetime < 19 * self._period:
            raise InputError(_TOO_SLOW)
        chi2, dof = self._chi2(expected, variance, len(parameters))
        width = self.response.width_ps(rest)
        parts = () if self.response.measured else zip(*parts_of(rest), strict=True)
        return Lifetime(
            lifetime_ps=lifetime,
            sigma_ps=lifetime * float(errors[_LIFETIME]),
            response_ps=width,
            response_sigma_ps=width * float(errors[_REST]) if len(rest) else 0.0,
            response_measured=self.response.measured,
            response_parts=tuple(ResponsePart(*map(float, one)) for one in parts)[1:],
            start_ps=start % self._period,
            decays=decays,
            background=math.exp(parameters[_BACKGROUND]),
            chi2=chi2,
            dof=dof,
            p_value=float(stats.chi2.sf(chi2, dof)),
            edges_ps=self._edges,
            expected=expected,
        )

    def _chi2(self, expected: Floats, variance: Floats, fitted: int) -> tuple[float, int]:
        group = (np.cumsum(expected) / LEAST_EXPECTED).astype(np.int64)
        group = np.unique(group, return_inverse=True)[1]
        means, seen = np.bincount(group, expected), np.bincount(group, self.counts)
        spread = means + np.bincount(group, variance)
        return float(np.sum((seen - means) ** 2 / spread)), max(1, len(means) - fitted)
