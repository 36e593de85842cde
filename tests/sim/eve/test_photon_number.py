"""Photon-number splitting: no errors, the same rate, and the bits of the pairs."""

from dataclasses import replace
from pathlib import Path

import pytest
from tests.sim.eve.runs import assert_qber, assert_rate, assert_share, attacked, brighter

from hexkey_sim.eve.photon_number import forwarded_shares, known_share
from hexkey_sim.eve.usd import success_probability
from hexkey_sim.link.presets import preset

PAIRS = 0.24 * 0.188 / 2  # of pairs a photon, at the bright source


@pytest.mark.parametrize("loss_db", [0.0, 10.0, 18.0])
def test_bb84_knows_the_pairs_and_changes_nothing_else(loss_db: float, tmp_path: Path) -> None:
    chosen = brighter("bb84", channel_loss_db=loss_db)
    found = attacked(chosen, "photon-number-splitting", tmp_path, seconds=0.1 + loss_db / 30)
    for basis in (found.key, found.test):
        assert basis is not None
        assert_rate(basis, found.seconds)
        assert_qber(basis, found.seconds, basis.expected_qber)
    assert found.knowledge is not None
    (kept,) = found.knowledge.kinds
    known = known_share(chosen.parameters)
    assert known == pytest.approx(min(1.0, PAIRS * 10 ** (loss_db / 10)), rel=0.03)
    assert_share(kept.bits, found.knowledge.bits, known, slack=0.01 * known)
    assert kept.right >= 0.985 * kept.bits  # some she kept came while the modulator moved


def test_beyond_some_loss_no_single_photon_comes_through() -> None:
    near, far = (brighter("bb84", channel_loss_db=loss).parameters for loss in (10.0, 18.0))
    assert forwarded_shares(near)[0] == 1
    assert 0 < forwarded_shares(near)[1] < 0.1
    of_pairs, of_singles = forwarded_shares(far)
    assert of_singles == 0
    assert 0 < of_pairs < 1
    assert forwarded_shares(replace(near, g2=0.0))[1] == pytest.approx(0.1)


def test_bobs_own_pairs_are_gone(tmp_path: Path) -> None:
    # Without neighbouring pulses' late photons the honest link has pairs, and this one none.
    chosen = brighter("bb84", mean_photons=0.4, lifetime_ps=1000.0)
    found = attacked(chosen, "photon-number-splitting", tmp_path, seconds=0.02)
    honest = attacked(chosen, "intercept-resend:share=0", tmp_path / "honest", seconds=0.02)
    assert honest.cross_basis_hz > 5_000
    assert found.cross_basis_hz < 0.05 * honest.cross_basis_hz


def test_b92_gives_her_what_can_be_discriminated(tmp_path: Path) -> None:
    chosen = brighter("bench", channel_loss_db=10.0)
    found = attacked(chosen, "photon-number-splitting", tmp_path, seconds=0.4)
    assert_rate(found.key, found.seconds)
    assert_qber(found.key, found.seconds, found.key.expected_qber)
    assert found.knowledge is not None
    (kept,) = found.knowledge.kinds
    expected = PAIRS * 10 * success_probability(0.0, 0.7853981633974483)
    assert known_share(chosen.parameters) == pytest.approx(expected, rel=0.03)
    assert_share(kept.bits, found.knowledge.bits, expected, slack=0.03 * expected)
    assert kept.right >= 0.985 * kept.bits  # some she kept came while the modulator moved


def test_table_ii_is_all_pairs_only_at_28_db() -> None:
    table_ii = preset("bb84").parameters
    assert known_share(replace(table_ii, channel_loss_db=28.1)) == 1
    assert known_share(replace(table_ii, channel_loss_db=27.9)) < 1


def test_half_of_the_pulses_give_half_of_the_bits(tmp_path: Path) -> None:
    chosen = brighter("bb84", channel_loss_db=10.0)
    found = attacked(chosen, "photon-number-splitting:share=0.5", tmp_path, seconds=0.4)
    assert_rate(found.key, found.seconds)
    assert found.knowledge is not None
    (kept,) = found.knowledge.kinds
    known = 0.5 * known_share(chosen.parameters)
    assert_share(kept.bits, found.knowledge.bits, known, slack=0.01 * known)
