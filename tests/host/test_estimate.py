"""The bounds on the remaining error rate hold with the stated confidence, and are no looser."""

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
from scipy.stats import beta, hypergeom

from hexkey.estimate import clopper_pearson, estimate_qber, part_sample, upper_bounds


def pmf(seen: int, sample: int, marked: int, population: int) -> Fraction:
    ways = math.comb(marked, seen) * math.comb(population - marked, sample - seen)
    return Fraction(ways, math.comb(population, sample))


@pytest.mark.parametrize("epsilon", [0.3, 0.05, 1e-3, 1e-6])
def test_coverage_summed_over_all_samples_of_all_small_blocks(epsilon: float) -> None:
    """For every block, the samples whose bound fails have probability at most ε. No statistics."""
    for sample, remaining in itertools.product((1, 2, 5, 9), (1, 3, 8, 15)):
        estimates = [estimate_qber(sample, x, remaining, epsilon) for x in range(sample + 1)]
        for marked in range(sample + remaining + 1):
            above = below = Fraction(0)
            for x in range(max(0, marked - remaining), min(sample, marked) + 1):
                rate = (marked - x) / remaining
                chance = pmf(x, sample, marked, sample + remaining)
                above += chance if rate > estimates[x].upper else 0
                below += chance if rate < estimates[x].lower else 0
            assert max(above, below) <= Fraction(epsilon)


@pytest.mark.parametrize("epsilon", [0.05, 1e-6])
@pytest.mark.parametrize(("sample", "errors", "remaining"), [(9, 0, 40), (9, 2, 40), (30, 7, 50)])
def test_upper_bound_is_the_largest_not_excluded(
    sample: int, errors: int, remaining: int, epsilon: float
) -> None:
    """Against fractions: the bound itself passes the test at ε, one error more does not."""
    most = round(estimate_qber(sample, errors, remaining, epsilon).upper * remaining)

    def at_most(left: int) -> Fraction:
        marked, population = errors + left, sample + remaining
        return sum((pmf(x, sample, marked, population) for x in range(errors + 1)), Fraction(0))

    assert at_most(most) > Fraction(epsilon)
    assert most == remaining or at_most(most + 1) <= Fraction(epsilon)


@pytest.mark.parametrize("errors", [0, 1, 1298, 20_000])
def test_large_blocks_agree_with_scipy(errors: int) -> None:
    sample, remaining, epsilon = 20_000, 155_000, 1e-10
    estimate = estimate_qber(sample, errors, remaining, epsilon)
    most = round(estimate.upper * remaining)
    law = hypergeom(sample + remaining, errors + most, sample)
    assert law.cdf(errors) >= epsilon * (1 - 1e-5)
    if most < remaining:
        law = hypergeom(sample + remaining, errors + most + 1, sample)
        assert law.cdf(errors) <= epsilon * (1 + 1e-5)


def test_errors_and_correct_bits_are_symmetric() -> None:
    estimate = estimate_qber(1000, 65, 16_500, 1e-10)
    mirrored = estimate_qber(1000, 935, 16_500, 1e-10)
    assert estimate.upper == pytest.approx(1 - mirrored.lower, abs=1e-12)
    assert estimate.lower < estimate.qber == 0.065 < estimate.upper


def test_zero_errors_leave_room_for_some() -> None:
    """(1 − Q)^1000 = 1e-10 at Q = 2.28 %; the remaining bits may hold a little more."""
    estimate = estimate_qber(1000, 0, 9000, 1e-10)
    assert estimate.qber == estimate.lower == 0
    assert 0.0228 < estimate.upper < 0.0254


@pytest.mark.parametrize(
    ("sample", "errors", "remaining"), [(1, 0, 10**6), (10**6, 999_999, 10**6), (5, 4, 1)]
)
def test_tiny_epsilons_exclude_little(sample: int, errors: int, remaining: int) -> None:
    found = estimate_qber(sample, errors, remaining, 1e-300)
    assert found.lower <= errors / sample <= found.upper <= 1


def test_a_tiny_sample_excludes_nothing() -> None:
    estimate = estimate_qber(1, 0, 1, 0.4)
    assert (estimate.lower, estimate.upper) == (0, 1)


def test_the_largest_bound_falls_with_the_sample_and_with_epsilon() -> None:
    uppers = [estimate_qber(m, m // 20, 10**5, 1e-6).upper for m in (100, 1000, 10**4, 10**5)]
    assert uppers == sorted(uppers, reverse=True)
    uppers = [estimate_qber(1000, 50, 10**5, eps).upper for eps in (1e-3, 1e-10, 1e-20, 1e-300)]
    assert uppers == sorted(uppers)


@pytest.mark.parametrize("share", [0, 0.001, 0.3, 1])
def test_a_block_is_parted_as_by_masks(share: float) -> None:
    generator = np.random.default_rng(3)
    for n in (0, 1, 7, 8, 9, 5000):
        bits = generator.integers(0, 2, n, dtype=np.uint8)
        chosen = (generator.random(n) < share).astype(np.uint8)
        sample, rest = part_sample(bits, chosen)
        np.testing.assert_array_equal(sample, bits[chosen == 1])
        np.testing.assert_array_equal(rest, bits[chosen == 0])


def test_clopper_pearson_is_the_quantile_of_beta() -> None:
    lower, upper = clopper_pearson(1000, 65, 1e-3)
    np.testing.assert_allclose(lower, beta.ppf(1e-3, 65, 936), rtol=1e-12)
    np.testing.assert_allclose(upper, beta.isf(1e-3, 66, 935), rtol=1e-12)
    assert clopper_pearson(1000, 0, 1e-10)[0] == 0
    assert clopper_pearson(1000, 1000, 1e-10)[1] == 1
    assert clopper_pearson(1000, 0, 1e-10)[1] == pytest.approx(1 - 1e-10 ** (1 / 1000), rel=1e-12)


@pytest.mark.parametrize(
    ("sample", "errors", "remaining", "epsilon"),
    [(0, 0, 10, 0.1), (10, 11, 10, 0.1), (10, -1, 10, 0.1), (10, 1, 0, 0.1), (10, 1, 10, 0.0)],
)
def test_refuses_what_is_no_sample(
    sample: int, errors: int, remaining: int, epsilon: float
) -> None:
    with pytest.raises(ValueError, match="must be"):
        estimate_qber(sample, errors, remaining, epsilon)


@pytest.mark.parametrize("epsilon", [0.9, 0.3, 1e-3, 1e-20])
@pytest.mark.parametrize("largest", [6, 60, 4_000])
def test_many_at_once_are_those_of_each(epsilon: float, largest: int) -> None:
    """Also where nearly all, or none, of a sample is wrong, and far beyond the mode."""
    random = np.random.default_rng(largest)
    sample, remaining = random.integers(1, largest + 1, (2, 200))
    errors = random.integers(0, sample + 1)
    errors[:20], errors[20:40] = 0, sample[20:40]
    each = [
        estimate_qber(int(n), int(x), int(rest), epsilon).upper
        for n, x, rest in zip(sample, errors, remaining, strict=True)
    ]
    assert upper_bounds(sample, errors, remaining, epsilon).tolist() == each


def test_many_at_once_with_thousands_of_errors() -> None:
    """Terms that overflow on the way."""
    sample, errors, remaining = np.array([[200_000], [90_000], [1_000_000]])
    found = upper_bounds(sample, errors, remaining, 1e-20).item()
    assert found == estimate_qber(200_000, 90_000, 1_000_000, 1e-20).upper


def test_many_at_once_refuse_what_one_does() -> None:
    one = np.array([1])
    for n, x, rest in ((0, 0, 1), (1, 2, 1), (1, -1, 1), (1, 1, 0)):
        with pytest.raises(ValueError, match="must have a sample, errors within it"):
            upper_bounds(n * one, x * one, rest * one, 1e-6)
    with pytest.raises(ValueError, match="epsilon must be between 0 and 1"):
        upper_bounds(one, one, one, 0.0)
