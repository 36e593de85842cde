"""One block of Cascade: interactive reconciliation by parities (Brassard & Salvail 1994).

Bob asks for parities of ranges in shuffled orders, bisects the blocks in which he differs from
Alice, and after every correction goes back to the earlier passes. A block of n bits with error rate
Q runs through

1. a first pass, in the natural order, in blocks of the power of two that is nearest to 1/Q, since
   others waste a part of each bisection; a second, shuffled, in blocks of 6/Q, of 3/Q where errors
   are few, or 10/Q from 2¹⁹ bits on; a third of 200/Q, or 1000/Q. In the shuffled ones all blocks
   have the same chance of an error, as far as the first pass tells, not the same number of bits;
2. batches of 14 random subsets of the block, until one batch agrees.

In a shuffled pass a block is cut not in the middle but where the chance of an error is halved. The
first pass tells which bits are suspect: all but those in small even blocks. Where errors are many
that follows each answer, odd blocks included; so bisections that are after the same error do not
ask the same thing. Bits known for certain are never asked about. Only Bob decides what to ask;
Alice knows no plan. The later passes go by the error rate that the first one shows, where it tells
more than the estimate. If it, or the number of corrections, shows far more errors than that, the
blocks of the first pass are halved until it fits.

Each query holds the next question of every open bisection; of the subsets only one is bisected at a
time. A block of 2¹⁶ or 2¹⁸ bits takes 150 to 350 round trips, one of 2²⁰ about 570.

Residual errors
---------------
The subsets of a batch are rows of a Toeplitz matrix of n + 13 fresh bits. If the seed was drawn
after the block, and as far as SHAKE-256 is as good as random, a block with residual errors,
whatever they are, passes a batch with probability 2⁻¹⁴. There are 4 batches at most: no block ends
with residual errors with a probability above 4 · 2⁻¹⁴ < 2.5 · 10⁻⁴, and they are left to the
verification.

Limits
------
1 to 2²⁰ bits a block; `cascade` cuts longer keys. Estimates outside [1/n, 1/4] are used as the
nearer end. Alice answers `parity_limit(n)` = 2n + 64 parities at most, Bob asks no more, and no
more than `MAX_ROUND_TRIPS` times; a block that hits a limit is dropped. Memory, in bytes a bit: Bob
reserves 13, of which most blocks touch 2; Alice takes an eighth for each pass, less than 1 for most
blocks and 9 for all that a peer may ask her to build. Every parity costs Alice the same, a few
nanoseconds, whatever its range.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hexkey._native import ffi, lib
from hexkey.errors import BlockDropped, ProtocolError
from hexkey.reconcile import check_arguments
from hexkey.reconcile.cascade_wire import (
    BATCHES,
    MAX_BITS,
    SECTIONS_BYTES,
    SHUFFLES,
    SUBSETS_PER_BATCH,
    check_answer,
    parity_limit,
    rotations_of_pass,
    subset_stream,
)

Bits = NDArray[np.uint8]

# Looked up once: they run in every round trip.
_turn, _ask, _answer = lib.hexkey_cascade_turn, lib.hexkey_cascade_ask, lib.hexkey_cascade_answer
_NEEDS: int = lib.HEXKEY_CASCADE_NEEDS
_SIZE = 2**32 - 1

MAX_ROUND_TRIPS = 10_000
# Block sizes of the later passes times the error rate. As the second pass's grow towards 11, where
# corrections set off further ones without end, they cost fewer parities and more round trips. A
# large block can afford them; where errors are few, so is what there is to save.
LATER_BLOCKS = (6.0, 200.0)
LATER_BLOCKS_FEW = (3.0, 200.0)
FEW = 0.02
LATER_BLOCKS_LARGE = (10.0, 1000.0)
LARGE = 1 << 19
# How far the first pass is from the estimate where it is believed instead; and where it is halved.
DOUBT_SIGMAS = 2.0
SURPRISE_SIGMAS = 5.0
FAR_MORE = 1.5
MOST_TELLING = 0.49  # of the blocks odd


class BlockAlice:
    """Answers parities of her block and counts them; her bits never change.

    Parameters
    ----------
    bits : (n,) array of 0 and 1
    qber : float
        The session's estimate. Alice's answers do not depend on it.
    seed : bytes
        32 public bytes, drawn at random for each block once its bits are fixed.
    """

    def __init__(self, bits: ArrayLike, qber: float, seed: bytes) -> None:
        checked = check_arguments(bits, qber, seed, MAX_BITS)
        self._n = n = len(checked)
        self._seed = seed
        self.limit = parity_limit(n)
        self._disclosed = 0
        self._words = (lib.hexkey_cascade_places(n) + 63) // 64 + 1
        self._tables: list[Any] = []  # keeps alive what the C structure points to
        self._streams: dict[int, Any] = {}  # of batches of subsets
        self.native = ffi.new("hexkey_cascade_alice *", {"n": n})
        self._bits = self._table(self._words)
        lib.hexkey_cascade_pack(n, ffi.from_buffer("uint8_t[]", checked), self._bits)
        self._make_room(4096)

    @property
    def disclosed_bits(self) -> int:
        """Parities put into answers so far."""
        return self._disclosed

    def answer(self, query: bytes) -> bytes:
        """Return the parities a query asks for.

        Raises
        ------
        ProtocolError
            The query is malformed, out of range, or asks for more than `parity_limit` allows in
            total. Nothing has been disclosed by it then.
        """
        size, allowed = len(query), self.limit - self._disclosed
        if size > SECTIONS_BYTES + 8 * allowed:
            raise asks_too_much(allowed)
        if size > self._longest:
            self._make_room(size)
        while True:
            count = _answer(self.native, query, size, allowed, self._out)
            if count > _NEEDS:
                break
            self.build(_NEEDS - count)
        if count == lib.HEXKEY_CASCADE_TOO_MANY:
            raise asks_too_much(allowed)
        if count < 0:
            raise ProtocolError("the peer's Cascade query is malformed; drop the block")
        self._disclosed += count
        return self._view[: (count + 7) // 8].tobytes()

    def _make_room(self, query_bytes: int) -> None:
        """Provide for the longest answer: a parity takes 2 bytes of a query at least."""
        self._longest = query_bytes
        room = bytearray(query_bytes // 16 + 1)
        self._out, self._view = ffi.from_buffer("uint8_t[]", room), memoryview(room)

    def _table(self, words: int) -> Any:
        table = ffi.from_buffer("uint64_t[]", np.empty(words, np.uint64))
        self._tables.append(table)
        return table

    def build(self, number: int) -> None:
        """Build the table of a shuffle or subset; for a subset first what tells of its batch."""
        if number >= SHUFFLES:
            self._build_subset(number, *divmod(number - SHUFFLES, SUBSETS_PER_BATCH))
            return
        rotations = ffi.NULL
        if number:
            words = rotations_of_pass(self._seed, number, self._n)
            rotations = ffi.from_buffer("uint32_t[]", words)
        scratch = ffi.from_buffer("uint64_t[]", np.empty(self._words, np.uint64))
        running = self._table(self._words)
        lib.hexkey_cascade_running(self._n, rotations, self._bits, running, scratch)
        self.native.running[number] = running

    def _build_subset(self, number: int, batch: int, k: int) -> None:
        """Bob asks about all of every subset, and about parts of few."""
        if not self.native.whole[batch]:
            stream = ffi.from_buffer("uint64_t[]", subset_stream(self._seed, batch, self._n))
            parities = lib.hexkey_cascade_subset_parities(self._n, stream, self._bits)
            self.native.whole[batch] = parities | 1 << 31
            self._streams[batch] = stream
            return
        running = self._table(self._words)
        lib.hexkey_cascade_running_subset(self._n, self._streams[batch], k, self._bits, running)
        self.native.running[number] = running


class Room:
    """Memory that Bob's blocks of up to `n` bits use one after the other, within a call."""

    def __init__(self, n: int) -> None:
        scratch = np.empty(lib.hexkey_cascade_scratch_words(n), np.uint64)
        query = np.empty(lib.hexkey_cascade_query_bytes(n), np.uint8)
        self.scratch = ffi.from_buffer("uint64_t[]", scratch)
        self.out, self.view = ffi.from_buffer("uint8_t[]", query), query.data


class BlockBob:
    """Asks for parities and corrects his bits.

    Parameters
    ----------
    bits : (n,) array of 0 and 1
    qber : float
        The session's estimate, between 0 and 1/2.
    seed : bytes
        Alice's seed for this block.
    room : Room, optional
        Shared with other blocks, none of them longer than the room is for.

    Attributes
    ----------
    corrected, parities_asked, round_trips : int
        Bits flipped, parities asked for and queries sent so far.
    """

    def __init__(self, bits: ArrayLike, qber: float, seed: bytes, room: Room | None = None) -> None:
        checked = check_arguments(bits, qber, seed, MAX_BITS)
        self._n = n = len(checked)
        self._seed = seed
        self.limit = parity_limit(n)
        self._qber: float
        self._later_blocks: tuple[float, ...]
        self._plan_for(qber)
        self._memory = np.empty(lib.hexkey_cascade_bob_words(n), np.uint64)
        self.native = ffi.from_buffer("uint64_t[]", self._memory)
        room = room or Room(n)
        self._scratch, self._out, self._view = room.scratch, room.out, room.view
        self._pointed_to: list[Any] = []  # rotations and streams that the C side keeps using
        lib.hexkey_cascade_bob_start(
            self.native, n, ffi.from_buffer("uint8_t[]", checked), self._scratch
        )
        self._shuffles = 0  # opened so far, like the next one
        self._batches = 0
        self._surprised = True  # whether the natural order still has to pass for the estimate
        self._waiting = 0  # parities the last query asked for
        self.round_trips = 0

    @property
    def bits(self) -> Bits:
        """A copy of the block as corrected so far, shape (n,)."""
        out = np.empty(self._n, np.uint8)
        lib.hexkey_cascade_bob_bits(self.native, ffi.from_buffer("uint8_t[]", out))
        return out

    @property
    def corrected(self) -> int:
        return int(lib.hexkey_cascade_flips(self.native))

    @property
    def parities_asked(self) -> int:
        return int(lib.hexkey_cascade_asked_in_all(self.native))

    @property
    def asked(self) -> int:
        """Parities that the last query asks for."""
        return int(lib.hexkey_cascade_asked(self.native))

    def start(self) -> bytes:
        """Return the first query."""
        if self.round_trips:
            raise ValueError("this conversation has already started")
        length = 1 << round(-math.log2(self._qber))
        self._blocks = blocks = max(1, round(self._n / length))
        size = self._open(0, ffi.NULL, blocks)
        self._shuffles = 1
        return self._send(size, blocks)

    def receive(self, answer: bytes) -> bytes | None:
        """Take Alice's answer; return the next query, or None when the block agrees.

        Raises
        ------
        ProtocolError
            The answer has a wrong length, or contradicts earlier ones.
        BlockDropped
            The block needs more parities or round trips than the limits allow.
        """
        waiting = self._waiting
        if not waiting:
            raise ValueError("no query is waiting for an answer")
        check_answer(answer, waiting)
        self._waiting = 0
        return self.go_on(_turn(self.native, answer, self._out))

    def go_on(self, turn: int) -> bytes | None:
        """Go on from what a turn returned: open the next pass when all blocks are even."""
        if turn == lib.HEXKEY_CASCADE_LOOK:
            size = self._look()
            if size:
                return self._send(size, self.asked)
            turn = _ask(self.native, self._out)
        while turn == 0:
            if self._corrected_too_many():
                size = self._halve()
            elif self._shuffles <= len(self._later_blocks):
                size = self._open_shuffle()
            elif self._batches and not lib.hexkey_cascade_odd_subsets(self.native):
                return None
            else:
                size = self._open_subsets()
                if size == 0:
                    return None
            if size:
                return self._send(size, self.asked)
            turn = _ask(self.native, self._out)
        if turn == lib.HEXKEY_CASCADE_TOO_MANY:
            raise _needs_too_much()
        if turn < 0:
            raise ProtocolError("the peer's Cascade answers contradict each other; drop the block")
        return self._send(turn & _SIZE, turn >> 32)

    def _look(self) -> int:
        """See how many errors there are; halve blocks if they are far more than expected."""
        self._surprised = self._surprised and self._too_many_errors()
        size = self._halve() if self._surprised or self._corrected_too_many() else 0
        if not self._surprised:
            lib.hexkey_cascade_look_at(self.native, self._many())
        return size

    def _many(self) -> int:
        """Return how many corrections are far more than expected; more with each halving."""
        errors = max(self._n * self._qber, self._blocks)
        return math.floor(FAR_MORE * errors + 4 * math.sqrt(errors) + 3) + 1

    def _halve(self) -> int:
        """Cut the blocks of the first pass that are longer than they should be by now."""
        longest = max(1, self._n // self._blocks)
        return lib.hexkey_cascade_halve(self.native, self._qber, longest, self._out)

    def _corrected_too_many(self) -> bool:
        """Tell whether there are far more errors than the estimate has; then make ready.

        It happens where an estimate is so low that the first pass has too few blocks to show it.
        """
        flips = lib.hexkey_cascade_flips(self.native)
        if flips < self._many():
            return False
        self._blocks *= 2
        self._qber = min(0.25, max(self._qber, flips / self._n))
        # What was opened with too low an estimate is of little use: plan for one more of each.
        self._later_blocks = (*self._later_blocks[: self._shuffles - 1], *LATER_BLOCKS)
        self._later_blocks = self._later_blocks[: SHUFFLES - 1]
        return True

    def _open_shuffle(self) -> int:
        number = self._shuffles
        self._shuffles += 1
        blocks = round(self._n * self._qber / self._later_blocks[number - 1])
        if blocks < 2:
            return 0
        words = rotations_of_pass(self._seed, number, self._n)
        rotations = ffi.from_buffer("uint32_t[]", words)
        self._pointed_to.append(rotations)
        return self._open(number, rotations, blocks)

    def _open(self, number: int, rotations: Any, blocks: int) -> int:
        return lib.hexkey_cascade_open_shuffle(
            self.native, number, rotations, self._qber, blocks, self._scratch, self._out
        )

    def _open_subsets(self) -> int:
        """Open the next batch of subsets."""
        if self._batches == BATCHES:
            raise BlockDropped("reconciliation", "Cascade ran out of passes")
        stream = ffi.from_buffer("uint64_t[]", subset_stream(self._seed, self._batches, self._n))
        self._pointed_to.append(stream)
        size = lib.hexkey_cascade_open_subsets(self.native, self._batches, stream, self._out)
        self._batches += 1
        return size

    def _send(self, size: int, count: int) -> bytes:
        if self.parities_asked > self.limit:
            raise _needs_too_much()
        if self.round_trips == MAX_ROUND_TRIPS:
            raise BlockDropped(
                "reconciliation", f"Cascade did not end within {MAX_ROUND_TRIPS} round trips"
            )
        self.round_trips += 1
        self._waiting = count
        return self._view[:size].tobytes()

    def _too_many_errors(self) -> bool:
        """Go by what the first pass shows where it differs from the estimate; tell if by far."""
        size = self._n / self._blocks
        share = lib.hexkey_cascade_odd(self.native) / self._blocks
        expected = (1 - (1 - 2 * self._qber) ** size) / 2
        sigma = math.sqrt(expected * (1 - expected) / self._blocks)
        if abs(share - expected) <= DOUBT_SIGMAS * sigma:
            return False
        # A share near one half only says "many": grow at least by a factor, at most to the clamp.
        own = (1 - (1 - 2 * min(share, MOST_TELLING)) ** (1 / size)) / 2
        many = share >= MOST_TELLING or own > FAR_MORE * self._qber
        if not (many and share > expected + SURPRISE_SIGMAS * sigma):
            self._plan_for(own)
            return False
        self._plan_for(max(FAR_MORE * self._qber, own))
        self._blocks *= 2
        return size > 1 / self._qber and self._blocks <= self._n

    def _plan_for(self, qber: float) -> None:
        """Take another estimate, before a shuffle is opened."""
        self._qber = min(max(qber, min(1 / self._n, 0.25)), 0.25)
        self._later_blocks = _later_blocks(self._n, self._qber)


def _later_blocks(n: int, qber: float) -> tuple[float, ...]:
    if n >= LARGE:
        return LATER_BLOCKS_LARGE
    return LATER_BLOCKS_FEW if qber < FEW else LATER_BLOCKS


def asks_too_much(allowed: int) -> ProtocolError:
    return ProtocolError(
        f"the peer's Cascade query asks for more than the {allowed} parities left for this block; "
        "drop the block"
    )


def _needs_too_much() -> BlockDropped:
    return BlockDropped("reconciliation", "Cascade needs more parities than the block has")
