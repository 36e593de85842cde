"""Bench of `hexkey_gateware.bin_counts`: counts, read out while they grow.

What is read out while counting goes on can only be said within bounds: at least what was counted
when the row was asked for, at most what was when its word was there. What comes in between is found
in the next readout, and at the end nothing is missing.
"""

import random
from collections.abc import Callable, Iterable
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import RisingEdge

from hexkey_gateware.bin_counts import clear_clocks
from hexkey_gateware.link.sources import READOUT
from hexkey_sim.benches.coverage import Coverage
from hexkey_sim.benches.streams import CLOCK_NS, Pause, never, pauses
from hexkey_sim.benches.words import unpack
from hexkey_sim.golden.bin_counts import BinCounts

ROWS, BANK_ROWS, FEW_BITS = 32, 8, 6
SYNC_PS = 21_700  # no multiple of the fast clock
DRAIN_CLOCKS = 8  # of `sync`, until what was counted can be read
CLEAR_CLOCKS = clear_clocks(ROWS)
NEAR_CLOCKS = 12  # that it is not sure on which side of a clear's end a readout begins
AGAIN = range(1, 12)
CORNERS = (
    *(f"a row again after {distance} clocks" for distance in AGAIN),
    "one row in every clock",
    "two rows in turns",
    "row counted while it is read",
    "readout takes a clock in which there is a count",
    "readout of all rows",
    "readout of one row",
    "readout up to the last row",
    "word waits",
    "clear while nothing is read",
    "clear in a readout",
    "readout begins while rows are cleared",
)

Rows = Callable[[], int | None]
"""Gives the row that is counted in a clock."""


class Light:
    """Counts rows, clock by clock, and knows how often.

    Attributes
    ----------
    rows : callable
        What comes in each clock.
    counted : list of int
        How often each row was counted since the last clear; a clock or two late.
    dropped : int
    cleared_at : int
        Clock of the last clear.
    """

    def __init__(self, dut: Any, coverage: Coverage) -> None:
        self._dut, self._coverage = dut, coverage
        self.rows: Rows = lambda: None
        self.counted = [0] * ROWS
        self.dropped = 0
        self.clock = 0
        self.cleared_at = -1000
        self._clear = False
        self._came: list[int | None] = [None] * (1 + max(AGAIN))

    async def go_on(self) -> None:
        dut = self._dut
        while True:
            row = self.rows()
            dut.add__valid.value = int(row is not None)
            if row is not None:
                dut.add__payload.value = row
            await RisingEdge(dut.fast_clk)
            self._take_in(self._came[-1], bool(int(dut.dropped.value)))
            self._came = [*self._came[1:], row]
            self.clock += 1
            dut.clear.value = int(self._clear)
            if self._clear:
                self.counted = [0] * ROWS
                self.cleared_at, self._clear = self.clock, False

    def clear(self) -> None:
        self._clear = True

    @property
    def clearing_clocks(self) -> int:
        """How many clocks it takes until rows are counted again."""
        return max(0, self.cleared_at + CLEAR_CLOCKS + 1 - self.clock)

    def _take_in(self, row: int | None, dropped: bool) -> None:
        """Count what came in the clock before."""
        came_at = self.clock - 1
        assert row is not None or not dropped, "dropped what never came"
        self.dropped += dropped
        if row is None or dropped:
            return
        before = self._came[-2::-1]
        for distance in AGAIN:
            self._coverage.visit(CORNERS[distance - 1], before[distance - 1] == row)
        if came_at > self.cleared_at + CLEAR_CLOCKS:
            self.counted[row] += 1


class Reader:
    """Reads rows out and checks every word.

    Attributes
    ----------
    read : list of int
        What was read of each row since the last clear.
    """

    def __init__(self, dut: Any, light: Light, coverage: Coverage, pause: Pause = never) -> None:
        self._dut, self._light, self._coverage, self._pause = dut, light, coverage, pause
        self.read = [0] * ROWS
        self._epoch = light.cleared_at

    async def __call__(self, first: int, length: int) -> None:
        dut, light, visit = self._dut, self._light, self._coverage.visit
        visit("readout of all rows", length == ROWS)
        visit("readout of one row", length == 1)
        visit("readout up to the last row", first + length == ROWS)
        while 0 < light.clearing_clocks < NEAR_CLOCKS:
            await RisingEdge(dut.clk)
        visit("readout begins while rows are cleared", light.clearing_clocks > 0)
        void = light.clearing_clocks > 0
        begun_in = light.cleared_at
        self._follow_clear()
        asked = list(light.counted)
        await start_readout(dut, first, length)
        for row in range(first, first + length):
            was_read, epoch = list(self.read), light.cleared_at
            word = await self._word(row == first + length - 1)
            self._check(row, word, asked, was_read, void or begun_in != epoch, epoch)
            asked = list(light.counted)

    async def _word(self, last: bool) -> int:
        dut = self._dut
        while self._pause():
            self._coverage.visit("word waits", bool(int(dut.words__valid.value)))
            await RisingEdge(dut.clk)
        return await next_word(dut, last)

    def _check(
        self, row: int, word: int, asked: list[int], read: list[int], void: bool, epoch: int
    ) -> None:
        light = self._light
        if light.cleared_at != epoch:  # a clear came between question and answer
            self._coverage.visit("clear in a readout")
            self._follow_clear()
            return
        if void:
            assert word == 0, f"row {row} has {word} in a readout across a clear"
            return
        least, most = asked[row] - read[row], light.counted[row] - read[row]
        assert least <= word <= most, f"row {row} has {word}, not {least} to {most}"
        self._coverage.visit("row counted while it is read", least < most)
        self.read[row] += word

    def _follow_clear(self) -> None:
        if self._epoch != self._light.cleared_at:
            self._epoch = self._light.cleared_at
            self.read = [0] * ROWS


def some_rows(generator: random.Random, coverage: Coverage) -> Rows:
    """Return one of the ways in which rows can follow each other."""
    kinds = generator.choice((1, 2, 3, 8, ROWS))
    chosen = generator.sample(range(ROWS), kinds)
    share = generator.choice((1, 1, 0.5, 0.1))
    in_turns = generator.random() < 0.5
    coverage.visit("one row in every clock", kinds == 1 and share == 1)
    coverage.visit("two rows in turns", kinds == 2 and share == 1 and in_turns)
    turn = 0

    def rows() -> int | None:
        nonlocal turn
        if generator.random() >= share:
            return None
        turn = turn + 1 if in_turns else generator.randrange(kinds)
        return chosen[turn % kinds]

    return rows


async def start_readout(dut: Any, first: int, length: int) -> None:
    dut.start__payload.value, dut.length.value, dut.start__valid.value = first, length, 1
    await RisingEdge(dut.clk)
    assert int(dut.start__ready.value), "not ready while nothing is read"
    dut.start__valid.value = 0


async def next_word(dut: Any, last: bool) -> int:
    dut.words__ready.value = 1
    await RisingEdge(dut.clk)
    while not int(dut.words__valid.value):
        await RisingEdge(dut.clk)
    dut.words__ready.value = 0
    word = unpack(READOUT, int(dut.words__payload.value))
    assert word["last"] == last, "the last word is not where it should be"
    return word["data"]


async def read_out(dut: Any, first: int, length: int) -> list[int]:
    await start_readout(dut, first, length)
    return [await next_word(dut, last=row == length - 1) for row in range(length)]


async def sync_clocks(dut: Any, count: int) -> None:
    for _ in range(count):
        await RisingEdge(dut.clk)


async def start_clocks(dut: Any) -> None:
    dut.rst.value = dut.fast_rst.value = 1
    Clock(dut.fast_clk, CLOCK_NS, "ns").start()
    Clock(dut.clk, SYNC_PS, "ps").start()
    await sync_clocks(dut, 3)
    dut.rst.value = dut.fast_rst.value = 0
    await sync_clocks(dut, 1)


async def begin(dut: Any, coverage: Coverage) -> Light:
    for name in ("add__valid", "clear", "start__valid", "words__ready", "length"):
        getattr(dut, name).value = 0
    await start_clocks(dut)
    light = Light(dut, coverage)
    cocotb.start_soon(light.go_on())
    return light


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def loses_no_count(dut: Any) -> None:
    generator, coverage = random.Random(cocotb.RANDOM_SEED), Coverage(*CORNERS)
    light = await begin(dut, coverage)
    reader = Reader(dut, light, coverage, pauses(cocotb.RANDOM_SEED, 0.5))
    for round_ in range(80):
        light.rows = some_rows(generator, coverage)
        await sync_clocks(dut, generator.randrange(20))
        first = generator.choice((0, generator.randrange(ROWS)))
        longest = ROWS - first
        length = generator.choice((1, longest, generator.randrange(longest) + 1))
        if round_ == 0:
            first, length = 0, ROWS
        clear = generator.random()
        if clear < 0.1:
            light.clear()
            coverage.visit("clear while nothing is read")
            await sync_clocks(dut, generator.choice((1, CLEAR_CLOCKS)))
            await reader(first, length)
        elif clear < 0.2:
            readout = cocotb.start_soon(reader(first, length))
            await sync_clocks(dut, generator.randrange(5 * length))
            light.clear()
            await readout
        else:
            await reader(first, length)
    coverage.visit("readout takes a clock in which there is a count", light.dropped > 0)
    light.rows = nothing
    await sync_clocks(dut, CLEAR_CLOCKS)
    await reader(0, ROWS)
    assert reader.read == light.counted, "counts are missing"
    assert await read_out(dut, 0, ROWS) == [0] * ROWS, "counts are read twice"
    coverage.check()


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def equals_the_golden_model(dut: Any) -> None:
    """Count, then read, for all ways in which rows follow each other."""
    generator, coverage = random.Random(cocotb.RANDOM_SEED), Coverage(*CORNERS)
    light, golden = await begin(dut, coverage), BinCounts(ROWS)
    for _ in range(20):
        light.rows = noted(some_rows(generator, coverage), golden)
        await sync_clocks(dut, 50)
        light.rows = nothing
        await sync_clocks(dut, DRAIN_CLOCKS)
        assert await read_out(dut, 0, ROWS) == [golden.take(row) for row in range(ROWS)]


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def stops_at_the_highest_count(dut: Any) -> None:
    """For counts of `FEW_BITS`."""
    light, golden = await begin(dut, Coverage(*CORNERS)), BinCounts(ROWS, FEW_BITS)
    highest = (1 << FEW_BITS) - 1
    for times in (1, highest - 1, highest, highest + 1, highest + 8, 4 * highest):
        for pause_clocks in (0, 6):
            rows = [5, *[None] * pause_clocks] * times
            light.rows = noted(one_after_another(rows), golden)
            await sync_clocks(dut, len(rows) // 4 + DRAIN_CLOCKS)
            assert await read_out(dut, 5, 1) == [golden.take(5)]


def nothing() -> None:
    pass


def one_after_another(rows: Iterable[int | None]) -> Rows:
    left = iter(rows)
    return lambda: next(left, None)


def noted(rows: Rows, golden: BinCounts) -> Rows:
    """Return the same rows, counted in the golden model too."""

    def counted() -> int | None:
        row = rows()
        if row is not None:
            golden.add(row)
        return row

    return counted
