"""The click resolver: the clicks of a pulse become at most one event."""

from amaranth.hdl import Array, Const, Module, Mux, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from hexkey.events import FLAG_HOLDOVER, FLAG_REPEAT
from hexkey.wire import PAIRS
from hexkey.wire.registers import DoubleClick
from hexkey_gateware.settings import setting_shape
from hexkey_gateware.slot import CLICKS_BITS, CLOSED, EVENT


class Resolver(wiring.Component):
    """Counts repeats, double pulses and pairs, and reports or discards double pulses.

    The event's phase is its earliest click's. A further click of a detector in a pulse was dropped;
    it is counted, and the event says so. A pulse of several detectors is counted, with each pair in
    it, and reported with its mask or discarded. A pulse without an event passes with an empty mask.

    Latency 1 clock, throughput one pulse a clock, no back-pressure.

    Members
    -------
    i : :py:`In(stream.Signature(CLOSED, always_ready=True))`
        Of pulses that are not accepted, `mask` and `repeats` are 0.
    o : :py:`Out(stream.Signature(EVENT, always_ready=True))`
        Each pulse of ``i``.
    double_click : :py:`In(1)`
        Setting: a value of `DoubleClick`.
    repeats : :py:`Out(12)`
        Clicks to count.
    double_pulses, events, pairs_0 … pairs_5 : :py:`Out(1)`
        Pulses to count; pairs in the order of `PAIRS`.
    """

    LATENCY = 1

    def __init__(self) -> None:
        super().__init__(
            {
                "i": In(stream.Signature(CLOSED, always_ready=True)),
                "o": Out(stream.Signature(EVENT, always_ready=True)),
                "double_click": In(setting_shape("double_click")),
                "repeats": Out(CLICKS_BITS),
                "double_pulses": Out(1),
                "events": Out(1),
                **{f"pairs_{index}": Out(1) for index in range(len(PAIRS))},
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        pulse, event = self.i.payload, self.o.payload
        masks = range(1 << len(pulse.mask))
        double = Array(Const(mask.bit_count() > 1, 1) for mask in masks)[pulse.mask]
        sent = (pulse.mask != 0) & ~(double & self._discards())
        flags = Mux(pulse.repeats.any(), FLAG_REPEAT, 0) | Mux(pulse.holdover, FLAG_HOLDOVER, 0)
        m.d.sync += [
            self.o.valid.eq(self.i.valid),
            event.mask.eq(pulse.mask & sent.replicate(len(pulse.mask))),
            event.phase_ticks.eq(pulse.phase_ticks),
            event.flags.eq(flags),
            event.control.eq(pulse.control),
            self.repeats.eq(Mux(self.i.valid, pulse.repeats, 0)),
            self.double_pulses.eq(self.i.valid & double),
            self.events.eq(self.i.valid & sent),
        ]
        for index, (first, second) in enumerate(PAIRS):
            together = pulse.mask[first] & pulse.mask[second]
            m.d.sync += getattr(self, f"pairs_{index}").eq(self.i.valid & together)
        return m

    def _discards(self) -> Value:
        return self.double_click == DoubleClick.DISCARD
