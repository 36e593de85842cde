"""The closed forms against reference values, and against the profile that includes the rest."""

from dataclasses import replace

import numpy as np
import pytest

from hexkey_sim.link import LinkParameters, preset
from hexkey_sim.link.profile import b92, in_gate, profile
from hexkey_sim.link.receiver import Detector, b92_receiver
from hexkey_sim.link.theory import PAPER_GATE, Gate, b92_in_window, dark_per_pulse, window_fraction

TABLE_II = preset("table-ii").parameters
IDEAL = replace(TABLE_II, trigger_jitter_ps=0.0, receiver=b92_receiver(Detector(dead_time_ps=0)))


def test_reference_values_of_the_experiment() -> None:
    fraction = window_fraction(PAPER_GATE, 4580, 25_000)
    assert fraction == pytest.approx(0.7989753551605989, rel=1e-12)
    expected = b92_in_window(TABLE_II)
    assert expected.sifted_hz == pytest.approx(45539.00280717711, rel=1e-10)
    assert expected.qber == pytest.approx(0.034330544585279295, rel=1e-10)
    assert dark_per_pulse(TABLE_II, 10_000) == pytest.approx(8e-7, rel=1e-12)


def test_the_profile_without_its_effects_is_the_reference() -> None:
    # Photon pairs and repeats remain, of relative order μη g²: a few 1e-5 of the rate.
    reference = b92_in_window(IDEAL)
    whole = b92(IDEAL, holdoff_pulses=0)
    assert whole.sifted_hz == pytest.approx(reference.sifted_hz, rel=1e-4)
    assert whole.qber == pytest.approx(reference.qber, rel=1e-3)
    single = b92(replace(IDEAL, g2=0.0), holdoff_pulses=0)
    assert single.sifted_hz == pytest.approx(reference.sifted_hz, rel=1e-5)
    assert single.qber == pytest.approx(reference.qber, rel=1e-4)


def test_the_effects_shift_table_ii_by_as_much_as_documented() -> None:
    reference, whole = b92_in_window(TABLE_II), b92(TABLE_II)
    assert whole.sifted_hz == pytest.approx(reference.sifted_hz, rel=0.01)
    assert 0 < whole.qber - reference.qber < 0.001


def test_as_reported_gives_what_was_reported() -> None:
    reported = preset("as-reported").parameters
    expected = b92(reported)
    assert expected.sifted_hz == pytest.approx(17_500, rel=1e-3)
    assert expected.qber == pytest.approx(0.0649, abs=5e-5)
    assert replace(reported, extra_loss_db=0.0, polarisation_error=0.0176) == TABLE_II


def test_without_effects_as_reported_takes_the_loss_and_error_of_the_reference() -> None:
    reported = replace(IDEAL, extra_loss_db=4.30, polarisation_error=0.0342)
    assert b92_in_window(reported).sifted_hz == pytest.approx(17_500, rel=2e-3)
    assert b92_in_window(reported).qber == pytest.approx(0.0649, abs=1e-4)


def test_bench_is_as_bright_and_as_good_as_it_says() -> None:
    bench = preset("bench").parameters
    clicks = sum(profile(bench, index).clicks.sum() for index in (0, 1))
    assert clicks == pytest.approx(0.02, rel=0.01)
    assert b92(bench).qber == pytest.approx(0.02, rel=0.01)


def test_qber_without_dark_counts_is_2e_over_1_plus_2e() -> None:
    e = 0.03
    silent = replace(IDEAL, polarisation_error=e, receiver=b92_receiver(Detector(dark_counts_hz=0)))
    assert b92_in_window(silent).qber == pytest.approx(2 * e / (1 + 2 * e), rel=1e-12)


def test_light_of_a_bright_uniform_state_is_the_wrapped_exponential() -> None:
    still = replace(IDEAL, modulator=replace(IDEAL.modulator, state_angles_deg=(0.0, 0.0)))
    light = profile(still, 0).light
    for gate in (PAPER_GATE, Gate(3_000, 20_000), Gate(0, 25_000)):
        share = window_fraction(gate, 4580, 25_000)
        expected = 0.0131 * 0.42 / 2 * (1 - 0.0176) * share
        assert np.allclose(in_gate(light, gate, 25_000), expected, rtol=1e-6)


def test_a_wide_delay_is_refused_rather_than_wrong() -> None:
    with pytest.raises(ValueError, match="within a period"):
        profile(LinkParameters(receiver=b92_receiver(Detector(delay_ps=30_000))), 0)
