"""Registers: the bench passes, and fails for careless limits, repetitions and addresses."""

import pytest
from amaranth.hdl import Const, Value
from tests.gateware.conftest import Bench

from hexkey.events import DETECTORS
from hexkey.wire.registers import REGISTERS
from hexkey_gateware.link.limits import Comparison
from hexkey_gateware.link.register_file import RegisterFile
from hexkey_gateware.register_layouts import LIVE, SETTINGS, VALUES, resets
from hexkey_sim.benches.register_file import LIMITS, PERIOD_TICKS


def test_registers_answer_as_their_model(bench: Bench) -> None:
    result = bench(RegisterFile(PERIOD_TICKS, LIMITS))
    assert (result.tests, result.failures) == (3, 0), result.log


def test_every_register_is_in_one_structure() -> None:
    names = [name for layout in (SETTINGS, VALUES, LIVE) for name in layout.members]
    assert sorted(names) == sorted(row.name for row in REGISTERS)
    for layout in (SETTINGS, VALUES, LIVE):
        for name, value in resets(layout, PERIOD_TICKS).items():
            assert layout.const({name: value})[name] == value
    assert resets(SETTINGS, 1234)["gate_width_ticks"] == [1234] * DETECTORS


class AppliesTwice(RegisterFile):
    def _repeats(self, request_id: Value) -> Value:
        return Const(0)


class Unsigned(Comparison):
    def _sign(self, word: Value) -> Value:
        return Const(0)


class ForgetsSigns(RegisterFile):
    def _compare(self) -> Comparison:
        return Unsigned()


class ForAnyPeriod(Comparison):
    def _period_bit(self, place: Value) -> Value:
        return super()._period_bit(place) & (place != 0)


class ForgetsPeriods(RegisterFile):
    def _compare(self) -> Comparison:
        return ForAnyPeriod()


class AddressesWrap(RegisterFile):
    def _is_unknown(self, exists: Value) -> Value:
        return ~exists


@pytest.mark.parametrize("mutant", [AppliesTwice, ForgetsSigns, ForgetsPeriods, AddressesWrap])
def test_bench_sees_a_careless_answer(bench: Bench, mutant: type[RegisterFile]) -> None:
    result = bench(mutant(PERIOD_TICKS, LIMITS), "answers_as_the_golden_model")
    assert result.failures == 1
    assert "AssertionError: " in result.log
