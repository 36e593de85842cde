"""All measurements of a tagger's file, in a look at its beginning and one pass, in constant memory.

The beginning says what the file holds: which channels are detectors and which a trigger, and the
period of the light where no sync states it. What cannot be measured is refused with a sentence, and
the rest goes on.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from hexkey.errors import InputError
from hexkey.measure import describe
from hexkey.measure.afterpulses import Afterpulses, afterpulses
from hexkey.measure.arrivals import Arrivals, Efficiencies, Histogram, compare_efficiencies
from hexkey.measure.clicks import Clicks, clicks_of
from hexkey.measure.comb import MOST_CLICKS, Comb, Follower, find_comb
from hexkey.measure.correlate import Correlator, Delays
from hexkey.measure.g2 import PulsedG2, pulsed_g2
from hexkey.measure.intervals import STEADY_BIN_PS, DeadTime, Intervals
from hexkey.measure.lifetime import Lifetime, fit_lifetime
from hexkey.measure.rates import Rate, RateCounter, constant_ratio
from hexkey.measure.steady_g2 import SteadyG2, steady_g2
from hexkey.measure.trigger import Trigger, TriggerCounter, is_trigger
from hexkey.measure.triggered import TriggeredPhases, divider_of
from hexkey.skew import Skew, skews
from hexkey.tags.own import RESOLVED
from hexkey.tags.stream import TagFile, Tags

REACH_PS = 1_000_000  # of delays; more where pulses are rare
LEAST_PULSES = 40  # that delays reach over, either way
BINS_PER_PERIOD = 256
MOST_PHASE_BINS = 1024
MOST_TICKS = 1 << 16
LEAST_SHARE = 1e-3  # of the busiest detector's clicks: a channel with fewer holds no light
Refuses = Callable[[str], str | None]
Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class Measurements:
    """What a file's clicks say.

    Attributes
    ----------
    detections : int
        Clicks and edges.
    seconds : float
        From the first to the last.
    detectors : tuple of int
        Channels.
    pair : (int, int) or None
        The two busiest detectors: g², skew and efficiencies are of these.
    trigger_channel : int or None
    phases_by_trigger : bool
        Whether arrival times are against the trigger's edges among free-running tags.
    period_ps, period_sigma_ps : float or None
        Of the pulses: as the sync states it, without an error, or as found from the clicks.
    arrivals, lifetimes, g2, rates, skew, efficiencies, dead_times, afterpulses, trigger
        As their own types say; None or empty where refused.
    refused : mapping
        What could not be measured (such as ``g2``, ``lifetime of channel 1``), and why.
    """

    detections: int
    seconds: float
    detectors: tuple[int, ...]
    pair: tuple[int, int] | None = None
    trigger_channel: int | None = None
    phases_by_trigger: bool = False
    period_ps: float | None = None
    period_sigma_ps: float | None = None
    arrivals: Arrivals | None = None
    lifetimes: dict[int, Lifetime] = field(default_factory=dict)
    g2: PulsedG2 | SteadyG2 | None = None
    rates: dict[int, Rate] = field(default_factory=dict)
    skew: Skew | None = None
    efficiencies: Efficiencies | None = None
    dead_times: dict[int, DeadTime] = field(default_factory=dict)
    afterpulses: dict[int, Afterpulses] = field(default_factory=dict)
    trigger: Trigger | None = None
    refused: dict[str, str] = field(default_factory=dict)

    def rows(self) -> list[tuple[str, str]]:
        """Return what was measured, with its uncertainties, for people."""
        return describe.rows(self)

    def to_json(self) -> dict[str, Any]:
        return dict(describe.to_json(self))


def measure_file(
    file: TagFile,
    refuses: Refuses = lambda what: None,
    *,
    protocol: str | None = None,
    pattern: NDArray[np.float64] | None = None,
    confidence: float = 0.95,
    follow: bool = False,
    progress: Callable[[int], None] | None = None,
) -> Measurements:
    """Measure everything that a file's clicks can say.

    Parameters
    ----------
    file : TagFile
    refuses : callable
        Returns a sentence when the file's examination forbids a measurement: ``histogram``,
        ``lifetime``, ``g2``, ``rates``, ``skew``, ``dead_time``, ``afterpulsing``, ``jitter``.
    protocol : str, optional
        ``b92`` refuses g²: its two detectors see one polarisation each.
    pattern : (pulses,) float, optional
        As of `hexkey.measure.g2.pulsed_g2`.
    confidence : float
        Of the bands of g².
    follow : bool
        Wait for a file that still grows.
    progress : callable, optional
        Called with the number of detections so far.

    Raises
    ------
    InputError
        The file contradicts its own format, or has no detections.
    """
    to_clicks = clicks_of(file)
    beginning = _beginning(file, to_clicks)
    plan = _Plan.of(file, beginning)
    run = _Run(file, plan)
    seen = 0
    for tags in file.chunks(follow=follow):
        run.push(tags, to_clicks(tags))
        seen += len(tags)
        if progress:
            progress(seen)
    run.finish()
    return _Result(run, _with_own(file, refuses, protocol), pattern, confidence).measurements(seen)


def _with_own(file: TagFile, refuses: Refuses, protocol: str | None) -> Refuses:
    """Return the refusals of the examination and those that no examination is needed for."""

    def refused(what: str) -> str | None:
        if what == "g2" and (protocol or "").lower() == "b92":
            return (
                "the two detectors of B92 see one polarisation each, so their coincidences measure "
                "its error and not g²: use a beam splitter without polarisers"
            )
        if what == "g2" and file.stated.get(RESOLVED):
            return (
                "the board held off and resolved these events, so coincidences are missing from "
                "them: capture raw tags"
            )
        return refuses(what)

    return refused


def _beginning(file: TagFile, to_clicks: Callable[[Tags], Clicks]) -> Clicks:
    pieces, held = [], 0
    for tags in file.chunks():
        pieces.append(to_clicks(tags))
        held += len(tags)
        if held >= MOST_CLICKS:
            break
    if not held:
        raise InputError(f"{file.path} has no detections to measure, record for longer")
    return Clicks(
        np.concatenate([piece.channel for piece in pieces]),
        np.concatenate([piece.time_ps for piece in pieces]),
    )


@dataclass(frozen=True, slots=True)
class _Plan:
    """What the beginning of a file says of the rest."""

    detectors: tuple[int, ...]
    pair: tuple[int, int] | None
    trigger: int | None
    period_ps: float | None
    comb: Comb | None
    lead: int | None  # the busiest detector, whose phase is followed
    divider: int | None  # of the trigger, whose phase is followed where there is one

    @classmethod
    def of(cls, file: TagFile, clicks: Clicks) -> "_Plan":
        number = np.bincount(clicks.channel, minlength=256)
        channels = [int(channel) for channel in np.flatnonzero(number)]
        trigger = file.trigger_channel
        if trigger is None and not file.pulsed:
            trigger = next((one for one in channels if is_trigger(clicks.of(one))), None)
        lights = [channel for channel in channels if channel != trigger]
        most = max((number[channel] for channel in lights), default=0)
        lights = [channel for channel in lights if number[channel] >= LEAST_SHARE * most]
        busiest = sorted(lights, key=lambda channel: -number[channel])[:2]
        comb = None
        if busiest and not file.pulsed:
            comb = find_comb(clicks.of(busiest[0]))
        period = file.sync_period_ps if file.pulsed else None
        if comb is not None:
            period = comb.period_ps
        pair = (min(busiest), max(busiest)) if len(busiest) == 2 else None
        lead = busiest[0] if busiest else None
        divider = None
        if comb is not None and trigger is not None:
            divider = divider_of(clicks.of(trigger), comb.period_ps)
        return cls(tuple(lights), pair, trigger, period, comb, lead, divider)


class _Run:
    """All accumulators of one pass."""

    def __init__(self, file: TagFile, plan: _Plan) -> None:
        self.plan, self.file = plan, file
        period = plan.period_ps
        tick = float(file.tick_ps)
        self.rates = RateCounter()
        self.intervals = {one: Intervals(period or STEADY_BIN_PS) for one in plan.detectors}
        self.trigger = TriggerCounter()
        self.follower = Follower(plan.comb) if plan.comb else None
        self.triggered: TriggeredPhases | None = None
        if plan.comb is not None and plan.divider is not None:
            self.triggered = TriggeredPhases(plan.comb.period_ps, plan.divider)
        self.histogram: Histogram | None = None
        self.bin_ps, self._ticks = tick, 1
        if period is not None and file.pulsed:
            self._ticks = max(1, -(-int(period / tick) // MOST_TICKS))
            self.bin_ps = tick * self._ticks
            self.histogram = Histogram(max(1, int(np.ceil(period / self.bin_ps))))
        elif period is not None:
            self.bins = int(np.clip(period // tick, 1, MOST_PHASE_BINS))
            self.bin_ps = period / self.bins
            self.histogram = Histogram(self.bins)
        self.correlators: dict[str, Correlator] = {}
        if plan.pair is not None:
            one, two = plan.pair
            reach = max(REACH_PS, int(LEAST_PULSES * (period or 0)))
            bin_ps = max(1, round(tick if period is None else period / BINS_PER_PERIOD))
            for name, first, second in (("across", one, two), ("one", one, one), ("two", two, two)):
                self.correlators[name] = Correlator(first, second, reach, bin_ps)

    def push(self, tags: Tags, clicks: Clicks) -> None:
        self.rates.push(clicks)
        for channel, intervals in self.intervals.items():
            intervals.push(clicks.of(channel))
        for correlator in self.correlators.values():
            correlator.push(clicks)
        if self.plan.trigger is not None and not self.file.pulsed:
            self.trigger.push(clicks.of(self.plan.trigger))
        if self.histogram is not None:
            self._fill(self.histogram, tags, clicks)

    def _fill(self, histogram: Histogram, tags: Tags, clicks: Clicks) -> None:
        if self.follower is None:
            histogram.push(tags.channel, tags.ticks // self._ticks)
            return
        lights = np.isin(clicks.channel, self.plan.detectors)
        channel, time_ps = clicks.channel[lights], clicks.time_ps[lights]
        if self.triggered is not None and self.plan.trigger is not None:
            edges = clicks.of(self.plan.trigger)
            self._bin(histogram, *self.triggered.push(Clicks(channel, time_ps), edges))
        else:
            phase = self.follower.push(time_ps, channel == self.plan.lead)
            self._bin(histogram, channel, phase)

    def finish(self) -> None:
        """Take what waited for the trigger's next edges."""
        if self.triggered is not None and self.histogram is not None:
            self._bin(self.histogram, *self.triggered.finish())
            self.histogram.outside += self.triggered.untriggered

    def _bin(
        self, histogram: Histogram, channel: NDArray[np.uint8], phase: NDArray[np.float64]
    ) -> None:
        histogram.push(channel, np.minimum((phase * self.bins).astype(np.int64), self.bins - 1))


class _Result:
    """Makes measurements of what a pass has accumulated, each on its own."""

    def __init__(
        self,
        run: _Run,
        refuses: Refuses,
        pattern: NDArray[np.float64] | None,
        confidence: float,
    ) -> None:
        self._run, self._refuses = run, refuses
        self._pattern, self._confidence = pattern, confidence
        self._refused: dict[str, str] = {}

    def _try(self, what: str, measure: Callable[[], Found], of: str = "") -> Found | None:
        """Return a measurement, or None with the sentence that says why not."""
        sentence = self._refuses(what)
        if sentence is not None:
            self._refused[what] = sentence
            return None
        try:
            return measure()
        except InputError as error:
            self._refused[what + of] = str(error)
            return None

    def _each(self, what: str, measure: Callable[[int], Found]) -> dict[int, Found]:
        found = {}
        for channel in self._run.plan.detectors:
            one = self._try(what, partial(measure, channel), f" of channel {channel}")
            if one is not None:
                found[channel] = one
        return found

    def measurements(self, seen: int) -> Measurements:
        run, plan = self._run, self._run.plan
        arrivals = self._try("histogram", self._arrivals)
        g2 = self._try("g2", self._g2)
        dead_times = self._each("dead_time", lambda channel: run.intervals[channel].result())
        skew = self._try("skew", lambda: self._skew(arrivals))
        trigger = None
        if plan.trigger is not None and not run.file.pulsed:
            trigger = self._try("jitter", run.trigger.result)
        return Measurements(
            detections=seen,
            seconds=run.rates.seconds,
            detectors=plan.detectors,
            pair=plan.pair,
            trigger_channel=plan.trigger,
            phases_by_trigger=plan.divider is not None,
            period_ps=plan.period_ps,
            period_sigma_ps=plan.comb.sigma_ps if plan.comb else None,
            arrivals=arrivals,
            lifetimes=self._each("lifetime", lambda channel: self._lifetime(arrivals, channel)),
            g2=g2,
            rates=self._each("rates", run.rates.result),
            skew=skew,
            efficiencies=self._try("skew", lambda: self._efficiencies(arrivals, skew)),
            dead_times=dead_times,
            afterpulses=self._afterpulses(dead_times, g2),
            trigger=trigger,
            refused=self._refused,
        )

    def _arrivals(self) -> Arrivals:
        run = self._run
        if run.histogram is None or run.plan.period_ps is None:
            raise InputError("the light has no period and the file no sync, so there are no phases")
        counts = run.histogram.result(run.plan.detectors)
        return Arrivals(counts, run.bin_ps, run.plan.period_ps, run.histogram.outside)

    def _lifetime(self, arrivals: Arrivals | None, channel: int) -> Lifetime:
        if arrivals is None:
            raise InputError(
                "a lifetime needs arrival times within pulses, which there are none of"
            )
        return fit_lifetime(arrivals.counts[channel], arrivals.edges_ps, arrivals.period_ps)

    def _across(self) -> Delays:
        if self._run.plan.pair is None:
            raise InputError("g² needs two detectors, and the file has not two with clicks")
        return self._run.correlators["across"].result()

    def _g2(self) -> PulsedG2 | SteadyG2:
        delays, period = self._across(), self._run.plan.period_ps
        if period is None:
            return steady_g2(delays, confidence=self._confidence)
        return pulsed_g2(delays, period, confidence=self._confidence, pattern=self._pattern)

    def _skew(self, arrivals: Arrivals | None) -> Skew | None:
        pair = self._run.plan.pair
        if arrivals is None or pair is None:
            raise InputError("a skew needs two detectors and arrival times within pulses")
        chosen = {place: arrivals.counts[channel] for place, channel in enumerate(pair)}
        found = skews(chosen, arrivals.period_ps)
        if not found:
            raise InputError("clicks come at all times of the period alike, so no skew is seen")
        return Skew(pair, found[0].skew_ps, found[0].sigma_ps)

    def _efficiencies(self, arrivals: Arrivals | None, skew: Skew | None) -> Efficiencies | None:
        pair = self._run.plan.pair
        if arrivals is None or pair is None or skew is None:
            return None
        one, two = (arrivals.counts[channel] for channel in pair)
        return compare_efficiencies(one, two, arrivals.bin_ps, skew.skew_ps)

    def _afterpulses(
        self, dead_times: dict[int, DeadTime], g2: PulsedG2 | SteadyG2 | None
    ) -> dict[int, Afterpulses]:
        run, pair = self._run, self._run.plan.pair
        if pair is None:
            self._refused.setdefault(
                "afterpulsing",
                self._refuses("afterpulsing")
                or "one detector alone cannot tell afterpulses from light in bursts, use two",
            )
            return {}
        dip = g2.dip_ps if g2 else 0.0

        def one(channel: int) -> Afterpulses:
            place = pair.index(channel)
            clicks = [run.rates.clicks(each) for each in pair]
            if not constant_ratio(*(run.rates.result(each).over_time for each in pair)):
                raise InputError(
                    "the two detectors' rates change against each other during the file, so what "
                    "follows a click cannot be compared between them"
                )
            dead = dead_times.get(channel)
            if dead is None:
                raise InputError("afterpulses need the dead time, which is not known")
            return afterpulses(
                run.correlators[("one", "two")[place]].result(),
                self._across(),
                clicks[place],
                clicks[place] / clicks[1 - place],
                dead_ps=dead.high_ps,
                dip_ps=dip,
                period_ps=run.plan.period_ps,
            )

        found = {}
        for channel in pair:
            measured = self._try("afterpulsing", partial(one, channel), f" of channel {channel}")
            if measured is not None:
                found[channel] = measured
        return found
