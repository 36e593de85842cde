"""The pulse without a trigger: as its model, and the bench sees one too many."""

from amaranth.hdl import Module
from tests.gateware.conftest import Bench

from hexkey_gateware.stand_in import StandIn


class NeverStops(StandIn):
    """Says in each clock that there is a pulse."""

    def elaborate(self, platform: object) -> Module:
        m = super().elaborate(platform)
        m.d.comb += self.o.valid.eq(1)
        return m


def test_stand_in_equals_its_model(bench: Bench) -> None:
    result = bench(StandIn())
    assert (result.tests, result.failures) == (1, 0), result.log


def test_bench_sees_a_pulse_too_many(bench: Bench) -> None:
    assert bench(NeverStops()).failures == 1
