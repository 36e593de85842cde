"""Cascade: interactive reconciliation by parities (Brassard & Salvail 1994).

Bob asks for parities of ranges in shuffled orders, bisects the blocks in which he differs from
Alice, and after every correction goes back to the earlier passes. A block of n bits with error rate
Q runs through

1. a first pass in blocks of 1/Q bits, a second of 9/Q, a third of 144/Q (any integer, no powers of
   two, so that the efficiency has no steps in Q); from the second on, the blocks hold equal chances
   of an error, as far as the earlier passes tell, rather than equal numbers of bits;
2. batches of 14 random subsets of the block, until one batch agrees. A block with a residual error,
   whatever it is, passes a batch with probability 2⁻¹⁴, if the seed was drawn after the block.

A block is cut not in the middle but where the chance of an error is halved, and bits that are known
for certain are never asked about. Only Bob decides what to ask; Alice knows no plan.
If the first pass shows more errors than the estimate allows, it is repeated with Bob's own figure.

Each query holds the next question of every open bisection; those of the subsets take turns. A block
takes 200 to 500 round trips.

Disclosure
----------
Alice counts every parity she puts into an answer. Bob never asks for one that follows from others
of its pass: not the right half of a block, not the last block of a pass once the total is known.

What Bob says is public too: his queries follow his errors. They are a function of the seed and of
the error pattern W = X ⊕ Y alone, since he only ever compares parities. Tupkary and Lütkenhaus
("Using Cascade in quantum key distribution", 2023, arXiv:2307.00576) show that counting one
direction is not enough by itself, and that counting Alice's parities once *is* right when the
security proof hands W to Eve in full. So `disclosed_bits` may be subtracted from a key length only
under such a proof.

Limits
------
1 to 2²⁰ bits a block (longer keys: several blocks, each with a fresh seed). Estimates outside
[1/n, 1/4] are used as the nearer end. Alice answers `parity_limit(n)` = 2n + 64 parities at most,
Bob asks no more, and no more than `MAX_ROUND_TRIPS` times; a block that hits a limit is dropped.
Memory: for a bit and pass, 8 bytes at Bob (16 where he bisects) and 1 at Alice; 17 passes for most
blocks, 64 at most. Both roles together measure 200 bytes a bit for a block of 2²⁰.
"""

from collections.abc import Generator

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hexkey.bits import pack_bits
from hexkey.errors import BlockDropped, ProtocolError
from hexkey.reconcile import ReconcileResult, efficiency
from hexkey.reconcile.cascade_blocks import (
    WEIGHT_ONE,
    Cuts,
    Partition,
    equal_weight_bounds,
    error_weights,
)
from hexkey.reconcile.cascade_wire import (
    MAX_BITS,
    PASSES,
    SEED_BYTES,
    SHUFFLES,
    Places,
    Section,
    decode_answer,
    decode_query,
    encode_query,
    order_of_pass,
    parity_limit,
    subset_of_pass,
)

Bits = NDArray[np.uint8]
Conversation = Generator[list[Section], NDArray[np.bool_], None]

MAX_ROUND_TRIPS = 10_000
SUBSETS_PER_BATCH = 14
# Block sizes times the error rate. The first is the largest that still leaves few double errors;
# the second lies just below the size at which corrections stop setting off further ones.
FIRST_BLOCK = 1.0
LATER_BLOCKS = (9.0, 144.0)
SURPRISE_SIGMAS = 5.0


class CascadeAlice:
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
        self._bits = _checked_bits(bits, qber, seed)
        self._seed = seed
        self._before: dict[int, Bits] = {}  # pass -> parity of all bits before a place, (n + 1,)
        self._disclosed = 0

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
        n = len(self._bits)
        sections = decode_query(query, n, parity_limit(n) - self._disclosed)
        answers = []
        for section in sections:
            before = self._parities_before(section.number)
            answers.append(before[section.first] ^ before[section.end])
        parities_in_answer = np.concatenate(answers)
        self._disclosed += len(parities_in_answer)
        return pack_bits(parities_in_answer)

    def _parities_before(self, number: int) -> Bits:
        if number not in self._before:
            n = len(self._bits)
            before = np.zeros(n + 1, np.uint8)
            shuffled = self._bits[order_of_pass(self._seed, number, n)]
            np.bitwise_xor.accumulate(shuffled, out=before[1:])
            self._before[number] = before
        return self._before[number]


class CascadeBob:
    """Asks for parities and corrects his bits.

    Parameters
    ----------
    bits : (n,) array of 0 and 1
    qber : float
        The session's estimate, between 0 and 1/2.
    seed : bytes
        Alice's seed for this block.

    Attributes
    ----------
    corrected, parities_asked, round_trips : int
        Bits flipped, parities asked for and queries sent so far.
    """

    def __init__(self, bits: ArrayLike, qber: float, seed: bytes) -> None:
        self._bits = _checked_bits(bits, qber, seed).copy()
        self._seed = seed
        n = len(self._bits)
        self._qber = float(np.clip(qber, min(1 / n, 0.25), 0.25))
        self._passes: list[Partition] = []
        self._known = np.zeros(n, np.bool_)
        self._weight = np.full(n, WEIGHT_ONE, np.int64)
        self._waiting = 0  # parities the last query asked for
        self._conversation = self._converse()
        self._next_shuffle, self._next_subset = 0, SHUFFLES
        self.corrected = 0
        self.parities_asked = 0
        self.round_trips = 0

    @property
    def bits(self) -> Bits:
        """A copy of the block as corrected so far, shape (n,)."""
        return self._bits.copy()

    def start(self) -> bytes:
        """Return the first query."""
        if self.round_trips:
            raise ValueError("this conversation has already started")
        return self._send(next(self._conversation))

    def receive(self, answer: bytes) -> bytes | None:
        """Take Alice's answer; return the next query, or None when the block agrees.

        Raises
        ------
        ProtocolError
            The answer has a wrong length, or contradicts earlier ones.
        BlockDropped
            The block needs more parities or round trips than the limits allow.
        """
        if not self._waiting:
            raise ValueError("no query is waiting for an answer")
        answers = decode_answer(answer, self._waiting)
        self._waiting = 0
        try:
            return self._send(self._conversation.send(answers))
        except StopIteration:
            return None

    def _send(self, sections: list[Section]) -> bytes:
        count = sum(len(section.first) for section in sections)
        if self.parities_asked + count > parity_limit(len(self._bits)):
            raise BlockDropped("reconciliation", "Cascade needs more parities than the block has")
        if self.round_trips == MAX_ROUND_TRIPS:
            raise BlockDropped(
                "reconciliation", f"Cascade did not end within {MAX_ROUND_TRIPS} round trips"
            )
        self.parities_asked += count
        self.round_trips += 1
        self._waiting = count
        return encode_query(sections)

    # The conversation is written as generators: they yield sections and are sent the answers.

    def _converse(self) -> Conversation:
        n = len(self._bits)
        while True:
            blocks = max(1, round(n * self._qber / FIRST_BLOCK))
            yield from self._open_shuffle(np.arange(blocks + 1) * n // blocks)
            if not self._too_many_errors():
                break
        yield from self._settle()
        for times in LATER_BLOCKS:
            blocks = round(n * self._qber / times)
            if blocks >= 2:
                self._reweigh()
                order = order_of_pass(self._seed, self._next_shuffle, n)
                yield from self._open_shuffle(equal_weight_bounds(self._weight[order], blocks))
                yield from self._settle()
        agreed = False
        while not agreed:
            self._reweigh()
            agreed = yield from self._open_subsets()
            yield from self._settle()

    def _too_many_errors(self) -> bool:
        """Compare the first pass with the estimate; take Bob's own figure if it is far too low."""
        odd = self._passes[-1].odd
        size = len(self._bits) / len(odd)
        expected = (1 - (1 - 2 * self._qber) ** size) / 2
        sigma = np.sqrt(expected * (1 - expected) / len(odd))
        share = float(odd.mean())
        if self._qber == 0.25 or self._next_shuffle > SHUFFLES - 1 - len(LATER_BLOCKS):
            return False
        if share <= expected + SURPRISE_SIGMAS * sigma:
            return False
        # A share near one half only says "many": grow at least by a factor, at most to the clamp.
        at_most = min(share, 0.49)
        self._qber = min(0.25, max(1.5 * self._qber, (1 - (1 - 2 * at_most) ** (1 / size)) / 2))
        return True

    def _open_shuffle(self, bounds: Places) -> Conversation:
        number = self._next_shuffle
        self._next_shuffle += 1
        # The parity of all bits is known from the first pass on, so the last block's follows.
        count = len(bounds) - 1 - bool(self._passes)
        if count:
            answers = yield [Section(number, bounds[:count], bounds[1 : count + 1])]
            self._add_pass(number, bounds, answers)

    def _open_subsets(self) -> Generator[list[Section], NDArray[np.bool_], bool]:
        """Ask for the next batch of subsets; return whether all of them agreed."""
        n = len(self._bits)
        numbers = range(self._next_subset, self._next_subset + SUBSETS_PER_BATCH)
        if numbers.stop > PASSES:
            raise BlockDropped("reconciliation", "Cascade ran out of passes")
        self._next_subset = numbers.stop
        sizes = [int(subset_of_pass(self._seed, number, n).sum()) for number in numbers]
        sections = [
            Section(number, np.array([0]), np.array([size]))
            for number, size in zip(numbers, sizes, strict=True)
            if 0 < size < n  # of nothing and of everything, the parity is known
        ]
        if not sections or self._known.all():
            return True
        answers = yield sections
        for section, answer in zip(sections, answers, strict=True):
            bounds = np.array([0, section.end[0], n])
            self._add_pass(section.number, bounds, np.array([answer]))
        return not any(each.odd.any() for each in self._passes[-len(sections) :])

    def _add_pass(self, number: int, bounds: Places, answers: NDArray[np.bool_]) -> None:
        order = order_of_pass(self._seed, number, len(self._bits))
        odd = np.bitwise_xor.reduceat(self._bits[order], bounds[:-1]).astype(np.bool_)
        odd[: len(answers)] ^= answers
        if self._passes:
            odd[-1] = np.bitwise_xor.reduce(odd[:-1]) ^ np.bitwise_xor.reduce(self._passes[0].odd)
        self._passes.append(Partition(number, order, bounds, odd))

    def _settle(self) -> Conversation:
        """Bisect in all passes until every known block has even error parity."""
        while True:
            found: list[NDArray[np.int32]] = [np.empty(0, np.int32)]
            cuts: list[tuple[Partition, Cuts]] = []
            for each in self._passes:
                # Subsets overlap by half and mostly see the same errors: bisect one at a time.
                if each.odd.any() and (each.number < SHUFFLES or not cuts):
                    errors, wanted = each.locate(self._weight)
                    found.append(errors)
                    if len(wanted.block):
                        cuts.append((each, wanted))
            errors = np.unique(np.concatenate(found))  # two passes may have found the same
            if len(errors):
                self._flip(errors)
            elif cuts:
                yield from self._bisect(cuts)
            else:
                return

    def _bisect(self, cuts: list[tuple[Partition, Cuts]]) -> Conversation:
        if any(np.any(wanted.middle == wanted.end) for _, wanted in cuts):
            raise _contradiction()
        answers = yield [Section(each.number, wanted.first, wanted.middle) for each, wanted in cuts]
        for each, wanted in cuts:
            alice, answers = answers[: len(wanted.block)], answers[len(wanted.block) :]
            own = each.parities(self._bits, wanted.first, wanted.middle)
            each.cut(wanted, alice ^ own)

    def _flip(self, errors: NDArray[np.int32]) -> None:
        if self._known[errors].any():
            raise _contradiction()
        self._known[errors] = True
        self._bits[errors] ^= 1
        self.corrected += len(errors)
        for each in self._passes:
            each.toggle(errors)

    def _reweigh(self) -> None:
        shuffles = [each for each in self._passes if each.number < SHUFFLES]
        self._weight, self._known = error_weights(shuffles, self._known, self._qber)
        for each in self._passes:
            each.forget_weights()


def reconcile(
    alice_bits: ArrayLike, bob_bits: ArrayLike, qber: float, seed: bytes
) -> ReconcileResult:
    """Run Cascade on two arrays of your own and report what it cost.

    Parameters
    ----------
    alice_bits, bob_bits : (n,) arrays of 0 and 1
    qber : float
        Expected share of differing bits, 0 to 1/2. The closer, the better the efficiency.
    seed : bytes
        32 bytes, fresh for each block; they may be public.

    Raises
    ------
    BlockDropped
        The arrays differ so much more than expected that a limit was reached.
    """
    alice = CascadeAlice(alice_bits, qber, seed)
    bob = CascadeBob(bob_bits, qber, seed)
    n = len(bob.bits)
    if np.size(alice_bits) != n:
        raise ValueError("alice_bits and bob_bits must have the same length")
    query: bytes | None = bob.start()
    while query is not None:
        query = bob.receive(alice.answer(query))
    return ReconcileResult(
        bits=bob.bits,
        corrected=bob.corrected,
        disclosed_bits=alice.disclosed_bits,
        round_trips=bob.round_trips,
        efficiency=efficiency(alice.disclosed_bits, n, bob.corrected / n),
    )


def _contradiction() -> ProtocolError:
    return ProtocolError("the peer's Cascade answers contradict each other; drop the block")


def _checked_bits(bits: ArrayLike, qber: float, seed: bytes) -> Bits:
    checked = np.asarray(bits)
    if checked.ndim != 1 or not 1 <= len(checked) <= MAX_BITS:
        raise ValueError(f"bits must have shape (n,) with n from 1 to {MAX_BITS}")
    if checked.dtype.kind not in "bui" or np.any((checked != 0) & (checked != 1)):
        raise ValueError("bits must be integers 0 and 1")
    if not 0 <= qber <= 0.5:
        raise ValueError(f"qber must be between 0 and 1/2, not {qber}")
    if len(seed) != SEED_BYTES:
        raise ValueError(f"seed must be {SEED_BYTES} bytes, not {len(seed)}")
    return checked.astype(np.uint8)
