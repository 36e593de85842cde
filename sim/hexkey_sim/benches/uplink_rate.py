"""Bench of `hexkey_gateware.link.uplink`: how much of the line's speed is of use.

`HEXKEY_BENCH_MS` is how long it takes, in milliseconds of the board.
"""

import os
from typing import Any

import cocotb
from cocotb.triggers import RisingEdge

from hexkey.wire import Kind
from hexkey_sim.benches.streams import now, start
from hexkey_sim.benches.uplink_host import Host
from hexkey_sim.benches.uplink_line import CLOCK_HZ, CLOCKS_PER_BIT, FIFO_WORDS

EVENTS_PER_S = 55_000
CLOCKS_PER_BYTE = 10 * CLOCKS_PER_BIT
TIMEOUT_US = 1_000_000


async def listen(dut: Any, host: Host, clocks: int) -> int:
    """Take bytes for so many clocks; return how many came."""
    sent, byte, count = RisingEdge(dut.sent), dut.byte, 0
    end = now() + clocks
    while now() < end:
        await sent
        host.take(int(byte.value))
        count += 1
    return count


def length_clocks() -> int:
    return int(os.environ.get("HEXKEY_BENCH_MS", "100")) * CLOCK_HZ // 1000


@cocotb.test(timeout_time=TIMEOUT_US, timeout_unit="us")
async def carries_events_and_all_reports(dut: Any) -> None:
    """At the rate that is promised no event is lost, whatever reports come in between."""
    host = Host()
    await start(dut, running=1, clocks_per_event=CLOCK_HZ // EVENTS_PER_S)
    await listen(dut, host, length_clocks())
    host.check()
    made, waiting = int(dut.made.value), int(dut.most_waiting.value)
    dut._log.info(f"{made} events made, {waiting} of {FIFO_WORDS} words waited at most")
    assert not int(dut.dropped.value)
    arrived = len(host.items())
    assert made - waiting - 300 < arrived
    assert host.of(Kind.HISTOGRAM)
    assert host.of(Kind.COUNTERS)


@cocotb.test(timeout_time=TIMEOUT_US, timeout_unit="us")
async def keeps_the_line_busy(dut: Any) -> None:
    """With more events than the line carries, it carries what it can."""
    host = Host()
    clocks = length_clocks() // 4
    await start(dut, running=1, clocks_per_event=0)
    begin = now()
    count = await listen(dut, host, clocks)
    busy = count * CLOCKS_PER_BYTE / (now() - begin)
    arrived = len(host.items())
    rate = arrived / (now() - begin) * CLOCK_HZ
    dut._log.info(f"the line was busy {busy:.2%} of the time; {rate:.0f} events a second")
    host.check()
    assert busy > 0.995
