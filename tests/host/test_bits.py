"""Packed bits against plain arrays of bits."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hexkey.bits import bits_at, packed_bytes, put, take, tile


def unpack(packed: np.ndarray, count: int) -> list[int]:
    bits: list[int] = np.unpackbits(packed, bitorder="little")[:count].tolist()
    return bits


@given(st.binary(max_size=20), st.data())
def test_take_is_a_slice_with_zeros_behind_it(raw: bytes, data: st.DataObject) -> None:
    packed = np.frombuffer(raw, np.uint8)
    first = data.draw(st.integers(0, 8 * len(raw)))
    count = data.draw(st.integers(0, 8 * len(raw) - first))
    taken = take(packed, first, count)
    expected = unpack(packed, 8 * len(raw))[first : first + count]
    assert len(taken) == packed_bytes(count)
    assert unpack(taken, 8 * len(taken)) == expected + [0] * (-count % 8)


def test_take_refuses_what_is_not_there() -> None:
    with pytest.raises(ValueError, match="not within 8 bits"):
        take(np.zeros(1, np.uint8), 4, 5)


@given(st.lists(st.lists(st.integers(0, 1), max_size=30), max_size=8))
def test_pieces_put_one_after_another_join(pieces: list[list[int]]) -> None:
    whole = [bit for piece in pieces for bit in piece]
    target = np.zeros(packed_bytes(len(whole)) + 1, np.uint8)
    position = 0
    for piece in pieces:
        packed = np.packbits(np.array(piece, np.uint8), bitorder="little")
        put(target, position, packed, len(piece))
        position += len(piece)
    assert unpack(target, len(whole)) == whole


@given(st.binary(min_size=1, max_size=20), st.data())
def test_bits_at_looks_single_bits_up(raw: bytes, data: st.DataObject) -> None:
    positions = data.draw(st.lists(st.integers(0, 8 * len(raw) - 1), max_size=20))
    packed = np.frombuffer(raw, np.uint8)
    expected = [unpack(packed, 8 * len(raw))[position] for position in positions]
    assert bits_at(packed, np.array(positions, np.int64)).tolist() == expected


@given(st.text("01", min_size=1, max_size=11), st.integers(0, 10**12), st.integers(0, 200))
def test_tile_repeats_a_pattern(pattern: str, first: int, count: int) -> None:
    expected = [int(pattern[(first + i) % len(pattern)]) for i in range(count)]
    assert unpack(tile(pattern, first, count), count) == expected
