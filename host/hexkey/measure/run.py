"""One pass over a file's tags: what all measurements are made of, counted in constant memory."""

import numpy as np
from numpy.typing import NDArray

from hexkey.measure.arrivals import Histogram
from hexkey.measure.clicks import Clicks
from hexkey.measure.comb import Follower
from hexkey.measure.correlate import Correlator
from hexkey.measure.intervals import STEADY_BIN_PS, Intervals
from hexkey.measure.plan import Plan
from hexkey.measure.rates import RateCounter
from hexkey.measure.trigger import TriggerCounter
from hexkey.measure.triggered import TriggeredPhases
from hexkey.tags.stream import TagFile, Tags

REACH_PS = 1_000_000  # of delays; more where pulses are rare
LEAST_PULSES = 40  # that delays reach over, either way
BINS_PER_PERIOD = 256
MOST_PHASE_BINS = 1024
MOST_TICKS = 1 << 16


class Run:
    """All accumulators of one pass.

    Parameters
    ----------
    file : TagFile
    plan : Plan
    pattern_pulses : int
        Of the pattern sent: delays reach over it twice.

    Attributes
    ----------
    detections : int
    rates, intervals, trigger, correlator, histogram
        As their own types say; the last two None where there is nothing for them.
    bin_ps : float
        Of `histogram`.
    """

    def __init__(self, file: TagFile, plan: Plan, pattern_pulses: int = 1) -> None:
        self.plan, self.file = plan, file
        period = plan.period_ps
        tick = float(file.tick_ps)
        self.detections = 0
        self.rates = RateCounter()
        self.intervals = {one: Intervals(period or STEADY_BIN_PS) for one in plan.detectors}
        self.trigger = TriggerCounter()
        self._follower = Follower(plan.comb) if plan.comb else None
        self._is_light = np.isin(np.arange(256), plan.detectors)
        self._triggered: TriggeredPhases | None = None
        if plan.comb is not None and plan.divider is not None:
            self._triggered = TriggeredPhases(plan.comb.period_ps, plan.divider)
        self.histogram: Histogram | None = None
        self.bin_ps, self._ticks = tick, 1
        if period is not None and file.pulsed:
            self._ticks = max(1, -(-int(period / tick) // MOST_TICKS))
            self.bin_ps = tick * self._ticks
            self.histogram = Histogram(max(1, int(np.ceil(period / self.bin_ps))))
        elif period is not None:
            self._bins = int(np.clip(period // tick, 1, MOST_PHASE_BINS))
            self.bin_ps = period / self._bins
            self.histogram = Histogram(self._bins)
        self.correlator: Correlator | None = None
        if plan.pair is not None:
            pulses = max(LEAST_PULSES, 2 * pattern_pulses)
            reach = max(REACH_PS, int(pulses * (period or 0)))
            bin_ps = max(1, round(tick if period is None else period / BINS_PER_PERIOD))
            self.correlator = Correlator(*plan.pair, reach, bin_ps)

    def push(self, tags: Tags, clicks: Clicks) -> None:
        """Take the next tags, `clicks` being the same in ps."""
        self.detections += len(tags)
        self.rates.push(clicks)
        for channel, intervals in self.intervals.items():
            intervals.push(clicks.of(channel))
        if self.correlator is not None:
            self.correlator.push(clicks)
        if self.plan.trigger is not None and not self.file.pulsed:
            self.trigger.push(clicks.of(self.plan.trigger))
        if self.histogram is not None:
            self._fill(self.histogram, tags, clicks)

    def finish(self) -> None:
        """Take what waited for the trigger's next edges."""
        if self._triggered is not None and self.histogram is not None:
            self._bin(self.histogram, *self._triggered.finish())
            self.histogram.outside += self._triggered.untriggered

    def _fill(self, histogram: Histogram, tags: Tags, clicks: Clicks) -> None:
        if self._follower is None:
            histogram.push(tags.channel, self._index(tags.ticks))
            return
        lights = self._is_light[clicks.channel]
        channel, time_ps = clicks.channel[lights], clicks.time_ps[lights]
        if self._triggered is not None and self.plan.trigger is not None:
            edges = clicks.of(self.plan.trigger)
            self._bin(histogram, *self._triggered.push(Clicks(channel, time_ps), edges))
        else:
            phase = self._follower.push(time_ps, channel == self.plan.lead)
            self._bin(histogram, channel, phase)

    def _index(self, ticks: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the bins of times since the sync; none of the histogram's for those outside it."""
        divider, period_ps = self.plan.sync_divider, self.plan.period_ps
        if divider == 1:
            return ticks if self._ticks == 1 else ticks // self._ticks
        assert period_ps is not None
        since_ps = ticks * float(self.file.tick_ps)
        index = (np.mod(since_ps, period_ps) / self.bin_ps).astype(np.int64)
        inside = (since_ps >= 0) & (since_ps < divider * period_ps)
        return np.where(inside, index, -1)

    def _bin(
        self, histogram: Histogram, channel: NDArray[np.uint8], phase: NDArray[np.float64]
    ) -> None:
        bins = self._bins
        histogram.push(channel, np.minimum((phase * bins).astype(np.int64), bins - 1))
