"""Frames of a run in, sifted bits out, and every loss counted on the way.

The same object serves a live board and a recording; it does no I/O.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hexkey.errors import InputError
from hexkey.events import Events
from hexkey.gate import Gate
from hexkey.placed import Outside
from hexkey.randomness import Randomness
from hexkey.rule import B92Rule, Rule
from hexkey.sift import Sifted
from hexkey.skew import Skew, skews
from hexkey.wire import (
    G2,
    LAGS,
    Burst,
    Counters,
    Frame,
    Header,
    Histogram,
    Kind,
    Loss,
    LossCause,
    Marker,
    Status,
    StreamStatistics,
    unpack_frames,
)


@dataclass(frozen=True, slots=True)
class SiftedChunk:
    """Sifted bits as they come, in order of pulses within an epoch; with BB84 their bases, too.

    For maps the phases of their clicks, and clicks outside the gate: all of them up to the last
    pulse here.
    """

    epoch: int
    pulses: NDArray[np.uint64]
    bits: NDArray[np.uint8] = field(repr=False)
    bases: NDArray[np.uint8] | None = None
    phases: NDArray[np.uint32] | None = field(default=None, repr=False)
    outside: Outside | None = None

    @property
    def is_empty(self) -> bool:
        """Whether no click is here, in the gate or outside."""
        return not len(self.bits) and not (self.outside is not None and len(self.outside))


@dataclass(slots=True)
class SiftCounts:
    """What became of the events of a run, summed over detectors."""

    events: int = 0
    outside_gate: int = 0
    repeats: int = 0
    double_pulses: int = 0
    cross_pulses: int = 0
    other_detectors: int = 0
    sifted_bits: int = 0
    board_lost: int = 0
    epochs: int = 0
    trigger_losses: int = 0
    markers: int = 0


def new_run_id(randomness: Randomness) -> int:
    """Return a run id, never 0: that is a board's after a reset."""
    return int.from_bytes(randomness.bytes(4), "little") or 1


def stream_facts(seen: StreamStatistics) -> dict[str, int]:
    """Return what the link lost, for a report."""
    return {
        "frames_missed": seen.frames_missed,
        "events_missed": seen.events_missed,
        "bad_frames": seen.bad_frames,
        "resync_bytes": seen.resync_bytes,
    }


class Receiver:
    """Sifts the events of one run.

    Parameters
    ----------
    run : int
        Frames of other runs are left alone: they are older than the run's start.
    gates : sequence of Gate
        Software gate of each detector, in ticks.
    period_ticks : int
        Period of the source.
    rule : Rule
        What a click means.

    Attributes
    ----------
    counts : SiftCounts
    counted : str
        What its `sifted_bits` are: those of B92, or clicks that may be of other bases than Alice's.
    counters, status, g2 : Counters, Status, G2 or None
        As the board said last.
    markers : list of (int, int)
        Epoch and pulse, the first that began after the marker input rose.
    pulses : int
        That passed since the run's first frame.
    histogram_pulses : int
        Those of them in which `histogram` was filled: a board sends it once a second, and begins it
        anew when its settings change, so that what it had by then is lost.
    """

    def __init__(
        self,
        run: int,
        gates: tuple[Gate, ...],
        period_ticks: int,
        rule: Rule | None = None,
    ) -> None:
        self._run = run
        self._gates = gates
        self._period_ticks = period_ticks
        self._rule = B92Rule() if rule is None else rule
        self.counted = self._rule.counted
        self._epoch: int | None = None
        self._begin()
        self.counts = SiftCounts()
        self.counters: Counters | None = None
        self.status: Status | None = None
        self.g2: G2 | None = None
        self.markers: list[tuple[int, int]] = []
        self.histogram: tuple[int, int, NDArray[np.int64]] | None = None
        self._arrivals: dict[int, NDArray[np.int64]] = {}  # of each detector: stays inside
        self.pulses = 0
        self.histogram_pulses = 0
        self._counted_to = 0
        self._filled_to = self._unfilled = 0

    def push(self, frames: Iterable[Frame | Burst]) -> list[SiftedChunk]:
        """Take frames in the order of the wire; return the sifted bits that are complete."""
        chunks = []
        for frame in frames:
            if frame.header.run != self._run:
                continue
            self._pass(frame.header)
            chunks += self._renew(frame.header.epoch)
            if isinstance(frame, Burst):
                chunks.append(self._sift(frame.header, frame.events))
            elif frame.header.kind is Kind.EVENTS:
                chunks.append(self._sift(frame.header, unpack_frames([frame])))
            else:
                self._take(frame)
        return [chunk for chunk in chunks if not chunk.is_empty]

    def finish(self) -> list[SiftedChunk]:
        """Return what was still held back, at the end of a run."""
        if self._epoch is None:
            return []
        return [self._chunk(Events.empty(), self._sifter.flush(), None)]

    def facts(self) -> dict[str, Any]:
        """Return the counts, for a report: sums over detectors only."""
        facts = asdict(self.counts)
        facts[self.counted.replace(" ", "_")] = facts.pop("sifted_bits")
        return facts

    def histogram_facts(self) -> dict[str, Any] | None:
        """Return the ungated arrival histogram, summed over detectors, for a report."""
        if self.histogram is None:
            return None
        offset, width, counts = self.histogram
        return {"offset_ticks": offset, "bin_ticks": width, "counts": counts.tolist()}

    @property
    def accepted(self) -> float:
        """Share of clicks that neither the hold-off nor one before them in their pulse hides.

        The histogram has them all.
        """
        if self.counters is None or not any(self.counters.clicks):
            return 1.0
        hidden = self.counters.ignored_holdoff + self.counters.repeats
        return 1 - hidden / sum(self.counters.clicks)

    def skews(self, tick_ps: Fraction) -> tuple[Skew, ...]:
        """Return by how much the detectors of each pair differ in time, from their histograms.

        Empty where the histogram does not reach over the period.
        """
        if self.histogram is None:
            return ()
        reach_ticks = self.histogram[1] * len(self.histogram[2])
        if abs(reach_ticks - self._period_ticks) > self.histogram[1]:
            return ()
        return skews(self._arrivals, float(reach_ticks * tick_ps))

    def g2_facts(self) -> dict[str, Any] | None:
        """Return the pulsed g² of Bob's own clicks, for a report: a diagnostic, part of no bound.

        Of all coincidences only those within a pulse are told, against the mean of the other lags.
        """
        if self.g2 is None:
            return None
        counts = self.g2.coincidences.astype(np.float64)
        within = float(counts[-LAGS[0]])
        mean = float(counts.sum() - within) / (len(LAGS) - 1)
        value = within / mean if mean else None
        return {"pulses": self.g2.pulses, "coincidences": int(within), "g2": value}

    def _take(self, frame: Frame) -> None:
        """Keep what a frame other than of events says."""
        match frame.header.kind:
            case Kind.LOSS:
                loss = Loss.decode(frame.body)
                self.counts.board_lost += loss.events
                self.counts.trigger_losses += loss.cause is LossCause.TRIGGER_LOST
            case Kind.COUNTERS:
                self.counters = Counters.decode(frame.body)
            case Kind.HISTOGRAM:
                self._add(Histogram.decode(frame.body))
                self._filled_to = self.pulses
                self.histogram_pulses = self.pulses - self._unfilled
            case Kind.SETTINGS:
                self._unfilled += self.pulses - self._filled_to
                self._filled_to = self.pulses
            case Kind.STATUS:
                self.status = Status.decode(frame.body)
            case Kind.G2:
                self.g2 = G2.decode(frame.body)
            case Kind.MARKER:
                self.markers.append((frame.header.epoch, Marker.decode(frame.body).pulse))
                self.counts.markers += 1
            case _:
                pass

    def _pass(self, header: Header) -> None:
        """Count pulses: a run begins at any number of an epoch, and later epochs of it at 0."""
        if self._epoch is None:
            self._counted_to = header.pulse
        elif header.epoch != self._epoch:
            self._counted_to = 0
        self.pulses += max(0, header.pulse - self._counted_to)
        self._counted_to = max(self._counted_to, header.pulse)

    def _renew(self, epoch: int) -> list[SiftedChunk]:
        """Start over after a loss of the trigger: the new numbers say nothing about the old."""
        if epoch == self._epoch:
            return []
        if self._epoch is not None and epoch < self._epoch:
            raise InputError(f"the board went back from epoch {self._epoch} to {epoch}")
        rest = self.finish()
        self._epoch = epoch
        self._begin()
        self.counts.epochs += 1
        return rest

    def _sift(self, header: Header, events: Events) -> SiftedChunk:
        self.counts.events += len(events)
        # The board's resolver has closed every pulse it sends.
        watermark = int(events.pulse[-1]) + 1 if len(events) else header.pulse
        try:
            return self._chunk(events, self._sifter.push(events, watermark), watermark)
        except ValueError as error:
            raise InputError(
                f"the board's events of epoch {header.epoch} make no sense: {error}; check "
                "that its firmware and this hexkey are of one version"
            ) from None

    def _chunk(self, events: Events, sifted: Sifted, watermark: int | None) -> SiftedChunk:
        clicks, counts = self._rule.read(sifted), self.counts
        counts.outside_gate += sifted.outside
        counts.repeats += sifted.repeats
        counts.double_pulses += clicks.doubles
        counts.cross_pulses += clicks.crosses
        counts.other_detectors += clicks.other
        counts.sifted_bits += len(clicks.bit)
        assert self._epoch is not None
        phases, outside = None, None
        if self._placer is not None:
            phases, outside = self._placer.push(events, clicks.pulse, watermark)
        return SiftedChunk(self._epoch, clicks.pulse, clicks.bit, clicks.basis, phases, outside)

    def _begin(self) -> None:
        """Make ready for an epoch."""
        self._sifter = self._rule.sifter(self._gates, self._period_ticks)
        self._placer = self._rule.placer(self._gates, self._period_ticks)

    def _add(self, histogram: Histogram) -> None:
        """Sum over detectors: a single detector's counts are key bits at low rates."""
        counts = np.asarray(histogram.counts, np.int64)
        shape = (histogram.offset_ticks, histogram.bin_ticks)
        before = self._arrivals.get(histogram.detector, np.zeros(len(counts), np.int64))
        if len(before) == len(counts):
            self._arrivals[histogram.detector] = before + counts
        if self.histogram is None or self.histogram[:2] != shape:
            self.histogram = (*shape, counts.copy())
        elif len(self.histogram[2]) == len(counts):
            self.histogram = (*shape, self.histogram[2] + counts)
