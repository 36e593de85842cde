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
        A clock later: that was a tag.
    """

    i: In(stream.Signature(WORD))
    o: Out(stream.Signature(WORD))
    clear: In(1)
    dropped: Out(1)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        stays = Signal()
        m.d.comb += self.i.ready.eq(~self.o.valid)
        m.d.comb += stays.eq(self.o.valid & ~self.o.ready)
        m.d.sync += self.dropped.eq(self._thrown_away(stays) & (self.o.payload.kind != 0))
        with m.If(self.o.valid):
            m.d.sync += self.o.valid.eq(stays & ~self.clear)
        with m.Else():
            m.d.sync += [self.o.valid.eq(self.i.valid), self.o.payload.eq(self.i.payload)]
        return m

    def _thrown_away(self, stays: Value) -> Value:
        return stays & self.clear
