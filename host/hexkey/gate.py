"""The gate and the resolver on the host, over arrays of events.

A click outside its detector's gate is cleared; any other belongs to the pulse in which the gate
opened. These are the readable versions: `hexkey.sift.gate_and_sift` does the same, and the sifting
after it, in one pass. Tests hold them equal.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hexkey.errors import ConfigurationError
from hexkey.events import DETECTORS, FLAG_REPEAT, Events

LONGEST_PERIOD_TICKS = 2**31  # so that a phase past the period still fits 32 bits
_CLICKS_OF_MASK = np.array([mask.bit_count() for mask in range(1 << DETECTORS)], np.int64)


@dataclass(frozen=True, slots=True)
class Gate:
    """The half-open window ``[start_ticks, start_ticks + width_ticks)`` of one detector.

    It may reach past the period's end; a width of 0 closes it.
    """

    start_ticks: int
    width_ticks: int

    @property
    def end_ticks(self) -> int:
        return self.start_ticks + self.width_ticks


@dataclass(frozen=True, slots=True)
class GatedEvents:
    """Events inside the gates, by pulse and then phase; a pulse may hold more than one.

    Attributes
    ----------
    events : Events
        Their phases exceed the period where the gate reaches past it.
    kept, outside, before_first : int
        Clicks (set bits of masks) that are in `events`, that lay outside their detector's gate,
        and that lay in a gate which opened before pulse 0. They sum to the clicks that came in.
    """

    events: Events
    kept: int
    outside: int
    before_first: int


@dataclass(frozen=True, slots=True)
class ResolvedEvents:
    """Events of which no two share a pulse, in ascending order.

    Attributes
    ----------
    events : Events
        With the first phase of the pulse, all detectors that clicked and `FLAG_REPEAT` where one
        clicked twice.
    repeats : int
        Clicks dropped because their detector had clicked in the same pulse.
    """

    events: Events
    repeats: int


def check_gates(gates: Sequence[Gate], period_ticks: int) -> None:
    """Raise ConfigurationError unless the gates fit the period.

    Raises
    ------
    ConfigurationError
        Too many gates, or one that opens outside the period or lasts longer than it.
    """
    if not 1 <= period_ticks <= LONGEST_PERIOD_TICKS:
        raise ConfigurationError(
            f"the period must be 1 to {LONGEST_PERIOD_TICKS} ticks, not {period_ticks}"
        )
    if len(gates) > DETECTORS:
        raise ConfigurationError(f"there are at most {DETECTORS} gates, not {len(gates)}")
    for detector, gate in enumerate(gates):
        if not 0 <= gate.start_ticks < period_ticks or not 0 <= gate.width_ticks <= period_ticks:
            raise ConfigurationError(
                f"the gate of detector {detector} must open before tick {period_ticks} and last at "
                f"most {period_ticks} ticks, not open at {gate.start_ticks} for {gate.width_ticks}"
            )


def check_masks(mask: NDArray[np.uint8]) -> None:
    """Raise ValueError if a mask names a detector that cannot exist."""
    if len(mask) and int(mask.max()) >> DETECTORS:
        raise ValueError(f"masks must name detectors 0 to {DETECTORS - 1}, not {int(mask.max())}")


def count_clicks(mask: NDArray[np.uint8]) -> int:
    """Return the number of set bits in all masks."""
    return int(_CLICKS_OF_MASK[mask].sum())


def apply_gate(events: Events, gates: Sequence[Gate], period_ticks: int) -> GatedEvents:
    """Clear the clicks outside their detector's gate.

    An event whose phase is inside the part of a gate that reaches past the period's end moves to
    the pulse before, its phase then exceeding the period; where gates differ, an event can become
    two. A phase that exceeds the period already was gated before: it is compared as it is.

    Parameters
    ----------
    events : Events
        One phase serves all detectors of a mask, as on the wire.
    gates : sequence of at most 4 Gate
        Detector i has gate i; a detector without one has all its clicks outside.
    period_ticks : int
        Period of the pulses.

    Raises
    ------
    ConfigurationError
        A gate does not fit the period.
    """
    check_gates(gates, period_ticks)
    check_masks(events.mask)
    inside = np.zeros_like(events.mask)
    wrapped = np.zeros_like(events.mask)
    for detector, gate in enumerate(gates):
        bit = events.mask & np.uint8(1 << detector)
        phase = events.phase_ticks
        inside |= bit * ((gate.start_ticks <= phase) & (phase < gate.end_ticks))
        if gate.end_ticks > period_ticks:
            wrapped |= bit * (phase < gate.end_ticks - period_ticks)
    too_early = wrapped * (events.pulse == 0)
    moved = _moved_back(events, wrapped ^ too_early, period_ticks)
    kept = _sorted(Events.concatenate([_with_mask(events, inside), moved]))
    kept_clicks, before_first = count_clicks(kept.mask), count_clicks(too_early)
    outside = count_clicks(events.mask) - kept_clicks - before_first
    return GatedEvents(kept, kept_clicks, outside, before_first)


def resolve(events: Events) -> ResolvedEvents:
    """Merge the events that share a pulse, as the resolver on the board does.

    Parameters
    ----------
    events : Events
        Sorted by pulse, then phase.
    """
    if len(events) == 0:
        return ResolvedEvents(events, 0)
    first = np.flatnonzero(np.concatenate([[True], events.pulse[1:] != events.pulse[:-1]]))
    mask = np.bitwise_or.reduceat(events.mask, first)
    repeats = np.add.reduceat(_CLICKS_OF_MASK[events.mask], first) - _CLICKS_OF_MASK[mask]
    flags = np.bitwise_or.reduceat(events.flags, first)
    flags |= np.where(repeats > 0, np.uint8(FLAG_REPEAT), np.uint8(0))
    merged = Events(events.pulse[first], events.phase_ticks[first], mask, flags)
    return ResolvedEvents(merged, int(repeats.sum()))


def _with_mask(events: Events, mask: NDArray[np.uint8]) -> Events:
    return Events(events.pulse, events.phase_ticks, mask, events.flags).take(mask != 0)


def _moved_back(events: Events, mask: NDArray[np.uint8], period_ticks: int) -> Events:
    chosen = _with_mask(events, mask)
    return Events(
        chosen.pulse - np.uint64(1),
        chosen.phase_ticks + np.uint32(period_ticks),
        chosen.mask,
        chosen.flags,
    )


def _sorted(events: Events) -> Events:
    order = np.lexsort((events.phase_ticks, events.pulse))
    return Events(
        events.pulse[order], events.phase_ticks[order], events.mask[order], events.flags[order]
    )
