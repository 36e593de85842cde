"""Sifted bits and errors in every gate of a grid, in one pass over the clicks.

A gate ``[a, b)`` sifts a pulse if its first click is inside, at phase x after the click at w before
it, and the next click of *another* detector, at y, is not: w < a ≤ x < b ≤ y. It discards the pulse
as a double if w < a ≤ x and y < b. So a click makes a rectangle of starts and ends in which its
pulse gives the bit that its detector means, and another in which it gives a double: four steps in a
table of differences, whatever the number of gates. Clicks alone in their pulse, nearly all of them,
have the simplest of rectangles, a ≤ x < b, for which a cumulative histogram of phases is enough.

A gate may reach past the period's end, where it takes clicks of the next pulse. A click therefore
belongs to two pulses, at its phase and a period later; no gate of at most a period holds both.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hexkey.errors import ConfigurationError
from hexkey.events import DETECTORS, Events
from hexkey.gate import Gate, check_gates, check_masks
from hexkey.sift import BIT_OF_DETECTOR, check_bits

Counts = NDArray[np.int64]
Ticks = NDArray[np.int64]
Places = NDArray[np.uint32]

_RIGHT, _WRONG, _NEITHER, _VERDICTS = 0, 1, 2, 3
_LONGEST_TABLE_TICKS = 1 << 22  # of phases; beyond it their places are searched


@dataclass(frozen=True, slots=True)
class Windows:
    """A grid of gates, each common to all detectors.

    Attributes
    ----------
    start_ticks : (S,) int64
        t0, ascending, within the period.
    width_ticks : (W,) int64
        Δt, ascending, at most the period.
    period_ticks : int

    Raises
    ------
    ConfigurationError
        A gate does not fit the period, or the grid does not ascend.
    """

    start_ticks: Ticks
    width_ticks: Ticks
    period_ticks: int

    def __post_init__(self) -> None:
        for name, ticks in (("starts", self.start_ticks), ("widths", self.width_ticks)):
            if ticks.ndim != 1 or len(ticks) == 0 or np.any(np.diff(ticks) <= 0):
                raise ConfigurationError(f"the {name} of a grid of gates must ascend")
        for start, width in zip(self.start_ticks[[0, -1]], self.width_ticks[[0, -1]], strict=True):
            check_gates([Gate(int(start), int(width))], self.period_ticks)

    @property
    def end_ticks(self) -> Ticks:
        """Of each gate, (S, W)."""
        return self.start_ticks[:, None] + self.width_ticks

    @property
    def reach_ticks(self) -> int:
        """How far the longest gate reaches past the period's end."""
        return max(0, int(self.end_ticks.max()) - self.period_ticks)


@dataclass(frozen=True, slots=True)
class WindowCounts:
    """What each gate of a grid gives.

    Attributes
    ----------
    windows : Windows
    sifted, errors : (S, W) int64
        Pulses with a bit, and those of them whose bit is not Alice's.
    doubles : (S, W) int64
        Pulses discarded because more than one detector clicked.
    """

    windows: Windows
    sifted: Counts
    errors: Counts
    doubles: Counts

    def __add__(self, other: "WindowCounts") -> "WindowCounts":
        """Return the counts of two epochs together."""
        return WindowCounts(
            self.windows,
            self.sifted + other.sifted,
            self.errors + other.errors,
            self.doubles + other.doubles,
        )


def count_windows(
    events: Events,
    sent: NDArray[np.uint8],
    windows: Windows,
    sent_before: NDArray[np.uint8] | None = None,
    bit_of_detector: Sequence[int] = BIT_OF_DETECTOR,
) -> WindowCounts:
    """Count sifted bits, errors and doubles of every gate.

    Exactly what `hexkey.sift.gate_and_sift` gives for each gate, compared with Alice's bits.

    Parameters
    ----------
    events : Events
        Of one epoch, pulses ascending; equal ones are merged.
    sent : (n,) uint8
        Alice's bit of each event's pulse.
    windows : Windows
    sent_before : (n,) uint8, optional
        Her bit of the pulse before that; needed where a gate reaches past the period's end. Of no
        meaning for pulse 0.
    bit_of_detector : sequence of 0 and 1
        Bit that a click of detector i means.

    Raises
    ------
    ValueError
        Pulses descend, a mask names a detector that cannot exist, `sent` does not fit the events or
        holds other things than bits, or `sent_before` is missing.
    ConfigurationError
        A bit of a detector is not 0 or 1.
    """
    check_masks(events.mask)
    reach = windows.reach_ticks
    if sent_before is None:
        if reach:
            raise ValueError("a gate reaches past the period's end: sent_before is needed")
        sent_before = sent
    if len(sent) != len(events) or len(sent_before) != len(events):
        raise ValueError(f"{len(events)} events need as many of Alice's bits, not {len(sent)}")
    if len(events) and max(int(sent.max()), int(sent_before.max())) > 1:
        raise ValueError("Alice's bits must be 0 or 1")
    verdicts = _verdicts(check_bits(bit_of_detector))
    crowded = _crowded(events, within=1 if reach else 0)
    pulses = _lone(events, sent, sent_before, windows, verdicts, crowded)
    doubles = np.zeros(pulses.shape[:2], np.int64)
    chosen = crowded & _in_any_gate(events, windows)
    if np.any(chosen):
        few = events.take(chosen)
        clicks = _clicks(few, sent[chosen], sent_before[chosen], windows, verdicts)
        shared, doubles = _shared(clicks, windows)
        pulses = pulses + shared
    wrong = pulses[..., _WRONG]
    return WindowCounts(windows, pulses[..., _RIGHT] + wrong, wrong, doubles)


def _verdicts(bit_of_detector: Sequence[int]) -> NDArray[np.uint8]:
    """Return what a click of one detector means, by mask and Alice's bit: (16, 2)."""
    table = np.full((1 << DETECTORS, 2), _NEITHER, np.uint8)
    for detector, bit in enumerate(bit_of_detector):
        table[1 << detector, bit] = _RIGHT
        table[1 << detector, 1 - bit] = _WRONG
    return table


def _crowded(events: Events, within: int) -> NDArray[np.bool_]:
    """Return which events may share a pulse with another click: the others are looked up alone."""
    crowded = np.asarray(events.mask & (events.mask - np.uint8(1)) != 0)
    step = events.pulse[1:] - events.pulse[:-1]
    if np.any(step >> np.uint64(63)):
        raise ValueError("pulses must ascend")
    near = step <= within
    crowded[1:] |= near
    crowded[:-1] |= near
    return crowded


def _in_any_gate(events: Events, windows: Windows) -> NDArray[np.bool_]:
    phase = events.phase_ticks
    first, end = int(windows.start_ticks[0]), int(windows.end_ticks.max())
    return np.asarray(((phase >= first) & (phase < end)) | (phase < windows.reach_ticks))


def _lone(
    events: Events,
    sent: NDArray[np.uint8],
    sent_before: NDArray[np.uint8],
    windows: Windows,
    verdicts: NDArray[np.uint8],
    crowded: NDArray[np.bool_],
) -> Counts:
    """Count clicks that have their pulse, and the one before, for themselves: (S, W, verdicts)."""
    edges = np.unique(np.concatenate([windows.start_ticks, windows.end_ticks.ravel()]))
    place_of = _Places(edges)

    def below(phase: NDArray[np.uint32], verdict: NDArray[np.uint8]) -> Counts:
        found = np.bincount(
            place_of(phase) * np.uint32(_VERDICTS) + verdict,
            minlength=_VERDICTS * (len(edges) + 1),
        )
        return np.asarray(found.reshape(-1, _VERDICTS).cumsum(axis=0)[:-1], np.int64)

    verdict = verdicts.ravel()[(events.mask << np.uint8(1)) | sent]
    verdict[crowded] = _NEITHER
    early = np.flatnonzero((events.phase_ticks < windows.reach_ticks) & ~crowded)
    early = early[events.pulse[early] > 0]
    before = verdicts[events.mask[early], sent_before[early]]
    clicks = below(events.phase_ticks, verdict)
    clicks += below(events.phase_ticks[early] + np.uint32(windows.period_ticks), before)
    return np.asarray(
        clicks[np.searchsorted(edges, windows.end_ticks)]
        - clicks[np.searchsorted(edges, windows.start_ticks)][:, None]
    )


def _shared(clicks: "_Clicks", windows: Windows) -> tuple[Counts, Counts]:
    """Count pulses by the rectangles of their clicks: (S, W, verdicts) and doubles, (S, W)."""
    ends, place_of_gate = np.unique(windows.end_ticks, return_inverse=True)
    shape = len(windows.start_ticks) + 1, len(ends) + 1
    starts_until, ends_until = _Places(windows.start_ticks), _Places(ends)
    stop, low = starts_until(clicks.phase), ends_until(clicks.phase)

    count = len(clicks.phase)
    new_pulse = np.diff(clicks.pulse, prepend=-1) != 0
    new_run = new_pulse | (np.diff(clicks.detector, prepend=-1) != 0)  # of clicks of one detector
    first = np.where(new_pulse, 0, np.roll(stop, 1))
    next_run = np.append(np.flatnonzero(new_run), count)[np.cumsum(new_run)]
    following = np.minimum(next_run, count - 1)
    last_run = (next_run == count) | (clicks.pulse[following] != clicks.pulse)
    other = np.where(last_run, len(ends), low[following])

    def inside(low: Places, high: Places, verdict: NDArray[np.uint8]) -> Counts:
        """Count the gates with first < start ≤ stop and low < end ≤ high, as places in the grid."""
        steps = np.zeros((*shape, _VERDICTS), np.int64)
        some = (first < stop) & (low < high)
        first_, stop_, low_, high_, kind = (
            values[some] for values in (first, stop, low, high, verdict)
        )
        for row, column, sign in (
            (first_, low_, 1),
            (stop_, low_, -1),
            (first_, high_, -1),
            (stop_, high_, 1),
        ):
            place = (row * np.int64(shape[1]) + column) * _VERDICTS + kind
            steps += sign * np.bincount(place, minlength=steps.size).reshape(steps.shape)
        table = steps.cumsum(axis=0).cumsum(axis=1)
        rows = np.arange(len(windows.start_ticks))[:, None]
        return np.asarray(table[rows, place_of_gate.reshape(windows.end_ticks.shape)])

    known = inside(low, other, clicks.verdict)
    doubles = inside(other, np.full(count, len(ends)), np.zeros(count, np.uint8))
    return known, doubles[..., 0]


@dataclass(frozen=True, slots=True)
class _Clicks:
    """Clicks by pulse and phase; one of the next pulse is there a second time, a period later."""

    pulse: NDArray[np.int64]  # counted anew, so that neighbours stay neighbours
    phase: NDArray[np.int64]
    detector: NDArray[np.int64]
    verdict: NDArray[np.uint8]


def _clicks(
    events: Events,
    sent: NDArray[np.uint8],
    sent_before: NDArray[np.uint8],
    windows: Windows,
    verdicts: NDArray[np.uint8],
) -> _Clicks:
    """Return each click of the events, in its own pulse and in the one before."""
    # Sorted as single numbers: pulse, phase, detector and verdict, from the highest bits on.
    phase_bits = max(int(events.phase_ticks.max(initial=0)), 2 * windows.period_ticks).bit_length()
    step = np.diff(events.pulse, prepend=events.pulse[:1])
    pulse = 1 + np.cumsum(np.minimum(step, np.uint64(2)).astype(np.int64))
    keys = []
    for detector in range(DETECTORS):
        here = np.flatnonzero(events.mask >> detector & 1)
        own = pulse[here], events.phase_ticks[here].astype(np.int64), sent[here]
        early = here[(events.phase_ticks[here] < windows.reach_ticks) & (events.pulse[here] > 0)]
        later = events.phase_ticks[early].astype(np.int64) + windows.period_ticks
        for number, phase, bit in (own, (pulse[early] - 1, later, sent_before[early])):
            place = (number << phase_bits) | phase
            keys.append(place << 4 | detector << 2 | verdicts[1 << detector, bit])
    key = np.sort(np.concatenate(keys))
    return _Clicks(
        key >> (phase_bits + 4),
        key >> 4 & ((1 << phase_bits) - 1),
        key >> 2 & 3,
        (key & 3).astype(np.uint8),
    )


class _Places:
    """Looks up how many of some ascending ticks are at or below each phase."""

    def __init__(self, ticks: Ticks) -> None:
        self._ticks = ticks
        self._last = int(ticks[-1])
        self._table: Places | None = None
        if self._last < _LONGEST_TABLE_TICKS:
            counted = np.searchsorted(ticks, np.arange(self._last + 1), side="right")
            self._table = counted.astype(np.uint32)

    def __call__(self, phase: NDArray[Any]) -> Places:
        if self._table is not None:
            return np.asarray(self._table[np.minimum(phase, phase.dtype.type(self._last))])
        return np.searchsorted(self._ticks, phase, side="right").astype(np.uint32)
