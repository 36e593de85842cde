"""The packer: its bench passes, and fails for one that keeps its books badly."""

import re

import pytest
from amaranth.hdl import Const, Module, Signal, Value
from tests.gateware.conftest import Bench

from hexkey_gateware.packer import DISTANCE_BITS, Packer
from hexkey_sim.benches.packer import FAR_PULSES

FAR = "tells_of_the_far"
BENCHES = (
    "tells_of_all_that_goes_in",
    "keeps_numbers_while_groups_come_too_fast",
    "waits_for_the_fifo",
    "is_as_fast_as_it_says",
)


def test_packer_tells_of_all_that_goes_in(bench: Bench) -> None:
    result = bench(Packer(), *BENCHES)
    assert (result.tests, result.failures) == (len(BENCHES), 0), result.log


class HasDroppedForLong(Packer):
    def __init__(self) -> None:
        super().__init__()
        self._behind = Signal(DISTANCE_BITS, init=FAR_PULSES)
        self._at_here = Signal(init=0)


def test_packer_tells_of_the_far(bench: Bench) -> None:
    result = bench(HasDroppedForLong(), FAR)
    assert (result.tests, result.failures) == (1, 0), result.log


class LetsAllModesPass(Packer):
    def _events_pass(self, mode: Value) -> Value:
        return Const(1)


class ForgetsEventsOfGroups(Packer):
    def _drop(self, m: Module, is_event: Value) -> None:
        pass


class ForgetsTheFirst(Packer):
    def _keep_distances(self, m: Module) -> None:
        super()._keep_distances(m)
        with m.If(self._noting):
            m.d.sync += self._first.eq(self._behind)


@pytest.mark.parametrize("mutant", [LetsAllModesPass, ForgetsEventsOfGroups, ForgetsTheFirst])
def test_bench_sees_bad_books(bench: Bench, mutant: type[Packer]) -> None:
    result = bench(mutant(), BENCHES[0])
    assert result.failures == 1
    assert re.search("AssertionError: (a word tells|a loss|events were lost|nothing)", result.log)
