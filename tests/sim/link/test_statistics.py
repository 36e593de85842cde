"""The link's clicks against closed forms. Every bound is 4.9 standard deviations: 1e-6."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats
from tests.sim.link.gated import assert_count, assert_share, gated_masks

from hexkey_sim.link import Detector, LinkParameters, OpticalLink, PatternBits, preset
from hexkey_sim.link.profile import b92, clicks_hz, in_gate, profile
from hexkey_sim.link.receiver import b92_receiver, hbt_receiver
from hexkey_sim.link.theory import (
    PAPER_GATE,
    Gate,
    correlation_without_analysers,
    double_clicks_per_pulse,
    same_pulse_share,
)

SIGMAS = 4.9
FALSE_ALARM = 1e-6
BENCH = preset("bench").parameters
IDEAL = b92_receiver(Detector(dead_time_ps=0))


def sift(
    link: OpticalLink, pulses: int, gate: Gate = PAPER_GATE, shift: int = 0
) -> tuple[int, int]:
    """Run a fresh link; return sifted bits and errors among them."""
    period_ps = link.parameters.period_ps
    where, masks = gated_masks(link.advance(pulses), period_ps, gate, holdoff_pulses=2)
    single = (masks == 1) | (masks == 2)
    bob = masks[single] == 1  # detector 0 means bit 1
    start = link.parameters.start_offset_pulses
    packed = link.alice_bits.packed(start, pulses + 8)
    alice = np.unpackbits(packed, bitorder="little")[where[single] + shift]
    return int(single.sum()), int((alice != bob).sum())


@pytest.mark.parametrize(
    ("name", "measurement", "pulses"),
    [
        ("table-ii", False, 80_000_000),
        ("as-reported", False, 200_000_000),
        ("as-reported", True, 80_000_000),
        ("bench", False, 8_000_000),
    ],
)
def test_sifted_rate_and_qber(name: str, measurement: bool, pulses: int) -> None:
    chosen = preset(name)
    expected = b92(chosen.parameters, pattern="10" if measurement else None)
    sifted, errors = sift(chosen.link(7, measurement=measurement), pulses)
    assert_count(sifted, expected.sifted_hz * pulses / 40e6)
    assert_share(errors, sifted, expected.qber)


def test_a_large_polarisation_error_shows_as_a_qber_of_2e_over_1_plus_2e() -> None:
    silent = b92_receiver(Detector(dark_counts_hz=0.0))
    turned = replace(BENCH, polarisation_error=0.2, receiver=silent)
    sifted, errors = sift(OpticalLink(turned, 6), 8_000_000)
    assert b92(turned).qber == pytest.approx(0.4 / 1.4, rel=1e-3)
    assert_share(errors, sifted, b92(turned).qber)


def test_emission_later_than_a_period_is_right_for_the_pulse_it_lands_in() -> None:
    # Half of these photons are late. Were they to keep the state they were excited under, the QBER
    # would be near 20 %.
    slow = replace(BENCH, lifetime_ps=40_000.0, receiver=IDEAL, polarisation_error=0.005)
    sifted, errors = sift(OpticalLink(slow, 8), 6_000_000)
    assert_share(errors, sifted, b92(slow).qber)
    assert b92(slow).qber < 0.0102


def test_the_swing_between_states_costs_what_the_profile_says() -> None:
    gate = Gate(12_000, 12_000)
    expected = b92(BENCH, gate)
    sifted, errors = sift(preset("bench").link(9), 8_000_000, gate)
    assert expected.qber > 0.1
    assert_count(sifted, expected.sifted_hz / 5)
    assert_share(errors, sifted, expected.qber)


@pytest.mark.parametrize("pattern", [None, "10"])
def test_histogram_of_arrivals(pattern: str | None) -> None:
    pulses = 8_000_000
    link = OpticalLink(BENCH, 10, PatternBits(pattern) if pattern else None)
    clicks = link.advance(pulses)
    for index in (0, 1):
        phases = clicks.time_ps[clicks.detector == index] % 25_000
        found = np.histogram(phases, bins=125, range=(0, 25_000))[0]
        shape = profile(BENCH, index, pattern).clicks * pulses
        expected = shape.reshape(125, -1).sum(axis=1)
        chi2 = float(np.sum((found - expected) ** 2 / expected))
        assert chi2 < stats.chi2.isf(FALSE_ALARM, 125)
        assert_count(len(phases), expected.sum())


def test_histogram_shows_delay_and_jitter() -> None:
    early, late = Detector(delay_ps=-3000, jitter_ps=400.0), Detector(delay_ps=7000)
    parameters = replace(BENCH, receiver=hbt_receiver(early, late), trigger_jitter_ps=300.0)
    clicks = OpticalLink(parameters, 11).advance(2_000_000)
    for index in (0, 1):
        phases = clicks.time_ps[clicks.detector == index] % 25_000
        found = np.histogram(phases, bins=125, range=(0, 25_000))[0]
        expected = profile(parameters, index).clicks.reshape(125, -1).sum(axis=1) * 2_000_000
        chi2 = float(np.sum((found - expected) ** 2 / expected))
        assert chi2 < stats.chi2.isf(FALSE_ALARM, 125)


PERFECT = hbt_receiver(Detector(dead_time_ps=0))
HBT = replace(BENCH, receiver=PERFECT, mean_photons=0.4, trigger_jitter_ps=0.0)


def coincidences(parameters: LinkParameters, pulses: int, lag: int) -> float:
    """Return g² of raw clicks at a lag in pulses, of a fresh link."""
    clicks = OpticalLink(parameters, 12).advance(pulses)
    counts = [
        np.bincount(clicks.time_ps[clicks.detector == index] // 25_000, minlength=pulses)
        for index in (0, 1)
    ]
    both = np.dot(counts[0][: pulses - lag], counts[1][lag:])
    return float(both * pulses / (counts[0].sum() * counts[1].sum()))


@pytest.mark.parametrize("g2", [0.0, 0.24, 1.0])
def test_g2_of_raw_clicks_without_analysers(g2: float) -> None:
    pulses = 4_000_000
    hbt = replace(HBT, g2=g2)
    expected = correlation_without_analysers(hbt)
    mean = hbt.mean_photons * hbt.transmission / 2
    sigma = np.sqrt(expected / pulses) / mean
    assert abs(coincidences(hbt, pulses, lag=0) - expected) < SIGMAS * sigma


def test_neighbouring_pulses_are_independent_but_for_late_photons() -> None:
    # A pair's photons land in neighbouring pulses with probability S e^(-T/τ), for either order.
    pulses = 4_000_000
    hbt = replace(HBT, g2=0.0, lifetime_ps=10_000)
    q = np.exp(-25_000 / hbt.lifetime_ps)
    expected = 1 - (1 - hbt.g2) * same_pulse_share(hbt) * q
    sigma = np.sqrt(expected / pulses) / (hbt.mean_photons * hbt.transmission / 2)
    assert abs(coincidences(hbt, pulses, lag=1) - expected) < SIGMAS * sigma


def test_double_clicks() -> None:
    pulses = 3_000_000
    bright = replace(
        BENCH,
        mean_photons=0.3,
        receiver_efficiency=1.0,
        polarisation_error=0.2,
        g2=0.5,
        receiver=IDEAL,
    )
    clicks = OpticalLink(bright, 13).advance(pulses)
    _, masks = gated_masks(clicks, 25_000, PAPER_GATE)
    assert_count(float(np.sum(masks == 3)), pulses * double_clicks_per_pulse(bright))


def test_dark_counts_complete_double_clicks() -> None:
    receiver = b92_receiver(Detector(dark_counts_hz=1e6, dead_time_ps=0))
    noisy = replace(BENCH, mean_photons=0.05, g2=0.0, receiver=receiver)
    clicks = OpticalLink(noisy, 14).advance(4_000_000)
    _, masks = gated_masks(clicks, 25_000, PAPER_GATE)
    assert_count(float(np.sum(masks == 3)), 4_000_000 * double_clicks_per_pulse(noisy))


def test_loss_and_shares_scale_the_clicks() -> None:
    unequal = hbt_receiver(Detector(), Detector(efficiency=0.8), shares=(0.2, 0.625))
    lossy = replace(BENCH, receiver=unequal, channel_loss_db=3.0, extra_loss_db=2.0)
    clicks = OpticalLink(lossy, 15).advance(8_000_000)
    for index, expected in enumerate(clicks_hz(lossy)):
        assert_count(int(np.sum(clicks.detector == index)), expected / 5)
    photons = BENCH.mean_photons * 0.42 * 10**-0.5 * 0.2
    assert clicks_hz(lossy)[0] == pytest.approx(40e6 * photons, rel=0.01)


def test_trigger_jitter_is_shared_by_the_clicks_of_a_pulse() -> None:
    flash = replace(
        BENCH,
        lifetime_ps=1.0,
        mean_photons=0.4,
        trigger_jitter_ps=300.0,
        receiver=hbt_receiver(Detector(delay_ps=5000)),
    )
    clicks = OpticalLink(flash, 16).advance(1_000_000)
    pulse, phase = np.divmod(clicks.time_ps, 25_000)
    same = np.flatnonzero(np.diff(pulse) == 0)
    assert len(same) > 1000
    assert np.max(np.abs(phase[same + 1] - phase[same])) < 40
    bright = np.abs(phase - 5000) < 3000  # dark counts apart
    assert abs(np.std(phase[bright]) - 300) < SIGMAS * 300 / np.sqrt(2 * bright.sum())
    far = np.diff(pulse[bright]) > 0
    neighbours = np.corrcoef(phase[bright][:-1][far], phase[bright][1:][far])[0, 1]
    assert abs(neighbours) < SIGMAS / np.sqrt(far.sum())


def test_gates_of_the_profile_may_wrap() -> None:
    density = np.arange(2500.0)
    whole = density.sum()
    assert in_gate(density, Gate(0, 25_000), 25_000) == pytest.approx(whole)
    assert in_gate(density, Gate(20_000, 10_000), 25_000) == pytest.approx(
        density[2000:].sum() + density[:500].sum()
    )
    assert in_gate(density, Gate(5, 10), 25_000) == pytest.approx(0.5)
