"""Efficient BB84 with a single-photon source: the key of a block from what was counted.

The form for real keys. Nothing is expected here but what Alice knows of her own source:

* The pulses of several photons among those sent in a basis are binomial; their upper bound is the
  exact quantile, at an upper bound of g² μ²/2 that was measured inside Alice.
* All of them are taken to have clicked, without errors: N_nmp = N − N̄_mp, φ = m_Z/N_nmp^Z.
* Behind a passive splitter, pulses of several photons *at Bob* are Eve's, too. Each of them clicks
  in both bases with a probability of at least 2 p (1 − p), so the cross clicks bound their number,
  by an exact quantile again; it is taken from the clicks of either basis (`hexkey.sift_bb84`).
* Errors of the key basis' single photons in the other basis are bounded by sampling without
  replacement, exactly (hypergeometric); no error at all needs no special case.
* Each of these k bounds, 3 or with a splitter 4, fails with at most P = ε̄², and together they cost
  2√(kP) of secrecy.

    l = N_nmp^X [1 − h(φ̄)] − leak − tag − 2 log2(1/(2 ε_PA)),   ε_sec = 2√k ε̄ + ε_PA

Where a block begins and ends is up to its clicks, and so to Eve, who knows the photon numbers of
pulses around its ends. `ranges` is how many stretches of pulses the block could have been; a bound
of the pulses sent holds for all of them at once when each fails with P/ranges.

Assumes: as `hexkey.keyrate.bb84_single`. Bob's basis does not depend on the pulse: by an active
choice, or behind a splitter for all pulses of one photon. With `bob_key_bias = bob_test_bias = 1`
nothing is assumed of it, at the price of more pulses for Eve.

Source: Tapşın et al., appendix, Eqs. 9–11, with observed counts; M. Tomamichel and A. Leverrier,
Quantum 1, 14 (2017), for 2√P; `hexkey.estimate` for the sampling bound; A. Mizutani, S. Kawakami
and G. Kato, arXiv:2511.21253, for a passive receiver's finite key from cross clicks.
"""

import math
from dataclasses import dataclass
from typing import Literal

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
        Upper bounds of the probabilities of Bob's bases.
    clicks, cross_clicks : int
        All pulses with a click, whatever the bases, and those that clicked in both of Bob's.
    splitter_upper : float
        Upper bound, at least 1/2, of the larger share of a passive splitter; 0 for an active choice
        of the basis.
    ranges : float
        See above; 1 for a block whose ends were fixed beforehand.
    """

    sent_key: int
    sent_test: int
    clicks_key: int
    clicks_test: int
    errors_test: int
    multiphoton_upper: float
    bob_key_bias: float = 1.0
    bob_test_bias: float = 1.0
    clicks: int = 0
    cross_clicks: int = 0
    splitter_upper: float = 0.0
    ranges: float = 1.0

    def __post_init__(self) -> None:
        domain.probability("multiphoton_upper", self.multiphoton_upper)
        domain.probability("bob_key_bias", self.bob_key_bias)
        domain.probability("bob_test_bias", self.bob_test_bias)
        domain.at_least_one("ranges", self.ranges)
        if self.splitter_upper:
            domain.within("splitter_upper", self.splitter_upper, 0.5, 1)
        for name, most in (
            ("sent_key", 10**15),
            ("sent_test", 10**15),
            ("clicks_key", self.sent_key),
            ("clicks_test", self.sent_test),
            ("errors_test", self.clicks_test),
            ("clicks", 10**15),
            ("cross_clicks", self.clicks),
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
    passive = block.splitter_upper > 0
    several = _several_at_bob(block, failure) if passive else 0
    single = block.clicks_key - several - _several_sent(block, "key", failure)
    test = block.clicks_test - several - _several_sent(block, "test", failure)
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
    secrecy = secrecy_of(smoothing, amplification, passive=passive)
    return ObservedKey(bits, "" if bits else reason, max(single, 0), phase, secrecy)


def secrecy_of(eps_smoothing: float, eps_pa: float, *, passive: bool) -> float:
    """Return the secrecy that the bounds of a key add up to."""
    return 2 * math.sqrt(4 if passive else 3) * eps_smoothing + eps_pa


def _several_sent(block: ObservedBlock, basis: Literal["key", "test"], failure: float) -> int:
    """Bound the sifted clicks of a basis that Alice sent with several photons."""
    sent, bias = {
        "key": (block.sent_key, block.bob_key_bias),
        "test": (block.sent_test, block.bob_test_bias),
    }[basis]
    return most_of(sent, block.multiphoton_upper * bias, failure / block.ranges)


def _several_at_bob(block: ObservedBlock, failure: float) -> int:
    """Bound the pulses with several photons at Bob."""
    crossing = 2 * block.splitter_upper * (1 - block.splitter_upper)
    return most_behind(block.cross_clicks, crossing, block.clicks, failure)


def most_behind(seen: int, probability: float, most: int, failure: float) -> int:
    """Return the largest m up to `most` with P[Bin(m, p) ≤ `seen`] ≥ `failure`, exactly.

    Of more than m trials, not even so many would be `seen`, but for that chance. p is rounded
    downwards.
    """
    share = max(0.0, float(np.nextafter(probability, 0)))
    admitted, excluded = seen, most + 1
    while excluded - admitted > 1:
        trial = (admitted + excluded) // 2
        if binomial_ppf(failure, trial, share) <= seen:
            admitted = trial
        else:
            excluded = trial
    return min(admitted, most)


def most_of(pulses: int, probability: float, failure: float) -> int:
    """Return m with P[Bin(pulses, p) > m] ≤ `failure`, exactly.

    Counted from the other side, where the level is a small number: the pulses that are *not* among
    them number at least F⁻¹(failure; pulses, 1 − p). 1 − p is rounded downwards.
    """
    if probability <= 0:
        return 0
    rest = max(0.0, float(np.nextafter(1 - probability, 0)))
    return pulses - binomial_ppf(failure, pulses, rest)
