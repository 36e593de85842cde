"""The slow twin of `hexkey_sim.golden.tracker`: every clock is stepped, as in RTL.

It shares settings and constants with the golden model and nothing else: no jumps, no closed forms,
no look into the future. In each step all names on the right are of this clock, as `r`; what is
assigned, to `self`, is of the next.
"""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

from hexkey.wire.registers import TrackerState
from hexkey_gateware.tracking import constants as c
from hexkey_sim.golden.tracker_values import TrackerSettings, View

ONE = 1 << c.FRACTION_BITS
ERROR_SHIFT = c.FRACTION_BITS - c.ERROR_FRACTION_BITS

UNREPORTED = c.FRACTION_BITS - c.REPORTED_FRACTION_BITS

NOTHING: tuple[set[str], int] = (set(), 0)

Registers = Any


class SteppingTracker:
    """`step` takes one slot's trigger tag and returns what is said of that slot."""

    counts: dict[str, int]
    decided: set[str]
    doubts: int
    error: int
    pipeline: list[tuple[set[str], int] | None]

    def __init__(self, settings: TrackerSettings, ticks_per_clock: int, silence_bits: int) -> None:
        vars(self).update(
            ticks=ticks_per_clock,
            silence=1 << silence_bits,
            quiet=1 << silence_bits,
            fraction=30 - (ticks_per_clock - 1).bit_length(),
            asked=settings,  # a clock ago
            history=[settings] * 6,  # as registered now, and up to 5 clocks ago
            changed=False,
            restart=False,
            lost=False,
            too_fast=False,
            lockable=False,
            mode="measure",
            setup=0,
            good=False,
            time=0,
            tag_1=None,
            times=[],
            jump=None,
            phi=0,
            phi_before=0,
            wrap=False,
            wrapped=False,
            step_now=ONE,
            step_next=ONE,
            armed=None,
            place=0,
            open=False,
            pipeline=[None] * (c.DECISION_LATENCY - 1),
            decided=(),
            error=0,
            taken=False,
            period=0,
            reported=0,
            period_before=0,
            changes=[None] * (c.PERIOD_LATENCY - c.DECISION_LATENCY - 1),
            phases=[None] * (c.CORRECTION_LATENCY - c.DECISION_LATENCY - 1),
            shift=4,
            in_gear=0,
            ready=False,
            locked=False,
            edge=False,
            begin=False,
            hold=False,
            holdover=False,
            off=False,
            doubt=0,
            doubts=0,
            late=False,
            behind=False,
            uncertainty=0,
            over=False,
            refused=False,
            counts={"taken": 0, "outlier": 0, "missing": 0},
        )

    def step(self, fine: int | None, settings: TrackerSettings) -> View:
        r = SimpleNamespace(**vars(self))
        self._settings(r, settings)
        self._measure(r, fine)
        self._oscillate(r, fine)
        self._correct(r)
        self._decide(r, fine)
        self._judge(r)
        self._lose(r)
        return self._view(r)

    def _settings(self, r: Registers, settings: TrackerSettings) -> None:
        self.asked, asked, now = settings, r.asked, r.history[0]
        settings = replace(
            settings, period_ticks=asked.period_ticks, trigger_divider=asked.trigger_divider
        )
        self.restart = r.changed
        self.changed = (settings.period_ticks, settings.trigger_divider) != (
            now.period_ticks,
            now.trigger_divider,
        )
        self.history = [settings, *r.history[:5]]

    def _measure(self, r: Registers, fine: int | None) -> None:
        settings = r.history[1]
        self.time = r.time + r.ticks
        self.quiet = min(r.quiet + 1, r.silence) if fine is None else 0
        silent = r.quiet == r.silence
        measuring = r.mode == "measure"
        self.tag_1 = r.time - fine if fine is not None and measuring else None
        self.jump = fine if r.mode == "align" and fine is not None else None
        self.times = list(r.times)
        if silent and r.mode != "track":
            self.off = False
        if measuring:
            if silent:
                self.times = []
            if r.tag_1 is not None:
                self.times.append(r.tag_1)
            if len(self.times) > c.MEASURED_INTERVALS:
                total = self.times[-1] - self.times[0]
                period = (total << c.QUOTIENT_SHIFT) // settings.trigger_divider
                whole, tolerance = period >> c.FRACTION_BITS, settings.period_ticks >> 7
                off = abs(whole - settings.period_ticks)
                self.good = off <= tolerance and whole >= 2 * r.ticks - c.SHORT_BY_TICKS
                self.period = self.step_now = self.step_next = period
                self.measured_at = c.REFUSED_LATENCY - 3
                self.mode, self.times = "setup", []
                # The edge came two clocks before this shows.
                self.setup = (c.ALIGN_LATENCY if self.good else c.REFUSED_LATENCY) - 2
        elif r.mode == "setup":
            self.setup = r.setup - 1
            self.measured_at = r.measured_at - 1
            if not r.measured_at:
                self.reported = min(r.period >> UNREPORTED, (1 << 30) - 1)
            if r.setup == 1:
                self.mode = "align" if r.good else "measure"
                self.off |= not r.good

    def _oscillate(self, r: Registers, fine: int | None) -> None:
        tracking = r.mode == "track"
        divider = r.history[2].trigger_divider
        self.phi, self.phi_before = r.phi + r.ticks * ONE, r.phi_before + r.ticks * ONE
        room = r.phi + 2 * r.ticks * ONE - r.step_now
        self.wrap = tracking and not r.wrap and room >= 0
        self.wrapped = r.wrap and tracking
        self.edge = self.begin = False
        if r.begin:
            self.off = False
        if r.wrap and tracking:
            self.phi_before, self.phi = self.phi, self.phi - r.step_now
            self.step_now = r.step_next
            self.step_next = r.period if r.armed is None else r.armed
            self.armed = None
            self.place = (r.place + 1) % divider
            self.begin = r.lockable and not r.locked
            self.locked = r.locked or r.lockable
            self.edge = self.locked
        if r.jump is not None and r.mode == "align":
            self.mode = "track"
            self.phi = (r.jump + c.START_LATENCY * r.ticks) * ONE - r.period
            self.place = 1 % divider
            self.armed, self.taken, self.doubt, self.in_gear = None, False, 0, 0
            self.doubts = 0
            self.ready = self.locked = self.hold = self.holdover = False
            self.shift = self._widest(r.history[1])
            start = c.START_UNCERTAINTY_TICKS << r.fraction
            self.uncertainty, self.over = start, False
            self.open = self.place == 0
        elif tracking:
            checked = r.phi >= (r.history[4].period_ticks // 4) * ONE
            self.open = (r.open and not checked) if not r.wrap else self.place == 0
        self.behind = r.late
        self.late = tracking and r.wrapped and r.phi >= c.behind_ticks(r.ticks) * ONE

    @staticmethod
    def _widest(settings: TrackerSettings) -> int:
        return 2 if settings.trigger_divider >= 8 else 4

    def _decide(self, r: Registers, fine: int | None) -> None:
        """Compare this slot's tag; `decided` shows what comes of it `DECISION_LATENCY` later."""
        quarter = r.history[4].period_ticks // 4
        divider = r.history[2].trigger_divider
        kinds, error = set(), 0
        if r.mode == "track":
            check = r.open and r.phi >= quarter * ONE
            good_this = good_next = False
            taken = r.taken
            if fine is not None:
                to_this = (r.phi - fine * ONE) >> ERROR_SHIFT
                to_next = (r.phi - r.step_now - fine * ONE) >> ERROR_SHIFT
                near_this = r.place == 0 and -quarter < to_this >> 8 < quarter
                near_next = r.place == divider - 1 and -quarter < to_next >> 8 < quarter
                assert not (near_this and near_next)
                good_this = near_this and not taken
                good_next = near_next and (check or not taken)
                error = to_next if near_next else to_this
                kinds.add("taken" if good_this or good_next else "outlier")
            if check and not (taken or good_this):
                kinds |= {"missing"} if r.locked else {"missing", "pulling"}
            self.taken = good_next or (not check and (taken or good_this))
        self.pipeline = [(kinds, error), *r.pipeline[:-1]]
        self.decided, self.error = r.pipeline[-1] or NOTHING

    def _judge(self, r: Registers) -> None:
        """What an edge changes besides period and phase, in the clock in which it is decided."""
        kinds = r.decided
        for kind in r.counts:
            self.counts = {**self.counts, kind: self.counts[kind] + (kind in kinds)}
        if r.mode != "track":
            return
        target = max(r.history[4].loop_shift, self._widest(r.history[4]))
        settled = max(r.history[3].loop_shift, self._widest(r.history[3]))
        quarter = r.history[4].period_ticks // 4
        bad = ("outlier" in kinds) + ("pulling" in kinds)
        self.doubts = 2 * bad - ("taken" in kinds)
        self.doubt = max(0, r.doubt + r.doubts)
        self.over = r.uncertainty >= quarter << r.fraction
        trusted = "taken" in kinds
        start = c.START_UNCERTAINTY_TICKS << r.fraction
        self.uncertainty = start if trusted else r.uncertainty + r.history[0].holdover_drift
        self.holdover = r.hold and (r.locked or (r.wrap and r.lockable))
        self.hold = "taken" not in kinds and (r.hold or "missing" in kinds)
        if "taken" in kinds and not r.ready:
            self.in_gear = r.in_gear + 1
            if self.in_gear == 4 << r.shift:
                self.in_gear = 0
                self.ready = r.shift >= target
                self.shift = r.shift + (not self.ready)
        if self.ready:
            self.shift = settled

    def _correct(self, r: Registers) -> None:
        change = phase = None
        if "taken" in r.decided:
            divider_shift = (r.history[2].trigger_divider - 1).bit_length()
            phase = r.error << ERROR_SHIFT >> r.shift
            change = r.error << ERROR_SHIFT - 2 >> 2 * r.shift + divider_shift
        self.changes = [change, *r.changes[:-1]]
        self.phases = [phase, *r.phases[:-1]]
        self.period_before = r.period
        if r.mode == "track":
            self.reported = r.period >> UNREPORTED
        if r.mode == "track" and r.changes[-1] is not None:
            self.period = r.period + r.changes[-1]
        if r.mode == "track" and r.phases[-1] is not None:
            self.armed = r.period + r.phases[-1]

    def _lose(self, r: Registers) -> None:
        tracking = r.mode == "track"
        short = r.period_before < 2 * r.ticks * ONE - (ONE >> c.SHORT_BY_SHIFT)
        self.refused = tracking and self.ready and not r.ready and short
        self.too_fast = r.behind or r.refused
        doubtful = r.over or r.doubt >= c.DOUBT_LIMIT
        self.lost = r.changed or (tracking and (doubtful or self.too_fast))
        self.lockable = tracking and r.ready
        if r.restart or (tracking and r.lost):
            self.mode, self.times = "measure", []
            self.locked = self.edge = self.begin = self.holdover = self.ready = False
            self.wrap = self.wrapped = self.late = self.behind = self.lockable = False
            self.off |= tracking and r.too_fast

    @staticmethod
    def _view(r: Registers) -> View:
        whole = r.phi >> c.FRACTION_BITS
        before = r.phi_before >> c.FRACTION_BITS
        tracking = r.mode == "track"
        if tracking:
            state = TrackerState.LOCKED if r.locked else TrackerState.PULLING_IN
            state = TrackerState.HOLDOVER if r.holdover else state
        elif r.quiet == r.silence:
            state = TrackerState.NO_TRIGGER
        else:
            state = TrackerState.PULLING_IN if r.mode == "align" else TrackerState.MEASURING
        return View(r.edge, whole, before, r.locked, r.begin, r.holdover, state, r.off, r.reported)
