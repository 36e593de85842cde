"""The way to the host: its benches pass, and fail for what must not be."""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import pytest

from hexkey.wire import Identification
from hexkey_gateware.link.uplink import Uplink
from hexkey_gateware.verilog import export
from hexkey_sim.benches.runner import BenchResult, run_model
from hexkey_sim.benches.uplink_board import CLOCKS_PER_100_MS, CODES
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

    def run_some(bench: str, *only: str) -> BenchResult:
        uplink = Uplink(IDENTIFICATION, CLOCKS_PER_100_MS, CODES)
        model = compiled_model("uplink", {"uplink.v": export(uplink, "uplink")})
        return run_model(model, bench, tmp_path, only, top="uplink")

    return run_some


def test_says_what_the_words_say(run: Run) -> None:
    result = run("uplink")
    assert (result.tests, result.failures) == (1, 0), result.log
