"""Efficient BB84 with a single-photon source: the key of a block from what was counted.

The form for real keys. Nothing is expected here but what Alice knows of her own source:

* The pulses of several photons among those sent in a basis are binomial; their upper bound is the
  exact quantile, at an upper bound of g² μ²/2 that was measured inside Alice.
* All of them are taken to have clicked, without errors: N_nmp = N − N̄_mp, φ = m_Z/N_nmp^Z.
* Errors of the key basis' single photons in the other basis are bounded by sampling without
  replacement, exactly (hypergeometric); no error at all needs no special case.
* Each of these three fails with at most P = ε̄², and together they cost 2√(3P) of secrecy.

    l = N_nmp^X [1 − h(φ̄)] − leak − tag − 2 log2(1/(2 ε_PA)),   ε_sec = 2√3 ε̄ + ε_PA

Assumes: as `hexkey.keyrate.bb84_single`. Bob's basis does not depend on the pulse: by an active
choice, or by the squashing of a passive receiver that was argued for elsewhere. With
`bob_key_bias = bob_test_bias = 1` nothing is assumed of it, at the price of more pulses for Eve.

Source: Tapşın et al., appendix, Eqs. 9–11, with observed counts; M. Tomamichel and A. Leverrier,
Quantum 1, 14 (2017), for 2√P; `hexkey.estimate` for the sampling bound.
"""

import math
from dataclasses import dataclass

import numpy as np

from hexkey.estimate import estimate_qber
from hexkey.keyrate import domain
from hexkey.keyrate.bb84_single import ALL_MULTIPHOTON, HALF_WRONG
from hexkey.keyrate.binomial import binomial_ppf
from hexkey.keyrate.entropy import binary_entropy
from hexkey.keyrate.outcome import COSTS


@dataclass(frozen=True, slots=True)
class ObservedBlock:
    """Counts of one block, and what is known of the source.

    Attributes
    ----------
    sent_key, sent_test : int
        Pulses that Alice sent in either basis: all emitted ones, those lost or held off too.
    clicks_key, clicks_test : int
        Sifted clicks, both in that basis.
    errors_test : int
        Wrong ones among `clicks_test`.
    multiphoton_upper : float
        Upper bound of the probability that a pulse has several photons.
    bob_key_bias, bob_test_bias : float
        Probabilities of Bob's bases.
    """

    sent_key: int
    sent_test: int
    clicks_key: int
    clicks_test: int
    errors_test: int
    multiphoton_upper: float
    bob_key_bias: float = 1.0
    bob_test_bias: float = 1.0

    def __post_init__(self) -> None:
        domain.probability("multiphoton_upper", self.multiphoton_upper)
        domain.probability("bob_key_bias", self.bob_key_bias)
        domain.probability("bob_test_bias", self.bob_test_bias)
        for name, most in (
            ("sent_key", 10**15),
            ("sent_test", 10**15),
            ("clicks_key", self.sent_key),
            ("clicks_test", self.sent_test),
            ("errors_test", self.clicks_test),
        ):
            if not 0 <= getattr(self, name) <= most:
                raise ValueError(f"{name} must be from 0 to {most}, not {getattr(self, name)!r}")


@dataclass(frozen=True, slots=True)
class ObservedKey:
    """Secret bits of a block (`reason` tells why 0), its bounds, and the secrecy they add up to."""

    bits: int
    reason: str
    single_lower: int
    phase_error_upper: float
    eps_secrecy: float


def key_length(
    block: ObservedBlock,
    leak_bits: float,
    verification_bits: float,
    eps_smoothing: float,
    eps_pa: float,
) -> ObservedKey:
    """Return the length of the key.

    Parameters
    ----------
    leak_bits : float
        Bits disclosed to correct errors, as counted.
    verification_bits : float
        Length of the verification tag. It reaches ε_cor by log2(degree/ε_cor) bits.
    eps_smoothing : float
        ε̄: each bound fails with probability at most ε̄².
    eps_pa : float
        Failure probability of privacy amplification.
    """
    smoothing = float(domain.epsilon("eps_smoothing", eps_smoothing))
    amplification = float(domain.epsilon("eps_pa", eps_pa))
    disclosed = float(domain.non_negative("leak_bits", leak_bits)) + float(
        domain.non_negative("verification_bits", verification_bits)
    )
    failure = smoothing**2
    shares = (
        block.multiphoton_upper * block.bob_key_bias,
        (block.multiphoton_upper * block.bob_test_bias),
    )
    single = block.clicks_key - most_of(block.sent_key, shares[0], failure)
    test = block.clicks_test - most_of(block.sent_test, shares[1], failure)
    phase = 0.5
    if single > 0 and test > 0:
        errors = min(block.errors_test, test)
        phase = min(0.5, estimate_qber(test, errors, single, failure).upper)
    length = max(single, 0) * (1 - binary_entropy(phase)) - disclosed
    length -= max(0.0, 2 * math.log2(1 / (2 * amplification)))
    bits = max(0, math.floor(length))
    reason = COSTS if phase < 0.5 else HALF_WRONG
    if single <= 0 or test <= 0:
        reason = ALL_MULTIPHOTON
    secrecy = 2 * math.sqrt(3) * smoothing + amplification
    return ObservedKey(bits, "" if bits else reason, max(single, 0), phase, secrecy)


def most_of(pulses: int, probability: float, failure: float) -> int:
    """Return m with P[Bin(pulses, p) > m] ≤ `failure`, exactly.

    Counted from the other side, where the level is a small number: the pulses that are *not* among
    them number at least F⁻¹(failure; pulses, 1 − p). 1 − p is rounded downwards.
    """
    if probability <= 0:
        return 0
    rest = max(0.0, float(np.nextafter(1 - probability, 0)))
    return pulses - binomial_ppf(failure, pulses, rest)
