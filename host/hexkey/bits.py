"""Bits: one per byte, as arrays of 0 and 1, and packed eight to a byte; from one to the other.

The first packed bit is in the least significant place, everywhere in hexkey. Alice's bits arrive at
40 Mbit/s and her offset search wants a billion of them at once, so they stay packed; the pieces
that a file or a caller cuts them into need not be whole bytes. Bits beyond the stated count are
zero in everything packed here.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Packed = NDArray[np.uint8]

_ONES_OF_BYTE = np.array([byte.bit_count() for byte in range(256)], np.uint8)


def packed_bytes(count: int) -> int:
    """Return how many bytes `count` bits take."""
    return (count + 7) // 8


def pack_bits(bits: NDArray[np.uint8] | NDArray[np.bool_]) -> bytes:
    """Return `bits`, shape ``(n,)``, packed."""
    return np.packbits(bits, bitorder="little").tobytes()


def unpack_bits(packed: bytes | Packed, count: int) -> NDArray[np.uint8]:
    """Return the first `count` bits, shape ``(count,)``, one per byte."""
    return np.unpackbits(np.frombuffer(packed, np.uint8), count=count, bitorder="little")


def checked_bits(name: str, bits: NDArray[Any]) -> NDArray[np.uint8]:
    """Return bits given one per byte as a contiguous array, shape ``(n,)``.

    Raises
    ------
    TypeError
        If the elements are not uint8.
    ValueError
        If the array is not one-dimensional or an element is neither 0 nor 1.
    """
    if bits.dtype != np.uint8:
        raise TypeError(f"{name} must be uint8, not {bits.dtype}")
    if bits.ndim != 1:
        raise ValueError(f"{name} must have one dimension, not {bits.ndim}")
    if bits.max(initial=0) > 1:
        raise ValueError(f"{name} must hold only 0 and 1")
    return np.ascontiguousarray(bits)


def take(packed: Packed, first: int, count: int) -> Packed:
    """Return `count` bits from bit `first` on, repacked to begin at bit 0.

    Raises
    ------
    ValueError
        If `packed` is shorter than that.
    """
    if first < 0 or count < 0 or first + count > 8 * len(packed):
        raise ValueError(f"bits {first}..{first + count} are not within {8 * len(packed)} bits")
    shift = first % 8
    source = packed[first // 8 : packed_bytes(first + count)]
    cut: Packed = source >> np.uint8(shift)
    if shift:
        cut[:-1] |= source[1:] << np.uint8(8 - shift)
    cut = cut[: packed_bytes(count)]
    if count % 8:
        cut[-1] &= (1 << count % 8) - 1
    return cut


def put(target: Packed, position: int, packed: Packed, count: int) -> None:
    """Write `count` bits at bit `position` of `target`, which must be zero from there on.

    `target` needs one byte more than its bits take.
    """
    piece = take(packed, 0, count)
    first, shift = divmod(position, 8)
    target[first : first + len(piece)] |= piece << np.uint8(shift)
    if shift:
        target[first + 1 : first + 1 + len(piece)] |= piece >> np.uint8(8 - shift)


def bits_at(packed: Packed, positions: NDArray[np.integer]) -> NDArray[np.uint8]:
    """Return the bits (0 or 1) at `positions`, same shape."""
    bits: Packed = (packed[positions >> 3] >> (positions & 7).astype(np.uint8)) & np.uint8(1)
    return bits


def count_ones(packed: Packed) -> int:
    """Return the number of set bits in `packed`."""
    return int(_ONES_OF_BYTE[packed].sum(dtype=np.int64))


def tile(pattern: str, first: int, count: int) -> Packed:
    """Return `count` bits of the endlessly repeated `pattern` ("10"), from its bit `first` on."""
    start = first % len(pattern)
    bits = np.array([character == "1" for character in pattern], dtype=np.uint8)
    # Eight repetitions of the pattern are whole bytes: one tile, whatever the pattern's length.
    unit = np.packbits(np.tile(bits, 8), bitorder="little")
    whole = np.tile(unit, packed_bytes(start + count) // len(unit) + 1)
    return take(whole, start, count)
