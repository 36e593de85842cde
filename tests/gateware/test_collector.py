"""The collector: its bench passes, and fails for one that keeps the wrong phase or loses clicks."""

import pytest
from amaranth.hdl import Const, Value
from tests.gateware.conftest import Bench

from hexkey_gateware.collector import Collector
from hexkey_gateware.open_pulse import OpenPulse
from hexkey_gateware.slot import OPEN_PULSES
from hexkey_gateware.sorter import Sorter


def test_collector_equals_its_models(bench: Bench) -> None:
    result = bench(Collector())
    assert (result.tests, result.failures) == (2, 0), result.log


class FirstSlotWins(OpenPulse):
    def _earlier(self, new: Value, kept: Value) -> Value:
        return Const(0)


class OldestIsTheNext(Sorter):
    def _is_of(self, back: Value, place: int) -> Value:
        return super()._is_of(back, (place + 1) % OPEN_PULSES)


class WrongPhase(Collector):
    OPEN_PULSE = FirstSlotWins


class WrongPulse(Collector):
    SORTER = OldestIsTheNext


@pytest.mark.parametrize("mutant", [WrongPhase, WrongPulse])
def test_bench_sees_a_wrong_phase_and_a_wrong_pulse(bench: Bench, mutant: type[Collector]) -> None:
    result = bench(mutant(), "equals_the_golden_models")
    assert result.failures == 1
    assert "AssertionError: pulse " in result.log
