"""What both sides of LDPC reconciliation agree on: the places of bits, queries and answers.

Bit i of a block is bit i div C of column i mod C, C being the code's columns: neighbours, and the
errors of a burst, lie in columns of all degrees and on different checks. The lifting is Z = ⌈n/C⌉;
the fewer than C places past the block hold zeros that both sides know.

A query is a version (1 byte, 1), a code's number in the family (1 byte; 255 for none) and the
number of bits that are to be disclosed in all (4 bytes, little-endian). The bits are, in this
order, the R Z checks of the code, row by row, and the sums of the first halves of the first, second
and further checks. Without a code they are the block itself. The answer holds those that have not
been disclosed yet, first bit in the least significant place, padded with zeros. The first query
asks for all checks of the code, or the whole block, at least; later ones name the same code and
more bits.
"""

import struct

import numpy as np
from numpy.typing import NDArray

from hexkey.errors import ProtocolError

VERSION = 1
NO_CODE = 255
MAX_BITS = 1 << 20
_QUERY = struct.Struct("<BBI")

Bits = NDArray[np.uint8]


def query(code: int, disclosed: int) -> bytes:
    """Return a query."""
    return _QUERY.pack(VERSION, code, disclosed)


def read_query(message: bytes) -> tuple[int, int]:
    """Return the code's number and the bits to be disclosed in all; raise ProtocolError."""
    if len(message) != _QUERY.size or message[0] != VERSION:
        raise ProtocolError("the peer's LDPC query is malformed; drop the block")
    _, code, disclosed = _QUERY.unpack(message)
    return code, disclosed


def read_answer(answer: bytes, count: int) -> Bits:
    """Return the bits of an answer to a query for `count`; raise ProtocolError."""
    if len(answer) != (count + 7) // 8:
        raise ProtocolError(
            f"the peer's LDPC answer has {len(answer)} bytes where {count} bits need "
            f"{(count + 7) // 8}; drop the block"
        )
    bits = np.unpackbits(np.frombuffer(answer, np.uint8), bitorder="little")
    if bits[count:].any():
        raise ProtocolError("the peer's LDPC answer has set padding bits; drop the block")
    return bits[:count]


def lifting_of(n: int, columns: int) -> int:
    """Return the lifting at which a block of `n` bits fits."""
    return -(-n // columns)


def to_columns(bits: Bits, columns: int) -> Bits:
    """Return the bits in the order of a code's columns, zeros included."""
    lifting = lifting_of(len(bits), columns)
    placed = np.zeros(columns * lifting, np.uint8)
    placed[: len(bits)] = bits
    return np.ascontiguousarray(placed.reshape(lifting, columns).T).ravel()


def from_columns(placed: Bits, n: int) -> Bits:
    """Return the block of which each row holds the bits of a column."""
    return np.ascontiguousarray(placed.T).ravel()[:n]
