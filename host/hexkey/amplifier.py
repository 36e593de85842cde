"""Privacy amplification of a block in pieces, in memory that depends on the result alone.

The Toeplitz product is linear in the input: it is the sum of the products of its pieces. With
m = n + length − 1 bits of seed, piece [j, j + c) of the n bits meets the seed's bits
[n − j − c, n − j − 1 + length): the first piece the end of the seed, the last one its beginning,
and windows of neighbours share length − 1 bits. A seed in a file is read with `numpy.memmap`.

The pieces are multiplied by transforms, which are linear, too: the products are added as they are,
and one transform back ends them all (cext/toeplitz_stream.c).
"""

from collections.abc import Iterable
from itertools import chain

import numpy as np

from hexkey._native import ffi, lib
from hexkey.amplify import seed_bits
from hexkey.bits import Packed, packed_bytes

_LEAST_PIECE_BITS = 1 << 20
_PIECES_PER_RESULT = 4  # input against result: transforms as long as that waste little


class Amplifier:
    """The Toeplitz hash of `n` packed bits, as `hexkey.amplify.amplify` makes it, piece by piece.

    Parameters
    ----------
    n : int
        Bits of input in all.
    length : int
        Bits to make, 0 to n.
    piece_bits : int, optional
        Size of the pieces to plan for; others work, too, and smaller ones cost as much. By default
        four times `length`, and at least 2^20: the memory is then 1.3 to 3 bytes for each bit of
        the result, from 10^5 on.
    path : int
        Which multiplication, for tests and benchmarks.

    Raises
    ------
    ValueError
        If `length` is negative or above `n`.
    """

    def __init__(
        self,
        n: int,
        length: int,
        piece_bits: int | None = None,
        path: int = lib.HEXKEY_CLMUL_FASTEST,
    ) -> None:
        seed_bits(n, length)
        self.n = n
        self.length = length
        self.taken = 0
        """Bits of input taken so far."""
        if piece_bits is None:
            piece_bits = max(_LEAST_PIECE_BITS, _PIECES_PER_RESULT * length)
        piece_bits = min(piece_bits, n)
        self._memory = np.empty(
            lib.hexkey_toeplitz_stream_words(piece_bits, length), dtype=np.uint64
        )
        self._stream = ffi.from_buffer("uint64_t[]", self._memory, require_writable=True)
        self._finished = False
        if length:
            lib.hexkey_toeplitz_stream_start(self._stream, piece_bits, length, path)

    @property
    def memory_bytes(self) -> int:
        """What this object keeps, the result not counted."""
        return self._memory.nbytes

    def window(self, piece_bytes: int) -> slice:
        """Return which bytes of the packed seed the next piece of that many bytes takes.

        Raises
        ------
        ValueError
            If fewer bytes are left of the input.
        """
        first = self.n - self.taken - self._bits_in(piece_bytes)
        if self.length == 0:
            return slice(0, 0)
        return slice(first // 8, packed_bytes(self.n - self.taken + self.length - 1))

    def update(self, piece: bytes | Packed, seed_window: bytes | Packed) -> None:
        """Take the next piece of the input.

        Parameters
        ----------
        piece : bytes or numpy.ndarray
            Packed bits, first bit least significant: whole bytes, but for the last piece, where
            surplus bits of the last byte are ignored.
        seed_window : bytes or numpy.ndarray
            The bytes ``seed[amplifier.window(len(piece))]``.

        Raises
        ------
        TypeError
            If an array is not one of bytes.
        ValueError
            If there is more input than n bits, the window has another size, or it is all over.
        """
        _check_bytes("piece", piece)
        _check_bytes("seed_window", seed_window)
        if self._finished:
            raise ValueError("the result has been taken: nothing can be added")
        window = self.window(len(piece))
        count = self._bits_in(len(piece))
        if len(seed_window) != window.stop - window.start:
            wanted = window.stop - window.start
            raise ValueError(f"seed_window must be {wanted} bytes, not {len(seed_window)}")
        if self.length and count:
            lib.hexkey_toeplitz_stream_add(
                self._stream,
                ffi.from_buffer("uint8_t[]", piece),
                count,
                ffi.from_buffer("uint8_t[]", seed_window),
                (self.n - self.taken - count) % 8,
            )
        self.taken += count

    def finish(self) -> bytes:
        """Return the result, packed, spare bits zero; once, when all input has been taken.

        Raises
        ------
        ValueError
            If input is missing, or the result has been taken.
        """
        if self._finished or self.taken != self.n:
            missing = self.n - self.taken
            raise ValueError(f"{missing} bits are missing" if missing else "finished already")
        self._finished = True
        out = np.zeros(packed_bytes(self.length), dtype=np.uint8)
        if self.length:
            buffer = ffi.from_buffer("uint8_t[]", out, require_writable=True)
            lib.hexkey_toeplitz_stream_finish(self._stream, buffer)
            self._memory.fill(0)
        return out.tobytes()

    def _bits_in(self, piece_bytes: int) -> int:
        left = self.n - self.taken
        if piece_bytes > packed_bytes(left):
            raise ValueError(f"{left} bits of input are left, not {piece_bytes} bytes")
        return min(left, 8 * piece_bytes)


def _check_bytes(name: str, given: bytes | Packed) -> None:
    if not isinstance(given, bytes) and (given.dtype != np.uint8 or given.ndim != 1):
        raise TypeError(f"{name} must be bytes, not {given.ndim}-dimensional {given.dtype}")


def amplify_pieces(
    pieces: Iterable[bytes | Packed], seed: bytes | Packed, n: int, length: int
) -> bytes:
    """Return `length` packed bits of the Toeplitz hash of the `n` bits that `pieces` make up.

    Parameters
    ----------
    pieces : iterable of bytes or numpy.ndarray
        Packed, in order, whole bytes each (the last one as it comes out). As large as the first,
        which is planned for: small ones are slow, each one takes two transforms.
    seed : bytes or numpy.ndarray
        ``seed_bits(n, length)`` bits, packed; a `numpy.memmap` stays in its file.
    n, length : int
        As for `Amplifier`.

    Raises
    ------
    ValueError
        If a length is wrong.
    """
    needed = packed_bytes(seed_bits(n, length))
    if len(seed) != needed:
        raise ValueError(f"seed must be {needed} bytes, not {len(seed)}")
    given = iter(pieces)
    first = next(given, b"")
    amplifier = Amplifier(n, length, max(8 * len(first), 1))
    for piece in chain([first], given):
        amplifier.update(piece, seed[amplifier.window(len(piece))])
    return amplifier.finish()
