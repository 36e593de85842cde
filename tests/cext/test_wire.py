"""cext/wire.c against its readable twins, and its constants against the tables."""

import random
import re
import zlib

import pytest
from amaranth.lib.crc.catalog import CRC32_ISO_HDLC
from hypothesis import given
from hypothesis import strategies as st

from hexkey._native import lib
from hexkey.errors import InputError
from hexkey.wire import (
    MAX_PULSE,
    MAX_RECORDS,
    MAX_STUFFED_BYTES,
    NARROW,
    VERSION,
    WIDE,
    Kind,
    RecordLayout,
    StreamParser,
    unpack_events,
    unpack_events_reference,
)
from hexkey.wire.frame import CRC, HEADER
from hexkey.wire.stream import crc32


def test_the_catalogues_check_value() -> None:
    assert crc32(b"123456789") == 0xCBF43926 == CRC32_ISO_HDLC(8).compute(b"123456789")


@pytest.mark.parametrize("path", [lib.HEXKEY_CLMUL_FASTEST, lib.HEXKEY_CLMUL_PORTABLE])
@given(st.binary(max_size=300))
def test_crc_is_that_of_zlib(path: int, data: bytes) -> None:
    assert crc32(data, path) == zlib.crc32(data)


@pytest.mark.parametrize("path", [lib.HEXKEY_CLMUL_FASTEST, lib.HEXKEY_CLMUL_PORTABLE])
def test_crc_of_every_length(path: int) -> None:
    data = random.Random(1).randbytes(1100)
    for end in range(len(data)):
        assert crc32(data[end % 3 : end], path) == zlib.crc32(data[end % 3 : end])


def test_constants_are_those_of_the_tables() -> None:
    assert lib.HEXKEY_WIRE_VERSION == VERSION
    assert lib.HEXKEY_WIRE_HEADER_BYTES == HEADER.size == 28
    assert lib.HEXKEY_WIRE_CRC_BYTES == CRC.size
    assert lib.HEXKEY_WIRE_MAX_RECORDS == MAX_RECORDS
    assert lib.HEXKEY_WIRE_MAX_STUFFED_BYTES == MAX_STUFFED_BYTES
    assert lib.HEXKEY_WIRE_KIND_EVENTS == Kind.EVENTS
    assert lib.HEXKEY_WIRE_KIND_TAGS == Kind.TAGS
    short_names = {"phase_ticks": "PHASE", "flags": "FLAGS", "advance": "ADVANCE", "mask": "MASK"}
    for layout in (NARROW, WIDE):
        assert [name for name, _ in layout.fields] == list(short_names)
        for name, width in layout.fields:
            constant = f"HEXKEY_{layout.name.upper()}_{short_names[name]}_BITS"
            assert getattr(lib, constant) == width


def records(layout: RecordLayout) -> st.SearchStrategy[bytes]:
    """Any words, with the masks and advances that matter more frequent than by chance."""
    top = layout.shift("mask")
    word = st.one_of(
        st.integers(0, 2 ** (8 * layout.record_bytes) - 1),
        st.integers(0, 2**top - 1),  # a long advance
        st.builds(
            lambda mask, advance, low: mask << top | advance << layout.shift("advance") | low,
            st.integers(1, 15),
            st.sampled_from([0, 1, 1, 1, layout.limit("advance")]),
            st.integers(0, 2 ** layout.shift("advance") - 1),
        ),
    ).map(lambda value: value.to_bytes(layout.record_bytes, "little"))
    return st.lists(word, max_size=12).map(b"".join)


@pytest.mark.parametrize("layout", [NARROW, WIDE], ids=lambda layout: layout.name)
@given(data=st.data(), base=st.sampled_from([0, 1, 2**40, MAX_PULSE - 2**28, MAX_PULSE]))
def test_records_decode_as_by_the_reference(
    layout: RecordLayout, data: st.DataObject, base: int
) -> None:
    body = data.draw(records(layout))
    try:
        expected = unpack_events_reference(body, base, layout)
    except InputError as refusal:
        with pytest.raises(InputError, match=re.escape(str(refusal))):
            unpack_events(body, base, layout)
        return
    found = unpack_events(body, base, layout)
    for name in ("pulse", "phase_ticks", "mask", "flags"):
        a, b = getattr(found, name), getattr(expected, name)
        assert a.dtype == b.dtype
        assert a.tolist() == b.tolist()


@given(st.lists(st.binary(max_size=400), max_size=4))
def test_arbitrary_bytes_never_upset_the_parser(chunks: list[bytes]) -> None:
    parser = StreamParser()
    for chunk in chunks:
        assert parser.feed(chunk) == []
    seen = parser.statistics
    assert seen.bytes == sum(map(len, chunks))
    assert seen.resync_bytes + seen.pending_bytes <= seen.bytes
