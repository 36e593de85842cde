"""The binomial inverse is exact: on jump points, next to them, at the edges, for any size."""

import math
import random
from fractions import Fraction
from itertools import accumulate

import mpmath
import pytest

from hexkey.keyrate import binomial_exact
from hexkey.keyrate.binomial import LARGEST_N, binomial_ppf

AWKWARD = [0.5, 0.25, 0.75, 2**-10, 1 - 2**-10, 2**-53, 1 - 2**-53, 1e-9, 1e-16, 1 / 3, 0.9351]


def distribution(n: int, p: float) -> list[Fraction]:
    """P[Bin(n, p) ≤ k] for every k, by integers over one denominator."""
    a, denominator = p.as_integer_ratio()
    weights = (math.comb(n, k) * a**k * (denominator - a) ** (n - k) for k in range(n + 1))
    return [Fraction(total, denominator**n) for total in accumulate(weights)]


def neighbourhood(value: float) -> list[float]:
    near = [math.nextafter(value, 0), value, math.nextafter(value, 1)]
    return [epsilon for epsilon in near if 0 < epsilon <= 1]


def test_jump_points_and_their_neighbours_against_fractions() -> None:
    rng = random.Random(20)
    cases = 0
    while cases < 4000:
        n = rng.randint(1, 50)
        p = rng.choice(AWKWARD) if rng.random() < 0.5 else rng.random()
        values = distribution(n, p)
        for k in {rng.randint(0, n) for _ in range(8)}:
            for epsilon in neighbourhood(float(values[k])):
                exact = Fraction(epsilon)
                expected = next(j for j, value in enumerate(values) if value >= exact)
                assert binomial_ppf(epsilon, n, p) == expected, (epsilon, n, p)
                cases += 1


@pytest.mark.parametrize("p", [5e-324, 1e-300, 1 - 2**-53, math.nextafter(0.5, 1)])
def test_extreme_probabilities_against_fractions(p: float) -> None:
    values = distribution(6, p)
    for value in values:
        for epsilon in neighbourhood(float(value)):
            expected = next(j for j, v in enumerate(values) if v >= Fraction(epsilon))
            assert binomial_ppf(epsilon, 6, p) == expected


def tail(k: int, n: int, p: float) -> mpmath.mpf:
    """P[Bin(n, p) ≤ k] to about fifty digits, summed downwards."""
    success = mpmath.mpf(p)
    odds = (1 - success) / success
    logs = mpmath.loggamma(n + 1) - mpmath.loggamma(k + 1) - mpmath.loggamma(n - k + 1)
    term = mpmath.exp(logs + k * mpmath.log(success) + (n - k) * mpmath.log(1 - success))
    total = term
    while k > 0 and term > total * mpmath.mpf(10) ** -45:
        term *= k * odds / (n - k + 1)
        total += term
        k -= 1
    return total


@pytest.mark.parametrize(
    ("n", "p", "k"),
    [
        (10**4, 0.9351, 9147),
        (10**6, 0.9351, 933135),
        (10**6, 0.0649, 64_900),
        (10**7, 0.9351, 9_340_000),
        (10**7, 1e-6, 3),
        (10**7, 0.01, 88_500),  # 1e-301
    ],
)
def test_jump_points_of_large_n_against_fifty_digits(n: int, p: float, k: int) -> None:
    with mpmath.workdps(60):
        value = tail(k, n, p)
        for epsilon in neighbourhood(float(value)):
            expected = k if value >= mpmath.mpf(epsilon) else k + 1
            assert binomial_ppf(epsilon, n, p) == expected


def test_upper_jump_points_of_large_n() -> None:
    n, p, k = 10**6, 0.9351, 936_700  # 6.5 standard deviations up; 1 - p is exact
    with mpmath.workdps(60):
        above = tail(n - k - 1, n, 1 - p)
        for epsilon in neighbourhood(1 - float(above)):
            expected = k if above <= 1 - mpmath.mpf(epsilon) else k + 1
            assert binomial_ppf(epsilon, n, p) == expected


@pytest.mark.parametrize("n", [1, 2, 3, 1000, 1001, 10**7, 10**7 + 1])
def test_the_median_of_fair_coins_where_equality_holds(n: int) -> None:
    assert binomial_ppf(0.5, n, 0.5) == n // 2
    assert binomial_ppf(math.nextafter(0.5, 0), n, 0.5) == n // 2
    assert binomial_ppf(math.nextafter(0.5, 1), n, 0.5) == (n + 1) // 2


def test_equalities_with_powers_of_two() -> None:
    assert binomial_ppf(2.0**-1000, 1000, 0.5) == 0
    assert binomial_ppf(math.nextafter(2.0**-1000, 1), 1000, 0.5) == 1
    assert binomial_ppf(2.0**-12, 23, 0.5) == 3  # 2^11 of 2^23 words: the perfect Golay code
    assert binomial_ppf(1 - 2.0**-50, 25, 0.25) == 24  # 1 - 4^-25
    assert binomial_ppf(math.nextafter(1 - 2.0**-50, 1), 25, 0.25) == 25


@pytest.mark.parametrize(
    ("epsilon", "n", "p", "expected"),
    [
        (0, 10, 0.5, 0),
        (0, 10, 1, 0),
        (0, 0, 0.5, 0),
        (1, 10, 0.5, 10),
        (1, 10, 1e-300, 10),
        (1, 10, 0, 0),
        (0.3, 0, 0.5, 0),
        (1, 0, 1, 0),
        (0.3, 10, 0, 0),
        (0.3, 10, 1, 10),
    ],
)
def test_edges(epsilon: float, n: int, p: float, expected: int) -> None:
    assert binomial_ppf(epsilon, n, p) == expected


def test_the_smallest_epsilon_and_the_largest_n_are_bracketed() -> None:
    for epsilon, n, p in [(1e-300, 10**7, 0.9351), (5e-324, 10**6, 0.03), (1e-15, 10**8, 0.9)]:
        k = binomial_ppf(epsilon, n, p)
        with mpmath.workdps(60):
            assert tail(k - 1, n, p) < mpmath.mpf(epsilon) <= tail(k, n, p)


def test_the_largest_n_stays_on_the_normal_quantile() -> None:
    n, p = LARGEST_N, 0.9351
    sigma = math.sqrt(n * p * (1 - p))
    z, skewness = -7.941345326170998, (1 - 2 * p) / sigma  # Φ(z) = 1e-15
    quantile = n * p + sigma * (z + skewness * (z * z - 1) / 6)
    assert abs(binomial_ppf(1e-15, n, p) - quantile) < 2


@pytest.mark.parametrize(
    ("epsilon", "n", "p"),
    [
        (-1e-300, 10, 0.5),
        (math.nan, 10, 0.5),
        (1.1, 10, 0.5),
        (0.5, 10, math.nextafter(1, 2)),
        (0.5, 10, math.nan),
        (0.5, -1, 0.5),
        (0.5, LARGEST_N + 1, 0.5),
    ],
)
def test_refuses_what_is_no_probability(epsilon: float, n: int, p: float) -> None:
    with pytest.raises(ValueError, match="must be"):
        binomial_ppf(epsilon, n, p)


def test_refuses_a_fraction_of_a_trial() -> None:
    with pytest.raises(TypeError):
        binomial_ppf(0.5, 10.5, 0.5)  # type: ignore[arg-type]


def test_decimal_digits_decide_as_fractions_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """The path of large n, forced upon small n; Stirling's series too, from n = 200 on."""
    monkeypatch.setattr(binomial_exact, "_EXACT_BITS", 0)
    for n, p in [(5, 0.3), (30, 0.9351), (300, 0.5001), (300, 0.01)]:
        values = distribution(n, p)
        for k in range(0, n, 1 + n // 10):
            for epsilon in neighbourhood(float(values[k])):
                if epsilon < 1:
                    reached = values[k] >= Fraction(epsilon)
                    assert binomial_exact.reaches(k, epsilon, n, p) == reached


def test_undecided_digits_are_refused_not_guessed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binomial_exact, "_EXACT_BITS", 0)
    with pytest.raises(ArithmeticError, match="undecided"):
        binomial_exact.reaches(1, 5 / 16, 4, 0.5)  # equal: no number of digits tells


def test_no_equality_hides_beyond_the_integers() -> None:
    """The argument of `reaches`: denominators of the distribution keep almost all their twos."""
    rng = random.Random(3)
    for _ in range(200):
        n = rng.randint(2, 60)
        m = n.bit_length() + rng.randint(0, 3)  # m > log2 n
        a = rng.randrange(1, 2**m, 2)
        k = rng.randrange(n)
        twos = distribution(n, a / 2**m)[k].denominator.bit_length() - 1
        ways = math.comb(n - 1, k)
        assert twos == m * n - ((ways & -ways).bit_length() - 1)
