"""Bench of `hexkey_gateware.short_queue` against a list."""

import random
from typing import Any

import cocotb

from hexkey_gateware.short_queue import ShortQueue as Gateware
from hexkey_sim.benches.coverage import Coverage
from hexkey_sim.benches.streams import (
    TIMEOUT_US,
    Get,
    Put,
    check_received,
    clocks,
    never,
    now,
    pauses,
    start,
)

BITS, DEPTH = 12, 8
CORNERS = ("nothing in it", "full", "comes and goes in one clock", "last one goes", "ready falls")


async def watch(dut: Any, coverage: Coverage, put: Put, get: Get) -> None:
    """Check in each clock that `holds` is a row of ones, and as long as it must be."""
    ready = 1
    while True:
        taken, left = len(put.taken_at), len(get.received)
        await clocks(dut, 1)
        holds = int(dut.holds.value)
        level = holds.bit_count()
        assert holds == (1 << level) - 1, f"{holds:b} is no row of ones"
        inside = taken - left
        assert inside - 4 <= level <= inside + 1, f"{level} items in memory, {inside} in the queue"
        coverage.visit("nothing in it", inside == 0)
        coverage.visit("full", level == DEPTH - 1)
        comes = len(put.taken_at) > taken
        coverage.visit("comes and goes in one clock", comes and len(get.received) > left)
        coverage.visit("last one goes", level == 0 and bool(int(dut.o__valid.value)))
        coverage.visit("ready falls", bool(ready and not int(dut.i__ready.value)))
        ready = int(dut.i__ready.value)


@cocotb.test(timeout_time=TIMEOUT_US, timeout_unit="us")
async def hands_on_what_it_gets(dut: Any) -> None:
    generator, coverage = random.Random(cocotb.RANDOM_SEED), Coverage(*CORNERS)
    put, get = Put(dut, "i"), Get(dut, "o")
    await start(dut, i__payload=0)
    sent: list[int] = []
    pause = never
    cocotb.start_soon(get.forever(lambda: pause()))
    watching = cocotb.start_soon(watch(dut, coverage, put, get))
    for sending, receiving in ((0.0, 0.0), (0.7, 0.0), (0.0, 0.7), (0.5, 0.5), (0.1, 0.9)):
        items = [generator.getrandbits(BITS) for _ in range(500)]
        pause = pauses(generator.getrandbits(32), receiving) if receiving else never
        await put(items, pauses(generator.getrandbits(32), sending) if sending else never)
        sent += items
    pause = never
    await clocks(dut, 3 * DEPTH)
    watching.cancel()
    check_received(get.received, sent)
    coverage.check()


@cocotb.test(timeout_time=TIMEOUT_US, timeout_unit="us")
async def is_as_fast_and_as_deep_as_it_says(dut: Any) -> None:
    put, get = Put(dut, "i"), Get(dut, "o")
    await start(dut, i__payload=0)
    await clocks(dut, 2)
    receiver = cocotb.start_soon(get.forever())
    stalls = put.stalls
    await put(range(100))
    await clocks(dut, Gateware.LATENCY + 1)
    check_received(get.received, range(100))
    took = {out - into for into, out in zip(put.taken_at, get.received_at, strict=True)}
    assert took == {Gateware.LATENCY}, took
    assert put.stalls == stalls
    # With nobody to receive there is room for all but two, and two at the end.
    receiver.cancel()
    dut.o__ready.value = 0
    began, taken = now(), len(put.taken_at)
    sender = cocotb.start_soon(put(range(100)))
    await clocks(dut, 4 * DEPTH)
    sender.cancel()
    room = len(put.taken_at) - taken
    assert DEPTH <= room <= DEPTH + 2, f"{room} items since {began}"
