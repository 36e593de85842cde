"""Tags of any tagger folded into pulses: what a board does with its pins, done with a file.

The order is the board's: delay → pulse → hold-off; gate and resolver come after it, the same code
as for a board's events. Free-running tags get their pulses from the trigger's edges among them
(`hexkey.tags.trigger`), those of T3 files have them. Phases are in picoseconds whatever the file's
tick, so that gates are set as finely in every file.

Every tag that is dropped is counted. A second click of a detector in a pulse is dropped, and
counted, by the resolver: only within the gate does it know which is the first.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hexkey.errors import ConfigurationError, InputError
from hexkey.events import Events
from hexkey.tags.folding import CHANNELS, Folding
from hexkey.tags.stream import TagFile, Tags
from hexkey.tags.trigger import Stretch, TriggerTracker

TICK_PS = Fraction(1)  # of phases
_NONE = np.uint8(255)

Ticks = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Folded:
    """Events of one epoch whose pulses are complete: none of them goes on in the next piece.

    Attributes
    ----------
    epoch : int
    events : Events
        One click each, by pulse and phase, in `TICK_PS`.
    """

    epoch: int
    events: Events


@dataclass(slots=True)
class FoldCounts:
    """What became of the tags.

    Attributes
    ----------
    tags : int
        All of them; the sum of the next six and of `edges`.
    clicks : int
        Passed on.
    held_off : int
        In the hold-off after another click, or after an epoch's start.
    untriggered : int
        Where the trigger gives no pulse numbers.
    late : int
        Far out of order.
    unused : int
        On channels that are neither a detector's nor the trigger's.
    before_first : int
        Before pulse 0.
    edges : int
        Of the trigger.
    """

    tags: int = 0
    clicks: int = 0
    held_off: int = 0
    untriggered: int = 0
    late: int = 0
    unused: int = 0
    before_first: int = 0
    edges: int = 0


class Folder:
    """Folds a stream of tags, piece by piece; memory is bounded by pieces and the trigger's knots.

    Attributes
    ----------
    counts : FoldCounts
    histogram : (period_ticks,) int64
        Clicks by their phase, hold-off not applied, summed over detectors.
    tracker : TriggerTracker or None
        That of free-running tags.
    """

    def __init__(self, file: TagFile, folding: Folding) -> None:
        if file.pulsed and folding.trigger_channel is not None:
            raise ConfigurationError(
                f"{file.path} has pulse numbers (T3): leave the trigger's channel away"
            )
        if not file.pulsed and folding.trigger_channel is None:
            raise ConfigurationError(
                f"{file.path} has free-running tags ({file.format}): name the channel of the "
                "trigger's edges with --trigger-channel"
            )
        self.counts = FoldCounts()
        self.histogram = np.zeros(folding.period_ticks, np.int64)
        self.tracker: TriggerTracker | None = None
        self._folding = folding
        self._tick_ps = file.tick_ps
        self._detector = np.full(CHANNELS, _NONE)
        self._detector[list(folding.channels)] = np.arange(len(folding.channels))
        self._delay_ps = np.rint(np.array(folding.delay_ps, np.float64)).astype(np.int64)
        self._margin = 2 + int(np.ptp(self._delay_ps) // folding.period_ps)
        if not file.pulsed:
            self.tracker = TriggerTracker(
                folding.period_ps / float(file.tick_ps),
                folding.trigger_divider,
                tolerance=folding.tolerance,
                holdover_ppm=folding.holdover_ppm,
            )
        self._waiting = Tags(np.empty(0, np.uint8), np.empty(0, np.int64))
        self._held = _Clicks.none()
        self._epoch = 0
        self._given_until = 0  # pulses below it are complete
        # What clicked before an epoch is unknown: taken to be a click just before its first pulse.
        self._before_epoch = -1 if file.pulsed else folding.trigger_divider - 1
        self._last_click = self._before_epoch
        self._latest_pulse = 0

    def push(self, tags: Tags) -> list[Folded]:
        """Take the next tags of the file; return the events that are complete."""
        self.counts.tags += len(tags)
        detector = self._detector[tags.channel]
        trigger = self._folding.trigger_channel
        edges = np.zeros(len(tags), np.bool_) if trigger is None else tags.channel == trigger
        clicks = detector != _NONE
        self.counts.edges += int(np.count_nonzero(edges))
        self.counts.unused += len(tags) - int(np.count_nonzero(clicks | edges))
        if tags.pulse is not None:
            return self._pulsed(tags.take(clicks), detector[clicks])
        assert self.tracker is not None
        if len(tags) == 0:
            return []
        delay = self._delay_in_file_ticks(detector[clicks])
        came = Tags(detector[clicks], tags.ticks[clicks] + delay)
        self._waiting = _joined(self._waiting, came)
        now = int(tags.ticks.max())
        found = self._stretches(self.tracker.push(tags.ticks[edges], now))
        self._forget_before(self.tracker.numbered_from(now))
        return found

    def finish(self) -> list[Folded]:
        """Return what was held back, at the end of the file.

        Raises
        ------
        InputError
            The trigger could not be followed anywhere.
        """
        found: list[Folded] = []
        if self.tracker is not None:
            found = self._stretches(self.tracker.finish())
            self.counts.untriggered += len(self._waiting)
            self._waiting = self._waiting.take(slice(0, 0))
            self._require_lock()
        return [each for each in [*found, self._give(None)] if len(each.events)]

    def losses(self) -> dict[str, int]:
        """Return what was dropped, for a report: sums over detectors only."""
        counts = self.counts
        return {
            "held_off": counts.held_off,
            "untriggered": counts.untriggered,
            "out_of_order": counts.late,
            "unused_tags": counts.unused,
            "before_first_pulse": counts.before_first,
        }

    def trigger_facts(self) -> dict[str, Any] | None:
        """Return how the trigger was followed, for a report; None with pulse numbers."""
        if self.tracker is None:
            return None
        seen, tick_ps = self.tracker.counts, float(self._tick_ps)
        jitter = seen.jitter_ticks
        return {
            "edges": seen.edges,
            "spurious_edges": seen.spurious,
            "unlocked_edges": seen.unlocked,
            "late_edges": seen.late,
            "epochs": seen.epochs,
            "jitter_ps": None if jitter is None else jitter * tick_ps,
            "period_ps": self.tracker.period_ticks * tick_ps,
        }

    def _require_lock(self) -> None:
        assert self.tracker is not None
        if not self.tracker.counts.epochs:
            folding = self._folding
            raise InputError(
                f"{self.counts.edges} edges on channel {folding.trigger_channel} are no trigger of "
                f"{folding.trigger_divider} pulse(s) of {folding.period_ps:g} ps: check the "
                "trigger's channel, its divider and the pulse rate"
            )

    def _delay_in_file_ticks(self, detector: NDArray[np.uint8]) -> Ticks:
        ticks = np.rint(self._delay_ps / float(self._tick_ps)).astype(np.int64)
        return np.asarray(ticks[detector])

    def _pulsed(self, tags: Tags, detector: NDArray[np.uint8]) -> list[Folded]:
        """Fold tags that have sync periods, of `trigger_divider` pulses each."""
        assert tags.pulse is not None
        if len(tags) == 0:
            return []
        folding, tick = self._folding, self._tick_ps
        time = (tags.ticks * tick.numerator + tick.denominator // 2) // tick.denominator
        time += self._delay_ps[detector]
        within = np.floor(time / folding.period_ps).astype(np.int64)
        phase = (time - np.floor(within * folding.period_ps)).astype(np.int64)
        pulse = tags.pulse * folding.trigger_divider + within
        self._hold(pulse, phase, detector)
        self._latest_pulse = max(self._latest_pulse, int(pulse.max()))
        given = self._give(self._latest_pulse - self._margin)
        return [given] if len(given.events) else []

    def _stretches(self, stretches: list[Stretch]) -> list[Folded]:
        found = []
        for stretch in stretches:
            if stretch.epoch != self._epoch:
                found.append(self._give(None))
                self._epoch, self._given_until = stretch.epoch, 0
                self._last_click = self._before_epoch
            ticks = self._waiting.ticks
            inside = (ticks >= stretch.first_ticks) & (ticks < stretch.end_ticks)
            before = ticks < stretch.first_ticks
            self.counts.untriggered += int(np.count_nonzero(before))
            unit = 1 / float(self._tick_ps)
            pulse, phase = stretch.locate(ticks[inside], unit)
            self._hold(pulse, phase, self._waiting.channel[inside])
            self._waiting = self._waiting.take(~(inside | before))
            # Nothing earlier comes: later stretches begin where this one ends.
            found.append(self._give(stretch.end_pulse - 1))
        return [each for each in found if len(each.events)]

    def _forget_before(self, ticks: int) -> None:
        before = self._waiting.ticks < ticks
        self.counts.untriggered += int(np.count_nonzero(before))
        self._waiting = self._waiting.take(~before)

    def _hold(self, pulse: Ticks, phase: Ticks, detector: NDArray[np.uint8]) -> None:
        # A rounded period may be a tick shorter than the true one.
        phase = np.minimum(phase, self._folding.period_ticks - 1)
        late, early = (pulse < self._given_until) & (pulse >= 0), pulse < 0
        self.counts.late += int(np.count_nonzero(late))
        self.counts.before_first += int(np.count_nonzero(early))
        chosen = ~(late | early)
        new = _Clicks(pulse[chosen], phase[chosen], detector[chosen])
        self._held = self._held.joined(new)

    def _give(self, until: int | None) -> Folded:
        """Return the held clicks of pulses below `until`, in order, those in the hold-off away."""
        clicks = self._held.sorted()
        stop = len(clicks) if until is None else int(np.searchsorted(clicks.pulse, until))
        clicks, self._held = clicks.part(slice(0, stop)), clicks.part(slice(stop, None))
        if until is not None:
            self._given_until = max(self._given_until, until)
        self.histogram += np.bincount(clicks.phase, minlength=len(self.histogram))
        clicks = self._held_off(clicks)
        self.counts.clicks += len(clicks)
        return Folded(self._epoch, clicks.events())

    def _held_off(self, clicks: "_Clicks") -> "_Clicks":
        """Drop clicks that come too soon after a pulse with any click, dropped ones included."""
        if len(clicks) == 0:
            return clicks
        first = np.flatnonzero(np.diff(clicks.pulse, prepend=-1) != 0)
        pulses = clicks.pulse[first]
        gap = np.diff(pulses, prepend=self._last_click)
        alive = gap > self._folding.holdoff_pulses
        self._last_click = int(pulses[-1])
        kept = np.repeat(alive, np.diff(first, append=len(clicks)))
        self.counts.held_off += len(clicks) - int(np.count_nonzero(kept))
        return clicks.part(kept)


def fold(file: TagFile, folding: Folding, *, follow: bool = False) -> Iterator[Folded]:
    """Yield the events of a file; a `Folder` tells what was dropped, too.

    Raises
    ------
    ConfigurationError
        The folding does not suit the file.
    InputError
        The trigger could not be followed anywhere.
    """
    folder = Folder(file, folding)
    for tags in file.chunks(follow=follow):
        yield from folder.push(tags)
    yield from folder.finish()


@dataclass(frozen=True, slots=True)
class _Clicks:
    pulse: Ticks
    phase: Ticks
    detector: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.pulse)

    @staticmethod
    def none() -> "_Clicks":
        return _Clicks(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.uint8))

    def part(self, chosen: NDArray[Any] | slice) -> "_Clicks":
        return _Clicks(self.pulse[chosen], self.phase[chosen], self.detector[chosen])

    def joined(self, other: "_Clicks") -> "_Clicks":
        return _Clicks(
            np.concatenate([self.pulse, other.pulse]),
            np.concatenate([self.phase, other.phase]),
            np.concatenate([self.detector, other.detector]),
        )

    def sorted(self) -> "_Clicks":
        return self.part(np.lexsort((self.detector, self.phase, self.pulse)))

    def events(self) -> Events:
        return Events(
            self.pulse.astype(np.uint64),
            self.phase.astype(np.uint32),
            np.left_shift(np.uint8(1), self.detector),
            np.zeros(len(self), np.uint8),
        )


def _joined(one: Tags, two: Tags) -> Tags:
    return Tags(np.concatenate([one.channel, two.channel]), np.concatenate([one.ticks, two.ticks]))
