"""The gate: its bench passes, and fails for a gate that is one tick wrong."""

import pytest
from amaranth.hdl import Value
from tests.gateware.conftest import Bench

from hexkey.wire import NARROW
from hexkey_gateware.gate import Gate


def test_gate_equals_its_model(bench: Bench) -> None:
    result = bench(Gate(NARROW))
    assert (result.tests, result.failures) == (2, 0), result.log


class InclusiveEnd(Gate):
    def _inside(self) -> Value:
        phase_ticks = self.i.payload.phase_ticks
        end = self.gate_start_ticks + self.gate_width_ticks
        return (self.gate_start_ticks <= phase_ticks) & (phase_ticks <= end)


class ExclusiveStart(Gate):
    def _inside(self) -> Value:
        phase_ticks = self.i.payload.phase_ticks
        end = self.gate_start_ticks + self.gate_width_ticks
        return (self.gate_start_ticks < phase_ticks) & (phase_ticks < end)


@pytest.mark.parametrize("mutant", [InclusiveEnd, ExclusiveStart])
def test_bench_sees_one_tick(bench: Bench, mutant: type[Gate]) -> None:
    result = bench(mutant(NARROW), "equals_the_golden_model")
    assert result.failures == 1
    assert "AssertionError: item " in result.log
