"""Differences between two strings, chosen before the hash's point: careless and malicious ones.

The malicious ones reach the bound of `hexkey.verify` within a factor of two. With the blocks of 128
bits numbered from the end, D(r) = c_1 r² + c_2 r⁴ + … + c_m r^(2^m) is linear over GF(2) in the
bits of r, since squaring is. So are its first m − 1 bits, and whether they are zero whatever r is,
is a system of 128 (m − 1) linear equations for the 128 m bits of the c: there are solutions. Two
strings that differ by such blocks have m − 1 bits of every tag in common, and k bits agree with
probability 2^(m-1-k), half of L/2^k with L = 2^m blocks.
"""

from collections.abc import Callable
from functools import cache

import numpy as np
from numpy.typing import NDArray

from hexkey.bits import unpack_bits
from hexkey.gf128 import multiply_reference

BLOCK = 128
FIELD = 1 << 128 | 0b10000111
Bits = NDArray[np.uint8]
Pattern = Callable[[np.random.Generator, int], Bits]


def some(errors: int) -> Pattern:
    """`errors` wrong bits anywhere."""

    def pattern(rng: np.random.Generator, n: int) -> Bits:
        found = np.zeros(n, np.uint8)
        found[rng.choice(n, errors, replace=False)] = 1
        return found

    return pattern


def every_bit(rng: np.random.Generator, n: int) -> Bits:
    return np.ones(n, np.uint8)


def last_bit(rng: np.random.Generator, n: int) -> Bits:
    found = np.zeros(n, np.uint8)
    found[-1] = 1
    return found


def swapped_blocks(rng: np.random.Generator, n: int) -> Bits:
    """The same difference in two blocks of 128, as when two of them change places."""
    found = np.zeros(n, np.uint8)
    same = rng.integers(0, 2, BLOCK, dtype=np.uint8)
    same[0] = 1
    found[:BLOCK], found[BLOCK : 2 * BLOCK] = same, same
    return found


def burst(rng: np.random.Generator, n: int) -> Bits:
    """Half of the bits of one stretch."""
    found = np.zeros(n, np.uint8)
    at = int(rng.integers(0, n - 64))
    found[at : at + 64] = rng.integers(0, 2, 64, dtype=np.uint8)
    found[at] = 1
    return found


def half(rng: np.random.Generator, n: int) -> Bits:
    """Strings that have nothing to do with each other."""
    found = rng.integers(0, 2, n, dtype=np.uint8)
    found[0] = 1
    return found


CARELESS: dict[str, Pattern] = {
    "one bit": some(1),
    "two bits": some(2),
    "40 bits": some(40),
    "last bit": last_bit,
    "every bit": every_bit,
    "half": half,
    "burst": burst,
    "swapped blocks": swapped_blocks,
}


@cache
def malicious(m: int) -> Bits:
    """The difference above, of 128 (2^m − 1) bits; the length block is the last of the 2^m."""
    blocks = np.zeros((2**m - 1, BLOCK), np.uint8)
    for i, c in enumerate(_coefficients(m), start=1):
        blocks[-(2**i - 1)] = unpack_bits(c.to_bytes(16, "little"), BLOCK)
    return blocks.reshape(-1)


def _coefficients(m: int) -> list[int]:
    """Solve for c_1 … c_m, as one integer of 128 m bits, and cut it."""
    rows = [
        sum(_bits_of_product(j, _frobenius(1 << t, i + 1)) << BLOCK * i for i in range(m))
        for j in range(m - 1)
        for t in range(BLOCK)
    ]
    solution = _kernel_vector(rows, BLOCK * m)
    return [solution >> BLOCK * i & (1 << BLOCK) - 1 for i in range(m)]


@cache
def _frobenius(a: int, times: int) -> int:
    if not times:
        return a
    root = _frobenius(a, times - 1)
    return multiply_reference(root, root)


def _bits_of_product(j: int, y: int) -> int:
    """The linear form c → bit j of c·y: its bit s is bit j of x^s y."""
    form = 0
    for s in range(BLOCK):
        form |= (y >> j & 1) << s
        y = y << 1 ^ FIELD * (y >> BLOCK - 1)
    return form


def _kernel_vector(rows: list[int], unknowns: int) -> int:
    """Return a non-zero vector that every row of a homogeneous system over GF(2) maps to zero."""
    pivots: dict[int, int] = {}  # by the place of a row's highest bit
    for row in rows:
        while row and row.bit_length() - 1 in pivots:
            row ^= pivots[row.bit_length() - 1]
        if row:
            pivots[row.bit_length() - 1] = row
    solution = 0
    for place in range(unknowns):  # from the lowest: a pivot's row has only lower bits besides
        if place not in pivots:
            solution |= 1 << place
        elif ((pivots[place] ^ 1 << place) & solution).bit_count() % 2:
            solution |= 1 << place
    return solution
