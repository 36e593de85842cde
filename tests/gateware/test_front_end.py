"""The front end: its bench passes, and fails where one part of it is a clock too early."""

from tests.gateware.conftest import Bench

from hexkey_gateware.front_end import FrontEnd


def test_front_end_equals_the_golden_front_end(bench: Bench) -> None:
    result = bench(FrontEnd())
    assert (result.tests, result.failures) == (2, 0), result.log


class SlotsTooEarly(FrontEnd):
    """What a slot says reaches the collector a clock before the slot's clicks."""

    SLOT_LATENCY = FrontEnd.SLOT_LATENCY - 1


def test_bench_sees_a_clock(bench: Bench) -> None:
    result = bench(SlotsTooEarly(), "equals_the_golden_front_end")
    assert result.failures == 1
    assert "AssertionError: plan 0: " in result.log
