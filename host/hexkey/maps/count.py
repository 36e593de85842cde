"""What the pulses of every gate of a grid are, in one pass over the clicks.

A pulse's clicks inside a gate ``[a, b)`` stand side by side, the i-th to the j-th by their phases:
x(i-1) < a ≤ x(i) and x(j) < b ≤ x(j+1). So each such run of clicks makes a rectangle of starts and
ends in which the pulse is what the detectors of the run make of it: four steps in a table of
differences, whatever the number of gates. Clicks alone in their pulse, nearly all of them, have the
simplest of rectangles, a ≤ x < b, for which a cumulative histogram of phases is enough.

A gate may reach past the period's end, where it takes clicks of the next pulse. A click therefore
belongs to two pulses, at its phase and a period later; no gate of at most a period holds both.

What detectors make of a pulse, by what Alice sent in it, is a table of small numbers, the *kinds*
(`hexkey.maps.b92`, `hexkey.maps.bb84`).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hexkey.errors import ConfigurationError
from hexkey.events import Events
from hexkey.gate import Gate, check_gates, check_masks

Kinds = NDArray[np.int64]
"""Pulses of each gate by their kind, (S, W, K)."""
Ticks = NDArray[np.int64]
Places = NDArray[np.uint32]
Symbols = NDArray[np.uint8]

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
class KindTable:
    """What detectors make of a pulse.

    Attributes
    ----------
    kind : (16, symbols) uint8
        By the mask of detectors that clicked and what Alice sent; `count` where it is not counted.
    count : int
        Of kinds, K.
    """

    kind: NDArray[np.uint8]
    count: int

    @property
    def symbols(self) -> int:
        """How many things Alice may have sent."""
        return int(self.kind.shape[1])


def count_kinds(
    events: Events,
    sent: Symbols,
    windows: Windows,
    table: KindTable,
    sent_before: Symbols | None = None,
) -> Kinds:
    """Count the pulses of every gate by their kind.

    Parameters
    ----------
    events : Events
        Of one epoch, pulses ascending; equal ones are merged.
    sent : (n,) uint8
        What Alice sent in each event's pulse, a column of the table.
    windows : Windows
    table : KindTable
    sent_before : (n,) uint8, optional
        The same of the pulse before that; needed where a gate reaches past the period's end. Of no
        meaning for pulse 0.

    Returns
    -------
    (S, W, K) int64

    Raises
    ------
    ValueError
        Pulses descend, a mask names a detector that cannot exist, `sent` does not fit the events or
        the table, or `sent_before` is missing.
    """
    check_masks(events.mask)
    reach = windows.reach_ticks
    if sent_before is None:
        if reach:
            raise ValueError("a gate reaches past the period's end: sent_before is needed")
        sent_before = sent
    if len(sent) != len(events) or len(sent_before) != len(events):
        raise ValueError(f"{len(events)} events need as many of Alice's bits, not {len(sent)}")
    if len(events) and max(int(sent.max()), int(sent_before.max())) >= table.symbols:
        raise ValueError(f"what Alice sent must be below {table.symbols}")
    crowded = _crowded(events, within=1 if reach else 0)
    kinds = _lone(events, sent, sent_before, windows, table, crowded)
    chosen = crowded & _in_any_gate(events, windows)
    if np.any(chosen):
        few = events.take(chosen)
        clicks = _clicks(few, sent[chosen], sent_before[chosen], windows)
        kinds += _shared(clicks, windows, table)
    return kinds


def _crowded(events: Events, within: int) -> NDArray[np.bool_]:
    """Return which events may share a pulse with another: the others are looked up alone."""
    crowded = np.zeros(len(events), bool)
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
    sent: Symbols,
    sent_before: Symbols,
    windows: Windows,
    table: KindTable,
    crowded: NDArray[np.bool_],
) -> Kinds:
    """Count events that have their pulse, and the one before, for themselves."""
    edges = np.unique(np.concatenate([windows.start_ticks, windows.end_ticks.ravel()]))
    place_of = _Places(edges)
    columns = table.count + 1  # the last one for what is not counted

    def below(phase: NDArray[np.uint32], kind: NDArray[np.uint8]) -> Kinds:
        found = np.bincount(
            place_of(phase) * np.uint32(columns) + kind, minlength=columns * (len(edges) + 1)
        )
        return np.asarray(found.reshape(-1, columns).cumsum(axis=0)[:-1, : table.count], np.int64)

    flat, symbols = table.kind.ravel(), np.uint8(table.symbols)
    kind = flat[events.mask * symbols + sent]
    kind[crowded] = table.count
    early = np.flatnonzero((events.phase_ticks < windows.reach_ticks) & ~crowded)
    early = early[events.pulse[early] > 0]
    before = flat[events.mask[early] * symbols + sent_before[early]]
    clicks = below(events.phase_ticks, kind)
    clicks += below(events.phase_ticks[early] + np.uint32(windows.period_ticks), before)
    return np.asarray(
        clicks[np.searchsorted(edges, windows.end_ticks)]
        - clicks[np.searchsorted(edges, windows.start_ticks)][:, None]
    )


@dataclass(frozen=True, slots=True)
class _Clicks:
    """Events by pulse and phase; one of the next pulse is there a second time, a period later."""

    pulse: NDArray[np.int64]  # counted anew, so that neighbours stay neighbours
    phase: NDArray[np.int64]
    mask: NDArray[np.uint8]
    sent: Symbols


def _clicks(events: Events, sent: Symbols, sent_before: Symbols, windows: Windows) -> _Clicks:
    """Return the events, each in its own pulse and in the one before."""
    # Sorted as single numbers: pulse, phase, mask and symbol, from the highest bits on.
    phase_bits = max(int(events.phase_ticks.max(initial=0)), 2 * windows.period_ticks).bit_length()
    step = np.diff(events.pulse, prepend=events.pulse[:1])
    pulse = 1 + np.cumsum(np.minimum(step, np.uint64(2)).astype(np.int64))
    early = np.flatnonzero((events.phase_ticks < windows.reach_ticks) & (events.pulse > 0))
    numbers = np.concatenate([pulse, pulse[early] - 1])
    phases = events.phase_ticks.astype(np.int64)
    phases = np.concatenate([phases, phases[early] + windows.period_ticks])
    masks = np.concatenate([events.mask, events.mask[early]])
    symbols = np.concatenate([sent, sent_before[early]])
    key = np.sort((numbers << phase_bits | phases) << 8 | masks.astype(np.int64) << 4 | symbols)
    return _Clicks(
        key >> (phase_bits + 8),
        key >> 8 & ((1 << phase_bits) - 1),
        (key >> 4 & 15).astype(np.uint8),
        (key & 15).astype(np.uint8),
    )


def _shared(clicks: _Clicks, windows: Windows, table: KindTable) -> Kinds:
    """Count pulses by the rectangles of their runs of clicks."""
    ends, place_of_gate = np.unique(windows.end_ticks, return_inverse=True)
    place_of_gate = place_of_gate.reshape(windows.end_ticks.shape)
    shape = len(windows.start_ticks) + 1, len(ends) + 1
    stop, low = _Places(windows.start_ticks)(clicks.phase), _Places(ends)(clicks.phase)
    begins = np.diff(clicks.pulse, prepend=-1) != 0
    first = np.where(begins, 0, np.roll(stop, 1))  # starts above it leave the click before outside
    follows = np.append(~begins[1:], False)  # another click of the pulse
    high = np.where(follows, np.roll(low, -1), len(ends))

    rectangles = []
    begin = np.flatnonzero(first < stop)  # of clicks at one phase only the first begins a run
    end, mask = begin, clicks.mask[begin]
    while len(begin):
        kind = table.kind[mask, clicks.sent[begin]]
        some = (low[end] < high[end]) & (kind < table.count)
        rectangles.append(
            [values[some] for values in (first[begin], stop[begin], low[end], high[end], kind)]
        )
        longer = follows[end]
        begin, end = begin[longer], end[longer] + 1
        mask = mask[longer] | clicks.mask[end]
    firsts, stops, lows, highs, kinds = map(np.concatenate, zip(*rectangles, strict=True))

    found = np.zeros((*windows.end_ticks.shape, table.count), np.int64)
    rows = np.arange(len(windows.start_ticks))[:, None]
    for kind in np.unique(kinds).tolist():
        chosen = kinds == kind
        steps = np.zeros(shape, np.int64)
        for row, column, sign in (
            (firsts, lows, 1),
            (stops, lows, -1),
            (firsts, highs, -1),
            (stops, highs, 1),
        ):
            place = row[chosen] * np.int64(shape[1]) + column[chosen]
            steps += sign * np.bincount(place, minlength=steps.size).reshape(shape)
        found[..., kind] = steps.cumsum(axis=0).cumsum(axis=1)[rows, place_of_gate]
    return found


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
