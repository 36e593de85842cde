"""Comparisons with the binomial distribution function, in as many digits as they take.

The slow half of `hexkey.keyrate.binomial`: what the C kernel leaves open is decided here in
integers or decimal digits, proven; milliseconds a comparison.
"""

import math
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal, getcontext, localcontext
from fractions import Fraction
from functools import cache

_EXACT_BITS = 8192  # P[X <= k] as a fraction of 2**bits: up to this many, integers are quick
_DIGITS = (50, 100, 200, 400)
_LOST_DIGITS = 20  # of any result of _tail, see there


def decide_near(k: int, epsilon: float, n: int, p: float) -> int:
    """Walk from `k` to the answer, one proven comparison at a time."""
    while k > 0 and reaches(k - 1, epsilon, n, p):
        k -= 1
    while not reaches(k, epsilon, n, p):
        k += 1
    return k


def reaches(k: int, epsilon: float, n: int, p: float) -> bool:
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

    Relative error below 10^(20 − digits): the logarithms are below 1e18 in size, there are ten of
    them, and `Decimal` rounds ln and exp correctly; at most 1e6 terms of the sum are rounded four
    times each. q = 1 − p was rounded once, which n ≤ 1e15 multiplies.
    """
    term = (_log_binomial(n, j) + j * p.ln() + (n - j) * q.ln()).exp()
    cut = _integral_cut(j, n, float(p), float(q))
    return term * (_terms(j, n, q / p) if cut is None else _integral(j, n, p, q, cut))


def _terms(j: int, n: int, odds: Decimal) -> Decimal:
    """P[X ≤ j] / P[X = j], summed downwards."""
    term = total = Decimal(1)
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


def _integral_cut(j: int, n: int, p: float, q: float) -> float | None:
    """Where the integrand of `_integral` falls below 10^(−8 − digits).

    None where the law is narrow: the terms are few there, and the power series is slow.

    On [0, Y], −L'' is at least 0.64 B as long as Y max(1, x) < 1/4. So L(Y) ≤ −A Y − 0.32 B Y².
    """
    x = q / p
    curvature = n - j - 1 + j * x * x
    if curvature < 1:
        return None
    slope = (n * p - j - p) / p / math.sqrt(curvature)
    level = math.log(10) * (getcontext().prec + 8)
    cut = 2 * level / (slope + math.sqrt(slope * slope + 1.28 * level)) / math.sqrt(curvature)
    return cut if slope > -1 and cut * max(1, x) < 0.25 else None


def _integral(j: int, n: int, p: Decimal, q: Decimal, cut: float) -> Decimal:
    """P[X ≤ j] / P[X = j] = b ∫ e^L(y) dy from 0 to `cut`, by one power series about 0.

    With x = q/p and b = n − j, e^L = (1 − y)^(b−1) (1 + x y)^j and −L'(0) = A = (np − j − p)/p
    (cext/binomial_integral.h). Its coefficients obey

        (k + 1) c(k+1) = (−A − (x − 1) k) c(k) − x (n − k) c(k−1).

    Rounding: with absolute values for coefficients the recurrence sums to at most
    exp((|A| Y + x n Y²/2) / (1 − |x − 1| Y)) = 10^growth at Y, and so each step's rounding, carried
    on, is at most that many times itself. Cutting the series: once a coefficient takes at most
    half of the greater of the two before it, the rest is below four times that. Beyond Y there is
    less than 10^(−8 − digits), for L is concave. The integral is above 1e-4 Y.
    """
    digits = getcontext().prec
    odds, width = float(q / p), cut
    steepness = abs(float((n * p - j - p) / p)) * width
    spread, stretch = odds * n * width * width, abs(odds - 1) * width
    growth = (steepness + spread / 2) / (1 - stretch) / math.log(10)
    with localcontext() as context:
        context.prec = digits + math.ceil(growth) + 20
        y, x = Decimal(width), q / p
        slope, bend, pull = -(n * p - j - p) / p * y, (x - 1) * y, x * y * y
        negligible = Decimal(10) ** -(digits + 8)
        before, term, total, k = Decimal(0), Decimal(1), Decimal(1), 0
        while True:
            before, term = term, ((slope - bend * k) * term - pull * (n - k) * before) / (k + 1)
            k += 1
            total += term / (k + 1)
            settled = max((steepness + stretch * k) / (k + 1), stretch) + spread / (k + 1) < 0.5
            if settled and max(abs(before), abs(term)) < negligible:
                return total * y * (n - j)


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
