"""The trigger's period, jitter and missing edges, from its own tags.

Edges are a whole number of periods apart, more than one where some are missing: lost, or left out
by a filter that keeps only those near a click. The jitter is what intervals of a single period
scatter by; it is √2 times the jitter of one edge, where edges jitter independently.
"""

import math
from dataclasses import dataclass

import numpy as np

from hexkey.errors import InputError
from hexkey.measure.clicks import Times

LEAST_EDGES = 100
FIRST_EDGES = 20_000
MOST_SPAN = 0.1  # of a period: an interval further off a whole number of periods is a stray edge
STRETCHES = 64
TIGHT = 0.02  # of a period: where a trigger's intervals end, and a detector's do by chance
MOSTLY = 0.9


@dataclass(frozen=True, slots=True)
class Trigger:
    """What the trigger's edges say.

    Attributes
    ----------
    edges : int
    period_ps, period_sigma_ps : float
        Mean over the run.
    jitter_ps, jitter_sigma_ps : float
        Standard deviation of one edge; 0 where the tagger's ticks are coarser.
    missing : int
        Edges that a steady trigger had and the file has not.
    stray : int
        Intervals that are no whole number of periods.
    drift : float
        Range of the period over the run's parts, as a share of it.
    drift_sigma : float
        Of one part's period.
    """

    edges: int
    period_ps: float
    period_sigma_ps: float
    jitter_ps: float
    jitter_sigma_ps: float
    missing: int
    stray: int
    drift: float
    drift_sigma: float


def base_period(edges: Times) -> float:
    """Return the shortest interval that is common among ascending edges: about one period.

    Filtered edges are seldom neighbours, so few have it: one in two thousand is common enough.
    """
    steps = np.diff(edges)
    base = float(np.partition(steps, len(steps) // 2000)[len(steps) // 2000])
    return float(np.median(steps[np.abs(steps - base) <= MOST_SPAN * base]))


def is_trigger(time_ps: Times) -> bool:
    """Return whether clicks are those of a trigger: all of them whole periods apart.

    A detector's are not: its shortest common interval is its dead time.
    """
    even = _even(time_ps)
    return even is not None and even > MOSTLY


def is_light(time_ps: Times) -> bool:
    """Return whether clicks are certainly not those of a trigger."""
    even = _even(time_ps)
    return even is not None and even <= MOSTLY


def _even(time_ps: Times) -> float | None:
    """Return the share of short intervals that are whole periods; None where too few tell."""
    time = np.sort(time_ps[:FIRST_EDGES])
    if len(time) < LEAST_EDGES or time[0] == time[-1]:
        return None
    period, steps = base_period(time), np.diff(time)
    if period <= 0:
        return None
    near = steps[steps < 50.5 * period]
    if len(near) < LEAST_EDGES / 2:
        return None
    return float(np.mean(np.abs(near - np.rint(near / period) * period) < TIGHT * period))


class TriggerCounter:
    """Follows a trigger's edges, chunk by chunk; its first edges say the period."""

    def __init__(self) -> None:
        self._first: list[Times] = []
        self._held = 0
        self._period: float | None = None
        self._last: int | None = None
        self._edges = self._singles = self._missing = self._stray = 0
        self._sum = self._squares = 0.0
        self._spans: list[tuple[int, int]] = []  # (ps, periods) of stretches of the run

    def push(self, time_ps: Times) -> None:
        if self._period is not None:
            self._count(time_ps, self._period)
            return
        self._first.append(time_ps)
        self._held += len(time_ps)
        if self._held >= FIRST_EDGES:
            self._begin()

    def _begin(self) -> None:
        time = np.sort(np.concatenate(self._first)) if self._first else np.zeros(0, np.int64)
        if len(time) < LEAST_EDGES:
            raise InputError(
                f"a jitter needs {LEAST_EDGES} edges of the trigger, not {len(time)}: record longer"
            )
        self._period = base_period(time)
        self._first = []
        self._count(time, self._period)

    def _count(self, time_ps: Times, period: float) -> None:
        time = np.sort(time_ps)
        if self._last is not None:
            time = np.concatenate([[self._last], time])
        if not len(time):
            return
        self._last = int(time[-1])
        steps = np.diff(time)
        self._edges += len(steps)
        periods = np.rint(steps / period).astype(np.int64)
        away = steps - periods * period
        # Over many missing edges the period's own error adds up: only near intervals are judged.
        near = (periods > 0) & (periods <= 50)
        sound = near & (np.abs(away) < MOST_SPAN * period)
        self._stray += int(np.count_nonzero((periods == 0) | (near & ~sound)))
        self._missing += int(np.sum(np.maximum(periods - 1, 0)))
        single = away[sound & (periods == 1)]
        self._singles += len(single)
        self._sum += float(single.sum())
        self._squares += float(np.sum(single**2))
        self._spans.append((int(steps[sound].sum()), int(periods[sound].sum())))
        if len(self._spans) >= 2 * STRETCHES:
            pairs = zip(self._spans[::2], self._spans[1::2], strict=True)
            self._spans = [(one[0] + two[0], one[1] + two[1]) for one, two in pairs]

    def result(self) -> Trigger:
        """Return what the edges say.

        Raises
        ------
        InputError
            There are too few edges, or hardly two are a single period apart.
        """
        if self._period is None:
            self._begin()
        assert self._period is not None
        if self._singles < LEAST_EDGES:
            raise InputError(
                f"only {self._singles} intervals of the trigger are a single period, too few to "
                f"tell a jitter from: record for longer, or filter fewer edges"
            )
        spans = [span for span in self._spans if span[1]]
        total_ps, total = (sum(column) for column in zip(*spans, strict=True))
        period = total_ps / total
        spread = self._squares / self._singles - (self._sum / self._singles) ** 2
        jitter = math.sqrt(max(spread, 0.0) / 2)
        parts = np.array([ps / number for ps, number in spans])
        share = total / len(spans)
        return Trigger(
            edges=self._edges + 1,
            period_ps=period,
            period_sigma_ps=jitter * math.sqrt(2 / total),
            jitter_ps=jitter,
            jitter_sigma_ps=jitter / math.sqrt(2 * self._singles),
            missing=self._missing,
            stray=self._stray,
            drift=float(np.ptp(parts)) / period,
            drift_sigma=jitter * math.sqrt(2 / share) / period,
        )
