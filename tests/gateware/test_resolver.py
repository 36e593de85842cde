"""The resolver: its bench passes, and fails for one that discards what it should report."""

from amaranth.hdl import Value
from tests.gateware.conftest import Bench

from hexkey_gateware.resolver import Resolver


def test_resolver_equals_its_model(bench: Bench) -> None:
    result = bench(Resolver())
    assert (result.tests, result.failures) == (1, 0), result.log


class DiscardsAlways(Resolver):
    def _discards(self) -> Value:
        return ~super()._discards() | super()._discards()


def test_bench_sees_a_pulse_discarded(bench: Bench) -> None:
    result = bench(DiscardsAlways())
    assert result.failures == 1
    assert "AssertionError: an event is " in result.log
