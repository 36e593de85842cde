"""The last step of the pulse clock: a click in the wrapped part of a gate goes to its pulse."""

from amaranth.hdl import Module, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from hexkey.wire import RecordLayout
from hexkey_gateware.event import click_layout
from hexkey_gateware.settings import setting_shape


class Attribution(wiring.Component):
    """Attributes one detector's clicks to the pulse in which their gate opened.

    A gate may reach past the period's end. A click in that part arrives here with the pulse that
    has begun since, and leaves with the pulse before and a phase beyond the period. This happens
    ahead of hold-off and gate, so that both mean the same pulse. Marks are treated alike: a mark in
    the wrapped part only excludes what is older than the pulse before.

    Latency 1 clock, throughput 1 item a clock. Back-pressure: an item waits in the output register;
    ``i.ready`` follows ``o.ready`` without a register between. Nothing is dropped.

    Parameters
    ----------
    layout : RecordLayout
        Whose phases the clicks have.

    Members
    -------
    i : :py:`In(stream.Signature(click_layout(layout)))`
        Phases are below the period.
    o : :py:`Out(stream.Signature(click_layout(layout)))`
        Phases are below two periods.
    period_ticks, gate_start_ticks, gate_width_ticks : :py:`In(...)`
        Settings, within the limits of the register map.
    """

    def __init__(self, layout: RecordLayout) -> None:
        click = stream.Signature(click_layout(layout))
        settings = ("gate_start_ticks", "gate_width_ticks")
        super().__init__(
            {
                "i": In(click),
                "o": Out(click),
                # Not its own register's shape: no layout has room for the longest period there is.
                "period_ticks": In(setting_shape("gate_width_ticks", layout)),
                **{name: In(setting_shape(name, layout)) for name in settings},
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        click, out = self.i.payload, self.o.payload
        m.d.comb += self.i.ready.eq(self.o.ready | ~self.o.valid)
        with m.If(self.i.ready):
            m.d.sync += self.o.valid.eq(self.i.valid)
            m.d.sync += out.eq(click)
            with m.If(self._wrapped()):
                m.d.sync += out.pulse.eq(click.pulse - 1)
                m.d.sync += out.phase_ticks.eq(click.phase_ticks + self.period_ticks)
        return m

    def _wrapped(self) -> Value:
        """Whether the gate that opened in the pulse before is still open."""
        end = self.gate_start_ticks + self.gate_width_ticks
        return self.i.payload.phase_ticks + self.period_ticks < end
