"""Unstuffing: the bench passes, and fails for a zero too many and for a mark left standing."""

from pathlib import Path

import pytest
from amaranth.hdl import Const, Value

from hexkey_gateware.link import cobs_decoder
from hexkey_gateware.link.cobs_decoder import CobsDecoder
from hexkey_gateware.link.requests import REQUEST_BYTES
from hexkey_sim.benches.runner import BenchResult, run_bench
from hexkey_sim.benches.verilator import MISSING_SIMULATOR, simulator_is_missing

pytestmark = pytest.mark.skipif(simulator_is_missing(), reason=MISSING_SIMULATOR)


def run(component: CobsDecoder, longest: int, folder: Path, *only: str) -> BenchResult:
    env = {"LONGEST": str(longest)}
    return run_bench(component, "cobs_decoder", folder, only=only, env=env)


@pytest.mark.parametrize("longest", [REQUEST_BYTES, 700])
def test_cobs_decoder_equals_two_others(longest: int, tmp_path: Path) -> None:
    result = run(CobsDecoder(longest), longest, tmp_path)
    assert (result.tests, result.failures) == (2, 0), result.log


class ZeroAtTheEnd(CobsDecoder):
    def _unstuffed(self, is_code: Value, owes_zero: Value, ends: Value) -> Value:
        return ~ends & (~is_code | Const(1))


def test_bench_sees_a_zero_too_many(tmp_path: Path) -> None:
    result = run(ZeroAtTheEnd(REQUEST_BYTES), REQUEST_BYTES, tmp_path, "equals_two_decoders")
    assert result.failures == 1
    assert "AssertionError: item " in result.log


def test_bench_sees_full_runs_of_253(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cobs_decoder, "FULL_RUN", 254)
    result = run(CobsDecoder(700), 700, tmp_path, "equals_two_decoders")
    assert result.failures == 1
    assert "AssertionError: item " in result.log
