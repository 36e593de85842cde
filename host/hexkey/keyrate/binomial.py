"""Quantiles of the binomial distribution, exact for the doubles they are given.

The C kernel decides nearly every case with a proven error bound. What it leaves open, an epsilon
that agrees with a value of the distribution function to about twelve digits, is decided here in
integers or with as many decimal digits as it takes. No answer is ever a rounded guess.
"""

import math
import operator
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal, getcontext, localcontext
from fractions import Fraction
from functools import cache

from hexkey._native import ffi, lib

LARGEST_N = 10**10  # the kernel's error bound holds up to there

_EXACT_BITS = 8192  # P[X <= k] as a fraction of 2**bits: up to this many, integers are quick
_DIGITS = (50, 100, 200, 400)
_LOST_DIGITS = 20  # of any result of _tail, see there


def binomial_ppf(epsilon: float, n: int, p: float) -> int:
    """Return F⁻¹(ε; n, p) = min{k in 0..n : P[Bin(n, p) ≤ k] ≥ ε}.

    The doubles `epsilon` and `p` are taken as the exact (dyadic) numbers they are, and the answer
    is exact for them: ε may be the double just above or just below a value of the distribution
    function, or that value. ``p = 0.9351`` is therefore the double next to 0.9351.

    At the edges the definition is kept: ε = 0 gives 0 (SciPy says −1), ε = 1 gives n for
    0 < p < 1, n = 0 gives 0, p = 0 gives 0, and p = 1 gives n unless ε = 0.

    Raises
    ------
    ValueError
        If `epsilon` or `p` is not within [0, 1], or `n` not within 0 to 1e10.
    ArithmeticError
        If 400 digits do not separate ε from a value of the distribution function. That takes an
        equality; the only ones known beyond the reach of integers are those of p = ε = 1/2, which
        are answered by symmetry (`_reaches` has the argument).

    References
    ----------
    The inverse in Eq. 7 of Tapşın et al.; M. Tomamichel, J. Martinez-Mateo, C. Pacher and
    D. Elkouss, Quantum Information Processing 16, 280 (2017).
    """
    epsilon, n, p = float(epsilon), operator.index(n), float(p)
    if not 0 <= epsilon <= 1:
        raise ValueError(f"epsilon must be a probability from 0 to 1, not {epsilon!r}")
    if not 0 <= p <= 1:
        raise ValueError(f"p must be a probability from 0 to 1, not {p!r}")
    if not 0 <= n <= LARGEST_N:
        raise ValueError(f"n must be from 0 to {LARGEST_N}, not {n}")
    if epsilon == 0 or p == 0:
        return 0
    if epsilon == 1 or p == 1 or n == 0:
        return n
    if epsilon == p == 0.5:
        return n // 2  # the median; for odd n, P[X <= n // 2] is exactly 1/2
    answer = ffi.new("int64_t *")
    if lib.hexkey_binomial_ppf(epsilon, n, p, answer) == lib.HEXKEY_BINOMIAL_DECIDED:
        return int(answer[0])
    return _decide_near(int(answer[0]), epsilon, n, p)


def _decide_near(k: int, epsilon: float, n: int, p: float) -> int:
    """Walk from `k` to the answer, one proven comparison at a time."""
    while k > 0 and _reaches(k - 1, epsilon, n, p):
        k -= 1
    while not _reaches(k, epsilon, n, p):
        k += 1
    return k


def _reaches(k: int, epsilon: float, n: int, p: float) -> bool:
    """Whether P[Bin(n, p) ≤ k] ≥ ε, proven; 0 < ε < 1, 0 < p < 1, 0 ≤ k ≤ n.

    More digits decide every case but an equality. With p = a/2^m, a odd, P[X ≤ k] is a polynomial
    of degree n in q = 1 − p, with integer coefficients c(n−d) that satisfy
    v(c(n−d)) = v(c(n)) + v(n) − v(n−d) + v(C(k, d)), where v counts factors of 2. For
    m > log2 n the term of q^n has the most twos in its denominator, at least mn − log2 n, where a
    double has at most 1074: no equality is beyond `_EXACT_BITS`. For fewer m none is known but
    those of p = 1/2 at the median.
    """
    if k == n:
        return True
    numerator, denominator = p.as_integer_ratio()
    if (denominator.bit_length() - 1) * n <= _EXACT_BITS:
        return _distribution(k, n, numerator, denominator) >= Fraction(epsilon)
    for digits in _DIGITS:
        with localcontext(Context(prec=digits, Emin=MIN_EMIN, Emax=MAX_EMAX)):
            success, failure = Decimal(p), 1 - Decimal(p)
            if epsilon <= 0.5:
                difference = _compare(_tail(k, n, success, failure), epsilon)
            else:  # 1 - epsilon is exact; P[X > k] = P[n - X <= n - k - 1]
                difference = -_compare(_tail(n - k - 1, n, failure, success), 1 - epsilon)
        if difference:
            return difference > 0
    raise ArithmeticError(
        f"undecided: P[Bin({n}, {p!r}) ≤ {k}] and {epsilon!r} agree to {_DIGITS[-1]} digits"
    )


def _distribution(k: int, n: int, numerator: int, denominator: int) -> Fraction:
    """P[Bin(n, numerator/denominator) ≤ k] in integers."""
    other = denominator - numerator
    total, ways, rest, power = 0, 1, other**n, 1
    for j in range(k + 1):
        total += ways * power * rest
        ways = ways * (n - j) // (j + 1)
        power *= numerator
        rest //= other
    return Fraction(total, denominator**n)


def _compare(tail: Decimal, level: float) -> int:
    """Sign of tail − level, 0 when the error of `_tail` could change it."""
    error = tail * Decimal(10) ** (_LOST_DIGITS - getcontext().prec)
    distance = tail - Decimal(level)
    return 0 if abs(distance) <= error else 1 if distance > 0 else -1


def _tail(j: int, n: int, p: Decimal, q: Decimal) -> Decimal:
    """P[Bin(n, p) ≤ j], j < n, in the current context.

    Relative error below 10^(20 − digits): the logarithms are below 1e12 in size, there are ten of
    them, `Decimal` rounds ln and exp correctly, and at most n ≤ 1e10 terms of the sum are rounded
    four times each. q = 1 − p was rounded once, which n multiplies.
    """
    term = (_log_binomial(n, j) + j * p.ln() + (n - j) * q.ln()).exp()
    total = term
    odds = q / p
    negligible = Decimal(10) ** -getcontext().prec
    while j > 0:
        ratio = j * odds / (n - j + 1)
        term *= ratio
        total += term
        j -= 1
        # the ratios fall: what is left is below a geometric series
        if ratio < 1 and term * ratio <= negligible * (1 - ratio) * total:
            break
    return total


def _log_binomial(n: int, k: int) -> Decimal:
    """Logarithm of C(n, k) in the current context."""
    digits = getcontext().prec
    if min(k, n - k) < 2 * digits:
        return Decimal(math.comb(n, k)).ln()
    factorials = (_stirling(x, digits) for x in (n, k, n - k))
    return next(factorials) - sum(factorials) - _stirling_constant(digits)


def _stirling(x: int, digits: int) -> Decimal:
    """Logarithm of x! but for the constant ½ ln 2π; x ≥ 2 digits.

    The series alternates, so it errs by less than its first term left out, and for x as large as
    this its terms fall below 10^−digits long before they grow again.
    """
    value = (x + Decimal("0.5")) * Decimal(x).ln() - x
    power, limit, order = Decimal(1) / x, Decimal(10) ** -digits, 2
    while True:
        bernoulli = _bernoulli(order)
        coefficient = bernoulli / (order * (order - 1))
        term = power * coefficient.numerator / coefficient.denominator
        value += term
        if abs(term) < limit:
            return value
        power /= x * x
        order += 2


@cache
def _stirling_constant(digits: int) -> Decimal:
    """½ ln 2π, from a factorial that is known exactly (spares computing π)."""
    x = 2 * digits
    return Decimal(math.factorial(x)).ln() - _stirling(x, digits)


@cache
def _bernoulli(order: int) -> Fraction:
    if order == 0:
        return Fraction(1)
    if order % 2:
        return Fraction(-1, 2) if order == 1 else Fraction(0)
    lower = (j for j in range(order) if j < 2 or j % 2 == 0)
    return -sum(math.comb(order + 1, j) * _bernoulli(j) for j in lower) / Fraction(order + 1)
