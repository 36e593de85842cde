"""Skew of detectors from their histograms of arrivals. Bounds are 4.9 sigma: 1e-6."""

import numpy as np
import pytest
from numpy.typing import NDArray

from hexkey.skew import SIGMAS, SKEW_LIMIT_PS, Skew, skews

PERIOD_PS, BINS = 25_000, 250


def arrivals(count: int, delay_ps: float, seed: int, background: float = 0.05) -> NDArray[np.int64]:
    """Return a decay of 4.58 ns with jitter, a delay and dark counts, wrapped into a period."""
    generator = np.random.default_rng(seed)
    times = generator.exponential(4580, count) + generator.normal(delay_ps, 150, count)
    times = np.concatenate([times, generator.uniform(0, PERIOD_PS, int(background * count))])
    return np.histogram(times % PERIOD_PS, bins=BINS, range=(0, PERIOD_PS))[0].astype(np.int64)


@pytest.mark.parametrize("delay_ps", [0, 120, -700, 24_000])
def test_the_skew_is_found_wherever_the_period_begins(delay_ps: int) -> None:
    (found,) = skews({0: arrivals(100_000, 0, 1), 1: arrivals(100_000, delay_ps, 2)}, PERIOD_PS)
    wanted = (delay_ps + PERIOD_PS / 2) % PERIOD_PS - PERIOD_PS / 2
    assert found.detectors == (0, 1)
    assert abs(found.skew_ps - wanted) < 4.9 * found.sigma_ps
    assert found.sigma_ps < 25


def test_sigma_is_the_spread_of_the_skew() -> None:
    found = [
        skews({2: arrivals(2_000, 0, 2 * seed), 3: arrivals(2_000, 0, 2 * seed + 1)}, PERIOD_PS)[0]
        for seed in range(200)
    ]
    spread = np.std([skew.skew_ps for skew in found])
    stated = np.mean([skew.sigma_ps for skew in found])
    assert spread == pytest.approx(stated, rel=4.9 / np.sqrt(2 * 200))
    assert not any(skew.alarm for skew in found)


def test_an_alarm_needs_certainty() -> None:
    assert not Skew((0, 1), SKEW_LIMIT_PS + SIGMAS * 30 - 1, 30.0).alarm
    assert Skew((0, 1), -SKEW_LIMIT_PS - SIGMAS * 30 - 1, 30.0).alarm


def test_detectors_without_clicks_or_without_a_pulse_have_no_skew() -> None:
    one = arrivals(1_000, 0, 1)
    flat = np.full(BINS, 10, np.int64)
    assert skews({0: one, 1: np.zeros(BINS, np.int64)}, PERIOD_PS) == ()
    assert skews({0: one, 1: flat}, PERIOD_PS) == ()
    assert skews({0: one, 2: one}, PERIOD_PS) == ()
