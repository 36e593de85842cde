"""Stuffing against the independent package `cobs`."""

import pytest
from cobs import cobs as independent
from hypothesis import given
from hypothesis import strategies as st

from hexkey.errors import InputError
from hexkey.wire.cobs import cobs_decode_reference, cobs_encode

# Runs around the length of 254 at which the code changes are rare in plain random bytes.
chunks = st.lists(
    st.one_of(
        st.binary(max_size=20),
        st.integers(250, 260).map(lambda length: b"\x55" * length),
        st.just(b"\0"),
    ),
    max_size=6,
).map(b"".join)


@given(chunks)
def test_encoding_is_that_of_the_independent_package(data: bytes) -> None:
    assert cobs_encode(data) == independent.encode(data)


@given(st.one_of(chunks, st.binary(max_size=40)))
def test_decoding_agrees_with_the_independent_package(stuffed: bytes) -> None:
    try:
        expected = independent.decode(stuffed)
    except independent.DecodeError:
        with pytest.raises(InputError, match="code byte"):
            cobs_decode_reference(stuffed)
    else:
        assert cobs_decode_reference(stuffed) == expected
