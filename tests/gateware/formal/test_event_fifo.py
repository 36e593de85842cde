"""The event FIFO neither loses nor invents nor reorders words, whatever the two clocks do.

Proved by induction, so for all time, for a depth of 8 and words of full width. Both clocks are
enables of one: their edges come in any order, also together.
"""

from itertools import pairwise
from pathlib import Path

import pytest
from amaranth.hdl import Assert, Module, Signal, Value, unsigned
from amaranth.lib import wiring
from amaranth.lib.wiring import In
from tests.gateware.formal.conftest import needs_prover

from hexkey_gateware.event_fifo import EventFifo, _from_half, _half_from_gray
from hexkey_gateware.words import WORD
from hexkey_sim.formal import hold, interleaved, prove

DEPTH = 8
POINTER = unsigned(DEPTH.bit_length())

pytestmark = needs_prover


class ObservedFifo(EventFifo):
    """The FIFO with more of it in sight: the induction speaks of memory and crossing pointers."""

    def __init__(self) -> None:
        super().__init__(DEPTH, reserve=2, slack=1, group=2)
        self.between = {name: Signal(POINTER, name=f"to_{name}") for name in ("fast", "sync")}
        self.look_at, self.seen = Signal(range(DEPTH)), Signal(WORD)

    def elaborate(self, platform: object) -> Module:
        m = super().elaborate(platform)
        look = self._memory.read_port(domain="comb")
        m.d.comb += [look.addr.eq(self.look_at), self.seen.eq(look.data)]
        return m

    def _cross(self, m: Module, here: Signal, there: Signal, domain: str) -> None:
        m.d[domain] += [self.between[domain].eq(here), there.eq(self.between[domain])]


class WordsPass(wiring.Component):
    """Words are numbered as they go in and as they come out, modulo twice the depth.

    One number stands for any (`tracked` may have each value): what comes out under it is what went
    in under it. So words keep their content and their order, none is left out and none made up.
    `helped` adds what the induction needs to know of the registers within.
    """

    write_ticks: In(1)
    read_ticks: In(1)
    valid: In(1)
    word: In(WORD)
    ready: In(1)
    tracked: In(POINTER)

    def __init__(self, fifo: ObservedFifo, *, helped: bool) -> None:
        super().__init__()
        self._fifo, self._helped = fifo, helped

    def elaborate(self, platform: object) -> Module:
        m = Module()
        fifo = self._fifo
        m.submodules.fifo = interleaved(fifo, fast=self.write_ticks, sync=self.read_ticks)
        hold(m, self.tracked)
        m.d.comb += [fifo.i.valid.eq(self.valid), fifo.i.payload.eq(self.word)]
        m.d.comb += fifo.o.ready.eq(self.ready)

        delivered = Signal(POINTER)
        expected, inside = Signal(WORD), Signal()
        taken = self.write_ticks & fifo.i.valid & fifo.i.ready
        given = self.read_ticks & fifo.o.valid & fifo.o.ready
        with m.If(given):
            m.d.sync += delivered.eq(delivered + 1)
            with m.If(delivered == self.tracked):
                m.d.sync += inside.eq(0)
                m.d.comb += Assert(inside)
                m.d.comb += Assert(fifo.o.payload == expected)
        with m.If(taken & (fifo._accepted == self.tracked)):
            m.d.comb += Assert(~inside)
            m.d.sync += [inside.eq(1), expected.eq(self.word)]
        if self._helped:
            self._pointers_are_in_order(m)
            self._word_is_where_it_should_be(m, delivered, expected, inside)
        return m

    def _pointers_are_in_order(self, m: Module) -> None:
        """From what the writer knows to have left, round to what it has accepted."""
        fifo = self._fifo
        left = (fifo._fetched_gray, fifo.between["fast"], fifo._fetched_gray_there)
        right = (fifo._written_gray, fifo.between["sync"], fifo._written_gray_there)
        base = fifo._fetched_there
        here = [
            _from_half(fifo._fetched_half_there),
            *map(from_gray, reversed(left)),
            fifo._fetched,
        ]
        there = [_from_half(fifo._written_half_there), *map(from_gray, reversed(right))]
        order = [*here, fifo._written_there, *there, fifo._accepted]
        places = [modular(each - base) for each in order]
        for before, after in pairwise(places):
            m.d.comb += Assert(before <= after)
        occupied = places[-1]
        m.d.comb += Assert(occupied <= DEPTH)
        m.d.comb += Assert(occupied <= fifo._waiting + 1)
        m.d.comb += Assert(~fifo.i.ready | (occupied < DEPTH))
        for gray, binary in ((fifo._written_gray, fifo._accepted), (left[0], fifo._fetched)):
            m.d.comb += Assert(modular(binary - from_gray(gray)) <= 1)  # one bit at a time changes
        with m.If(fifo._arrives):  # the reader does not know of it, and it is the last one
            m.d.comb += Assert(fifo._accepted != from_gray(fifo._written_gray))
            m.d.comb += Assert(fifo._place == (fifo._accepted - 1)[: len(fifo._place)])

    def _word_is_where_it_should_be(
        self, m: Module, delivered: Signal, expected: Value, inside: Signal
    ) -> None:
        fifo = self._fifo
        m.d.comb += Assert(modular(fifo._fetched - delivered) == fifo.o.valid + fifo._there)
        at = modular(self.tracked - delivered)
        m.d.comb += Assert(inside == (at < modular(fifo._accepted - delivered)))
        m.d.comb += fifo.look_at.eq(self.tracked)
        with m.If(inside & fifo.o.valid & (at == 0)):
            m.d.comb += Assert(fifo.o.payload == expected)
        with m.Elif(inside & fifo._there & (at == fifo.o.valid)):
            m.d.comb += Assert(fifo._at_output == expected)
        with m.Elif(inside & fifo._arrives & (modular(fifo._accepted - self.tracked) == 1)):
            m.d.comb += Assert(fifo._word == expected)
        with m.Elif(inside):
            m.d.comb += Assert(fifo.seen == expected)


def from_gray(gray: Value) -> Value:
    return _from_half(_half_from_gray(gray))


def modular(distance: Value) -> Value:
    return distance.as_unsigned()[: POINTER.width]


def test_words_pass(tmp_path: Path) -> None:
    result = prove(WordsPass(ObservedFifo(), helped=True), tmp_path, depth=3)
    assert result.holds, result.log


class WriterSeesLate(ObservedFifo):
    """Is a word later in seeing that it is full: overwrites the oldest."""

    HEADROOM = 1


class ReadsTooFar(ObservedFifo):
    def _any_there(self) -> Value:
        return (self._written_there != self._fetched) | (self.o.valid & self.o.ready)


class OffersTwice(ObservedFifo):
    def _read(self, m: Module) -> None:
        super()._read(m)
        with m.If(self.o.ready):
            m.d.sync += self._fetched.eq(self._fetched)


@pytest.mark.parametrize("mutant", [WriterSeesLate, ReadsTooFar, OffersTwice])
def test_proof_sees_a_wrong_fifo(mutant: type[ObservedFifo], tmp_path: Path) -> None:
    result = prove(
        WordsPass(mutant(), helped=False), tmp_path, mode="bmc", depth=22, registers=True
    )
    assert result.refuted, result.log
