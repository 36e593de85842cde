"""The gate: half-open, to the tick, one per detector."""

from amaranth.hdl import Module, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from hexkey.wire import RecordLayout
from hexkey_gateware.event import COUNTER_BITS, PULSE, click_layout
from hexkey_gateware.settings import setting_shape


class Gate(wiring.Component):
    """Lets one detector's click pass if its phase is in [start, start + width).

    The end may lie beyond the period: `Attribution` has given the clicks there to the pulse in
    which the gate opened, with phases beyond the period. Marks pass always.

    Latency 1 clock, throughput 1 item a clock. Back-pressure: an item waits in the output register;
    ``i.ready`` follows ``o.ready`` without a register between. Every click that does not pass is
    counted, in the clock after it was taken.

    Parameters
    ----------
    layout : RecordLayout
        Whose phases the clicks have.

    Members
    -------
    i, o : :py:`stream.Signature(click_layout(layout))`
    gate_start_ticks, gate_width_ticks : :py:`In(...)`
        Settings, within the limits of the register map.
    first_pulse : :py:`In(signed(64))`
        Setting: no gate opens before this pulse, which is 0 or the first of the last commit.
    clear : :py:`In(1)`
        The counter starts again; a click that is dropped in this clock is not counted.
    outside_gate : :py:`Out(64)`
        Clicks that did not pass.
    """

    def __init__(self, layout: RecordLayout) -> None:
        click = stream.Signature(click_layout(layout))
        settings = ("gate_start_ticks", "gate_width_ticks")
        super().__init__(
            {
                "i": In(click),
                "o": Out(click),
                **{name: In(setting_shape(name, layout)) for name in settings},
                "first_pulse": In(PULSE),
                "clear": In(1),
                "outside_gate": Out(COUNTER_BITS),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        click = self.i.payload
        outside = click.clicked & ~(self._inside() & (click.pulse >= self.first_pulse))
        m.d.comb += self.i.ready.eq(self.o.ready | ~self.o.valid)
        with m.If(self.i.ready):
            m.d.sync += self.o.valid.eq(self.i.valid & ~outside)
            m.d.sync += self.o.payload.eq(click)
        with m.If(self.clear):
            m.d.sync += self.outside_gate.eq(0)
        with m.Elif(self.i.valid & self.i.ready & outside):
            m.d.sync += self.outside_gate.eq(self.outside_gate + 1)
        return m

    def _inside(self) -> Value:
        phase_ticks = self.i.payload.phase_ticks
        end = self.gate_start_ticks + self.gate_width_ticks
        return (self.gate_start_ticks <= phase_ticks) & (phase_ticks < end)
