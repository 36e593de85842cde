"""Pulse numbers from the trigger's edges among a free-running tagger's tags.

An edge may stand for many pulses (a divider), have jitter, be missing (a filter that passes only
edges after an event, or chance), or not belong there. So no single edge is believed. The edges of
a short stretch give one *knot*: the phase of the trigger against an even comb of its period, by the
median of their deviations and then the mean of those near it. Between knots the phase is
interpolated; by how much it may move from knot to knot is limited, since a quarter of an edge's
period further on the count itself is in doubt. Where that happens, or edges are missing for longer
than the period is good for, numbering begins anew: an epoch.

No numbers are extrapolated: an epoch is from its first edge to its last.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hexkey.errors import ConfigurationError
from hexkey.tags.period import FEWEST_EDGES, LOCKED, find_period

EDGES_PER_KNOT = 64
EDGES_TO_LOCK = 4_096  # so many tell the period well enough for the gaps that may follow
TOLERANCE = 1e-3  # of the stated rate
HOLDOVER_PPM = 1.0
_DOUBT = 0.25  # of the period of edges
_SIGMAS = 5.0
_SIGMA_OF_MAD = 1.4826
_WEAKEST = 0.5  # mean phasor of a knot's edges

Floats = NDArray[np.float64]
Times = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch of an epoch in which every time has a pulse number and a phase.

    Attributes
    ----------
    epoch : int
    first_ticks, end_ticks : int
        Half-open, in ticks of the file.
    """

    epoch: int
    first_ticks: int
    end_ticks: int
    _pulses: int  # a whole number of edges' pulses, to which the rest is added
    _period: float  # of a pulse
    _knots: Floats  # times since `first_ticks`
    _counts: Floats  # pulses at the knots, since `_pulses`, less those of an even comb

    def locate(self, ticks: Times, unit: float = 1.0) -> tuple[Times, Times]:
        """Return pulse numbers and phases of times in the stretch.

        Parameters
        ----------
        ticks : (n,) int64
        unit : float
            Ticks of the phases returned, which are rounded to the nearest.
        """
        since = (ticks - self.first_ticks).astype(np.float64)
        count = since / self._period + np.interp(since, self._knots, self._counts)
        # In the unit of phases, so that what rounds up to the period is of the next pulse.
        period = self._period / unit
        place = count + 0.5 / period
        pulse = np.floor(place)
        return self._pulses + pulse.astype(np.int64), ((place - pulse) * period).astype(np.int64)

    @property
    def end_pulse(self) -> int:
        """The pulse that its end is in."""
        return int(self.locate(np.array([self.end_ticks]))[0][0])


@dataclass(slots=True)
class TriggerCounts:
    """What became of the edges; `squares` sums the squared deviations of those followed."""

    edges: int = 0
    spurious: int = 0
    unlocked: int = 0
    late: int = 0
    epochs: int = 0
    followed: int = 0
    squares: float = 0.0

    @property
    def jitter_ticks(self) -> float | None:
        """One standard deviation of the edges that were followed."""
        return float(self.squares / self.followed) ** 0.5 if self.followed else None


@dataclass(slots=True)
class _Lock:
    """Where the numbering stands: at `time` (ticks), `pulses` + `rest` pulses had begun."""

    time: int
    pulses: int
    rest: float
    period: float  # of a pulse, ticks
    anchor: tuple[int, float]  # time and pulses from where the period is measured next
    fresh: bool = False  # no knot was taken yet: `time` is that of a single edge


class TriggerTracker:
    """Follows a trigger through a stream of its edges; memory is bounded.

    Parameters
    ----------
    period_ticks : float
        Of a pulse, as stated.
    divider : int
        Pulses for each edge.
    tolerance : float
        How far the stated period may be off, as a share of it.
    holdover_ppm : float
        How far off the prediction may be while edges are missing.

    Attributes
    ----------
    counts : TriggerCounts
    period_ticks : float
        Of a pulse, as found last.
    """

    def __init__(
        self,
        period_ticks: float,
        divider: int = 1,
        *,
        tolerance: float = TOLERANCE,
        holdover_ppm: float = HOLDOVER_PPM,
    ) -> None:
        if not period_ticks > 0 or divider < 1 or not 0 < tolerance < 0.1 or not holdover_ppm > 0:
            raise ConfigurationError(
                "a trigger needs a period above 0, a divider of 1 or more, a tolerance below 0.1 "
                f"and a holdover_ppm above 0, not {period_ticks:g}, {divider}, {tolerance:g}, "
                f"{holdover_ppm:g}"
            )
        self.counts = TriggerCounts()
        self.period_ticks = period_ticks
        self._about = period_ticks
        self._divider = divider
        self._tolerance = tolerance
        self._holdover_ticks = _DOUBT * divider * period_ticks / (holdover_ppm * 1e-6)
        self._pending = np.empty(0, np.int64)
        self._lock: _Lock | None = None
        self._taken_until = np.iinfo(np.int64).min

    def push(self, edges: Times, now_ticks: int) -> list[Stretch]:
        """Take edges, and that the stream has come to a time; return the stretches now known."""
        self.counts.edges += len(edges)
        early = edges <= self._taken_until
        self.counts.late += int(np.count_nonzero(early))
        self._pending = np.sort(np.concatenate([self._pending, edges[~early]]))
        found: list[Stretch] = []
        gaps = np.flatnonzero(np.diff(self._pending) > self._holdover_ticks) + 1
        runs = np.split(self._pending, gaps)
        for run in runs[:-1]:
            found += self._follow(run, final=True)
        silent = len(runs[-1]) and now_ticks - int(runs[-1][-1]) > self._holdover_ticks
        self._pending = runs[-1]
        found += self._follow(runs[-1], final=bool(silent))
        return found

    def finish(self) -> list[Stretch]:
        """Return what the last edges tell."""
        return list(self._follow(self._pending, final=True))

    def numbered_from(self, now_ticks: int) -> int:
        """Return the time before which no stretch to come begins."""
        if self._lock is not None:
            return self._lock.time
        if len(self._pending):
            return int(self._pending[0])
        return now_ticks

    def _follow(self, run: Times, *, final: bool) -> Iterator[Stretch]:
        """Make stretches of edges without a long gap; what is too few for a knot stays pending."""
        while len(run):
            if self._lock is None and not self._acquire(run, final):
                if not final and len(run) < EDGES_TO_LOCK:
                    break
                skipped = max(FEWEST_EDGES, len(run) // 2)
                self.counts.unlocked += len(run[:skipped])
                run = run[skipped:]
                continue
            if len(run) < EDGES_PER_KNOT and not final:
                break
            # Not too many at once: the period follows from stretch to stretch.
            some = run if len(run) < 2 * EDGES_TO_LOCK else run[:EDGES_TO_LOCK]
            stretch, used = self._stretch(some, final and len(some) == len(run))
            run = run[used:]
            if stretch is not None:
                yield stretch
        self._pending = run
        if final and self._lock is not None:
            # The edges ended exactly with a knot.
            self._lock = None

    def _acquire(self, run: Times, final: bool) -> bool:
        if len(run) < (FEWEST_EDGES if final else EDGES_TO_LOCK):
            return False
        period, strength = find_period(run, self._about * self._divider, self._tolerance)
        if strength < LOCKED:
            return False
        period /= self._divider
        # The first edge is at pulse `divider`, so that jitter makes no pulse before 0.
        self._lock = _Lock(
            int(run[0]), self._divider, 0.0, period, (int(run[0]), float(self._divider)), fresh=True
        )
        self.period_ticks = period
        self.counts.epochs += 1
        return True

    def _stretch(self, run: Times, final: bool) -> tuple[Stretch | None, int]:
        """Return a stretch from where numbering stands, and how many edges it took."""
        assert self._lock is not None
        lock = self._lock
        knots = max(1, len(run) // EDGES_PER_KNOT)
        bounds = np.append(np.arange(knots) * EDGES_PER_KNOT, len(run))
        if not final:
            bounds[-1] = knots * EDGES_PER_KNOT
        used = run[: bounds[-1]]
        since = (used - lock.time).astype(np.float64)
        turns = since / (lock.period * self._divider) + lock.rest / self._divider
        phases, times, sound = self._knots(since, turns, bounds)
        doubt = np.flatnonzero(~sound | (np.abs(np.diff(phases, prepend=0.0)) > _DOUBT))
        broken = len(doubt) > 0
        if broken:
            knots = int(doubt[0])
            self.counts.unlocked += int(bounds[knots + 1] - bounds[knots])
            taken = int(bounds[knots + 1])
            phases, times, used = phases[:knots], times[:knots], used[: bounds[knots]]
        else:
            taken = int(bounds[-1])
        last = broken or (final and taken == len(run))
        self._taken_until = int(run[taken - 1])
        if not knots:
            self._lock = None
            return None, taken
        end = float(used[-1] - lock.time) if last else times[-1]
        phases, times = self._ends(phases, times, end, lock.fresh)
        counts = lock.rest - self._divider * phases
        stretch = Stretch(
            self.counts.epochs - 1,
            lock.time,
            lock.time + int(end) + last,
            lock.pulses,
            lock.period,
            times,
            counts,
        )
        self._lock = None if last else self._moved(lock, stretch)
        return stretch, taken

    def _knots(
        self, since: Floats, turns: Floats, bounds: NDArray[np.intp]
    ) -> tuple[Floats, Floats, NDArray[np.bool_]]:
        """Return phase (turns of the edges' period) and time of each knot, and if it is sound."""
        sizes = np.diff(bounds)
        # Rough by its use below, so that single precision will do, which is several times as fast.
        angles = (2 * np.pi * (turns - np.rint(turns))).astype(np.float32)
        sums = [np.add.reduceat(part(angles), bounds[:-1]) for part in (np.cos, np.sin)]
        means = (sums[0] + 1j * sums[1]) / sizes
        rough = np.unwrap(np.concatenate([[0.0], np.angle(means)]))[1:] / (2 * np.pi)
        off = turns - np.repeat(rough, sizes)
        off -= np.rint(off)
        even = off[: bounds[-2]].reshape(-1, EDGES_PER_KNOT)  # all but the last are of one size
        medians = np.append(_medians(even), _medians(off[None, bounds[-2] :]))
        off -= np.repeat(medians, sizes)
        limit = _SIGMAS * _SIGMA_OF_MAD * float(_medians(np.abs(off)[None])[0])
        one_tick = 1.5 / (self._divider * self.period_ticks)
        near = np.abs(off) <= max(limit, one_tick)
        kept = np.add.reduceat(near.astype(np.int64), bounds[:-1])
        sound = (np.abs(means) >= _WEAKEST) & (2 * kept >= sizes)
        kept = np.maximum(1, kept)
        mean = np.add.reduceat(np.where(near, off, 0.0), bounds[:-1]) / kept
        times = np.add.reduceat(np.where(near, since, 0.0), bounds[:-1]) / kept
        self.counts.spurious += int(np.count_nonzero(~near))
        self.counts.followed += int(np.count_nonzero(near))
        scale = self._divider * self.period_ticks
        self.counts.squares += float(np.sum(np.square(off[near]))) * scale**2
        return rough + medians + mean, times, sound

    def _ends(
        self, phases: Floats, times: Floats, end: float, fresh: bool
    ) -> tuple[Floats, Floats]:
        """Add the stretch's two ends: within the half knot there, phases go on straight."""
        known, when = phases, times
        if not fresh:
            known, when = np.append(0.0, known), np.append(0.0, when)

        def at(time: float, one: int, two: int) -> float:
            if len(known) < 2 or when[two] <= when[one]:
                return float(known[one])
            slope = (known[two] - known[one]) / (when[two] - when[one])
            return float(known[one] + slope * (time - when[one]))

        first = [at(0.0, 0, 1 if len(known) > 1 else 0)] if fresh else []
        final = [at(end, -1, -2 if len(known) > 1 else -1)] if end > when[-1] else []
        return (
            np.concatenate([first, known, final]),
            np.concatenate([[0.0] * len(first), when, [end] * len(final)]),
        )

    def _moved(self, lock: _Lock, stretch: Stretch) -> _Lock:
        """Return where numbering stands at the end of a stretch; the period, where it tells more.

        A short stretch tells little of the period, which has to bridge gaps: it is measured over as
        long as the longest of them.
        """
        since = stretch.end_ticks - stretch.first_ticks
        total = since / lock.period + float(np.interp(since, stretch._knots, stretch._counts))
        whole = int(total // self._divider) * self._divider
        period, anchor = lock.period, lock.anchor
        if stretch.end_ticks - anchor[0] >= self._holdover_ticks:
            period = float((stretch.end_ticks - anchor[0]) / (lock.pulses + total - anchor[1]))
            anchor = stretch.end_ticks, lock.pulses + total
            self.period_ticks = period
        return _Lock(stretch.end_ticks, lock.pulses + whole, total - whole, period, anchor)


def _medians(rows: Floats) -> Floats:
    """Return the median of each row: without the search for NaN, which costs more than they do."""
    low, high = (rows.shape[1] - 1) // 2, rows.shape[1] // 2
    parted = np.partition(rows, (low, high), axis=1)
    return np.asarray((parted[:, low] + parted[:, high]) / 2)
