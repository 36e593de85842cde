"""Bursts of decoded events: the same events, counts and gaps as frame by frame, come what may."""

import random

import numpy as np
import pytest

from hexkey.events import Events
from hexkey.wire import (
    NARROW,
    WIDE,
    Burst,
    Frame,
    Header,
    Kind,
    StreamParser,
    encode_frame,
    pack_events,
    unpack_events,
)

DTYPES = (np.uint64, np.uint32, np.uint8, np.uint8)
COLUMNS = ("pulse", "phase_ticks", "mask", "flags")
Item = tuple[int, int, int, int, int] | Frame  # an event with its run, or a frame of another kind


def some_events(rng: random.Random, pulse: int, count: int) -> Events:
    """Events from `pulse` on: the first may share it with the event before."""
    steps = [rng.choice([1, 1, 2, 50, 9000, 2**20]) for _ in range(count)]
    if count and rng.random() < 0.1:
        steps[0] = 0
    return Events(
        np.cumsum([pulse, *steps])[1:].astype(np.uint64),
        np.array([rng.randrange(5000) for _ in steps], np.uint32),
        np.array([rng.randrange(1, 16) for _ in steps], np.uint8),
        np.array([rng.randrange(4) for _ in steps], np.uint8),
    )


def eventful_stream(rng: random.Random, frames: int) -> bytes:
    """A board's frames, of which one in ten meets with something."""
    sent: list[bytes] = []
    run, epoch, settings, width, pulse, tally, sequence = 1, 0, 1, 4, 0, 0, 0
    for _ in range(frames):
        fate = rng.randrange(30)
        if fate == 0:
            run, epoch, pulse, tally = run + 1, 0, 0, 0
        elif fate == 1:
            epoch, pulse = epoch + 1, 0
        elif fate == 2:
            settings, width = settings + 1, rng.choice([4, 8])
        elif fate == 3:
            sequence = 0  # a board that was reset
        elif fate == 4 and pulse:
            pulse -= 1  # events from pulses that were over
        kind = Kind.STATUS if rng.random() < 0.1 else Kind.EVENTS
        if kind is Kind.EVENTS:
            events = some_events(rng, pulse, rng.randrange(6))
            packed = pack_events(events, pulse, NARROW if width == 4 else WIDE)
            header = Header(kind, width, settings, run, epoch, sequence, pulse, tally)
            frame = encode_frame(header, packed)
            pulse, tally = int(events.pulse[-1]) if len(events) else pulse, tally + len(events)
        else:
            header = Header(kind, 0, settings, run, epoch, sequence, pulse, tally)
            frame = encode_frame(header, rng.randbytes(12))
        sequence += 1
        if fate == 5:
            continue  # lost
        if fate == 6:
            sent.append(frame)  # twice
        if fate == 7:
            at = rng.randrange(len(frame))
            frame = frame[:at] + bytes([frame[at] ^ 1 << rng.randrange(8)]) + frame[at + 1 :]
        sent.append(frame)
    return b"".join(sent)


def items(frames: list[Frame | Burst]) -> list[Item]:
    """Each event with its run, and the frames of other kinds where they stand between them."""
    found: list[Item] = []
    for frame in frames:
        if isinstance(frame, Burst):
            events = frame.events
        elif frame.header.kind is Kind.EVENTS:
            events = unpack_events(frame.body, frame.header.pulse, frame.header.record_bytes)
        else:
            found.append(frame)
            continue
        columns = (getattr(events, name).tolist() for name in COLUMNS)
        run = frame.header.run << 32 | frame.header.epoch
        found += [(run, *event) for event in zip(*columns, strict=True)]
    return found


@pytest.mark.parametrize("seed", range(40))
def test_the_same_as_frame_by_frame(seed: int) -> None:
    rng = random.Random(seed)
    stream = eventful_stream(rng, 300)
    plain, decoded = StreamParser(), StreamParser()
    largest = rng.choice([30, 500, 20_000])
    at = bursts = 0
    while at < len(stream):
        chunk = stream[at : at + rng.randrange(largest)]
        at += len(chunk)
        found = decoded.feed_decoded(chunk)
        assert not any(item.header.kind is Kind.EVENTS for item in found if isinstance(item, Frame))
        bursts += any(isinstance(item, Burst) and item.frames > 1 for item in found)
        assert items(found) == items([*plain.feed(chunk)])
        assert decoded.statistics == plain.statistics
        assert decoded.take_gaps() == plain.take_gaps()
    assert decoded.statistics.events > 200
    assert bursts or largest == 30


def test_the_header_of_a_burst_is_its_last_frames() -> None:
    rng = random.Random(1)
    frames = []
    for sequence in range(3):
        body = pack_events(some_events(rng, 2**30 * sequence + 1, 2), 2**30 * sequence)
        header = Header(Kind.EVENTS, 4, 1, 9, 0, sequence, 2**30 * sequence, 2 * sequence)
        frames.append(encode_frame(header, body))
    found = StreamParser().feed_decoded(b"".join(frames))
    bursts = [item for item in found if isinstance(item, Burst)]
    assert [burst.frames for burst in bursts] == [1, 2]  # what comes before the first is unknown
    assert bursts[1].header == header
    assert len(bursts[1].events) == 4


def test_events_of_one_pulse_are_not_in_one_burst() -> None:
    """A receiver refuses them between frames, so they must stay apart."""
    event = Events(
        *(np.array([value], dtype) for value, dtype in zip((5, 1, 1, 0), DTYPES, strict=True))
    )
    stream = b"".join(
        encode_frame(Header(Kind.EVENTS, 4, 1, 9, 0, i, 5, i), pack_events(event, 5))
        for i in range(3)
    )
    found = StreamParser().feed_decoded(stream)
    assert [item.frames for item in found if isinstance(item, Burst)] == [1, 1, 1]
