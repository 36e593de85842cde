"""A pulse that stands in for those that a board without a trigger has not got."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from hexkey_gateware.slot import EVENT


class StandIn(wiring.Component):
    """Adds a pulse without an event that says that settings have changed, where there is no lock.

    Raw tags need no trigger, but whoever reads the stream has to hear that they begin, and hears of
    settings by pulses. Without lock there are none. The next epoch numbers its pulses anew, and its
    first one says it again.

    Latency none; no back-pressure. The pulse comes once lock was away for `QUIET_CLOCKS`, by when
    all other pulses have left the front end.

    Members
    -------
    i, o : :py:`stream.Signature(EVENT, always_ready=True)`
        Every pulse, in order.
    locked : :py:`In(1)`
        Pulses begin.
    settings : :py:`In(1)`
        A strobe: settings have changed.
    """

    QUIET_CLOCKS = 64

    i: In(stream.Signature(EVENT, always_ready=True))
    o: Out(stream.Signature(EVENT, always_ready=True))
    locked: In(1)
    settings: In(1)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        clocks = Signal(range(self.QUIET_CLOCKS + 1))
        quiet, wanted, adds = Signal(), Signal(), Signal()
        m.d.sync += quiet.eq(clocks[-1] & ~self.locked)
        with m.If(self.locked):
            m.d.sync += clocks.eq(0)
        with m.Elif(~clocks[-1]):
            m.d.sync += clocks.eq(clocks + 1)
        m.d.sync += wanted.eq((wanted | self.settings) & ~self.locked & ~adds)
        m.d.comb += adds.eq(wanted & quiet)

        pulse = EVENT.const({"control": {"settings": 1}})
        m.d.comb += self.o.valid.eq(self.i.valid | adds)
        m.d.comb += self.o.payload.eq(Mux(adds, pulse, self.i.payload))
        return m
