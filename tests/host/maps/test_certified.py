"""The certified rates of a map: never above the bound at the gate's own QBER."""

import math

import numpy as np
import pytest

from hexkey.errors import ConfigurationError
from hexkey.keyrate import b92_certified
from hexkey.keyrate.entropy import binary_entropy
from hexkey.maps.certified import STEP, certified_rate

LEFT_BY_THE_ATTACK = 1e-5  # more than is proven


def leaving(qber: float) -> float:
    """A convex curve of what is left of a sifted bit."""
    return 0.5 - 6 * qber + 10 * qber**2


def test_on_the_line_through_the_next_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def curve(qber: float, transmission: float) -> b92_certified.CertifiedRate:
        asked.append(qber)
        assert transmission == 0.8
        unknown = leaving(qber) + binary_entropy(qber)
        attack = unknown + LEFT_BY_THE_ATTACK
        return b92_certified.CertifiedRate(max(0.0, leaving(qber)), "", unknown, attack, qber)

    monkeypatch.setattr(b92_certified, "asymptotic_collective_rate", curve)
    rate = certified_rate(0.8)
    sifted = np.array([[1_000, 1_000, 0], [4_000, 1_000, 1_000]])
    errors = np.array([[11, 12, 0], [50, 121, 300]])
    found = rate(sifted, errors, 2.0) * 2 / np.maximum(sifted, 1)
    first, then = leaving(0.0125), leaving(0.015) + LEFT_BY_THE_ATTACK
    expected = [first + (first - then) * (1 - part) for part in (0.4, 0.8)]
    assert found[0].tolist() == pytest.approx([*expected, 0.0], abs=1e-12)
    assert found[1, 0] == pytest.approx(leaving(0.0125), abs=1e-12)  # on a step: as it is
    for place, qber in {(0, 0): 0.011, (0, 1): 0.012, (1, 0): 0.0125}.items():
        assert (
            leaving(qber) - 3 * LEFT_BY_THE_ATTACK - 20 * STEP**2
            < found[place]
            <= leaving(qber) + 1e-12
        )
    assert found[1, 1] == 0
    # Where none is left at a step, no later one is asked for.
    assert asked == pytest.approx([0.0125, 0.015, 0.1225, 0.125])
    rate(sifted, errors, 2.0)
    assert len(asked) == 4  # each once


def test_an_attack_below_the_proven_does_not_raise_the_rate(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The attack is as exact as the solver: what is proven at a step is left there at least."""

    def curve(qber: float, transmission: float) -> b92_certified.CertifiedRate:
        unknown = 0.4 - qber + binary_entropy(qber)
        return b92_certified.CertifiedRate(0.4 - qber, "", unknown, unknown - 0.1, qber)

    monkeypatch.setattr(b92_certified, "asymptotic_collective_rate", curve)
    found = certified_rate(0.8)(np.array([[1_000]]), np.array([[11]]), 1.0).item()
    assert found == pytest.approx(1_000 * (0.4 - 0.011))


@pytest.mark.parametrize(
    ("transmission", "errors"),
    [(0.29, 0), (0.8, 401)],  # discrimination without error; more than the bound is defined for
)
def test_where_no_key_can_be_the_bound_is_not_asked(
    transmission: float, errors: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(b92_certified, "asymptotic_collective_rate", None)
    rate = certified_rate(transmission)
    assert not rate(np.array([[1_000]]), np.array([[errors]]), 1.0).any()


@pytest.mark.parametrize("transmission", [0.0, -1.0, 1.5, math.nan])
def test_the_transmission_must_be_known(transmission: float) -> None:
    with pytest.raises(ConfigurationError, match="needs --untrusted-transmission, above 0"):
        certified_rate(transmission)


def test_against_the_bound_itself() -> None:
    """At a QBER between two steps, and on one."""
    sifted, errors = np.array([[100_000, 100_000]]), np.array([[600, 750]])
    found = certified_rate(0.9)(sifted, errors, 1.0)[0] / 100_000
    between, on = (
        b92_certified.asymptotic_collective_rate(q, 0.9).per_sifted for q in (0.006, 0.0075)
    )
    assert found[1] == pytest.approx(on, abs=1e-12)
    assert on < found[0] <= between
    assert between - found[0] < 0.15 * (between - on)
