"""Attribution: its bench passes, and fails when the wrapped part is one tick too long."""

from amaranth.hdl import Value
from tests.gateware.conftest import Bench

from hexkey.wire import NARROW
from hexkey_gateware.attribution import Attribution


def test_attribution_equals_its_model(bench: Bench) -> None:
    result = bench(Attribution(NARROW))
    assert (result.tests, result.failures) == (2, 0), result.log


class OneTickMore(Attribution):
    def _wrapped(self) -> Value:
        end = self.gate_start_ticks + self.gate_width_ticks
        return self.i.payload.phase_ticks + self.period_ticks <= end


def test_bench_sees_one_tick(bench: Bench) -> None:
    result = bench(OneTickMore(NARROW), "equals_the_golden_model")
    assert result.failures == 1
    assert "AssertionError: item " in result.log
