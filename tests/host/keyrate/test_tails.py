"""Statistical bounds against the exact tails of the laws they bound."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from hexkey.keyrate import tails
from hexkey.keyrate.bb84_single_observed import most_behind, most_of

EPSILONS = [1e-2, 1e-6, 1e-10]


@pytest.mark.parametrize("eps", EPSILONS)
@pytest.mark.parametrize("p", [1e-3, 0.02, 0.4])
@pytest.mark.parametrize("n", [10, 1000, 10**6])
def test_counts_leave_their_bounds_with_at_most_epsilon(n: int, p: float, eps: float) -> None:
    upper, lower = tails.upper_count(n * p, eps), tails.lower_count(n * p, eps)
    assert stats.binom.sf(math.floor(upper), n, p) <= eps
    assert stats.binom.cdf(math.ceil(lower) - 1, n, p) <= eps


@pytest.mark.parametrize("eps", EPSILONS)
@pytest.mark.parametrize("mean", [0.01, 1.0, 30.0, 5e3])
def test_expectations_are_bounded_but_for_epsilon(mean: float, eps: float) -> None:
    count = np.arange(0, int(mean + 60 * math.sqrt(mean) + 200))
    law = stats.poisson.pmf(count, mean)
    assert law[tails.upper_expectation(count, eps) < mean].sum() <= eps
    assert law[tails.lower_expectation(count, eps) > mean].sum() <= eps


def test_hoeffding_bounds_the_share_of_a_class() -> None:
    for eps in EPSILONS:
        deviation = float(tails.hoeffding_deviation(10_000, eps))
        assert stats.binom.sf(math.floor(3000 + deviation), 10_000, 0.3) <= eps
        assert stats.binom.cdf(math.ceil(3000 - deviation) - 1, 10_000, 0.3) <= eps


def _misled(unseen: int, sample: int, share: float, eps: float) -> float:
    """Exact probability that the rest has more errors than the sample and γᵁ say."""
    errors = round(share * (unseen + sample))
    seen = np.arange(0, errors * sample // (unseen + sample) + 1)  # more seen never mislead
    law = stats.hypergeom.pmf(seen, unseen + sample, errors, sample)
    rate = np.minimum(seen / sample, 1.0)
    bound = rate + tails.sampling_deviation_unproven(unseen, sample, rate, eps)
    return float(law[(errors - seen) / unseen > bound + 1e-12].sum())


@pytest.mark.parametrize("eps", EPSILONS)
@pytest.mark.parametrize(("unseen", "sample"), [(2000, 500), (500, 2000), (5000, 5000)])
def test_a_sample_misleads_with_less_than_the_root_of_what_it_is_called_with(
    unseen: int, sample: int, eps: float
) -> None:
    for share in (0.005, 0.05, 0.25):
        assert _misled(unseen, sample, share, eps**2) <= eps


def test_as_printed_the_sampling_deviation_is_no_bound() -> None:
    assert _misled(20_000, 20_000, 0.25, 1e-10) > 5e-10


def test_the_printed_deviation_divided_by_the_count_is_no_bound() -> None:
    mean, beta = 1000.0, -math.log(1e-6)
    printed = mean + (beta + math.sqrt(8 * beta * mean + beta**2)) / (2 * mean)
    assert stats.poisson.sf(printed, mean) > 0.4


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 10**6), st.floats(0, 1), st.sampled_from([1e-3, 1e-12, 1e-20]))
def test_the_exact_multiphoton_bound(n: int, p: float, failure: float) -> None:
    most = most_of(n, p, failure)
    assert 0 <= most <= n
    assert stats.binom.sf(most, n, p) <= failure * (1 + 1e-9)


@settings(max_examples=100, deadline=None)
@given(
    st.integers(0, 300),
    st.floats(0.01, 0.5),
    st.sampled_from([1e-3, 1e-12, 1e-20]),
    st.integers(0, 20_000),
)
def test_the_exact_bound_of_what_stands_behind_cross_clicks(
    seen: int, p: float, failure: float, more: int
) -> None:
    """So many trials show no more than `seen` with that chance, and one more trial does not."""
    most = most_behind(seen, p, seen + more, failure)
    assert seen <= most <= seen + more
    assert stats.binom.cdf(seen, most, p) >= failure * (1 - 1e-9)
    if most < seen + more:
        assert stats.binom.cdf(seen, most + 1, p) <= failure * (1 + 1e-9)


@pytest.mark.parametrize("eps", [0, 1, -1, math.nan])
def test_epsilons_out_of_range_are_named(eps: float) -> None:
    with pytest.raises(ValueError, match=r"eps must be between 0 and 1, not"):
        tails.upper_count(1, eps)
    with pytest.raises(ValueError, match="eps"):
        tails.sampling_deviation_unproven(10, 10, 0.1, eps)


def test_no_observed_error_has_a_finite_bound() -> None:
    bound = float(tails.sampling_deviation_unproven(1000, 1000, 0.0, 1e-10))
    assert 0.02 < bound < 0.05
    assert tails.sampling_deviation_unproven(5, 5, 1.0, 0.1) == 0
