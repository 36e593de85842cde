"""Cascade on a key of any length: many blocks that share their round trips.

A block of Cascade (`cascade_block`) takes some hundred round trips, most of them for a handful of
parities. Here a key is cut into blocks of about 2¹⁸ bits, and each message carries what all of them
have to say at that moment; so a link's delay is paid once, and the rate grows with the key.

A query is a sequence of entries: the block's number, the length of its query in bytes (both
unsigned LEB128 of at most 4 bytes), and the query as `cascade_wire` has it. The answer holds the
blocks' answers in the same order, each padded to whole bytes. Block k of a key has a seed of its
own, the first 32 bytes of SHAKE-256 over ``hexkey cascade block``, the key's seed and k (4 bytes,
little-endian).

Disclosure
----------
Alice counts every parity she puts into an answer. Bob never asks for one that follows from others
of its pass: not the right half of a block, not the last of a pass once the total is known.

What Bob says is public too: his queries follow his errors. They are a function of the seed and of
the error pattern W = X ⊕ Y alone, since he only ever compares parities. Tupkary and Lütkenhaus
("Using Cascade in quantum key distribution", 2023, arXiv:2307.00576) show that counting one
direction is not enough by itself, and that counting Alice's parities once *is* right when the
security proof hands W to Eve in full. So `disclosed_bits` may be subtracted from a key length only
under such a proof.
"""

import hashlib
import struct

import numpy as np
from numpy.typing import ArrayLike

from hexkey._native import ffi, lib
from hexkey.errors import BlockDropped, ProtocolError
from hexkey.reconcile import (
    SEED_BYTES,
    ReconcileResult,
    check_agreed,
    check_equal_lengths,
    check_shape,
    converse,
)
from hexkey.reconcile.cascade_block import (
    MAX_ROUND_TRIPS,
    Bits,
    BlockAlice,
    BlockBob,
    Room,
    asks_too_much,
)
from hexkey.reconcile.cascade_wire import MAX_BITS, SECTIONS_BYTES

# Looked up once: they run in every round trip.
_turn_all, _answer_all = lib.hexkey_cascade_turn_all, lib.hexkey_cascade_answer_all
_NEEDS: int = lib.HEXKEY_CASCADE_NEEDS

BLOCK_BITS = 1 << 18  # large enough for a good efficiency and few calls, small enough for caches
MAX_KEY_BITS = 1 << 27


class CascadeAlice:
    """Answers what Bob's blocks ask; her bits never change.

    Parameters
    ----------
    bits : (n,) array of 0 and 1
        1 to 2²⁷ of them.
    qber : float
        The session's estimate. Her answers do not depend on it.
    seed : bytes
        32 public bytes, drawn at random for each key once its bits are fixed.
    block_bits : int
        The longest block, at most 2²⁰ bits; both sides use the same.
    """

    def __init__(
        self, bits: ArrayLike, qber: float, seed: bytes, block_bits: int = BLOCK_BITS
    ) -> None:
        self._blocks = [
            BlockAlice(piece, qber, piece_seed)
            for piece, piece_seed in _pieces(bits, qber, seed, block_bits)
        ]
        self._left = np.array([block.limit for block in self._blocks], np.uint32)
        self._alices = ffi.new("hexkey_cascade_alice *[]", [block.native for block in self._blocks])
        self._answers = ffi.new("hexkey_cascade_answers *")
        self._answers.alices = self._alices
        self._answers.blocks = len(self._blocks)
        self._answers.left = ffi.from_buffer("uint32_t[]", self._left)
        self._make_room(4096)

    @property
    def disclosed_bits(self) -> int:
        """Parities put into answers so far."""
        return int(self._answers.disclosed)

    def answer(self, query: bytes) -> bytes:
        """Return the parities a query asks for.

        Raises
        ------
        ProtocolError
            The query is malformed, out of range, or asks for more of a block than its limit. What
            it asked before that place counts as disclosed.
        """
        size, answers = len(query), self._answers
        if size > self._room:
            if size > self._longest():
                raise asks_too_much(int(self._left.sum()))
            self._make_room(size)
        answers.read = answers.written = 0
        while (state := _answer_all(answers, query, size)) <= _NEEDS:
            self._blocks[answers.block].build(_NEEDS - state)
        if state == lib.HEXKEY_CASCADE_TOO_MANY:
            raise asks_too_much(int(self._left[answers.block]))
        if state or not query:
            raise ProtocolError("the peer's Cascade query is malformed; drop the block")
        return self._view[: answers.written].tobytes()

    def _make_room(self, query_bytes: int) -> None:
        """Provide for an answer, which is shorter than its query."""
        self._room = query_bytes
        room = bytearray(query_bytes)
        self._view, self._out = memoryview(room), ffi.from_buffer("uint8_t[]", room)
        self._answers.out = self._out

    def _longest(self) -> int:
        """Return the bytes of a query about all that is left: entries, their sections, parities."""
        return 8 * int(self._left.sum()) + len(self._blocks) * (8 + SECTIONS_BYTES)


class CascadeBob:
    """Asks for parities of all blocks at once and corrects his bits.

    Parameters
    ----------
    bits, qber, seed, block_bits
        As Alice's; `qber` is between 0 and 1/2.

    Attributes
    ----------
    round_trips : int
        Queries sent so far, as many as the longest conversation about a block took.
    """

    def __init__(
        self, bits: ArrayLike, qber: float, seed: bytes, block_bits: int = BLOCK_BITS
    ) -> None:
        pieces = _pieces(bits, qber, seed, block_bits)
        longest = max(len(piece) for piece, _ in pieces)
        room = Room(longest)
        self._blocks = [BlockBob(piece, qber, piece_seed, room) for piece, piece_seed in pieces]
        count = len(self._blocks)
        self._order = np.empty(count, np.uint32)  # blocks that wait for an answer
        self._asked = np.empty(count, np.uint32)
        self._stopped = np.empty(count, np.int64)
        out = np.empty(count * (8 + lib.hexkey_cascade_query_bytes(longest)), np.uint8)
        self._view = out.data
        self._bobs = ffi.new("uint64_t *[]", [block.native for block in self._blocks])
        self._turns = ffi.new("hexkey_cascade_turns *")
        self._turns.bobs = self._bobs
        self._turns.order = ffi.from_buffer("uint32_t[]", self._order)
        self._turns.asked = ffi.from_buffer("uint32_t[]", self._asked)
        self._turns.stopped = ffi.from_buffer("int64_t[]", self._stopped)
        self._turns.out = ffi.from_buffer("uint8_t[]", out)
        self.round_trips = 0

    @property
    def bits(self) -> Bits:
        """A copy of the key as corrected so far, shape (n,)."""
        return np.concatenate([block.bits for block in self._blocks])

    @property
    def corrected(self) -> int:
        return sum(block.corrected for block in self._blocks)

    @property
    def asked_bits(self) -> int:
        """Parities asked for so far."""
        return int(self._turns.asked_in_all)

    def start(self) -> bytes:
        """Return the first query."""
        if self.round_trips:
            raise ValueError("this conversation has already started")
        self.round_trips = 1
        return b"".join(self._entry(k, block.start()) for k, block in enumerate(self._blocks))

    def receive(self, answer: bytes) -> bytes | None:
        """Take Alice's answer; return the next query, or None when all blocks agree.

        Raises
        ------
        ProtocolError
            The answer has a wrong length, or contradicts earlier ones.
        BlockDropped
            A block needs more parities or round trips than the limits allow.
        """
        if not self._turns.going:
            raise ValueError("no query is waiting for an answer")
        stopped = _turn_all(self._turns, answer, len(answer))
        if stopped < 0:
            raise ProtocolError(
                "the peer's Cascade answer does not have one bit for each parity that was asked "
                "for; drop the block"
            )
        query = self._view[: self._turns.query_bytes].tobytes()
        if stopped:  # what the kernel leaves to be done here
            entries = [query]
            for each in self._stopped[:stopped].tolist():
                number = each & 0xFFFFFFFF
                entries.append(self._entry(number, self._blocks[number].go_on(each >> 32)))
            query = b"".join(entries)
        if not query:
            return None
        if self.round_trips == MAX_ROUND_TRIPS:
            raise BlockDropped(
                "reconciliation", f"Cascade did not end within {MAX_ROUND_TRIPS} round trips"
            )
        self.round_trips += 1
        return query

    def _entry(self, number: int, query: bytes | None) -> bytes:
        """Note that a block waits, and return its part of the message."""
        if query is None:
            return b""
        self._order[self._turns.going] = number
        asked = self._blocks[number].asked
        self._asked[self._turns.going] = asked
        self._turns.asked_in_all += asked
        self._turns.going += 1
        return _leb128(number) + _leb128(len(query)) + query


def reconcile(
    alice_bits: ArrayLike,
    bob_bits: ArrayLike,
    qber: float,
    seed: bytes,
    block_bits: int = BLOCK_BITS,
) -> ReconcileResult:
    """Run Cascade on two arrays of your own and report what it cost.

    Parameters
    ----------
    alice_bits, bob_bits : (n,) arrays of 0 and 1
    qber : float
        Expected share of differing bits, 0 to 1/2. The closer, the better the efficiency.
    seed : bytes
        32 bytes, fresh for each key; they may be public.
    block_bits : int
        The longest block, at most 2²⁰ bits. Large ones are more efficient, small ones faster.

    Raises
    ------
    BlockDropped
        The arrays differ so much more than expected that a limit was reached.
    """
    check_equal_lengths(alice_bits, bob_bits)
    return converse(
        CascadeAlice(alice_bits, qber, seed, block_bits),
        CascadeBob(bob_bits, qber, seed, block_bits),
    )


def _pieces(bits: ArrayLike, qber: float, seed: bytes, block_bits: int) -> list[tuple[Bits, bytes]]:
    """Cut a key into blocks of as good as equal lengths, each with a seed of its own."""
    if not 1 <= block_bits <= MAX_BITS:
        raise ValueError(f"block_bits must be from 1 to {MAX_BITS}, not {block_bits}")
    check_agreed(qber, seed)
    key = check_shape(bits, MAX_KEY_BITS)  # the blocks check what is in it
    pieces = np.array_split(key, -(-len(key) // block_bits))
    heading = b"hexkey cascade block" + seed
    return [
        (piece, hashlib.shake_256(heading + struct.pack("<I", k)).digest(SEED_BYTES))
        for k, piece in enumerate(pieces)
    ]


def _leb128(number: int) -> bytes:
    out = bytearray()
    while number >= 128:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)
    return bytes(out)
