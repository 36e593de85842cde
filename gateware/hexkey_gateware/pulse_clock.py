"""From a tag and what the tracker says of its slot to a pulse and a phase."""

from amaranth.hdl import Module, Mux, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hexkey.events import DETECTORS
from hexkey_gateware.pipeline import delayed
from hexkey_gateware.slot import CLICK, PHASE_BITS, SLOT, TICKS_PER_CLOCK, lane, tag_layout


class PulseClock(wiring.Component):
    """Finds the phase of each tag, since the beginning of the latest pulse or of the one before.

    A tag is of the pulse before if it lies earlier in its slot than the latest pulse's beginning.
    Tags of slots in which the tracker is not locked have no phase and end here.

    Latency 2 clocks, throughput one tag a clock in each lane, no back-pressure.

    Parameters
    ----------
    ticks_per_clock : int

    Members
    -------
    tags : :py:`In(lane(tag_layout(ticks_per_clock))).array(4)`
        Of one slot.
    slot : :py:`In(SLOT)`
        The same slot.
    clicks : :py:`Out(lane(CLICK)).array(4)`
    clicks_slot : :py:`Out(SLOT)`
        The slot of what is in `clicks`.
    """

    LATENCY = 2

    def __init__(self, ticks_per_clock: int = TICKS_PER_CLOCK) -> None:
        super().__init__(
            {
                "tags": In(lane(tag_layout(ticks_per_clock))).array(DETECTORS),
                "slot": In(SLOT),
                "clicks": Out(lane(CLICK)).array(DETECTORS),
                "clicks_slot": Out(SLOT),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.d.comb += self.clicks_slot.eq(delayed(m, self.slot, self.LATENCY))
        for tag, click in zip(self.tags, self.clicks, strict=True):
            fine = tag.payload.fine
            of_latest = delayed(m, self.slot.since - fine, 1)
            of_before = delayed(m, self.slot.since_before - fine, 1)
            before = self._is_before(of_latest)
            phase_ticks = Mux(before, of_before, of_latest)[:PHASE_BITS]
            seen = tag.valid & self.slot.locked
            m.d.comb += [
                click.valid.eq(delayed(m, seen, self.LATENCY, reset_less=False)),
                click.payload.before.eq(delayed(m, before, 1)),
                click.payload.phase_ticks.eq(delayed(m, phase_ticks, 1)),
            ]
        return m

    def _is_before(self, of_latest: Value) -> Value:
        """Whether a tag lies before the latest pulse's beginning: its phase would be negative."""
        return of_latest[-1]
