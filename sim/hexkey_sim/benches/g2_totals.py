"""Bench of `hexkey_gateware.g2_totals` against `golden.totals`.

What a readout says must be the growth of all totals since one and the same clock, behind the last
change of the pair; and of the pair that was named when it was asked for. While totals grow, it must
be of one time, to a round of visits.
"""

import random
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge, RisingEdge

from hexkey.wire import LAGS
from hexkey_gateware.link.sources import READOUT
from hexkey_gateware.total_rows import round_clocks
from hexkey_gateware.totals import answer_clocks, settle_clocks
from hexkey_sim.benches.coverage import Coverage
from hexkey_sim.benches.streams import CLOCK_NS, Pause, never, pauses
from hexkey_sim.benches.words import unpack
from hexkey_sim.golden.totals import Totals

COUNT = 1 + len(LAGS)
SYNC_PS, QUICK_PS = 21_700, 10_010
SETTLE_CLOCKS = settle_clocks(COUNT)
CLEAR_FAST = 5 * (10 * answer_clocks(COUNT) + 10)  # at most, for a pair while a run begins
COMMIT_FAST = 190  # at least, between two changes of the pair
LATE_FAST = 4  # that a coincidence comes behind its pair
CORNERS = (
    "pair changes while totals are copied",
    "pair changes while words are said",
    "pair changes as a readout is asked for",
    "pair changes twice in a row",
    "pair changes back",
    "pair changes while a run begins",
    "asked for while totals are cleared",
    "readout of the old pair, behind the change",
    "readout of the new pair",
    "words wait",
    "totals grow while words are said",
    "totals are cleared while words are said",
)


class Board:
    """Both sides of the block.

    Attributes
    ----------
    golden : Totals
        Since the last change of the pair, also what must not be counted of it.
    """

    def __init__(self, dut: Any, generator: random.Random) -> None:
        self.dut, self.generator = dut, generator
        self.golden = Totals([0] * COUNT)
        self.pair = 0
        self.copying = self.saying = False

    async def start(self, sync_ps: int) -> None:
        dut = self.dut
        for name in ("coincidences", "pulses", "g2_pair", "clear", "start__valid", "words__ready"):
            getattr(dut, name).value = 0
        dut.rst.value = dut.fast_rst.value = 1
        Clock(dut.fast_clk, CLOCK_NS, "ns").start()
        Clock(dut.clk, sync_ps, "ps").start()
        await self.clocks(3)
        await FallingEdge(dut.fast_clk)
        dut.rst.value = dut.fast_rst.value = 0
        await self.clear()  # memories are not reset

    async def clocks(self, clocks: int) -> None:
        for _ in range(clocks):
            await RisingEdge(self.dut.clk)

    async def light(self, clocks: int) -> None:
        """Let coincidences come for some clocks, each lag as often as it likes."""
        generator, dut = self.generator, self.dut
        for _ in range(clocks):
            bits = generator.getrandbits(COUNT)
            dut.pulses.value, dut.coincidences.value = bits & 1, bits >> 1
            self.golden.push([bits >> index & 1 for index in range(COUNT)])
            await FallingEdge(dut.fast_clk)
        dut.pulses.value = dut.coincidences.value = 0

    async def dark(self, clocks: int) -> None:
        self.golden.push([0] * COUNT, clocks)
        for _ in range(clocks):
            await FallingEdge(self.dut.fast_clk)

    def change(self, pair: int) -> None:
        """From now on, and in the clocks before that are under way, nothing may be counted."""
        self.pair = self.dut.g2_pair.value = pair
        self.golden.clear()

    async def clear(self) -> None:
        self.dut.clear.value = 1
        await self.clocks(1)
        while not int(self.dut.cleared.value):
            await self.clocks(1)
        self.dut.clear.value = 0
        await self.clocks(1)

    async def read(self, pause: Pause = never) -> tuple[int, list[int]]:
        """Return the pair, as it is a clock before the readout is asked for, and the totals."""
        dut = self.dut
        await self.clocks(1)
        pair = int(dut.pair.value)
        dut.start__valid.value = 1
        await self.clocks(1)
        while not int(dut.start__ready.value):
            await self.clocks(1)
        dut.start__valid.value = 0
        self.copying = True
        words: list[int] = []
        last = False
        while not last:
            dut.words__ready.value = ready = int(not pause())
            await self.clocks(1)
            if int(dut.words__valid.value):
                self.copying, self.saying = False, True
                word = unpack(READOUT, int(dut.words__payload.value))
                if ready:
                    words.append(word["data"])
                    last = bool(word["last"])
        dut.words__ready.value = 0
        self.saying = False
        assert len(words) == 2 * COUNT, f"{len(words)} words"
        return pair, [words[2 * at] | words[2 * at + 1] << 32 for at in range(COUNT)]

    async def check(self) -> None:
        """Let everything arrive; then compare."""
        self.dut.pulses.value = self.dut.coincidences.value = 0
        await self.clocks(SETTLE_CLOCKS)
        pair, totals = await self.read()
        assert pair == self.pair, f"totals are said to be of pair {pair}, not {self.pair}"
        begins = self.golden.begins(totals)
        assert begins, f"totals {totals} did not begin in one clock"
        assert min(begins) <= CLEAR_FAST, f"counted since clock {min(begins)} only"
        assert max(begins) > LATE_FAST or not any(totals), "counts of the old pair"


async def start(dut: Any, sync_ps: int = SYNC_PS) -> Board:
    board = Board(dut, random.Random(cocotb.RANDOM_SEED))
    await board.start(sync_ps)
    await FallingEdge(dut.fast_clk)
    return board


@cocotb.test(timeout_time=2, timeout_unit="ms")
async def counts_all_lags_since_one_clock(dut: Any) -> None:
    """Through changes of the pair and new runs, while light never stops."""
    coverage = Coverage(*CORNERS[3:6], CORNERS[9])
    board = await start(dut)
    generator = board.generator
    for turn in range(10):
        kind, before = turn % 4, board.pair
        await FallingEdge(dut.fast_clk)
        await board.light(generator.randrange(50, 400))
        if kind == 0:
            board.change(generator.choice([pair for pair in range(16) if pair != before]))
        elif kind == 3:
            clear = cocotb.start_soon(board.clear())
            await board.light(generator.randrange(400))
            board.change(before ^ 1 << generator.randrange(4))
            coverage.visit(CORNERS[5], not clear.done())
            await board.light(2 * CLEAR_FAST)
            assert clear.done()
        else:
            board.change(before ^ 1 << generator.randrange(4))
            await board.light(COMMIT_FAST + generator.randrange(CLEAR_FAST))
            board.change(before if kind == 1 else before ^ 15)
            coverage.visit(CORNERS[4], kind == 1)
            coverage.visit(CORNERS[3], kind == 2)
        await board.light(generator.randrange(2 * CLEAR_FAST, 2 * CLEAR_FAST + 300))
        reader = cocotb.start_soon(board.read(pauses(turn, 0.6)))
        await board.light(900)
        coverage.visit(CORNERS[9], board.saying)
        await reader
        await board.check()
    coverage.check()


@cocotb.test(timeout_time=8, timeout_unit="ms")
async def says_of_which_pair(dut: Any) -> None:
    """The old pair has counts, and the new one none in half of the turns: no mixture is missed."""
    coverage = Coverage(*CORNERS[:3], *CORNERS[6:9])
    board = await start(dut)
    generator = board.generator
    for turn in range(36):
        await FallingEdge(dut.fast_clk)
        old = board.pair
        await board.light(100)
        await board.dark(5 * SETTLE_CLOCKS)
        counts = list(board.golden.now)
        new = old ^ generator.randrange(1, 16)
        # The change is known on the other side some 10 clocks later: asked for in each around then.
        lead = generator.choice((generator.randrange(400), generator.randrange(8)))
        lag = turn // 2 if turn < 28 else generator.randrange(41, 600)
        reader = None
        if turn % 2:
            reader = cocotb.start_soon(board.read(pauses(turn, 0.3)))
            await board.dark(5 * lead)
        coverage.visit(CORNERS[0], board.copying)
        coverage.visit(CORNERS[1], board.saying)
        board.change(new)
        await board.dark(LATE_FAST)
        lit = turn % 4 < 2
        await (board.light if lit else board.dark)(lag)
        if reader is None:
            reader = cocotb.start_soon(board.read())
            coverage.visit(CORNERS[2], lag < 16)
            coverage.visit(CORNERS[6], lag > 40)
        if lit:
            await board.light(CLEAR_FAST // 2)
        pair, totals = await reader
        assert pair in (old, new)
        of_new = [min(both) for both in zip(totals, board.golden.now, strict=True)]
        wanted = counts if pair == old else of_new
        assert totals == wanted, f"of pair {pair}, {old} before {new}: {totals}, not {wanted}"
        coverage.visit(CORNERS[7], pair == old and not turn % 2)
        coverage.visit(CORNERS[8], pair == new)
        await FallingEdge(dut.fast_clk)
        await board.dark(2 * CLEAR_FAST)
        await board.check()
        board.golden.clear()
        await board.clear()
    coverage.check()


@cocotb.test(timeout_time=2, timeout_unit="ms")
async def copies_all_at_one_time(dut: Any) -> None:
    """All totals grow by 1 in every clock: so in a copy they must be the same, to a round."""
    coverage = Coverage(*CORNERS[10:])
    board = await start(dut, QUICK_PS)
    dut.pulses.value, dut.coincidences.value = 1, (1 << COUNT - 1) - 1
    await board.clocks(SETTLE_CLOCKS)
    for turn in range(6):
        reader = cocotb.start_soon(board.read(pauses(turn, 0.3)))
        while not board.saying:
            await board.clocks(1)
        coverage.visit(CORNERS[10])
        if turn % 2:
            await board.clocks(board.generator.randrange(600))
            coverage.visit(CORNERS[11], board.saying)
            await board.clear()
        _, totals = await reader
        assert min(totals) > 0, "a total does not grow"
        spread = max(totals) - min(totals)
        assert spread <= round_clocks(COUNT), f"copies lie {spread} clocks apart"
    coverage.check()
