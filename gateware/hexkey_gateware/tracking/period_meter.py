"""Measures the trigger's period, to start with."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hexkey_gateware.slot import lane, tag_layout
from hexkey_gateware.tracking.constants import (
    DIVIDER_STEPS,
    FRACTION_BITS,
    MEASURED_INTERVALS,
    PERIOD_TOLERANCE_SHIFT,
    QUOTIENT_SHIFT,
    SHORT_BY_TICKS,
    TICK_BITS,
    TOTAL_BITS,
    short_period_ticks,
)
from hexkey_gateware.tracking.nco import PERIOD_BITS

TAIL = 8  # clocks of the sequence after the division


class PeriodMeter(wiring.Component):
    """Adds up 16 intervals of the trigger, divides, and compares with the configured period.

    It starts when `measuring` rises; `done` comes 1 clock after its last edge. The division takes a
    clock a bit. Then either `refused`, or the sequence that sets up loop filter and NCO, and
    `ready`: in the clocks n + `REFUSED_LATENCY` - 1 and n + `ALIGN_LATENCY` - 1 for a last edge in
    slot n.

    Parameters
    ----------
    ticks_per_clock : int

    Members
    -------
    trigger : :py:`In(lane)`
    measuring, restart : :py:`In(1)`
        An edge counts if `measuring` is set in its slot. `restart` ends whatever is going on.
    silent : :py:`In(1)`
        There was no edge for long: what was measured until now does not count.
    period_ticks, trigger_divider : :py:`In(...)`
        Settings.
    done, divided, refused, ready : :py:`Out(1)`
        Strobes.
    period : :py:`Out(58)`
        The quotient, with `divided`.
    too_long : :py:`Out(1)`
        With `divided`: there is no room for it in `period`.
    clear_period, load_period, load_step, clear_fraction : :py:`Out(1)`
        Strobes, in this order; `load_step` comes before and after `clear_fraction`.
    """

    def __init__(self, ticks_per_clock: int) -> None:
        self._ticks = ticks_per_clock
        super().__init__(
            {
                "trigger": In(lane(tag_layout(ticks_per_clock))),
                "measuring": In(1),
                "restart": In(1),
                "silent": In(1),
                "period_ticks": In(TICK_BITS - 1),
                "trigger_divider": In(16),
                "done": Out(1),
                "divided": Out(1),
                "refused": Out(1),
                "ready": Out(1),
                "period": Out(PERIOD_BITS),
                "too_long": Out(1),
                "clear_period": Out(1),
                "load_period": Out(1),
                "load_step": Out(1),
                "clear_fraction": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        total = self._add_up(m)
        divided = self._divide(m, total)
        self._set_up(m, divided, self._compare(m))
        return m

    def _add_up(self, m: Module) -> Signal:
        """Return the ticks from first to latest edge, a clock after `done` if that is it."""
        tag = Signal()
        fine = Signal.like(self.trigger.payload.fine, reset_less=True)
        intervals = Signal(range(MEASURED_INTERVALS + 1))
        first = Signal(init=1)
        elapsed = Signal(TOTAL_BITS, reset_less=True)  # from the first edge to the last slot's end
        total = Signal(TOTAL_BITS, reset_less=True)
        m.d.sync += [
            tag.eq(self.trigger.valid & self.measuring),
            fine.eq(self.trigger.payload.fine),
            elapsed.eq(Mux(first, fine, elapsed) + self._ticks),
            total.eq(elapsed - fine),
        ]
        m.d.comb += self.done.eq(
            tag & self.measuring & (intervals == MEASURED_INTERVALS) & ~self.restart
        )
        with m.If(self.restart | self.silent | ~self.measuring):
            m.d.sync += intervals.eq(0)
            m.d.sync += first.eq(1)
        with m.Elif(tag):
            m.d.sync += intervals.eq(intervals + 1)
            m.d.sync += first.eq(0)
        return total

    def _divide(self, m: Module, total: Signal) -> Signal:
        """Divide bit by bit; the quotient moves in where the dividend moves out."""
        begin = Signal()
        steps = Signal(range(DIVIDER_STEPS + 1))
        bits = Signal(DIVIDER_STEPS, reset_less=True)
        rest = Signal(16, reset_less=True)
        dividing = Signal()
        last = Signal()
        high = Signal(17)
        less = Signal(18)
        m.d.comb += [
            high.eq(Cat(bits[-1], rest)),
            less.eq(high - self.trigger_divider),
            self.period.eq(bits[:PERIOD_BITS]),
        ]
        m.d.sync += self.too_long.eq(bits[PERIOD_BITS:].any())
        m.d.sync += begin.eq(self.done)
        m.d.sync += last.eq(dividing & (steps == 2))
        with m.If(begin):
            m.d.sync += bits.eq(Cat(Const(0, QUOTIENT_SHIFT), total))
            m.d.sync += rest.eq(0)
        with m.Else():
            with m.If(dividing):
                m.d.sync += bits.eq(Cat(~less[-1], bits))
            m.d.sync += rest.eq(Mux(less[-1], high, less))
        with m.If(self.restart):
            m.d.sync += dividing.eq(0)
        with m.Elif(begin):
            m.d.sync += dividing.eq(1)
            m.d.sync += steps.eq(DIVIDER_STEPS)
        with m.Elif(dividing):
            m.d.sync += steps.eq(steps - 1)
            m.d.sync += dividing.eq(~last)
        return last & dividing

    def _compare(self, m: Module) -> Signal:
        """Return whether the quotient is the configured period, a clock after it is there."""
        whole = self.period[FRACTION_BITS:]
        tolerance = self.period_ticks >> PERIOD_TOLERANCE_SHIFT
        lowest = Signal(TICK_BITS, reset_less=True)
        highest = Signal(TICK_BITS, reset_less=True)
        bad = Signal(3)
        m.d.sync += [
            lowest.eq(self.period_ticks - tolerance),
            highest.eq(self.period_ticks + tolerance),
            bad.eq(
                Cat(
                    whole < lowest,
                    whole > highest,
                    whole < short_period_ticks(self._ticks) - SHORT_BY_TICKS,
                )
            ),
        ]
        return bad.any() | self.too_long

    def _set_up(self, m: Module, divided: Signal, bad: Signal) -> None:
        """Clocks after the division: compare, decide, and from there step by step."""
        tail = Signal(TAIL)
        m.d.sync += tail.eq(Cat(divided & ~self.restart, tail))
        with m.If(self.restart | self.refused):
            m.d.sync += tail[1:].eq(0)
        m.d.comb += [
            self.divided.eq(tail[1]),
            self.refused.eq(tail[1] & bad),
            self.clear_period.eq(tail[1]),
            self.load_period.eq(tail[2]),
            self.load_step.eq(tail[3] | tail[6]),
            self.clear_fraction.eq(tail[5]),
            self.ready.eq(tail[7]),
        ]
