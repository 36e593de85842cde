"""A place for one word between two parts of the chip, with a register in every direction."""

from amaranth.hdl import Module, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from hexkey_gateware.words import WORD


class Relay(wiring.Component):
    """Hands words on so that neither end waits for the other within a clock.

    Latency 1 clock. Throughput a word every 2 clocks. Back-pressure: ``i`` is ready while no word
    waits.

    Members
    -------
    i, o : :py:`stream.Signature(WORD)`
        A word at ``o`` may be taken back, see `clear`.
    clear : :py:`In(1)`
        What waits is thrown away.
    dropped : :py:`Out(1)`
        Two clocks later: that was a tag.
    """

    i: In(stream.Signature(WORD))
    o: Out(stream.Signature(WORD))
    clear: In(1)
    dropped: Out(1)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        free = Signal(init=1)  # no word waits: a register of its own, for the long way back
        m.d.comb += self.i.ready.eq(free)
        cleared, taken, is_tag = Signal(), Signal(), Signal()
        m.d.sync += [
            cleared.eq(self.o.valid & self.clear),
            taken.eq(self.o.ready),
            is_tag.eq(self.o.payload.kind != 0),
            self.dropped.eq(self._thrown_away(cleared & ~taken) & is_tag),
        ]
        with m.If(self.o.valid):
            m.d.sync += self.o.valid.eq(~self.o.ready & ~self.clear)
            m.d.sync += free.eq(self.o.ready | self.clear)
        with m.Else():
            m.d.sync += [self.o.valid.eq(self.i.valid), self.o.payload.eq(self.i.payload)]
            m.d.sync += free.eq(~self.i.valid)
        return m

    def _thrown_away(self, word: Value) -> Value:
        return word
