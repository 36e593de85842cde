"""Totals of g²: their bench passes, and fails where pairs are mixed."""

from collections.abc import Sequence

import pytest
from amaranth.hdl import Const, Module, Signal, Value
from tests.gateware.conftest import Bench

from hexkey_gateware.g2_totals import G2Totals
from hexkey_gateware.total_rows import TotalRows
from hexkey_gateware.totals import Totals


def test_g2_totals_are_of_one_pair_and_time(bench: Bench) -> None:
    result = bench(G2Totals())
    assert (result.tests, result.failures) == (3, 0), result.log


class SeesNoChange(G2Totals):
    def _differs(self, pair: Signal) -> Value:
        return Const(0)


class CountsOn(G2Totals):
    """Until the totals are cleared, what comes of the new pair is added to those of the old one."""

    def _counts(self, counts: Signal) -> Value:
        return Const(1)


class LateStart(G2Totals):
    """Whoever has seen the old pair and asks a clock later gets the totals of the new one."""

    def _take_last_start(self, m: Module) -> None:
        pass


class MovesTooOften(TotalRows):
    """Each word is of a copy of its own."""

    def _moves(self) -> Value:
        return Const(1)


class Copies(Totals):
    def _adding(self, widths: Sequence[int]) -> TotalRows:
        return MovesTooOften(widths, copies=True)


class CopiesWordByWord(G2Totals):
    def _totalling(self, widths: Sequence[int]) -> Totals:
        return Copies(widths, copies=True)


@pytest.mark.parametrize(
    ("mutant", "test"),
    [
        (SeesNoChange, "says_of_which_pair"),
        (CountsOn, "says_of_which_pair"),
        (LateStart, "says_of_which_pair"),
        (CopiesWordByWord, "copies_all_at_one_time"),
    ],
)
def test_bench_sees_mixtures(bench: Bench, mutant: type[G2Totals], test: str) -> None:
    result = bench(mutant(), test)
    assert result.failures == 1
    assert "AssertionError: " in result.log
