"""BB84 on the link: four states, two bases, four detectors. Every bound is 4.9 sigma: 1e-6."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from tests.sim.link.gated import assert_count, assert_share, gated_masks

from hexkey.bits import unpack_bits
from hexkey.errors import ConfigurationError
from hexkey.record import RecordReader, RecordWriter
from hexkey_sim.link import OpticalLink, extend_record, preset, record_statement
from hexkey_sim.link.analysers import analyse, reaches
from hexkey_sim.link.parameters import BB84_STATES_DEG, LinkParameters
from hexkey_sim.link.profile import bb84, profile
from hexkey_sim.link.receiver import Detector, bb84_receiver
from hexkey_sim.link.theory import PAPER_GATE
from hexkey_sim.link.theory_bb84 import bb84_in_window, double_clicks_per_pulse

BB84 = preset("bb84").parameters
BRIGHT = replace(BB84, mean_photons=0.188, channel_loss_db=0.0)
SEEDED_PULSES = 8_000_000


def with_receiver(
    parameters: LinkParameters, *detectors: Detector, bias: float = 0.88
) -> LinkParameters:
    receiver = bb84_receiver(*detectors, key_basis_probability=bias)
    return replace(parameters, receiver=receiver)


def test_a_state_fires_its_own_detector_and_both_of_the_other_basis() -> None:
    perfect = replace(with_receiver(BB84, bias=0.7), polarisation_error=0.0)
    angles = np.deg2rad(np.array(BB84_STATES_DEG))
    chances = np.array([reaches(perfect, index, angles) for index in range(4)])
    half = [[0.5, 0.5], [0.5, 0.5]]
    assert np.allclose(chances[:2, :2], 0.7 * np.eye(2))
    assert np.allclose(chances[2:, 2:], 0.3 * np.eye(2))
    assert np.allclose(chances[:2, 2:], 0.7 * np.array(half))
    assert np.allclose(chances[2:, :2], 0.3 * np.array(half))
    assert np.allclose(chances.sum(axis=0), 1)  # beam splitters absorb nothing


@pytest.mark.parametrize("name", ["as-reported", "bb84"])
def test_photons_go_where_the_probabilities_say(name: str) -> None:
    uneven = tuple(Detector(efficiency=value) for value in (1.0, 0.6, 0.9, 0.3))
    parameters = preset(name).parameters
    receiver = replace(parameters.receiver, detectors=uneven[: len(parameters.detectors)])
    parameters = replace(parameters, receiver=receiver, polarisation_error=0.1)
    generator = np.random.default_rng(1)
    for angle in (0.0, 0.3, 2.0):
        photons = 200_000
        reached = analyse(parameters, generator, np.full(photons, angle))
        for index in range(len(parameters.detectors)):
            chance = float(reaches(parameters, index, np.array([angle]))[0])
            assert_share(int(np.sum(reached == index)), photons, chance)


def counts(
    link: OpticalLink, pulses: int, holdoff_pulses: int = 2
) -> tuple[dict[str, tuple[int, int]], int, int]:
    """Run a fresh link; return (sifted, errors) of each basis, same-basis and cross doubles."""
    where, masks = gated_masks(
        link.advance(pulses), link.parameters.period_ps, PAPER_GATE, holdoff_pulses
    )
    assert link.alice_bases is not None
    bits = unpack_bits(link.alice_bits.packed(0, pulses), pulses)[where]
    key = unpack_bits(link.alice_bases.packed(0, pulses), pulses)[where] == 1
    found = {}
    for name, chosen, zero, one in (("key", key, 1, 2), ("test", ~key, 4, 8)):
        sifted = chosen & ((masks == zero) | (masks == one))
        found[name] = int(sifted.sum()), int(((masks == one) != bits)[sifted].sum())
    same = int(np.sum((masks == 3) | (masks == 12)))
    cross = int(np.sum((masks & 3 != 0) & (masks & 12 != 0)))
    return found, same, cross


@pytest.mark.parametrize(
    ("name", "pulses"), [("bb84", 160_000_000), ("bb84-improved", 160_000_000)]
)
def test_presets_give_the_rates_and_errors_of_the_profile(name: str, pulses: int) -> None:
    chosen = preset(name)
    expected = bb84(chosen.parameters)
    found, same, cross = counts(chosen.link(7), pulses)
    seconds = pulses / chosen.parameters.pulse_rate_hz
    for basis, one in (("key", expected.key), ("test", expected.test)):
        sifted, errors = found[basis]
        assert_count(sifted, one.sifted_hz * seconds)
        assert_share(errors, sifted, one.qber)
    assert_count(same, expected.same_basis_hz * seconds)
    assert_count(cross, expected.cross_basis_hz * seconds)


def test_biases_of_alice_and_bob_are_apart() -> None:
    modulator = replace(BRIGHT.modulator, key_basis_probability=0.3)
    apart = replace(with_receiver(BRIGHT, Detector(), bias=0.6), modulator=modulator)
    found, _, _ = counts(OpticalLink(apart, 3), SEEDED_PULSES)
    expected = bb84(apart)
    assert_count(found["key"][0], expected.key.sifted_hz * SEEDED_PULSES / 40e6)
    assert_count(found["test"][0], expected.test.sifted_hz * SEEDED_PULSES / 40e6)
    assert expected.key.sifted_hz / expected.test.sifted_hz == pytest.approx(
        0.3 * 0.6 / (0.7 * 0.4), rel=5e-3
    )


def test_double_clicks_of_one_basis_and_across() -> None:
    pulses = 3_000_000
    link = replace(
        with_receiver(BRIGHT, Detector(dead_time_ps=0), bias=0.6),
        mean_photons=0.3,
        receiver_efficiency=1.0,
        polarisation_error=0.1,
        g2=0.5,
    )
    _, same, cross = counts(OpticalLink(link, 13), pulses, holdoff_pulses=0)
    expected = double_clicks_per_pulse(link)
    assert_count(same, pulses * expected[0])
    assert_count(cross, pulses * expected[1])
    assert same > 1000
    assert cross > 1000


def test_dark_counts_complete_double_clicks_of_bb84() -> None:
    detector = Detector(dark_counts_hz=1e6, dead_time_ps=0)
    noisy = replace(with_receiver(BRIGHT, detector), mean_photons=0.05, g2=0.0)
    _, same, cross = counts(OpticalLink(noisy, 14), 4_000_000, holdoff_pulses=0)
    expected = double_clicks_per_pulse(noisy)
    # To second order; a third click turns a same-basis double into a cross one: 2 % of them.
    assert abs(same - 4e6 * expected[0]) < 4.9 * np.sqrt(4e6 * expected[0]) + 0.03 * same
    assert abs(cross - 4e6 * expected[1]) < 4.9 * np.sqrt(4e6 * expected[1]) + 0.03 * cross


def test_mismatched_detectors_bias_the_bits_of_their_basis() -> None:
    detectors = (Detector(), Detector(efficiency=0.5), Detector(), Detector())
    uneven = with_receiver(BRIGHT, *detectors)
    clicks = OpticalLink(uneven, 15).advance(SEEDED_PULSES)
    of_key = int(np.sum(clicks.detector < 2))
    share = 1 / 1.5  # Alice's bits are even, errors move as many as they bring back, but for 1/3 e
    assert_share(int(np.sum(clicks.detector == 0)), of_key, share)
    found, _, _ = counts(OpticalLink(uneven, 16), SEEDED_PULSES)
    expected = bb84_in_window(uneven)
    assert expected.key.sifted_hz == pytest.approx(
        0.75 * bb84_in_window(with_receiver(BRIGHT)).key.sifted_hz, rel=1e-3
    )
    assert_share(found["key"][1], found["key"][0], bb84(uneven).key.qber)


@pytest.mark.parametrize("index", range(4))
def test_histogram_of_each_detector(index: int) -> None:
    skewed = tuple(Detector(delay_ps=1000 * place, jitter_ps=150.0) for place in range(4))
    link = with_receiver(BRIGHT, *skewed, bias=0.6)
    pulses = 4_000_000
    clicks = OpticalLink(link, 11).advance(pulses)
    phases = clicks.time_ps[clicks.detector == index] % 25_000
    found = np.histogram(phases, bins=125, range=(0, 25_000))[0]
    expected = profile(link, index).clicks.reshape(125, -1).sum(axis=1) * pulses
    chi2 = float(np.sum((found - expected) ** 2 / expected))
    assert chi2 < stats.chi2.isf(1e-6, 125)


def test_the_closed_form_and_the_profile_are_near() -> None:
    simple, whole = bb84_in_window(BB84), bb84(BB84)
    for one, other in ((simple.key, whole.key), (simple.test, whole.test)):
        assert one.sifted_hz == pytest.approx(other.sifted_hz, rel=0.01)
        assert one.qber == pytest.approx(other.qber, abs=5e-4)
    ideal = replace(BB84, receiver=bb84_receiver(Detector(dead_time_ps=0, dark_counts_hz=0)))
    assert bb84_in_window(ideal).key.qber == pytest.approx(0.0176, rel=1e-12)


def test_the_record_holds_the_bases_that_the_link_used(tmp_path: Path) -> None:
    link = preset("bb84").link(4, start_offset_pulses=9_000_003)
    statement = record_statement(link)
    assert (statement.protocol, statement.key_basis_probability) == ("bb84", 0.88)
    path = tmp_path / "alice.record"
    with RecordWriter(path, statement) as writer, RecordReader(path) as reader:
        for pulses in (1001, 400_000):
            link.advance(pulses)
            extend_record(writer, link)
            assert reader.refresh() == link.alice_pulse
        assert link.alice_bases is not None
        whole = link.alice_bases.packed(0, link.alice_pulse)
        assert np.array_equal(reader.packed_bases_view(), whole)
        assert np.array_equal(reader.packed_view(), link.alice_bits.packed(0, link.alice_pulse))
        ones = reader.key_basis_pulses(0, link.alice_pulse)
        assert_share(ones, link.alice_pulse, 0.88)


def test_bases_and_bits_are_independent() -> None:
    link = preset("bb84").link(5)
    assert link.alice_bases is not None
    pulses = 1_000_000
    bits = unpack_bits(link.alice_bits.packed(0, pulses), pulses)
    bases = unpack_bits(link.alice_bases.packed(0, pulses), pulses)
    assert_share(int(bits[bases == 1].sum()), int(bases.sum()), 0.5)
    assert_share(int((bases[1:] & bases[:-1]).sum()), pulses - 1, 0.88**2)


def test_a_public_pattern_is_not_for_bb84() -> None:
    with pytest.raises(ConfigurationError, match="leave --measurement out"):
        preset("bb84").link(1, measurement=True)
