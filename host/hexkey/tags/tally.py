"""What one pass over a recording counts for its examination, piece by piece in constant memory."""

import math

import numpy as np
from numpy.typing import NDArray

from hexkey.tags.stream import TagFile, Tags

CHANNELS = 256
GAP_BIN_PS = 1000
GAP_BINS = 1 << 13  # 8 µs: longer than the dead time of any converter
MOST_DELAY_TICKS = (1 << 16) - 1
_LEAST_ROLLOVER = 1 << 16

Counts = NDArray[np.int64]


class Tally:
    """Counts detections in their order.

    Times are ticks, or with pulse numbers the pulse and, where less than a pulse matters, the ticks
    since its sync.

    Attributes
    ----------
    unit_ps : float
        What a step of its times lasts: a tick, or with T3 the sync's period; 0 if none is stated.
    counts : (256,) int64
        Detections by channel.
    left_out : dict
        Sums of `Tags.left_out`.
    first, last : int or None
        Earliest and latest ticks, or pulse with T3.
    descents, step_back : int
        Detections earlier than the one before them, and by how many ticks or pulses at most.
    duplicates : int
        Detections at the time and channel of the one before them.
    follows : (256, 256) int64
        How often a detection of a channel (row) was followed by one of another (column).
    gaps : (2, bins) int64
        Times between neighbouring detections in bins of `GAP_BIN_PS`, of the same channel and of
        different ones; the trigger's edges are left out.
    delays : (65536,) int64 or None
        With T3: ticks since the sync, all channels; the last bin holds all that is longer.
    late, longest_ticks : int
        With T3: detections later than the sync's period, by more than its rounding, and the longest
        time since a sync.
    spacing : dict
        Of each channel: the largest number that divides all its times between detections, 0 where
        that is none of a rollover.
    """

    def __init__(self, file: TagFile) -> None:
        self._trigger = file.trigger_channel
        self._tick_ps = float(file.tick_ps)
        self.unit_ps = float((file.sync_period_ps if file.pulsed else file.tick_ps) or 0)
        reach_ps = GAP_BIN_PS * GAP_BINS
        self._reach = int(reach_ps / self.unit_ps) + 1 if self.unit_ps else 0
        self.counts: Counts = np.zeros(CHANNELS, np.int64)
        self.left_out: dict[str, int] = {}
        self.first: int | None = None
        self.last: int | None = None
        self.descents = self.step_back = self.duplicates = 0
        self.follows: Counts = np.zeros((CHANNELS, CHANNELS), np.int64)
        self.gaps: Counts = np.zeros((2, GAP_BINS), np.int64)
        self.delays: Counts | None = (
            np.zeros(MOST_DELAY_TICKS + 1, np.int64) if file.pulsed else None
        )
        self.late = self.longest_ticks = 0
        period_ticks = float(file.sync_period_ps or math.inf) / self._tick_ps
        self._on_time = period_ticks * 1.01 + 1  # ticks
        self.spacing: dict[int, int] = {}
        self._before: Tags | None = None  # the last detection of the piece before
        self._click_before: Tags | None = None  # the same, the trigger's edges left out
        self._start: dict[int, int] = {}

    def push(self, tags: Tags) -> None:
        """Take the next piece."""
        for name, count in tags.left_out.items():
            self.left_out[name] = self.left_out.get(name, 0) + count
        if len(tags) == 0:
            return
        self.counts += np.bincount(tags.channel, minlength=CHANNELS)
        times = self._times(tags)
        low, high = int(times.min()), int(times.max())
        self.first = low if self.first is None else min(self.first, low)
        self.last = high if self.last is None else max(self.last, high)
        if self.delays is not None:
            self._count_delays(tags.ticks)
        else:
            self._look_for_rollovers(tags)
        for stretch in _stretches(self._before, tags):
            self._compare(stretch)
        self._before = tags.take(slice(-1, None))
        clicks = tags
        if self._trigger is not None:
            clicks = tags.take(tags.channel != self._trigger)
        if len(clicks) and self.unit_ps:
            for stretch in _stretches(self._click_before, clicks):
                self._measure_gaps(stretch)
            self._click_before = clicks.take(slice(-1, None))

    @property
    def total(self) -> int:
        """Detections, the trigger's edges among them."""
        return int(self.counts.sum())

    @property
    def seconds(self) -> float:
        """From the earliest detection to the latest."""
        if self.first is None or self.last is None:
            return 0.0
        return (self.last - self.first) * self.unit_ps * 1e-12

    def _times(self, tags: Tags) -> NDArray[np.int64]:
        return tags.ticks if tags.pulse is None else tags.pulse

    def _count_delays(self, ticks: NDArray[np.int64]) -> None:
        assert self.delays is not None
        longest = int(ticks.max())
        self.longest_ticks = max(self.longest_ticks, longest)
        if longest > self._on_time:
            self.late += int(np.count_nonzero(ticks > self._on_time))
        if longest > MOST_DELAY_TICKS or ticks.min() < 0:
            ticks = np.clip(ticks, 0, MOST_DELAY_TICKS)
        found = np.bincount(ticks)
        self.delays[: len(found)] += found

    def _compare(self, tags: Tags) -> None:
        times = self._times(tags)
        steps = times[1:] - times[:-1]
        back = int(steps.min()) if len(steps) else 0
        if back < 0:
            self.descents += int(np.count_nonzero(steps < 0))
            self.step_back = max(self.step_back, -back)
        pairs = (tags.channel[:-1].astype(np.uint16) << np.uint16(8)) | tags.channel[1:]
        self.follows += np.bincount(pairs, minlength=CHANNELS**2).reshape(CHANNELS, CHANNELS)
        still = np.flatnonzero(steps == 0)
        if len(still):
            same = tags.channel[still] == tags.channel[still + 1]
            same &= tags.ticks[still] == tags.ticks[still + 1]
            self.duplicates += int(np.count_nonzero(same))

    def _measure_gaps(self, tags: Tags) -> None:
        times = self._times(tags)
        steps = times[1:] - times[:-1]
        # As unsigned numbers steps back are far.
        near = np.flatnonzero(steps.view(np.uint64) <= np.uint64(self._reach))
        gap_ps = steps[near] * self.unit_ps
        if tags.pulse is not None:
            gap_ps += (tags.ticks[near + 1] - tags.ticks[near]) * self._tick_ps
        place = np.abs(gap_ps).astype(np.int64) // GAP_BIN_PS  # phases of one pulse may descend
        inside = place < GAP_BINS
        place[tags.channel[near] != tags.channel[near + 1]] += GAP_BINS
        self.gaps += np.bincount(place[inside], minlength=2 * GAP_BINS).reshape(2, GAP_BINS)

    def _look_for_rollovers(self, tags: Tags) -> None:
        """Keep what divides all times between a channel's detections: soon 1, but for markers."""
        for channel in np.flatnonzero(np.bincount(tags.channel, minlength=CHANNELS)).tolist():
            found = self.spacing.get(channel, -1)
            if found == 0:
                continue
            ticks = tags.ticks[tags.channel == channel]
            start = self._start.setdefault(channel, int(ticks[0]))
            spacing = int(np.gcd.reduce(ticks - start))
            spacing = spacing if found < 0 else int(np.gcd(spacing, found))
            undecided = spacing == 0  # one detection so far
            self.spacing[channel] = -1 if undecided else spacing
            if not undecided and spacing < _LEAST_ROLLOVER:
                self.spacing[channel] = 0


def _stretches(before: Tags | None, tags: Tags) -> list[Tags]:
    """Return `tags`, and in front of them their first one with the one before it."""
    if before is None:
        return [tags]
    first = tags.take(slice(0, 1))
    pulse = None
    if first.pulse is not None and before.pulse is not None:
        pulse = np.concatenate([before.pulse, first.pulse])
    channel = np.concatenate([before.channel, first.channel])
    return [Tags(channel, np.concatenate([before.ticks, first.ticks]), pulse), tags]
