"""What both sides of Cascade agree on: orders of the bits, the form of a query, the limits.

Every pass looks at the block in an order of its own, which both sides expand from the public seed.
A question is a pass and a range of places in its order; the answer is the parity of Alice's bits
there.

The expansion (version 1) uses integers only and is the same on every platform and numpy version.
The keystream of a pass is SHAKE-256 over the 17 ASCII bytes ``hexkey cascade v1``, the seed, the
number of the pass (1 byte) and n (4 bytes, little-endian).

* Passes 0 to 7 are *shuffles*: n little-endian 64-bit words of keystream, the low 20 bits of each
  replaced by its index, are sorted; the low 20 bits of the sorted words are the order.
* Passes 8 to 63 are *subsets*: n bits of keystream, least significant first, choose a subset; the
  order is the chosen positions ascending, then the others ascending.

A query is a sequence of sections: pass (1 byte), number of ranges m (4 bytes), m first places, m
end places (4 bytes each, half-open ranges), all little-endian. The answer holds one bit per range
in the order of the query, first bit in the least significant place, padded with zeros.
"""

import hashlib
import struct
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hexkey.bits import packed_bytes, unpack_bits
from hexkey.errors import ProtocolError

Places = NDArray[np.int64]

MAX_BITS = 1 << 20
SEED_BYTES = 32
SHUFFLES = 8
PASSES = 64

_INDEX_MASK = np.uint64(MAX_BITS - 1)
_SECTION = struct.Struct("<BI")


@dataclass(frozen=True, slots=True)
class Section:
    """Ranges of one pass: places ``first[i] <= place < end[i]`` of its order, shapes (m,)."""

    number: int
    first: Places
    end: Places


def parity_limit(n: int) -> int:
    """Return how many parities of a block of `n` bits Alice discloses at most.

    More than n parities can never leave a key; the slack lets a plain call on short or very noisy
    arrays finish.
    """
    return 2 * n + 64


def order_of_pass(seed: bytes, number: int, n: int) -> NDArray[np.int32]:
    """Return the order of a pass, shape (n,): ``order[place]`` is a position in the block."""
    stream = hashlib.shake_256(b"hexkey cascade v1" + seed + struct.pack("<BI", number, n))
    if number < SHUFFLES:
        words = np.frombuffer(stream.digest(8 * n), dtype="<u8").astype(np.uint64)
        # Words that hold their index are distinct: every sorting algorithm gives the same order.
        words = np.sort((words & ~_INDEX_MASK) | np.arange(n, dtype=np.uint64))
        return (words & _INDEX_MASK).astype(np.int32)
    chosen = subset_of_pass(seed, number, n)
    return np.concatenate([np.flatnonzero(chosen), np.flatnonzero(~chosen)]).astype(np.int32)


def subset_of_pass(seed: bytes, number: int, n: int) -> NDArray[np.bool_]:
    """Return which positions a subset pass chooses, shape (n,)."""
    stream = hashlib.shake_256(b"hexkey cascade v1" + seed + struct.pack("<BI", number, n))
    return unpack_bits(stream.digest(packed_bytes(n)), n).astype(np.bool_)


def encode_query(sections: list[Section]) -> bytes:
    parts = []
    for section in sections:
        parts.append(_SECTION.pack(section.number, len(section.first)))
        parts.append(section.first.astype("<u4").tobytes())
        parts.append(section.end.astype("<u4").tobytes())
    return b"".join(parts)


def decode_query(query: bytes, n: int, allowed: int) -> list[Section]:
    """Return the sections of a query about a block of `n` bits, `allowed` ranges at most.

    Raises
    ------
    ProtocolError
        The query is empty, cut short, too long, names a pass or a range that does not exist, or
        asks for more than `allowed` parities.
    """
    if len(query) > PASSES * _SECTION.size + 8 * allowed:
        raise ProtocolError(
            f"the peer's Cascade query of {len(query)} bytes asks for more than the {allowed} "
            "parities left for this block; drop the block"
        )
    sections: list[Section] = []
    at = 0
    while at < len(query):
        section, at = _decode_section(query, at, n)
        sections.append(section)
    if not sections or sum(len(section.first) for section in sections) > allowed:
        raise ProtocolError(
            f"the peer's Cascade query asks for nothing or for more than the {allowed} parities "
            "left for this block; drop the block"
        )
    return sections


def _decode_section(query: bytes, at: int, n: int) -> tuple[Section, int]:
    body = at + _SECTION.size
    number, count = _SECTION.unpack_from(query, at) if body <= len(query) else (PASSES, 0)
    end = body + 8 * count
    if number >= PASSES or count == 0 or end > len(query):
        raise ProtocolError(
            f"the peer's Cascade query has a malformed section at byte {at}; drop the block"
        )
    ranges = np.frombuffer(query, dtype="<u4", count=2 * count, offset=body).astype(np.int64)
    section = Section(number, ranges[:count], ranges[count:])
    if np.any(section.first >= section.end) or np.any(section.end > n):
        raise ProtocolError(
            f"the peer's Cascade query has a range outside the block of {n} bits; drop the block"
        )
    return section, end


def decode_answer(answer: bytes, count: int) -> NDArray[np.bool_]:
    """Return the `count` parities of an answer; raise ProtocolError on any other length."""
    if len(answer) != packed_bytes(count):
        raise ProtocolError(
            f"the peer's Cascade answer has {len(answer)} bytes where {count} parities need "
            f"{packed_bytes(count)}; drop the block"
        )
    bits = unpack_bits(answer, 8 * len(answer))
    if bits[count:].any():
        raise ProtocolError("the peer's Cascade answer has set padding bits; drop the block")
    return bits[:count].astype(np.bool_)
