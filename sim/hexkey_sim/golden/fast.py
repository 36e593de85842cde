"""The front end on arrays: equal to the exact one event for event, fast enough for real time.

What makes it possible: ignored clicks restart the hold-off, so whether a pulse is accepted depends
only on the distance to the pulse before it that held a click, and not on what was accepted there.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hexkey.events import DETECTORS, FLAG_REPEAT, Events
from hexkey.wire import PAIRS
from hexkey_sim.golden.collector import open_pulses
from hexkey_sim.golden.front_end import check_clicks
from hexkey_sim.golden.histogram import Histogram
from hexkey_sim.golden.settings import (
    TICK_PS,
    FrontEndCounters,
    FrontEndSettings,
)

LONG_AGO = -(1 << 62)  # before every pulse

Array = NDArray[np.int64]
POPCOUNT = np.array([mask.bit_count() for mask in range(1 << DETECTORS)])


class FastFrontEnd:
    """Same interface and same events as `hexkey_sim.golden.front_end.FrontEnd`."""

    def __init__(
        self,
        settings: FrontEndSettings,
        counters: FrontEndCounters | None = None,
    ) -> None:
        self.counters = counters or FrontEndCounters()
        self.next_pulse = 0
        self._horizon_ticks = 0
        self._open = (np.empty(0, np.int64),) * 3  # pulse, phase, detector
        self._last_click_pulse = -1  # an epoch begins in hold-off
        self._build(settings)

    def push(self, time_ps: ArrayLike, detector: ArrayLike, horizon_ps: int) -> Events:
        """Take clicks and return the events of the pulses that are complete."""
        self._accept(*check_clicks(time_ps, detector, self._horizon_ticks))
        self._horizon_ticks = max(self._horizon_ticks, horizon_ps // TICK_PS)
        first_open, _ = open_pulses(self._settings, self._horizon_ticks)
        return self._close_before(first_open)

    def reconfigure(self, settings: FrontEndSettings) -> Events:
        """Close all pulses, then work with `settings` from pulse `next_pulse` on."""
        _, unreached = open_pulses(self._settings, self._horizon_ticks)
        events = self._close_before(unreached)
        self._build(settings)
        return events

    def take_histogram(self) -> NDArray[np.uint32]:
        """Return the histogram since the last call, shape (detectors, bins)."""
        return self._histogram.take()

    def _build(self, settings: FrontEndSettings) -> None:
        self._settings = settings
        self._first_pulse = self.next_pulse
        self._enable = np.array(settings.enable, bool)
        self._delay = np.array(settings.delay_ticks, np.int64)
        self._wrap_end = np.array(settings.wrap_end_ticks, np.int64)
        self._gate_start = np.array(settings.gate_start_ticks, np.int64)
        self._gate_end = self._gate_start + np.array(settings.gate_width_ticks, np.int64)
        self._histogram = Histogram(settings)

    def _accept(self, time_ticks: Array, detector: Array) -> None:
        enabled = self._enable[detector]
        detector = detector[enabled]
        for index, count in enumerate(np.bincount(detector, minlength=DETECTORS).tolist()):
            self.counters.clicks[index] += count
        period = self._settings.period_ticks
        pulse, phase = np.divmod(time_ticks[enabled] + self._delay[detector], period)
        self._histogram.add_many(phase, detector)
        wrapped = phase < self._wrap_end[detector]
        clicks = (pulse - wrapped, phase + wrapped * period, detector)
        self._open = tuple(  # type: ignore[assignment]
            np.concatenate(columns) for columns in zip(self._open, clicks, strict=True)
        )

    def _close_before(self, bound: int) -> Events:
        pulse, phase, detector = self._open
        closed = pulse < bound
        self._open = (pulse[~closed], phase[~closed], detector[~closed])
        pulse, phase, detector = pulse[closed], phase[closed], detector[closed]
        order = np.lexsort((detector, phase, pulse))
        self.next_pulse = max(self.next_pulse, bound)
        return self._resolve(*self._gated(pulse[order], phase[order], detector[order]))

    def _gated(self, pulse: Array, phase: Array, detector: Array) -> tuple[Array, Array, Array]:
        """Return the clicks that hold-off and gate let through."""
        starts = np.flatnonzero(np.diff(pulse, prepend=LONG_AGO))  # the first click of each pulse
        distinct = pulse[starts]
        before = np.maximum(
            np.concatenate([[self._last_click_pulse], distinct[:-1]])[: len(distinct)],
            self._last_click_pulse,
        )
        alive = np.repeat(
            distinct - before > self._settings.holdoff_pulses,
            np.diff(np.append(starts, len(pulse))),
        )
        if len(pulse):
            self._last_click_pulse = max(self._last_click_pulse, int(pulse[-1]))
        in_gate = (phase >= self._gate_start[detector]) & (phase < self._gate_end[detector])
        in_gate &= pulse >= self._first_pulse
        self.counters.ignored_holdoff += int((~alive).sum())
        self.counters.outside_gate += int((alive & ~in_gate).sum())
        passed = alive & in_gate
        return pulse[passed], phase[passed], detector[passed]

    def _resolve(self, pulse: Array, phase: Array, detector: Array) -> Events:
        """Merge accepted clicks, sorted by pulse and phase, into one event a pulse."""
        if not len(pulse):
            return Events.empty()
        starts = np.flatnonzero(np.diff(pulse, prepend=LONG_AGO))
        mask = np.bitwise_or.reduceat(np.left_shift(1, detector), starts)
        clicks = np.diff(np.append(starts, len(pulse)))
        detectors = POPCOUNT[mask]
        repeats, double = clicks - detectors, detectors > 1
        self.counters.repeats += int(repeats.sum())
        self.counters.double_pulses += int(double.sum())
        for index, (first, second) in enumerate(PAIRS):
            self.counters.pairs[index] += int((mask >> first & mask >> second & 1).sum())
        events = Events(
            pulse[starts].astype(np.uint64),
            phase[starts].astype(np.uint32),
            mask.astype(np.uint8),
            np.where(repeats > 0, FLAG_REPEAT, 0).astype(np.uint8),
        )
        if self._settings.discard_double:
            events = events.take(~double)
        self.counters.events += len(events)
        return events
