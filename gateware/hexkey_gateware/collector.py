"""Where the detectors meet: a pulse stays open until no detector can deliver into it."""

from amaranth.hdl import Module, Mux, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from hexkey.events import DETECTORS
from hexkey_gateware.open_pulse import BEGUN, OpenPulse
from hexkey_gateware.pipeline import delayed
from hexkey_gateware.slot import CLOSED, GATED_CLICK, OPEN_PULSES, SLOT, lane
from hexkey_gateware.sorter import Sorter


class Collector(wiring.Component):
    """Adds up the clicks of the three pulses that can still get some; releases each as it closes.

    With every pulse that begins, the third before it closes. At loss of lock all three close as
    they are, one every second clock, and the tracker must not lock again before that is over: it
    stays unlocked for at least 6 slots. Where an epoch begins, clicks in gates that opened before
    it make two pulses that are not numbered; only what is counted in them matters.

    Pulses have places: three accumulators take turns, and a pointer tells whose is the latest, so
    that nothing moves where the adders are.

    Latency 7 clocks from the slot in which a pulse begins to the one in `closed`; throughput a slot
    a clock, with up to four clicks of up to three pulses; no back-pressure: `closed` is valid in at
    most every second clock. A pulse has at most 1023 slots (`CLICKS_BITS`).

    Members
    -------
    clicks : :py:`In(lane(GATED_CLICK)).array(4)`
    slot : :py:`In(SLOT)`
        Theirs; `since` and `since_before` are not looked at.
    blind : :py:`In(1)`
        No gate opens in a pulse that begins in this slot.
    settings, marker : :py:`In(1)`
        Go to the `control` of the next pulse that begins, in this slot or later. What comes twice
        before that goes there once.
    closed : :py:`Out(stream.Signature(CLOSED, always_ready=True))`
        Every pulse, in order.
    seeing : :py:`Out(1)`
        An open pulse is not blind.
    """

    LATENCY = 1 + Sorter.LATENCY + OpenPulse.LATENCY + 1

    clicks: In(lane(GATED_CLICK)).array(DETECTORS)
    slot: In(SLOT)
    blind: In(1)
    settings: In(1)
    marker: In(1)
    closed: Out(stream.Signature(CLOSED, always_ready=True))
    seeing: Out(1)

    SORTER = Sorter
    OPEN_PULSE = OpenPulse

    def __init__(self) -> None:
        super().__init__()
        self._numbering = Signal()  # the slot before was of an epoch
        self._flush = Signal(range(2 * OPEN_PULSES))  # clocks until the last of one has closed
        self._leaving = stream.Signature(CLOSED, always_ready=True).create()  # a clock early

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.sorter = self.sorter = self.SORTER()
        self.pulses = [self.OPEN_PULSE() for _ in range(OPEN_PULSES)]
        start, step, closes, counting = (
            Signal(name=name) for name in ("start", "step", "closes", "counting")
        )
        self._follow(m, start, step, closes, counting)

        # All below is a clock later, beside the sorter.
        latest = Signal(OPEN_PULSES, init=1)
        with m.If(closes):
            m.d.sync += latest.eq(latest.rotate_left(1))
        m.d.comb += self.sorter.latest.eq(latest)
        for click, sorted_click in zip(self.clicks, self.sorter.clicks, strict=True):
            m.d.comb += sorted_click.payload.eq(delayed(m, click.payload, 1))
            m.d.comb += sorted_click.valid.eq(
                delayed(m, self._is_counted(click.valid, counting), 1, reset_less=False)
            )
        starts = delayed(m, start, 1, reset_less=False)
        closing = delayed(m, closes & ~start, 1, reset_less=False)
        restart = Mux(starts, ~0, latest & closing.replicate(OPEN_PULSES))
        self._begin(m, latest, restart, start | step)
        self._release(m, restart, closing)
        return m

    def _follow(
        self, m: Module, start: Signal, step: Signal, closes: Signal, counting: Signal
    ) -> None:
        """Find out where epochs and pulses begin and end, of the slot that is at the input."""
        locked_edge = self.slot.edge & self.slot.locked
        numbering, flush = self._numbering, self._flush
        m.d.comb += [
            start.eq(locked_edge & self.slot.begin),
            step.eq(locked_edge & ~self.slot.begin & numbering),
            counting.eq(self.slot.locked & (numbering | start)),
            closes.eq(step | flush[0]),
        ]
        m.d.sync += numbering.eq(counting)
        with m.If(numbering & ~counting):
            m.d.sync += flush.eq(2 * OPEN_PULSES - 1)
        with m.Elif(flush != 0):
            m.d.sync += flush.eq(flush - 1)

    def _is_counted(self, valid: Value, counting: Value) -> Value:
        return valid & counting

    def _begin(self, m: Module, latest: Signal, restart: Value, begins: Value) -> None:
        """Tell the places, with the slot's clicks from the sorter, which pulses begin there."""
        begun = Signal(BEGUN, reset_less=True)
        m.d.sync += begun.blind.eq(self.blind)
        m.d.sync += begun.numbered.eq(1)
        m.d.sync += begun.control.begin.eq(self.slot.begin)
        for name in ("settings", "marker"):
            waiting = Signal(name=f"{name}_waiting")
            wanted = waiting | getattr(self, name)
            m.d.sync += waiting.eq(wanted & ~begins)
            m.d.sync += begun.control[name].eq(wanted)
        holdover = delayed(m, self.slot.holdover & self.slot.locked, 1)
        sees = delayed(m, begins & ~self.blind, 1, reset_less=False)
        seen = Signal(OPEN_PULSES)
        for place, pulse in enumerate(self.pulses):
            m.submodules[f"pulse_{place}"] = pulse
            here = latest[place]
            with m.If(restart[place]):
                m.d.sync += seen[place].eq(sees & here)
            m.d.comb += [
                pulse.restart.eq(delayed(m, restart[place], Sorter.LATENCY, reset_less=False)),
                pulse.begun.eq(delayed(m, Mux(here, begun.as_value(), 0), Sorter.LATENCY)),
                pulse.added.eq(self.sorter.added[place]),
                pulse.added.holdover.eq(delayed(m, holdover & here, Sorter.LATENCY)),
            ]
            for phase, sorted_phase in zip(pulse.phase_ticks, self.sorter.phase_ticks, strict=True):
                m.d.comb += phase.eq(sorted_phase)
        m.d.comb += self.seeing.eq(seen.any() | sees)

    def _release(self, m: Module, restart: Value, closing: Value) -> None:
        """Send what a place has added up, when a pulse has closed there."""
        ready = Sorter.LATENCY + OpenPulse.LATENCY - 1
        chosen: Value = 0
        for place, pulse in enumerate(self.pulses):
            elsewhere = delayed(m, ~restart[place], ready)  # as it is a reset, without an inverter
            chosen = chosen | delayed(m, Mux(elsewhere, 0, pulse.closed.as_value()), 1)
        m.d.comb += self._leaving.valid.eq(delayed(m, closing, ready + 1, reset_less=False))
        m.d.comb += self._leaving.payload.eq(chosen)
        m.d.sync += self.closed.valid.eq(self._leaving.valid)
        m.d.sync += self.closed.payload.eq(self._leaving.payload)
