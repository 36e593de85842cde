"""Pulsed g²: its bench passes, and fails for one that compares a pulse that is not whole."""

import pytest
from amaranth.hdl import Const, Module, Signal, Value
from tests.gateware.conftest import Bench

from hexkey_gateware.g2 import G2


def test_g2_equals_its_model(bench: Bench) -> None:
    result = bench(G2())
    assert (result.tests, result.failures) == (2, 0), result.log


class LosesLateClicks(G2):
    def _clicked(self, m: Module, detector: Value, back: int) -> Value:
        return super()._clicked(m, detector, 0) if back == 0 else Signal()


class ComparesAcrossEpochs(G2):
    def _epoch_begins(self) -> Value:
        return Const(0)


@pytest.mark.parametrize("mutant", [LosesLateClicks, ComparesAcrossEpochs])
def test_bench_sees_it(bench: Bench, mutant: type[G2]) -> None:
    result = bench(mutant(), "equals_the_golden_model")
    assert result.failures == 1
    assert "AssertionError: " in result.log
