"""What both sides of Cascade agree on: orders of the bits, the form of a query, the limits.

Every pass looks at the block in an order of its own, which both sides expand from the public seed.
A question is a pass and a range of places in its order; the answer is the parity of Alice's bits
there.

The block of n bits is laid out as a table of C columns, the smallest power of two with C² ≥ n, and
R = ⌈n / C⌉ rows, row by row; R C − n zeros fill the last row. The expansion (version 2) uses
integers only. The keystream of a pass is SHAKE-256 over the 17 ASCII bytes ``hexkey cascade v2``,
the seed, a number (1 byte) and n (4 bytes, little-endian).

* Pass 0 is the table in its natural order.
* Passes 1 to 7 are *shuffles*. The keystream, numbered by the pass, gives little-endian words of 32
  bits, of which ⌊word · m / 2³²⌋ is a number below m: R below C, C for Fisher-Yates shuffles
  (inside-out) of the numbers below R, one after the other until there are C, the last one cut
  short, and R below C. They say by how much each row is rotated to the right, then each column
  downwards, then each row once more. Close columns move by different amounts: bits that are
  neighbours in the natural order never share a row afterwards, where errors would hide again.
* Passes 8 to 63 are *subsets*, 4 batches of 14. The keystream numbered 8 plus the batch gives
  n + 64 bits, first bit in the least significant place; position i is in subset k of the batch if
  bit i + k is set (a Toeplitz matrix). Ranges are of positions; members in the range count.

A query is a sequence of sections: pass (1 byte), number of ranges, and for each range the gap from
the end of the range before it (of 0 for the first) and its length. Numbers are unsigned LEB128 of
at most 4 bytes. The answer holds one bit per range in the order of the query, first bit in the
least significant place, padded with zeros.
"""

import hashlib
import struct

import numpy as np
from numpy.typing import NDArray

from hexkey._native import ffi, lib
from hexkey.errors import ProtocolError

MAX_BITS: int = lib.HEXKEY_CASCADE_MAX_BITS
SHUFFLES: int = lib.HEXKEY_CASCADE_SHUFFLES
SUBSETS_PER_BATCH: int = lib.HEXKEY_CASCADE_SUBSETS
BATCHES: int = lib.HEXKEY_CASCADE_BATCHES
PASSES: int = lib.HEXKEY_CASCADE_PASSES

# A query about m parities is no longer than this and 8 m bytes.
SECTIONS_BYTES = 5 * PASSES


def parity_limit(n: int) -> int:
    """Return how many parities of a block of `n` bits Alice discloses at most."""
    return lib.hexkey_cascade_parity_limit(n)


def rotations_of_pass(seed: bytes, number: int, n: int) -> NDArray[np.uint32]:
    """Return the rotations of a shuffled pass, as `hexkey_cascade_rotations` lays them out."""
    count = 2 * lib.hexkey_cascade_rows(n) + (1 << lib.hexkey_cascade_log_columns(n))
    rotations = np.empty(count, np.uint32)
    stream = _keystream(seed, number, n, 4 * count)
    lib.hexkey_cascade_rotations(n, stream, ffi.from_buffer("uint32_t[]", rotations))
    return rotations


def subset_stream(seed: bytes, batch: int, n: int) -> NDArray[np.uint64]:
    """Return the bits that choose the subsets of a batch, n + 64 or more, 64 in a word."""
    stream = _keystream(seed, SHUFFLES + batch, n, 8 * ((n + 63) // 64 + 1))
    return np.frombuffer(stream, dtype="<u8").astype(np.uint64, copy=False)


def _keystream(seed: bytes, number: int, n: int, size: int) -> bytes:
    header = b"hexkey cascade v2" + seed + struct.pack("<BI", number, n)
    return hashlib.shake_256(header).digest(size)


def check_answer(answer: bytes, count: int) -> None:
    """Raise ProtocolError unless the answer has the form of `count` parities."""
    if len(answer) != (count + 7) // 8:
        raise ProtocolError(
            f"the peer's Cascade answer has {len(answer)} bytes where {count} parities need "
            f"{(count + 7) // 8}; drop the block"
        )
    if count % 8 and answer[-1] >> count % 8:
        raise ProtocolError("the peer's Cascade answer has set padding bits; drop the block")
