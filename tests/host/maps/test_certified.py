"""The certified rates of a map: never above the bound at the gate's own QBER."""

import numpy as np
import pytest

from hexkey.errors import ConfigurationError
from hexkey.keyrate import b92_certified
from hexkey.maps.certified import STEP, certified_rate


def test_rounded_up_and_scaled(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def falling(qber: float, transmission: float) -> b92_certified.CertifiedRate:
        asked.append(qber)
        assert transmission == 0.8
        return b92_certified.CertifiedRate(max(0.0, 0.5 - 10 * qber), "", 1.0, 1.0, qber)

    monkeypatch.setattr(b92_certified, "asymptotic_collective_rate", falling)
    rate = certified_rate(0.8)
    sifted = np.array([[1_000, 1_000, 0], [4_000, 1_000, 1_000]])
    errors = np.array([[11, 12, 0], [44, 49, 300]])
    found = rate(sifted, errors, 2.0)
    up = np.array([[0.0125, 0.0125, np.inf], [0.0125, 0.05, np.inf]])
    np.testing.assert_allclose(found, np.maximum(0, 0.5 - 10 * up) * sifted / 2, atol=1e-9)
    assert asked == pytest.approx([0.0125, 0.05])  # each once, none above a zero
    rate(sifted, errors, 2.0)
    assert len(asked) == 2


def test_no_key_below_the_threshold_of_discrimination() -> None:
    rate = certified_rate(0.29)
    assert not rate(np.array([[1_000]]), np.array([[0]]), 1.0).any()


@pytest.mark.parametrize("transmission", [0.0, -1.0, 1.5, float("nan")])
def test_the_transmission_must_be_known(transmission: float) -> None:
    with pytest.raises(ConfigurationError, match="needs an untrusted transmission above 0"):
        certified_rate(transmission)


def test_against_the_bound_itself() -> None:
    found = certified_rate(0.9)(np.array([[10_000]]), np.array([[55]]), 1.0).item()
    bound = b92_certified.asymptotic_collective_rate(3 * STEP, 0.9).per_sifted
    assert found == pytest.approx(10_000 * bound)
    assert bound > 0
