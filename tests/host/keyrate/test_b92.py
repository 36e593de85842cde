"""B92's equations: values, order relations, and domains whose edges the printed forms miss."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hexkey.keyrate import b92
from hexkey.keyrate.entropy import binary_entropy

PA, COR = 1e-10, 1e-15
CONSTANTS = 115.26748332105768  # bits: 2 log2(1/(2 ε_PA)) + log2(2/ε_cor)


@pytest.mark.parametrize(
    ("n", "eq7", "conservative"),
    [
        (17_500, 4282.1307, 4282.1307),
        (175_000, 5044.9580, 4387.1246),
        (1_750_000, 5268.6169, 4397.4987),
    ],
)
def test_bits_per_second_at_the_papers_error_rate(n: int, eq7: float, conservative: float) -> None:
    seconds = n / 17_500
    planned = b92.key_length_planned_unproven(n, 0.0649, PA, COR) / seconds
    assert planned == pytest.approx(eq7, abs=6e-5)
    planned = b92.key_length_planned_unproven(n, 0.0649, PA, COR, "conservative") / seconds
    assert planned == pytest.approx(conservative, abs=6e-5)


def test_long_blocks_approach_the_asymptotic_fraction_from_below() -> None:
    limit = b92.asymptotic_fraction_unproven(0.0649)
    assert limit * 17_500 == pytest.approx(5369.1217, abs=6e-5)
    fractions = [
        b92.key_length_planned_unproven(n, 0.0649, PA, COR) / n for n in (10**5, 10**7, 10**9)
    ]
    assert fractions == sorted(fractions)
    assert limit - 3e-4 < fractions[-1] < limit


def test_leaks_of_arrays_are_those_of_scalars() -> None:
    n = np.array([0, 1, 17_500, 10**9, 10**15])
    qber = np.array([0, 5e-324, 1e-12, 0.0649, 0.48, 0.5, 1])[:, None]
    found = b92.leak_eq7_array(n, qber, COR)
    expected = [[b92.leak_eq7(int(m), float(q), COR) for m in n] for q in qber[:, 0]]
    np.testing.assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize(
    ("n", "qber", "eps_cor", "problem"),
    [
        ([-1], 0.05, COR, "n must be"),
        (100, [1.1], COR, "qber must be"),
        (100, math.nan, COR, "qber must be"),
        (100, 0.05, [0.0], "eps_cor must be"),
    ],
)
def test_arrays_out_of_range_are_refused(
    n: object, qber: object, eps_cor: object, problem: str
) -> None:
    with pytest.raises(ValueError, match=problem):
        b92.leak_eq7_array(n, qber, eps_cor)  # type: ignore[arg-type]


def test_a_perfect_channel_costs_only_the_constants() -> None:
    assert b92.leak_eq7(10**4, 0, COR) == b92.leak_eq7_tm(10**4, 0, COR) == 0
    expected = 10**4 - CONSTANTS
    assert b92.key_length_planned_unproven(10**4, 0, PA, COR) == pytest.approx(expected, rel=1e-14)


def test_counted_tag_bits_replace_the_correctness_term() -> None:
    n, leak = 10**4, 4000.0
    without = b92.key_length_unproven(n, 0.05, leak, PA, COR)
    with_tag = b92.key_length_unproven(n, 0.05, leak, PA, COR, verification_bits=64)
    exact = n * (1 - binary_entropy(0.05)) - leak - 2 * math.log2(1 / (2 * PA))
    assert without == math.floor(exact - math.log2(2 / COR))
    assert with_tag == math.floor(exact - 64)


@pytest.mark.parametrize("qber", [0.5, 0.51, 0.97, 1.0])
def test_no_key_from_half_errors_on_though_entropy_falls_again(qber: float) -> None:
    assert b92.leak_eq7(1000, qber, COR) == 1000
    assert b92.key_length_unproven(10**6, qber, 0, PA, COR) == 0
    assert b92.key_length_planned_unproven(10**6, qber, PA, COR) == 0
    assert b92.asymptotic_fraction_unproven(qber) == -1


@settings(max_examples=200, deadline=None)
@given(
    n=st.integers(0, 10**6),
    qber=st.one_of(st.floats(0, 1), st.floats(-320, 0).map(lambda x: 10.0**x)),
    eps=st.floats(1e-300, 0.999),
)
def test_any_input_gives_finite_ordered_values(n: int, qber: float, eps: float) -> None:
    shannon = n * binary_entropy(min(qber, 0.5))
    for leak in (b92.leak_eq7(n, qber, eps), b92.leak_eq7_tm(n, qber, eps)):
        assert shannon <= leak < math.inf
    lengths = [
        b92.key_length_planned_unproven(n, qber, PA, eps, x) for x in ("eq7", "conservative")
    ]
    assert n >= lengths[0] >= lengths[1] >= 0


def test_a_loose_amplification_epsilon_adds_no_bits() -> None:
    assert b92.key_length_unproven(100, 0, 0, 0.9, 0.5, verification_bits=0) == 100


def test_the_discrimination_threshold() -> None:
    assert pytest.approx(0.29289321881345254, rel=1e-15) == b92.USD_THRESHOLD_TRANSMISSION


@pytest.mark.parametrize(
    ("n", "qber", "leak", "pa", "cor", "tag"),
    [
        (-1, 0.1, 0, PA, COR, None),
        (10, math.nan, 0, PA, COR, None),
        (10, 1.01, 0, PA, COR, None),
        (10, 0.1, -1, PA, COR, None),
        (10, 0.1, math.nan, PA, COR, None),
        (10, 0.1, 0, 0, COR, None),
        (10, 0.1, 0, PA, 1, None),
        (10, 0.1, 0, PA, COR, -1),
    ],
)
def test_refuses_values_out_of_range(
    n: int, qber: float, leak: float, pa: float, cor: float, tag: int | None
) -> None:
    with pytest.raises(ValueError, match="must be"):
        b92.key_length_unproven(n, qber, leak, pa, cor, tag)


def test_refuses_an_unknown_leak() -> None:
    with pytest.raises(ValueError, match="conservative"):
        b92.key_length_planned_unproven(10, 0.1, PA, COR, "Eq7")  # type: ignore[arg-type]
