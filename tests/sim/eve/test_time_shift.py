"""Time shift: the same rate and errors, and the bits of the detector that alone could count."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.sim.eve.runs import assert_qber, assert_rate, assert_share, attacked, brighter

from hexkey.errors import ConfigurationError
from hexkey_sim.eve.specification import parse_eve
from hexkey_sim.eve.time_shift import TimeShift, attacked_share, counted_share, known_share
from hexkey_sim.link import OpticalLink
from hexkey_sim.link.parameters import LinkParameters
from hexkey_sim.link.presets import Preset, preset
from hexkey_sim.link.receiver import Detector, b92_receiver, bb84_receiver


def skewed(skew_ps: int, jitter_ps: float, loss_db: float = 6.0) -> Preset:
    early = Detector(jitter_ps=jitter_ps)
    detectors = (early, replace(early, delay_ps=skew_ps)) * 2
    receiver = bb84_receiver(*detectors, key_basis_probability=0.88)
    return brighter("bb84", channel_loss_db=loss_db, receiver=receiver, trigger_jitter_ps=0.0)


def test_without_jitter_she_knows_every_shifted_bit(tmp_path: Path) -> None:
    chosen = skewed(500, 0.0)
    found = attacked(chosen, "time-shift", tmp_path, seconds=0.3)
    for basis in (found.key, found.test):
        assert basis is not None
        assert_rate(basis, found.seconds, slack=0.02)  # clicks outside the gate hold off, too
        assert_qber(basis, found.seconds, basis.expected_qber)
    assert found.knowledge is not None
    (shifted,) = found.knowledge.kinds
    expected = known_share(TimeShift(chosen.parameters))
    assert_share(shifted.bits, found.knowledge.bits, expected, slack=2e-3)
    assert shifted.right >= 0.975 * shifted.bits  # she knows which detector: Bob's bit, errors too
    assert shifted.same_as_bob >= 0.995 * shifted.bits


def test_as_many_as_the_rate_allows() -> None:
    eve = TimeShift(skewed(500, 0.0).parameters)
    # τ = 4.58 ns: the first 500 ps hold 10.3 % of the photons, and half of them are counted.
    assert counted_share(eve) == pytest.approx((1 - np.exp(-500 / 4580)) / 2, rel=0.01)
    assert attacked_share(eve) == pytest.approx(0.80, abs=0.01)
    assert known_share(eve) == pytest.approx(0.195, abs=0.005)
    assert known_share(TimeShift(skewed(500, 0.0, loss_db=13.0).parameters)) == 1
    assert attacked_share(TimeShift(skewed(500, 0.0, loss_db=0.0).parameters)) == 0


def test_a_larger_skew_and_less_jitter_serve_her(tmp_path: Path) -> None:
    found = {}
    for skew_ps, jitter_ps in ((500, 149.0), (500, 20.0), (1500, 149.0)):
        name = f"{skew_ps}-{jitter_ps}"
        run = attacked(skewed(skew_ps, jitter_ps), "time-shift", tmp_path / name)
        assert run.knowledge is not None
        (kind,) = run.knowledge.kinds
        found[skew_ps, jitter_ps] = kind.right / kind.bits
    assert found[500, 149.0] < 0.90
    assert found[500, 20.0] > 0.95
    assert found[1500, 149.0] > 0.93


def arrivals(parameters: LinkParameters, eve: TimeShift | None) -> np.ndarray:
    """Return how many clicks came within 500 ps of the gate's ends, and in its middle."""
    clicks = OpticalLink(parameters, 4, eve=eve).advance(2_000_000)
    phase = clicks.time_ps % 25_000
    return np.histogram(phase, [0, 1000, 10_000, 11_000])[0]


def test_the_histogram_of_arrivals_shows_it() -> None:
    link = skewed(500, 0.0).parameters
    honest, shifted = arrivals(link, None), arrivals(link, TimeShift(link))
    assert shifted[2] > 5 * honest[2]  # at the gate's end
    assert shifted[1] < 0.85 * honest[1]


def test_b92_too(tmp_path: Path) -> None:
    late = Detector(delay_ps=800)
    chosen = brighter("bench", receiver=b92_receiver(Detector(), late), channel_loss_db=6.0)
    found = attacked(chosen, "time-shift:share=0.5", tmp_path)
    assert_rate(found.key, found.seconds, slack=0.02)
    assert_qber(found.key, found.seconds, found.key.expected_qber, slack=1e-3)
    assert found.knowledge is not None
    (shifted,) = found.knowledge.kinds
    expected = known_share(TimeShift(chosen.parameters, 0.5))
    assert_share(shifted.bits, found.knowledge.bits, expected, slack=5e-3)
    assert shifted.same_as_bob >= 0.95 * shifted.bits


def test_aligned_detectors_leave_nothing_to_exploit() -> None:
    with pytest.raises(ConfigurationError, match="choose a preset with a skew"):
        parse_eve("time-shift", preset("bb84"))


def test_light_that_comes_earlier_still_comes_in_its_stretch() -> None:
    chosen = skewed(3000, 0.0).parameters  # to 2.5 ns before the pulse's edge
    bright = replace(chosen, mean_photons=0.4, receiver_efficiency=1.0, channel_loss_db=3.0)
    link = OpticalLink(bright, 3, eve=TimeShift(bright))
    assert TimeShift(bright).earliest_ps == 2500
    early = 0
    for pulse in range(4000):
        times = link.advance(1).time_ps
        assert np.all(times >= pulse * 25_000)
        early += int(np.sum(times % 25_000 > 22_500))
    assert early > 20
