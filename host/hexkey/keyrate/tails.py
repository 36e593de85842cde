"""Bounds of counts, each with the direction in which it is safe and the ε with which it fails.

All are vectorised. The tests hold every one against the exact tail of the law it bounds; the one
that does not pass has it in its name.
"""

import numpy as np
from numpy.typing import ArrayLike

from hexkey.keyrate import domain
from hexkey.keyrate.domain import Array


def upper_count(expected: ArrayLike, eps: ArrayLike) -> Array:
    """Return a count that independent events of that expectation exceed with probability ≤ ε.

        N + Δᵁ,  Δᵁ = [β + √(8βN + β²)]/2,  β = −ln ε

    From multiplicative Chernoff, P[X ≥ (1+δ)N] ≤ exp(−δ²N/(2+δ)). In **counts**: the printed form,
    divided by 2N, is no bound.

    Source: Tapşın et al., appendix, below Eq. 8; C. L. Morrison et al., Nat.
    Commun. 14, 3573 (2023).
    """
    mean, beta = domain.non_negative("expected", expected), -np.log(domain.epsilon("eps", eps))
    return np.asarray(mean + (beta + np.sqrt(8 * beta * mean + beta**2)) / 2)


def lower_count(expected: ArrayLike, eps: ArrayLike) -> Array:
    """Return a count that independent events of that expectation fall below with probability ≤ ε.

    N − √(2βN), and 0 where that is negative: from P[X ≤ (1−δ)N] ≤ exp(−δ²N/2).
    """
    mean, beta = domain.non_negative("expected", expected), -np.log(domain.epsilon("eps", eps))
    return np.maximum(0, mean - np.sqrt(2 * beta * mean))


def upper_expectation(observed: ArrayLike, eps: ArrayLike) -> Array:
    """Return a bound that is below the expectation of what was counted with probability ≤ ε.

    n + β + √(2βn + β²): the largest N whose `lower_count` admits n.
    """
    count, beta = domain.non_negative("observed", observed), -np.log(domain.epsilon("eps", eps))
    return np.asarray(count + beta + np.sqrt(2 * beta * count + beta**2))


def lower_expectation(observed: ArrayLike, eps: ArrayLike) -> Array:
    """Return a bound that is above the expectation of what was counted with probability ≤ ε.

    n − β/2 − √(2βn + β²/4), as published. (The smallest N whose `upper_count` admits n has +β/2 in
    the place of −β/2: the published one is safe, and looser by β.)

    Source: H.-L. Yin et al., Sci. Rep. 10, 14312 (2020), for this and `upper_expectation`.
    """
    count, beta = domain.non_negative("observed", observed), -np.log(domain.epsilon("eps", eps))
    return np.maximum(0, count - beta / 2 - np.sqrt(2 * beta * count + beta**2 / 4))


def hoeffding_deviation(total: ArrayLike, eps: ArrayLike) -> Array:
    """Return √(n ln(1/ε)/2): what one class of n events deviates by, but for ε."""
    count, beta = domain.non_negative("total", total), -np.log(domain.epsilon("eps", eps))
    return np.asarray(np.sqrt(count * beta / 2))


def sampling_deviation_unproven(
    unseen: ArrayLike, sample: ArrayLike, observed: ArrayLike, eps: ArrayLike
) -> Array:
    """Return γᵁ: how far the share of errors in what was not sampled can be above that in a sample.

        γᵁ(n, k, λ, ε) = {(1−2λ)AG/(n+k) + √[A²G²/(n+k)² + 4λ(1−λ)G]} / {2 + 2A²G/(n+k)²}
        A = max(n, k),  G = (n+k)/(nk) ln[(n+k)/(2π nk λ(1−λ) ε²)]

    Symmetric in n and k. As printed it bounds the probability of one outcome of the sample, not of
    all that are as bad: against the exact law it fails with up to 50 ε (n = k = 2·10⁵, a quarter
    wrong). Called with ε² it fails with less than ε in all cases tried, and a sampling failure P
    enters secrecy as about 2√P anyway (M. Tomamichel and A. Leverrier, Quantum 1, 14 (2017)).
    Planning calls it with ε, as the paper does; keys are made with the exact bound of
    `hexkey.estimate`.

    Parameters
    ----------
    unseen, sample : array_like
        n and k, counts above 0; real numbers where they are expectations.
    observed : array_like
        λ, share of errors in the sample, from 0 to 1.
    eps : array_like
        ε.

    Returns
    -------
    float64 array, not negative, not above 1 − λ

    Notes
    -----
    λ = 0 is out of the formula's domain (G diverges). There the exact law is bounded instead: m
    errors among the n + k all miss the sample with at most (n/(n+k))^m, so m ≤ ln ε/ln(n/(n+k)).

    Source: Tapşın et al., Eq. 10; H.-L. Yin et al., Sci. Rep. 10, 14312 (2020).
    """
    n, k = domain.positive("unseen", unseen), domain.positive("sample", sample)
    rate, level = domain.probability("observed", observed), domain.epsilon("eps", eps)
    total = n + k
    seen = (rate * k > 0) & (rate < 1)
    inner = np.where(seen, rate, 0.5)
    log = np.log(total / (2 * np.pi * n * k * inner * (1 - inner))) - 2 * np.log(level)
    g = np.maximum(0, total / (n * k) * log)
    a = np.maximum(n, k) / total
    root = np.sqrt((a * g) ** 2 + 4 * inner * (1 - inner) * g)
    deviation = ((1 - 2 * inner) * a * g + root) / (2 + 2 * a**2 * g)
    none_seen = -np.log(level) / np.log1p(k / n) / n
    return np.clip(np.where(seen, deviation, none_seen), 0, 1 - rate)
