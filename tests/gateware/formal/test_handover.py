"""Each word is handed over once, whole and in order, whatever the two clocks do.

Proved by induction, so for all time. Both clocks are enables of one: their edges come in any order,
also together.
"""

from itertools import pairwise
from pathlib import Path

import pytest
from amaranth.hdl import Assert, Const, Module, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In
from tests.gateware.formal.conftest import needs_prover

from hexkey_gateware.handover import Handover
from hexkey_sim.formal import interleaved, prove

WORD_BITS = 8

pytestmark = needs_prover


class ObservedHandover(Handover):
    """The handover with its synchronisers in sight, which the induction speaks of."""

    def __init__(self) -> None:
        super().__init__(WORD_BITS)
        self.between = {name: Signal(name=f"to_{name}") for name in ("fast", "sync")}

    def _cross(self, m: Module, here: Signal, there: Signal, domain: str) -> None:
        m.d[domain] += [self.between[domain].eq(here), there.eq(self.between[domain])]


class WordsPass(wiring.Component):
    """What comes out is what went in last, and nothing goes in before it has.

    `helped` adds what the induction needs to know of the registers within.
    """

    fast_ticks: In(1)
    sync_ticks: In(1)
    valid: In(1)
    word: In(WORD_BITS)
    ready: In(1)

    def __init__(self, handover: ObservedHandover, *, helped: bool) -> None:
        super().__init__()
        self._handover, self._helped = handover, helped

    def elaborate(self, platform: object) -> Module:
        m = Module()
        block = self._handover
        m.submodules.handover = interleaved(block, fast=self.fast_ticks, sync=self.sync_ticks)
        m.d.comb += [block.i.valid.eq(self.valid), block.i.payload.eq(self.word)]
        m.d.comb += block.o.ready.eq(self.ready)

        expected, inside = Signal(WORD_BITS), Signal()
        with m.If(self.sync_ticks & block.o.valid & block.o.ready):
            m.d.comb += Assert(inside)
            m.d.comb += Assert(block.o.payload == expected)
            m.d.sync += inside.eq(0)
        with m.If(self.fast_ticks & block.i.valid & block.i.ready):
            m.d.comb += Assert(~inside)
            m.d.sync += [inside.eq(1), expected.eq(self.word)]
        if self._helped:
            self._one_change_goes_round(m, expected, inside)
        return m

    def _one_change_goes_round(self, m: Module, expected: Signal, inside: Signal) -> None:
        block = self._handover
        there = (block._offered, block.between["sync"], block._offered_there)
        back = (block._taken, block.between["fast"], block._taken_there)
        changes = sum((one ^ other for one, other in pairwise((*there, *back))), Const(0))
        m.d.comb += Assert(changes <= 1)
        m.d.comb += Assert(inside == (block._offered != block._taken))
        m.d.comb += Assert(~inside | (block._word == expected))


def test_words_pass(tmp_path: Path) -> None:
    result = prove(WordsPass(ObservedHandover(), helped=True), tmp_path, depth=3)
    assert result.holds, result.log


class Hasty(ObservedHandover):
    """Takes a word before the last one is known to have left."""

    def _is_free(self) -> Value:
        return self.between["sync"] == self._offered


@pytest.mark.parametrize("mutant", [Hasty])
def test_haste_is_refuted(tmp_path: Path, mutant: type[ObservedHandover]) -> None:
    result = prove(WordsPass(mutant(), helped=False), tmp_path, mode="bmc", depth=12)
    assert result.refuted, result.log
