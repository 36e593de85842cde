"""All measurements of a file, made ones and real ones."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import optimize
from tests.host.measure.light import in_order, pulse_file, pulsed, tag_file

from hexkey.errors import ConfigurationError, InputError
from hexkey.measure.arrivals import Arrivals
from hexkey.measure.clicks import Clicks, clicks_of
from hexkey.measure.g2 import PulsedG2
from hexkey.measure.picture import draw
from hexkey.measure.report import measure_file
from hexkey.measure.steady_g2 import SteadyG2
from hexkey.tags import open_tags
from hexkey.tags.examine import examine
from hexkey.tags.own import RESOLVED
from hexkey.tags.stream import Tags

Recording = Callable[[str], Path]
PERIOD = 12_495.52


def light(seed: int = 1, **more: object) -> Clicks:
    chosen: dict[str, object] = {"pulses": 1_500_000, "period_ps": PERIOD, "g2": 0.08}
    chosen |= {"cable_ps": 31_000, "dead_ps": 60_000}
    return pulsed(np.random.default_rng(seed), **(chosen | more))  # type: ignore[arg-type]


@pytest.mark.parametrize("numbered", [False, True])
def test_everything_is_measured_of_free_and_numbered_tags(numbered: bool) -> None:
    clicks = light()
    file = pulse_file(clicks, PERIOD, 4) if numbered else tag_file(clicks)
    found = measure_file(file)
    assert found.detectors == (0, 1)
    assert found.period_ps == pytest.approx(PERIOD, abs=1e-3)
    assert isinstance(found.g2, PulsedG2)
    assert found.g2.band.low <= 0.08 <= found.g2.band.high
    assert found.g2.dip_ps == pytest.approx(31_000, abs=30)
    for fit in found.lifetimes.values():
        assert fit.lifetime_ps == pytest.approx(400, abs=5 * fit.sigma_ps)
        assert fit.response_ps == pytest.approx(50, abs=6 * fit.response_sigma_ps + 5)
    assert found.skew is not None
    assert found.skew.skew_ps == pytest.approx(31_000 - 2 * PERIOD, abs=5 * found.skew.sigma_ps)
    assert found.efficiencies is not None
    assert found.efficiencies.ratio == pytest.approx(1, abs=5 * found.efficiencies.sigma)
    for dead in found.dead_times.values():
        assert dead.low_ps <= 60_000 <= dead.high_ps
    for after in found.afterpulses.values():
        assert abs(after.share) < 5 * after.sigma
    for rate in found.rates.values():
        assert rate.p_value > 1e-4
    assert found.refused == {}
    assert json.loads(json.dumps(found.to_json()))["g2"]["coincidences"] == found.g2.coincidences
    names = [name for name, _ in found.rows()]
    assert {"g²(0)", "dip", "lifetime, channel 0", "efficiency ratio"} <= set(names)


def test_pieces_do_not_matter() -> None:
    clicks = light(2, pulses=400_000)
    one, other = (
        measure_file(pulse_file(clicks, PERIOD, 4)),
        measure_file(replace(pulse_file(clicks, PERIOD, 4), read=_in_pieces(clicks, 997))),
    )
    assert one.to_json() == other.to_json()


def _in_pieces(clicks: Clicks, size: int) -> Callable[[bool], Iterator[Tags]]:
    whole = next(iter(pulse_file(clicks, PERIOD, 4).chunks()))

    def read(follow: bool) -> Iterator[Tags]:
        del follow
        for first in range(0, len(whole), size):
            yield whole.take(slice(first, first + size))

    return read


def test_steady_light_has_no_phases() -> None:
    rng = np.random.default_rng(3)
    time = np.sort(rng.integers(0, 10**12, 300_000))
    found = measure_file(tag_file(in_order(rng.integers(0, 2, 300_000).astype(np.uint8), time)))
    assert found.period_ps is None
    assert found.arrivals is None
    assert "no phases" in found.refused["histogram"]
    assert "more than chance makes" in found.refused["g2"]


def test_steady_light_of_single_photons_has_a_dip() -> None:
    rng = np.random.default_rng(4)
    time = np.cumsum(rng.exponential(400_000, 400_000) + rng.exponential(5_000, 400_000))
    channel = rng.integers(0, 2, len(time)).astype(np.uint8)
    found = measure_file(
        tag_file(in_order(channel, (time + 40_000 * channel.astype(int)).astype(int)))
    )
    assert isinstance(found.g2, SteadyG2)
    assert found.g2.dip_ps == pytest.approx(40_000, abs=1000)
    assert found.g2.low < 0.1
    assert "g²(0)" in dict(found.rows())


def test_what_the_examination_forbids_is_not_measured() -> None:
    file = tag_file(light(5, pulses=400_000))
    for what in ("histogram", "lifetime", "g2", "rates", "skew", "dead_time", "afterpulsing"):
        found = measure_file(file, {what: "it says so"}.get)
        assert found.refused[what] == "it says so"
    found = measure_file(file, lambda asked: "nothing of it")
    assert (found.arrivals, found.g2, found.skew, found.efficiencies) == (None, None, None, None)
    for each in (found.lifetimes, found.rates, found.dead_times, found.afterpulses):
        assert not each


def test_g2_is_refused_of_receivers_and_of_resolved_events() -> None:
    clicks = light(6, pulses=400_000)
    for protocol, word in (("b92", "B92"), ("bb84", "BB84")):
        found = measure_file(tag_file(clicks), protocol=protocol)
        assert found.g2 is None
        assert word in found.refused["g2"]
        assert found.g2_holds_if is None
    found = measure_file(pulse_file(clicks, PERIOD, 4, **{RESOLVED: True}))
    assert found.g2 is None
    assert "resolved" in found.refused["g2"]
    assert found.lifetimes


def test_what_g2_takes_for_granted_is_said_until_the_user_says_it() -> None:
    clicks = light(6, pulses=1_000_000)
    found = measure_file(tag_file(clicks))
    assert found.g2 is not None
    assert "both detectors see the same light" in dict(found.rows())["g² holds if"]
    assert found.to_json()["g2_holds_if"] == found.g2_holds_if
    told = measure_file(tag_file(clicks), protocol="hbt")
    assert told.g2_holds_if is None
    assert "g² holds if" not in dict(told.rows())
    assert isinstance(told.g2, PulsedG2)
    assert isinstance(found.g2, PulsedG2)
    assert told.g2.band == found.g2.band


def test_one_detector_has_no_pair() -> None:
    clicks = light(7, pulses=400_000)
    found = measure_file(tag_file(Clicks(np.zeros_like(clicks.channel), clicks.time_ps)))
    assert found.pair is None
    assert {"g2", "skew", "afterpulsing"} <= set(found.refused)


def test_a_file_without_detections_is_refused() -> None:
    with pytest.raises(InputError, match="no detections to measure"):
        measure_file(tag_file(Clicks(np.zeros(0, np.uint8), np.zeros(0, np.int64))))
    numbered = replace(pulse_file(light(pulses=1000), PERIOD, 4), sync_period_ps=None)
    with pytest.raises(InputError, match="does not state the sync period"):
        measure_file(numbered)


def test_ticks_become_picoseconds() -> None:
    tags = Tags(np.zeros(3, np.uint8), np.array([0, 3, 10**12 + 1]))
    file = tag_file(light(pulses=1000))
    for tick, expected in ((4, 4 * (10**12 + 1)), ("15.625", 15625 * 10**9 + 16)):
        from fractions import Fraction

        made = clicks_of(replace(file, tick_ps=Fraction(tick)))(tags)
        assert made.time_ps[2] == expected


def test_the_picture_is_drawn(tmp_path: Path) -> None:
    found = measure_file(tag_file(light(8, pulses=400_000)))
    assert draw(found, tmp_path / "all.png", "made").stat().st_size > 10_000
    nothing = measure_file(tag_file(light(8, pulses=400_000)), lambda what: "the file says not to")
    assert draw(nothing, tmp_path / "none.svg").exists()
    with pytest.raises(ConfigurationError, match="must end in"):
        draw(found, tmp_path / "all.txt")


def test_the_hydraharp_at_80_mhz(recording: Recording) -> None:
    file = open_tags(recording("eta/200213_HH400_T3_80MHz_HBT.timeres"))
    found = measure_file(file, examine(file).refuses)
    # The reference has one Gaussian, which a lead-in of 0.3 % widens, at the lifetime's cost: the
    # decay's tail by itself, where no response is left, has 131.7 ± 0.5 and 132.1 ± 0.4 ps.
    reference = ((131.1, 0.6, 32), (131.4, 0.5, 37))
    for channel, (lifetime, sigma, response) in enumerate(reference):
        fit = found.lifetimes[channel]
        assert fit.one_gaussian_ps == pytest.approx(lifetime, abs=0.6)
        both = np.hypot(sigma, fit.scaled_sigma_ps)
        assert fit.lifetime_ps == pytest.approx(lifetime, abs=1.5 * both)
        assert fit.response_ps == pytest.approx(response, abs=2)
        assert fit.chi2 / fit.dof < 1.6  # a single Gaussian has 67 and 41
        tail = _lifetime_of_tail(found.arrivals, channel, after_ps=fit.start_ps + 120)
        assert fit.lifetime_ps == pytest.approx(tail, abs=0.6)
        assert fit.response_parts[0].later_ps == pytest.approx(-155, abs=10)
        assert fit.response_parts[1].later_ps == pytest.approx(5240, abs=20)  # an echo
    assert isinstance(found.g2, PulsedG2)
    assert (found.g2.coincidences, found.g2.dip_pulse) == (1, 2)
    assert found.g2.band.value == pytest.approx(0.0027, abs=1e-4)
    assert found.g2.sigma == pytest.approx(0.0027, abs=1e-4)
    assert found.g2.dip_ps == pytest.approx(23_940, abs=10)


def _lifetime_of_tail(arrivals: Arrivals | None, channel: int, after_ps: float) -> float:
    """Return the likeliest lifetime of clicks in a stretch, a decay and nothing else.

    Their mean time is τ − L / (exp(L / τ) − 1) in a stretch of length L, bins being narrow.
    """
    assert arrivals is not None
    first = int(after_ps // arrivals.bin_ps)
    counts = arrivals.counts[channel][first : first + 60].astype(np.float64)
    time_ps = (np.arange(60) + 0.5) * arrivals.bin_ps
    length_ps, mean_ps = 60 * arrivals.bin_ps, float(counts @ time_ps / counts.sum())
    return float(
        optimize.brentq(lambda one: one - length_ps / np.expm1(length_ps / one) - mean_ps, 50, 500)
    )


def test_the_hydraharp_without_a_sync(recording: Recording) -> None:
    file = open_tags(recording("eta/200204_HH400_T2_320MHz_HBT.timeres"))
    found = measure_file(file, examine(file).refuses)
    assert found.period_ps == pytest.approx(3128.146, abs=1e-3)
    assert isinstance(found.g2, PulsedG2)
    assert (found.g2.coincidences, found.g2.dip_pulse) == (2, 8)
    assert found.g2.band.value == pytest.approx(0.0039, abs=1e-4)
    assert found.g2.sigma == pytest.approx(0.0028, abs=1e-4)


def test_the_qutag(recording: Recording) -> None:
    file = open_tags(recording("eta/19_qutag_80MHz_HBT_sync_filtered.qutag"))
    found = measure_file(file, examine(file).refuses)
    assert found.trigger_channel == 5
    assert found.detectors == (1, 2)
    assert isinstance(found.g2, PulsedG2)
    assert found.g2.coincidences == 0
    assert found.g2.mean == pytest.approx(46, abs=1)
    assert found.g2.dip_ps == pytest.approx(-1250, abs=10)
    assert found.trigger is not None
    assert found.period_ps is not None
    assert found.trigger.period_ps / found.period_ps == pytest.approx(8, abs=1e-5)
    assert found.phases_by_trigger
    assert found.lifetimes[1].response_ps < 70  # 117 ps where the light itself is followed
    # The dip is at −1.25 ns; edges of the trigger stand 1.14 ns from clicks, of either detector.
    assert found.g2.remark is None
