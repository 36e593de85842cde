"""g² of steadily excited light, with its dip found.

Around the cable's delay τ₀ the coincidences of a single-photon source fall to g²(0) and recover as
1 − (1 − g²(0)) exp(−|τ − τ₀|/τₐ). Every place and many widths are tried, by how much likelier each
makes the counts than constant ones; the best is made finer by maximum likelihood. Of so many, some
fit by chance: a dip counts as one if all of them together reach its likelihood with probability
`CHANCE` at most. A gap with a flat floor and steep walls, likelier than any such dip, is dead time.

The value is of the delays as recorded: detectors' jitter fills the dip, so it is rather too high.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, signal, special, stats

from hexkey.errors import InputError
from hexkey.measure.correlate import Delays

CHANCE = 1e-3
LEAST_COINCIDENCES = 100
WIDTHS_PER_DECADE = 6
MOST_BINS = 20_000
MOST_SPIKE = 30.0  # times the mean of the bins, or so many counts: more is no bunching of light
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class SteadyG2:
    """g²(0) of steady light.

    Attributes
    ----------
    value, low, high : float
        With the band of `confidence`, from the profile of the likelihood; not below 0.
    confidence : float
    dip_ps, dip_sigma_ps : float
        Delay of the dip, of the second channel after the first.
    antibunching_ps, antibunching_sigma_ps : float
        Time over which coincidences recover.
    chance : float
        That counts without a dip fit one as well anywhere.
    chi2 : float
        Of the fit over the bins, taken together until each expects ten.
    dof : int
    centre_ps, counts, expected : (n,) float
        The histogram fitted, and the fit.
    """

    value: float
    low: float
    high: float
    confidence: float
    dip_ps: float
    dip_sigma_ps: float
    antibunching_ps: float
    antibunching_sigma_ps: float
    chance: float
    chi2: float
    dof: int
    centre_ps: Floats
    counts: Floats
    expected: Floats


def steady_g2(delays: Delays, *, confidence: float = 0.95) -> SteadyG2:
    """Return g²(0) of steady light.

    Parameters
    ----------
    delays : Delays
        Of one detector's clicks after the other's, unresolved.
    confidence : float
        Of the band.

    Raises
    ------
    InputError
        There are too few coincidences, many of them have one delay, none of the dips tried is more
        than chance makes, or the gap has the shape of a dead time.
    """
    counts, centre, bin_ps = _binned(delays)
    total = float(counts.sum())
    if total < LEAST_COINCIDENCES:
        raise InputError(
            f"g² needs {LEAST_COINCIDENCES} coincidences within {delays.reach_ps / 1000:g} ns, not "
            f"{total:.0f}: record for longer"
        )
    _refuse_spike(counts, centre)
    gain, place, width, trials = _search(counts, bin_ps)
    chance = min(1.0, trials * float(stats.chi2.sf(2 * gain, 1)))
    if chance > CHANCE:
        raise InputError(
            f"no dip among the {total:.0f} coincidences within {delays.reach_ps / 1000:g} ns is "
            f"more than chance makes: record for longer, or the light is not of single photons"
        )
    fit = _Fit(counts, centre, bin_ps)
    best = fit.best(centre[place], width)
    if _flat_gain(counts) > fit.gain(best) + 5:
        raise InputError(
            "coincidences are missing between steep walls, which is a dead time that the detectors "
            "share or a hold-off, not antibunching: give each its own input"
        )
    return fit.result(best, chance, confidence)


def _binned(delays: Delays) -> tuple[Floats, Floats, float]:
    """Return counts, centres and width of bins, at most `MOST_BINS` of them."""
    together = -(-len(delays.counts) // MOST_BINS)
    usable = len(delays.counts) // together * together
    counts = delays.counts[:usable].reshape(-1, together).sum(axis=1).astype(np.float64)
    centre = delays.centre_ps[:usable].reshape(-1, together).mean(axis=1)
    return counts, centre, float(together * delays.bin_ps)


def _refuse_spike(counts: Floats, centre: Floats) -> None:
    """Raise InputError where one bin stands far out: beside it all others look like a dip."""
    highest = int(np.argmax(counts))
    if counts[highest] > MOST_SPIKE * max(1.0, float(counts.mean())):
        raise InputError(
            f"{counts[highest]:.0f} of {counts.sum():.0f} coincidences have one delay, "
            f"{centre[highest] / 1000:.3g} ns: both inputs got the same pulse (a test signal or "
            f"crosstalk), which no light does; separate them"
        )


def _cusp(bins: float) -> Floats:
    half = math.ceil(6 * bins)
    return np.exp(-np.abs(np.arange(-half, half + 1)) / bins)


def _flat_gain(counts: Floats) -> float:
    """Return the gain in log likelihood of the best gap with a flat floor, anywhere."""
    mean = float(counts.mean())
    sums = np.concatenate([[0.0], np.cumsum(counts)])
    best = 0.0
    for bins in np.unique(np.geomspace(2, len(counts) / 6, 200).astype(int)):
        seen, expected = sums[bins:] - sums[:-bins], mean * bins
        gain = np.where(
            seen < expected, expected - seen + special.xlogy(seen, seen / expected), 0.0
        )
        best = max(best, float(gain.max()))
    return best


def _search(counts: Floats, bin_ps: float) -> tuple[float, int, float, float]:
    """Return the gain in log likelihood of the best dip, its bin, its width and the trials made."""
    mean = float(counts.mean())
    longest = len(counts) / 12
    number = max(2, math.ceil(WIDTHS_PER_DECADE * math.log10(longest)))
    best, trials = (0.0, 0, bin_ps), 0.0
    for bins in np.geomspace(1.0, longest, number):
        form = _cusp(float(bins))
        missing = signal.fftconvolve(mean - counts, form, "same")
        room = signal.fftconvolve(np.full(len(counts), mean), form**2, "same")
        depth = np.clip(missing / room, 0.0, 1.0)
        # To second order in the depth, which ranks places; the fit that follows is exact. A gap in
        # few counts gains more than that: its log likelihood is what its missing counts say.
        gain = depth * missing - depth**2 * room / 2
        here = int(np.argmax(gain))
        trials += len(counts) / max(1.0, float(bins))
        if gain[here] > best[0]:
            best = float(gain[here]), here, float(bins) * bin_ps
    return *best, trials


class _Fit:
    """The likelihood of a dip: parameters are depth, delay (ps) and log of the width (ps)."""

    def __init__(self, counts: Floats, centre: Floats, bin_ps: float) -> None:
        self._counts, self._centre, self._bin_ps = counts, centre, bin_ps

    def shape(self, delay: float, width: float) -> Floats:
        """Return the mean of exp(−|τ − delay|/width) over each bin."""
        edges = np.append(self._centre - self._bin_ps / 2, self._centre[-1] + self._bin_ps / 2)
        away = edges - delay
        integral = np.sign(away) * width * -np.expm1(-np.abs(away) / width)
        return np.asarray(np.diff(integral) / self._bin_ps)

    def expected(self, parameters: Floats) -> Floats:
        depth, delay, log_width = parameters
        relative = 1 - depth * self.shape(delay, math.exp(log_width))
        relative = np.maximum(relative, 1e-9)
        return np.asarray(relative * self._counts.sum() / relative.sum())  # the level's best value

    def loss(self, parameters: Floats) -> float:
        expected = self.expected(parameters)
        return -float(np.sum(special.xlogy(self._counts, expected) - expected))

    def gain(self, parameters: Floats) -> float:
        return self.loss(np.array([0.0, *parameters[1:]])) - self.loss(parameters)

    def best(self, delay: float, width: float) -> Floats:
        reach = max(4 * width, 4 * self._bin_ps)
        bounds = [
            (0.0, 1.0),
            (delay - reach, delay + reach),
            (math.log(self._bin_ps / 4), math.log(width) + 3),
        ]
        found = [
            optimize.minimize(
                self.loss,
                np.array([depth, delay, max(math.log(width), bounds[2][0])]),
                method="Nelder-Mead",
                bounds=bounds,
                options={
                    "xatol": 1e-4,
                    "fatol": 1e-5,
                    "maxiter": 2000,
                    "initial_simplex": self._simplex(depth, delay, width, bounds),
                },
            )
            for depth in (0.5, 0.9)
        ]
        return np.asarray(min(found, key=lambda one: float(one.fun)).x)

    def _simplex(
        self, depth: float, delay: float, width: float, bounds: list[tuple[float, float]]
    ) -> Floats:
        corner = np.array([depth, delay, math.log(width)])
        steps = np.diag([0.08, max(width / 2, self._bin_ps), 0.4])
        simplex = np.vstack([corner, corner + steps])
        lowest, highest = zip(*bounds, strict=True)
        return np.asarray(np.clip(simplex, lowest, highest))

    def result(self, best: Floats, chance: float, confidence: float) -> SteadyG2:
        depth, delay, width = float(best[0]), float(best[1]), math.exp(float(best[2]))
        expected = self.expected(best)
        errors = self._errors(best)
        low, high = self._band(best, confidence)
        group = np.unique((np.cumsum(expected) / 10).astype(np.int64), return_inverse=True)[1]
        means, seen = np.bincount(group, expected), np.bincount(group, self._counts)
        return SteadyG2(
            value=1 - depth,
            low=low,
            high=high,
            confidence=confidence,
            dip_ps=delay,
            dip_sigma_ps=errors[1],
            antibunching_ps=width,
            antibunching_sigma_ps=width * errors[2],
            chance=chance,
            chi2=float(np.sum((seen - means) ** 2 / means)),
            dof=max(1, len(means) - 4),
            centre_ps=self._centre,
            counts=self._counts,
            expected=expected,
        )

    def _errors(self, best: Floats) -> list[float]:
        expected = self.expected(best)
        steps = (1e-3, 0.05 * math.exp(float(best[2])), 1e-3)
        slope = np.array(
            [
                (self.expected(best + move) - self.expected(best - move)) / (2 * step)
                for move, step in zip(np.diag(steps), steps, strict=True)
            ]
        )
        covariance = np.linalg.pinv((slope / expected) @ slope.T)
        return [float(error) for error in np.sqrt(np.maximum(np.diag(covariance), 0))]

    def _band(self, best: Floats, confidence: float) -> tuple[float, float]:
        """Return the g² from which the likelihood has fallen by what `confidence` allows (Wilks).

        Delay and width are at their best for each.
        """
        fall = float(stats.chi2.ppf(confidence, 1)) / 2
        least = self.loss(best)

        def above(depth: float) -> float:
            found = optimize.minimize(
                lambda rest: self.loss(np.array([depth, *rest])),
                best[1:],
                method="Nelder-Mead",
                options={
                    "maxiter": 300,
                    "xatol": 1e-3,
                    "fatol": 1e-3,
                    "initial_simplex": best[1:]
                    + np.array([[0, 0], [0.2 * math.exp(best[2]), 0], [0, 0.2]]),
                },
            )
            return float(found.fun) - least - fall

        depth = float(best[0])
        low = 0.0 if above(1.0) < 0 else 1 - _crossing(above, depth, 1.0)
        high = 1.0 if above(0.0) < 0 else 1 - _crossing(above, depth, 0.0)
        return max(0.0, low), high


def _crossing(above: Callable[[float], float], inside: float, outside: float) -> float:
    if inside == outside:
        return inside
    return float(optimize.brentq(above, inside, outside, xtol=1e-4))
