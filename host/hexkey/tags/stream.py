"""The values that every reader of a time tagger's file yields."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Tags:
    """A stretch of detections in the order of the file.

    Attributes
    ----------
    channel : (n,) uint8
        As the file's maker numbers them; also the trigger's, where a file has its edges.
    ticks : (n,) int64
        Without `pulse` (T2 and all other free-running taggers) the time since the file's start;
        with it (T3) the time since the edge of the sync that began the pulse.
    pulse : (n,) int64 or None
        Number of the sync period, from the file's start.
    left_out : mapping
        What of this stretch is no detection: records that are ``overflows``, ``markers``,
        ``dummies`` or ``unknown`` (of channels that there are none of); bytes that are ``damaged``
        or ``cut`` (of a last record that was never finished); ``epochs`` (new starts of the
        pulses' numbers), events that a board has ``lost``, and records ``beyond`` as many as the
        header states.
    """

    channel: NDArray[np.uint8]
    ticks: NDArray[np.int64]
    pulse: NDArray[np.int64] | None = None
    left_out: Mapping[str, int] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.ticks)

    def take(self, chosen: NDArray[np.bool_] | NDArray[np.intp] | slice) -> "Tags":
        """Return the detections that an array or a slice chooses."""
        pulse = None if self.pulse is None else self.pulse[chosen]
        return Tags(self.channel[chosen], self.ticks[chosen], pulse)


@dataclass(frozen=True, slots=True)
class TagFile:
    """A time tagger's file: what it says of itself, and its detections.

    Attributes
    ----------
    path : Path
    format : str
        Such as ``PicoQuant T3 (HydraHarp 400)``.
    tick_ps : Fraction
        Unit of `Tags.ticks`, in ps, exactly.
    pulsed : bool
        Whether tags have pulse numbers (T3).
    sync_period_ps : float or None
        Period of the sync, as the file states it.
    trigger_channel : int or None
        Channel of the trigger's edges, where they stand among the tags and the file says which.
    seconds_stated : float or None
        Acquisition time by the file's header.
    seconds_asked : float or None
        How long it was to be at most: it may have been stopped before.
    records_stated : int or None
        Records, those that are no detections among them, by the file's header.
    stated : mapping
        Whatever else the header says, for people.
    read : callable
        ``read(follow)`` yields the detections from the start, in pieces of bounded size; with
        `follow` it waits for a file that still grows instead of ending.
    """

    path: Path
    format: str
    tick_ps: Fraction
    pulsed: bool
    read: Callable[[bool], Iterator[Tags]] = field(repr=False)
    sync_period_ps: float | None = None
    trigger_channel: int | None = None
    seconds_stated: float | None = None
    seconds_asked: float | None = None
    records_stated: int | None = None
    stated: Mapping[str, Any] = field(default_factory=dict, repr=False)

    def chunks(self, *, follow: bool = False) -> Iterator[Tags]:
        """Return what `read` yields; InputError where the file contradicts its own format."""
        return self.read(follow)
