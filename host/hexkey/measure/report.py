"""All measurements of a tagger's file, in one pass and in constant memory.

The beginning is held until it says what the file holds: which channels are detectors and which a
trigger, and the period of the light where no sync states it. What cannot be measured is refused
with a sentence, and the rest goes on.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hexkey.errors import InputError
from hexkey.measure import describe
from hexkey.measure.afterpulses import Afterpulses
from hexkey.measure.arrivals import Arrivals, Efficiencies
from hexkey.measure.clicks import Clicks, clicks_of
from hexkey.measure.comb import MOST_CLICKS
from hexkey.measure.g2 import PulsedG2
from hexkey.measure.intervals import DeadTime
from hexkey.measure.lifetime import Lifetime
from hexkey.measure.plan import plan_of
from hexkey.measure.rates import Rate
from hexkey.measure.results import Refuses, Results
from hexkey.measure.run import Run
from hexkey.measure.steady_g2 import SteadyG2
from hexkey.measure.trigger import Trigger
from hexkey.skew import Skew
from hexkey.tags.examine import examine
from hexkey.tags.own import RESOLVED
from hexkey.tags.stream import TagFile, Tags

HBT = "hbt"
ONE_POLARISATION = {
    "b92": "the two detectors of B92 see one polarisation each, so their coincidences measure its "
    "error and not g²: use a beam splitter without polarisers",
    "bb84": "two detectors of one basis of BB84 see one polarisation each, so that light sent in "
    "that basis makes no coincidences of them and g² would be too low: use a beam splitter without "
    "polarisers",
}
PROTOCOLS = (*ONE_POLARISATION, HBT)
SAME_LIGHT = (
    "both detectors see the same light, as behind a beam splitter (then say --protocol hbt); those "
    "of a QKD receiver see one polarisation each, and the value is too low (--protocol b92 or bb84)"
)


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
    sync_divider : int
        Pulses in a period of the sync, with pulse numbers.
    arrivals, lifetimes, g2, rates, skew, efficiencies, dead_times, afterpulses, trigger
        As their own types say; None or empty where refused.
    g2_holds_if : str or None
        What g² takes for granted, where there is one and nobody has said it.
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
    sync_divider: int = 1
    arrivals: Arrivals | None = None
    lifetimes: dict[int, Lifetime] = field(default_factory=dict)
    g2: PulsedG2 | SteadyG2 | None = None
    rates: dict[int, Rate] = field(default_factory=dict)
    skew: Skew | None = None
    efficiencies: Efficiencies | None = None
    dead_times: dict[int, DeadTime] = field(default_factory=dict)
    afterpulses: dict[int, Afterpulses] = field(default_factory=dict)
    trigger: Trigger | None = None
    g2_holds_if: str | None = None
    refused: dict[str, str] = field(default_factory=dict)

    def rows(self) -> list[tuple[str, str]]:
        """Return what was measured, with its uncertainties, for people."""
        return describe.rows(self)

    def to_json(self) -> dict[str, Any]:
        return dict(describe.to_json(self))


class Measuring:
    """Measures everything that a file's clicks can say, piece by piece.

    Parameters
    ----------
    file : TagFile
    pattern : (pulses,) float, optional
        As of `hexkey.measure.g2.pulsed_g2`.
    confidence : float
        Of the bands of g².
    response : Arrivals, optional
        Of light without a lifetime (`measured_response`), for the lifetimes.

    Raises
    ------
    InputError
        The file has pulse numbers, but does not say how long a pulse lasts.
    """

    def __init__(
        self,
        file: TagFile,
        *,
        pattern: NDArray[np.float64] | None = None,
        confidence: float = 0.95,
        response: Arrivals | None = None,
    ) -> None:
        self._file = file
        self._pattern, self._confidence, self._response = pattern, confidence, response
        self._to_clicks = clicks_of(file)
        self._beginning: list[Tags] = []
        self._held = 0
        self._run: Run | None = None

    def push(self, tags: Tags) -> None:
        """Take the next piece."""
        if self._run is not None:
            self._run.push(tags, self._to_clicks(tags))
            return
        self._beginning.append(_own(tags))
        self._held += len(tags)
        if self._held >= MOST_CLICKS:
            self._begin()

    def _begin(self) -> Run:
        pieces, self._beginning = self._beginning, []
        clicks = [self._to_clicks(tags) for tags in pieces]
        ticks = Tags(_joined(pieces, "channel"), _joined(pieces, "ticks"))
        whole = Clicks(_joined(clicks, "channel"), _joined(clicks, "time_ps"))
        pulses = 1 if self._pattern is None else len(self._pattern)
        self._run = Run(self._file, plan_of(self._file, ticks, whole), pulses)
        for tags, some in zip(pieces, clicks, strict=True):
            self._run.push(tags, some)
        return self._run

    def finish(
        self, refuses: Refuses = lambda what: None, *, protocol: str | None = None
    ) -> Measurements:
        """Return the measurements.

        Parameters
        ----------
        refuses : callable
            Returns a sentence when the file's examination forbids a measurement: ``histogram``,
            ``lifetime``, ``g2``, ``rates``, ``skew``, ``dead_time``, ``afterpulsing``, ``jitter``.
        protocol : str, optional
            Of `PROTOCOLS`: what the detectors are behind. ``hbt`` says that they see the same
            light, so that g² takes nothing for granted; the others refuse it.

        Raises
        ------
        InputError
            There were no detections.
        """
        if self._run is None and not self._held:
            raise InputError(f"{self._file.path} has no detections to measure, record for longer")
        run = self._run or self._begin()
        run.finish()
        refused = _with_own(self._file, refuses, protocol)
        results = Results(run, refused, self._pattern, self._confidence, self._response)
        return _measurements(run, results, None if protocol == HBT else SAME_LIGHT)


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
    refuses, protocol, pattern, confidence
        As of `Measuring`.
    follow : bool
        Wait for a file that still grows.
    progress : callable, optional
        Called with the number of detections so far.

    Raises
    ------
    InputError
        The file contradicts its own format, or has no detections.
    """
    measuring = Measuring(file, pattern=pattern, confidence=confidence)
    seen = 0
    for tags in file.chunks(follow=follow):
        measuring.push(tags)
        seen += len(tags)
        if progress:
            progress(seen)
    return measuring.finish(refuses, protocol=protocol)


def measured_response(file: TagFile) -> Arrivals:
    """Return when light without a lifetime comes, from a recording of it.

    Raises
    ------
    InputError
        The file contradicts its own format, has no detections, or no arrival times to believe.
    """
    measuring = Measuring(file)
    examination = examine(file, also=measuring.push)

    def refuses(what: str) -> str | None:
        return examination.refuses(what) if what == "histogram" else "of a response nobody asks it"

    found = measuring.finish(refuses)
    if found.arrivals is None:
        raise InputError(f"{file.path} is no response: {found.refused['histogram']}")
    return found.arrivals


def _own(tags: Tags) -> Tags:
    """Return a copy: a reader's arrays may be small parts of large ones."""
    pulse = None if tags.pulse is None else tags.pulse.copy()
    return Tags(tags.channel.copy(), tags.ticks.copy(), pulse)


def _joined(parts: list[Any], name: str) -> NDArray[Any]:
    return np.concatenate([getattr(part, name) for part in parts])


def _with_own(file: TagFile, refuses: Refuses, protocol: str | None) -> Refuses:
    """Return the refusals of the examination and those that no examination is needed for."""

    def refused(what: str) -> str | None:
        if what == "g2" and protocol in ONE_POLARISATION:
            return ONE_POLARISATION[protocol]
        if what == "g2" and file.stated.get(RESOLVED):
            return (
                "the board held off and resolved these events, so coincidences are missing from "
                "them: capture raw tags"
            )
        return refuses(what)

    return refused


def _measurements(run: Run, results: Results, g2_holds_if: str | None) -> Measurements:
    plan = run.plan
    arrivals = results.attempt("histogram", results.arrivals)
    g2 = results.attempt("g2", results.g2)
    dead_times = results.each("dead_time", lambda channel: run.intervals[channel].result())
    skew = results.attempt("skew", lambda: results.skew(arrivals))
    trigger = None
    if plan.trigger is not None and not run.file.pulsed:
        trigger = results.attempt("jitter", run.trigger.result)
    return Measurements(
        detections=run.detections,
        seconds=run.rates.seconds,
        detectors=plan.detectors,
        pair=plan.pair,
        trigger_channel=plan.trigger,
        phases_by_trigger=plan.divider is not None,
        # A sync's period that arrival times contradict is none.
        period_ps=None if run.file.pulsed and arrivals is None else plan.period_ps,
        period_sigma_ps=plan.comb.sigma_ps if plan.comb else None,
        sync_divider=plan.sync_divider,
        arrivals=arrivals,
        lifetimes=results.each("lifetime", lambda channel: results.lifetime(arrivals, channel)),
        g2=g2,
        rates=results.each("rates", run.rates.result),
        skew=skew,
        efficiencies=results.attempt("skew", lambda: results.efficiencies(arrivals, skew)),
        dead_times=dead_times,
        afterpulses=results.afterpulses(dead_times, g2),
        trigger=trigger,
        g2_holds_if=None if g2 is None else g2_holds_if,
        refused=results.refused,
    )
