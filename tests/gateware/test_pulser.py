"""The pulser: its bench passes and fails for mutants; its chances are what the registers say."""

from itertools import combinations, islice

import numpy as np
import pytest
from amaranth.hdl import Module, Value
from numpy.typing import NDArray
from tests.gateware.conftest import Bench

from hexkey_gateware.pulser import Pulser
from hexkey_sim.golden.pulser import random_numbers

NUMBERS = 100_000
SIGMAS = 5.0  # a false alarm in 1.7 million tests


def test_pulser_equals_its_model(bench: Bench) -> None:
    result = bench(Pulser())
    assert (result.tests, result.failures) == (2, 0), result.log


class ForgetsDelays(Pulser):
    def _delay(self, m: Module, delay: Value, plays: Value) -> Value:
        return plays


class AlwaysPlays(Pulser):
    def _chance(self, m: Module, channel: int, probability: Value, begins: Value) -> Value:
        return begins


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
