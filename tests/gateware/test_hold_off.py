"""Hold-off: its bench passes, and fails for one that is a pulse short or counts round."""

from amaranth.hdl import Const, Value
from tests.gateware.conftest import Bench

from hexkey_gateware.hold_off import HoldOff


def test_hold_off_equals_its_model(bench: Bench) -> None:
    result = bench(HoldOff())
    assert (result.tests, result.failures) == (2, 0), result.log


class OnePulseLonger(HoldOff):
    def _under(self, distance: Value) -> Value:
        return distance <= self.holdoff_pulses


def test_bench_sees_one_pulse(bench: Bench) -> None:
    result = bench(OnePulseLonger(), "equals_the_golden_model")
    assert result.failures == 1
    assert "AssertionError: at " in result.log


class CountsRound(HoldOff):
    def _at_its_end(self, distance: Value) -> Value:
        return Const(0)


def test_bench_sees_a_counter_that_wraps(bench: Bench) -> None:
    result = bench(CountsRound(), "counts_to_the_longest_hold_off_and_no_further")
    assert result.failures == 1
    assert "AssertionError: at " in result.log
