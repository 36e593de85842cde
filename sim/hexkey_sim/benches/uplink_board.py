"""The board around the uplink, for its benches: FIFO, totals, memories, line, and the host."""

from collections import deque
from collections.abc import Sequence
from typing import Any

import cocotb
from cocotb.triggers import RisingEdge

from hexkey.wire import RegisterReply
from hexkey.wire.tagger import LAGS
from hexkey_gateware.link.frames import REPLY
from hexkey_gateware.link.sources import READOUT
from hexkey_sim.benches.streams import Pause, clocks, never, start
from hexkey_sim.benches.uplink_host import Host
from hexkey_sim.benches.words import pack

CLOCKS_PER_100_MS = 8_000
CLOCKS_PER_10_MS = CLOCKS_PER_100_MS // 10
CODES = 20
BINS = 24
TOTALS = 18
ANSWER_CLOCKS = 5  # that a total or the clearing of all takes

INPUTS = {
    **{"level": 0, "wide": 0, "settings_id": 0, "running": 0, "drained": 0, "period_ticks": 2500},
    **{"bad_request": 0, "identify": 0, "cleared": 0},
    **{"status__levels": 0, "status__stuck": 0, "status__flags": 0, "g2__pair": 4},
    **{"histogram__bins": BINS, "histogram__offset_ticks": 0, "histogram__bin_ticks": 10},
    **{"density__channel": 5, "density__source": 0},
    **{"words__valid": 0, "bytes__ready": 0, "replies__valid": 0, "run__valid": 0},
    **{"totals__index__ready": 0, "totals__value__valid": 0},
    **{f"{name}__start__ready": 0 for name in ("histogram", "g2", "density")},
    **{f"{name}__words__valid": 0 for name in ("histogram", "g2", "density")},
}


class Board:
    """Answers whatever the uplink asks.

    Attributes
    ----------
    host : Host
    waiting : deque of int
        Words in the event FIFO.
    totals : list of int
        By index; all 0 once they are cleared.
    readouts : dict of str to list of list of int
        Words of each memory, for each part that can be asked for.
    asked : list of (str, int)
        Readouts and totals, in the order in which they were asked for.
    cleared : int
        How often.
    line_blocked : bool
        The line takes no bytes.
    bytes_sent : int
    """

    def __init__(self, dut: Any) -> None:
        self.dut = dut
        self.host = Host()
        self.waiting: deque[int] = deque()
        self.totals = [0] * TOTALS
        self.readouts = {
            "histogram": [[detector] * BINS for detector in range(4)],
            "g2": [list(range(2 * (1 + len(LAGS))))],
            "density": [list(range(CODES))],
        }
        self.asked: list[tuple[str, int]] = []
        self.cleared = 0
        self.line_blocked = False
        self.bytes_sent = 0

    async def start(self, pause: Pause = never, **inputs: int) -> None:
        """Reset the uplink and answer from now on; `pause` is the line's."""
        await start(self.dut, **(INPUTS | inputs))
        cocotb.start_soon(self._carry(pause))
        cocotb.start_soon(self._answer_totals())
        cocotb.start_soon(self._answer_clear())
        for name in self.readouts:
            cocotb.start_soon(self._answer_readouts(name))

    async def reply(self, reply: RegisterReply) -> None:
        """Have a reply sent; return once it was taken."""
        fields = {"id": reply.id, "status": reply.status}
        word = pack(REPLY, **fields, address=reply.address, value=reply.value)
        await self._offer("replies", word)

    async def begin_run(self, run: int) -> None:
        """Have a run begun; return once it has."""
        await self._offer("run", run)

    async def until_quiet(self) -> None:
        """Wait until no word is left, and the line has been quiet for a while."""
        quiet = 0
        while quiet < 4:
            before = self.bytes_sent
            await clocks(self.dut, CLOCKS_PER_10_MS // 3)
            quiet = 0 if self.waiting or self.bytes_sent != before else quiet + 1

    async def strobe(self, name: str) -> None:
        signal = getattr(self.dut, name)
        signal.value = 1
        await RisingEdge(self.dut.clk)
        signal.value = 0

    async def _offer(self, name: str, payload: int) -> None:
        dut = self.dut
        valid, ready = getattr(dut, f"{name}__valid"), getattr(dut, f"{name}__ready")
        getattr(dut, f"{name}__payload").value = payload
        valid.value = 1
        await RisingEdge(dut.clk)
        while not int(ready.value):
            await RisingEdge(dut.clk)
        valid.value = 0

    async def _carry(self, pause: Pause) -> None:
        """Offer words and take bytes; all that runs in every clock, in one for speed."""
        dut, clk = self.dut, RisingEdge(self.dut.clk)
        word, word_valid, word_ready = dut.words__payload, dut.words__valid, dut.words__ready
        level, byte, byte_valid = dut.level, dut.bytes__payload, dut.bytes__valid
        line_ready, told = dut.bytes__ready, -1
        while True:
            ready = not (self.line_blocked or pause())
            line_ready.value = int(ready)
            count = len(self.waiting)
            if count != told:
                level.value = told = count
                word_valid.value = int(count > 0)
                if count:
                    word.value = self.waiting[0]
            await clk
            if count and int(word_ready.value):
                self.waiting.popleft()
                told = -1
            if ready and int(byte_valid.value):
                self.bytes_sent += 1
                self.host.take(int(byte.value))

    async def _answer_totals(self) -> None:
        dut = self.dut
        while True:
            await self._asked("totals__index")
            index = int(dut.totals__index__payload.value)
            self.asked.append(("totals", index))
            await clocks(dut, ANSWER_CLOCKS)
            await self._offer("totals__value", self.totals[index])

    async def _answer_readouts(self, name: str) -> None:
        payload = getattr(self.dut, f"{name}__start__payload")
        while True:
            await self._asked(f"{name}__start")
            part = int(payload.value)
            self.asked.append((name, part))
            words = self.readouts[name][part]
            for at, word in enumerate(words):
                await self._offer(
                    f"{name}__words", pack(READOUT, data=word, last=int(at == len(words) - 1))
                )

    async def _asked(self, name: str) -> None:
        """Take one item of a stream that comes out of the uplink."""
        dut = self.dut
        valid, ready = getattr(dut, f"{name}__valid"), getattr(dut, f"{name}__ready")
        if not int(valid.value):
            await RisingEdge(valid)
        ready.value = 1
        await RisingEdge(dut.clk)
        ready.value = 0

    async def _answer_clear(self) -> None:
        dut = self.dut
        while True:
            await RisingEdge(dut.clear)
            await clocks(dut, ANSWER_CLOCKS)
            self.totals = [0] * TOTALS
            self.cleared += 1
            await self.strobe("cleared")


def halves(totals: Sequence[int]) -> list[int]:
    """Return 64-bit totals as the words of a readout."""
    return [half for total in totals for half in (total % 2**32, total >> 32)]
