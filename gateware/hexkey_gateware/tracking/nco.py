"""The tracker's oscillator: where each slot ends in its pulse."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hexkey_gateware.slot import PHASE_BITS, lane, tag_layout
from hexkey_gateware.tracking.constants import (
    ERROR_FRACTION_BITS,
    FRACTION_BITS,
    TICK_BITS,
    behind_ticks,
)

PERIOD_BITS = TICK_BITS + FRACTION_BITS
PHASE = signed(PHASE_BITS + 1)


class Nco(wiring.Component):
    """Counts the time since the latest pulse began, and the same from the pulse before.

    Slots have whole ticks and periods have not; but the fraction of a phase changes only where a
    pulse begins. So whole ticks are added slot by slot, which is short, and the next step, the
    whole ticks to the next pulse, is worked out while the pulse lasts, at least two slots: when
    pulse k begins, `_step` is what lies between it and pulse k + 1, and `_coming` becomes what lies
    between k + 1 and k + 2, from the fraction there and the period. A correction is added to that
    once, so pulses always follow each other, and none is counted twice or left out.

    Whether a pulse begins in a slot is decided the clock before, from the same sum. In two slots
    that follow each other none does: the later is held back by a slot, which says of it rightly
    that it began before.

    It starts with a trigger edge while `align` is set, as if that had been pulse 0, and a pulse had
    begun one period later. The output ports show a slot in its clock, `until_next` a clock later.

    Parameters
    ----------
    ticks_per_clock : int

    Members
    -------
    trigger : :py:`In(lane)`
    align, tracking : :py:`In(1)`
        Wait for an edge; run. Neither: stand.
    load, clear_fraction : :py:`In(1)`
        While it stands: work out the first step, a clock after `load`; let pulse 0 be a whole tick.
    period, corrected : :py:`In(58)`
        Ticks with 40 fraction bits: the period, and the same with a correction of the phase.
    correcting : :py:`In(1)`
        `corrected` is new in the next clock.
    last_place : :py:`In(16)`
        Trigger divider less 1.
    started : :py:`Out(1)`
        Strobe: it runs from the next clock on.
    wrap : :py:`Out(1)`
        A pulse begins in the next slot.
    edge : :py:`Out(1)`
        A pulse begins in this slot.
    since, since_before : :py:`Out(...)`
        Whole ticks to the slot's end since the latest pulse began, and the one before. `since` is
        below zero until the first has.
    until_next : :py:`Out(signed(19))`
        A clock later: `since`, less the step to the next pulse, plus two slots.
    fraction, fraction_next : :py:`Out(8)`
        Of `since`, and of the time from the next pulse.
    due, next_due : :py:`Out(1)`
        The latest pulse, and a clock later the next, has a trigger edge.
    behind : :py:`Out(1)`
        Strobe: pulses are too short to be told one every other slot.
    """

    def __init__(self, ticks_per_clock: int) -> None:
        self._ticks = ticks_per_clock
        super().__init__(
            {
                "trigger": In(lane(tag_layout(ticks_per_clock))),
                "align": In(1),
                "tracking": In(1),
                "load": In(1),
                "clear_fraction": In(1),
                "period": In(PERIOD_BITS),
                "corrected": In(PERIOD_BITS),
                "correcting": In(1),
                "last_place": In(16),
                "started": Out(1),
                "wrap": Out(1),
                "edge": Out(1),
                "since": Out(PHASE),
                "since_before": Out(PHASE_BITS),
                "until_next": Out(PHASE),
                "fraction": Out(ERROR_FRACTION_BITS),
                "fraction_next": Out(ERROR_FRACTION_BITS),
                "due": Out(1),
                "next_due": Out(1),
                "behind": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        # Both of the step to the next pulse, taken from two slots and from one.
        self._room = Signal(PHASE, reset_less=True)
        self._move = Signal(PHASE, reset_less=True)
        self._count_ticks(m)
        self._prepare_step(m)
        self._count_pulses(m)
        return m

    def _count_ticks(self, m: Module) -> None:
        ticks = self._ticks
        start = Signal(range(2 * ticks), reset_less=True)
        until_next = Signal(PHASE)
        m.d.comb += until_next.eq(self.since + self._room)
        m.d.sync += [
            start.eq(self.trigger.payload.fine + ticks),
            self.started.eq(self.align & self.trigger.valid),
            self.wrap.eq(
                self.load
                | (self.align & self.trigger.valid)
                | (self.tracking & ~self.wrap & ~until_next[-1])
            ),
            self.edge.eq(self.wrap & self.tracking),
            self.since.eq(Mux(self.started, start, self.since) + Mux(self.wrap, self._move, ticks)),
            self.since_before.eq(Mux(self.wrap, self.since, self.since_before) + ticks),
            self.until_next.eq(until_next),
            self.behind.eq(self.edge & (self.since >= behind_ticks(ticks))),
        ]

    def _prepare_step(self, m: Module) -> None:
        """A pulse begins: the step that was prepared is used, and the period says the next."""
        period = Signal(PERIOD_BITS, reset_less=True)  # of the step that is being prepared
        armed = Signal()  # a correction waits
        coming = Signal(signed(PERIOD_BITS + 1), reset_less=True)
        fraction = Signal(FRACTION_BITS, reset_less=True)
        whole = coming[FRACTION_BITS:].as_signed()
        two_slots = Const(2 * self._ticks, signed(TICK_BITS + 1))
        m.d.sync += coming.eq(Cat(fraction, two_slots).as_signed() - period)
        m.d.sync += armed.eq(self.tracking & (self.correcting | (armed & ~self.wrap)))
        with m.If(self.wrap):
            m.d.sync += [
                self._room.eq(whole),
                self._move.eq(whole - self._ticks),
                fraction.eq(coming[:FRACTION_BITS]),
                self.fraction.eq(self.fraction_next),
                period.eq(Mux(armed, self.corrected, self.period)),
            ]
        with m.If(self.clear_fraction):
            m.d.sync += fraction.eq(0)
        m.d.comb += self.fraction_next.eq(fraction[-ERROR_FRACTION_BITS:])

    def _count_pulses(self, m: Module) -> None:
        """Count pulses from one with a trigger edge to the next."""
        place = Signal.like(self.last_place)
        m.d.sync += self.next_due.eq(place == self.last_place)
        with m.If(self.started | self.tracking):
            with m.If(self.wrap):
                m.d.sync += place.eq(Mux(self.next_due, 0, place + 1))
                m.d.sync += self.due.eq(self.next_due)
        with m.Else():
            m.d.sync += place.eq(0)
