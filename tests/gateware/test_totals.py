"""Totals: their bench passes, and fails for counters that are too narrow or taken twice."""

import re
from collections.abc import Sequence

import pytest
from amaranth.hdl import Const, Signal, Value
from tests.gateware.conftest import Bench

from hexkey_gateware.growth_counters import GrowthCounters
from hexkey_gateware.total_rows import HALVES, ROW_BITS, TotalRows
from hexkey_gateware.totals import Totals
from hexkey_sim.benches.totals import SHOWN, WIDTHS


def totals(
    rows: type[TotalRows] = TotalRows, counters: type[GrowthCounters] = GrowthCounters
) -> Totals:
    """Return totals with other parts."""

    class Rows(rows):  # type: ignore[valid-type,misc]
        def _counting(self, widths: Sequence[int], clocks: int) -> GrowthCounters:
            return counters(widths, HALVES, clocks)

    class Changed(Totals):
        def _adding(self, widths: Sequence[int]) -> TotalRows:
            return Rows(widths, copies=False)

    return Changed(WIDTHS, SHOWN)


class FarOn(TotalRows):
    """After days: halves of totals run over."""

    def _first_rows(self) -> list[int]:
        first = [(1 + index << 32) - 100 * index - 100 for index in range(len(WIDTHS))]
        return [total >> at & (1 << ROW_BITS) - 1 for total in first for at in (0, ROW_BITS)]


def test_totals_count_all_and_once(bench: Bench) -> None:
    result = bench(Totals(WIDTHS, SHOWN), "has_room_for_the_most", "clears_all_in_one_clock")
    assert (result.tests, result.failures) == (2, 0), result.log


def test_totals_count_on_through_both_halves(bench: Bench) -> None:
    result = bench(totals(FarOn), "counts_all_and_once")
    assert (result.tests, result.failures) == (1, 0), result.log


class CarriesNothing(FarOn):
    """What runs over from the low half is lost."""

    def _carry(self, carried_sum: Signal) -> Value:
        return Const(0)


def test_bench_sees_that_halves_are_not_joined(bench: Bench) -> None:
    result = bench(totals(CarriesNothing), "counts_all_and_once")
    assert result.failures == 1
    assert re.search(r"AssertionError: total \d+ is ", result.log)


class Narrow(GrowthCounters):
    """Counters with room for half of what may come."""

    def _growth(self, width: int) -> int:
        return super()._growth(width) // 2


class CountsTwice(GrowthCounters):
    """What came before the last clock is taken again."""

    def _restarted(self, counter: Signal, increment: Signal) -> Value:
        return increment | (counter & 2)


class Forgets(GrowthCounters):
    """A counter that is taken loses what comes in that clock."""

    def _restarted(self, counter: Signal, increment: Signal) -> Value:
        return Const(0)


@pytest.mark.parametrize("mutant", [Narrow, CountsTwice, Forgets])
def test_bench_sees_what_is_lost_and_what_comes_twice(
    bench: Bench, mutant: type[GrowthCounters]
) -> None:
    result = bench(totals(counters=mutant), "has_room_for_the_most")
    assert result.failures == 1
    assert re.search(r"AssertionError: total \d+ is ", result.log)


class CountsOn(GrowthCounters):
    """Increments go on being counted while totals are cleared."""

    def _ignored(self) -> Value:
        return Const(0)


def test_bench_sees_totals_that_do_not_start_together(bench: Bench) -> None:
    result = bench(totals(counters=CountsOn), "clears_all_in_one_clock")
    assert result.failures == 1
    assert "AssertionError: totals that are the same are " in result.log
