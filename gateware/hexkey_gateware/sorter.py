"""Which open pulse each click of a slot is of, and which click is the earliest there."""

from functools import reduce
from operator import or_

from amaranth.hdl import Cat, Module, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from hexkey.events import DETECTORS
from hexkey_gateware.open_pulse import ADDED
from hexkey_gateware.pipeline import count_ones, delayed, less
from hexkey_gateware.slot import GATED_CLICK, OPEN_PULSES, PHASE_BITS, lane


class Sorter(wiring.Component):
    """Sorts the clicks of a slot by the places of their pulses.

    Pulse k, the latest, has the place that `latest` tells; the pulses before it have the places
    before, round in a circle. Latency 2 clocks, throughput a slot a clock, no back-pressure.

    Members
    -------
    clicks : :py:`In(lane(GATED_CLICK)).array(4)`
    latest : :py:`In(3)`
        One bit is set: the place of the latest pulse of this slot.
    added : :py:`Out(ADDED).array(3)`
        What each place gets; without `holdover`.
    phase_ticks : :py:`Out(18).array(4)`
        Of each detector's click, whatever its place.
    """

    LATENCY = 2

    clicks: In(lane(GATED_CLICK)).array(DETECTORS)
    latest: In(OPEN_PULSES)
    added: Out(ADDED).array(OPEN_PULSES)
    phase_ticks: Out(PHASE_BITS).array(DETECTORS)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        not_later = self._compare(m)
        for place, added in enumerate(self.added):
            clicked, inside = Signal(DETECTORS), Signal(DETECTORS)
            for detector, click in enumerate(self.clicks):
                here = click.valid & self._is_of(click.payload.back, place)
                m.d.comb += clicked[detector].eq(delayed(m, here, 1, reset_less=False))
                m.d.comb += inside[detector].eq(
                    delayed(m, here & self._is_inside(click.payload), 1, reset_less=False)
                )
            first = Cat(
                inside[detector] & ~(inside & ~not_later[detector]).any()
                for detector in range(DETECTORS)
            )
            for field, value in (
                (added.clicks, count_ones(clicked)),
                (added.outside, count_ones(clicked & ~inside)),
                (added.inside, inside),
                (added.first, first),
            ):
                m.d.comb += field.eq(delayed(m, value, 1, reset_less=False))
        for click, phase_ticks in zip(self.clicks, self.phase_ticks, strict=True):
            m.d.comb += phase_ticks.eq(delayed(m, click.payload.phase_ticks, 2))
        return m

    def _is_of(self, back: Value, place: int) -> Value:
        """Whether the pulse that lies `back` behind the latest has this place."""
        places = range(OPEN_PULSES)
        return reduce(or_, ((back == n) & self.latest[(place + n) % len(places)] for n in places))

    def _is_inside(self, click: data.View) -> Value:
        return click.inside

    def _compare(self, m: Module) -> list[Value]:
        """Return, a clock later, for each detector, than whose clicks its own is not later.

        Of two at one phase the lower detector's counts as the first; each is not later than itself.
        """
        phases = [click.payload.phase_ticks for click in self.clicks]
        order = {
            (a, b): ~delayed(m, less(phases[b], phases[a]), 1)
            for a in range(DETECTORS)
            for b in range(a + 1, DETECTORS)
        }

        def not_later(a: int, b: int) -> Value:
            return order[a, b] if a < b else ~order[b, a] if a > b else Cat(1)

        return [Cat(not_later(a, b) for b in range(DETECTORS)) for a in range(DETECTORS)]
