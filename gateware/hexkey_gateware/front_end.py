"""From tags to events: what stands between the tagger and the event FIFO."""

from amaranth.hdl import Module, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from hexkey.events import DETECTORS
from hexkey.wire import LAGS, PAIRS
from hexkey_gateware.collector import Collector
from hexkey_gateware.g2 import G2, PAIR_BITS
from hexkey_gateware.gate import Gate
from hexkey_gateware.hold_off import HoldOff
from hexkey_gateware.pipeline import delayed
from hexkey_gateware.pulse_clock import PulseClock
from hexkey_gateware.resolver import Resolver
from hexkey_gateware.settings import setting_shape
from hexkey_gateware.slot import (
    CLICK,
    CLICKS_BITS,
    EVENT,
    SLOT,
    TICKS_PER_CLOCK,
    lane,
    tag_layout,
)

COUNTS = data.StructLayout(
    {
        **{f"clicks_{detector}": 1 for detector in range(DETECTORS)},  # in any clock
        "ignored_holdoff": CLICKS_BITS,  # these and all below: in at most every second clock
        "outside_gate": CLICKS_BITS,
        "repeats": CLICKS_BITS,
        "double_pulses": 1,
        "events": 1,
        **{f"pairs_{index}": 1 for index in range(len(PAIRS))},
    }
)
"""What each counter grows by in this clock."""

COMMON = ("period_ticks", "holdoff_pulses", "double_click")
PER_DETECTOR = ("gate_start_ticks", "gate_width_ticks")


class FrontEnd(wiring.Component):
    """Pulse clock, gates, collector, hold-off and resolver in a row; g² beside them.

    Latency 15 clocks from the slot whose pulse closes another to the closed one in `events`;
    throughput a tag a clock in each lane; no back-pressure: `events` is valid in at most every
    second clock.

    Every click is in one place. While pulses are numbered, ``clicks_0 + … + clicks_3 =
    ignored_holdoff + outside_gate + repeats + (detectors in the masks of all pulses, discarded ones
    too)``, once every pulse is closed. Clicks while the tracker is not locked are in `clicks_0` to
    `clicks_3` only.

    Parameters
    ----------
    ticks_per_clock : int

    Members
    -------
    tags : :py:`In(lane(tag_layout(ticks_per_clock))).array(4)`
        Of the enabled detectors, delays applied, all of one slot.
    slot : :py:`In(SLOT)`
        The same slot.
    period_ticks, holdoff_pulses, double_click, g2_pair : :py:`In(...)`
        Settings, within the limits of the register map. They may change while `seeing` is 0.
    gate_start_ticks, gate_width_ticks : :py:`In(...).array(4)`
        Settings, too.
    blind : :py:`In(1)`
        No gate opens in pulses that begin now.
    settings, marker : :py:`In(1)`
        Set in one clock: the next pulse that begins carries it in its `control`.
    seeing : :py:`Out(1)`
        A pulse that is not blind is somewhere between `slot` and `events`.
    events : :py:`Out(stream.Signature(EVENT, always_ready=True))`
        Every numbered pulse in order, those without an event with an empty mask.
    raw : :py:`Out(lane(CLICK)).array(4)`
        Every click while the tracker is locked, before the gates.
    counts : :py:`Out(COUNTS)`
    g2_coincidences : :py:`Out(33)`
        To count, a bit for each lag, in at most every second clock.
    g2_pulses : :py:`Out(1)`
        To count, in at most every second clock.
    """

    LATENCY = (
        PulseClock.LATENCY + Gate.LATENCY + Collector.LATENCY + HoldOff.LATENCY + Resolver.LATENCY
    )
    SLOT_LATENCY = Gate.LATENCY  # of slots, beside the gates

    def __init__(self, ticks_per_clock: int = TICKS_PER_CLOCK) -> None:
        self._ticks_per_clock = ticks_per_clock
        super().__init__(
            {
                "tags": In(lane(tag_layout(ticks_per_clock))).array(DETECTORS),
                "slot": In(SLOT),
                **{name: In(setting_shape(name)) for name in COMMON},
                **{name: In(setting_shape(name)).array(DETECTORS) for name in PER_DETECTOR},
                "g2_pair": In(PAIR_BITS),
                "blind": In(1),
                "settings": In(1),
                "marker": In(1),
                "seeing": Out(1),
                "events": Out(stream.Signature(EVENT, always_ready=True)),
                "raw": Out(lane(CLICK)).array(DETECTORS),
                "counts": Out(COUNTS),
                "g2_coincidences": Out(len(LAGS)),
                "g2_pulses": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.pulse_clock = clock = PulseClock(self._ticks_per_clock)
        m.submodules.collector = collector = Collector()
        m.submodules.hold_off = hold_off = HoldOff()
        m.submodules.resolver = resolver = Resolver()
        m.d.comb += clock.slot.eq(self.slot)
        for detector, tag in enumerate(self.tags):
            m.d.sync += self.counts[f"clicks_{detector}"].eq(tag.valid)
            wiring.connect(m, wiring.flipped(tag), clock.tags[detector])
            m.submodules[f"gate_{detector}"] = gate = Gate()
            wiring.connect(m, clock.clicks[detector], gate.i)
            wiring.connect(m, gate.o, collector.clicks[detector])
            m.d.comb += self.raw[detector].payload.eq(clock.clicks[detector].payload)
            m.d.comb += self.raw[detector].valid.eq(clock.clicks[detector].valid)
            m.d.comb += gate.period_ticks.eq(self.period_ticks)
            for name in PER_DETECTOR:
                m.d.comb += getattr(gate, name).eq(getattr(self, name)[detector])
        self._connect_pulses(m, clock, collector, hold_off, resolver)
        self._connect_g2(m, clock)
        return m

    def _connect_pulses(
        self,
        m: Module,
        clock: PulseClock,
        collector: Collector,
        hold_off: HoldOff,
        resolver: Resolver,
    ) -> None:
        for name in ("edge", "locked", "begin", "holdover"):
            flag = delayed(m, clock.clicks_slot[name], self.SLOT_LATENCY, reset_less=False)
            m.d.comb += collector.slot[name].eq(flag)
        for name in ("blind", "settings", "marker"):
            m.d.comb += getattr(collector, name).eq(getattr(self, name))
        wiring.connect(m, collector.closed, hold_off.i)
        wiring.connect(m, hold_off.o, resolver.i)
        wiring.connect(m, resolver.o, wiring.flipped(self.events))
        m.d.comb += [
            hold_off.holdoff_pulses.eq(self.holdoff_pulses),
            resolver.double_click.eq(self.double_click),
            self.counts.ignored_holdoff.eq(hold_off.ignored_holdoff),
            self.counts.outside_gate.eq(hold_off.outside_gate),
        ]
        for name in (
            *("repeats", "double_pulses", "events"),
            *(f"pairs_{n}" for n in range(len(PAIRS))),
        ):
            m.d.comb += self.counts[name].eq(getattr(resolver, name))
        self._tell_when_blind(m, collector.seeing)

    def _tell_when_blind(self, m: Module, open_seeing: Signal) -> None:
        """Wait, after the last pulse that is not blind has closed, until it has left."""
        behind = Collector.LATENCY + HoldOff.LATENCY + Resolver.LATENCY
        clocks = Signal(range(behind + 1))
        sees = delayed(m, open_seeing, 1, reset_less=False)
        with m.If(sees):
            m.d.sync += clocks.eq(behind)
        with m.Elif(clocks != 0):
            m.d.sync += clocks.eq(clocks - 1)
        m.d.sync += self.seeing.eq(sees | (clocks != 0))

    def _connect_g2(self, m: Module, clock: PulseClock) -> None:
        m.submodules.g2 = g2 = G2()
        m.d.comb += g2.slot.eq(clock.clicks_slot)
        m.d.comb += g2.g2_pair.eq(self.g2_pair)
        for click, g2_click in zip(clock.clicks, g2.clicks, strict=True):
            wiring.connect(m, click, g2_click)
        m.d.comb += self.g2_coincidences.eq(g2.coincidences)
        m.d.comb += self.g2_pulses.eq(g2.pulses)
