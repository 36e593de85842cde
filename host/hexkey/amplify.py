"""Privacy amplification by a random Toeplitz matrix over GF(2), plain or modified.

The plain matrix has `length` rows and n columns and is constant along its diagonals, ::

    T[i, j] = seed[i - j + n - 1]        output_i = XOR_j T[i, j] bits_j

so that seed[n-1] is the diagonal, seed[0] the top right corner and seed[n+length-2] the bottom left
one. With a uniform seed the family is two-universal (Y. Mansour, N. Nisan & P. Tiwari, Theor.
Comput. Sci. 107 (1993) 121; H. Krawczyk, CRYPTO '94), which is what the leftover hash lemma wants.

Sessions use the *modified* one, the identity beside a Toeplitz matrix T (M. Hayashi & T. Tsurumaru,
IEEE Trans. Inf. Theory 62 (2016) 2213): the first `length` bits, plus T times the others. It is
two-universal as well: two inputs that differ in the others collide if T takes that difference to a
given string, with probability 2^-length; two that do not, never. It needs a seed of n − 1 bits, not
n + length − 1, and a product of that size: half of the work where much of the block is key.

The seed is public, comes from the operating system, and is drawn for one block after its length is
fixed. It is never expanded by a generator.

As polynomials over GF(2), output_i is coefficient n − 1 + i of seed(z) · bits(z): the middle of a
product. Short strings go through a transposed Karatsuba multiplication (cext/toeplitz_karatsuba.c:
H. Fan & M. A. Hasan, IEEE Trans. Comput. 56 (2007) 224), long ones, from some thousand bits on,
through a transposed additive Fourier transform over GF(2^64), in a time proportional to n log n
(cext/additive_fft.h: S.-J. Lin, W.-H. Chung & Y. S. Han, FOCS 2014; M.-S. Chen et al.,
arXiv:1708.09746). Which one depends on n, on the length and on the processor; results do not.

Besides its arrays one call takes up to 2.5 bytes for each bit of input (1.4 for 0.3 n bits out),
from 10^5 bits on. `hexkey.amplifier` takes a block in pieces and needs memory for the result alone.
"""

import numpy as np
from numpy.typing import NDArray

from hexkey._native import ffi, lib
from hexkey.bits import checked_bits, pack_bits, packed_bytes


def seed_bits(n: int, length: int) -> int:
    """Return the bits of seed for `n` bits in and `length` out: n + length − 1, or 0 for none out.

    Raises
    ------
    ValueError
        If `length` is negative or above `n`.
    """
    if not 0 <= length <= n:
        raise ValueError(f"length must be between 0 and the {n} bits of input, not {length}")
    return n + length - 1 if length else 0


def amplify(
    bits: NDArray[np.uint8], seed: NDArray[np.uint8] | bytes, length: int
) -> NDArray[np.uint8]:
    """Return `length` bits of the Toeplitz hash of `bits`.

    Parameters
    ----------
    bits : numpy.ndarray
        0/1, shape ``(n,)``.
    seed : numpy.ndarray or bytes
        ``seed_bits(n, length)`` uniform bits: an array of 0/1, or packed with the first bit least
        significant, where surplus bits of the last byte are ignored.
    length : int
        Bits to make, 0 to n.

    Returns
    -------
    numpy.ndarray
        0/1, uint8, shape ``(length,)``.

    Raises
    ------
    TypeError
        If an array is not uint8.
    ValueError
        If a length is wrong or an array holds anything but 0 and 1.
    """
    return toeplitz(bits, _packed(seed, bits.size, length), length, lib.HEXKEY_CLMUL_FASTEST)


def modified_seed_bits(n: int, length: int) -> int:
    """Return the bits of seed that `amplify_modified` takes: n − 1, or 0 for none or all out.

    Raises
    ------
    ValueError
        If `length` is negative or above `n`.
    """
    return n - 1 if seed_bits(n, length) and length < n else 0


def amplify_modified(bits: NDArray[np.uint8], seed: bytes, length: int) -> NDArray[np.uint8]:
    """Return `length` bits of the modified Toeplitz hash of `bits`.

    Parameters, result and errors as for `amplify`; `seed` packed only, of
    ``modified_seed_bits(n, length)`` uniform bits.
    """
    _check_seed(len(seed), packed_bytes(modified_seed_bits(bits.size, length)), "bytes")
    bits = checked_bits("bits", bits)
    if length == bits.size:
        return bits.copy()
    out = toeplitz(bits[length:], seed, length, lib.HEXKEY_CLMUL_FASTEST)
    out ^= bits[:length]
    return out


def toeplitz(
    bits: NDArray[np.uint8], packed_seed: bytes, length: int, path: int
) -> NDArray[np.uint8]:
    """Return the product with any number of rows, by a chosen multiplication."""
    bits = checked_bits("bits", bits)
    out = np.zeros(length, dtype=np.uint8)
    scratch = np.empty(lib.hexkey_toeplitz_scratch_words(bits.size, length), dtype=np.uint64)
    code = lib.hexkey_toeplitz(
        ffi.from_buffer("uint8_t[]", out, require_writable=True),
        ffi.from_buffer("uint8_t[]", bits),
        bits.size,
        ffi.from_buffer("uint8_t[]", packed_seed),
        length,
        ffi.from_buffer("uint64_t[]", scratch, require_writable=True),
        path,
    )
    if code != 0:
        raise ValueError(f"a product of {bits.size} bits in and {length} out is too large")
    return out


def amplify_reference(
    bits: NDArray[np.uint8], seed: NDArray[np.uint8], length: int
) -> NDArray[np.uint8]:
    """`amplify` by the dense matrix, for small sizes: the definition, written out.

    Parameters, result and errors as for `amplify`; `seed` as an array only.
    """
    bits, seed = checked_bits("bits", bits), checked_bits("seed", seed)
    _check_seed(seed.size, seed_bits(bits.size, length), "bits")
    row, column = np.arange(length)[:, np.newaxis], np.arange(bits.size)
    matrix = seed[row - column + bits.size - 1] if length else np.zeros((0, bits.size), np.uint8)
    return (matrix.astype(np.int64) @ bits % 2).astype(np.uint8)


def _packed(seed: NDArray[np.uint8] | bytes, n: int, length: int) -> bytes:
    needed = seed_bits(n, length)
    if isinstance(seed, bytes):
        _check_seed(len(seed), packed_bytes(needed), "bytes")
        return seed
    _check_seed(seed.size, needed, "bits")
    return pack_bits(checked_bits("seed", seed))


def _check_seed(given: int, needed: int, unit: str) -> None:
    if given != needed:
        raise ValueError(f"seed must be {needed} {unit}, not {given}")
