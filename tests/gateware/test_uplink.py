"""The way to the host: its benches pass, and fail for what must not be."""

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
from amaranth.hdl import Module

from hexkey.wire import Identification
from hexkey_gateware.link import uplink as uplink_module
from hexkey_gateware.link.event_reader import EventReader
from hexkey_gateware.link.uplink import Uplink
from hexkey_gateware.verilog import export
from hexkey_sim.benches.runner import BenchResult, run_bench, run_model
from hexkey_sim.benches.uplink_board import CLOCKS_PER_100_MS, CODES
from hexkey_sim.benches.uplink_line import UplinkLine
from hexkey_sim.benches.verilator import MISSING_SIMULATOR, compiled_model, simulator_is_missing

IDENTIFICATION = Identification(
    tick_ps=Fraction(10),
    clock_hz=200_000_000,
    detectors=4,
    simulated=True,
    taps=256,
    period_ticks=2500,
    fifo_depth=4096,
    firmware="bench",
    board="uplink",
)

Run = Callable[..., BenchResult]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Return a function that runs tests of the uplink's benches, which share a model."""
    if simulator_is_missing():
        pytest.skip(MISSING_SIMULATOR)

    def run_some(
        bench: str, *only: str, identification: Identification = IDENTIFICATION
    ) -> BenchResult:
        uplink = Uplink(identification, CLOCKS_PER_100_MS, CODES)
        model = compiled_model("uplink", {"uplink.v": export(uplink, "uplink")})
        return run_model(model, bench, tmp_path, only, top="uplink")

    return run_some


def test_says_what_the_words_say(run: Run) -> None:
    result = run("uplink")
    assert (result.tests, result.failures) == (2, 0), result.log


def test_reports_runs_and_stops(run: Run) -> None:
    result = run("uplink_reports")
    assert (result.tests, result.failures) == (5, 0), result.log


def test_has_no_statistics_on_a_small_chip(run: Run) -> None:
    small = replace(IDENTIFICATION, statistics=False)
    result = run("uplink_without_statistics", identification=small)
    assert (result.tests, result.failures) == (1, 0), result.log
    result = run("uplink_without_statistics")  # the bench sees them where they are
    assert (result.tests, result.failures) == (1, 1)


class ForgetsSkips(EventReader):
    def _add_up(self, m: Module) -> None:
        super()._add_up(m)
        m.d.comb += self._gap.i.eq(0)  # no pulses before the next record of the frame


class CountsSkips(EventReader):
    def _have_sent(self, m: Module) -> None:
        super()._have_sent(m)
        m.d.sync += self._was_event.eq(self._of_records)  # long advances, too


class CountsOn(EventReader):
    def _add_up(self, m: Module) -> None:
        super()._add_up(m)
        m.d.comb += self._tally.clear.eq(0)  # in a new run


@pytest.mark.parametrize(
    ("mutant", "bench", "test", "found"),
    [
        (ForgetsSkips, "uplink", "says_what_the_words_say", "AssertionError: item "),
        (CountsSkips, "uplink", "says_what_the_words_say", "AssertionError: missed frames"),
        (CountsOn, "uplink_reports", "begins_runs_in_order", "AssertionError"),
    ],
)
def test_bench_sees(
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
    mutant: type[EventReader],
    bench: str,
    test: str,
    found: str,
) -> None:
    monkeypatch.setattr(uplink_module, "EventReader", mutant)
    result = run(bench, test)
    assert (result.tests, result.failures) == (1, 1)
    assert found in result.log


def run_line(folder: Path, ms: int) -> BenchResult:
    if simulator_is_missing():
        pytest.skip(MISSING_SIMULATOR)
    line = UplinkLine(IDENTIFICATION)
    return run_bench(line, "uplink_rate", folder, env={"HEXKEY_BENCH_MS": str(ms)})


def test_keeps_the_line_busy(tmp_path: Path) -> None:
    result = run_line(tmp_path, 260)  # with a histogram in them
    assert (result.tests, result.failures) == (2, 0), result.log


@pytest.mark.long
def test_carries_55_000_events_a_second(tmp_path: Path) -> None:
    result = run_line(tmp_path, 1_100)  # with all there is in a second
    assert (result.tests, result.failures) == (2, 0), result.log
