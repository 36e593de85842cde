"""Polynomial hash over GF(2^128), the almost-universal family under tags and verification.

The field is GF(2)[x] / (x^128 + x^7 + x^2 + x + 1). An element is 16 bytes; the coefficient of
x^k is bit ``k % 8``, least significant first, of byte ``k // 8``. (GHASH of AES-GCM is the same
field with the bits within each byte in the opposite order.)

A string is cut into 16-byte blocks, the last one zero padded, followed by one block that holds its
length in bits as a little-endian integer. With the blocks m_1 … m_L (L counts the length block) and
a point r, ::

    H_r(m) = m_1 r^L + m_2 r^(L-1) + … + m_L r

For two different strings H_r(m) − H_r(m') is a non-zero polynomial in r without constant term, of
degree at most the larger L: blocks align at the length block, and strings that agree in all blocks
but not in length differ there. So for every value c, at most L of the 2^128 points give
H_r(m) − H_r(m') = c: the family is L/2^128-almost-XOR-universal.

No branch and no address depends on string or point, and there are no tables: the time is that of
the length. On the way here strings of bits are packed by comparisons and shifts (`numpy.packbits`).
The reference below is for tests and promises none of it.
"""

from collections.abc import Sequence

from hexkey._native import ffi, lib
from hexkey.bits import packed_bytes

Bytes = bytes | bytearray | memoryview

BLOCK_BYTES = 16
_POLYNOMIAL = 1 << 128 | 1 << 7 | 1 << 2 | 1 << 1 | 1


def polynomial_hash(message: Bytes, point: bytes, n_bits: int | None = None) -> bytes:
    """Return H_r(message), 16 bytes.

    Parameters
    ----------
    message : bytes, bytearray or memoryview
        The string; of a string of bits, packed with the first bit least significant and the spare
        bits of the last byte zero.
    point : bytes
        r, 16 bytes.
    n_bits : int, optional
        Length of the string; by default all of `message`.

    Raises
    ------
    ValueError
        If `point` is not 16 bytes or `n_bits` does not need ``len(message)`` bytes.
    """
    length_block = _length_block(len(message), point, n_bits)
    start = absorb(bytes(BLOCK_BYTES), point, message, lib.HEXKEY_CLMUL_FASTEST)
    return absorb(start, point, length_block, lib.HEXKEY_CLMUL_FASTEST)


def polynomial_hash_of_parts(parts: Sequence[Bytes], point: bytes) -> bytes:
    """Return `polynomial_hash` of what parts make together; all but the last are of whole blocks.

    Raises
    ------
    ValueError
        If one is not, or `point` is not 16 bytes.
    """
    if any(len(part) % BLOCK_BYTES for part in parts[:-1]):
        raise ValueError(f"all parts but the last must be of whole blocks of {BLOCK_BYTES} bytes")
    state, length = bytes(BLOCK_BYTES), sum(map(len, parts))
    for part in (*parts, _length_block(length, point, 8 * length)):
        state = absorb(state, point, part, lib.HEXKEY_CLMUL_FASTEST)
    return state


def polynomial_hash_reference(message: bytes, point: bytes, n_bits: int | None = None) -> bytes:
    """`polynomial_hash` with Python integers: slow, and not in constant time."""
    length_block = _length_block(len(message), point, n_bits)
    padded = message + bytes(-len(message) % BLOCK_BYTES) + length_block
    total = 0
    for start in range(0, len(padded), BLOCK_BYTES):
        block = int.from_bytes(padded[start : start + BLOCK_BYTES], "little")
        total = multiply_reference(total ^ block, int.from_bytes(point, "little"))
    return total.to_bytes(BLOCK_BYTES, "little")


def multiply_reference(a: int, b: int) -> int:
    """Return a·b, one bit of b at a time; bit k of an element is the coefficient of x^k."""
    product = 0
    for k in range(128):
        product ^= a * (b >> k & 1)
        a <<= 1
        a ^= _POLYNOMIAL * (a >> 128)
    return product


def absorb(state: bytes, point: bytes, message: Bytes, path: int) -> bytes:
    """Continue a hash, without the length block, by a chosen multiplication.

    Returns (… ((state + m_1) r + m_2) r + …) r; for tests and benchmarks, unchecked.
    """
    out = ffi.new("uint8_t[]", state)
    lib.hexkey_gf128_absorb(out, point, ffi.from_buffer(message), len(message), path)
    return bytes(ffi.buffer(out, BLOCK_BYTES))


def degree(n_bits: int) -> int:
    """Return L, the degree of the hash of a string of `n_bits` bits, length block included."""
    return (n_bits + 8 * BLOCK_BYTES - 1) // (8 * BLOCK_BYTES) + 1


def _length_block(length: int, point: bytes, n_bits: int | None) -> bytes:
    if len(point) != BLOCK_BYTES:
        raise ValueError(f"point must be {BLOCK_BYTES} bytes, not {len(point)}")
    n_bits = 8 * length if n_bits is None else n_bits
    if packed_bytes(n_bits) != length:
        raise ValueError(f"{n_bits} bits need {packed_bytes(n_bits)} bytes, not {length}")
    return n_bits.to_bytes(BLOCK_BYTES, "little")
