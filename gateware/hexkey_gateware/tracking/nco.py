"""The tracker's oscillator: where each slot ends in its pulse."""

from amaranth.hdl import Module, Mux, Signal, signed, unsigned
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hexkey_gateware.pipeline import delayed, less
from hexkey_gateware.slot import PHASE_BITS, lane, tag_layout
from hexkey_gateware.tracking.constants import (
    ERROR_FRACTION_BITS,
    FRACTION_BITS,
    TICK_BITS,
    behind_ticks,
)
from hexkey_gateware.tracking.either_sum import EitherSum

PERIOD_BITS = TICK_BITS + FRACTION_BITS
PHASE = signed(PHASE_BITS + 1)


class Nco(wiring.Component):
    """Counts the time since the latest pulse began, and the same from the pulse before.

    Slots have whole ticks and periods have not; but the fraction of a phase changes only where a
    pulse begins. So whole ticks are added slot by slot, and the next step, the whole ticks to the
    next pulse, is worked out while the pulse lasts, at least two slots: when pulse k begins, the
    step between k and k + 1 is there, and the one between k + 1 and k + 2 is begun with the
    fraction and the period. A correction is added to that once, so pulses always follow each other,
    and none is counted twice or left out.

    `since` says where a slot ends in its pulse, `until_next` how far that is behind the next one,
    and both are added to in each slot; so the sign says a clock ahead that a pulse begins. In two
    slots that follow each other none does: the later is held back by a slot, which says of it
    rightly that it began before.

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
        While it stands: work out the first step, a clock after `load`; let pulse 0 be at a whole
        tick.
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
        A clock later: `since`, less the step to the next pulse.
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
                "since": Out(PHASE, init=ticks_per_clock),
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
        self._standing, self._runs = Signal(init=1), Signal()  # two, as much hangs on either
        self._begins = Signal()  # as `wrap`, for half of what that has to drive
        # Ticks of a slot less those of a step: of the one to the next pulse, and of the one after
        # that, as it would be with a borrow and without, and whether there is one.
        self._move = Signal(PHASE, reset_less=True)
        self._less_one, self._less = (Signal(PHASE, reset_less=True) for _ in range(2))
        self._borrow = Signal()
        self._decide(m)
        self._prepare_step(m)
        self._count_ticks(m, *self._prepare_start(m))
        self._count_pulses(m)
        return m

    def _decide(self, m: Module) -> None:
        """Say whether a pulse begins, and start with an edge."""
        edge_came, wraps = Signal(), Signal()
        # An ECP5's register can be set only to what it also is at first.
        self._until_next = Signal(PHASE, init=2 * self._ticks, reset_less=True)
        stays = Signal(init=1)
        m.d.comb += [
            edge_came.eq(self.align & self.trigger.valid & ~self._runs),
            wraps.eq(self.load | edge_came | (self.tracking & stays & ~self._until_next[-1])),
            self._begins.eq(~stays),
        ]
        m.d.sync += [
            self.started.eq(edge_came),
            self._standing.eq(~(edge_came | self.started | self.tracking)),
            self._runs.eq(edge_came | self.started | self.tracking),
            self.wrap.eq(wraps),
            stays.eq(~wraps),
        ]

    def _prepare_start(self, m: Module) -> tuple[Signal, Signal]:
        """Return what `since` and `until_next` add where a pulse begins.

        While it stands that includes the time from an edge in the slot before, which is why they
        can start from a constant then.
        """
        fine, first_move = self.trigger.payload.fine, Signal(PHASE, reset_less=True)
        m.submodules.move = move_sum = EitherSum(PHASE)
        ahead = Signal(PHASE, reset_less=True)
        with m.If(self._begins):
            m.d.sync += first_move.eq(Mux(self._borrow, self._less_one, self._less))
        m.d.comb += [
            move_sum.base.eq(first_move),
            move_sum.choose.eq(self._standing),
            move_sum.one.eq(fine),
            move_sum.borrow.eq(1),
        ]
        m.submodules.ahead = ahead_sum = EitherSum(PHASE)
        ahead_base = Signal(PHASE, reset_less=True)
        ahead_start = delayed(m, (first_move + self._less_one)[: len(ahead)].as_signed(), 1)
        with m.If(self._begins):
            m.d.sync += ahead_base.eq(self._next_base)
        with m.If(self._standing):
            m.d.sync += ahead_base.eq(ahead_start)
        m.d.comb += [
            ahead_sum.base.eq(ahead_base),
            ahead_sum.choose.eq(self._standing),
            ahead_sum.one.eq(fine),
            ahead_sum.borrow.eq(1),
        ]
        m.d.sync += [self._move.eq(move_sum.sum), ahead.eq(ahead_sum.sum)]
        return self._move, ahead

    def _count_ticks(self, m: Module, move: Signal, ahead: Signal) -> None:
        ticks, until_next = self._ticks, self._until_next
        m.submodules.since = since_sum = EitherSum(PHASE)
        m.submodules.since_before = before_sum = EitherSum(unsigned(PHASE_BITS))
        m.submodules.until_next = ahead_sum = EitherSum(PHASE)
        m.d.comb += [
            *(each.choose.eq(self.wrap) for each in (since_sum, before_sum, ahead_sum)),
            since_sum.base.eq(self.since),
            since_sum.one.eq(move),
            since_sum.other.eq(ticks),
            since_sum.borrow.eq(1),
            before_sum.base.eq(ticks),
            before_sum.one.eq(self.since),
            before_sum.other.eq(self.since_before),
            before_sum.borrow.eq(1),
            ahead_sum.base.eq(until_next),
            ahead_sum.one.eq(ahead),
            ahead_sum.other.eq(ticks),
            ahead_sum.borrow.eq(self._borrow),
        ]
        m.d.sync += [
            self.since.eq(since_sum.sum),
            self.since_before.eq(before_sum.sum),
            until_next.eq(ahead_sum.sum),
            self.until_next.eq(until_next - 2 * ticks),
            self.edge.eq(self.wrap & self.tracking),
            self.behind.eq(
                delayed(m, self.edge, 1, reset_less=False)
                & ~less(delayed(m, self.since, 1), behind_ticks(ticks))
            ),
        ]
        with m.If(self._standing):
            m.d.sync += [self.since.eq(ticks), until_next.eq(2 * ticks)]

    def _prepare_step(self, m: Module) -> None:
        """A pulse begins: the step that was prepared is used, and the period says the next."""
        armed = Signal()  # a correction waits
        fraction = Signal(FRACTION_BITS, reset_less=True)
        coming = Signal(FRACTION_BITS + 1, reset_less=True)  # the fraction, and what it borrows
        # Of the step that is being prepared, and of those that it may be.
        low, base = Signal(FRACTION_BITS, reset_less=True), Signal(PHASE, reset_less=True)
        (low_now, base_now), (low_corrected, base_corrected) = (
            (
                delayed(m, period[:FRACTION_BITS], 1),
                delayed(m, (self._ticks - 1 - period[FRACTION_BITS:])[: len(base)].as_signed(), 1),
            )
            for period in (self.period, self.corrected)
        )
        correcting = delayed(m, self.correcting, 1, reset_less=False)
        self._next_base = Mux(armed, base_corrected, base_now)
        m.d.comb += self._borrow.eq(coming[-1])
        m.d.sync += [
            coming.eq(fraction - low),
            self._less.eq(base + 1),
            self._less_one.eq(base),
            armed.eq(self.tracking & (correcting | (armed & ~self._begins))),
        ]
        with m.If(self._begins):
            m.d.sync += [
                fraction.eq(coming[:-1]),
                self.fraction.eq(self.fraction_next),
                low.eq(Mux(armed, low_corrected, low_now)),
                base.eq(self._next_base),
            ]
        with m.If(self.clear_fraction):
            m.d.sync += fraction.eq(0)
        m.d.comb += self.fraction_next.eq(fraction[-ERROR_FRACTION_BITS:])

    def _count_pulses(self, m: Module) -> None:
        """Count pulses from one with a trigger edge to the next."""
        left = Signal(signed(len(self.last_place) + 1))  # below zero: the next pulse has an edge
        first_left = delayed(m, self.last_place - 1, 1)
        runs = self.started | self.tracking
        m.d.sync += self.next_due.eq(left[-1])
        with m.If(self._begins):
            m.d.sync += self.due.eq(left[-1])
        with m.If(self._begins | ~runs):
            m.d.sync += left.eq(Mux(left[-1] | ~runs, first_left, left - 1))
