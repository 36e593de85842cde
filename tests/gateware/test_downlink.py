"""From the line to registers: the bench passes, and fails for what a bad line could do."""

from pathlib import Path

import pytest
from amaranth.hdl import Value

from hexkey_gateware.link import downlink
from hexkey_gateware.link.downlink import Downlink
from hexkey_gateware.link.requests import REQUEST_BYTES, RequestReceiver
from hexkey_sim.benches.register_file import LIMITS, PERIOD_TICKS
from hexkey_sim.benches.runner import BenchResult, run_bench
from hexkey_sim.benches.verilator import MISSING_SIMULATOR, simulator_is_missing

pytestmark = pytest.mark.skipif(simulator_is_missing(), reason=MISSING_SIMULATOR)

CLOCK_HZ, BAUD = 4_000_000, 1_000_000


def run(folder: Path, *only: str) -> BenchResult:
    env = {"CLOCK_HZ": str(CLOCK_HZ), "BAUD": str(BAUD), "LONGEST": str(REQUEST_BYTES)}
    component = Downlink(CLOCK_HZ, BAUD, PERIOD_TICKS, LIMITS)
    return run_bench(component, "downlink", folder, only=only, env=env)


def test_downlink_answers_as_its_models(tmp_path: Path) -> None:
    result = run(tmp_path)
    assert (result.tests, result.failures) == (3, 0), result.log


class NoCrc(RequestReceiver):
    def _whole(self, place: Value, crc_is_right: Value) -> Value:
        return place == REQUEST_BYTES


def test_bench_sees_a_garbled_request_carried_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(downlink, "RequestReceiver", NoCrc)
    result = run(tmp_path, "answers_over_a_bad_line")
    assert result.failures == 1
    assert "AssertionError: item " in result.log
