"""The kernel against its twin in fractions: what it decides is right, and it decides nearly all."""

import math
from fractions import Fraction
from itertools import accumulate

import mpmath
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hexkey._native import ffi, lib

PROBABILITIES = st.floats(0, 1, exclude_min=True, exclude_max=True)


def kernel(epsilon: float, n: int, p: float) -> tuple[bool, int]:
    answer = ffi.new("int64_t *")
    status = lib.hexkey_binomial_ppf(epsilon, n, p, answer)
    return status == lib.HEXKEY_BINOMIAL_DECIDED, int(answer[0])


def distribution(n: int, p: float) -> list[Fraction]:
    """The slow twin: P[Bin(n, p) <= k] for every k."""
    exact = Fraction(p)
    pmf = (math.comb(n, k) * exact**k * (1 - exact) ** (n - k) for k in range(n + 1))
    return list(accumulate(pmf))


def inverse(epsilon: float, values: list[Fraction]) -> int:
    return next(k for k, value in enumerate(values) if value >= Fraction(epsilon))


def agrees(epsilon: float, n: int, p: float, expected: int) -> bool:
    """Whether the kernel decided rightly, or left the answer open next to it."""
    decided, k = kernel(epsilon, n, p)
    return k == expected if decided else expected - k in (0, 1)


@pytest.mark.parametrize(
    ("epsilon", "n", "p", "expected"),
    [
        (1e-10, 10**4, 0.9351, 9189),
        (1e-15, 10**4, 0.9351, 9147),
        (1e-10, 10**6, 0.9351, 933527),
        (1e-15, 10**6, 0.9351, 933135),
        (1e-10, 10**9, 0.9351, 935050438),
        (1e-15, 10**9, 0.9351, 935038126),
        (1e-10, 10**12, 0.9351, 935098432882),
        (1e-15, 10**12, 0.9351, 935098043646),
        (1e-15, 1000, 0.95, 887),
        (2.8417474318784267e-151, 418, 0.5659155768363937, 1),  # S(0) = 0, S(1) is next to it
        (3.0849320745642433e-94, 2672, 0.07844643905362902, 1),
        (1e-15, 1750000, 0.9351, 1633828),
        (1e-15, 17500000, 0.9351, 16356057),
    ],
)
def test_values_computed_elsewhere_with_fifty_digits(
    epsilon: float, n: int, p: float, expected: int
) -> None:
    assert kernel(epsilon, n, p) == (True, expected)


@settings(max_examples=400, deadline=None)
@given(epsilon=PROBABILITIES, n=st.integers(1, 40), p=PROBABILITIES)
@example(epsilon=1 - 2**-53, n=40, p=5e-324)
@example(epsilon=5e-324, n=40, p=1 - 2**-53)
@example(epsilon=1e-300, n=40, p=1e-8)
@example(epsilon=0.5, n=1, p=0.5)
@example(epsilon=math.nextafter(0.5, 1), n=2, p=2**-54)
def test_small_n_agrees_with_fractions(epsilon: float, n: int, p: float) -> None:
    assert agrees(epsilon, n, p, inverse(epsilon, distribution(n, p)))


@settings(max_examples=300, deadline=None)
@given(
    n=st.integers(1, 40),
    p=st.one_of(PROBABILITIES, st.floats(0.01, 0.99)),
    jump=st.integers(0, 39),
    exponent=st.integers(-16, -6),
    sign=st.sampled_from([-1, 1]),
)
def test_next_to_a_jump_it_is_right_and_beyond_its_bound_decided(
    n: int, p: float, jump: int, exponent: int, sign: int
) -> None:
    values = distribution(n, p)
    epsilon = float(values[min(jump, n)] * (1 + sign * Fraction(10) ** exponent))
    if not 1e-300 < epsilon <= 0.5:  # above, a relative distance is no measure
        return
    assert agrees(epsilon, n, p, inverse(epsilon, values))
    if exponent > -9:
        assert kernel(epsilon, n, p)[0]


def tail(k: int, n: int, p: float) -> mpmath.mpf:
    """P[Bin(n, p) <= k] to about forty digits."""
    success = mpmath.mpf(p)
    odds = (1 - success) / success
    term = mpmath.binomial(n, k) * success**k * (1 - success) ** (n - k)
    total = term
    while k > 0 and term > total * mpmath.mpf(10) ** -40:
        term *= k * odds / (n - k + 1)
        total += term
        k -= 1
    return total


@pytest.mark.parametrize(
    ("n", "p", "k"),
    [
        (10**5, 0.9351, 93000),  # the continued fraction
        (10**5, 0.9351, 93510),  # the middle, term by term
        (10**6, 0.0649, 62000),
        (10**6, 1e-5, 1),  # Poisson
        (10**6, 1 - 1e-5, 999970),
        (10**7, 0.5, 4_970_000),  # 19 standard deviations
    ],
)
def test_large_n_next_to_a_jump(n: int, p: float, k: int) -> None:
    with mpmath.workdps(50):
        value = tail(k, n, p)
        for exponent in range(-16, -7):
            for sign in (-1, 1):
                epsilon = float(value * (1 + sign * mpmath.mpf(10) ** exponent))
                assert agrees(epsilon, n, p, k if value >= mpmath.mpf(epsilon) else k + 1)
                assert exponent < -9 or kernel(epsilon, n, p)[0]


def test_a_jump_itself_is_left_open() -> None:
    decided, k = kernel(5 / 16, 4, 0.5)  # P[X <= 1] = 5/16
    assert not decided
    assert k == 1
    decided, k = kernel(11 / 16, 4, 0.5)  # P[X <= 2], from the upper tail
    assert not decided
    assert k == 2
