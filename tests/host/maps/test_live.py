"""Live maps against the exact counts of the same clicks."""

from fractions import Fraction

import numpy as np
import pytest

from hexkey.errors import ConfigurationError
from hexkey.events import Events
from hexkey.maps import Windows, count_windows
from hexkey.maps.live import LiveMap
from hexkey.maps.rates import rate_map

PERIOD = 2500
TICK_PS = Fraction(10)
WINDOWS = Windows(np.arange(0, 2500, 130), np.array([0, 300, 990, 2500]), PERIOD)


def test_lone_clicks_give_the_exact_maps_however_they_come() -> None:
    """One click a pulse and another pulse between: nothing is merged, nothing discarded."""
    random = np.random.default_rng(1)
    count, seconds = 40_000, 2.0
    phase = random.integers(0, PERIOD, count, dtype=np.uint32)
    sent = random.integers(0, 2, count, dtype=np.uint8)
    wrong = random.random(count) < 0.05
    mask = np.where(sent ^ wrong, 1, 2).astype(np.uint8)  # detector 0 means 1
    pulses = np.arange(1, 2 * count, 2, dtype=np.uint64)
    events = Events(pulses, phase, mask, np.zeros(count, np.uint8))
    exact = rate_map(count_windows(events, sent, WINDOWS, sent), seconds, TICK_PS, block_s=3.0)
    live = LiveMap(WINDOWS, TICK_PS, block_s=3.0)
    for part in np.array_split(np.arange(count), 7):
        live.add_disclosed(phase[part], wrong[part])
    live.set_arrivals(0, 10, np.bincount(phase // 10, minlength=250), seconds)
    found = live.rates()
    on_bins = np.isin(WINDOWS.start_ticks % 10, [0])
    assert on_bins.all()
    np.testing.assert_allclose(found.sifted_hz, exact.sifted_hz)
    np.testing.assert_array_equal(found.qber, exact.qber)
    np.testing.assert_allclose(found.start_ns, exact.start_ns)
    np.testing.assert_allclose(found.width_ns, exact.width_ns)
    np.testing.assert_array_equal(found.secret_hz, exact.secret_hz_unproven)
    assert (found.seconds, found.disclosed) == (seconds, count)


def test_a_sample_tells_the_qber_to_its_sigma() -> None:
    random = np.random.default_rng(2)
    pulls = []
    for _ in range(300):
        live = LiveMap(Windows(np.array([0]), np.array([2500]), PERIOD), TICK_PS)
        live.add_disclosed(
            random.integers(0, PERIOD, 400, dtype=np.uint32), random.random(400) < 0.06
        )
        found = live.rates()
        pulls.append((found.qber.item() - 0.06) / found.sigma_qber.item())
    assert np.mean(pulls) == pytest.approx(0, abs=0.35)  # 6 sigma of 300
    assert np.std(pulls) == pytest.approx(1, abs=0.25)


def test_nothing_disclosed_is_no_key() -> None:
    live = LiveMap(WINDOWS, TICK_PS)
    live.set_arrivals(0, 10, np.full(250, 1000), 1.0)
    found = live.rates()
    assert np.isnan(found.qber).all()
    assert np.isnan(found.sigma_qber).all()
    assert found.sifted_hz[0].tolist() == [0, 30_000, 99_000, 250_000]
    assert not found.secret_hz.any()
    assert found.unproven


def test_no_error_yet_is_not_no_doubt() -> None:
    live = LiveMap(WINDOWS, TICK_PS)
    live.add_disclosed(np.zeros(10, np.uint32), np.zeros(10, np.bool_))
    found = live.rates()
    assert found.qber[0, 3] == 0
    assert found.sigma_qber[0, 3] > 0.05


def test_what_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="block_s of a map must be positive, not 0"):
        LiveMap(WINDOWS, TICK_PS, block_s=0)
    live = LiveMap(WINDOWS, TICK_PS)
    with pytest.raises(ValueError, match="2 phases need as many verdicts, not 1"):
        live.add_disclosed(np.zeros(2, np.uint32), np.zeros(1, np.bool_))
    with pytest.raises(ValueError, match="must be positive, not 0"):
        live.set_arrivals(0, 10, np.zeros(250, np.int64), 0)
