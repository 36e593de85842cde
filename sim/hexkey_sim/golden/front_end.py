"""The exact front end: the golden models chained, one click at a time."""

from fractions import Fraction
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hexkey.events import Events
from hexkey_sim.golden.collector import Collector, open_pulses
from hexkey_sim.golden.delay import Delay
from hexkey_sim.golden.gate import Gate
from hexkey_sim.golden.histogram import Histogram
from hexkey_sim.golden.hold_off import HoldOff
from hexkey_sim.golden.pulse_clock import PulseClock
from hexkey_sim.golden.resolver import Event, Resolver
from hexkey_sim.golden.settings import TICK_PS, FrontEndCounters, FrontEndSettings


class AnyFrontEnd(Protocol):
    """What the virtual board needs of a front end, exact or fast.

    Attributes
    ----------
    counters : FrontEndCounters
    next_pulse : int
        Every event of a pulse below this one has been returned.
    """

    counters: FrontEndCounters
    next_pulse: int

    def push(self, time_ps: ArrayLike, detector: ArrayLike, horizon_ps: int) -> Events: ...
    def reconfigure(self, settings: FrontEndSettings) -> Events: ...
    def take_histogram(self) -> NDArray[np.uint32]: ...


class FrontEnd:
    """Clicks of one epoch in, events out. Each epoch needs a new one, and begins in hold-off.

    Parameters
    ----------
    settings : FrontEndSettings
    counters : FrontEndCounters, optional
        To go on counting in.
    period_ticks : Fraction, optional
        Of the source, where it is not what the settings say.
    blind : range
        Pulses in which no gate opens; they must be known before they close.
    """

    def __init__(
        self,
        settings: FrontEndSettings,
        counters: FrontEndCounters | None = None,
        period_ticks: Fraction | None = None,
        blind: range = range(0),
    ) -> None:
        self.counters = counters or FrontEndCounters()
        self.next_pulse = 0
        self._period_ticks = period_ticks
        self._blind = blind
        self._horizon_ticks = 0
        self._collector = Collector()
        self._hold_off = HoldOff(settings.holdoff_pulses)
        self._build(settings)

    def push(self, time_ps: ArrayLike, detector: ArrayLike, horizon_ps: int) -> Events:
        """Take clicks and return the events of the pulses that are complete.

        Parameters
        ----------
        time_ps : (n,) int64
            Time at the pin since the edge of the epoch's pulse 0. In any order within a call, but
            not before the horizon of the call before.
        detector : (n,) uint8
        horizon_ps : int
            Every click before this time has now been delivered.

        Returns
        -------
        Events
            In the order of their pulses.
        """
        times, detectors = check_clicks(time_ps, detector, self._horizon_ticks)
        for time_ticks, channel in zip(times.tolist(), detectors.tolist(), strict=True):
            self._accept(time_ticks, channel)
        self._horizon_ticks = max(self._horizon_ticks, horizon_ps // TICK_PS)
        first_open, _ = open_pulses(self._settings, self._horizon_ticks, self._period_ticks)
        return self._close_before(first_open)

    def reconfigure(self, settings: FrontEndSettings) -> Events:
        """Close all pulses, then work with `settings` from pulse `next_pulse` on.

        Returns the events of the pulses that were open. Hold-off goes on across the change; the
        histogram starts again. A click that a new delay puts into a closed pulse is outside the
        gate.
        """
        _, unreached = open_pulses(self._settings, self._horizon_ticks, self._period_ticks)
        events = self._close_before(unreached)
        self._hold_off = HoldOff(settings.holdoff_pulses, self._hold_off.last_click_pulse)
        self._build(settings)
        return events

    def take_histogram(self) -> NDArray[np.uint32]:
        """Return the histogram since the last call, shape (detectors, bins)."""
        return self._histogram.take()

    def _build(self, settings: FrontEndSettings) -> None:
        self._settings = settings
        self._delay = Delay(settings)
        self._clock = PulseClock(settings, self._period_ticks)
        self._gate = Gate(settings, self.next_pulse, self._blind)
        self._resolver = Resolver(settings, self.counters)
        self._histogram = Histogram(settings)

    def _accept(self, time_ticks: int, detector: int) -> None:
        if not self._settings.enable[detector]:
            return
        self.counters.clicks[detector] += 1
        delayed = self._delay.apply(time_ticks, detector)
        self._histogram.add(self._clock.raw_phase(delayed), detector)
        self._collector.put(self._clock.attribute(delayed, detector))

    def _close_before(self, bound: int) -> Events:
        events = []
        for pulse, clicks in self._collector.close_before(bound):
            if not self._hold_off.accepts(pulse):
                self.counters.ignored_holdoff += len(clicks)
                continue
            gated = [click for click in clicks if self._gate.passes(click)]
            self.counters.outside_gate += len(clicks) - len(gated)
            event = self._resolver.resolve(gated)
            if event is not None:
                events.append(event)
        self.next_pulse = max(self.next_pulse, bound)
        return as_events(events)


def check_clicks(
    time_ps: ArrayLike, detector: ArrayLike, horizon_ticks: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the clicks' times in ticks and their detectors, shape (n,), or raise ValueError."""
    times = np.asarray(time_ps, np.int64)
    detectors = np.asarray(detector, np.int64)
    if times.ndim != 1 or times.shape != detectors.shape:
        raise ValueError("time_ps and detector must be one-dimensional and of one length")
    times = times // TICK_PS
    if len(times) and int(times.min()) < horizon_ticks:
        raise ValueError("a click lies before the horizon of an earlier call")
    return times, detectors


def as_events(events: list[Event]) -> Events:
    columns = np.array(events, np.int64).reshape(-1, 4).T
    return Events(
        columns[0].astype(np.uint64),
        columns[1].astype(np.uint32),
        columns[2].astype(np.uint8),
        columns[3].astype(np.uint8),
    )
