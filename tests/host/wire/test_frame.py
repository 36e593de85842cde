"""One frame: what is refused, and with which words."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hexkey.errors import InputError
from hexkey.wire import MAX_BODY_BYTES, MAX_STUFFED_BYTES, Header, Kind, decode_frame, encode_frame
from hexkey.wire.cobs import cobs_encode
from hexkey.wire.frame import CRC, HEADER
from hexkey.wire.stream import crc32

HEADER_0 = Header(Kind.STATUS, 0, 0, 0, 0, 0, 0, 0)

u32 = st.integers(0, 2**32 - 1)
headers = st.builds(
    Header,
    kind=st.sampled_from([kind for kind in Kind if kind not in (Kind.EVENTS, Kind.TAGS)]),
    record_bytes=st.just(0),
    settings=st.integers(0, 255),
    run=u32,
    epoch=u32,
    sequence=u32,
    pulse=st.integers(0, 2**63 - 1),
    event_tally=u32,
)


def sealed(frame: bytes) -> bytes:
    """Return any bytes with a right CRC, stuffed."""
    return cobs_encode(frame + CRC.pack(crc32(frame))) + b"\0"


@given(headers, st.binary(max_size=300))
def test_round_trip(header: Header, body: bytes) -> None:
    stuffed = encode_frame(header, body)
    assert stuffed.index(b"\0") == len(stuffed) - 1
    for variant in (stuffed, stuffed[:-1]):
        frame = decode_frame(variant)
        assert (frame.header, frame.body) == (header, body)


def test_the_longest_frame_is_as_long_as_it_says() -> None:
    header = Header(Kind.HISTOGRAM, 0, 255, *(0xFFFFFFFF,) * 3, 2**63 - 1, 0xFFFFFFFF)
    longest = max(len(encode_frame(header, bytes([i]) * MAX_BODY_BYTES)) for i in range(1, 256))
    assert longest - 1 <= MAX_STUFFED_BYTES == 8269
    assert longest - 1 > MAX_STUFFED_BYTES - 5  # the record_bytes of 0 begins a new run


@pytest.mark.parametrize(
    ("change", "body", "message"),
    [
        ({"kind": Kind.EVENTS, "record_bytes": 5}, b"", "records of 5 bytes do not exist"),
        ({"kind": Kind.EVENTS, "record_bytes": 4}, bytes(6), "whole records of 4"),
        ({"kind": Kind.EVENTS, "record_bytes": 8}, bytes(8 * 241), "241 records, more than 240"),
        ({"kind": Kind.TAGS, "record_bytes": 4}, b"", "records of 4 bytes do not exist for TAGS"),
        ({"pulse": 2**63}, b"", "pulse number"),
    ],
)
def test_contradictions_are_refused_both_ways(
    change: dict[str, Any], body: bytes, message: str
) -> None:
    header = replace(HEADER_0, **change)
    with pytest.raises(ValueError, match=message):
        encode_frame(header, body)
    raw = HEADER.pack(1, header.kind, header.record_bytes, 0, 0, 0, 0, header.pulse, 0) + body
    with pytest.raises(InputError, match=message):
        decode_frame(sealed(raw))


@pytest.mark.parametrize("change", [{"run": -1}, {"settings": 256}, {"event_tally": 2**32}])
def test_a_field_out_of_range_is_a_programmer_error(change: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="out of range"):
        encode_frame(replace(HEADER_0, **change), b"")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="at most 8204 bytes"):
        encode_frame(HEADER_0, bytes(MAX_BODY_BYTES + 1))


@pytest.mark.parametrize(
    ("stuffed", "message"),
    [
        (b"", "CRC is wrong"),
        (b"\x05ab\0", "code byte"),
        (sealed(b"\x01" * 27), "too short"),
        (sealed(b"\x02" * 28), "version 2.*knows version 1"),
        (sealed(bytes([1, 99, *bytes(26)])), "kind 99"),
    ],
)
def test_what_is_no_frame_is_refused(stuffed: bytes, message: str) -> None:
    with pytest.raises(InputError, match=message):
        decode_frame(stuffed)
