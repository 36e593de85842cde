"""The gate: half-open, to the tick, one per detector."""

from amaranth.hdl import Module, Mux, Signal, Value, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hexkey_gateware.pipeline import delayed, less
from hexkey_gateware.settings import setting_shape
from hexkey_gateware.slot import CLICK, GATED_CLICK, PHASE_BITS, lane


class Gate(wiring.Component):
    """Says of each click of one detector whether its phase is in [start, start + width).

    The gate may reach past the period's end. A click in that part belongs to the pulse in which the
    gate opened: it leaves with the pulse before and a phase beyond the period.

    Latency 2 clocks, throughput one click a clock, no back-pressure. Settings act 3 clocks late.

    Members
    -------
    i : :py:`In(lane(CLICK))`
    o : :py:`Out(lane(GATED_CLICK))`
        Each click of ``i``.
    period_ticks, gate_start_ticks, gate_width_ticks : :py:`In(...)`
        Settings, within the limits of the register map.
    """

    LATENCY = 2
    SETTINGS_LATENCY = 3

    def __init__(self) -> None:
        settings = ("period_ticks", "gate_start_ticks", "gate_width_ticks")
        super().__init__(
            {
                "i": In(lane(CLICK)),
                "o": Out(lane(GATED_CLICK)),
                **{name: In(setting_shape(name)) for name in settings},
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        click, gated = self.i.payload, self.o.payload
        period_ticks = delayed(m, self.period_ticks, 1)  # of all gates: near them on the chip
        end = Signal(PHASE_BITS, reset_less=True)
        wrapped_end = Signal(signed(PHASE_BITS + 1), reset_less=True)  # negative: not wrapped
        m.d.sync += end.eq(self.gate_start_ticks + self.gate_width_ticks)
        m.d.sync += wrapped_end.eq(end - period_ticks)
        wraps = ~wrapped_end[-1]

        too_early = delayed(m, self._too_early(click.phase_ticks), 1)
        open_still = delayed(m, self._open_still(click.phase_ticks, end), 1)
        # The gate that opened in the pulse before is still open.
        wrapped = wraps & delayed(m, self._open_still(click.phase_ticks, wrapped_end[:-1]), 1)
        before = delayed(m, click.before, 1)
        since_before = delayed(m, (click.phase_ticks + period_ticks)[:PHASE_BITS], 1)
        phase_ticks = Mux(wrapped, since_before, delayed(m, click.phase_ticks, 1))
        m.d.comb += [
            self.o.valid.eq(delayed(m, self.i.valid, self.LATENCY, reset_less=False)),
            gated.back.eq(delayed(m, before + wrapped, 1)),
            gated.phase_ticks.eq(delayed(m, phase_ticks, 1)),
            gated.inside.eq(delayed(m, wrapped | (~too_early & open_still), 1)),
        ]
        return m

    def _too_early(self, phase_ticks: Value) -> Value:
        return less(phase_ticks, self.gate_start_ticks)

    def _open_still(self, phase_ticks: Value, end: Value) -> Value:
        return less(phase_ticks, end)
