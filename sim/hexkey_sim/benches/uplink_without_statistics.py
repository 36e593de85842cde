"""Bench of an uplink of a chip without histograms and g²: it reports all else, and stops."""

from typing import Any

import cocotb

from hexkey.wire import Identification, Kind
from hexkey_sim.benches.streams import clocks, never
from hexkey_sim.benches.uplink_board import CLOCKS_PER_100_MS, Board


@cocotb.test(timeout_time=2_000, timeout_unit="us")
async def reports_all_but_statistics(dut: Any) -> None:
    board = Board(dut)
    await board.start(never)
    dut.running.value = 1
    await board.strobe("identify")
    await clocks(dut, 11 * CLOCKS_PER_100_MS)
    assert not Identification.decode(board.host.of(Kind.IDENTIFICATION)[0].body).statistics
    assert len(board.host.of(Kind.COUNTERS)) >= 10
    assert not board.host.of(Kind.HISTOGRAM)
    assert not board.host.of(Kind.G2)
    dut.running.value, dut.drained.value = 0, 1
    await clocks(dut, CLOCKS_PER_100_MS)
    assert int(dut.stopped.value)
    await board.until_quiet()
    board.host.check()
