"""g²(0) from two plain counts, with exact bounds.

Coincidences within a pulse and those of pulses some lags apart are Poisson numbers K and N with
means g·m and L·m, for L lags of mean m each. Given their sum, K is binomial with p = g/(g + L),
whatever m is: the Clopper–Pearson interval of p is one of g = L·p/(1 − p), and never covers less
than it says. No background is subtracted: what is not the emitter's light raises g².

The lags must lie beyond every correlation of the source itself (blinking, the pattern sent).

J. Przyborowski and H. Wilenski, Biometrika 31, 313 (1940), for the ratio of two Poisson means;
C. J. Clopper and E. S. Pearson, Biometrika 26, 404 (1934).
"""

import math
from dataclasses import dataclass

from scipy.special import betaincinv

STANDARD_DEVIATION = math.erf(1 / math.sqrt(2))  # confidence of ± one standard deviation


@dataclass(frozen=True, slots=True)
class G2Band:
    """g²(0) with a two-sided confidence band.

    Attributes
    ----------
    value : float
        nan as long as no other lag has a coincidence.
    low, high : float
        `high` is inf as long as nothing bounds it.
    """

    value: float
    low: float
    high: float

    @property
    def half_width(self) -> float:
        return (self.high - self.low) / 2


def g2_band(coincidences: float, others_total: float, lags: float, confidence: float) -> G2Band:
    """Return g²(0) and its exact band.

    Parameters
    ----------
    coincidences : float
        Within a pulse.
    others_total : float
        Over all other lags together.
    lags : float
        How many those are; where a pattern of light and dark pulses modulates them, the sum of
        their weights relative to lag zero's.
    confidence : float
        Of the two-sided band, such as 0.95; each side fails with half of the rest.

    Raises
    ------
    ValueError
        A count is negative, there is no lag, or `confidence` is not between 0 and 1.
    """
    _check(coincidences, others_total, lags)
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must be between 0 and 1, not {confidence!r}")
    tail = (1 - confidence) / 2
    value = coincidences * lags / others_total if others_total else math.nan
    return G2Band(
        value,
        g2_lower(coincidences, others_total, lags, tail),
        g2_upper(coincidences, others_total, lags, tail),
    )


def g2_upper(coincidences: float, others_total: float, lags: float, epsilon: float) -> float:
    """Return what g²(0) exceeds with probability `epsilon` at most: for a bound on the source.

    Parameters
    ----------
    coincidences, others_total, lags
        As of `g2_band`.
    epsilon : float
        Probability that the bound fails.
    """
    _check(coincidences, others_total, lags)
    if others_total == 0:
        return math.inf
    # By the chance that the pair is NOT of lag zero, which keeps its digits where p is near 1.
    other = float(betaincinv(others_total, coincidences + 1, epsilon))
    return lags * (1 - other) / other if other > 0 else math.inf


def g2_lower(coincidences: float, others_total: float, lags: float, epsilon: float) -> float:
    """Return what g²(0) is below with probability `epsilon` at most; as `g2_upper`."""
    _check(coincidences, others_total, lags)
    if coincidences == 0:
        return 0.0
    same = float(betaincinv(coincidences, others_total + 1, epsilon))
    return lags * same / (1 - same) if same < 1 else math.inf


def _check(coincidences: float, others_total: float, lags: float) -> None:
    if coincidences < 0 or others_total < 0:
        raise ValueError(f"counts must not be negative, not {coincidences!r} and {others_total!r}")
    if not lags > 0:
        raise ValueError(f"there must be other lags to compare with, not {lags!r}")
