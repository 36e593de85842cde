"""The click resolver: where the detectors meet, and one pulse's clicks become at most one event."""

from amaranth.hdl import Array, Cat, Module, Mux, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from hexkey.events import DETECTORS, FLAG_REPEAT
from hexkey.wire import PAIRS, RecordLayout
from hexkey.wire.registers import DoubleClick
from hexkey_gateware.event import COUNTER_BITS, PULSE, click_layout, event_layout
from hexkey_gateware.settings import setting_shape


class Resolver(wiring.Component):
    """Merges the lanes of all detectors into events in the order of their pulses.

    The *head* of a lane is the item that waits at its end. As pulses never go back within a lane,
    a pulse can get no more clicks, is *closed*, once the heads of all lanes are of later pulses. So
    the resolver finds the oldest pulse among the heads, takes items of it, from all lanes at once,
    until it is closed, and goes on to the next. It waits for as long as a lane is empty: each must
    go on delivering, marks if nothing clicks, or nothing more leaves.

    The event's phase is its earliest click's. A further click of a detector in a pulse is dropped
    and counted, and the event says so. A pulse of several detectors is counted, with each pair in
    it, and reported with its mask or discarded.

    Latency: an event is valid in the clock after the heads of all lanes have left its pulse and
    the event before was taken. Throughput: a pulse takes 3 clocks, and 1 more for each item that
    the lane with most has in it; marks alone make a pulse, too. Back-pressure: while an event waits
    in the output register, the next pulse is merged and then closed only when the event is taken.

    Parameters
    ----------
    layout : RecordLayout
        Whose phases the clicks have, and whose fields the events.

    Members
    -------
    lanes : :py:`In(stream.Signature(click_layout(layout))).array(4)`
        Clicks inside the gate, and marks, of one detector each.
    o : :py:`Out(stream.Signature(event_layout(layout)))`
    double_click : :py:`In(1)`
        Setting: a value of `DoubleClick`.
    clear : :py:`In(1)`
        The counters start again; what happens in this clock is not counted.
    next_pulse : :py:`Out(signed(64))`
        Every event of a pulse below it has left through ``o``.
    repeats, double_pulses, events : :py:`Out(64)`
        Clicks dropped as repeats; pulses of several detectors; events, those that left or wait.
    pairs : :py:`Out(64).array(6)`
        Pulses in which both detectors of a pair clicked, in the order of `PAIRS`.
    """

    def __init__(self, layout: RecordLayout) -> None:
        self._event = event_layout(layout)
        super().__init__(
            {
                "lanes": In(stream.Signature(click_layout(layout))).array(DETECTORS),
                "o": Out(stream.Signature(self._event)),
                "double_click": In(setting_shape("double_click", layout)),
                "clear": In(1),
                "next_pulse": Out(PULSE),
                "repeats": Out(COUNTER_BITS),
                "double_pulses": Out(COUNTER_BITS),
                "events": Out(COUNTER_BITS),
                "pairs": Out(COUNTER_BITS).array(len(PAIRS)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        open_pulse = Signal(self._event)  # what is known of the pulse that is being merged
        oldest = Signal(data.ArrayLayout(PULSE, 2))  # of lanes 0 and 1, of lanes 2 and 3
        closing = Signal()
        all_here = Signal()
        m.d.comb += all_here.eq(Cat(lane.valid for lane in self.lanes).all())

        with m.If(self.o.ready):
            m.d.sync += self.o.valid.eq(0)

        with m.FSM():
            # Two clocks, because two comparisons of 64 bits in one would set the clock's limit.
            with m.State("OLDEST OF TWO"):
                for index, (left, right) in enumerate(
                    ((self.lanes[0], self.lanes[1]), (self.lanes[2], self.lanes[3]))
                ):
                    m.d.sync += oldest[index].eq(_earlier(left.payload.pulse, right.payload.pulse))
                with m.If(all_here):
                    m.next = "OLDEST OF ALL"

            with m.State("OLDEST OF ALL"):
                m.d.sync += open_pulse.eq(0)
                m.d.sync += open_pulse.pulse.eq(_earlier(oldest[0], oldest[1]))
                m.next = "MERGE"

            with m.State("MERGE"):
                here = self._merge(m, open_pulse)
                self._publish_progress(m, open_pulse.pulse)
                with m.If(self._closed(all_here, here) & (~self.o.valid | self.o.ready)):
                    m.d.comb += closing.eq(1)
                    m.next = "OLDEST OF TWO"

        self._close(m, open_pulse, closing)
        return m

    def _merge(self, m: Module, open_pulse: data.View) -> Value:
        """Take the heads that are of the open pulse; return which lanes have one."""
        here = Signal(DETECTORS)
        repeated = Signal(DETECTORS)
        phase_ticks, mask = open_pulse.phase_ticks, open_pulse.mask
        for detector, lane in enumerate(self.lanes):
            of_pulse = lane.valid & (lane.payload.pulse == open_pulse.pulse)
            m.d.comb += here[detector].eq(of_pulse)
            m.d.comb += lane.ready.eq(of_pulse)
            clicked = of_pulse & lane.payload.clicked
            m.d.comb += repeated[detector].eq(clicked & open_pulse.mask[detector])
            first = (mask == 0) | (lane.payload.phase_ticks < phase_ticks)
            phase_ticks = Mux(clicked & first, lane.payload.phase_ticks, phase_ticks)
            mask = mask | (clicked << detector)
        m.d.sync += open_pulse.phase_ticks.eq(phase_ticks)
        m.d.sync += open_pulse.mask.eq(mask)
        with m.If(repeated.any()):
            m.d.sync += open_pulse.flags.eq(open_pulse.flags | FLAG_REPEAT)
        self._count(m, self.repeats, sum(repeated[d] for d in range(DETECTORS)))
        return here

    def _closed(self, all_here: Value, here: Value) -> Value:
        """Whether every lane's head is of a later pulse."""
        return all_here & ~here.any()

    def _publish_progress(self, m: Module, pulse: Value) -> None:
        """All before the open pulse is closed: once its last event is taken, the world may know."""
        with m.If(~self.o.valid & (pulse >= 0)):
            m.d.sync += self.next_pulse.eq(pulse)

    def _close(self, m: Module, open_pulse: data.View, closing: Value) -> None:
        """Send and count the open pulse in the clock in which `closing` is set."""
        masks = range(1 << DETECTORS)
        double = Array(mask.bit_count() > 1 for mask in masks)[open_pulse.mask]
        discarded = double & (self.double_click == DoubleClick.DISCARD)
        sent = closing & (open_pulse.mask != 0) & ~discarded
        with m.If(sent):
            m.d.sync += self.o.valid.eq(1)
            m.d.sync += self.o.payload.eq(open_pulse)
        self._count(m, self.events, sent)
        self._count(m, self.double_pulses, closing & double)
        for pair, (first, second) in zip(self.pairs, PAIRS, strict=True):
            self._count(m, pair, closing & open_pulse.mask[first] & open_pulse.mask[second])

    def _count(self, m: Module, counter: Value, how_many: Value) -> None:
        m.d.sync += counter.eq(Mux(self.clear, 0, counter + how_many))


def _earlier(left: Value, right: Value) -> Value:
    return Mux(left < right, left, right)
