"""Bodies: round trips, and refusals of what board and host do not agree about."""

import struct
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hexkey.errors import InputError
from hexkey.wire import (
    COUNTERS,
    PAIRS,
    Counters,
    Histogram,
    Identification,
    Loss,
    LossCause,
    Marker,
    Pairs,
    RegisterOperation,
    RegisterReply,
    RegisterRequest,
    RegisterStatus,
    SettingsChange,
    Status,
)

u8, u16, u32, u64 = (st.integers(0, 2**bits - 1) for bits in (8, 16, 32, 64))
positive = st.integers(1, 2**32 - 1)
inputs = st.integers(0, 31)
text = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=4)

values: st.SearchStrategy[Any] = st.one_of(
    st.builds(
        Identification,
        tick_ps=st.builds(Fraction, positive, positive),
        clock_hz=u32,
        detectors=st.integers(1, 4),
        simulated=st.booleans(),
        taps=u16,
        period_ticks=positive,
        fifo_depth=u32,
        firmware=text,
        board=text,
        statistics=st.booleans(),
    ),
    st.lists(u64, min_size=12, max_size=12).map(lambda v: Counters(*v)),
    st.lists(u64, min_size=6, max_size=6).map(lambda v: Pairs(tuple(v))),
    st.builds(Loss, st.sampled_from(LossCause), u64, u64, u32),
    st.builds(SettingsChange, u64, u32),
    st.builds(Status, u32, inputs, *[st.booleans()] * 2, inputs, *[st.booleans()] * 4),
    st.builds(Marker, u64, u32),
    st.builds(RegisterRequest, u16, st.sampled_from(RegisterOperation), u16, u32),
    st.builds(RegisterReply, u16, st.sampled_from(RegisterStatus), u16, u32),
)


@given(values)
def test_round_trip_and_length(value: Any) -> None:
    body = value.encode()
    assert type(value).decode(body) == value
    for wrong in (body[:-1], body + b"\0", b""):
        with pytest.raises(InputError, match="bytes instead of"):
            type(value).decode(wrong)


@given(st.integers(0, 3), u32, positive, st.lists(u32, max_size=2048))
def test_histogram_round_trip(detector: int, offset: int, width: int, counts: list[int]) -> None:
    body = Histogram(detector, offset, width, np.array(counts, np.uint32)).encode()
    found = Histogram.decode(body)
    assert (found.detector, found.offset_ticks, found.bin_ticks) == (detector, offset, width)
    assert found.counts.dtype == np.uint32
    assert found.counts.tolist() == counts
    with pytest.raises(InputError, match="bytes instead of"):
        Histogram.decode(body[:-1])


@pytest.mark.parametrize(
    ("kind", "body", "message"),
    [
        (Identification, struct.pack("<IIIBBHII48x", 10, 0, 0, 2, 0, 0, 1, 0), "tick of 10/0 ps"),
        (Identification, struct.pack("<IIIBBHII48x", 10, 1, 0, 5, 0, 0, 1, 0), "5 detectors"),
        (Histogram, struct.pack("<BBHII", 4, 0, 0, 0, 1), "detector 4"),
        (Histogram, struct.pack("<BBHII", 0, 0, 0, 0, 0), "bins of 0 ticks"),
        (Histogram, struct.pack("<BBHII8196x", 0, 0, 2049, 0, 1), "2049 bins"),
        (Loss, struct.pack("<BBHQQI", 3, 0, 0, 0, 0, 0), "3 is no LossCause"),
        (RegisterRequest, struct.pack("<HBHI", 0, 2, 0, 0), "2 is no RegisterOperation"),
        (RegisterReply, struct.pack("<HBHI", 0, 4, 0, 0), "4 is no RegisterStatus"),
    ],
)
def test_values_without_a_meaning_are_refused(kind: Any, body: bytes, message: str) -> None:
    with pytest.raises(InputError, match=message):
        kind.decode(body)


@given(st.sampled_from([Identification, Histogram, Loss, RegisterReply]), st.binary(max_size=100))
def test_arbitrary_bytes_decode_or_are_refused(kind: Any, body: bytes) -> None:
    try:
        kind.decode(body)
    except InputError:
        pass


def test_what_has_no_room_is_a_programmer_error() -> None:
    with pytest.raises(ValueError, match="at most 16 bytes"):
        Identification(Fraction(10), 1, 1, True, 0, 1, 0, "x" * 17, "").encode()
    with pytest.raises(ValueError, match="out of range"):
        SettingsChange(0, -1).encode()
    with pytest.raises(ValueError, match="from 0 to 31"):
        Status(0, 32, trigger_locked=True, running=True).encode()
    with pytest.raises(ValueError, match="2048 bins"):
        Histogram(0, 0, 1, np.zeros(2049, np.uint32)).encode()


def test_names_in_the_order_of_the_wire() -> None:
    assert len(COUNTERS) == 12
    assert Counters(*range(12)).clicks == (1, 2, 3, 4)
    assert PAIRS == ((0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3))
