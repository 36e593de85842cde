"""The error rate of a sifted block, estimated from disclosed bits.

Alice and Bob compare a random sample and discard it; what counts is the error rate of the bits
that *remain*. Drawing without replacement from a finite block makes the number of errors in the
sample hypergeometric whatever the errors in the block are, so the bounds below assume nothing
about independence.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainccinv, betaincinv, gammaln

from hexkey._native import ffi, lib


@dataclass(frozen=True, slots=True)
class Estimate:
    """Error rate of the bits that remain after a sample was disclosed.

    Attributes
    ----------
    sample_bits, errors : int
        Size of the sample and errors in it.
    qber : float
        errors / sample_bits.
    lower, upper : float
        Bounds on the error rate of the remaining bits. Each alone fails with probability at most
        `confidence_epsilon`, over the choice of the sample, for every block.
    remaining : int
        Bits of the block that were not disclosed.
    confidence_epsilon : float
        See `lower`, `upper`.
    """

    sample_bits: int
    errors: int
    qber: float
    lower: float
    upper: float
    remaining: int
    confidence_epsilon: float


def estimate_qber(
    sample_bits: int, errors: int, remaining: int, confidence_epsilon: float
) -> Estimate:
    """Bound the error rate of the remaining bits from a uniformly random sample.

    A number of errors in the block is excluded when a sample as good as the observed one had a
    probability of at most `confidence_epsilon`; the bound is the largest number not excluded. Zero
    observed errors need no special case. A bound that fails with probability P enters the
    secrecy of a key as about 2√P: for a secret key call this with ε².

    Raises
    ------
    ValueError
        If the sample or the remainder is empty, errors are not within the sample, or
        `confidence_epsilon` is not between 0 and 1.

    References
    ----------
    H. S. Konijn, "Statistical Theory of Sample Survey Design and Analysis" (1973); W. Wang, "Exact
    optimal confidence intervals for hypergeometric parameters", JASA 110, 1491 (2015): inversion of
    the one-sided hypergeometric test. M. Tomamichel and A. Leverrier, Quantum 1, 14 (2017): 2√P.
    """
    _require_sample(sample_bits, errors, confidence_epsilon)
    if remaining < 1:
        raise ValueError(f"remaining must be at least 1, not {remaining}")
    correct = sample_bits - errors
    most_errors = _most_remaining(sample_bits, errors, remaining, confidence_epsilon)
    most_correct = _most_remaining(sample_bits, correct, remaining, confidence_epsilon)
    return Estimate(
        sample_bits=sample_bits,
        errors=errors,
        qber=errors / sample_bits,
        lower=(remaining - most_correct) / remaining,
        upper=most_errors / remaining,
        remaining=remaining,
        confidence_epsilon=confidence_epsilon,
    )


def upper_bounds(
    sample_bits: NDArray[np.int64],
    errors: NDArray[np.int64],
    remaining: NDArray[np.int64],
    confidence_epsilon: float,
) -> NDArray[np.float64]:
    """Return `estimate_qber(...).upper` of each of many blocks at once.

    Parameters
    ----------
    sample_bits, errors, remaining : (n,) int64
        Of each block, as for `estimate_qber`.
    confidence_epsilon : float

    Raises
    ------
    ValueError
        As `estimate_qber`, if that holds for any of them.
    """
    if not 0 < confidence_epsilon < 1:
        raise ValueError(f"epsilon must be between 0 and 1, not {confidence_epsilon!r}")
    if np.any((remaining < 1) | (errors < 0) | (errors > sample_bits) | (sample_bits < 1)):
        raise ValueError("each block must have a sample, errors within it, and bits that remain")
    population = sample_bits + remaining
    log_epsilon = math.log(confidence_epsilon) - _log_error(population)
    admitted, excluded = np.zeros_like(remaining), remaining + 1
    open_ = np.arange(len(remaining))
    while len(open_):
        trial = (admitted[open_] + excluded[open_]) // 2
        log = _log_at_most_each(
            errors[open_], sample_bits[open_], errors[open_] + trial, population[open_]
        )
        more = log > log_epsilon[open_]
        admitted[open_[more]], excluded[open_[~more]] = trial[more], trial[~more]
        open_ = open_[excluded[open_] - admitted[open_] > 1]
    return np.asarray(admitted / remaining)


def part_sample(
    bits: NDArray[np.uint8], chosen: NDArray[np.uint8]
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return the bits to disclose and those that remain, each in order.

    Parameters
    ----------
    bits, chosen : (n,) uint8
        A bit is disclosed where `chosen` is not 0.
    """
    count = int(np.count_nonzero(chosen))
    sample, rest = np.empty(count, np.uint8), np.empty(len(bits) - count, np.uint8)
    arrays = (np.ascontiguousarray(chosen), np.ascontiguousarray(bits), sample, rest)
    which, of, out, left = (ffi.from_buffer("uint8_t[]", array) for array in arrays)
    lib.hexkey_sample_part(len(bits), which, of, out, left)
    return sample, rest


def clopper_pearson(sample_bits: int, errors: int, epsilon: float) -> tuple[float, float]:
    """Return the Clopper–Pearson interval of an error probability, for display.

    It is for independent errors of one probability and says nothing of the remaining bits of a
    block; keys are made with `estimate_qber`. Each end fails with probability at most `epsilon`.

    Raises
    ------
    ValueError
        If the sample is empty, errors are not within it, or `epsilon` is not between 0 and 1.

    References
    ----------
    C. J. Clopper and E. S. Pearson, Biometrika 26, 404 (1934).
    """
    _require_sample(sample_bits, errors, epsilon)
    correct = sample_bits - errors
    lower = float(betaincinv(errors, correct + 1, epsilon)) if errors else 0.0
    upper = float(betainccinv(errors + 1, correct, epsilon)) if correct else 1.0
    return lower, upper


def _most_remaining(sample: int, seen: int, remaining: int, epsilon: float) -> int:
    """Largest number of marked bits among the remaining that the test at `epsilon` admits.

    P[at most `seen` in the sample] falls as the block holds more, so bisection finds the edge.
    `admitted` is never excluded: with none left over, at most `seen` in the sample is certain.
    The first trials close in on the edge from where a binomial law has it.
    """
    log_epsilon = math.log(epsilon) - _log_error(sample + remaining)

    def admits(trial: int) -> bool:
        return bool(_log_at_most(seen, sample, seen + trial, sample + remaining) > log_epsilon)

    admitted, excluded = 0, remaining + 1
    edge, step = remaining, 1 + remaining // 10_000
    if seen < sample and (share := betainccinv(seen + 1, sample - seen, epsilon)) <= 1:  # no NaN
        edge = int(remaining * share)
    while admitted < edge < excluded and step < remaining:
        if admits(edge):
            admitted, edge = edge, edge + step
        else:
            excluded, edge = edge, edge - step
        if admitted and excluded <= remaining:
            break
        step *= 4
    while excluded - admitted > 1:
        trial = (admitted + excluded) // 2
        if admits(trial):
            admitted = trial
        else:
            excluded = trial
    return admitted


def _log_error(population: Any) -> Any:
    """Bound of the error of `_log_at_most`: each admitted number is admitted rightly or in excess.

    Nine logarithms of factorials, each below N ln N and good to 8 ulp, and N ratios.
    """
    largest = population * np.log(population + 1.0)
    return float(np.finfo(np.float64).eps) * (100 * largest + 10 * population + 1000)


def _log_at_most(seen: int, sample: int, marked: int, population: int) -> float:
    """Natural log of P[X ≤ seen], X marked bits in a sample without replacement.

    From the last term, which is possible (marked ≥ seen), downwards by exact ratios.
    """
    unmarked = population - marked
    last = (
        _log_choose(marked, seen)
        + _log_choose(unmarked, sample - seen)
        - _log_choose(population, sample)
    )
    i = np.arange(seen, max(0, sample - unmarked), -1, dtype=np.float64)
    ratios = i * (unmarked - sample + i) / ((marked - i + 1) * (sample - i + 1))
    with np.errstate(over="ignore"):  # beyond the mode: inf, which is far above any epsilon
        total = float(np.sum(np.cumprod(ratios)))
    return float(last + math.log1p(total))


def _log_at_most_each(
    seen: NDArray[np.int64],
    sample: NDArray[np.int64],
    marked: NDArray[np.int64],
    population: NDArray[np.int64],
) -> NDArray[np.float64]:
    """`_log_at_most` of each: term by term until no sum changes any more."""
    unmarked = population - marked
    last = (
        _log_choose(marked, seen)
        + _log_choose(unmarked, sample - seen)
        - _log_choose(population, sample)
    )
    term, total = np.ones(len(seen)), np.ones(len(seen))
    # Indices as floats: a product of two of them may exceed 64 bits.
    i, others = seen.astype(np.float64), (unmarked - sample).astype(np.float64)
    left, undrawn = (marked - seen + 1).astype(np.float64), (sample - seen + 1).astype(np.float64)
    with np.errstate(over="ignore", invalid="ignore"):
        while np.any(term > 1e-18 * total):
            term = term * np.maximum(0.0, i * (others + i) / (left * undrawn))
            total += term
            i -= 1
            left += 1
            undrawn += 1
    total[np.isnan(total)] = np.inf  # which overflowed before: far beyond the mode
    return np.asarray(last + np.log(total))


def _log_choose(n: Any, k: Any) -> Any:
    return gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1)


def _require_sample(sample_bits: int, errors: int, epsilon: float) -> None:
    if sample_bits < 1:
        raise ValueError(f"sample_bits must be at least 1, not {sample_bits}")
    if not 0 <= errors <= sample_bits:
        raise ValueError(f"errors must be from 0 to {sample_bits}, not {errors}")
    if not 0 < epsilon < 1:
        raise ValueError(f"epsilon must be between 0 and 1, not {epsilon!r}")
