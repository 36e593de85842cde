"""How far the prediction can be trusted: when lock must end, and how fast the loop may be."""

from amaranth.hdl import Const, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

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
        uncertainty = Signal(QUARTER_BITS + 1 + bits, reset_less=True)
        start = Const(START_UNCERTAINTY_TICKS << bits, len(uncertainty))
        m.d.sync += uncertainty.eq(Mux(self.reset, start, uncertainty) + self.holdover_drift)
        m.d.sync += self.over.eq(uncertainty[bits:] >= self.quarter_ticks)
        return m


class Doubt(wiring.Component):
    """Counts what speaks against the lock: 2 for a bad edge, -1 for a good one, never below 0.

    Latency 1 clock.

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
        with m.If(self.clear):
            m.d.sync += doubt.eq(0)
        with m.Elif(self.taken & self.missed):
            m.d.sync += doubt.eq(doubt + 1)
        with m.Elif(self.taken):
            m.d.sync += doubt.eq(doubt - doubt.any())
        with m.Elif(self.outlier & self.missed):
            m.d.sync += doubt.eq(doubt + 4)
        with m.Elif(self.outlier | self.missed):
            m.d.sync += doubt.eq(doubt + 2)
        m.d.comb += self.lost.eq(doubt[-1])
        return m


class Gears(wiring.Component):
    """Pulls in with a fast loop and slows it down step by step, to `last_shift`.

    Latency 1 clock from `taken`.

    Parameters
    ----------
    ticks_per_clock : int

    Members
    -------
    clear, taken : :py:`In(1)`
    settled : :py:`In(1)`
        `shift` follows `last_shift` from the next clock on.
    widest_shift, last_shift : :py:`In(4)`
        `last_shift` 2 clocks ahead of the time from which it works.
    period : :py:`In(58)`
    shift : :py:`Out(4)`
    ready : :py:`Out(1)`
        It has been at the last shift for long enough. Holds until `clear`.
    refused : :py:`Out(1)`
        Strobe, with the first clock of `ready`: but the period is shorter than two slots.
    """

    clear: In(1)
    taken: In(1)
    settled: In(1)
    widest_shift: In(range(MAX_LOOP_SHIFT + 1))
    last_shift: In(range(MAX_LOOP_SHIFT + 1))
    period: In(PERIOD_BITS)
    shift: Out(range(MAX_LOOP_SHIFT + 1))
    ready: Out(1)
    refused: Out(1)

    def __init__(self, ticks_per_clock: int) -> None:
        self._least = short_period_ticks(ticks_per_clock)
        super().__init__()

    def elaborate(self, platform: object) -> Module:
        m = Module()
        edges_left = Signal(MAX_LOOP_SHIFT + GEAR_EDGES_SHIFT + 1)  # less 1
        at_last = Signal()
        m.d.sync += at_last.eq(self.shift >= self.last_shift)
        gear_ends = self.taken & ~self.ready & ~self.settled & (edges_left == 0)
        m.d.sync += self.refused.eq(gear_ends & at_last & self._is_short(m))
        with m.If(self.clear):
            m.d.sync += [
                self.shift.eq(self.widest_shift),
                edges_left.eq(_edges(self.widest_shift, 0)),
                self.ready.eq(0),
            ]
        with m.Elif(self.ready | self.settled):
            m.d.sync += self.shift.eq(self.last_shift)
        with m.Elif(gear_ends & at_last):
            m.d.sync += self.shift.eq(self.last_shift)
            m.d.sync += self.ready.eq(1)
        with m.Elif(gear_ends):
            m.d.sync += self.shift.eq(self.shift + 1)
            m.d.sync += edges_left.eq(_edges(self.shift, 1))
        with m.Elif(self.taken):
            m.d.sync += edges_left.eq(edges_left - 1)
        return m

    def _is_short(self, m: Module) -> Signal:
        short = Signal()
        exact = FRACTION_BITS - SHORT_BY_SHIFT
        m.d.sync += short.eq(self.period[exact:] < (self._least << SHORT_BY_SHIFT) - 1)
        return short


def _edges(shift: Signal, more: int) -> Mux:
    """Return how many edges to stay at a shift and some more, less 1: 2^(shift + …) - 1."""
    ones = Const(-1, MAX_LOOP_SHIFT + GEAR_EDGES_SHIFT + 1)
    return (~(ones << shift + GEAR_EDGES_SHIFT + more)).as_unsigned()
