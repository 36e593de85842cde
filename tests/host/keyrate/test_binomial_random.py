"""The binomial inverse in bulk: random cases up to n = 1e15 and ε = 1e-300, and jump points."""

import math
import random

import mpmath
import numpy as np
import pytest
from scipy.stats import binom
from tests.host.keyrate.reference_binomial import is_inverse, random_case, tail

from hexkey.keyrate.binomial import LARGEST_N, binomial_ppf, binomial_ppf_array

SHORT_AND_LONG = [
    pytest.param(300, id="seconds"),
    pytest.param(40_000, id="minutes", marks=[pytest.mark.long, pytest.mark.timeout(1800)]),
]


@pytest.mark.parametrize("cases", SHORT_AND_LONG)
@pytest.mark.parametrize("largest_n", [4, 9, 15])
def test_random_cases_against_mpmath(largest_n: int, cases: int) -> None:
    rng = random.Random(largest_n)
    triples = [random_case(rng, largest_n) for _ in range(cases // 3)]
    answers = binomial_ppf_array(*zip(*triples, strict=True))
    with mpmath.workdps(40):
        for triple, k in zip(triples, answers.tolist(), strict=True):
            assert is_inverse(k, *triple), (triple, k)


@pytest.mark.parametrize("cases", SHORT_AND_LONG)
def test_jump_points_and_both_neighbours(cases: int) -> None:
    """ε is the double nearest to a value of the distribution function, the one below, or above."""
    rng = random.Random(7)
    for _ in range(cases // 20):
        epsilon, n, p = random_case(rng, 15)
        k = binomial_ppf(epsilon, n, p)
        with mpmath.workdps(60):
            success = mpmath.mpf(p)
            if epsilon <= 0.5:
                value, _ = tail(k, n, success)
            else:
                above, _ = tail(n - k - 1, n, 1 - success)
                value = 1 - above
            nearest = float(value)
            for level in (math.nextafter(nearest, 0), nearest, math.nextafter(nearest, 1)):
                if 0 < level < 1:
                    assert is_inverse(binomial_ppf(level, n, p), level, n, p), (level, n, p)


@pytest.mark.parametrize("cases", SHORT_AND_LONG)
def test_random_cases_against_scipy(cases: int) -> None:
    """SciPy's distribution function is good to some 1e-9: its values enclose epsilon by that."""
    rng = np.random.default_rng(11)
    n = np.floor(10 ** rng.uniform(0, 9, 10 * cases)).astype(np.int64)
    epsilon, p = 10 ** rng.uniform(-30, 0, n.size), rng.random(n.size)
    k = binomial_ppf_array(epsilon, n, p)
    assert np.all(binom.cdf(k, n, p) >= epsilon * (1 - 1e-9))
    assert np.all(binom.cdf(k - 1, n, p) < epsilon * (1 + 1e-9))


def test_golden_values() -> None:
    """The contract's: q(ε; n, 1 − Q) at Q = 6.49 %."""
    n = np.array([10**4, 10**6, 10**9, 10**12])
    found = binomial_ppf_array([[1e-10], [1e-15]], n, 1 - 0.0649)
    assert found.tolist() == [
        [9189, 933527, 935050438, 935098432882],
        [9147, 933135, 935038126, 935098043646],
    ]


def test_arrays_answer_as_scalars_do_edges_and_open_cases_included() -> None:
    jump = float(binom.cdf(3, 10, 0.25))
    triples = [
        *[(epsilon, n, p) for epsilon in (0, 0.5, 1) for n in (0, 1, 10) for p in (0, 0.5, 1)],
        (jump, 10, 0.25),
        (math.nextafter(jump, 1), 10, 0.25),
        (1e-300, LARGEST_N, 0.9351),
        (5e-324, LARGEST_N, 1e-9),
        (1 - 2**-53, LARGEST_N, 5e-324),
        (2.0**-12, 23, 0.5),
    ]
    expected = [binomial_ppf(epsilon, n, p) for epsilon, n, p in triples]
    assert binomial_ppf_array(*zip(*triples, strict=True)).tolist() == expected


def test_shapes_are_broadcast() -> None:
    assert binomial_ppf_array(0.5, 10, 0.5).shape == ()
    assert binomial_ppf_array([], 10, 0.5).shape == (0,)
    assert binomial_ppf_array([[0.1], [0.9]], [10, 20, 30], 0.5).shape == (2, 3)
    assert binomial_ppf_array(0.5, [], 0.5).tolist() == []


@pytest.mark.parametrize(
    ("epsilon", "n", "p", "problem"),
    [
        ([0.5, 1.5], 10, 0.5, "epsilon must be"),
        (0.5, 10, [math.nan], "p must be"),
        (0.5, [-1], 0.5, "n must be"),
        (0.5, [LARGEST_N + 1], 0.5, "n must be"),
        (0.5, [1, 2], [0.1, 0.2, 0.3], "shape"),
    ],
)
def test_arrays_out_of_range_are_refused(
    epsilon: object, n: object, p: object, problem: str
) -> None:
    with pytest.raises(ValueError, match=problem):
        binomial_ppf_array(epsilon, n, p)  # type: ignore[arg-type]


def test_fractions_of_a_trial_are_refused() -> None:
    with pytest.raises(TypeError, match="integers"):
        binomial_ppf_array(0.5, [10.5], 0.5)
