"""Lifetimes, of decays that are known."""

from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats

from hexkey.errors import InputError
from hexkey.measure.lifetime import fit_lifetime
from hexkey.measure.response import decay_integral

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


def test_light_that_comes_early_or_late_is_told_from_the_decay(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A lead-in and an echo, of 0.4 % and 0.03 %: one Gaussian alone has the lifetime too short."""
    clicks, pulls, alone = 200_000, [], []
    for seed in range(8):
        rng = np.random.default_rng(seed)
        time = 4300 + rng.exponential(131.0, clicks) + rng.normal(0, 33.0, clicks)
        plain = np.histogram(time, EDGES)[0]
        assert fit_lifetime(plain, EDGES, PERIOD).response_parts == ()
        time[:800] -= 155
        time[800:860] += 5200
        counts = np.histogram(time, EDGES)[0]
        fit = fit_lifetime(counts, EDGES, PERIOD)
        lead, echo = fit.response_parts
        assert (lead.later_ps, echo.later_ps) == pytest.approx((-155, 5200), abs=60)
        assert (lead.share, echo.share) == pytest.approx((4e-3, 3e-4), rel=0.5)
        assert fit.p_value > 1e-4
        pulls.append((fit.lifetime_ps - 131.0) / fit.sigma_ps)
        with monkeypatch.context() as patched:
            patched.setattr("hexkey.measure.lifetime.MOST_PARTS", 1)
            one = fit_lifetime(counts, EDGES, PERIOD)
        assert one.misfits
        alone.append((one.lifetime_ps - 131.0) / one.sigma_ps)
    assert abs(np.mean(pulls)) < 4 / np.sqrt(8)
    assert np.std(pulls) < 1 + 4 / np.sqrt(16)
    assert np.mean(alone) < -4 / np.sqrt(8)


def skewed(rng: np.random.Generator, clicks: int) -> np.ndarray:
    """Return times behind a detector of which 30 % of the clicks diffuse first, for 150 ps."""
    time = rng.normal(0, 30.0, clicks)
    late = rng.random(clicks) < 0.3
    time[late] += rng.exponential(150.0, int(late.sum()))
    return time


def recorded(time: np.ndarray, rng: np.random.Generator, background: int) -> np.ndarray:
    return np.histogram(
        np.mod(np.concatenate([time, rng.random(background) * PERIOD]), PERIOD), EDGES
    )[0]


@pytest.mark.parametrize(
    ("lifetime", "clicks", "of_response"),
    [(400.0, 50_000, 200_000), (150.0, 50_000, 50_000), (150.0, 200_000, 20_000)],
)
def test_behind_a_measured_response_the_truth_lies_within_the_errors(
    lifetime: float, clicks: int, of_response: int
) -> None:
    """68 % of 30 fits are within one error; binomially within 2.5 deviations of that: 14 to 27.

    The response's noise is in the errors and in χ²: most of either in the last case.
    """
    pulls, worst = [], 1.0
    for seed in range(30):
        rng = np.random.default_rng(seed)
        response = recorded(3000 + skewed(rng, of_response), rng, of_response // 50)
        light = 12_211 + skewed(rng, clicks) + rng.exponential(lifetime, clicks)
        fit = fit_lifetime(recorded(light, rng, 500), EDGES, PERIOD, (response, EDGES))
        assert fit.response_measured
        assert fit.start_ps == pytest.approx(9211, abs=6)
        pulls.append((fit.lifetime_ps - lifetime) / fit.sigma_ps)
        worst = min(worst, fit.p_value)
    assert 14 <= np.count_nonzero(np.abs(pulls) < 1) <= 27
    assert abs(np.mean(pulls)) < 4 / np.sqrt(30)
    assert np.std(pulls) == pytest.approx(1, abs=4 / np.sqrt(60))
    assert worst > 1e-4


@pytest.mark.parametrize("seed", [1018, 1042, 1053, 1055])
def test_what_noise_makes_less_than_nothing_says_nothing(seed: int) -> None:
    """Of a faint response its background is taken, and ten times what is left is fitted."""
    rng = np.random.default_rng(seed)
    response = recorded(3000 + skewed(rng, 20_000), rng, 400)
    light = 5211 + skewed(rng, 200_000) + rng.exponential(150.0, 200_000)
    fit = fit_lifetime(recorded(light, rng, 500), EDGES, PERIOD, (response, EDGES))
    assert fit.sigma_ps < 3
    assert np.all(fit.expected > 0)


def test_a_tail_of_the_detector_is_taken_for_lifetime_unless_it_was_measured() -> None:
    rng = np.random.default_rng(21)
    light = recorded(5000 + skewed(rng, 100_000) + rng.exponential(400.0, 100_000), rng, 500)
    alone = fit_lifetime(light, EDGES, PERIOD)
    assert alone.lifetime_ps > 425
    assert alone.misfits
    response = recorded(3000 + skewed(rng, 200_000), rng, 500)
    fit = fit_lifetime(light, EDGES, PERIOD, (response, EDGES))
    assert fit.lifetime_ps == pytest.approx(400, abs=4 * fit.sigma_ps)
    assert not fit.misfits
    assert fit.response_ps == pytest.approx(63, abs=5)


def test_a_response_that_does_not_go_with_the_decay_is_refused() -> None:
    rng = np.random.default_rng(22)
    light = recorded(5000 + skewed(rng, 20_000) + rng.exponential(400.0, 20_000), rng, 500)
    peak = recorded(3000 + skewed(rng, 20_000), rng, 500)
    with pytest.raises(InputError, match=r"pulses are 12562\.5 ps apart and the recording's 12500"):
        fit_lifetime(light, EDGES, PERIOD, (peak, EDGES * 1.005))
    wide = np.add.reduceat(peak, np.arange(0, len(peak), 2))
    with pytest.raises(InputError, match="bins of 32 ps and the recording of 16 ps"):
        fit_lifetime(light, EDGES, PERIOD, (wide, np.append(EDGES[:-1:2], PERIOD)))
    with pytest.raises(InputError, match="clicks above its background, and needs 2000"):
        fit_lifetime(light, EDGES, PERIOD, (peak // 20, EDGES))
    with pytest.raises(InputError, match="hides whether there is a lifetime"):
        fit_lifetime(peak, EDGES, PERIOD, (5 * peak, EDGES))


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
