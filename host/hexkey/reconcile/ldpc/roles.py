"""Alice, who discloses a syndrome and, if asked again, more of it; and Bob, who decodes."""

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hexkey._native import ffi, lib
from hexkey.errors import BlockDropped, ProtocolError
from hexkey.reconcile import check_arguments
from hexkey.reconcile.ldpc import plan, wire
from hexkey.reconcile.ldpc.code import Code, Words
from hexkey.reconcile.ldpc.wire import MAX_BITS, NO_CODE, Bits

SWEEPS = 250  # more hardly ever help
PATIENCE = 25  # sweeps without any gain after which a decoder gives up
MARGIN: int = lib.HEXKEY_LDPC_MARGIN
NAT = 6  # the decoder's unit of a log likelihood ratio is 1/6


class _Side:
    """A block and the checks of its bits."""

    def __init__(self, bits: ArrayLike, qber: float, seed: bytes) -> None:
        self._bits = check_arguments(bits, qber, seed, MAX_BITS)
        self._number = -1  # of the code; before one is chosen

    def _choose(self, number: int) -> None:
        """Take a code, at the block's size."""
        self._number = number
        self._checks = len(self._bits)
        if number == NO_CODE:
            return
        self._code: Code = plan.code(number)
        self._lifting = wire.lifting_of(len(self._bits), self._code.columns)
        self._edges = self._code.edges_at(self._lifting)
        self._checks = self._code.rows * self._lifting
        self._placed = wire.to_columns(self._bits, self._code.columns)

    def _most(self) -> int:
        """Return how many bits may be disclosed."""
        return plan.most(len(self._bits), self._checks)

    def _sums(self, layers: Words) -> Bits:
        """Return the sums of the block's bits on each check of some layers."""
        sums = np.empty(int(layers[:, 3].sum()), np.uint8)
        lib.hexkey_ldpc_syndrome(
            _pointer("hexkey_ldpc_layer[]", layers),
            len(layers),
            _pointer("hexkey_ldpc_edge[]", self._edges),
            self._lifting,
            _pointer("uint8_t[]", self._placed),
            _pointer("uint8_t[]", sums),
        )
        return sums

    def _disclosable(self, start: int, stop: int) -> Bits:
        """Return the bits `start` to `stop` of those that can be disclosed."""
        if self._number == NO_CODE:
            return self._bits[start:stop]
        parts = [np.empty(0, np.uint8)]
        if start < self._checks:
            parts.append(self._sums(self._code.whole_rows(self._lifting))[start:stop])
        if stop > self._checks:
            halves = max(start - self._checks, 0), stop - self._checks
            parts.append(self._sums(self._code.first_halves(self._lifting, *halves)))
        return np.concatenate(parts)


class LdpcAlice(_Side):
    """Answers with sums of her bits and counts them; her bits never change.

    Parameters
    ----------
    bits : (n,) array of 0 and 1
    qber : float
        The session's estimate. Alice's answers do not depend on it.
    seed : bytes
        32 bytes, as other reconcilers have them. The codes are fixed and public: nothing here
        depends on it.
    """

    def __init__(self, bits: ArrayLike, qber: float, seed: bytes) -> None:
        super().__init__(bits, qber, seed)
        self._disclosed = 0

    @property
    def disclosed_bits(self) -> int:
        """Bits put into answers so far."""
        return self._disclosed

    def answer(self, query: bytes) -> bytes:
        """Return the bits a query asks for.

        Raises
        ------
        ProtocolError
            The query is malformed, names no code, or another one than the query before, asks for
            less than the code's syndrome, for nothing new, or for more than the block has. Nothing
            has been disclosed by it then.
        """
        number, wanted = wire.read_query(query)
        if number != self._number and (self._disclosed or not plan.exists(number)):
            raise ProtocolError("the peer's LDPC query names a code it may not; drop the block")
        if number != self._number:
            self._choose(number)
        # The syndrome at once: in pieces each would cost Alice as much as all of it.
        least, most = max(self._disclosed + 1, self._checks), self._most()
        if not least <= wanted <= most:
            raise ProtocolError(
                f"the peer's LDPC query asks for {wanted} bits where {least} to {most} may be "
                "disclosed; drop the block"
            )
        new = self._disclosable(self._disclosed, wanted)
        self._disclosed = wanted
        return np.packbits(new, bitorder="little").tobytes()


class LdpcBob(_Side):
    """Asks for a syndrome and corrects his bits.

    Parameters
    ----------
    bits : (n,) array of 0 and 1
    qber : float
        The session's estimate, between 0 and 1/2.
    seed : bytes
        As Alice's.
    queries : int
        Queries after which a block is dropped: 1 for one that nothing about the decoding leaves.
    path : int
        Which vector instructions to use: `HEXKEY_LDPC_FASTEST` or another; all find the same.

    Attributes
    ----------
    corrected, round_trips, sweeps : int
        Bits flipped, queries sent, and sweeps of the decoder so far.
    """

    def __init__(
        self,
        bits: ArrayLike,
        qber: float,
        seed: bytes,
        queries: int = plan.QUERIES,
        path: int = lib.HEXKEY_LDPC_FASTEST,
    ) -> None:
        super().__init__(bits, qber, seed)
        if queries < 1:
            raise ValueError(f"queries must be 1 or more, not {queries}")
        self._qber, self._queries, self._path = qber, queries, path
        self._answered = np.empty(0, np.uint8)  # all bits that Alice has disclosed
        self._wanted = 0
        self._waiting = False
        self.corrected = self.round_trips = self.sweeps = 0

    @property
    def bits(self) -> Bits:
        """A copy of the block, corrected once the last answer is in; shape (n,)."""
        return self._bits.copy()

    @property
    def asked_bits(self) -> int:
        """Bits that Alice has disclosed once she has answered all queries so far."""
        return self._wanted

    def start(self) -> bytes:
        """Return the first query."""
        if self.round_trips:
            raise ValueError("this conversation has already started")
        number, self._wanted = plan.first(len(self._bits), self._qber)
        self._choose(number)
        return self._send()

    def receive(self, answer: bytes) -> bytes | None:
        """Take Alice's answer; return a query for more, or None when the block has her syndrome.

        Raises
        ------
        ProtocolError
            The answer has a wrong length or set padding bits.
        BlockDropped
            The decoder did not find the errors and no more may be asked.
        """
        if not self._waiting:
            raise ValueError("no query is waiting for an answer")
        new = wire.read_answer(answer, self._wanted - len(self._answered))
        self._waiting = False
        self._answered = np.concatenate([self._answered, new])
        if self._number == NO_CODE:
            self._finish(self._bits ^ self._answered)
            return None
        errors = self._decode()
        if errors is not None:
            self._finish(errors)
            return None
        if self.round_trips == self._queries or self._wanted == self._most():
            raise BlockDropped("reconciliation", "LDPC decoding did not find the errors")
        more = plan.more(len(self._bits), self._qber, self._wanted, self.round_trips)
        self._wanted = min(more, self._most())
        return self._send()

    def _send(self) -> bytes:
        self.round_trips += 1
        self._waiting = True
        return wire.query(self._number, self._wanted)

    def _finish(self, errors: Bits) -> None:
        self.corrected = int(errors.sum())
        self._bits = self._bits ^ errors

    def _decode(self) -> Bits | None:
        """Return the errors that the bits disclosed so far tell, if the decoder finds them."""
        count, lifting = len(self._answered), self._lifting
        difference = self._answered ^ self._disclosable(0, count)
        split = count - self._checks
        layers = self._code.layers(lifting, split)
        syndrome = _padded_syndrome(difference, lifting, self._checks, split)
        beliefs = np.empty(MARGIN + self._code.columns * (lifting + 2 * MARGIN), np.int16)
        placed = beliefs[MARGIN:].reshape(self._code.columns, -1)[:, :lifting]
        placed[:] = _likelihood_ratio(self._qber)
        surplus = placed.size - len(self._bits)
        if surplus:
            placed[-surplus:, -1] = lib.HEXKEY_LDPC_CERTAIN
        edges = self._code.edges_at(lifting, 2 * MARGIN)
        c_layers = _pointer("hexkey_ldpc_layer[]", layers)
        messages = np.empty(lib.hexkey_ldpc_message_bytes(c_layers, len(layers)), np.int8)
        sweeps = lib.hexkey_ldpc_decode(
            c_layers,
            len(layers),
            _pointer("hexkey_ldpc_edge[]", edges),
            lifting,
            _pointer("int8_t[]", syndrome),
            _pointer("int16_t[]", beliefs[MARGIN:]),
            _pointer("int8_t[]", messages),
            SWEEPS,
            PATIENCE,
            self._path,
        )
        self.sweeps += abs(sweeps)
        if sweeps <= 0:
            return None
        return wire.from_columns((placed < 0).view(np.uint8), len(self._bits))


def _padded_syndrome(known: Bits, lifting: int, checks: int, split: int) -> NDArray[np.int8]:
    """Return the syndrome in the order of `Code.layers`, each layer filled up to 64 checks."""
    full, part = divmod(split, lifting)
    whole, first = known[:checks].reshape(-1, lifting), known[checks:]
    second = whole.ravel()[:split] ^ first
    halves = np.stack(
        [half[: full * lifting].reshape(full, lifting) for half in (first, second)], axis=1
    )
    parts = [_filled(halves.reshape(-1, lifting))]
    if part:
        parts += [_filled(half[np.newaxis, full * lifting :]) for half in (first, second)]
        parts.append(_filled(whole[full : full + 1, part:]))
    parts.append(_filled(whole[full + (part > 0) :]))
    return np.concatenate(parts).view(np.int8)


def _filled(rows: Bits) -> Bits:
    """Return rows, each filled with zeros to a multiple of 64, one after the other."""
    count, length = rows.shape
    filled = np.zeros((count, -(-length // 64) * 64), np.uint8)
    filled[:, :length] = rows
    return filled.ravel()


def _likelihood_ratio(qber: float) -> int:
    """Return the decoder's number for the chance of an error."""
    qber = min(max(qber, plan.LEAST_QBER), 0.4999)
    return max(1, round(NAT * math.log((1 - qber) / qber)))


def _pointer(kind: str, array: NDArray[Any]) -> Any:
    """Return a contiguous array as a C pointer."""
    return ffi.cast(kind.replace("[]", " *"), ffi.from_buffer(array))
