"""Bodies that tell of the tagger: round trips, and refusals of what cannot be."""

import struct
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hexkey.errors import InputError
from hexkey.wire import G2, LAGS, CodeDensity, Tags, pack_tags, unpack_tags
from hexkey.wire.registers import Source

u32, u64 = st.integers(0, 2**32 - 1), st.integers(0, 2**64 - 1)
tags = st.lists(st.tuples(st.integers(0, 2**60 - 1), st.integers(0, 4)), max_size=240)


def some_tags(of: list[tuple[int, int]]) -> Tags:
    return Tags(np.array([t for t, _ in of], np.uint64), np.array([c for _, c in of], np.uint8))


@given(tags)
def test_tags_round_trip(of: list[tuple[int, int]]) -> None:
    body = pack_tags(some_tags(of))
    assert len(body) == 8 * len(of)
    found = unpack_tags(body)
    assert list(zip(found.time_ticks.tolist(), found.channel.tolist(), strict=True)) == of
    assert found.time_ticks.dtype == np.uint64
    assert found.channel.dtype == np.uint8


@given(st.integers(0, 4), st.sampled_from(Source), st.lists(u32, min_size=1, max_size=1024))
def test_code_density_round_trip(channel: int, source: Source, counts: list[int]) -> None:
    body = CodeDensity(channel, source, np.array(counts, np.uint32)).encode()
    assert len(body) == 8 + 4 * len(counts)
    found = CodeDensity.decode(body)
    assert (found.channel, found.source, found.counts.tolist()) == (channel, source, counts)
    with pytest.raises(InputError, match="bytes instead of"):
        CodeDensity.decode(body[:-1])


@given(st.integers(0, 3), st.integers(0, 3), u64, st.lists(u64, min_size=33, max_size=33))
def test_g2_round_trip(first: int, second: int, pulses: int, counts: list[int]) -> None:
    body = G2(first, second, pulses, np.array(counts, np.uint64)).encode()
    assert len(body) == 16 + 8 * 33
    found = G2.decode(body)
    assert (found.first, found.second, found.pulses) == (first, second, pulses)
    assert found.coincidences.tolist() == counts
    with pytest.raises(InputError, match="bytes instead of"):
        G2.decode(body + b"\0")


@pytest.mark.parametrize(
    ("decode", "body", "message"),
    [
        (CodeDensity.decode, struct.pack("<BBHII", 5, 0, 1, 0, 0), "channel 5"),
        (CodeDensity.decode, struct.pack("<BBHII", 0, 3, 1, 0, 0), "3 is no Source"),
        (CodeDensity.decode, struct.pack("<BBHI", 0, 0, 0, 0), "0 codes"),
        (CodeDensity.decode, struct.pack("<BBHI4100x", 0, 0, 1025, 0), "1025 codes"),
        (G2.decode, struct.pack("<BBHIQ264x", 0, 4, 33, 0, 0), "detectors 0 and 4"),
        (G2.decode, struct.pack("<BBHIQ8x", 0, 1, 1, 0, 0), "1 lags"),
        (unpack_tags, struct.pack("<Q", 5), "no channel 5"),
        (unpack_tags, b"1234567", "7 bytes are no whole records"),
    ],
)
def test_what_cannot_be_is_refused(decode: Any, body: bytes, message: str) -> None:
    with pytest.raises(InputError, match=message):
        decode(body)


def test_what_has_no_room_is_a_programmer_error() -> None:
    with pytest.raises(ValueError, match="time_ticks must be at most"):
        pack_tags(some_tags([(2**60, 0)]))
    with pytest.raises(ValueError, match="channel must be at most 15"):
        pack_tags(some_tags([(0, 16)]))
    with pytest.raises(ValueError, match="33 lags"):
        G2(0, 1, 0, np.zeros(32, np.uint64)).encode()
    with pytest.raises(ValueError, match="1 to 1024 codes"):
        CodeDensity(0, Source.PIN, np.zeros(1025, np.uint32)).encode()
    assert (LAGS[0], LAGS[-1]) == (-16, 16)
