"""g² from counts: bounds that cover what they say, and times that come true."""

import math

import numpy as np
import pytest
from scipy import stats

from hexkey.measure.g2_counts import (
    STANDARD_DEVIATION,
    g2_band,
    g2_lower,
    g2_upper,
)


def test_the_value_is_the_ratio_to_the_mean_of_the_other_lags() -> None:
    band = g2_band(3, 3000, 10, 0.95)
    assert band.value == pytest.approx(0.01)
    assert band.low < band.value < band.high


def test_without_a_coincidence_the_upper_bound_is_that_of_the_rule_of_three() -> None:
    band = g2_band(0, 10**6, 100, 0.90)  # 5 % on the upper side; a mean of 10 000
    assert band.low == 0
    assert band.high == pytest.approx(-math.log(0.05) / 10_000, rel=1e-3)


def test_nothing_at_other_lags_bounds_nothing() -> None:
    band = g2_band(0, 0, 10, 0.95)
    assert math.isnan(band.value)
    assert (band.low, band.high) == (0.0, math.inf)


@pytest.mark.parametrize("epsilon", [0.05, 1e-4, 1e-10])
def test_the_bounds_solve_the_binomial_equation(epsilon: float) -> None:
    same, others, lags = 7, 40_000, 20
    high, low = g2_upper(same, others, lags, epsilon), g2_lower(same, others, lags, epsilon)
    total = same + others
    assert stats.binom.cdf(same, total, high / (high + lags)) == pytest.approx(epsilon, rel=1e-6)
    assert stats.binom.sf(same - 1, total, low / (low + lags)) == pytest.approx(epsilon, rel=1e-6)


@pytest.mark.parametrize(("g2", "mean"), [(0.02, 60.0), (0.2, 40.0), (1.0, 20.0), (0.01, 5.0)])
def test_the_band_covers_at_least_what_it_says(g2: float, mean: float) -> None:
    """Exactly: by summing the probability of every pair of counts whose band holds the truth."""
    lags = 8
    others = np.arange(*(int(stats.poisson.ppf(p, lags * mean)) for p in (1e-5, 1 - 1e-5)))
    covered = 0.0
    for same in range(int(stats.poisson.ppf(1 - 1e-5, g2 * mean)) + 1):
        bands = [g2_band(same, int(n), lags, 0.9) for n in others]
        held = np.array([band.low <= g2 <= band.high for band in bands])
        chance = stats.poisson.pmf(others, lags * mean)[held].sum()
        covered += float(stats.poisson.pmf(same, g2 * mean) * chance)
    assert 0.9 - 1e-4 <= covered


def test_one_standard_deviation_is_that_of_poisson_counts() -> None:
    band = g2_band(10_000, 10**8, 10_000, STANDARD_DEVIATION)
    assert band.half_width == pytest.approx(0.01, rel=0.02)


def test_what_makes_no_sense_is_refused() -> None:
    with pytest.raises(ValueError, match="must not be negative"):
        g2_band(-1, 5, 10, 0.95)
    with pytest.raises(ValueError, match="other lags"):
        g2_band(1, 5, 0, 0.95)
    with pytest.raises(ValueError, match="confidence"):
        g2_band(1, 5, 10, 1.0)
