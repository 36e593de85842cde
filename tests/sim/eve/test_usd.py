"""Unambiguous state discrimination: the measurement, and B92 behind it."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.sim.eve.runs import assert_qber, assert_rate, assert_share, attacked, brighter

from hexkey.errors import ConfigurationError
from hexkey.keyrate.b92 import USD_THRESHOLD_TRANSMISSION
from hexkey_sim.eve.specification import parse_eve
from hexkey_sim.eve.unambiguous import UnambiguousDiscrimination, forwarded_share, kept_rate
from hexkey_sim.eve.usd import INCONCLUSIVE, discriminate, success_probability
from hexkey_sim.link.presets import preset

V, D = np.pi / 2, np.pi / 4


def test_success_is_that_of_the_best_measurement() -> None:
    assert success_probability(V, D) == pytest.approx(1 - 1 / np.sqrt(2), rel=1e-12)
    assert success_probability(V, D) == pytest.approx(USD_THRESHOLD_TRANSMISSION, rel=1e-12)
    assert success_probability(0, np.pi / 2) == pytest.approx(1)
    assert success_probability(V, V) == pytest.approx(0)


@pytest.mark.parametrize("state", [0, 1])
def test_discrimination_never_errs(state: int) -> None:
    states, photons = np.array([V, D]), 200_000
    found = discriminate(np.full(photons, states[state]), states, np.random.default_rng(2))
    assert set(found.tolist()) == {state, INCONCLUSIVE}
    assert_share(int(np.sum(found == state)), photons, 1 - 1 / np.sqrt(2))


def test_beyond_the_threshold_rate_and_errors_stay_and_she_knows_every_bit(tmp_path: Path) -> None:
    lossy = brighter("bench", channel_loss_db=6.0)  # 0.25 < 0.293
    found = attacked(lossy, "usd", tmp_path, seconds=0.5)
    assert_rate(found.key, found.seconds)
    assert_qber(found.key, found.seconds, found.key.expected_qber)
    assert found.knowledge is not None
    (guesses,) = found.knowledge.kinds
    assert guesses.bits >= 0.99 * found.knowledge.bits  # all but dark counts
    assert guesses.right >= 0.998 * guesses.bits
    assert found.knowledge.information > 0.97


def test_short_of_the_threshold_the_rate_tells(tmp_path: Path) -> None:
    chosen = preset("table-ii")
    eve = UnambiguousDiscrimination(chosen.parameters)
    # Pairs are known more often than single photons, so it is a little more than 0.293.
    assert kept_rate(eve) == pytest.approx(USD_THRESHOLD_TRANSMISSION, rel=0.01)
    found = attacked(chosen, "usd", tmp_path, seconds=2.0)
    assert_rate(found.key, found.seconds, kept_rate(eve))


def test_bright_pulses_keep_the_rate_without_loss_and_make_double_clicks(tmp_path: Path) -> None:
    chosen = preset("bench")
    eve = UnambiguousDiscrimination(chosen.parameters, photons=20)
    assert kept_rate(eve) > 1
    found = attacked(chosen, "usd:photons=20", tmp_path)
    honest = attacked(chosen, "usd:share=0", tmp_path / "honest")
    assert honest.knowledge is not None
    assert honest.knowledge.kinds[0].bits == 0
    assert_rate(honest.key, honest.seconds)
    singles = found.key.sifted_hz + found.same_basis_hz
    assert singles == pytest.approx(found.key.expected_sifted_hz, rel=0.05)
    assert found.same_basis_hz > 20 * honest.same_basis_hz
    assert found.knowledge is not None
    assert found.knowledge.information > 0.97


def test_a_perfect_receiver_is_outdone_without_loss() -> None:
    perfect = replace(preset("bench").parameters, receiver_efficiency=1.0)
    assert kept_rate(UnambiguousDiscrimination(perfect, photons=1000)) > 1
    assert forwarded_share(UnambiguousDiscrimination(perfect, photons=1000)) < 1


def test_half_of_the_pulses(tmp_path: Path) -> None:
    lossy = brighter("bench", channel_loss_db=6.0)
    found = attacked(lossy, "usd:share=0.5", tmp_path, seconds=0.5)
    assert_rate(found.key, found.seconds)
    assert found.knowledge is not None
    # Of a pair both photons are attacked or neither.
    assert_share(found.knowledge.kinds[0].bits, found.knowledge.bits, 0.5, slack=3e-3)


def test_bb84_has_nothing_to_discriminate() -> None:
    with pytest.raises(ConfigurationError, match="usd is for B92"):
        parse_eve("usd", preset("bb84"))
