"""How far the prediction can be trusted: when lock must end, and how fast the loop may be."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hexkey_gateware.pipeline import delayed, less
from hexkey_gateware.tracking.constants import (
    DOUBT_LIMIT,
    FRACTION_BITS,
    GEAR_EDGES_SHIFT,
    MAX_LOOP_SHIFT,
    SHORT_BY_SHIFT,
    START_UNCERTAINTY_TICKS,
    short_period_ticks,
    uncertainty_fraction_bits,
)
from hexkey_gateware.tracking.nco import PERIOD_BITS
from hexkey_gateware.tracking.phase_detector import QUARTER_BITS

DRIFT_BITS = 21


class Uncertainty(wiring.Component):
    """Grows with time; a trigger edge sets it back to what one edge leaves.

    Latency 1 clock from `reset`, and 1 more to `over`.

    Parameters
    ----------
    ticks_per_clock : int

    Members
    -------
    reset : :py:`In(1)`
    holdover_drift : :py:`In(21)`
        2^-30 of the time; a slot counts as the next power of two above its ticks.
    quarter_ticks : :py:`In(15)`
    over : :py:`Out(1)`
        A quarter pulse is reached.
    """

    reset: In(1)
    holdover_drift: In(DRIFT_BITS)
    quarter_ticks: In(QUARTER_BITS)
    over: Out(1)

    def __init__(self, ticks_per_clock: int) -> None:
        self._fraction_bits = uncertainty_fraction_bits((ticks_per_clock - 1).bit_length())
        super().__init__()

    def elaborate(self, platform: object) -> Module:
        m = Module()
        bits = self._fraction_bits
        start = START_UNCERTAINTY_TICKS << bits
        # An ECP5's register can be set only to what it also is at first.
        uncertainty = Signal(QUARTER_BITS + 1 + bits, init=start, reset_less=True)
        m.d.sync += uncertainty.eq(uncertainty + self.holdover_drift)
        with m.If(self.reset):
            m.d.sync += uncertainty.eq(start)
        under = delayed(m, less(uncertainty[bits:], self.quarter_ticks), 1)
        m.d.comb += self.over.eq(~under)
        return m


class Doubt(wiring.Component):
    """Counts what speaks against the lock: 2 for a bad edge, -1 for a good one, never below 0.

    Latency 2 clocks.

    Members
    -------
    clear, taken, outlier, missed : :py:`In(1)`
        `taken` and `outlier` never come together.
    lost : :py:`Out(1)`
        It has reached its limit.
    """

    clear: In(1)
    taken: In(1)
    outlier: In(1)
    missed: In(1)
    lost: Out(1)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        doubt = Signal(DOUBT_LIMIT.bit_length())
        none = Signal(init=1)
        more = Signal(signed(4))
        good = Signal()
        m.d.sync += [
            good.eq(self.taken & ~self.missed),
            more.eq(2 * self.outlier + 2 * self.missed - self.taken),
            none.eq(Mux(none, good | (more == 0), good & (doubt == 1))),
            doubt.eq(doubt + Mux(none & good, 0, more)),
        ]
        with m.If(self.clear):
            m.d.sync += [good.eq(0), more.eq(0), none.eq(1), doubt.eq(0)]
        m.d.comb += self.lost.eq(doubt[-1])
        return m


class Gears(wiring.Component):
    """Pulls in with a fast loop and slows it down step by step, to the last shift.

    Latency 1 clock from `taken`.

    Parameters
    ----------
    ticks_per_clock : int

    Members
    -------
    clear, taken : :py:`In(1)`
        `clear` for at least 3 clocks.
    widest_shift, last_shift_early : :py:`In(4)`
        The last shift 3 clocks ahead of the time from which it works.
    period : :py:`In(58)`
    shift : :py:`Out(4)`
    ready : :py:`Out(1)`
        It has been at the last shift for long enough, and follows it. Holds until `clear`.
    refused : :py:`Out(1)`
        Strobe, with the first clock of `ready`: but the period is shorter than two slots.
    """

    clear: In(1)
    taken: In(1)
    widest_shift: In(range(MAX_LOOP_SHIFT + 1))
    last_shift_early: In(range(MAX_LOOP_SHIFT + 1))
    period: In(PERIOD_BITS)
    shift: Out(range(MAX_LOOP_SHIFT + 1))
    ready: Out(1)
    refused: Out(1)

    def __init__(self, ticks_per_clock: int) -> None:
        self._least = short_period_ticks(ticks_per_clock)
        super().__init__()

    def elaborate(self, platform: object) -> Module:
        m = Module()
        # The next gear is known long before it is engaged. Edges are counted down to -1, so that
        # the sign says which one is the last; and what is left is known before an edge is taken.
        at_last = Signal()
        next_shift = Signal.like(self.shift)  # if there is another
        next_edges = Signal(signed(MAX_LOOP_SHIFT + GEAR_EDGES_SHIFT + 2))
        edges_left, one_less = Signal.like(next_edges), Signal.like(next_edges, init=-1)
        next_one_less = Signal.like(next_edges)
        is_last = Signal()
        gear = Signal.like(self.shift)
        m.d.comb += is_last.eq(delayed(m, self.shift >= self.last_shift_early, 1))
        m.d.sync += [
            at_last.eq(is_last),
            next_shift.eq(Mux(is_last | self.ready, self.last_shift_early, self.shift + 1)),
            gear.eq(Mux(self.clear, self.widest_shift, self.shift + 1)),
            next_edges.eq(Cat(Const(0b10, 2), _edges_above(gear))),
            next_one_less.eq(Cat(Const(0b01, 2), _edges_above(gear))),
        ]
        gear_ends = self.taken & edges_left[-1]
        anew = self.clear | edges_left[-1]
        with m.If(self.clear | self.taken):
            m.d.sync += edges_left.eq(Mux(anew, next_edges, one_less))
            m.d.sync += one_less.eq(Mux(anew, next_one_less, one_less - 1))
        with m.If(self.clear):
            m.d.sync += next_shift.eq(self.widest_shift)
        with m.If(self.clear | self.ready | gear_ends):
            m.d.sync += self.shift.eq(next_shift)
        m.d.sync += self.ready.eq(~self.clear & (self.ready | (gear_ends & at_last)))
        m.d.sync += self.refused.eq(gear_ends & ~self.ready & at_last & self._is_short(m))
        return m

    def _is_short(self, m: Module) -> Signal:
        exact = FRACTION_BITS - SHORT_BY_SHIFT
        return delayed(m, less(self.period[exact:], (self._least << SHORT_BY_SHIFT) - 1), 1)


def _edges_above(shift: Signal) -> Value:
    """Return how many edges to stay at a shift, less 2, without its lowest two bits, 0b10."""
    ones = Const(-1, MAX_LOOP_SHIFT + GEAR_EDGES_SHIFT + 1)
    return (~(ones << GEAR_EDGES_SHIFT << shift))[2 : len(ones)]
