"""B92 key lengths by the published equations. None of them is a security proof of B92.

Tapşın et al., "Secure Quantum Key Distribution Using a Room-Temperature Quantum Emitter",
appendix, Eqs. 2–8, in the one reading that is consistent: base-2 logarithms, n sifted bits.

    l    = n[1 − h(Q)] − L_EC − 2 log2(1/(2 ε_PA)) − log2(2/ε_cor)
    L_EC = n h(Q) + [n(1−Q) − F⁻¹(ε_cor; n, 1−Q)] log2((1−Q)/Q) − ½ log2 n − log2(1/ε_cor)

The term n[1 − h(Q)] takes B92's two states for complementary measurements (quality factor q = 1 in
Eq. 3), which they are not. A certified bound against collective attacks on single photons gives
0.0915 bit per sifted bit at Q = 6.49 % with trusted loss, where this gives 0.3068, and none at all
below a transmission of `USD_THRESHOLD_TRANSMISSION`. So every length here carries ``unproven`` in
its name, and keys of these lengths are demonstrations.
"""

import math
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hexkey.keyrate.binomial import binomial_ppf, binomial_ppf_array
from hexkey.keyrate.entropy import binary_entropy

PLANNED_EFFICIENCY = 1.16  # f_EC of Table II: what a real code is expected to leak, over n h(Q)

USD_THRESHOLD_TRANSMISSION = 1 - 1 / math.sqrt(2)
"""Untrusted transmission below which B92 has no key at any QBER: unambiguous discrimination of the
two states, at 45° in polarisation, succeeds with probability 1 − 1/√2, and Eve blocks the rest."""

Leak = Literal["eq7", "conservative"]


def leak_eq7(n: int, qber: float, eps_cor: float) -> float:
    """Return Eq. 7: bits that one-way reconciliation of n bits leaks at least.

    A lower bound on any one-way code at failure probability `eps_cor`, not what a given code
    leaks. The printed formula falls below n h(Q), and to no number at Q = 0, where its constant
    terms win (for 10⁴ bits and ε = 1e-15: Q up to about 1e-12, or from 0.48 on). There n h(Q) is
    returned, which is taken as n for Q ≥ 1/2.

    Raises
    ------
    ValueError
        If an argument is out of its range: n < 0, Q outside [0, 1], ε outside (0, 1).

    References
    ----------
    Tapşın et al., Eq. 7, after Tomamichel, Martinez-Mateo, Pacher and Elkouss, Quantum Information
    Processing 16, 280 (2017).
    """
    return _leak(n, qber, eps_cor, eps_quantile=eps_cor, offset=0)


def leak_eq7_array(n: ArrayLike, qber: ArrayLike, eps_cor: ArrayLike) -> NDArray[np.float64]:
    """Return `leak_eq7` of every triple.

    Parameters
    ----------
    n : int or array of ints
        Bits reconciled, up to 1e15. The three are broadcast against each other.
    qber, eps_cor : float or array of floats

    Returns
    -------
    float64 array of the common shape, in bits

    Raises
    ------
    ValueError
        As `leak_eq7`, or if the shapes do not fit.
    TypeError
        If `n` is not of integers.
    """
    rates, epsilons = np.asarray(qber, np.float64), np.asarray(eps_cor, np.float64)
    if not np.all((rates >= 0) & (rates <= 1)):
        raise ValueError("qber must be from 0 to 1")
    if not np.all((epsilons > 0) & (epsilons < 1)):
        raise ValueError("eps_cor must be between 0 and 1")
    bits = np.asarray(n)
    shannon = bits * binary_entropy(np.minimum(rates, 0.5))
    quantile = binomial_ppf_array(epsilons, bits, 1 - rates)
    printed = (bits > 0) & (rates > 0) & (rates < 0.5)  # elsewhere n h(Q) is the answer
    safe_bits, safe_rates = np.where(printed, bits, 1), np.where(printed, rates, 0.25)
    log_odds = np.log2(1 - safe_rates) - np.log2(safe_rates)
    deviation = bits * (1 - rates) - quantile
    leak = shannon + deviation * log_odds - np.log2(safe_bits) / 2 - np.log2(1 / epsilons)
    return np.where(printed, np.maximum(leak, shannon), shannon)


def leak_eq7_tm(n: int, qber: float, eps_cor: float) -> float:
    """Return Eq. 7 as in its source: −1 in the bracket, F⁻¹ at ε_cor (1 + 1/√n).

    Clamped and refused as `leak_eq7`.

    References
    ----------
    Tomamichel, Martinez-Mateo, Pacher and Elkouss, Quantum Information Processing 16, 280 (2017).
    """
    eps_quantile = eps_cor * (1 + 1 / math.sqrt(n)) if n > 0 else eps_cor
    return _leak(n, qber, eps_cor, eps_quantile=min(eps_quantile, 1.0), offset=-1)


def _leak(n: int, qber: float, eps_cor: float, eps_quantile: float, offset: int) -> float:
    _require_block(n, qber)
    _require_epsilon("eps_cor", eps_cor)
    shannon = n * _entropy_of_errors(qber)
    if n == 0 or qber == 0 or qber >= 0.5:
        return shannon
    deviation = n * (1 - qber) - binomial_ppf(eps_quantile, n, 1 - qber) + offset
    log_odds = math.log2(1 - qber) - math.log2(qber)  # the ratio could overflow
    leak = shannon + deviation * log_odds - math.log2(n) / 2 - math.log2(1 / eps_cor)
    return max(leak, shannon)


def key_length_unproven(
    n: int,
    qber: float,
    leak_bits: float,
    eps_pa: float,
    eps_cor: float,
    verification_bits: int | None = None,
) -> int:
    """Return the length, in bits, of the key of one block: Eqs. 5, 6 and 8. Not a B92 proof.

    Parameters
    ----------
    n : int
        Sifted bits that enter reconciliation.
    qber : float
        Q that stands for Eve's information; give an upper bound. From 1/2 on there is no key.
    leak_bits : float
        Bits disclosed, as counted: parities, syndromes, failed attempts.
    eps_pa, eps_cor : float
        Failure probabilities of privacy amplification and of correctness.
    verification_bits : int, optional
        Length of the verification tag that was sent. It replaces the term log2(2/ε_cor); that ε_cor
        is reached is then the business of the tag (log2(degree/ε_cor) bits for a polynomial hash).

    Returns
    -------
    int
        Rounded down, never negative.

    Raises
    ------
    ValueError
        If an argument is out of its range.
    """
    length = _length(n, qber, leak_bits, eps_pa, eps_cor, verification_bits)
    return math.floor(length)


def key_length_planned_unproven(
    n: int, qber: float, eps_pa: float, eps_cor: float, leak: Leak = "eq7"
) -> float:
    """Return the bits expected of a block before it is measured: Eqs. 5, 7 and 8. Not a B92 proof.

    Parameters
    ----------
    n : int
        Sifted bits.
    qber : float
        Expected Q.
    eps_pa, eps_cor : float
        Failure probabilities of privacy amplification and of correctness.
    leak : "eq7" or "conservative"
        Eq. 7, which no code beats; or the larger of that and `PLANNED_EFFICIENCY` n h(Q), which
        a real code reaches.

    Returns
    -------
    float
        Not rounded, never negative.

    Raises
    ------
    ValueError
        If an argument is out of its range.
    """
    leak_bits = leak_eq7(n, qber, eps_cor)
    if leak == "conservative":
        leak_bits = max(leak_bits, PLANNED_EFFICIENCY * n * _entropy_of_errors(qber))
    elif leak != "eq7":
        raise ValueError(f"leak must be 'eq7' or 'conservative', not {leak!r}")
    return _length(n, qber, leak_bits, eps_pa, eps_cor, None)


def asymptotic_fraction_unproven(qber: float) -> float:
    """Return 1 − 2h(Q), key bits per sifted bit of an endless block. Not a B92 proof.

    Negative where there is no key: from 11.0 % up to 1/2, and −1 from there on.

    Raises
    ------
    ValueError
        If `qber` is not within [0, 1].
    """
    return 1 - 2 * _entropy_of_errors(qber)


def _length(
    n: int,
    qber: float,
    leak_bits: float,
    eps_pa: float,
    eps_cor: float,
    verification_bits: int | None,
) -> float:
    _require_block(n, qber)
    _require_epsilon("eps_pa", eps_pa)
    _require_epsilon("eps_cor", eps_cor)
    if not (leak_bits >= 0 and (verification_bits is None or verification_bits >= 0)):
        raise ValueError(f"disclosed bits must be ≥ 0, not {leak_bits!r}, {verification_bits!r}")
    amplification = 2 * math.log2(1 / (2 * eps_pa))
    verification = math.log2(2 / eps_cor) if verification_bits is None else verification_bits
    ignorance = n * (1 - _entropy_of_errors(qber))
    return max(0.0, ignorance - leak_bits - max(0.0, amplification) - verification)


def _entropy_of_errors(qber: float) -> float:
    """h(Q), and 1 from Q = 1/2 on: strings that disagree mostly are no better than unrelated ones.

    Without this a swapped pair of detectors, Q near 1, would look like a nearly perfect key.
    """
    return binary_entropy(min(qber, 0.5))


def _require_block(n: int, qber: float) -> None:
    if n < 0:
        raise ValueError(f"n must be ≥ 0, not {n!r}")
    if not 0 <= qber <= 1:
        raise ValueError(f"qber must be from 0 to 1, not {qber!r}")


def _require_epsilon(name: str, value: float) -> None:
    if not 0 < value < 1:
        raise ValueError(f"{name} must be between 0 and 1, not {value!r}")
