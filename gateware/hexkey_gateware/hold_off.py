"""Hold-off: after any click, no detector is listened to until all of them are alive again."""

from amaranth.hdl import Module, Mux, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from hexkey_gateware.pipeline import delayed, less
from hexkey_gateware.settings import setting_shape
from hexkey_gateware.slot import CLICKS_BITS, CLOSED

DISTANCE_BITS = setting_shape("holdoff_pulses").width


class HoldOff(wiring.Component):
    """Accepts a pulse if none of the `holdoff_pulses` pulses before it held a click.

    Common to all detectors, and started by every click, in or outside its gate, ignored or not. An
    epoch begins as if the pulse before its number 0 had held a click. The pulses since the last
    click are counted up to the longest hold-off there is, and no further.

    Each numbered pulse passes; what is not accepted, or blind, passes with an empty mask.

    Latency 3 clocks, throughput one pulse in 2 clocks, no back-pressure. The setting acts 1 clock
    late.

    Members
    -------
    i : :py:`In(stream.Signature(CLOSED, always_ready=True))`
    o : :py:`Out(stream.Signature(CLOSED, always_ready=True))`
        `clicks` and `outside` mean nothing here.
    holdoff_pulses : :py:`In(16)`
        Setting.
    ignored_holdoff, outside_gate : :py:`Out(12)`
        Clicks to count, at most every second clock.
    """

    LATENCY = 3

    i: In(stream.Signature(CLOSED, always_ready=True))
    o: Out(stream.Signature(CLOSED, always_ready=True))
    holdoff_pulses: In(DISTANCE_BITS)
    ignored_holdoff: Out(CLICKS_BITS)
    outside_gate: Out(CLICKS_BITS)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        valid = delayed(m, self.i.valid, 1, reset_less=False)
        pulse = delayed(m, self.i.payload, 1)
        accepted = delayed(m, self._accept(m, pulse), 1)
        valid, pulse = delayed(m, valid, 1, reset_less=False), delayed(m, pulse, 1)
        self._pass_on(m, valid, pulse, self._is_seen(pulse, accepted))
        self._count(m, valid, pulse, accepted)
        return m

    def _accept(self, m: Module, pulse: data.View) -> Value:
        valid, begins = self.i.valid, self.i.payload.control.begin
        clicked = self.i.payload.clicks.any()
        restarts, begins, counts = (
            delayed(m, each, 1, reset_less=False)
            for each in (valid & clicked, valid & begins & ~clicked, valid & ~begins & ~clicked)
        )
        distance = Signal(DISTANCE_BITS)  # pulses without a click before this one
        long_ago, under, no_holdoff = Signal(), Signal(), Signal()
        m.d.sync += long_ago.eq(self._at_its_end(distance))
        m.d.sync += under.eq(self._under(distance))
        m.d.sync += no_holdoff.eq(self.holdoff_pulses == 0)
        with m.If(restarts):
            m.d.sync += distance.eq(0)
        with m.Elif(begins):
            m.d.sync += distance.eq(1)
        with m.Elif(counts & ~long_ago):
            m.d.sync += distance.eq(distance + 1)
        # Looked at every second clock at most: `under` knows of the pulse before even if it came
        # just now, for `distance` has had a clock to grow and `under` another.
        return Mux(pulse.control.begin, no_holdoff, ~under) & pulse.numbered

    def _under(self, distance: Value) -> Value:
        return less(distance, self.holdoff_pulses)

    def _at_its_end(self, distance: Value) -> Value:
        return distance.all()

    def _is_seen(self, pulse: data.View, accepted: Value) -> Value:
        return accepted & ~pulse.blind

    def _outside(self, pulse: data.View) -> Value:
        return Mux(pulse.blind, pulse.clicks, pulse.outside)

    def _pass_on(self, m: Module, valid: Value, pulse: data.View, seen: Value) -> None:
        m.d.sync += self.o.valid.eq(valid & pulse.numbered)
        m.d.sync += self.o.payload.eq(pulse)
        m.d.sync += self.o.payload.mask.eq(Mux(seen, pulse.mask, 0))
        m.d.sync += self.o.payload.repeats.eq(Mux(seen, pulse.repeats, 0))

    def _count(self, m: Module, valid: Value, pulse: data.View, accepted: Value) -> None:
        outside = self._outside(pulse)
        m.d.sync += self.ignored_holdoff.eq(Mux(valid & ~accepted, pulse.clicks, 0))
        m.d.sync += self.outside_gate.eq(Mux(valid & accepted, outside, 0))
