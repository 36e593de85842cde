"""The resolver: its bench passes, and fails for one that closes pulses too early."""

from amaranth.hdl import Value
from tests.gateware.conftest import Bench

from hexkey.wire import NARROW
from hexkey_gateware.resolver import Resolver


def test_resolver_equals_its_models(bench: Bench) -> None:
    result = bench(Resolver(NARROW))
    assert (result.tests, result.failures) == (3, 0), result.log


class ClosesEarly(Resolver):
    def _closed(self, all_here: Value, here: Value) -> Value:
        return ~here.any()


def test_bench_sees_a_pulse_closed_too_early(bench: Bench) -> None:
    result = bench(ClosesEarly(NARROW))
    assert result.failures == 3
    assert "AssertionError: item " in result.log
