"""The gate: its bench passes, and fails for a gate that is one tick wrong."""

import pytest
from amaranth.hdl import Value
from amaranth.hdl._ast import Slice
from tests.gateware.conftest import Bench

from hexkey_gateware.gate import Gate


def test_gate_equals_its_models(bench: Bench) -> None:
    result = bench(Gate())
    assert (result.tests, result.failures) == (1, 0), result.log


class InclusiveEnd(Gate):
    def _open_still(self, phase_ticks: Value, end: Value) -> Value:
        return phase_ticks <= end


class ExclusiveStart(Gate):
    def _too_early(self, phase_ticks: Value) -> Value:
        return phase_ticks <= self.gate_start_ticks


class LongerWrappedPart(Gate):
    """Only where the end is compared for the second time in a clock, with the wrapped part."""

    def _open_still(self, phase_ticks: Value, end: Value) -> Value:
        wrapped = isinstance(end, Slice)
        return phase_ticks <= end if wrapped else super()._open_still(phase_ticks, end)


@pytest.mark.parametrize("mutant", [InclusiveEnd, ExclusiveStart, LongerWrappedPart])
def test_bench_sees_one_tick(bench: Bench, mutant: type[Gate]) -> None:
    result = bench(mutant())
    assert result.failures == 1
    assert "AssertionError: a click at gate " in result.log
