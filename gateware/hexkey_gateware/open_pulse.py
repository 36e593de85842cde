"""One pulse that clicks can still reach: what they add up to."""

from amaranth.hdl import Module, Mux, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from hexkey.events import DETECTORS
from hexkey_gateware.pipeline import count_ones, delayed, less
from hexkey_gateware.slot import CLICKS_BITS, CLOSED, CONTROL, PHASE_BITS

ADDED = data.StructLayout(
    {
        "clicks": range(DETECTORS + 1),  # all of this pulse in one slot
        "outside": range(DETECTORS + 1),  # of these, outside their gate
        "inside": DETECTORS,  # whose gates they are inside of
        "first": DETECTORS,  # of these, the one with the least phase
        "holdover": 1,
    }
)
"""What one slot adds to a pulse."""

BEGUN = data.StructLayout({"blind": 1, "numbered": 1, "control": CONTROL})
"""What is known of a pulse when it begins."""


class OpenPulse(wiring.Component):
    """Adds up the clicks of a pulse, slot by slot, until another takes its place.

    Takes a slot a clock. In `closed`, the pulse is whole 2 clocks after `restart` and
    only then.

    Members
    -------
    restart : :py:`In(1)`
        Another pulse begins here; what is added in this clock is the first that is of it. Never in
        two clocks that follow each other, unless nothing is added in the first.
    begun : :py:`In(BEGUN)`
        Of the pulse that begins, with `restart`.
    added : :py:`In(ADDED)`
    phase_ticks : :py:`In(18).array(4)`
        Of each detector's click in this slot.
    closed : :py:`Out(CLOSED)`
        Of the pulse that ended with the last `restart`.
    """

    LATENCY = 3

    restart: In(1)
    begun: In(BEGUN)
    added: In(ADDED)
    phase_ticks: In(PHASE_BITS).array(DETECTORS)
    closed: Out(CLOSED)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        # First the mask, because how many clicks are repeats depends on what it was.
        mask = Signal(DETECTORS, reset_less=True)
        kept = Mux(self.restart, 0, mask)
        m.d.sync += mask.eq(kept | self.added.inside)
        repeats = count_ones(kept & self.added.inside)
        m.d.comb += self.closed.mask.eq(delayed(m, mask, 2))
        self._keep_earliest(m, self.added.inside.any(), ~kept.any())

        restart, begun, holds = (
            delayed(m, each, 2) for each in (self.restart, self.begun, self.added.holdover)
        )
        for name, more in (
            ("clicks", self.added.clicks),
            ("outside", self.added.outside),
            ("repeats", repeats),
        ):
            m.d.comb += self.closed[name].eq(self._add_up(m, name, restart, more))
        holdover = Signal(reset_less=True)
        m.d.sync += holdover.eq((holdover & ~restart) | holds)
        m.d.comb += self.closed.holdover.eq(holdover)
        known = Signal(BEGUN, reset_less=True)
        with m.If(restart):
            m.d.sync += known.eq(begun)
        for name in ("blind", "numbered", "control"):
            m.d.comb += self.closed[name].eq(known[name])
        return m

    def _add_up(self, m: Module, name: str, restart: Value, more: Value) -> Value:
        """Return the sum since `restart`, which is 2 clocks later than `more`.

        An adder and a choice in one clock would be too long, so a restart only clears the sum. What
        was to be added in that clock is added in the next, in which there is never another.
        """
        now = delayed(m, more, 1)
        added = Signal(range(2 * DETECTORS + 1), name=f"added_{name}", reset_less=True)
        m.d.sync += added.eq(now + Mux(restart, delayed(m, now, 1), 0))
        total = Signal(CLICKS_BITS, name=name, reset_less=True)
        m.d.sync += total.eq(Mux(restart, 0, total + added))
        return total

    def _keep_earliest(self, m: Module, any_new: Value, first: Value) -> None:
        """Keep the least phase; `first` says that there is none to compare with.

        A comparison takes a clock, and the phases come every clock. So each is compared with what
        is kept and with the one that comes between; a clock later it is known which of them counts.
        """
        chosen: Value | int = 0
        for detector, phase_ticks in enumerate(self.phase_ticks):
            chosen = chosen | Mux(self.added.first[detector], phase_ticks, 0)
        new = delayed(m, chosen, 1)
        between = delayed(m, new, 1)
        kept = Signal(PHASE_BITS, reset_less=True)
        take = Signal()
        earlier = Mux(
            delayed(m, take, 1),
            delayed(m, self._earlier(new, between), 1),
            delayed(m, self._earlier(new, kept), 1),
        )
        m.d.comb += take.eq(delayed(m, any_new, 2) & (delayed(m, first, 2) | earlier))
        with m.If(take):
            m.d.sync += kept.eq(between)
        m.d.comb += self.closed.phase_ticks.eq(kept)

    def _earlier(self, new: Value, kept: Value) -> Value:
        return less(new, kept)
