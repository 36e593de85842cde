"""Measures the trigger's period, to start with."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hexkey_gateware.pipeline import delayed, less
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

TAIL = 14  # clocks of the sequence after the division


class PeriodMeter(wiring.Component):
    """Adds up 16 intervals of the trigger, divides, and compares with the configured period.

    It starts when `measuring` rises; `done` comes 1 clock after its last edge. The division takes
    2 clocks a bit. Then either `refused`, or the sequence that sets up loop filter and NCO, and
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
        """Return the ticks from first to latest edge, 2 clocks after `done` if that is it."""
        tag = Signal()
        fine = Signal.like(self.trigger.payload.fine, reset_less=True)
        intervals = Signal(range(MEASURED_INTERVALS + 1))
        first = Signal(init=1)
        # From the first edge's slot to this one.
        elapsed = Signal(TOTAL_BITS, init=self._ticks, reset_less=True)
        # From the first edge to its slot's end, less a slot, and from this edge to its own.
        first_fine = Signal(signed(len(fine) + 1), reset_less=True)
        ends = Signal(signed(len(fine) + 2), reset_less=True)
        total = Signal(TOTAL_BITS, reset_less=True)
        m.d.sync += [
            tag.eq(self.trigger.valid & self.measuring),
            fine.eq(self.trigger.payload.fine),
            elapsed.eq(elapsed + self._ticks),
            ends.eq(first_fine - fine),
            total.eq(elapsed + ends),
        ]
        with m.If(first):
            m.d.sync += [elapsed.eq(self._ticks), first_fine.eq(fine - self._ticks)]
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
        begin, soon = Signal(), Signal()
        steps = Signal(range(2 * DIVIDER_STEPS + 1))
        bits = self._bits = Signal(DIVIDER_STEPS, reset_less=True)
        rest = Signal(16, reset_less=True)
        dividing = Signal()
        last = Signal()
        high = Signal(17)
        left = Signal(18, reset_less=True)  # in the second clock of a step
        second = Signal()
        m.d.comb += [
            high.eq(Cat(bits[-1], rest)),
            self.period.eq(bits[:PERIOD_BITS]),
        ]
        m.d.sync += [
            soon.eq(self.done),
            begin.eq(soon & ~self.restart),
            last.eq(dividing & (steps == 2)),
            steps.eq(steps - 1),
            left.eq(high - self.trigger_divider),
            second.eq(dividing & ~second),
        ]
        with m.If(begin):
            m.d.sync += steps.eq(2 * DIVIDER_STEPS)
            m.d.sync += bits.eq(Cat(Const(0, QUOTIENT_SHIFT), total))
            m.d.sync += rest.eq(0)
        with m.Elif(second):
            m.d.sync += bits.eq(Cat(~left[-1], bits))
            m.d.sync += rest.eq(Mux(left[-1], high, left))
        with m.If(self.restart):
            m.d.sync += dividing.eq(0)
        with m.Elif(begin):
            m.d.sync += dividing.eq(1)
        with m.Elif(last):
            m.d.sync += dividing.eq(0)
        return last & dividing

    def _compare(self, m: Module) -> Signal:
        """Return whether the quotient is another than the configured period, a clock late."""
        whole = self.period[FRACTION_BITS:]
        tolerance = self.period_ticks >> PERIOD_TOLERANCE_SHIFT
        lowest = Signal(TICK_BITS, reset_less=True)
        highest = Signal(TICK_BITS, reset_less=True)
        least = short_period_ticks(self._ticks) - SHORT_BY_TICKS
        m.d.sync += [
            lowest.eq(self.period_ticks - tolerance),
            highest.eq(self.period_ticks + tolerance),
        ]
        bad = Cat(less(whole, lowest), less(highest, whole), less(whole, least))
        above = self._bits[PERIOD_BITS:]
        too_long = Cat(above[at : at + 4].any() for at in range(0, len(above), 4))
        bad, too_long = (delayed(m, each, 1) for each in (bad, too_long))
        m.d.sync += self.too_long.eq(too_long.any())
        return bad.any() | too_long.any()

    def _set_up(self, m: Module, divided: Signal, bad: Signal) -> None:
        """Clocks after the division: compare, decide, and from there step by step."""
        tail = Signal(TAIL)
        m.d.sync += tail.eq(Cat(divided & ~self.restart, tail))
        m.d.sync += self.refused.eq(tail[1] & bad & ~self.restart)
        with m.If(self.restart | self.refused):
            m.d.sync += tail[1:].eq(0)
        m.d.comb += [
            self.divided.eq(tail[2]),
            self.clear_period.eq(tail[2]),
            self.load_period.eq(tail[3]),
            self.load_step.eq(tail[6] | tail[9]),
            self.clear_fraction.eq(tail[8]),
            self.ready.eq(tail[13]),
        ]
