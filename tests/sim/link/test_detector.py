"""Dead time and afterpulses, one detector at a time. Bounds are 4.9 standard deviations: 1e-6."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from hexkey_sim.link.detector import DetectorState
from hexkey_sim.link.parameters import PS_PER_S, LinkParameters
from hexkey_sim.link.profile import clicks_hz
from hexkey_sim.link.receiver import Detector, hbt_receiver
from hexkey_sim.link.theory import afterpulsing_rate_hz, dead_time_rate_hz

SIGMAS = 4.9
FALSE_ALARM = 1e-6


def run(detector: Detector, seconds: float, stretches: int = 1, seed: int = 1) -> np.ndarray:
    """Return the clicks of a detector in the dark."""
    state = DetectorState(detector, np.random.default_rng(seed), 0)
    ends = np.linspace(0, seconds * PS_PER_S, stretches + 1)[1:].astype(np.int64)
    nothing = np.empty(0, np.int64)
    return np.concatenate([state.clicks_until(nothing, int(end)) for end in ends])


def naive_dead_time(arrivals: list[int], dead_ps: int) -> list[int]:
    clicks: list[int] = []
    for time_ps in sorted(arrivals):
        if not clicks or time_ps - clicks[-1] >= dead_ps:
            clicks.append(time_ps)
    return clicks


@given(
    st.lists(st.integers(0, 10_000), max_size=60),
    st.integers(0, 400),
    st.lists(st.integers(1, 10_000), max_size=5),
)
def test_dead_time_in_any_stretches_is_the_naive_one(
    arrivals: list[int], dead_ps: int, cuts: list[int]
) -> None:
    detector = Detector(dark_counts_hz=0, dead_time_ps=dead_ps)
    state = DetectorState(detector, np.random.default_rng(1), 0)
    expected = naive_dead_time(arrivals, dead_ps)
    clicks: list[int] = []
    for end in [*sorted(set(cuts)), 10_001]:
        # Arrivals may be announced early; here those of the next stretches by up to 500 ps.
        known = [time_ps for time_ps in arrivals if time_ps < end + 500]
        arrivals = [time_ps for time_ps in arrivals if time_ps >= end + 500]
        clicks += state.clicks_until(np.array(known, np.int64), end).tolist()
    assert clicks == expected


def test_dead_time_leaves_exponential_gaps_behind_it() -> None:
    detector = Detector(dark_counts_hz=2e6, dead_time_ps=500_000)
    clicks = run(detector, 0.2)
    gaps = np.diff(clicks)
    assert gaps.min() >= 500_000
    assert stats.kstest(gaps - 500_000, "expon", args=(0, 500_000)).pvalue > FALSE_ALARM
    expected = 0.2 * dead_time_rate_hz(2e6, 500_000)
    assert abs(len(clicks) - expected) < SIGMAS * np.sqrt(expected) / 2  # (1 + λτ)² calmer


@pytest.mark.parametrize("stretches", [1, 1000])
def test_afterpulses(stretches: int) -> None:
    detector = Detector(
        dark_counts_hz=1e3, afterpulse_probability=0.2, afterpulse_lifetime_ps=40_000
    )
    clicks = run(detector, 200, stretches)
    expected = 200 * afterpulsing_rate_hz(1e3, 0.2)
    # A dark count and its progeny are geometric in number: <m²>/<m> = (1 + p)/(1 - p).
    assert abs(len(clicks) - expected) < SIGMAS * np.sqrt(expected * 1.2 / 0.8)
    gaps = np.diff(clicks)
    assert gaps.min() >= 22_000
    after = gaps[gaps < 1_000_000]
    assert abs(len(after) - 0.2 * len(clicks)) < SIGMAS * np.sqrt(0.16 * len(clicks)) + 0.001 * len(
        clicks
    )
    assert stats.kstest(after - 22_000, "expon", args=(0, 40_000)).pvalue > FALSE_ALARM


def test_afterpulses_cross_from_one_stretch_into_the_next() -> None:
    # Stretches of 30 ns, afterpulses 22 ns and more later: nearly all end up in a later stretch.
    detector = Detector(
        dark_counts_hz=0, afterpulse_probability=0.5, afterpulse_lifetime_ps=100_000
    )
    state = DetectorState(detector, np.random.default_rng(3), 0)
    clicks = 0
    for number in range(20_000):
        photon = [number * 30_000 + 1] if number % 100 == 0 else []
        clicks += len(state.clicks_until(np.array(photon, np.int64), (number + 1) * 30_000))
    assert abs(clicks - 400) < SIGMAS * np.sqrt(400 * 3)


def test_the_profile_knows_dead_time_and_afterpulses_in_the_dark() -> None:
    dead = Detector(dark_counts_hz=1e6, dead_time_ps=100_000)
    traps = Detector(dark_counts_hz=10, afterpulse_probability=0.3)
    dark = LinkParameters(mean_photons=0.0, receiver=hbt_receiver(dead, traps))
    assert clicks_hz(dark)[0] == pytest.approx(dead_time_rate_hz(1e6, 100_000), rel=1e-9)
    assert clicks_hz(dark)[1] == pytest.approx(afterpulsing_rate_hz(10, 0.3), rel=1e-6)
