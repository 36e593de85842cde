"""The receiver: from pins to serial port. `elaborate` is the way of a click, read downwards."""

from fractions import Fraction
from typing import Any

from amaranth.hdl import DomainRenamer, Module, Mux, Signal, Value, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.cdc import PulseSynchronizer
from amaranth.lib.wiring import In, Out

from hexkey.events import DETECTORS
from hexkey.wire import Identification
from hexkey.wire.registers import Mode
from hexkey_gateware.conductor import MARKER_BITS, Conductor
from hexkey_gateware.crossings import crossed
from hexkey_gateware.design import Design
from hexkey_gateware.event_fifo import EventFifo
from hexkey_gateware.front_end import COMMON, COUNTS, PER_DETECTOR, FrontEnd
from hexkey_gateware.gate import Gate
from hexkey_gateware.handover import Handover
from hexkey_gateware.inputs import Inputs
from hexkey_gateware.link.downlink import Downlink
from hexkey_gateware.link.limits import Limits
from hexkey_gateware.link.uart import UartTransmitter
from hexkey_gateware.link.uplink import Uplink
from hexkey_gateware.live_status import LiveStatus
from hexkey_gateware.packer import MARK_BITS, Packer
from hexkey_gateware.pipeline import count_ones, later
from hexkey_gateware.pulse_clock import PulseClock
from hexkey_gateware.pulser import Pulser
from hexkey_gateware.raw_tags import RawTags
from hexkey_gateware.relay import Relay
from hexkey_gateware.slot import CHANNELS, MAX_PERIOD_TICKS, TICK_PS, TRIGGER_CHANNEL
from hexkey_gateware.stand_in import StandIn
from hexkey_gateware.tagger.table import FINE_BITS
from hexkey_gateware.tallies import INCREMENTS, SHOWN, Tallies
from hexkey_gateware.tracker import Tracker

FAST, OSCILLATOR = DomainRenamer("fast"), DomainRenamer("osc")
TRACKER_SETTINGS = ("period_ticks", "trigger_divider", "loop_shift", "holdover_drift")
MARK_TICKS_BITS = 30  # two marks are 5.4 to 10.7 ms apart
TABLE_ENTRY = data.StructLayout({"fine": FINE_BITS, "code": 10, "channel": 3})  # of the register
NARROW_TICKS = 4_000  # of a period: so its phases fit a narrow record, also if it is 0.8 % longer


class Receiver(wiring.Component):
    """Everything between the pins and the serial port, in three clock domains.

    ``fast`` samples the inputs and takes every click up to the event FIFO; ``sync`` talks to the
    host; ``osc``, which runs on an oscillator of its own, plays the self-test. None of them needs a
    reset: the flip-flops start as they should.

    Parameters
    ----------
    design : Design

    Members
    -------
    pins : :py:`In(5)`
        Detectors 0 to 3, then the trigger. They lead into the delay lines as they are.
    marker : :py:`In(1)`
        The first pulse that begins after its rise is marked.
    uart_rx, uart_tx : :py:`In(1), Out(1)`
    ready_to_send : :py:`In(1)`
        High while the host takes bytes. Not synchronised.
    running : :py:`Out(1)`
    """

    pins: In(CHANNELS)
    marker: In(1)
    uart_rx: In(1, init=1)
    uart_tx: Out(1, init=1)
    ready_to_send: In(1)
    running: Out(1)

    def __init__(self, design: Design) -> None:
        super().__init__()
        self._design = design

    def elaborate(self, platform: object) -> Module:
        m = Module()
        self._make_parts(m)
        self._take_orders(m)
        self._tag_edges(m)
        self._number_pulses(m)
        self._record(m)
        self._count(m)
        self._report(m)
        self._watch(m)
        return m

    def _make_parts(self, m: Module) -> None:
        design = self._design
        self._inputs = inputs = Inputs(design)
        self._tracker = Tracker(design.ticks_per_clock)
        self._front_end = FrontEnd(design.ticks_per_clock)
        self._raw_tags = RawTags(design.ticks_per_clock)
        self._packer = Packer()
        self._tags_dropped = Signal(INCREMENTS["tags_dropped"].width)
        self._fifo = EventFifo(design.fifo_depth)
        self._tallies = Tallies(design, inputs.code_count)
        self._status = LiveStatus()
        self._pulser = Pulser()
        self._conductor = Conductor(design.period_ticks)
        self._active = later(m, self._conductor.active)  # registers that can lie at their readers
        self._downlink = Downlink(design.sync_hz, design.baud, design.period_ticks, limits(design))
        clocks_per_100_ms = design.sync_hz // design.report_hz
        self._uplink = Uplink(identification(design), clocks_per_100_ms, inputs.code_count)
        self._transmitter = UartTransmitter(design.sync_hz, design.baud, rts_active=1)
        for name in ("inputs", "tracker", "front_end", "raw_tags", "packer"):
            m.submodules[name] = FAST(getattr(self, f"_{name}"))
        m.submodules.pulser = OSCILLATOR(self._pulser)
        for name in ("fifo", "tallies", "status", "conductor", "downlink", "uplink", "transmitter"):
            m.submodules[name] = getattr(self, f"_{name}")

    # ---- from the host --------------------------------------------------------------------------

    def _take_orders(self, m: Module) -> None:
        """Requests become registers; the conductor lets settings, start and stop take effect."""
        downlink, conductor, uplink = self._downlink, self._conductor, self._uplink
        actions, values = downlink.actions, downlink.values
        wiring.connect(m, downlink.replies, uplink.replies)
        wiring.connect(m, actions.run, uplink.run)
        wiring.connect(m, actions.commit, conductor.commit)
        m.d.comb += [
            downlink.rx.eq(self.uart_rx),
            conductor.written.eq(downlink.settings),
            conductor.running.eq(values.control),
            conductor.marker.eq(self.marker),
            conductor.clear.eq(crossed(m, uplink.clear, "fast")),
            # Who stops the board hears of it when all was sent.
            actions.control.ready.eq(uplink.stopped ^ values.control),
            actions.identify.ready.eq(1),
            uplink.identify.eq(actions.identify.valid),
            actions.table_entry.ready.eq(1),
            self._pulser.settings.period.eq(values.pulser_period),
            self._pulser.settings.delays.eq(values.pulser_delay),
            self._pulser.settings.probabilities.eq(values.pulser_probability),
            self.running.eq(values.control),
        ]
        self._write_table(m, actions.table_entry)
        # What the link must know of the settings in force.
        period_ticks = conductor.active.period_ticks
        self._period_ticks = crossed(m, period_ticks, "sync", self._design.period_ticks)

    def _write_table(self, m: Module, entry: Any) -> None:
        """Hand an entry to the tagger's clock; the next comes some hundred clocks later."""
        inputs = self._inputs
        m.submodules.entry = strobe = PulseSynchronizer("sync", "fast")
        word = Signal(TABLE_ENTRY)
        arrives = data.View(TABLE_ENTRY, entry.payload[: TABLE_ENTRY.size])
        with m.If(entry.valid):
            m.d.sync += word.eq(arrives)
        m.d.sync += strobe.i.eq(entry.valid & (arrives.code < inputs.code_count))
        m.d.comb += [
            inputs.write.enable.eq(strobe.o),
            inputs.write.code.eq(word.code),
            inputs.write.fine.eq(word.fine),
            inputs.write_channel.eq(word.channel),
        ]

    # ---- from the pins to the event FIFO --------------------------------------------------------

    def _tag_edges(self, m: Module) -> None:
        """Edges at the pins become tags, all of a slot in one clock."""
        inputs, active = self._inputs, self._active
        m.d.comb += [
            inputs.pins.eq(self.pins),
            inputs.oscillator.eq(self._pulser.oscillator),
            inputs.pulses.eq(self._pulser.pulses),
        ]
        for channel in range(CHANNELS):
            m.d.comb += [
                inputs.sources[channel].eq(self._downlink.values.source[channel]),
                inputs.edges[channel].eq(active.edge[channel]),
                inputs.enables[channel].eq(active.enable[channel]),
                inputs.delays_ticks[channel].eq(active.delay_ticks[channel]),
            ]

    def _number_pulses(self, m: Module) -> None:
        """The trigger's tags become pulses, the detectors' what happened in these."""
        conductor, tracker, front_end = self._conductor, self._tracker, self._front_end
        active, tags = self._active, self._inputs.tags
        m.d.comb += [
            tracker.trigger.valid.eq(tags[TRIGGER_CHANNEL].valid),
            tracker.trigger.payload.eq(tags[TRIGGER_CHANNEL].payload),
            *(getattr(tracker, name).eq(active[name]) for name in TRACKER_SETTINGS),
            front_end.slot.eq(later(m, tracker.slot)),
            *(getattr(front_end, name).eq(active[name]) for name in (*COMMON, "g2_pair")),
            front_end.blind.eq(later(m, conductor.blind)),
            front_end.settings.eq(later(m, conductor.announce_settings)),
            front_end.marker.eq(self._marker_in_time(m)),
            conductor.seeing.eq(later(m, front_end.seeing)),
        ]
        for detector in range(DETECTORS):
            m.d.comb += [
                front_end.tags[detector].valid.eq(later(m, tags[detector].valid)),
                front_end.tags[detector].payload.eq(later(m, tags[detector].payload)),
            ]
            for name in PER_DETECTOR:
                m.d.comb += getattr(front_end, name)[detector].eq(active[name][detector])

    def _marker_in_time(self, m: Module) -> Signal:
        """Return the marker's rise with the tags of its time, which have a longer way."""
        rise = self._conductor.announce_marker
        way = self._inputs.LATENCY + 1 + PulseClock.LATENCY + Gate.LATENCY
        for _ in range(way - Conductor.MARKER_LATENCY):
            rise = later(m, rise)
        return rise

    def _record(self, m: Module) -> None:
        """Pulses with events, and raw tags, become words, which wait for the link."""
        conductor, packer, raw_tags = self._conductor, self._packer, self._raw_tags
        m.submodules.stand_in = stand_in = FAST(StandIn())
        wiring.connect(m, self._front_end.events, stand_in.i)
        m.submodules.relay = relay = FAST(Relay())
        wiring.connect(m, raw_tags.o, relay.i)
        wiring.connect(m, relay.o, packer.tags)
        wiring.connect(m, packer.o, self._fifo.i)
        for channel, tag in enumerate(self._inputs.tags):
            m.d.comb += [
                raw_tags.tags[channel].valid.eq(tag.valid),
                raw_tags.tags[channel].payload.eq(tag.payload),
            ]
        raw_tags_wanted = Signal()
        mark_pulses = Signal(MARK_BITS)  # worked out in `sync`: there is time for it
        m.d.sync += mark_pulses.eq(_mark_pulses(self._period_ticks))
        m.d.comb += [
            packer.i.valid.eq(later(m, stand_in.o.valid)),
            packer.i.payload.eq(later(m, stand_in.o.payload)),
            # Events without a trigger are never confirmed: the host says so.
            raw_tags_wanted.eq(self._active.mode == Mode.RAW_TAGS),
            stand_in.locked.eq(later(m, self._tracker.slot.locked)),
            stand_in.settings.eq(later(m, conductor.announce_settings & raw_tags_wanted)),
            raw_tags.on.eq(later(m, packer.raw_tags & ~conductor.blind)),
            relay.clear.eq(~raw_tags.on),
            self._tags_dropped.eq(raw_tags.dropped + relay.dropped),
            raw_tags.full.eq(self._fifo.full_for_events),
            packer.mode.eq(later(m, self._active.mode)),
            packer.settings_id.eq(conductor.settings_id),
            packer.marker_count.eq(conductor.marker_count),
            packer.mark_pulses.eq(crossed(m, mark_pulses, "fast")),
            packer.full_for_events.eq(self._fifo.full_for_events),
            packer.full_for_groups.eq(self._fifo.full_for_groups),
        ]

    # ---- beside the way -------------------------------------------------------------------------

    def _count(self, m: Module) -> None:
        """What passes by is counted."""
        inputs, front_end, tallies = self._inputs, self._front_end, self._tallies
        active, values = self._active, self._downlink.values
        collided = Signal(range(CHANNELS + 1))
        m.d.fast += collided.eq(count_ones(inputs.collided))
        grows: dict[str, Value] = {
            **{name: front_end.counts[name] for name in COUNTS.members},
            "events": front_end.counts.events & (active.mode == Mode.EVENTS),
            "triggers": inputs.tags[TRIGGER_CHANNEL].valid,
            "fifo_dropped": self._packer.dropped,
            "trigger_outliers": self._tracker.outlier,
            "trigger_missing": self._tracker.missing,
            "tags_collided": collided,
            "tags_dropped": self._tags_dropped,
        }
        m.d.comb += [
            *(tallies.increments[name].eq(each) for name, each in grows.items()),
            tallies.coincidences.eq(front_end.g2_coincidences),
            tallies.pulses.eq(front_end.g2_pulses),
            tallies.settings.eq(active),
            tallies.settings_change.eq(later(m, self._conductor.taking_over)),
            tallies.density_channel.eq(values.density_channel),
            tallies.density_source.eq(values.source[values.density_channel]),
        ]
        for click, counted in zip(front_end.raw, tallies.raw, strict=True):
            m.d.comb += [counted.valid.eq(click.valid), counted.payload.eq(click.payload)]
        for code, counted in zip(inputs.codes, tallies.codes, strict=True):
            m.d.comb += [counted.valid.eq(code.valid), counted.payload.eq(code.payload)]

    # ---- to the host ----------------------------------------------------------------------------

    def _report(self, m: Module) -> None:
        """Words and counts become frames, and these bytes on the line."""
        uplink, downlink = self._uplink, self._downlink
        fifo, tallies = self._fifo, self._tallies
        wiring.connect(m, fifo.o, uplink.words)
        wiring.connect(m, uplink.bytes, self._transmitter.i)
        for name in ("totals", "g2", "histogram", "density"):
            wiring.connect(m, getattr(uplink, name), getattr(tallies, name))
        m.d.comb += [
            uplink.level.eq(fifo.level),
            uplink.wide.eq(self._period_ticks > NARROW_TICKS),
            uplink.settings_id.eq(crossed(m, self._conductor.settings_id, "sync")),
            uplink.bad_request.eq(downlink.bad_request),
            uplink.running.eq(downlink.values.control),
            uplink.drained.eq(self._drained(m)),
            uplink.period_ticks.eq(self._period_ticks),
            tallies.clear.eq(uplink.clear),
            uplink.cleared.eq(tallies.cleared),
            self._transmitter.ready_to_send.eq(self.ready_to_send),
            self.uart_tx.eq(self._transmitter.tx),
        ]

    def _watch(self, m: Module) -> None:
        """What the board sees of its inputs goes into status frames and registers."""
        status, tracker, live = self._status, self._tracker, self._downlink.live
        wiring.connect(m, self._uplink.status, status.status)
        m.d.comb += [
            status.levels.eq(self._inputs.levels),
            status.state.eq(tracker.state),
            status.off_period.eq(tracker.off_period),
            status.trigger_period.eq(tracker.trigger_period),
            status.trigger_edge.eq(self._inputs.tags[TRIGGER_CHANNEL].valid),
            status.lost.eq(later(m, self._inputs.collided.any())),
            live.levels.eq(status.now_levels),
            live.tracker_state.eq(status.tracker_state),
            live.trigger_period.eq(status.tracked_period),
            live.marker_count.eq(self._marker_count(m)),
            *(live[name].eq(self._tallies.shown[name]) for name in SHOWN),
        ]

    def _marker_count(self, m: Module) -> Signal:
        """Hand the count over whole: a register may be read while it changes."""
        m.submodules.markers = markers = Handover(unsigned(MARKER_BITS))
        count = Signal(MARKER_BITS)
        m.d.comb += [
            markers.i.payload.eq(self._conductor.marker_count),
            markers.i.valid.eq(1),
            markers.o.ready.eq(1),
        ]
        with m.If(markers.o.valid):
            m.d.sync += count.eq(markers.o.payload)
        return count

    def _drained(self, m: Module) -> Value:
        """Return whether the board has stopped, its words are in the FIFO and its totals exact."""
        idle = self._conductor.drained & crossed(m, self._packer.idle, "sync", init=1)
        settle = self._tallies.settle_clocks
        left = Signal(range(settle + 1))
        with m.If(~idle):
            m.d.sync += left.eq(settle)
        with m.Elif(left != 0):
            m.d.sync += left.eq(left - 1)
        return idle & (left == 0)


def identification(design: Design) -> Identification:
    """Return what a receiver says of itself."""
    return Identification(
        tick_ps=Fraction(TICK_PS),
        clock_hz=design.fast_hz,
        detectors=design.detectors,
        simulated=design.simulated,
        taps=design.taps,
        period_ticks=design.period_ticks,
        fifo_depth=design.fifo_depth,
        firmware=design.firmware,
        board=design.board,
        statistics=design.statistics,
    )


def limits(design: Design) -> Limits:
    """Return where a receiver takes less than the register map says."""
    return {
        "period_ticks": (2 * design.ticks_per_clock, MAX_PERIOD_TICKS),
        "histogram_bins": (1, design.histogram_bins),
    }


def _mark_pulses(period_ticks: Value) -> Value:
    """Return how many pulses lie between two marks: a power of two, so that nothing is divided."""
    pulses: Value | int = 0
    for bit in range(len(period_ticks)):
        pulses = Mux(period_ticks[bit], 1 << (MARK_TICKS_BITS - 1 - bit), pulses)
    return Value.cast(pulses)
