"""g² of pulsed light: the dip is found wherever cables put it, and only where there is one."""

import numpy as np
import pytest
from tests.host.measure.light import pulsed, without_dead

from hexkey.errors import InputError
from hexkey.measure.clicks import Clicks
from hexkey.measure.correlate import Correlator, Delays
from hexkey.measure.g2 import pulsed_g2

PERIOD = 12_500.0


def delays_of(clicks: Clicks, reach_ps: int = 1_000_000) -> Delays:
    correlator = Correlator(0, 1, reach_ps, 49)
    correlator.push(clicks)
    return correlator.across()


def light(seed: int, **more: object) -> Clicks:
    chosen: dict[str, object] = {"pulses": 600_000, "period_ps": PERIOD, "g2": 0.1}
    return pulsed(np.random.default_rng(seed), **(chosen | more))  # type: ignore[arg-type]


@pytest.mark.parametrize("seed", range(8))
def test_the_dip_is_found_wherever_a_cable_puts_it(seed: int) -> None:
    cable = float(np.random.default_rng(100 + seed).uniform(-600_000, 600_000))
    found = pulsed_g2(delays_of(light(seed, cable_ps=cable)), PERIOD)
    assert found.dip_ps == pytest.approx(cable, abs=60)
    assert found.dip_pulse == round(found.dip_ps / PERIOD)
    assert found.band.low <= 0.1 <= found.band.high
    assert found.chance < 1e-6


def test_the_band_holds_the_truth_as_often_as_it_says() -> None:
    held = 0
    for seed in range(60):
        found = pulsed_g2(delays_of(light(seed, pulses=300_000, g2=0.25), 400_000), PERIOD)
        held += found.band.low <= 0.25 <= found.band.high
    assert held >= 51  # 95 % of 60 are 57; fewer than 51 have a chance below 10⁻³


def test_coherent_light_has_no_dip() -> None:
    """The lowest of 160 peaks is low by chance: in 40 files none is taken for a dip."""
    for seed in range(40):
        rng = np.random.default_rng(seed)
        counts = np.zeros(2_000_000 // 50, np.int64)
        counts[125::250] = rng.poisson(30, 160)
        with pytest.raises(InputError, match="there is no dip"):
            pulsed_g2(Delays(counts, 50), PERIOD)


def test_a_shared_dead_time_is_no_antibunching() -> None:
    clicks = without_dead(light(1, g2=1.0, mean=0.1), 60_000, shared=True)
    with pytest.raises(InputError, match=r"missing over \d+ neighbouring pulses.*dead time"):
        pulsed_g2(delays_of(clicks), PERIOD)


def test_detectors_own_dead_times_change_nothing() -> None:
    found = pulsed_g2(delays_of(light(2, cable_ps=30_000, dead_ps=90_000)), PERIOD)
    assert found.dip_ps == pytest.approx(30_000, abs=60)
    assert found.band.low <= 0.1 <= found.band.high


def test_a_dip_at_zero_is_remarked_upon() -> None:
    assert "from delay zero" in (pulsed_g2(delays_of(light(3)), PERIOD).remark or "")
    assert pulsed_g2(delays_of(light(3, cable_ps=30_000)), PERIOD).remark is None


def test_it_is_not_where_tags_come_nearer_than_the_dip() -> None:
    """A dead time that all channels share, as long as the dip is late, would part them."""
    delays = delays_of(light(3, cable_ps=2_000))
    assert "2 ns from delay zero" in (pulsed_g2(delays, PERIOD, apart_ps=2_100).remark or "")
    assert pulsed_g2(delays, PERIOD, apart_ps=1_900).remark is None


def test_a_pattern_is_found_and_taken_out() -> None:
    """Bright and dim pulses in turns raise every second peak: the dip's like are those."""
    weights = np.array([1.0, 0.2, 0.6, 0.1])
    clicks = light(4, pulses=1_200_000, g2=0.2, mean=0.1, weights=weights, cable_ps=40_000)
    found = pulsed_g2(delays_of(clicks), PERIOD, confidence=0.999)
    assert found.pattern_pulses == 4
    assert found.dip_ps == pytest.approx(40_000, abs=60)
    given = pulsed_g2(delays_of(clicks), PERIOD, pattern=weights, confidence=0.999)
    assert given.pattern_pulses == 4
    assert given.dip_pulse == found.dip_pulse
    for one in (found, given):
        assert one.band.low <= 0.2 <= one.band.high
    assert given.others > found.others  # every peak counts, where the pattern is known


def test_a_pattern_that_was_not_sent_is_refused() -> None:
    """By its weights g² would come out a third too low."""
    with pytest.raises(InputError, match=r"do not follow the pattern of 4 pulses \(\d+ % of"):
        pulsed_g2(delays_of(light(2, cable_ps=30_000)), PERIOD, pattern=np.array([1, 0.3, 1, 0]))


def test_a_pattern_of_every_second_pulse_is_no_hole() -> None:
    weights = np.array([1.0, 0.0])
    clicks = light(5, pulses=800_000, weights=weights, mean=0.1, cable_ps=3 * PERIOD)
    for pattern in (None, weights):
        found = pulsed_g2(delays_of(clicks), PERIOD, pattern=pattern)
        assert found.dip_pulse == 3
        assert found.band.low <= 0.1 <= found.band.high


def test_blinking_makes_the_long_delays_say_more() -> None:
    """Bursts of some 200 ns raise near peaks: relative to those far off, g² is the larger."""
    rng = np.random.default_rng(8)
    burst = np.repeat(rng.random(40_000) < 0.3, 16)
    clicks = light(8, pulses=len(burst), mean=0.15)
    lit = burst[np.clip(clicks.time_ps // int(PERIOD), 0, len(burst) - 1)]
    found = pulsed_g2(delays_of(Clicks(clicks.channel[lit], clicks.time_ps[lit])), PERIOD)
    assert found.long.value > 1.2 * found.band.value


def test_no_coincidences_are_refused() -> None:
    with pytest.raises(InputError, match="no coincidence at any delay"):
        pulsed_g2(Delays(np.zeros(40_000, np.int64), 50), PERIOD)
    with pytest.raises(InputError, match="must reach over 7 pulses"):
        pulsed_g2(Delays(np.ones(400, np.int64), 50), PERIOD)


def test_a_pattern_must_be_one() -> None:
    delays = delays_of(light(9))
    with pytest.raises(InputError, match="a pattern of 90 pulses needs"):
        pulsed_g2(delays, PERIOD, pattern=np.ones(90))
    for pattern in (np.zeros(3), np.array([1.0, -1.0]), np.zeros(0)):
        with pytest.raises(ValueError, match="a pattern must be"):
            pulsed_g2(delays, PERIOD, pattern=pattern)
