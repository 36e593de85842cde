"""Bench of `hexkey_gateware.link.uart.UartTransmitter` against a receiver that knows ideal edges.

Needs ``CLOCK_HZ`` and ``BAUD`` of the transmitter in the environment; its RTS is active at 0.
"""

import math
import os
import random
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Any

import cocotb
from cocotb.triggers import ReadOnly, RisingEdge

from hexkey_sim.benches.coverage import Coverage
from hexkey_sim.benches.streams import Pause, Put, check_received, clocks, never, now, pauses, start

BIT_CLOCKS = Fraction(int(os.environ["CLOCK_HZ"]), int(os.environ["BAUD"]))
FRAME_BITS = 10
HALF = Fraction(1, 2)
RTS_CLOCKS = 3  # the synchroniser, and the clock in which a byte is taken
READY, NOT_READY = 0, 1
CORNERS = (
    "byte without ones",
    "byte without zeros",
    "right behind another byte",
    "after a pause",
    "RTS withdrawn within a byte",
    "RTS withdrawn on an idle line",
    "byte that waits for RTS",
)


@dataclass(frozen=True, slots=True)
class Received:
    """A byte as it was on the line, and the clock in which its start bit began."""

    byte: int
    at: int
    unbroken: int  # bytes before it without a pause


class Line:
    """Watches ``tx`` and ``ready_to_send`` clock by clock."""

    def __init__(self, dut: Any) -> None:
        self._dut = dut
        self.first = 0
        self.levels: list[int] = []
        self.ready: list[bool] = []

    async def watch(self) -> None:
        await RisingEdge(self._dut.clk)
        self.first = now()
        while True:
            await ReadOnly()
            self.levels.append(int(self._dut.tx.value))
            self.ready.append(int(self._dut.ready_to_send.value) == READY)
            await RisingEdge(self._dut.clk)

    def received(self) -> list[Received]:
        """Decode all; AssertionError for an edge that is more than half a clock from its place."""
        found: list[Received] = []
        at, ideal_end, unbroken = 0, Fraction(-1), 0
        while (at := self._next_start(at)) < len(self.levels):
            late = at - ideal_end
            unbroken = unbroken + 1 if abs(late) <= HALF else 0
            begin = ideal_end if unbroken else Fraction(at)
            ideal_end = begin + FRAME_BITS * BIT_CLOCKS
            if ideal_end > len(self.levels):
                break
            found.append(Received(self._byte(begin), at, unbroken))
            at = math.floor(ideal_end - HALF)
        return found

    def _next_start(self, at: int) -> int:
        while at < len(self.levels) and self.levels[at]:
            at += 1
        return at

    def _byte(self, begin: Fraction) -> int:
        middles = [math.floor(begin + (bit + HALF) * BIT_CLOCKS) for bit in range(FRAME_BITS)]
        bits = [self.levels[middle] for middle in middles]
        for bit, (middle, next_middle) in enumerate(pairwise(middles)):
            levels = self.levels[middle : next_middle + 1]
            edges = [
                at for at, (one, other) in enumerate(pairwise(levels), middle + 1) if one ^ other
            ]
            assert len(edges) <= 1, f"the line changes within a bit, at clock {edges[0]}"
            for edge in edges:
                error = edge - (begin + (bit + 1) * BIT_CLOCKS)
                assert abs(error) <= HALF, (
                    f"the edge at clock {edge} is off by {float(error)} clocks"
                )
        assert (bits[0], bits[-1]) == (0, 1), f"no start or stop bit at clock {begin}"
        return sum(bit << place for place, bit in enumerate(bits[1:-1]))


async def withdraw_rts(dut: Any, line: Line, coverage: Coverage, generator: random.Random) -> None:
    """Switch RTS at random."""
    byte_clocks = int(FRAME_BITS * BIT_CLOCKS)
    while True:
        await clocks(dut, generator.randrange(1, 6 * byte_clocks))
        idle = all(line.levels[-byte_clocks:])
        coverage.visit(CORNERS[4], not idle)
        coverage.visit(CORNERS[5], idle)
        dut.ready_to_send.value = NOT_READY
        await clocks(dut, generator.randrange(1, 3 * byte_clocks))
        dut.ready_to_send.value = READY


async def send(dut: Any, data: list[int], pause: Pause) -> tuple[Line, Put]:
    """Send bytes; return when the last one has left."""
    line, put = Line(dut), Put(dut, "i")
    await start(dut, ready_to_send=READY)
    cocotb.start_soon(line.watch())
    await put(data, pause)
    await clocks(dut, int(FRAME_BITS * BIT_CLOCKS) + 4)
    return line, put


@cocotb.test(timeout_time=2, timeout_unit="ms")
async def edges_are_where_they_should_be(dut: Any) -> None:
    generator = random.Random(cocotb.RANDOM_SEED)
    coverage = Coverage(*CORNERS[:4])
    data = [0x00, 0xFF, 0x55, 0xAA, 0x80, 0x01, *(generator.randrange(256) for _ in range(120))]
    line, put = await send(dut, data, pauses(2, 0.995))
    received = line.received()
    check_received([each.byte for each in received], data)
    for each, taken_at in zip(received, put.taken_at, strict=True):
        assert line.first + each.at == taken_at, "a byte did not leave when it was taken"
        coverage.visit(CORNERS[0], each.byte == 0x00)
        coverage.visit(CORNERS[1], each.byte == 0xFF)
        coverage.visit(CORNERS[2], each.unbroken > 0)
        coverage.visit(CORNERS[3], each.unbroken == 0)
    coverage.check()


@cocotb.test(timeout_time=2, timeout_unit="ms")
async def sends_without_pause(dut: Any) -> None:
    data = list(range(100))
    line, put = await send(dut, data, never)
    received = line.received()
    check_received([each.byte for each in received], data)
    assert [each.unbroken for each in received] == data
    assert put.taken_at[-1] - put.taken_at[0] == round(99 * FRAME_BITS * BIT_CLOCKS)


@cocotb.test(timeout_time=4, timeout_unit="ms")
async def waits_for_the_host(dut: Any) -> None:
    generator = random.Random(cocotb.RANDOM_SEED)
    coverage = Coverage(*CORNERS[4:])
    line, put = Line(dut), Put(dut, "i")
    await start(dut, ready_to_send=READY)
    cocotb.start_soon(line.watch())
    await clocks(dut, 2 * RTS_CLOCKS)
    cocotb.start_soon(withdraw_rts(dut, line, coverage, generator))
    data = [generator.randrange(256) for _ in range(60)]
    await put(data, pauses(2, 1 - 1 / float(FRAME_BITS * BIT_CLOCKS)))
    await clocks(dut, int(FRAME_BITS * BIT_CLOCKS) + 4)
    received = line.received()
    check_received([each.byte for each in received], data)
    for each in received:
        recent = line.ready[max(0, each.at - RTS_CLOCKS) : each.at]
        assert any(recent), f"a byte began at clock {each.at}, with the host not ready"
        coverage.visit(CORNERS[6], not line.ready[max(0, each.at - RTS_CLOCKS - 1)])
    coverage.check()
