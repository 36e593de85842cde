"""Totals: their bench passes, and fails for counters that are too narrow or taken twice."""

import re

import pytest
from amaranth.hdl import Signal, Value
from tests.gateware.conftest import Bench

from hexkey_gateware.totals import Totals
from hexkey_sim.benches.totals import SHOWN, WIDTHS


class FarOn(Totals):
    """After days: halves of totals run over."""

    def _first_totals(self) -> list[int]:
        return [(1 + index << 32) - 100 * index - 100 for index in range(len(WIDTHS))]


def test_totals_count_all_and_once(bench: Bench) -> None:
    result = bench(Totals(WIDTHS, SHOWN), "has_room_for_the_most", "clears_all_in_one_clock")
    assert (result.tests, result.failures) == (2, 0), result.log


def test_totals_count_on_through_both_halves(bench: Bench) -> None:
    result = bench(FarOn(WIDTHS, SHOWN), "counts_all_and_once")
    assert (result.tests, result.failures) == (1, 0), result.log


class Narrow(Totals):
    """Counters with one bit less."""

    def _growth(self, width: int) -> int:
        return super()._growth(width) // 2


class CountsTwice(Totals):
    """What came before the last clock is taken again."""

    def _kept(self, counter: Value) -> Value:
        return counter & 2


class Forgets(Totals):
    """A counter that is taken loses what comes in that clock."""

    def _new(self, increment: Signal, take: Signal) -> Value:
        return increment & ~take.replicate(len(increment))


@pytest.mark.parametrize(
    ("mutant", "test"),
    [
        (Narrow, "has_room_for_the_most"),
        (CountsTwice, "has_room_for_the_most"),
        (Forgets, "has_room_for_the_most"),
    ],
)
def test_bench_sees_what_is_lost_and_what_comes_twice(
    bench: Bench, mutant: type[Totals], test: str
) -> None:
    result = bench(mutant(WIDTHS, SHOWN), test)
    assert result.failures == 1
    assert re.search(r"AssertionError: total \d+ is ", result.log)


class ClearsOneByOne(Totals):
    """Increments go on being counted while totals are cleared."""

    def _heeds(self, ignored: Signal) -> Value:
        return ignored & 0


def test_bench_sees_totals_that_do_not_start_together(bench: Bench) -> None:
    result = bench(ClearsOneByOne(WIDTHS, SHOWN), "clears_all_in_one_clock")
    assert result.failures == 1
    assert "AssertionError: totals that are the same are " in result.log
