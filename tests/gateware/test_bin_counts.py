"""Counts: their bench passes with a memory as bad as it may be, and sees what is lost or mixed."""

import pytest
from amaranth.hdl import Const, Module, Signal, Value
from amaranth.lib import wiring
from tests.gateware.conftest import Bench

from hexkey_gateware.bin_counts import BinCounts, CountMemory, row_layout
from hexkey_gateware.block_ram import BlockRam
from hexkey_gateware.pipeline import delayed
from hexkey_sim.benches.bin_counts import BANK_ROWS, FEW_BITS, ROWS


class BadRam(BlockRam):
    """Gives what nobody can use where a row is read and written at once, as an ECP5 may."""

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.good = good = BlockRam(self._bits, self._rows)
        met = self.write.enable & (self.write.address == self.read_address)
        wiring.connect(m, wiring.flipped(self.write), good.write)
        m.d.comb += [
            good.read_address.eq(self.read_address),
            self.read_data.eq(good.read_data ^ delayed(m, met, self.LATENCY).replicate(self._bits)),
        ]
        return m


class Memory(CountMemory):
    BANK_ROWS = BANK_ROWS

    def _ram(self, bits: int, rows: int) -> BlockRam:
        return BadRam(bits, rows)


class Counts(BinCounts):
    def _make_memory(self, rows: int, count_bits: int) -> CountMemory:
        return Memory(rows, count_bits)


def test_counts_equal_the_golden_model_and_lose_nothing(bench: Bench) -> None:
    result = bench(Counts(ROWS), "equals_the_golden_model", "loses_no_count")
    assert (result.tests, result.failures) == (2, 0), result.log


def test_counts_stop_at_the_highest(bench: Bench) -> None:
    result = bench(BinCounts(ROWS, FEW_BITS), "stops_at_the_highest_count")
    assert (result.tests, result.failures) == (1, 0), result.log


class ShortSighted(Memory):
    """Does not see the furthest visit with which one may meet."""

    def _meet(self, m: Module, rows: list[Signal]) -> tuple[dict[int, Signal], list[Value]]:
        live, merges = super()._meet(m, rows)
        return live, [*merges[:-1], Const(0)]


class TakesLate(Memory):
    """Lets a row that is read out overtake its counts."""

    def _merge(self, m: Module, merges: list[Value], live: Value) -> tuple[Value, Value, Value]:
        growth, take, tell = super()._merge(m, merges, live)
        return growth, delayed(m, take, 1), tell


@pytest.mark.parametrize("memory", [ShortSighted, TakesLate])
def test_bench_sees_a_lost_count(bench: Bench, memory: type[Memory]) -> None:
    class Loses(BinCounts):
        def _make_memory(self, rows: int, count_bits: int) -> CountMemory:
            return memory(rows, count_bits)

    result = bench(Loses(ROWS), "loses_no_count")
    assert result.failures == 1
    assert "AssertionError: row " in result.log or "AssertionError: counts " in result.log


class MixesAcrossClear(Counts):
    def _is_void(self, void: Value) -> Value:
        return self._clearing


def test_bench_sees_counts_from_both_sides_of_a_clear(bench: Bench) -> None:
    result = bench(MixesAcrossClear(ROWS), "loses_no_count")
    assert result.failures == 1
    assert "in a readout across a clear" in result.log


def test_rows_are_checked() -> None:
    with pytest.raises(ValueError, match="counts have at least 16 rows, not 15"):
        row_layout(15)
