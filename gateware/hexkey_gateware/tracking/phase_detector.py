"""Compares the trigger's edges with the pulses that they mark."""

from amaranth.hdl import Cat, Module, Mux, Signal, Value, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hexkey_gateware.pipeline import delayed
from hexkey_gateware.slot import lane, tag_layout
from hexkey_gateware.tracking.constants import ERROR_FRACTION_BITS
from hexkey_gateware.tracking.nco import PHASE

QUARTER_BITS = 15
ERROR = signed(1 + QUARTER_BITS + ERROR_FRACTION_BITS)


class PhaseDetector(wiring.Component):
    """Takes an edge less than a quarter period from a due pulse; anything else is an outlier.

    An edge may come before its pulse, so it is compared with the latest pulse and with the next.
    A due pulse has one edge; further ones are outliers. If none has come a quarter period after the
    pulse, it is missing.

    Latency 5 clocks, `DECISION_LATENCY`, to all outputs; throughput an edge a clock; no
    back-pressure.

    Parameters
    ----------
    ticks_per_clock : int

    Members
    -------
    trigger : :py:`In(lane)`
    tracking, locked : :py:`In(1)`
    quarter_ticks, quarter_less_one : :py:`In(15)`
    since, until_next, fraction, fraction_next, wrap, due, next_due : :py:`In(...)`
        Of the NCO.
    taken, outlier, missing : :py:`Out(1)`
        Strobes.
    missing_early : :py:`Out(1)`
        With `missing`: not locked in that slot.
    error : :py:`Out(signed(24))`
        With `taken`: from the pulse to its edge, in ticks with 8 fraction bits.
    """

    def __init__(self, ticks_per_clock: int) -> None:
        self._ticks = ticks_per_clock
        super().__init__(
            {
                "trigger": In(lane(tag_layout(ticks_per_clock))),
                "tracking": In(1),
                "locked": In(1),
                "quarter_ticks": In(QUARTER_BITS),
                "quarter_less_one": In(QUARTER_BITS),
                "since": In(PHASE),
                "until_next": In(PHASE),
                "fraction": In(ERROR_FRACTION_BITS),
                "fraction_next": In(ERROR_FRACTION_BITS),
                "wrap": In(1),
                "due": In(1),
                "next_due": In(1),
                "taken": Out(1),
                "outlier": Out(1),
                "missing": Out(1),
                "missing_early": Out(1),
                "error": Out(ERROR),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        running = delayed(m, self.tracking, 4, reset_less=False)
        tag = delayed(m, self.trigger.valid & self.tracking, 3, reset_less=False)
        early = delayed(m, ~self.locked, 4)

        # Clock 1: what belongs to the slot. `until_next` and `next_due` come by themselves.
        since = Signal(PHASE, reset_less=True)
        fine = Signal.like(self.trigger.payload.fine, reset_less=True)
        due = Signal()
        fraction, fraction_next = (
            Signal(ERROR_FRACTION_BITS, reset_less=True, name=name)
            for name in ("fraction_1", "fraction_next_1")
        )
        m.d.sync += [
            since.eq(self.since),
            fine.eq(self.trigger.payload.fine),
            due.eq(self.due),
            fraction.eq(self.fraction),
            fraction_next.eq(self.fraction_next),
        ]
        check = delayed(m, self._check(m, since), 2, reset_less=False)
        of_this, this = self._distance(m, "this", since - fine, fraction, due)
        of_next, following = self._distance(
            m, "next", self.until_next - fine, fraction_next, self.next_due
        )

        # Clock 4, and for the error 5.
        tag_this, tag_next = (
            delayed(m, tag & near, 1, reset_less=False) for near in (of_this, of_next)
        )
        this, following = (delayed(m, error, 1) for error in (this, following))
        m.d.sync += self.error.eq(Mux(tag_next, following, this))
        self._decide(
            m, running, delayed(m, tag, 1, reset_less=False), tag_this, tag_next, check, early
        )
        return m

    def _check(self, m: Module, since: Signal) -> Value:
        """Clock 2: whether this is the slot in which a due pulse is a quarter period old."""
        unchecked = Signal()
        past = ~delayed(m, (since - self.quarter_ticks)[-1], 1)
        wrap, next_due, tracking = (
            delayed(m, each, 2, reset_less=False)
            for each in (self.wrap, self.next_due, self.tracking)
        )
        m.d.sync += unchecked.eq(Mux(wrap, next_due, unchecked & ~past))
        return unchecked & past & tracking

    def _distance(
        self, m: Module, name: str, ticks: Signal, fraction: Signal, due: Signal
    ) -> tuple[Signal, Signal]:
        """Clocks 2 and 3: from a pulse to the edge, and whether that is less than a quarter."""
        distance = Signal(PHASE, name=f"{name}_2", reset_less=True)
        fraction_2 = Signal.like(fraction, name=f"{name}_fraction_2", reset_less=True)
        due_2 = Signal(name=f"{name}_due_2")
        m.d.sync += [distance.eq(ticks), fraction_2.eq(fraction), due_2.eq(due)]
        # The ends of carry chains, as they are: what is made of them waits for the next clock.
        too_early = delayed(m, (distance + self.quarter_less_one)[-1], 1)
        not_late = delayed(m, (distance - self.quarter_ticks)[-1], 1)
        near = delayed(m, due_2, 1) & not_late & ~too_early
        return near, delayed(m, Cat(fraction_2, distance), 1)

    def _decide(
        self,
        m: Module,
        running: Signal,
        tag: Signal,
        tag_this: Signal,
        tag_next: Signal,
        check: Signal,
        early: Signal,
    ) -> None:
        """Clock 5. `had` says that the due pulse which is to be checked next has its edge."""
        had = Signal()
        of_this, of_next, missing = Signal(), Signal(), Signal()
        m.d.comb += [
            of_this.eq(tag_this & ~had),
            of_next.eq(tag_next & (check | ~had)),
            missing.eq(check & ~(had | of_this)),
        ]
        m.d.sync += [
            self.taken.eq(of_this | of_next),
            self.outlier.eq(tag & ~(of_this | of_next)),
            self.missing.eq(missing),
            self.missing_early.eq(missing & early),
            had.eq(of_next | (~check & (had | of_this))),
        ]
        with m.If(~running):
            m.d.sync += had.eq(0)
