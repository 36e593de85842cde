"""Intercept and resend: 25 % errors a share, and what she knows for it."""

from pathlib import Path

import pytest
from tests.sim.eve.runs import assert_qber, assert_rate, assert_share, attacked, brighter

from hexkey_sim.eve.intercept_resend import InterceptResend, with_errors, wrong_shares
from hexkey_sim.link.presets import preset


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_b92_pays_a_quarter_of_the_share_in_errors(share: float, tmp_path: Path) -> None:
    found = attacked(preset("bench"), f"intercept-resend:share={share}", tmp_path)
    assert_rate(found.key, found.seconds)
    assert_qber(found.key, found.seconds, with_errors(found.key.expected_qber, share / 4))
    assert found.knowledge is not None
    certain, likely = found.knowledge.kinds
    bits = found.knowledge.bits
    assert_share(certain.bits, bits, share / 4, slack=1e-3)  # dark counts are nobody's
    assert_share(likely.bits, bits, share * 3 / 4, slack=1e-3)
    assert certain.right >= 0.998 * certain.bits  # of light while the modulator moves
    assert_share(likely.right, likely.bits, 2 / 3, slack=1e-3)


@pytest.mark.parametrize(("share", "key"), [(0.3, 0.5), (1.0, 0.5), (0.6, 1.0), (1.0, 0.0)])
def test_bb84_pays_in_the_basis_that_she_does_not_measure(
    share: float, key: float, tmp_path: Path
) -> None:
    chosen = brighter("bb84")
    found = attacked(chosen, f"intercept-resend:share={share},key={key}", tmp_path)
    assert found.test is not None
    of_key, of_test = wrong_shares(InterceptResend(chosen.parameters, share, key))
    assert of_key == pytest.approx(share * (1 - key) / 2)
    assert of_test == pytest.approx(share * key / 2)
    for basis, wrong in ((found.key, of_key), (found.test, of_test)):
        assert_rate(basis, found.seconds)
        assert_qber(basis, found.seconds, with_errors(basis.expected_qber, wrong))
    assert found.knowledge is not None
    certain, likely = found.knowledge.kinds
    assert_share(certain.bits, found.knowledge.bits, share * key, slack=1e-3)
    assert certain.right >= 0.998 * certain.bits
    assert likely.bits == 0


def test_evenly_measured_bb84_has_25_percent_errors() -> None:
    eve = InterceptResend(preset("bb84").parameters)
    assert wrong_shares(eve) == (0.25, 0.25)
    assert with_errors(0.0, 0.25) == 0.25
