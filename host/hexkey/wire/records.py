"""Events to records and back."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from hexkey._native import ffi, lib
from hexkey.errors import InputError
from hexkey.events import Events
from hexkey.wire.frame import MAX_PULSE, MAX_RECORDS, Frame, Header, Kind
from hexkey.wire.layout import LAYOUTS, NARROW, RecordLayout


@dataclass(frozen=True, slots=True)
class PackedEvents:
    """The body of one EVENTS frame with what its header and its successors need to know.

    Attributes
    ----------
    pulse : int
        Base of the first record's advance: the header's pulse.
    body : bytes
        At most `MAX_RECORDS` records.
    events : int
        How many events the records hold: what the tally grows by.
    last_pulse : int
        Pulse of the last event: the least watermark of any later frame.
    """

    pulse: int
    body: bytes
    events: int
    last_pulse: int


def pack_events(events: Events, base_pulse: int, layout: RecordLayout = NARROW) -> bytes:
    """Return the records of `events`, long advances put in where they are needed.

    Parameters
    ----------
    events : Events
        Pulses strictly ascending, none below `base_pulse`; masks not 0.
    base_pulse : int
        What the first record's advance counts from: the pulse of the frame's header.
    layout : RecordLayout

    Returns
    -------
    bytes
        As many records as it takes; `pack_frames` cuts them into frames.

    Raises
    ------
    ValueError
        Events out of order or with a value that the layout has no room for.
    """
    _check_packable(events, base_pulse, layout)
    distance = np.diff(events.pulse, prepend=np.uint64(base_pulse))
    skips = _skips(distance, layout)
    at = np.arange(len(events)) + np.cumsum(skips)
    words = np.zeros(len(events) + int(skips.sum()), dtype=f"<u{layout.record_bytes}")
    advance = distance.copy()
    for i in np.flatnonzero(skips):  # rare: a pause of more than 8191 pulses
        steps, advance[i] = _split_distance(int(distance[i]), int(skips[i]), layout)
        words[at[i] - skips[i] : at[i]] = steps
    words[at] = (
        events.phase_ticks.astype(np.uint64) << np.uint64(layout.shift("phase_ticks"))
        | events.flags.astype(np.uint64) << np.uint64(layout.shift("flags"))
        | advance << np.uint64(layout.shift("advance"))
        | events.mask.astype(np.uint64) << np.uint64(layout.shift("mask"))
    )
    return words.tobytes()


def _check_packable(events: Events, base_pulse: int, layout: RecordLayout) -> None:
    if not 0 <= base_pulse <= MAX_PULSE:
        raise ValueError(f"base_pulse must be between 0 and {MAX_PULSE}, not {base_pulse}")
    if not len(events):
        return
    if np.any(events.pulse[1:] <= events.pulse[:-1]) or events.pulse[0] < base_pulse:
        raise ValueError("pulses must ascend strictly and not begin below base_pulse")
    if events.pulse[-1] > MAX_PULSE:
        raise ValueError(f"pulses must be at most {MAX_PULSE}, not {events.pulse[-1]}")
    for name, values in (
        ("phase_ticks", events.phase_ticks),
        ("flags", events.flags),
        ("mask", events.mask),
    ):
        if values.max() > layout.limit(name):
            raise ValueError(f"{name} must be at most {layout.limit(name)}, not {values.max()}")
    if not events.mask.all():
        raise ValueError("an event must have at least one detector in its mask")


def _skips(distance: NDArray[np.uint64], layout: RecordLayout) -> NDArray[np.int64]:
    """Count the long advances in front of each event."""
    reach, step = np.uint64(layout.limit("advance")), np.uint64(layout.max_skip)
    beyond = np.where(distance > reach, distance - reach, np.uint64(0))
    return ((beyond + (step - np.uint64(1))) // step).astype(np.int64)


def _split_distance(distance: int, skips: int, layout: RecordLayout) -> tuple[list[int], int]:
    """Return the long advances and the advance, at least 1, that add up to `distance`."""
    steps = [layout.max_skip] * (skips - 1)
    rest = distance - sum(steps)
    steps.append(min(rest - 1, layout.max_skip))
    return steps, rest - steps[-1]


def pack_frames(events: Events, layout: RecordLayout = NARROW) -> list[PackedEvents]:
    """Cut `events` into frames of at most `MAX_RECORDS` records, each based on its first event.

    Raises
    ------
    ValueError
        As `pack_events`.
    """
    frames = []
    start = 0
    while start < len(events):
        part = events.take(slice(start, start + MAX_RECORDS))
        records = 1 + _skips(np.diff(part.pulse, prepend=part.pulse[:1]), layout)
        count = int(np.searchsorted(np.cumsum(records), MAX_RECORDS, side="right"))
        part = part.take(slice(count))
        base = int(part.pulse[0])
        frames.append(
            PackedEvents(base, pack_events(part, base, layout), count, int(part.pulse[-1]))
        )
        start += count
    return frames


@dataclass(frozen=True, slots=True)
class Burst:
    """Frames of events, decoded: one, or several that followed on each other without a loss.

    Attributes
    ----------
    header : Header
        Of the last frame. The others had the same run, epoch, settings and width of records.
    frames : int
        How many they are.
    events : Events
        Theirs, in the order of the wire; where there are several frames, pulses ascend.
    """

    header: Header
    frames: int
    events: Events


def unpack_events(records: bytes, base_pulse: int, layout: RecordLayout | int) -> Events:
    """Decode event records: the body of an EVENTS frame and its header's pulse.

    Parameters
    ----------
    records : bytes
    base_pulse : int
        What the first advance counts from.
    layout : RecordLayout or int
        The layout, or the width of a record in bytes as the header states it.

    Raises
    ------
    InputError
        A record that cannot be: it repeats the pulse of the event before it (an advance of 0 is
        for the first event only), or passes `MAX_PULSE`; or not a whole number of records.
    """
    record_bytes = layout if isinstance(layout, int) else layout.record_bytes
    count = _record_count(records, base_pulse, record_bytes)
    return _unpack(records, record_bytes, [base_pulse], [count])


def unpack_frames(frames: Sequence[Frame]) -> Events:
    """Decode the events of frames in one go, which is several times faster than one by one.

    Parameters
    ----------
    frames : sequence of Frame
        Frames of one epoch in their order. Those of other kinds are passed over.

    Raises
    ------
    InputError
        As `unpack_events`.
    """
    parts = []
    chosen = (frame for frame in frames if frame.header.kind is Kind.EVENTS)
    for record_bytes, group in groupby(chosen, key=lambda frame: frame.header.record_bytes):
        same = list(group)
        bases = [frame.header.pulse for frame in same]
        counts = [_record_count(frame.body, frame.header.pulse, record_bytes) for frame in same]
        bodies = b"".join([frame.body for frame in same])
        parts.append(_unpack(bodies, record_bytes, bases, counts))
    return parts[0] if len(parts) == 1 else Events.concatenate(parts)


def _unpack(records: bytes, record_bytes: int, bases: list[int], counts: list[int]) -> Events:
    room = len(records) // record_bytes
    pulse = np.empty(room, np.uint64)
    phase_ticks = np.empty(room, np.uint32)
    mask = np.empty(room, np.uint8)
    flags = np.empty(room, np.uint8)
    from_buffer = ffi.from_buffer
    found = lib.hexkey_unpack_events(
        from_buffer(records),
        record_bytes,
        len(bases),
        bases,
        counts,
        from_buffer("uint64_t[]", pulse),
        from_buffer("uint32_t[]", phase_ticks),
        from_buffer("uint8_t[]", mask),
        from_buffer("uint8_t[]", flags),
    )
    if found < 0:
        raise _impossible(-1 - found, bases[0])
    if found < room:
        return Events(pulse[:found], phase_ticks[:found], mask[:found], flags[:found])
    return Events(pulse, phase_ticks, mask, flags)


def unpack_events_reference(records: bytes, base_pulse: int, layout: RecordLayout | int) -> Events:
    """Decode as `unpack_events` does, record by record in plain Python."""
    record_bytes = layout if isinstance(layout, int) else layout.record_bytes
    _record_count(records, base_pulse, record_bytes)
    layout = LAYOUTS[record_bytes]
    found: list[tuple[int, int, int, int]] = []
    pulse = base_pulse
    for at in range(0, len(records), record_bytes):
        record = int.from_bytes(records[at : at + record_bytes], "little")
        field = {
            name: record >> layout.shift(name) & layout.limit(name) for name, _ in layout.fields
        }
        is_event = field["mask"] != 0
        step = field["advance"] if is_event else record & layout.max_skip
        pulse += step
        if pulse > MAX_PULSE or (is_event and step == 0 and found):
            raise _impossible(at // record_bytes, base_pulse)
        if is_event:
            found.append((pulse, field["phase_ticks"], field["mask"], field["flags"]))
    pulses, phases, masks, flags = zip(*found, strict=True) if found else ((), (), (), ())
    return Events(
        np.array(pulses, np.uint64),
        np.array(phases, np.uint32),
        np.array(masks, np.uint8),
        np.array(flags, np.uint8),
    )


def _record_count(records: bytes, base_pulse: int, record_bytes: int) -> int:
    if record_bytes not in LAYOUTS:
        raise ValueError(f"event records have 4 or 8 bytes, not {record_bytes}")
    if not 0 <= base_pulse <= MAX_PULSE:
        raise InputError(
            f"event records: their base pulse {base_pulse} is not between 0 and {MAX_PULSE}; "
            f"the frame's header is wrong"
        )
    count, rest = divmod(len(records), record_bytes)
    if rest:
        raise InputError(
            f"event records: {len(records)} bytes are not whole records of {record_bytes}; "
            f"the frame was cut"
        )
    return count


def _impossible(index: int, base_pulse: int) -> InputError:
    return InputError(
        f"event records from pulse {base_pulse} on: record {index} repeats the pulse of the event "
        f"before it or passes pulse {MAX_PULSE}; the board's firmware is at fault"
    )
