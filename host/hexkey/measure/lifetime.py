"""Lifetime of an emitter from its arrival histogram, by maximum likelihood.

The model is an exponential decay, blurred by a Gaussian response and repeated with the period of
the pulses, on a constant background. It is integrated over each bin, so bins may be as wide as the
response. Counts are Poisson numbers: what is minimised is their deviance, and errors are those of
the Fisher matrix. Where the model does not fit, because no response is quite Gaussian and few
decays are quite exponential, `scaled_sigma_ps` is larger by the square root of χ²/dof.

E. Grushka, Anal. Chem. 44, 1733 (1972), for the exponentially modified Gaussian;
S. Baker and R. D. Cousins, Nucl. Instrum. Methods 221, 437 (1984), for the deviance.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special, stats

from hexkey.errors import InputError
from hexkey.measure.arrivals import Counts

LEAST_CLICKS = 200
MOST_STEPS = 60  # of a fit: one that takes more has nothing to fit
MOST_BINS = 4096  # finer histograms are fitted with bins taken together
LEAST_SIGMAS = 3.0  # of a lifetime that is told from a background
# By what the deviance is less with a lifetime than without one, of a lifetime below the response:
# such a one shows in the skewness only, as its third power, so that its error says nothing.
DECIDED = 16.0
_BLURRED = 5.0  # response over lifetime
_NO_LIFETIME = 0.02  # of the response
LEAST_EXPECTED = 5.0  # of a bin in χ²; neighbours are taken together until they have it
_TOO_SLOW = "clicks fall off too slowly within the period to tell a lifetime: pulse more seldom"
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Lifetime:
    """A fitted decay.

    Attributes
    ----------
    lifetime_ps, sigma_ps : float
        With one standard deviation from the Fisher matrix.
    response_ps, response_sigma_ps : float
        Standard deviation of the Gaussian response, and its error.
    start_ps : float
        Centre of the response: where light without a lifetime would come.
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
    start_ps: float
    decays: float
    background: float
    chi2: float
    dof: int
    p_value: float
    edges_ps: Floats
    expected: Floats

    @property
    def scaled_sigma_ps(self) -> float:
        return self.sigma_ps * math.sqrt(max(1.0, self.chi2 / max(1, self.dof)))


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


def fit_lifetime(counts: Counts, edges_ps: Floats, period_ps: float) -> Lifetime:
    """Fit the decay in an arrival histogram of one period.

    Parameters
    ----------
    counts : (bins,) int64
    edges_ps : (bins + 1,) float
        From 0 to the period.
    period_ps : float

    Raises
    ------
    InputError
        There are too few clicks, they come at all times alike, or no decay can be fitted to them.
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
    model = _Model(counts, edges_ps, period_ps)
    lowest = (-np.inf, -np.inf, math.log(period_ps * 1e-6), math.log(period_ps * 1e-6), -60.0)
    highest = (np.inf, np.inf, math.log(20 * period_ps), math.log(period_ps / 2), np.inf)
    best = None
    for ratio in (0.3, 1.0, 3.0):  # of response and lifetime: the likelihood may have two tops
        start = guess.copy()
        start[2] -= 0.5 * math.log1p(ratio**2)
        start[3] = start[2] + math.log(ratio)
        start = np.clip(start, np.add(lowest, 1e-6), np.subtract(highest, 1e-6))
        found = optimize.least_squares(
            model.residuals,
            start,
            bounds=(lowest, highest),
            x_scale=model.scale(start),
            max_nfev=MOST_STEPS,
        )
        if best is None or found.cost < best.cost:
            best = found
    assert best is not None
    fit = model.result(best.x)
    if (
        fit.lifetime_ps < fit.response_ps
        and 2 * (model.response_cost(best.x) - best.cost) < DECIDED
    ):
        raise InputError(
            f"a response of {fit.response_ps / 1000:.3g} ns hides whether there is a lifetime, use "
            "faster detectors or record for longer"
        )
    if fit.lifetime_ps < LEAST_SIGMAS * fit.sigma_ps:
        raise InputError(_TOO_SLOW)
    return fit


def _guess(counts: Counts, edges_ps: Floats, period_ps: float) -> Floats:
    """Return start, log decays, log lifetime, log response and log background to begin with."""
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
    return np.array(
        [peak, math.log(total), math.log(spread), math.log(spread), math.log(background)]
    )


class _Model:
    """Counts and what parameters say of them."""

    def __init__(self, counts: Counts, edges_ps: Floats, period_ps: float) -> None:
        self._counts = counts.astype(np.float64)
        self._edges = edges_ps
        self._period = period_ps

    def expected(self, parameters: Floats) -> Floats:
        start, decays, lifetime, response, background = parameters
        return math.exp(decays) * self._shape(start, math.exp(lifetime), math.exp(response)) + (
            math.exp(background) * np.diff(self._edges) / self._period
        )

    def _shape(self, start: float, lifetime: float, response: float) -> Floats:
        """Return the share of decays in each bin, from this pulse and all before it."""
        since = self._edges - start % self._period
        blur = response / lifetime
        blurred = math.ceil((8 + min(blur, _BLURRED)) * response / self._period)
        reached = np.zeros(len(since))
        for turn in range(-1 - blurred, 2 + blurred):
            reached += decay_integral(since + turn * self._period, lifetime, response)
        if blur < _BLURRED:  # beyond it nothing is left of the decay when the response is over
            # Where the response is over, earlier pulses' decays are a geometric series.
            first = blur**2 / 2 - (since + (2 + blurred) * self._period) / lifetime
            reached -= np.exp(first) / -math.expm1(-self._period / lifetime)
        return np.maximum(np.diff(reached), 0)

    def residuals(self, parameters: Floats) -> Floats:
        """Return the signed root of each bin's deviance.

        The sum of their squares is −2 log likelihood, up to what the counts alone say.
        """
        expected = np.maximum(self.expected(parameters), 1e-12)
        deviance = 2 * (
            expected - self._counts + special.xlogy(self._counts, self._counts / expected)
        )
        return np.asarray(np.sign(expected - self._counts) * np.sqrt(np.maximum(deviance, 0)))

    def response_cost(self, parameters: Floats) -> float:
        """Return the cost of the best fit without a lifetime."""

        def residuals(rest: Floats) -> Floats:
            start, decays, response, background = rest
            lifetime = response + math.log(_NO_LIFETIME)
            return self.residuals(np.array([start, decays, lifetime, response, background]))

        beginning = parameters[[0, 1, 3, 4]]
        beginning[2] = math.log(math.hypot(*np.exp(parameters[2:4])))
        beginning[0] += math.exp(parameters[2])
        scale = self.scale(parameters)[[0, 1, 3, 4]]
        widest = (np.inf, np.inf, math.log(self._period / 2), np.inf)
        lowest = (-np.inf, -np.inf, math.log(self._period * 1e-6), -60.0)
        bounds = (lowest, widest)
        beginning = np.clip(beginning, np.add(lowest, 1e-6), np.subtract(widest, 1e-6))
        found = optimize.least_squares(
            residuals, beginning, x_scale=scale, bounds=bounds, max_nfev=MOST_STEPS
        )
        return float(found.cost)

    def scale(self, parameters: Floats) -> Floats:
        return np.array([math.exp(parameters[2]), 1.0, 1.0, 1.0, 1.0])

    def result(self, parameters: Floats) -> Lifetime:
        expected = np.maximum(self.expected(parameters), 1e-12)
        slopes = []
        for index, step in enumerate(1e-4 * self.scale(parameters)):
            up, down = parameters.copy(), parameters.copy()
            up[index] += step
            down[index] -= step
            slopes.append((self.expected(up) - self.expected(down)) / (2 * step))
        # Of the background itself, which may be so little that its logarithm says nothing.
        slopes[4] = np.diff(self._edges) / self._period
        slope = np.array(slopes)
        covariance = np.linalg.pinv((slope / expected) @ slope.T)
        errors = np.sqrt(np.maximum(np.diag(covariance), 0))
        lifetime, response = math.exp(parameters[2]), math.exp(parameters[3])
        if not lifetime < 19 * self._period:
            raise InputError(_TOO_SLOW)
        chi2, dof = self._chi2(expected)
        return Lifetime(
            lifetime_ps=lifetime,
            sigma_ps=lifetime * float(errors[2]),
            response_ps=response,
            response_sigma_ps=response * float(errors[3]),
            start_ps=float(parameters[0] % self._period),
            decays=math.exp(parameters[1]),
            background=math.exp(parameters[4]),
            chi2=chi2,
            dof=dof,
            p_value=float(stats.chi2.sf(chi2, dof)),
            edges_ps=self._edges,
            expected=expected,
        )

    def _chi2(self, expected: Floats) -> tuple[float, int]:
        group = (np.cumsum(expected) / LEAST_EXPECTED).astype(np.int64)
        group = np.unique(group, return_inverse=True)[1]
        means, seen = np.bincount(group, expected), np.bincount(group, self._counts)
        return float(np.sum((seen - means) ** 2 / means)), max(1, len(means) - 5)
