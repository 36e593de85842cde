"""Code density: its bench passes, and sees codes of another channel."""

from amaranth.hdl import Module, Signal
from tests.gateware.conftest import Bench

from hexkey_gateware.bin_counts import BinCounts
from hexkey_gateware.code_density import CodeDensity
from hexkey_gateware.verilog import export
from hexkey_sim.benches.code_density import CODES


def test_code_density_equals_its_model_and_mixes_nothing(bench: Bench) -> None:
    result = bench(CodeDensity(CODES))
    assert (result.tests, result.failures) == (2, 0), result.log


def test_line_may_be_short() -> None:
    assert "codes__4__payload" in export(CodeDensity(3), "short")


class ChangesAtOnce(CodeDensity):
    def _choose(self, m: Module, counts: BinCounts) -> Signal:
        super()._choose(m, counts)
        return self.channel


def test_bench_sees_codes_of_two_channels(bench: Bench) -> None:
    result = bench(ChangesAtOnce(CODES), "mixes_no_channels")
    assert result.failures == 1
    assert "AssertionError: a density of channel " in result.log
