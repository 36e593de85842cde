"""Map a recording, or a tagger's file, against Alice's record, through a live board's code.

The board sends the clicks of its own gate, hold-off behind it, and merges those of one pulse: one
phase, the first one's, for all its detectors. So a map knows gates within the recorded one only,
best the whole period, and takes both clicks of a double to be at the first one's phase.
"""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hexkey.align import Alignment, find_offset_in_record
from hexkey.errors import ConfigurationError, InputError
from hexkey.events import Events
from hexkey.gate import Gate
from hexkey.maps.b92 import WindowCounts
from hexkey.maps.bb84 import Stated
from hexkey.maps.count import Kinds, Windows, count_kinds
from hexkey.maps.reading import Reading
from hexkey.maps.slices import Slice, Slices, at_shifts
from hexkey.maps.sources import ClickSource, Epoch, of_recording, of_tags
from hexkey.party.tag_source import Tagger
from hexkey.record import RecordReader
from hexkey.tags.stream import TagFile

SAMPLE_BITS = 512
SEARCH_S = 10  # ± this many seconds of pulses
SHIFTS = (0, -1, 1)  # of a gate's offset, the likeliest first
MOST_NEIGHBOURS = 2  # pulses before an event's that a shifted gate past the period's end looks at
MakeWindows = Callable[[Fraction, int], Windows]


@dataclass(frozen=True, slots=True)
class RecordedCounts:
    """What a recording says of every gate of a grid.

    Attributes
    ----------
    windows : Windows
    kinds : (S, W, K) int64
        The pulses of each gate by their kind, as the protocol has them.
    reading : Reading
        Of the protocol.
    shift : (S, W) int64
        By how many pulses a gate's offset in Alice's record differs from that in `alignments`: -1,
        0 or 1, whichever has the fewest errors.
    tick_ps : Fraction
    seconds : float
        Of the link that were counted.
    gate : Gate
        The recorded one.
    clicks : (2 · period,) int64
        Events by the tick of their phase, within the recorded gate, summed over detectors.
    alignments : list of Alignment
        Of each epoch, found from the clicks where they are densest.
    short_epochs : int
        Epochs left out because they hold too few sifted bits to be found in Alice's record.
    unknown_pulses : int
        Events left out because her record does not reach to their pulses.
    damage : list of str
        What of the recording was unreadable.
    slices : tuple of Slice
        The same counts, in stretches of about the same length.
    """

    windows: Windows
    kinds: Kinds
    reading: Reading
    shift: NDArray[np.int64]
    tick_ps: Fraction
    seconds: float
    gate: Gate
    clicks: NDArray[np.int64]
    alignments: list[Alignment]
    short_epochs: int
    unknown_pulses: int
    damage: list[str]
    slices: tuple[Slice, ...] = ()

    @property
    def counts(self) -> WindowCounts:
        """Of B92; ValueError for another protocol."""
        return WindowCounts.of_kinds(self.windows, self.kinds)


def count_recording(
    path: Path, alice_record: Path, make_windows: MakeWindows, stated: Stated | None = None
) -> RecordedCounts:
    """Count the pulses of every gate of a grid.

    A gate is compared at the offset in Alice's record that it would be aligned at if it were alone:
    where the light comes at the period's end, a gate that opens before and one that opens after it
    differ by a pulse.

    Parameters
    ----------
    path, alice_record : Path
        A recording, and the record of the bits that Alice sent meanwhile.
    make_windows : callable
        Returns the grid for a tick (in ps) and a period (in ticks).
    stated : Stated, optional
        What is known of a setup of BB84 besides.

    Raises
    ------
    InputError
        A file is unusable, the recording is empty, or the two do not belong together.
    ConfigurationError
        The grid does not fit the recording's ticks, its period or its gate.
    """
    with RecordReader(alice_record) as record:
        return count_clicks(of_recording(path, record, stated), record, make_windows)


def count_tags(
    file: TagFile,
    tagger: Tagger,
    alice_record: Path,
    make_windows: MakeWindows,
    stated: Stated | None = None,
) -> RecordedCounts:
    """Count the pulses of every gate of a grid, from a tagger's file.

    As `count_recording`; the tick is 1 ps. A ConfigurationError, too, where the tagger's settings
    do not suit the file.
    """
    with RecordReader(alice_record) as record:
        return count_clicks(of_tags(file, tagger, record, stated), record, make_windows)


def count_clicks(
    run: ClickSource, record: RecordReader, make_windows: MakeWindows
) -> RecordedCounts:
    """Count the pulses of every gate of a grid; see `count_recording`."""
    windows = make_windows(run.tick_ps, run.period_ticks)
    _require_within(windows, run)
    table = run.reading.table
    totals = np.zeros((len(SHIFTS), *windows.end_ticks.shape, table.count), np.int64)
    slices = Slices(run.pulse_rate_hz)
    alignments, short, unknown, pulses = [], 0, 0, 0
    clicks = np.zeros(2 * run.period_ticks, np.int64)
    for epoch in run.epochs():
        alignment = align(
            epoch.events, run.gate, run.period_ticks, run.reading, run.pulse_rate_hz, record
        )
        if alignment is None:
            short += 1
            continue
        first, end = _known_pulses(epoch, alignment.offset, record)
        start, stop = np.searchsorted(epoch.events.pulse, [first, end])
        events = epoch.events.take(slice(start, stop))
        alignments.append(alignment)
        unknown += len(epoch.events) - len(events)
        pulses += end - first
        clicks += np.bincount(
            np.minimum(events.phase_ticks, len(clicks) - 1), minlength=len(clicks)
        )
        for part, length in slices.cut(events, first, end):
            found = _count(part, alignment.offset, run, windows, record)
            slices.add(found, length)
            totals += found
    if not alignments:
        raise InputError(
            f"{run.name} holds no stretch of {SAMPLE_BITS} sifted bits, which it takes to "
            "find it in Alice's record: record for longer"
        )
    # Each gate at the offset that it would be found at: at any other half of its bits are wrong.
    chosen = np.argmin(totals[..., list(run.reading.wrong)].sum(axis=-1), axis=0)
    return RecordedCounts(
        windows,
        at_shifts(totals, chosen),
        run.reading,
        np.array(SHIFTS)[chosen],
        run.tick_ps,
        pulses / run.pulse_rate_hz,
        run.gate,
        clicks,
        alignments,
        short,
        unknown,
        run.damage,
        slices.at(chosen),
    )


def align(
    events: Events,
    gate: Gate,
    period_ticks: int,
    reading: Reading,
    pulse_rate_hz: float,
    record: RecordReader,
) -> Alignment | None:
    """Find an epoch in Alice's record by its first sifted bits; None if these are few."""
    if gate.width_ticks == period_ticks:
        # Background may hide Alice's bits: they show best in the quarter with the most clicks.
        width = max(1, period_ticks // 4)
        phases = np.minimum(events.phase_ticks, period_ticks - 1)
        until = np.concatenate([[0], np.bincount(phases, minlength=period_ticks).cumsum()])
        gate = Gate(int(np.argmax(until[width:] - until[:-width])), width)
    sample = reading.sample(events, gate, period_ticks)
    if len(sample.pulses) < SAMPLE_BITS:
        return None
    reach = int(SEARCH_S * pulse_rate_hz)
    first = slice(SAMPLE_BITS)
    bases = None if sample.bases is None else sample.bases[first]
    return find_offset_in_record(sample.pulses[first], sample.bits[first], record, reach, bases)


def _known_pulses(epoch: Epoch, offset: int, record: RecordReader) -> tuple[int, int]:
    """Return the first pulse, and the one after the last, with all their neighbours in a record."""
    first = max(0, record.first_pulse + MOST_NEIGHBOURS - offset)
    return first, max(first, min(epoch.pulses, record.end_pulse - 1 - offset))


def _count(
    events: Events, offset: int, run: ClickSource, windows: Windows, record: RecordReader
) -> Kinds:
    """Count at the offset and at its neighbours, in the order of `SHIFTS`: (shifts, S, W, K)."""
    alice = events.pulse.astype(np.int64) + offset
    sent = {
        shift: run.reading.sent(record, (alice + shift).astype(np.uint64))
        for shift in range(-MOST_NEIGHBOURS, 2)
    }
    table = run.reading.table
    return np.stack(
        [count_kinds(events, sent[shift], windows, table, sent[shift - 1]) for shift in SHIFTS]
    )


def _require_within(windows: Windows, run: ClickSource) -> None:
    """Refuse a grid with gates of which the board has sent only a part."""
    gate = run.gate
    if gate == Gate(0, windows.period_ticks):
        return
    first, end = int(windows.start_ticks[0]), int(windows.end_ticks.max())
    if first < gate.start_ticks or end > gate.end_ticks:
        raise ConfigurationError(
            f"the gates of the map, ticks {first} to {end}, reach beyond that of {run.name}, "
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
        "short_epochs": found.short_epochs,
        "unknown_pulses": found.unknown_pulses,
        "damage": found.damage,
    }
