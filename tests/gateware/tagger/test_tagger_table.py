"""The table: its bench passes, and sees an entry that is not clamped."""

from tests.gateware.tagger.conftest import LineBench

from hexkey_gateware.tagger.table import Table

CODES, TAP_PS = 225, 35.5


def environment(table: Table, ticks_per_clock: int) -> dict[str, object]:
    return {
        "CODES": CODES,
        "TAP_PS": TAP_PS,
        "TICKS_PER_CLOCK": ticks_per_clock,
        "LATENCY": table.LATENCY,
    }


def test_table_equals_a_list(line_bench: LineBench) -> None:
    table = Table(CODES, tap_ps=TAP_PS)
    result = line_bench(table, **environment(table, 500))
    assert (result.tests, result.failures) == (1, 0), result.log


def test_bench_sees_a_tick_too_much(line_bench: LineBench) -> None:
    table = Table(CODES, tap_ps=TAP_PS, ticks_per_clock=501)
    result = line_bench(table, **environment(table, 500))
    assert result.failures == 1
    assert "AssertionError: item " in result.log
