"""The incremental parser: chunks, damage, joining late, bounded memory."""

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hexkey.errors import InputError
from hexkey.wire import (
    MAX_BODY_BYTES,
    MAX_STUFFED_BYTES,
    Frame,
    Header,
    Kind,
    StreamParser,
    decode_frame,
    encode_frame,
    unpack_events,
    unpack_events_reference,
)
from hexkey.wire.cobs import cobs_encode
from hexkey.wire.frame import CRC
from hexkey.wire.stream import crc32


def some_frames(count: int, seed: int = 1) -> list[bytes]:
    """Return a board's frames: three of five hold 0 to 8 events."""
    generator = np.random.default_rng(seed)
    frames, tally, pulse = [], 0, 0
    for sequence in range(count):
        if sequence % 5 < 3:
            words = 0x1000_8000 + generator.integers(0, 5000, generator.integers(0, 9))
            header = Header(Kind.EVENTS, 4, 1, 9, 0, sequence, pulse, tally)
            frames.append(encode_frame(header, words.astype("<u4").tobytes()))
            tally, pulse = tally + len(words), pulse + len(words)
        else:
            header = Header(Kind.STATUS, 0, 1, 9, 0, sequence, pulse, tally)
            frames.append(encode_frame(header, generator.bytes(12)))
    return frames


def in_chunks(data: bytes, sizes: list[int]) -> Iterator[bytes]:
    at = 0
    for size in sizes:
        yield data[at : at + size]
        at += size
    yield data[at:]


def parse(stream: bytes, sizes: list[int] | None = None) -> tuple[list[Frame], StreamParser]:
    parser = StreamParser()
    chunks = in_chunks(stream, sizes or [])
    return [frame for chunk in chunks for frame in parser.feed(chunk)], parser


def parse_reference(stream: bytes) -> tuple[list[Frame], int, int]:
    """Return frames, bad frames and the bytes in no sound frame, piece by piece."""
    frames: list[Frame] = []
    bad = lost_bytes = 0
    for i, piece in enumerate(stream.split(b"\0")[:-1]):
        if not piece:
            continue
        try:
            frame = decode_frame(piece)
            if frame.header.kind is Kind.EVENTS:
                unpack_events_reference(frame.body, frame.header.pulse, frame.header.record_bytes)
        except InputError:
            bad += i > 0
            lost_bytes += len(piece) + 1
            continue
        if not (frames and frame.header == frames[-1].header):
            frames.append(frame)
    return frames, bad, lost_bytes


chunk_sizes = st.lists(st.integers(0, 60), max_size=12)
headers = st.builds(
    lambda head, tail: bytes([1, *head]) + tail,
    st.tuples(st.integers(1, 14), st.sampled_from([0, 4, 4, 4, 8, 3]), st.integers(0, 255)),
    st.binary(min_size=24, max_size=24),
)
sealed = st.builds(
    lambda head, body: cobs_encode(head + body + CRC.pack(crc32(head + body))) + b"\0",
    headers,
    st.binary(max_size=24),
)
pieces = st.lists(
    st.one_of(
        st.sampled_from(some_frames(12)),
        sealed,
        st.binary(max_size=50),
        st.just(b"\0"),
    ),
    max_size=12,
)


@given(pieces, chunk_sizes)
def test_any_stream_in_any_chunks_is_parsed_as_by_the_reference(
    parts: list[bytes], sizes: list[int]
) -> None:
    stream = b"".join(parts)
    expected, bad, lost_bytes = parse_reference(stream)
    found, parser = parse(stream, sizes)
    assert found == expected
    seen = parser.statistics
    assert (seen.bad_frames, seen.resync_bytes) == (bad, lost_bytes)
    assert seen.pending_bytes == len(stream) - stream.rfind(b"\0") - 1
    for frame in found:  # what the parser lets through never makes the decoder refuse
        if frame.header.kind is Kind.EVENTS:
            unpack_events(frame.body, frame.header.pulse, frame.header.record_bytes)


@given(st.data(), chunk_sizes)
def test_damage_never_passes_unnoticed(data: st.DataObject, sizes: list[int]) -> None:
    frames = some_frames(20)
    stream = bytearray(b"".join(frames))
    for at in data.draw(st.sets(st.integers(0, len(stream) - 1), min_size=1, max_size=8)):
        stream[at] ^= 1 << data.draw(st.integers(0, 7))
    sent = [decode_frame(frame) for frame in frames]
    found, parser = parse(bytes(stream), sizes)
    seen = parser.statistics
    numbers = [frame.header.sequence for frame in found]
    assert [sent[number] for number in numbers] == found
    assert len(found) < len(sent)
    assert seen.bad_frames + seen.resync_bytes + seen.pending_bytes > 0
    if found:
        between = range(numbers[0], numbers[-1] + 1)
        missing = [sent[number] for number in between if number not in numbers]
        assert seen.frames_missed == len(missing)
        assert seen.events_missed == sum(
            len(frame.body) // 4 for frame in missing if frame.header.kind is Kind.EVENTS
        )


@pytest.mark.parametrize("cut", [1, 20, 40])
def test_joining_within_a_frame_is_no_error(cut: int) -> None:
    frames = some_frames(4)
    found, parser = parse(b"".join(frames)[cut:])
    assert [frame.header.sequence for frame in found] == [1, 2, 3]
    seen = parser.statistics
    assert (seen.bad_frames, seen.resync_bytes) == (0, len(frames[0]) - cut)
    assert seen.frames_missed == 0
    assert seen.events_before == found[0].header.event_tally


def test_a_recording_that_ends_within_a_frame() -> None:
    frames = some_frames(4)
    found, parser = parse(b"".join(frames)[:-7])
    assert len(found) == 3
    assert parser.statistics.pending_bytes == len(frames[3]) - 7


def test_an_unknown_version_is_refused_by_name_but_only_with_a_right_crc() -> None:
    body = bytes([7, *range(40)])
    good = cobs_encode(body + CRC.pack(crc32(body))) + b"\0"
    with pytest.raises(InputError, match=r"version 7.*knows version 1"):
        StreamParser().feed(good)
    frames, parser = parse(b"\0" + cobs_encode(body + bytes(4)) + b"\0")
    assert (frames, parser.statistics.bad_frames) == ([], 1)


def test_a_sound_frame_of_an_unknown_kind_is_numbered_and_left_out() -> None:
    header = bytes([1, 200, 0, 0]) + bytes(8) + (1).to_bytes(4, "little") + bytes(12)
    unknown = cobs_encode(header + CRC.pack(crc32(header))) + b"\0"
    status = [encode_frame(Header(Kind.STATUS, 0, 0, 0, 0, i, 0, 0), bytes(12)) for i in (0, 2)]
    found, parser = parse(status[0] + unknown + status[1])
    assert len(found) == 2
    seen = parser.statistics
    assert (seen.frames, seen.unknown_frames, seen.frames_missed) == (3, 1, 0)


def test_the_hosts_own_frames_do_not_disturb_the_boards_numbers() -> None:
    request = encode_frame(Header(Kind.REGISTER_REQUEST, 0, 0, 0, 0, 99, 0, 0), bytes(9))
    frames = some_frames(2)
    found, parser = parse(frames[0] + request + frames[1])
    assert len(found) == 3
    seen = parser.statistics
    assert (seen.frames_missed, seen.restarts) == (0, 0)


@pytest.mark.parametrize("size", [1000, MAX_STUFFED_BYTES, 100_000])
def test_endless_garbage_takes_bounded_memory_and_is_one_bad_frame(size: int) -> None:
    frame = some_frames(1)[0]
    parser = StreamParser()
    parser.feed(b"\0")
    for _ in range(200):
        assert parser.feed(b"\x55" * size) == []
        assert parser.statistics.pending_bytes <= MAX_STUFFED_BYTES
    assert len(parser.feed(b"\0" + frame)) == 1
    seen = parser.statistics
    assert (seen.bad_frames, seen.frames, seen.pending_bytes) == (1, 1, 0)
    assert seen.resync_bytes == 200 * size + 1
    assert seen.bytes == 1 + seen.resync_bytes + len(frame)


def test_more_pieces_in_one_chunk_than_the_parser_describes_at_once() -> None:
    frames = some_frames(500)
    found, parser = parse(b"\0\0".join(frames) + b"\0" * 5)
    assert [frame.header.sequence for frame in found] == list(range(500))
    assert parser.statistics.frames_missed == 0


def test_long_frames_fill_the_parsers_buffer_many_times_over() -> None:
    """Bodies with runs of every length around 254, where stuffing changes."""
    generator = np.random.default_rng(3)
    bodies = []
    for length in [*range(240, 270), *range(500, 520), *[MAX_BODY_BYTES] * 10]:
        raw = generator.integers(1, 256, length, dtype=np.uint8)
        raw[generator.integers(0, length)] = 0
        bodies += [raw.tobytes(), raw[raw > 0].tobytes(), bytes(length)]
    frames = [
        encode_frame(Header(Kind.G2, 0, 0, 0, 0, i, 0, 0), body) for i, body in enumerate(bodies)
    ]
    found, _ = parse(b"".join(frames))
    assert [frame.body for frame in found] == bodies


def test_gaps_are_handed_over_once() -> None:
    frames = some_frames(9)
    _, parser = parse(b"".join(frames[:2] + frames[4:6] + frames[7:]))
    gaps = parser.gaps
    assert [gap.frames for gap in gaps] == [2, 1]
    assert parser.take_gaps() == list(gaps)
    assert parser.gaps == ()
