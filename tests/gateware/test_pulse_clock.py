"""The pulse clock: its bench passes, and fails when a pulse begins one tick late."""

from amaranth.hdl import Value
from tests.gateware.conftest import Bench

from hexkey_gateware.pulse_clock import PulseClock


def test_pulse_clock_equals_its_model(bench: Bench) -> None:
    result = bench(PulseClock())
    assert (result.tests, result.failures) == (1, 0), result.log


class OneTickLate(PulseClock):
    def _is_before(self, of_latest: Value) -> Value:
        return of_latest <= 0


def test_bench_sees_one_tick(bench: Bench) -> None:
    result = bench(OneTickLate())
    assert result.failures == 1
    assert "AssertionError: a click in slot " in result.log
