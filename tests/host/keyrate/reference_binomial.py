"""The slow twin of the binomial inverse: mpmath, with nothing of the package in it."""

import random

import mpmath

NARROW = 100  # standard deviation up to which terms are summed one by one

Case = tuple[float, int, float]


def tail(k: int, n: int, p: mpmath.mpf) -> tuple[mpmath.mpf, mpmath.mpf]:
    """P[Bin(n, p) ≤ k] and P[Bin(n, p) = k] for k at or below the mean, to half the working digits.

    Terms, or the incomplete beta function from its integral: the integrand falls from 1 at y = 0,
    as exp(−a s − s²/2) would with s = y √B, so that a few panels hold all of it.
    """
    if k < 0:
        return mpmath.mpf(0), mpmath.mpf(0)
    digits = mpmath.mp.dps
    with mpmath.workdps(digits + 25):  # logarithms are up to 1e18 in size
        odds = (1 - p) / p
        ways = mpmath.loggamma(n + 1) - mpmath.loggamma(k + 1) - mpmath.loggamma(n - k + 1)
        single = mpmath.exp(ways + k * mpmath.log(p) + (n - k) * mpmath.log(1 - p))
        if n * p * (1 - p) < NARROW**2:
            return single * _terms(k, n, odds), single
        root = mpmath.sqrt(n - k - 1 + k * odds**2)
        slope = (n * p - k - p) / p / root
        level = (digits + 5) * mpmath.log(10)
        end = 2 * level / (slope + mpmath.sqrt(slope**2 + level)) / root
        panels = [end * i / 5 for i in range(6)]
        panels = [mpmath.mpf(0), end / 64, end / 16, *panels[1:]]

    def integrand(y: mpmath.mpf) -> mpmath.mpf:
        with mpmath.workdps(digits + 25):
            power = (n - k - 1) * mpmath.log1p(-y) + k * mpmath.log1p(odds * y)
            return mpmath.exp(power)

    area, error = mpmath.quad(integrand, panels, method="gauss-legendre", error=True)
    assert error < area * mpmath.mpf(10) ** -(digits // 2)  # an estimate, and a cautious one
    return single * (n - k) * area, single


def _terms(k: int, n: int, odds: mpmath.mpf) -> mpmath.mpf:
    term = total = mpmath.mpf(1)
    while k > 0 and term > total * mpmath.mpf(10) ** -mpmath.mp.dps:
        term *= k * odds / (n - k + 1)
        total += term
        k -= 1
    return total


def is_inverse(k: int, epsilon: float, n: int, p: float) -> bool:
    """Whether P[X ≤ k − 1] < ε ≤ P[X ≤ k]; values that agree to half the digits count as equal."""
    success, slack = mpmath.mpf(p), 1 + mpmath.mpf(10) ** -(mpmath.mp.dps // 2)
    if epsilon == 1:  # what 1 - 1e-17 is rounded to
        return k == n
    if epsilon <= 0.5:
        below, single = tail(k, n, success)
        return bool((below - single) * slack < epsilon <= below * slack)
    level = 1 - mpmath.mpf(epsilon)  # P[X > k] ≤ 1 − ε < P[X ≥ k]
    if k == 0:
        above, _ = tail(n - 1, n, 1 - success) if n > 0 else (mpmath.mpf(0), None)
        return bool(above <= level * slack)
    at_least, single = tail(n - k, n, 1 - success)
    return bool(at_least - single <= level * slack and level * slack < at_least)


def random_case(rng: random.Random, largest_n: float) -> Case:
    """ε from 1e-300 and n by magnitude; half of the p near 0 or 1, where protocols live."""
    n = int(10 ** rng.uniform(0, largest_n))
    epsilon = 10 ** rng.uniform(-300 if rng.random() < 0.5 else -20, 0)
    if rng.random() < 0.2:
        epsilon = 1 - epsilon
    p = rng.random() if rng.random() < 0.5 else 10 ** rng.uniform(-6, -0.3)
    return epsilon, n, 1 - p if rng.random() < 0.5 else p
