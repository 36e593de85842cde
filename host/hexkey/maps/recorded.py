"""Map a recording against Alice's record, through the code that a live board's bytes go through.

The board sends the clicks of its own gate, hold-off behind it, and merges those of one pulse: one
phase, the first one's, for all its detectors. So a map knows gates within the recorded one only,
best the whole period, and takes both clicks of a double to be at the first one's phase.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hexkey.align import Alignment, find_offset_in_record
from hexkey.errors import ConfigurationError, InputError
from hexkey.events import DETECTORS, Events
from hexkey.gate import Gate
from hexkey.maps.count import WindowCounts, Windows, count_windows
from hexkey.party.distill import described
from hexkey.record import RecordReader
from hexkey.recording import Recording, read_recording
from hexkey.sift import gate_and_sift
from hexkey.wire import Burst, Kind, StreamParser, unpack_frames

SAMPLE_BITS = 512
SEARCH_S = 10  # ± this many seconds of pulses
MakeWindows = Callable[[Fraction, int], Windows]


@dataclass(frozen=True, slots=True)
class Epoch:
    """Events from one start of the pulse count to the next."""

    number: int
    events: Events
    pulses: int


@dataclass(frozen=True, slots=True)
class RecordedCounts:
    """What a recording says of every gate of a grid.

    Attributes
    ----------
    counts : WindowCounts
    tick_ps : Fraction
    seconds : float
        Of the link, over all epochs.
    gate : Gate
        The recorded one.
    clicks : (period,) int64
        Events by the tick of their phase, within the recorded gate, summed over detectors.
    alignments : list of Alignment
        Of each epoch.
    unknown_pulses : int
        Events left out because Alice's record does not reach to their pulses.
    damage : list of str
        What of the recording was unreadable.
    """

    counts: WindowCounts
    tick_ps: Fraction
    seconds: float
    gate: Gate
    clicks: NDArray[np.int64]
    alignments: list[Alignment]
    unknown_pulses: int
    damage: list[str]


def count_recording(path: Path, alice_record: Path, make_windows: MakeWindows) -> RecordedCounts:
    """Count sifted bits and errors of every gate of a grid.

    Parameters
    ----------
    path, alice_record : Path
        A recording, and the record of the bits that Alice sent meanwhile.
    make_windows : callable
        Returns the grid for a tick (in ps) and a period (in ticks).

    Raises
    ------
    InputError
        A file is unusable, the recording is empty, or the two do not belong together.
    ConfigurationError
        The grid does not fit the recording's ticks, its period or its gate.
    """
    recording = read_recording(path)
    with described(recording):
        meta = recording.meta
        gate, tick_ps, period = (
            Gate(**meta["gate"]),
            Fraction(meta["tick_ps"]),
            meta["period_ticks"],
        )
        bit_of_detector = tuple(meta["bit_of_detector"])
        epochs = list(_epochs(recording, meta["run"]))
    windows = make_windows(tick_ps, period)
    _require_within(windows, gate, path)
    rate_hz = 1e12 / float(period * tick_ps)
    total: WindowCounts | None = None
    alignments, unknown, clicks = [], 0, np.zeros(2 * period, np.int64)
    with RecordReader(alice_record) as record:
        for epoch in epochs:
            sifted = gate_and_sift(epoch.events, (gate,) * DETECTORS, period, bit_of_detector)
            if len(sifted) < SAMPLE_BITS:
                continue  # too short a piece to be found in Alice's record
            alignment = find_offset_in_record(
                sifted.pulse[:SAMPLE_BITS],
                sifted.bit[:SAMPLE_BITS],
                record,
                int(SEARCH_S * rate_hz),
            )
            alignments.append(alignment)
            known = _known(epoch.events, alignment.offset, record)
            unknown += len(epoch.events) - int(np.count_nonzero(known))
            events = epoch.events.take(known)
            sent, before = (
                record.bits_at((events.pulse.astype(np.int64) + shift).astype(np.uint64))
                for shift in (alignment.offset, alignment.offset - 1)
            )
            found = count_windows(events, sent, windows, before, bit_of_detector)
            total = found if total is None else total + found
            clicks += np.bincount(events.phase_ticks, minlength=len(clicks))[: len(clicks)]
    if total is None:
        raise InputError(
            f"recording {path} holds no stretch of {SAMPLE_BITS} sifted bits, which it takes to "
            "find it in Alice's record: record for longer"
        )
    seconds = sum(epoch.pulses for epoch in epochs) / rate_hz
    damage = recording.damage
    return RecordedCounts(total, tick_ps, seconds, gate, clicks, alignments, unknown, damage)


def _epochs(recording: Recording, run: int) -> Iterator[Epoch]:
    """Yield the events of a run, epoch by epoch."""
    parser = StreamParser()
    number, pulses, parts = -1, 0, list[Events]()
    for data in recording.wire:
        for frame in parser.feed_decoded(data):
            if frame.header.run != run:
                continue
            if frame.header.epoch != number:
                if number >= 0:
                    yield Epoch(number, Events.concatenate(parts), pulses)
                number, pulses, parts = frame.header.epoch, 0, []
            pulses = max(pulses, frame.header.pulse)
            if isinstance(frame, Burst):
                parts.append(frame.events)
            elif frame.header.kind is Kind.EVENTS:
                parts.append(unpack_frames([frame]))
            else:
                continue
            if len(parts[-1]):
                pulses = max(pulses, int(parts[-1].pulse[-1]) + 1)
    if number >= 0:
        yield Epoch(number, Events.concatenate(parts), pulses)


def _known(events: Events, offset: int, record: RecordReader) -> NDArray[np.bool_]:
    """Return which events are of pulses that Alice's record holds, the pulse before included."""
    alice = events.pulse.astype(np.int64) + offset
    return np.asarray((alice > record.first_pulse) & (alice < record.end_pulse))


def _require_within(windows: Windows, gate: Gate, path: Path) -> None:
    """Refuse a grid with gates of which the board has sent only a part."""
    if gate == Gate(0, windows.period_ticks):
        return
    first, end = int(windows.start_ticks[0]), int(windows.end_ticks.max())
    if first < gate.start_ticks or end > gate.end_ticks:
        raise ConfigurationError(
            f"the gates of the map, ticks {first} to {end}, reach beyond that of recording {path}, "
            f"{gate.start_ticks} to {gate.end_ticks}: choose smaller ones, or record the whole "
            "period, as `hexkey capture --gate-start-ns 0 --gate-width-ns 25` does at 40 MHz"
        )


def facts(found: RecordedCounts) -> dict[str, Any]:
    """Return what a report says of the data behind a map."""
    return {
        "seconds": found.seconds,
        "events": int(found.clicks.sum()),
        "recorded_gate_ticks": [found.gate.start_ticks, found.gate.end_ticks],
        "tick_ps": str(found.tick_ps),
        "offsets": [alignment.offset for alignment in found.alignments],
        "unknown_pulses": found.unknown_pulses,
        "damage": found.damage,
    }
