"""The period of light, from clicks alone."""

import tracemalloc

import numpy as np
import pytest
from tests.host.measure.light import in_order, pulsed

from hexkey.measure.comb import Follower, find_comb


@pytest.mark.parametrize("period_ps", [1000.37, 3128.146, 12_495.6029, 98_765.4, 400_000.123])
def test_the_period_is_found(period_ps: float) -> None:
    rng = np.random.default_rng(7)
    clicks = pulsed(rng, pulses=400_000, period_ps=period_ps, g2=0.1, lifetime_ps=period_ps / 9)
    comb = find_comb(clicks.of(0))
    assert comb is not None
    assert abs(comb.period_ps - period_ps) < 5 * comb.sigma_ps
    assert comb.sigma_ps < 1e-8 * period_ps


def test_its_error_is_as_stated() -> None:
    pulls = []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        clicks = pulsed(rng, pulses=100_000, period_ps=12_500.25, g2=0.1, mean=0.1)
        comb = find_comb(clicks.of(0))
        assert comb is not None
        pulls.append((comb.period_ps - 12_500.25) / comb.sigma_ps)
    assert np.std(pulls) == pytest.approx(1, abs=4 / np.sqrt(80))
    assert abs(np.mean(pulls)) < 4 / np.sqrt(40)


def test_pulses_that_come_in_pairs_have_the_period_of_the_pairs() -> None:
    rng = np.random.default_rng(3)
    clicks = pulsed(
        rng,
        pulses=400_000,
        period_ps=3000.0,
        g2=0.1,
        lifetime_ps=100,
        weights=np.array([1.0, 0.3]),
    )
    comb = find_comb(clicks.of(0))
    assert comb is not None
    assert comb.period_ps == pytest.approx(6000.0, abs=0.01)


def test_steady_light_has_none() -> None:
    for seed in range(5):
        rng = np.random.default_rng(seed)
        assert find_comb(np.cumsum(rng.exponential(1e6, 60_000)).astype(np.int64)) is None


def test_dead_time_makes_none() -> None:
    rng = np.random.default_rng(5)
    assert find_comb(np.cumsum(80_000 + rng.exponential(1e6, 60_000)).astype(np.int64)) is None


@pytest.mark.parametrize("tick_ps", [80.955, 250.0, 2000.0])
def test_a_coarse_tick_is_no_period(tick_ps: float) -> None:
    """All times are multiples of it, so that it is the strongest line of all."""
    rng = np.random.default_rng(8)
    clicks = pulsed(rng, pulses=400_000, period_ps=100_037.0, g2=0.1, lifetime_ps=9_000)
    coarse = np.rint(np.floor(clicks.of(0) / tick_ps) * tick_ps).astype(np.int64)
    comb = find_comb(coarse, tick_ps)
    assert comb is not None
    assert comb.period_ps == pytest.approx(100_037.0, abs=0.1)
    steady = np.cumsum(rng.exponential(1e6, 60_000))
    steady = np.rint(np.floor(steady / tick_ps) * tick_ps)
    assert find_comb(steady.astype(np.int64), tick_ps) is None
    assert find_comb(steady.astype(np.int64) * 100, 100 * tick_ps) is None


def test_rare_clicks_of_a_long_run_take_no_more_memory() -> None:
    """A click in three milliseconds, for a day: nearly all stretches of it are empty."""
    rng = np.random.default_rng(9)
    near = rng.integers(0, 200, (2000, 1)) + np.arange(20)  # bursts, whose delays show the period
    pulse = (rng.integers(0, 10**11, (2000, 1)) + near).ravel()
    time = np.sort(pulse) * 800_000 + rng.integers(0, 20_000, len(pulse))
    tracemalloc.start()
    comb = find_comb(time)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert comb is not None
    assert comb.period_ps == pytest.approx(800_000, rel=1e-3)
    assert most < 100e6


def test_too_few_clicks_have_none() -> None:
    assert find_comb(np.arange(50)) is None
    assert find_comb(np.zeros(500, np.int64)) is None


def test_light_that_drifts_is_followed() -> None:
    """Over the run the light falls 3 periods behind a steady comb."""
    rng = np.random.default_rng(6)
    pulse = np.flatnonzero(rng.random(4_000_000) < 0.05)
    late = 3 * 12_500.0 * (pulse / 4_000_000) ** 2
    time = pulse * 12_500.0 + late + rng.normal(0, 200, len(pulse))
    clicks = in_order(np.zeros(len(pulse), np.uint8), np.rint(time).astype(np.int64))
    comb = find_comb(clicks.time_ps[:20_000])
    assert comb is not None
    follower = Follower(comb)
    phases = [
        follower.push(part, np.ones(len(part), np.bool_))
        for part in np.array_split(clicks.time_ps, 13)
    ]
    for phase in phases:
        vector = np.exp(2j * np.pi * phase).mean()
        assert abs(vector) > 0.95  # a spread of 200 ps makes it 0.995
        assert abs(np.angle(-vector)) < 2 * np.pi * 0.05
    assert follower.period_ps > comb.period_ps
