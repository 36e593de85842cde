"""Bench of `hexkey_gateware.totals` against `golden.totals`.

Everything comes in the clocks of `fast`, at any phase to those of `sync`. All counts are exact once
nothing has come for `settle_clocks`; before that a total is between what it was that long ago and
what it is.
"""

import random
from collections.abc import Sequence
from itertools import count
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge, RisingEdge, with_timeout

from hexkey_gateware.slot import CHANNELS, OPEN_PULSES
from hexkey_gateware.totals import SHOWN_BITS, answer_clocks, settle_clocks
from hexkey_sim.benches.coverage import Coverage
from hexkey_sim.benches.streams import CLOCK_NS, Pause, pauses
from hexkey_sim.golden.totals import Clicks, Totals

WIDTHS = (*[1] * 5, 12, 12, 12, *[1] * 10, 1, 1, *[3] * 3)
SHOWN = (18, 19, 20, 21, 22)
COUNT = len(WIDTHS)
SETTLE_CLOCKS, ANSWER_CLOCKS = settle_clocks(COUNT), answer_clocks(COUNT)
CLEAR_CLOCKS = 5 * ANSWER_CLOCKS
LATE_FAST = 2 * (2 * ANSWER_CLOCKS + 10)  # at most, from a clear's end until nobody reads any more
SLOW_PS, MIDDLE_PS, QUICK_PS = 24_990, 21_700, 10_010  # of `sync`: limits, and what fits nowhere
SETTLE_FAST = SETTLE_CLOCKS * 5
CORNERS = (
    "all grow in every clock",
    "nothing grows",
    "as much at once as can be saved up",
    "total passes 32 bits",
    "value read while totals grow",
    "value waits",
    "value read as totals are cleared",
    "cleared while totals grow",
    "cleared at once again",
)


def packed(increments: Sequence[int]) -> int:
    word, at = 0, 0
    for width, increment in zip(WIDTHS, increments, strict=True):
        word |= increment << at
        at += width
    return word


def clicks(width: int) -> Clicks:
    return Clicks(width, OPEN_PULSES * ((1 << width) - 1), CHANNELS)


class Board:
    """Both sides of the block."""

    def __init__(self, dut: Any) -> None:
        self.dut = dut
        self.asked = 0

    async def start(self, sync_ps: int) -> Totals:
        """Return the golden totals, which begin with what the totals are."""
        dut = self.dut
        dut.increments.value = 0
        for name in ("index__valid", "index__payload", "value__ready", "clear"):
            getattr(dut, name).value = 0
        dut.rst.value = dut.fast_rst.value = 1
        Clock(dut.fast_clk, CLOCK_NS, "ns").start()
        Clock(dut.clk, sync_ps, "ps", period_high=sync_ps // 2).start()
        await self.clocks(3)
        await FallingEdge(dut.fast_clk)
        dut.rst.value = dut.fast_rst.value = 0
        await self.clocks(2)
        return Totals([await self.read(index) for index in range(COUNT)])

    async def clocks(self, clocks: int) -> None:
        for _ in range(clocks):
            await RisingEdge(self.dut.clk)

    async def fast_clocks(self, clocks: int) -> None:
        for _ in range(clocks):
            await FallingEdge(self.dut.fast_clk)

    async def grow(self, golden: Totals, increments: Sequence[int], clocks: int = 1) -> None:
        """Let totals grow for some clocks, from a falling edge to another."""
        self.dut.increments.value = packed(increments)
        golden.push(increments, clocks)
        await self.fast_clocks(clocks)

    async def rest(self) -> None:
        """Let everything arrive."""
        self.dut.increments.value = 0
        await self.clocks(SETTLE_CLOCKS)

    async def read(self, index: int, pause: Pause = lambda: False) -> int:
        dut = self.dut
        dut.index__payload.value, dut.index__valid.value = index, 1
        await self.clocks(1)
        while not int(dut.index__ready.value):
            await self.clocks(1)
        dut.index__valid.value = 0
        self.asked += 1
        while pause():
            await self.clocks(1)
        dut.value__ready.value = 1
        await self.clocks(1)
        while not int(dut.value__valid.value):
            await self.clocks(1)
        dut.value__ready.value = 0
        return int(dut.value__payload.value)

    async def check(self, golden: Totals) -> None:
        """Compare all totals, which have settled."""
        for index in range(COUNT):
            got = await self.read(index)
            assert got == golden.now[index], f"total {index} is {got}, not {golden.now[index]}"
        await self.clocks((1 + len(SHOWN)) * (1 + ANSWER_CLOCKS))
        for place, index in enumerate(SHOWN):
            got = int(self.dut.shown.value) >> SHOWN_BITS * place & (1 << SHOWN_BITS) - 1
            wanted = golden.now[index] % (1 << SHOWN_BITS)
            assert got == wanted, f"total {index} is shown as {got}, not {wanted}"

    async def clear(self) -> None:
        self.dut.clear.value = 1
        await self.clocks(1)
        for clock in count():
            assert clock <= CLEAR_CLOCKS, "never cleared"
            if int(self.dut.cleared.value):
                break
            await self.clocks(1)
        self.dut.clear.value = 0
        await self.clocks(2)
        assert not int(self.dut.cleared.value)


async def keep_reading(board: Board, golden: Totals, generator: random.Random) -> None:
    """Read totals, and hold each between what it was and what it is."""
    pause = pauses(generator.randrange(1 << 30), 0.5)
    while True:
        index = generator.randrange(COUNT)
        least = golden.ago(SETTLE_FAST)[index]
        got = await board.read(index, pause)
        most = golden.now[index]
        assert least <= got <= most, f"total {index} is {got}, not from {least} to {most}"


@cocotb.test(timeout_time=3, timeout_unit="ms")
async def counts_all_and_once(dut: Any) -> None:
    generator, coverage = random.Random(cocotb.RANDOM_SEED), Coverage(*CORNERS[:6])
    board = Board(dut)
    golden = await board.start(MIDDLE_PS)
    limits = [clicks(width) for width in WIDTHS]
    await board.fast_clocks(1)
    for _ in range(20):
        reader = cocotb.start_soon(keep_reading(board, golden, generator))
        before, asked = golden.now, board.asked
        for _ in range(generator.randrange(5)):
            chance = generator.choice((0.0, 0.01, 0.3, 1.0))
            coverage.visit(CORNERS[0], chance == 1)
            coverage.visit(CORNERS[1], chance == 0)
            for _ in range(generator.randrange(300)):
                increments = [
                    limit.push(generator.getrandbits(width) if generator.random() < chance else 0)
                    for width, limit in zip(WIDTHS, limits, strict=True)
                ]
                await board.grow(golden, increments)
        coverage.visit(CORNERS[4], board.asked > asked + 3)
        dut.increments.value = 0
        await board.fast_clocks(generator.randrange(400))
        coverage.visit(CORNERS[5], bool(dut.value__valid.value))
        await finish(board, reader)
        await board.rest()
        await board.check(golden)
        await board.fast_clocks(1)
        for index in range(COUNT):
            coverage.visit(CORNERS[3], before[index] >> 32 != golden.now[index] >> 32)
        coverage.visit(CORNERS[2])
        limits = [clicks(width) for width in WIDTHS]
        for _ in range(OPEN_PULSES):
            burst = [
                limit.push((1 << width) - 1) for width, limit in zip(WIDTHS, limits, strict=True)
            ]
            await board.grow(golden, burst)
    coverage.check()


async def finish(board: Board, reader: Any) -> None:
    """Let nobody read any more: what was asked for is taken."""
    reader.cancel()
    dut = board.dut
    dut.index__valid.value, dut.value__ready.value = 0, 1
    await board.clocks(2 + ANSWER_CLOCKS)
    dut.value__ready.value = 0


@cocotb.test(timeout_time=3, timeout_unit="ms")
async def has_room_for_the_most(dut: Any) -> None:
    """The slowest clock that may be, totals asked for without a pause, no clock without growth."""
    generator = random.Random(cocotb.RANDOM_SEED)
    board = Board(dut)
    golden = await board.start(SLOW_PS)
    await board.fast_clocks(1)
    most = [min(CHANNELS, (1 << width) - 1) for width in WIDTHS]
    for _ in range(6):
        reader = cocotb.start_soon(ask_without_pause(board))
        for _ in range(OPEN_PULSES):
            await board.grow(golden, [(1 << width) - 1 for width in WIDTHS])
        await board.grow(golden, most, 2000 + generator.randrange(1000))
        dut.increments.value = 0
        await finish(board, reader)
        await board.rest()
        await board.check(golden)
        await board.fast_clocks(1)


async def ask_without_pause(board: Board) -> None:
    board.dut.index__valid.value = board.dut.value__ready.value = 1
    while True:
        await board.clocks(100)


@cocotb.test(timeout_time=3, timeout_unit="ms")
async def clears_all_in_one_clock(dut: Any) -> None:
    """All totals grow by 1 in every clock: so they must be the same when they have settled."""
    generator, coverage = random.Random(cocotb.RANDOM_SEED), Coverage(*CORNERS[6:])
    board = Board(dut)
    await board.start(QUICK_PS)
    for turn in range(12):
        await board.fast_clocks(1)
        dut.increments.value = packed([1] * COUNT)
        await board.fast_clocks(generator.randrange(500))
        reading = turn % 3 == 0
        reader = cocotb.start_soon(ask_without_pause(board)) if reading else None
        await with_timeout(board.clear(), 60, "us")
        coverage.visit(CORNERS[6], reading)
        coverage.visit(CORNERS[7])
        if turn % 4 == 0:
            coverage.visit(CORNERS[8])
            await board.clear()
        if reader:
            await finish(board, reader)
        await board.fast_clocks(clocks := generator.randrange(1, 800))
        dut.increments.value = 0
        await board.rest()
        got = {await board.read(index) for index in range(COUNT)}
        assert len(got) == 1, f"totals that are the same are {sorted(got)}"
        assert clocks <= min(got) < clocks + LATE_FAST, f"totals are {got} after {clocks} clocks"
    coverage.check()
