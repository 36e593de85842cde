"""The sync tracker: numbers pulses and predicts when each begins, from the trigger's edges."""

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hexkey.wire.registers import TrackerState
from hexkey_gateware.pipeline import delayed
from hexkey_gateware.slot import SLOT, TICKS_PER_CLOCK, lane, tag_layout
from hexkey_gateware.tracking.constants import (
    DIVIDED_FROM,
    FRACTION_BITS,
    MAX_LOOP_SHIFT,
    REPORTED_FRACTION_BITS,
    SILENCE_BITS,
    TICK_BITS,
    WIDEST_SHIFT,
    WIDEST_SHIFT_DIVIDED,
)
from hexkey_gateware.tracking.loop_filter import LoopFilter
from hexkey_gateware.tracking.nco import Nco
from hexkey_gateware.tracking.period_meter import PeriodMeter
from hexkey_gateware.tracking.phase_detector import PhaseDetector
from hexkey_gateware.tracking.trust import DRIFT_BITS, Doubt, Gears, Uncertainty

COMPARED_BITS = 7


class Tracker(wiring.Component):
    """A digital phase-locked loop of second order, which lives a pulse ahead of the trigger.

    It measures the trigger's period, starts an oscillator with an edge, lets it be pulled in by the
    edges, and says it is locked with the next pulse then, the first of an epoch. From there pulses
    follow each other whatever comes: edges only shift those that are still to come. Edges less than
    a quarter period from a due pulse are taken. Where none is, it goes on without, in holdover;
    lock ends when the uncertainty of the prediction, which grows by `holdover_drift`, reaches a
    quarter period, when outliers outweigh good edges, when pulses come faster than one in two
    slots, and when period or divider are set anew.

    Because it predicts, it says of a slot what it knows in that slot's own clock: `slot` belongs to
    the tags that the lanes show in the same clock, the trigger's too. An edge works on the pulses
    that begin `CORRECTION_LATENCY` clocks later or more; the strobes come `DECISION_LATENCY` clocks
    after their edge, `holdover` two clocks later. Throughput one tag a clock, no back-pressure.

    Parameters
    ----------
    ticks_per_clock : int
    silence_bits : int
        No trigger for 2^silence_bits clocks is no trigger.

    Members
    -------
    trigger : :py:`In(lane(tag_layout(ticks_per_clock)))`
        The trigger's lane, delayed as it should be.
    period_ticks : :py:`In(17)`
        Setting: the pulse period, to which the measured one must be equal within 0.8 %.
    trigger_divider : :py:`In(16)`
        Setting: pulses to a trigger edge, 1 or more.
    loop_shift : :py:`In(4)`
        Setting, 0 to 10: once locked, each edge corrects 2^-loop_shift of its error; no more than
        2^-4, or 2^-2 if the divider is at least 8.
    holdover_drift : :py:`In(21)`
        Setting: unit 2^-30 of the time.
    slot : :py:`Out(SLOT)`
    state : :py:`Out(TrackerState)`
        A clock late.
    off_period : :py:`Out(1)`
        The trigger is too fast, or not of the configured period. Until a clock after lock, or
        silence.
    trigger_period : :py:`Out(30)`
        Pulse period in 2^-12 ticks, as tracked, or as measured last, also where it was refused; 0
        before that, all ones if it is longer than can be said.
    edge_taken, outlier, missing : :py:`Out(1)`
        Strobes: an edge was used; it was not; none came to a due pulse.
    """

    def __init__(
        self, ticks_per_clock: int = TICKS_PER_CLOCK, silence_bits: int = SILENCE_BITS
    ) -> None:
        self._ticks = ticks_per_clock
        self._silence_bits = silence_bits
        super().__init__(
            {
                "trigger": In(lane(tag_layout(ticks_per_clock))),
                "period_ticks": In(TICK_BITS - 1),
                "trigger_divider": In(16),
                "loop_shift": In(range(MAX_LOOP_SHIFT + 1)),
                "holdover_drift": In(DRIFT_BITS),
                "slot": Out(SLOT),
                "state": Out(3),
                "off_period": Out(1),
                "trigger_period": Out(TICK_BITS + REPORTED_FRACTION_BITS),
                "edge_taken": Out(1),
                "outlier": Out(1),
                "missing": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.meter = self._meter = PeriodMeter(self._ticks)
        m.submodules.nco = self._nco = Nco(self._ticks)
        m.submodules.detector = self._detector = PhaseDetector(self._ticks)
        m.submodules.filter = self._filter = LoopFilter()
        m.submodules.gears = self._gears = Gears(self._ticks)
        m.submodules.doubt = self._doubt = Doubt()
        m.submodules.uncertainty = self._uncertainty = Uncertainty(self._ticks)
        # One of them, or none while the oscillator is set up.
        self._measuring = Signal(init=1)
        self._align = Signal()
        self._tracking = Signal()
        self._may_lock = Signal()
        self._restart = Signal()
        self._lost = Signal()
        self._silent = Signal(init=1)
        self._off = Signal()
        self._locked = Signal()  # in the next clock
        self._connect_settings(m)
        self._connect_measurement(m)
        self._connect_loop(m)
        self._change_state(m)
        self._say(m)
        return m

    def _connect_settings(self, m: Module) -> None:
        """Registers of the settings, some delayed so that no edge under way meets two of them."""
        # What would end the lock is compared in parts.
        restarting = delayed(m, Cat(self.period_ticks, self.trigger_divider), 1)
        before = delayed(m, restarting, 1)
        parts = range(0, len(before), COMPARED_BITS)
        differ = Cat((before ^ restarting)[at : at + COMPARED_BITS].any() for at in parts)
        self._changed = delayed(m, differ, 1, reset_less=False).any()
        m.d.sync += self._restart.eq(self._changed)

        settled = delayed(m, before, 1)
        period_ticks, divider = settled[: len(self.period_ticks)], settled[len(self.period_ticks) :]
        last_place = delayed(m, divider - 1, 1)[: len(divider)]
        quarter = delayed(m, period_ticks[2:], 2)
        divided = delayed(m, divider >= DIVIDED_FROM, 1)
        widest_shift = Mux(divided, WIDEST_SHIFT_DIVIDED, WIDEST_SHIFT)
        loop_shift = delayed(m, self.loop_shift, 1)
        last_shifts = (
            delayed(m, Mux(loop_shift > widest, loop_shift, widest), 1)
            for widest in (WIDEST_SHIFT_DIVIDED, WIDEST_SHIFT)
        )
        last_shift_early = delayed(m, Mux(divided, *last_shifts), 1)
        m.d.comb += [
            self._meter.period_ticks.eq(period_ticks),
            self._meter.trigger_divider.eq(divider),
            self._nco.last_place.eq(last_place),
            self._detector.quarter_ticks.eq(delayed(m, quarter, 1)),
            self._detector.quarter_less_one.eq(delayed(m, quarter - 1, 1)),
            self._uncertainty.quarter_ticks.eq(delayed(m, quarter, 1)),
            self._uncertainty.holdover_drift.eq(delayed(m, self.holdover_drift, 1)),
            self._filter.divider_shift.eq(_bit_length(m, last_place)),
            self._gears.widest_shift.eq(widest_shift),
            self._gears.last_shift_early.eq(last_shift_early),
        ]

    def _connect_measurement(self, m: Module) -> None:
        meter, quiet = self._meter, Signal(self._silence_bits, init=1)
        m.d.comb += [
            meter.trigger.valid.eq(self.trigger.valid),
            meter.trigger.payload.eq(self.trigger.payload),
            meter.measuring.eq(self._measuring),
            meter.restart.eq(self._restart),
            meter.silent.eq(self._silent),
            self._nco.load.eq(meter.load_step),
            self._nco.clear_fraction.eq(meter.clear_fraction),
            self._filter.clear.eq(meter.clear_period),
            self._filter.load.eq(meter.load_period),
            self._filter.measured.eq(meter.period),
        ]
        # It goes round, but what it has said holds.
        longer = Signal(len(quiet) + 1)
        full = Signal()
        m.d.comb += longer.eq(quiet + 1)
        m.d.sync += quiet.eq(longer)
        m.d.sync += full.eq(longer[-1])
        m.d.sync += self._silent.eq(self._silent | full)
        with m.If(self.trigger.valid):
            m.d.sync += [quiet.eq(1), full.eq(0), self._silent.eq(0)]

    def _connect_loop(self, m: Module) -> None:
        nco, detector, loop = self._nco, self._detector, self._filter
        self._period = delayed(m, loop.period, 1)  # as the oscillator uses it
        of_nco = ("since", "until_next", "fraction", "fraction_next", "wrap", "due", "next_due")
        m.d.comb += [getattr(detector, name).eq(getattr(nco, name)) for name in of_nco]
        for part in (nco, detector):
            m.d.comb += [
                part.trigger.valid.eq(self.trigger.valid),
                part.trigger.payload.eq(self.trigger.payload),
                part.tracking.eq(self._tracking),
            ]
        m.d.comb += [
            nco.align.eq(self._align),
            nco.period.eq(loop.period),
            nco.corrected.eq(loop.corrected),
            nco.correcting.eq(loop.correcting),
            detector.locked.eq(self.slot.locked),
            loop.taken.eq(detector.taken),
            loop.error.eq(detector.error),
            loop.shift.eq(self._gears.shift),
            self._gears.clear.eq(~self._tracking),
            self._gears.taken.eq(detector.taken),
            self._gears.period.eq(self._period),
            self._doubt.clear.eq(~self._tracking),
            self._doubt.taken.eq(detector.taken),
            self._doubt.outlier.eq(detector.outlier),
            self._doubt.missed.eq(detector.missing_early),
            self._uncertainty.reset.eq(detector.taken | ~self._tracking),
        ]

    def _change_state(self, m: Module) -> None:
        meter, nco = self._meter, self._nco
        too_fast, was_too_fast = Signal(), Signal()
        doubtful = self._uncertainty.over | self._doubt.lost
        m.d.comb += too_fast.eq(nco.behind | self._gears.refused)
        m.d.sync += [
            was_too_fast.eq(too_fast),
            self._lost.eq(self._changed | (self._tracking & (too_fast | doubtful))),
            self._may_lock.eq(self._gears.ready),
        ]
        with m.If(meter.done):
            m.d.sync += self._measuring.eq(0)
        with m.If(meter.ready):
            m.d.sync += self._align.eq(1)
        with m.If(nco.started & self._align):
            m.d.sync += self._align.eq(0)
            m.d.sync += self._tracking.eq(1)
        with m.If(self._lost | meter.refused):
            m.d.sync += [self._measuring.eq(1), self._align.eq(0), self._tracking.eq(0)]
        forget = Signal()
        m.d.comb += forget.eq(self.slot.begin | (self._silent & ~self._tracking))
        m.d.sync += self._off.eq(
            (was_too_fast & self._tracking) | meter.refused | (self._off & ~forget)
        )

    def _say(self, m: Module) -> None:
        nco, detector, slot = self._nco, self._detector, self.slot
        holdover = Signal()
        locked = self._locked
        m.d.comb += [
            locked.eq(self._tracking & ~self._lost & (slot.locked | (nco.wrap & self._may_lock))),
            slot.since.eq(nco.since),
            slot.since_before.eq(nco.since_before),
            self.off_period.eq(self._off),
            self.edge_taken.eq(detector.taken),
            self.outlier.eq(detector.outlier),
            self.missing.eq(detector.missing),
        ]
        m.d.sync += [
            holdover.eq(self._tracking & ~detector.taken & (holdover | detector.missing)),
            slot.locked.eq(locked),
            slot.edge.eq(locked & nco.wrap),
            slot.begin.eq(locked & ~slot.locked),
            slot.holdover.eq(locked & holdover),
        ]
        reported = slice(FRACTION_BITS - REPORTED_FRACTION_BITS, None)
        with m.If(self._tracking):
            m.d.sync += self.trigger_period.eq(self._period[reported])
        with m.Elif(self._meter.divided):
            measured = self._meter.period[reported]
            m.d.sync += self.trigger_period.eq(
                measured | self._meter.too_long.replicate(len(measured))
            )
        with m.If(self._tracking):
            m.d.sync += self.state.eq(
                Mux(
                    slot.holdover,
                    TrackerState.HOLDOVER,
                    Mux(slot.locked, TrackerState.LOCKED, TrackerState.PULLING_IN),
                )
            )
        with m.Elif(self._silent):
            m.d.sync += self.state.eq(TrackerState.NO_TRIGGER)
        with m.Else():
            m.d.sync += self.state.eq(
                Mux(self._align, TrackerState.PULLING_IN, TrackerState.MEASURING)
            )


def _bit_length(m: Module, value: Value) -> Signal:
    """Return the position of the highest bit that is set, plus 1, 3 clocks later."""
    groups = [value[at : at + 4] for at in range(0, len(value), 4)]
    highest = [
        delayed(m, Mux(group[3], 4, Mux(group[2], 3, Mux(group[1], 2, group[0]))), 1)
        for group in groups
    ]
    # Two groups at a time.
    pairs = [
        (delayed(m, (low | high).any(), 1), delayed(m, Mux(high.any(), 4 + high, low), 1))
        for low, high in zip(highest[::2], highest[1::2], strict=True)
    ]
    (_, low_length), (high_any, high_length) = pairs
    return delayed(m, Mux(high_any, 8 + high_length, low_length), 1)
