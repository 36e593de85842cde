"""The serial port: benches pass at real divisors and at the simulation's, and fail for mutants."""

from fractions import Fraction
from pathlib import Path

import pytest
from amaranth.hdl import Const, Module, Value
from amaranth.lib import wiring

from hexkey_gateware.link.uart import UartReceiver, UartTransmitter, bit_clocks
from hexkey_sim.benches.runner import BenchResult, run_bench
from hexkey_sim.benches.verilator import MISSING_SIMULATOR, simulator_is_missing

pytestmark = pytest.mark.skipif(simulator_is_missing(), reason=MISSING_SIMULATOR)

Rate = tuple[int, int]
BOARD, SIMULATION, SLOW = (50_000_000, 3_000_000), (4_000_000, 1_000_000), (50_000_000, 921_600)


def run(component: wiring.Component, rate: Rate, folder: Path, *only: str) -> BenchResult:
    end = "transmitter" if isinstance(component, UartTransmitter) else "receiver"
    env = {"CLOCK_HZ": str(rate[0]), "BAUD": str(rate[1])}
    return run_bench(component, f"uart_{end}", folder, only=only, env=env)


@pytest.mark.parametrize("rate", [BOARD, SIMULATION, SLOW])
@pytest.mark.parametrize("end", [UartTransmitter, UartReceiver])
def test_uart_keeps_to_its_model(
    end: type[UartTransmitter] | type[UartReceiver], rate: Rate, tmp_path: Path
) -> None:
    result = run(end(*rate), rate, tmp_path)
    assert (result.tests, result.failures) == (3, 0), result.log


def test_bench_sees_bits_of_whole_clocks(tmp_path: Path) -> None:
    result = run(UartTransmitter(16 * BOARD[1], BOARD[1]), BOARD, tmp_path, "sends_without_pause")
    assert result.failures == 1
    assert "AssertionError" in result.log


class HearsNoHost(UartTransmitter):
    def _host_is_ready(self, ready_to_send: Value) -> Value:
        return Const(1)


def test_bench_sees_a_deaf_transmitter(tmp_path: Path) -> None:
    result = run(HearsNoHost(*BOARD), BOARD, tmp_path, "waits_for_the_host")
    assert result.failures == 1
    assert "with the host not ready" in result.log


class NoMajority(UartReceiver):
    def _filtered(self, m: Module) -> Value:
        super()._filtered(m)
        return m.submodules.synchronizer.o


class SamplesEarly(UartReceiver):
    SAMPLED_AT = Fraction(1, 8)


@pytest.mark.parametrize("mutant", [NoMajority, SamplesEarly])
def test_bench_sees_a_careless_receiver(mutant: type[UartReceiver], tmp_path: Path) -> None:
    result = run(mutant(*BOARD), BOARD, tmp_path, "receives_from_any_clock")
    assert result.failures == 1
    assert "AssertionError" in result.log


def test_too_fast_a_rate_is_refused() -> None:
    assert bit_clocks(*BOARD) == Fraction(50, 3)
    with pytest.raises(ValueError, match="a bit must have at least 4 clocks, not"):
        bit_clocks(10_000_000, 3_000_000)
