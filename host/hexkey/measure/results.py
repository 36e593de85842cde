"""Measurements made of what a pass has counted, each on its own: what cannot be is refused."""

from collections.abc import Callable
from functools import partial
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from hexkey.errors import InputError
from hexkey.measure.afterpulses import Afterpulses, afterpulses
from hexkey.measure.arrivals import Arrivals, Efficiencies, compare_efficiencies
from hexkey.measure.correlate import Correlator, Delays
from hexkey.measure.g2 import PulsedG2, pulsed_g2
from hexkey.measure.intervals import DeadTime
from hexkey.measure.lifetime import Lifetime, fit_with_response
from hexkey.measure.rates import constant_ratio
from hexkey.measure.run import Run
from hexkey.measure.steady_g2 import SteadyG2, steady_g2
from hexkey.skew import Skew, skews

Refuses = Callable[[str], str | None]
Found = TypeVar("Found")


class Results:
    """The measurements of a run that is over.

    Parameters
    ----------
    run : Run
    refuses : callable
        Returns a sentence where a measurement is forbidden.
    pattern : (pulses,) float, optional
        As of `hexkey.measure.g2.pulsed_g2`.
    confidence : float
        Of the bands of g².
    response : Arrivals, optional
        Of light without a lifetime, for that of a decay.

    Attributes
    ----------
    refused : dict
        What could not be measured, and why.
    """

    def __init__(
        self,
        run: Run,
        refuses: Refuses,
        pattern: NDArray[np.float64] | None,
        confidence: float,
        response: Arrivals | None = None,
    ) -> None:
        self._run, self._refuses = run, refuses
        self._pattern, self._confidence, self._response = pattern, confidence, response
        self.refused: dict[str, str] = {}

    def attempt(self, what: str, measure: Callable[[], Found], of: str = "") -> Found | None:
        """Return a measurement, or None with the sentence that says why not."""
        sentence = self._refuses(what)
        if sentence is not None:
            self.refused[what] = sentence
            return None
        try:
            return measure()
        except InputError as error:
            self.refused[what + of] = str(error)
            return None

    def each(self, what: str, measure: Callable[[int], Found]) -> dict[int, Found]:
        """Return a measurement of each detector that has one."""
        found = {}
        for channel in self._run.plan.detectors:
            one = self.attempt(what, partial(measure, channel), f" of channel {channel}")
            if one is not None:
                found[channel] = one
        return found

    def arrivals(self) -> Arrivals:
        run = self._run
        if run.histogram is None or run.plan.period_ps is None:
            raise InputError("the light has no period and the file no sync, so there are no phases")
        counts = run.histogram.result(run.plan.detectors)
        return Arrivals(counts, run.bin_ps, run.plan.period_ps, run.histogram.outside)

    def lifetime(self, arrivals: Arrivals | None, channel: int) -> Lifetime:
        if arrivals is None:
            raise InputError(
                "a lifetime needs arrival times within pulses, which there are none of"
            )
        return fit_with_response(arrivals, channel, self._response)

    def g2(self) -> PulsedG2 | SteadyG2:
        delays, plan = self._across(), self._run.plan
        if plan.period_ps is None:
            return steady_g2(delays, confidence=self._confidence)
        return pulsed_g2(
            delays,
            plan.period_ps,
            confidence=self._confidence,
            pattern=self._pattern,
            apart_ps=plan.apart_ps,
        )

    def skew(self, arrivals: Arrivals | None) -> Skew:
        pair = self._run.plan.pair
        if arrivals is None or pair is None:
            raise InputError("a skew needs two detectors and arrival times within pulses")
        chosen = {place: arrivals.counts[channel] for place, channel in enumerate(pair)}
        found = skews(chosen, arrivals.period_ps)
        if not found:
            raise InputError("clicks come at all times of the period alike, so no skew is seen")
        return Skew(pair, found[0].skew_ps, found[0].sigma_ps)

    def efficiencies(self, arrivals: Arrivals | None, skew: Skew | None) -> Efficiencies | None:
        pair = self._run.plan.pair
        if arrivals is None or pair is None or skew is None:
            return None
        one, two = (arrivals.counts[channel] for channel in pair)
        bin_ps, period_ps = arrivals.bin_ps, arrivals.period_ps
        return compare_efficiencies(one, two, bin_ps, skew.skew_ps, period_ps)

    def afterpulses(
        self, dead_times: dict[int, DeadTime], g2: PulsedG2 | SteadyG2 | None
    ) -> dict[int, Afterpulses]:
        pair = self._run.plan.pair
        if pair is None:
            self.refused.setdefault(
                "afterpulsing",
                self._refuses("afterpulsing")
                or "one detector alone cannot tell afterpulses from light in bursts, use two",
            )
            return {}
        dip_ps = g2.dip_ps if g2 else 0.0
        found = {}
        for channel in pair:
            measure = partial(self._afterpulses_of, channel, dead_times.get(channel), dip_ps)
            measured = self.attempt("afterpulsing", measure, f" of channel {channel}")
            if measured is not None:
                found[channel] = measured
        return found

    def _afterpulses_of(self, channel: int, dead: DeadTime | None, dip_ps: float) -> Afterpulses:
        rates, pair = self._run.rates, self._run.plan.pair
        assert pair is not None
        if not constant_ratio(*(rates.result(each).over_time for each in pair)):
            raise InputError(
                "the two detectors' rates change against each other during the file, so what "
                "follows a click cannot be compared between them"
            )
        if dead is None:
            raise InputError("afterpulses need the dead time, which is not known")
        clicks, others = (rates.clicks(one) for one in (pair if channel == pair[0] else pair[::-1]))
        return afterpulses(
            self._correlator().within(channel),
            self._across(),
            clicks,
            clicks / others,
            dead_ps=dead.high_ps,
            dip_ps=dip_ps,
            period_ps=self._run.plan.period_ps,
        )

    def _across(self) -> Delays:
        return self._correlator().across()

    def _correlator(self) -> Correlator:
        if self._run.correlator is None:
            raise InputError("g² needs two detectors, and the file has not two with clicks")
        return self._run.correlator
