"""Rates, dead times, afterpulses and triggers, of clicks whose truth is known."""

import numpy as np
import pytest
from tests.host.measure.light import Times, in_order, pulsed, without_dead

from hexkey.errors import InputError
from hexkey.measure.afterpulses import afterpulses
from hexkey.measure.arrivals import Histogram, compare_efficiencies
from hexkey.measure.clicks import Clicks
from hexkey.measure.correlate import Correlator
from hexkey.measure.intervals import Intervals
from hexkey.measure.rates import RateCounter, constant_ratio
from hexkey.measure.trigger import TriggerCounter, is_trigger


def poisson(rng: np.random.Generator, rate_hz: float, seconds: float) -> Times:
    count = rng.poisson(rate_hz * seconds)
    return np.sort(rng.integers(0, int(seconds * 1e12), count))


def one(time_ps: Times) -> Clicks:
    return Clicks(np.zeros(len(time_ps), np.uint8), time_ps)


def counted(clicks: Clicks, parts: int = 9) -> RateCounter:
    counter = RateCounter()
    for part in np.array_split(np.arange(len(clicks)), parts):
        counter.push(Clicks(clicks.channel[part], clicks.time_ps[part]))
    return counter


def test_a_steady_rate_is_steady() -> None:
    rate = counted(one(poisson(np.random.default_rng(1), 50_000, 4.0))).result(0)
    assert rate.rate_hz == pytest.approx(50_000, abs=5 * rate.sigma_hz)
    assert rate.p_value > 1e-3
    assert abs(rate.drift) < 4 * rate.drift_sigma
    for _, deviation, expected in rate.allan[:8]:
        assert deviation == pytest.approx(expected, rel=0.25)


def test_a_drift_is_seen() -> None:
    rng = np.random.default_rng(2)
    time = poisson(rng, 50_000, 4.0)
    rate = counted(one(time[rng.random(len(time)) < 1 - 0.2 * time / 4e12])).result(0)
    assert rate.drift == pytest.approx(-0.2 / 0.9, abs=5 * rate.drift_sigma)
    assert rate.p_value < 1e-6


def test_a_long_run_keeps_its_counts() -> None:
    time = np.arange(0, 10**17, 10**13)  # 28 hours
    counter = counted(one(time))
    assert counter.clicks(0) == len(time)
    assert counter.result(0).rate_hz == pytest.approx(0.1, rel=1e-3)
    assert counter.channels == (0,)


def test_rates_that_change_against_each_other_are_noticed() -> None:
    rng = np.random.default_rng(3)
    light = 1000 * (1 + 0.5 * np.sin(np.arange(100)))
    assert constant_ratio(rng.poisson(light), rng.poisson(0.4 * light))
    assert not constant_ratio(rng.poisson(light), rng.poisson(400, 100))


@pytest.mark.parametrize("dead_ps", [22_000, 77_300, 1_500_000])
def test_a_dead_time_of_steady_light(dead_ps: int) -> None:
    clicks = without_dead(one(poisson(np.random.default_rng(4), 200_000, 1.0)), dead_ps)
    intervals = Intervals(1000)
    for part in np.array_split(clicks.time_ps, 7):
        intervals.push(part)
    found = intervals.result()
    assert found.dead_ps is not None
    assert found.low_ps - 1000 <= dead_ps <= found.high_ps + 1000
    assert found.shortest_ps >= dead_ps
    assert found.usual_hz == pytest.approx(200_000, rel=0.03)


def test_a_dead_time_of_pulsed_light_is_known_to_a_period() -> None:
    rng = np.random.default_rng(5)
    clicks = pulsed(rng, pulses=2_000_000, period_ps=12_500, g2=0.1, dead_ps=80_000)
    intervals = Intervals(12_500)
    intervals.push(clicks.of(0))
    found = intervals.result()
    assert found.low_ps <= 80_000 <= found.high_ps
    assert found.high_ps - found.low_ps <= 2.1 * 12_500


def test_without_a_dead_time_none_is_claimed() -> None:
    intervals = Intervals(1000)
    intervals.push(poisson(np.random.default_rng(6), 100_000, 2.0))
    found = intervals.result()
    assert found.dead_ps is None
    assert 0 < found.high_ps < 1e6


def test_too_few_intervals_are_refused() -> None:
    with pytest.raises(InputError, match="needs 1000 intervals"):
        Intervals(1000).result()
    intervals = Intervals(1000)
    intervals.push(np.arange(5000) * 10**10)
    with pytest.raises(InputError, match="hardly any interval"):
        intervals.result()


@pytest.mark.parametrize("share", [0.0, 0.02])
def test_afterpulses_are_told_from_light_in_bursts(share: float) -> None:
    rng = np.random.default_rng(7)
    light = poisson(rng, 400_000, 2.0)
    light = light[(light // 3_000_000) % 3 == 0]  # bursts of 3 µs
    channel = (rng.random(len(light)) < 0.4).astype(np.uint8)
    again = (channel == 0) & (rng.random(len(light)) < share)
    later = light[again] + 60_000 + rng.exponential(80_000, again.sum()).astype(np.int64)
    clicks = in_order(
        np.concatenate([channel, np.zeros(len(later), np.uint8)]), np.concatenate([light, later])
    )
    clicks = without_dead(clicks, 50_000)
    correlator = Correlator(0, 1, 1_000_000, 500)
    correlator.push(clicks)
    zero, other = (int(np.sum(clicks.channel == place)) for place in (0, 1))
    found = afterpulses(
        correlator.within(0), correlator.across(), zero, zero / other, dead_ps=55_000
    )
    # One that its own detector's afterpulses make less: the light's share of its clicks.
    assert found.share == pytest.approx(share, abs=5 * found.sigma + 0.1 * share)
    if share:
        assert found.share > 5 * found.sigma


def test_afterpulses_within_the_dead_time_are_none() -> None:
    correlator = Correlator(0, 1, 1000, 10)
    with pytest.raises(InputError, match="dead time is only known to be below 2 ns, beyond"):
        afterpulses(correlator.within(0), correlator.across(), 10, 1.0, dead_ps=2000)


def edges(rng: np.random.Generator, *, kept: float = 1.0, jitter: float = 20.0) -> Times:
    number = np.flatnonzero(rng.random(200_000) < kept)
    return np.rint(number * 100_000.25 + rng.normal(0, jitter, len(number))).astype(np.int64)


@pytest.mark.parametrize("kept", [1.0, 0.98, 0.1])
def test_a_trigger_is_measured(kept: float) -> None:
    time = edges(np.random.default_rng(8), kept=kept)
    counter = TriggerCounter()
    for part in np.array_split(time, 11):
        counter.push(part)
    found = counter.result()
    assert found.edges == len(time)
    assert found.period_ps == pytest.approx(100_000.25, abs=5 * found.period_sigma_ps + 1e-3)
    assert found.jitter_ps == pytest.approx(20, abs=5 * found.jitter_sigma_ps)
    assert found.missing == round((time[-1] - time[0]) / 100_000.25) + 1 - len(time)
    assert found.stray == 0
    assert found.drift < 10 * found.drift_sigma


def test_stray_edges_are_counted() -> None:
    time = edges(np.random.default_rng(9))
    counter = TriggerCounter()
    counter.push(np.sort(np.concatenate([time, time[1000::5000] + 40_000])))
    assert counter.result().stray >= 2 * len(time[1000::5000])


def test_a_trigger_is_told_from_a_detector() -> None:
    rng = np.random.default_rng(10)
    assert is_trigger(edges(rng))
    assert is_trigger(edges(rng, kept=0.05))
    assert not is_trigger(poisson(rng, 100_000, 0.5))
    light = pulsed(rng, pulses=2_000_000, period_ps=12_500, g2=0.1, dead_ps=80_000)
    assert not is_trigger(light.of(0))
    assert not is_trigger(np.arange(5))
    with pytest.raises(InputError, match="needs 100 edges"):
        TriggerCounter().result()


def test_a_histogram_counts_what_lies_outside() -> None:
    histogram = Histogram(4)
    histogram.push(np.array([1, 1, 3, 3], np.uint8), np.array([0, 3, 4, 2]))
    assert histogram.outside == 1
    np.testing.assert_array_equal(histogram.result((1, 3))[1], [1, 0, 0, 1])
    np.testing.assert_array_equal(histogram.result((1, 3))[3], [0, 0, 1, 0])


def test_efficiencies_of_like_detectors_are_one_ratio() -> None:
    rng = np.random.default_rng(11)
    shape = np.exp(-np.arange(700) / 90)
    one, two = rng.poisson(2000 * shape), rng.poisson(1200 * np.roll(shape, 30))
    found = compare_efficiencies(one, two, 16.0, 30 * 16.0)
    assert found is not None
    assert found.ratio == pytest.approx(0.6, abs=5 * found.sigma)
    assert found.p_value > 1e-3
    # Skewed by parts of a bin, as said and by half a bin less: no edge of the pulse shows it.
    time = rng.normal(0, 60.0, (2, 200_000)) + 3000.0
    halves = [np.histogram(one, 700, (0, 700 * 16.0))[0] for one in (time[0], time[1] + 40.0)]
    for said in (40.0, 48.0):
        found = compare_efficiencies(halves[0], halves[1], 16.0, said)
        assert found is not None
        assert found.p_value > 1e-3
    late = rng.poisson(1200 * shape * np.linspace(1, 1.5, 700))
    found = compare_efficiencies(one, late, 16.0)
    assert found is not None
    assert found.p_value < 1e-6
    assert compare_efficiencies(one, two // 10**4, 16.0) is None
