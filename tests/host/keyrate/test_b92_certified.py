"""The certified B92 bound: the table of the theory, exact attacks, thresholds, and its checking."""

import math
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest

from hexkey.keyrate.b92_certified import (
    NO_SIFTED,
    asymptotic_collective_rate,
    asymptotic_collective_rate_of,
)
from hexkey.keyrate.b92_receiver import TrustedReceiver
from hexkey.keyrate.certificate import (
    Constraint,
    _is_positive,
    _least_shift,
    certified_bound,
)
from hexkey.keyrate.entropy import binary_entropy

TWO = TrustedReceiver("two detectors")


@pytest.mark.parametrize(
    ("qber", "transmission", "rate"),
    [
        (0.0, 1.0, 1.0),
        (0.02, 1.0, 0.516),
        (0.04, 1.0, 0.276),
        (0.06, 1.0, 0.122),
        (0.0649, 1.0, 0.0915),
        (0.0649, 0.42, 0.0),
        (0.0, 0.60, 0.421),
        (0.0, 0.42, 0.1365),
        (0.0, 0.35, 0.039),
        (0.0, 0.2929, 0.0),
    ],
)
def test_the_table(qber: float, transmission: float, rate: float) -> None:
    found = asymptotic_collective_rate(qber, transmission)
    assert found.per_sifted == pytest.approx(rate, abs=5.1e-4)
    assert bool(found.reason) is (found.per_sifted == 0)


@pytest.mark.parametrize("transmission", [0.3, 0.8])
def test_without_errors_the_best_attack_is_known(transmission: float) -> None:
    """Eve keeps what the loss lets her tell apart: the overlap of her states is fixed."""
    overlap = 1 / math.sqrt(2)
    kept = (overlap - 1 + transmission) / (transmission * overlap)
    exact = 1 - binary_entropy((1 + kept) / 2)
    found = asymptotic_collective_rate(0.0, transmission).per_sifted
    assert exact - 2e-4 < found <= exact


def test_the_bound_is_below_the_attack_and_near_it() -> None:
    found = asymptotic_collective_rate(0.05, 0.8)
    assert 0 <= found.attack_per_sifted - found.unknown_per_sifted < 1e-4


def test_rates_fall_with_errors_and_untrusted_loss() -> None:
    by_errors = [asymptotic_collective_rate(q, 0.9).per_sifted for q in (0.0, 0.02, 0.09)]
    by_loss = [asymptotic_collective_rate(0.01, t).per_sifted for t in (0.8, 0.6, 0.3)]
    for rates in (by_errors, by_loss):
        assert all(a > b - 1e-5 for a, b in pairwise(rates))


def test_what_is_trusted() -> None:
    plain = asymptotic_collective_rate(0.0649).per_sifted
    lossy = asymptotic_collective_rate(0.0649, receiver=TrustedReceiver(efficiency=0.42))
    assert lossy.per_sifted == pytest.approx(plain, abs=2e-5)
    aligned = asymptotic_collective_rate(0.0649, receiver=TrustedReceiver(misalignment=0.0176))
    assert aligned.per_sifted > plain + 0.1
    assert asymptotic_collective_rate(0.0649, receiver=TWO).per_sifted < plain
    assert asymptotic_collective_rate(0.0, 0.29, TWO).per_sifted == 0


def test_pulses_of_several_photons_are_eves() -> None:
    rates = [asymptotic_collective_rate(0.02, multiphoton=m).per_sifted for m in (0, 1e-2)]
    assert rates[0] > rates[1] > 0
    none = asymptotic_collective_rate(0.02, 0.01, multiphoton=0.5)
    assert (none.per_sifted, none.reason) == (0, NO_SIFTED)


def test_statistics_that_cannot_be_are_refused() -> None:
    with pytest.raises(ValueError, match=r"qber must be from 0.0 to 0.4, not 0\.5"):
        asymptotic_collective_rate(0.5)
    with pytest.raises(ValueError, match="transmission"):
        asymptotic_collective_rate(0.0, math.nan)
    with pytest.raises(ValueError, match="2 × 4"):
        asymptotic_collective_rate_of([[0.1, 0.1], [0.1, 0.1]])
    with pytest.raises(ValueError, match="kind must be one of"):
        TrustedReceiver("one detector")  # type: ignore[arg-type]


KRAUS = np.eye(2)
TRACE = Constraint(np.eye(2), 1.0, 1.0)
COHERENCE = Constraint(np.array([[0.0, 0.5], [0.5, 0.0]]), 0.3, 0.3)


def test_a_bad_proposal_gives_a_low_bound_never_a_wrong_one() -> None:
    """A bit of coherence 0.3 with the even diagonal: D = 1 − h(0.8)."""
    balance = Constraint(np.diag([1.0, 0.0]), 0.5, 0.5)
    exact = 1 - binary_entropy(0.8)
    constraints = [TRACE, COHERENCE, balance]
    slope = 2 * math.log2(0.8 / 0.2)
    good = [0.5 * math.log2(0.8 * 0.2) + 1, slope / 2, 0.0]
    point = np.array([[0.5, 0.3], [0.3, 0.5]])
    best = certified_bound(KRAUS, 1, point, constraints, good)
    assert exact - 1e-9 < best <= exact
    random = np.random.default_rng(5)
    for _ in range(50):
        proposal = (np.array(good) + random.normal(0, 1, 3)).tolist()
        wrong_point = point + random.uniform(-0.15, 0.15) * np.eye(2)[::-1]
        assert certified_bound(KRAUS, 1, wrong_point, constraints, proposal) <= exact


def test_positivity_is_decided_exactly_not_by_rounded_eigenvalues() -> None:
    tiny = Fraction(1, 2**80)
    almost = [[Fraction(1), Fraction(1)], [Fraction(1), 1 - tiny]]
    assert not _is_positive(almost, Fraction(0))
    assert _is_positive(almost, tiny)
    shift = _least_shift([[Fraction(0), Fraction(1)], [Fraction(1), Fraction(0)]])
    assert 1 < shift < 1 + Fraction(1, 10**12)


def test_a_point_without_a_logarithm_is_refused() -> None:
    with pytest.raises(ValueError, match="positive definite"):
        certified_bound(KRAUS, 1, np.full((2, 2), 0.5), [TRACE], [0.0])
