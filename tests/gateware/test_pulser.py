"""The pulser: its bench passes and fails for mutants; its chances are what the registers say."""

from itertools import combinations, islice, product

import numpy as np
import pytest
from amaranth.hdl import Const, Module, Value
from numpy.typing import NDArray
from tests.gateware.conftest import Bench
from tests.gateware.shift_registers import Number, first_state, numbers_of, rank, value

from hexkey_gateware.pulser import DELAY_BITS, Pulser
from hexkey_sim.golden.pulser import random_numbers

NUMBERS = 100_000
SIGMAS = 5.0  # a false alarm in 1.7 million tests


def test_pulser_equals_its_model(bench: Bench) -> None:
    result = bench(Pulser())
    assert (result.tests, result.failures) == (2, 0), result.log


class ForgetsDelays(Pulser):
    def _delay(self, m: Module, delay: Value, plays: Value, passed: list[Value]) -> Value:
        return super()._delay(m, Const(0, DELAY_BITS), plays, passed)


class AlwaysPlays(Pulser):
    def _chance(self, m: Module, channel: int, probability: Value) -> Value:
        return Const(1)


@pytest.mark.parametrize("mutant", [ForgetsDelays, AlwaysPlays])
def test_bench_sees(bench: Bench, mutant: type[Pulser]) -> None:
    result = bench(mutant(), "plays_what_the_model_plays")
    assert result.failures == 1
    assert "AssertionError: channel" in result.log


@pytest.fixture(scope="module")
def numbers() -> NDArray[np.int64]:
    return np.array([list(islice(random_numbers(channel), NUMBERS)) for channel in range(5)])


@pytest.mark.parametrize("probability", [655, 32768, 60000])
def test_chance_is_what_the_register_says(numbers: NDArray[np.int64], probability: int) -> None:
    share = probability / 65536
    sigma = (share * (1 - share) / NUMBERS) ** 0.5
    played = (numbers < probability).mean(axis=1)
    assert np.abs(played - share).max() < SIGMAS * sigma


def test_channels_do_not_follow_each_other(numbers: NDArray[np.int64]) -> None:
    played = numbers < 32768
    sigma = 0.25**0.5 / NUMBERS**0.5
    for first, second in combinations(range(5), 2):
        for lag in range(-3, 4):
            shifted = np.roll(played[second], lag)
            assert abs((played[first] == shifted).mean() - 0.5) < SIGMAS * sigma, (first, second)


def test_small_numbers_do_not_follow_each_other(numbers: NDArray[np.int64]) -> None:
    played = numbers < 65536 // 32
    expected = NUMBERS / 32**2
    for one, other in product(range(5), repeat=2):
        for lag in range(int(one == other), 25):
            pairs = np.count_nonzero(played[one, : NUMBERS - lag] & played[other, lag:])
            assert abs(pairs - expected) < SIGMAS * expected**0.5, (one, other, lag)


@pytest.fixture(scope="module")
def sums() -> list[list[Number]]:
    return [numbers_of(channel, 200) for channel in range(5)]


def test_sums_are_the_numbers(numbers: NDArray[np.int64], sums: list[list[Number]]) -> None:
    for channel in range(5):
        values = [value(number, first_state()) for number in sums[channel]]
        assert values == numbers[channel, :200].tolist()


def test_pairs_of_numbers_are_of_every_kind_equally_often(sums: list[list[Number]]) -> None:
    """In the whole period of the registers: all bits of two numbers are independent."""
    for one, other in product(range(5), repeat=2):
        for lag in range(int(one == other), 200):
            assert rank(sums[one][0] + sums[other][lag]) == 32, (one, other, lag)


def test_threes_within_24_periods_are_independent(sums: list[list[Number]]) -> None:
    own, other = sums[0], sums[1]
    for middle, last in combinations(range(1, 25), 2):
        assert rank(own[0] + own[middle] + own[last]) == 48
        assert rank(own[0] + own[middle] + other[last]) == 48
    for channels in combinations(range(5), 3):
        assert rank(bit for channel in channels for bit in sums[channel][0]) == 48


def test_one_register_would_not_do(sums: list[list[Number]]) -> None:
    alone = [[bit & (1 << 31) - 1 for bit in number] for number in sums[0]]
    small = [number[-10:] for number in alone]  # the number is below 64 if all of these are 0
    assert any(rank(small[0] + later) < 20 for later in small[1:25])
