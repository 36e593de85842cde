"""Lifetimes, of decays that are known."""

from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats

from hexkey.errors import InputError
from hexkey.measure.lifetime import decay_integral, fit_lifetime

PERIOD = 12_500.0
EDGES = np.minimum(np.arange(783) * 16.0, PERIOD)
Draw = Callable[[np.random.Generator, int], np.ndarray]


def arrivals(
    rng: np.random.Generator,
    clicks: int,
    *,
    lifetime: float,
    response: float,
    start: float,
    background: int,
) -> np.ndarray:
    time = start + rng.exponential(lifetime, clicks) + rng.normal(0, response, clicks)
    time = np.concatenate([time, rng.random(background) * PERIOD])
    return np.histogram(np.mod(time, PERIOD), EDGES)[0]


def test_the_model_is_the_distribution_of_a_blurred_decay() -> None:
    time = np.linspace(-400, 3000, 200)
    reference = stats.exponnorm(K=150 / 40, loc=0, scale=40).cdf(time)
    np.testing.assert_allclose(decay_integral(time, 150.0, 40.0), reference, atol=1e-9)


def test_the_model_keeps_its_digits_where_parts_of_it_overflow() -> None:
    for lifetime, response in ((1.0, 500.0), (5000.0, 1.0)):
        found = decay_integral(np.linspace(-1e5, 1e5, 1001), lifetime, response)
        assert np.all(np.isfinite(found))
        assert np.all(np.diff(found) >= -1e-12)
        assert found[0] == pytest.approx(0, abs=1e-12)
        assert found[-1] == pytest.approx(1, abs=1e-8)


@pytest.mark.parametrize(
    ("lifetime", "response", "start"),
    [
        (131.0, 35.0, 4300.0),
        (1500.0, 200.0, 11_900.0),
        (6000.0, 150.0, 3000.0),
        (300.0, 350.0, 5.0),
    ],
)
def test_the_truth_lies_within_the_errors(lifetime: float, response: float, start: float) -> None:
    """Errors are judged by pulls: their spread is 1 within four of its own deviations (n = 20)."""
    pulls = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        counts = arrivals(
            rng, 20_000, lifetime=lifetime, response=response, start=start, background=500
        )
        fit = fit_lifetime(counts, EDGES, PERIOD)
        pulls.append((fit.lifetime_ps - lifetime) / fit.sigma_ps)
    assert abs(np.mean(pulls)) < 4 / np.sqrt(20)
    assert np.std(pulls) == pytest.approx(1, abs=4 / np.sqrt(40))


def test_everything_fitted_is_the_truth() -> None:
    rng = np.random.default_rng(11)
    counts = arrivals(rng, 400_000, lifetime=800.0, response=90.0, start=2000.0, background=20_000)
    fit = fit_lifetime(counts, EDGES, PERIOD)
    assert fit.response_ps == pytest.approx(90, abs=5 * fit.response_sigma_ps)
    assert fit.start_ps == pytest.approx(2000, abs=5)
    assert fit.decays == pytest.approx(400_000, rel=0.01)
    assert fit.background == pytest.approx(20_000, rel=0.05)
    assert fit.p_value > 1e-3
    assert fit.scaled_sigma_ps == pytest.approx(fit.sigma_ps, rel=0.15)


def test_a_second_lifetime_shows_in_the_goodness_of_fit() -> None:
    rng = np.random.default_rng(12)
    one = arrivals(rng, 50_000, lifetime=200.0, response=50.0, start=2000.0, background=100)
    two = arrivals(rng, 50_000, lifetime=2000.0, response=50.0, start=2000.0, background=100)
    fit = fit_lifetime(one + two, EDGES, PERIOD)
    assert fit.p_value < 1e-6
    assert fit.scaled_sigma_ps > 2 * fit.sigma_ps


def test_what_has_no_decay_is_refused() -> None:
    rng = np.random.default_rng(13)
    with pytest.raises(InputError, match="a lifetime needs 200 clicks"):
        fit_lifetime(np.ones(100, np.int64), np.arange(101.0), 100.0)
    flat = rng.poisson(50, len(EDGES) - 1)
    with pytest.raises(InputError, match=r"no decay|lifetime"):
        fit_lifetime(flat, EDGES, PERIOD)
    response = arrivals(rng, 20_000, lifetime=1.0, response=300.0, start=5000.0, background=0)
    with pytest.raises(InputError, match="hides whether there is a lifetime"):
        fit_lifetime(response, EDGES, PERIOD)
