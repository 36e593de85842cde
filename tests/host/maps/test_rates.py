"""Rates of a map against the equations, gate by gate."""

import math
from fractions import Fraction

import numpy as np
import pytest

from hexkey.errors import ConfigurationError
from hexkey.keyrate.b92 import key_length_planned_unproven
from hexkey.maps import WindowCounts, Windows
from hexkey.maps.rates import EPS_COR, EPS_PA, RateMap, rate_map

TICK_PS = Fraction(10)


def counts() -> WindowCounts:
    windows = Windows(np.array([0, 50]), np.array([300, 1000, 1050]), 2500)
    sifted = np.array([[100_000, 350_000, 360_000], [0, 175_000, 400]])
    errors = np.array([[6_000, 22_715, 40_000], [0, 11_358, 200]])
    return WindowCounts(windows, sifted, errors, np.zeros_like(sifted))


def made(block_s: float = 1.0) -> RateMap:
    return rate_map(counts(), 20.0, TICK_PS, block_s=block_s)


def test_rates_are_those_of_the_equations_gate_by_gate() -> None:
    for block_s in (1.0, 10.0):
        found = made(block_s)
        for place in np.ndindex(2, 3):
            sifted, errors = int(counts().sifted[place]), int(counts().errors[place])
            assert found.sifted_hz[place] == sifted / 20
            if not sifted:
                assert math.isnan(found.qber[place])
                assert found.secret_hz_unproven[place] == 0
                continue
            assert found.qber[place] == errors / sifted
            bits = round(sifted * block_s / 20)
            for rates, eps in (
                (found.secret_hz_unproven, EPS_PA),
                (found.union_secret_hz_unproven, EPS_PA / 6),
            ):
                length = key_length_planned_unproven(bits, errors / sifted, eps, EPS_COR)
                assert rates[place] == math.floor(length) / block_s


def test_the_papers_gate_gives_what_its_equations_give() -> None:
    assert made().secret_hz_unproven[0, 1] == pytest.approx(4282, abs=2)  # 17.5 kbit/s, 6.49 %


def test_the_best_gates_come_first_and_facts_name_them() -> None:
    found = made()
    secret_hz = found.secret_hz_unproven
    assert found.best(2, secret_hz) == [(0, 1), (1, 1)]
    # (0, 2) has no key, but more bits are right than of the others; of the last ones none is sound.
    assert found.best(4, secret_hz)[2:] == [(0, 0), (0, 2)]
    assert len(found.best(100, secret_hz)) == 6
    assert found.best(100, secret_hz)[-1] in {(1, 0), (1, 2)}
    assert found.best(1, -secret_hz) == [(0, 2)]  # by other rates
    facts = found.gate_facts((0, 1))
    assert (facts["start_ns"], facts["width_ns"]) == (0.0, 10.0)
    assert (facts["sifted_bits"], facts["errors"]) == (350_000, 22_715)
    assert found.gate_facts((1, 0))["qber"] is None
    secret = found.secret_hz_unproven[0, 1]
    assert facts["secret_hz_unproven"] == secret
    assert secret - facts["union_secret_hz_unproven"] == pytest.approx(2 * math.log2(6), abs=1)


def test_the_edge_of_the_grid_is_told_where_gates_lie_beyond_it() -> None:
    found = made()
    assert not found.at_the_edge((0, 1))  # no gate opens before 0
    assert found.at_the_edge((1, 1))
    assert found.at_the_edge((0, 2))
    assert found.at_the_edge((0, 0))
    whole = Windows(np.array([0]), np.array([0, 2500]), 2500)
    zero = np.zeros((1, 2), np.int64)
    full = rate_map(WindowCounts(whole, zero, zero, zero), 1.0, TICK_PS)
    assert full.at_the_edge((0, 1))  # a later start
    # Nothing is beyond a grid from the first tick to the last, from no width to the period.
    every = Windows(np.array([0, 2499]), np.array([0, 2500]), 2500)
    zero = np.zeros((2, 2), np.int64)
    complete = rate_map(WindowCounts(every, zero, zero, zero), 1.0, TICK_PS)
    assert not any(complete.at_the_edge(place) for place in np.ndindex(2, 2))


def test_without_a_key_the_gate_with_more_right_bits_than_wrong_comes_first() -> None:
    """Of 300 bits nearly half are wrong, of 100 only 10, and another has none."""
    windows = Windows(np.array([0]), np.array([300, 400, 500]), 2500)
    sifted, errors = np.array([[300, 100, 0]]), np.array([[140, 10, 0]])
    found = rate_map(WindowCounts(windows, sifted, errors, 0 * errors), 1.0, TICK_PS)
    assert found.best(3, found.secret_hz_unproven) == [(0, 1), (0, 0), (0, 2)]


@pytest.mark.parametrize("seconds", [0.0, -1.0, math.inf, math.nan])
def test_times_must_be_positive(seconds: float) -> None:
    with pytest.raises(ConfigurationError, match="seconds of a map must be positive"):
        rate_map(counts(), seconds, TICK_PS)
    with pytest.raises(ConfigurationError, match="block_s of a map must be positive"):
        rate_map(counts(), 1.0, TICK_PS, block_s=seconds)
