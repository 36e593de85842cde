"""Verification: do two corrected strings agree? A public hash of k bits answers.

Both sides hash their string with the polynomial hash of `hexkey.gf128` at a public point, drawn
uniformly *after* correction, and compare the first k bits (coefficients of x^0 … x^(k-1)).

Two strings of n bits that differ agree in these k bits exactly if D(r) = H_r(a) − H_r(b) is one of
the 2^(128-k) field elements whose first k bits are zero. D is a non-zero polynomial without
constant term, of degree at most L = ⌈n/128⌉ + 1, so D − c has at most L roots for each such c, and
at most L · 2^(128-k) of the 2^128 points collide. Thus P[undetected] ≤ L / 2^k, and
k = ⌈log2(L / ε_cor)⌉ bits make it at most ε_cor. The point must be independent of both strings;
points are never reused. (Errors that nobody chose pass with 2^-k. The factor L is for those that
somebody did choose before the point was drawn: some of them pass with half of L/2^k.)

The k bits of the tag are disclosed and count as leakage. They take the place of the term
log2(2/ε_cor) in key-length formulas that assume two-universal hashing, they do not add to it.
"""

from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from hexkey.bits import checked_bits, pack_bits
from hexkey.gf128 import BLOCK_BYTES, degree, polynomial_hash

SEED_BYTES = BLOCK_BYTES
MOST_TAG_BITS = 8 * BLOCK_BYTES


def tag_bits(n_bits: int, eps_cor: float) -> int:
    """Return the bits a tag needs so that unequal strings pass with at most `eps_cor`.

    Parameters
    ----------
    n_bits : int
        Length of the strings.
    eps_cor : float
        Allowed probability that different strings pass, in (0, 1).

    Returns
    -------
    int
        The smallest k with (⌈n_bits/128⌉ + 1) / 2^k ≤ eps_cor, in exact arithmetic.

    Raises
    ------
    ValueError
        If `n_bits` is negative, `eps_cor` is outside (0, 1), or the hash's 128 bits do not suffice.
    """
    if n_bits < 0:
        raise ValueError(f"n_bits must not be negative, not {n_bits}")
    if not 0 < eps_cor < 1:
        raise ValueError(f"eps_cor must be between 0 and 1, not {eps_cor}")
    colliding = Fraction(degree(n_bits)) / Fraction(eps_cor)
    needed = (-(-colliding.numerator // colliding.denominator) - 1).bit_length()
    if needed > MOST_TAG_BITS:
        raise ValueError(
            f"eps_cor = {eps_cor} for {n_bits} bits needs a tag of {needed} bits,"
            f" the hash has {MOST_TAG_BITS}"
        )
    return needed


def verification_tag(bits: NDArray[np.uint8], seed: bytes, n_tag_bits: int) -> bytes:
    """Return the first `n_tag_bits` bits of the hash of `bits` and of their number.

    Parameters
    ----------
    bits : numpy.ndarray
        The corrected string, 0/1, shape ``(n,)``.
    seed : bytes
        The public point, 16 uniform bytes drawn after correction.
    n_tag_bits : int
        From `tag_bits`, 1 to 128.

    Returns
    -------
    bytes
        ⌈n_tag_bits / 8⌉ bytes, first bit least significant, spare bits zero.

    Raises
    ------
    TypeError
        If `bits` is not uint8.
    ValueError
        If a length is wrong or `bits` holds anything but 0 and 1.
    """
    if len(seed) != SEED_BYTES:
        raise ValueError(f"seed must be {SEED_BYTES} bytes, not {len(seed)}")
    if not 1 <= n_tag_bits <= MOST_TAG_BITS:
        raise ValueError(f"n_tag_bits must be 1 to {MOST_TAG_BITS}, not {n_tag_bits}")
    packed = pack_bits(checked_bits("bits", bits))
    digest = polynomial_hash(packed, seed, bits.size)
    whole, rest = divmod(n_tag_bits, 8)
    last = bytes((digest[whole] & (1 << rest) - 1,)) if rest else b""
    return digest[:whole] + last
