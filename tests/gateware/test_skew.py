"""Skew: its bench passes, and fails for one whose slots are a tick too long."""

from tests.gateware.conftest import Bench

from hexkey_gateware.skew import Skew
from hexkey_gateware.slot import TICKS_PER_CLOCK


def test_skew_equals_its_model(bench: Bench) -> None:
    result = bench(Skew())
    assert (result.tests, result.failures) == (1, 0), result.log


def test_bench_sees_a_tick(bench: Bench) -> None:
    result = bench(Skew(ticks_per_clock=TICKS_PER_CLOCK + 1))
    assert result.failures == 1
    assert "AssertionError: slot " in result.log
