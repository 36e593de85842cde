"""Error correction: making Bob's sifted block equal to Alice's.

A reconciler is a pair of objects that exchange byte strings and do no I/O of their own, so that any
session, a test or a plain call can carry the conversation. The asking side starts it; every message
it returns goes to the answering side, whose answer goes back, until `Asking.receive` returns None.
What was disclosed is counted on the answering side, where each bit is put into a message.

Whether the two blocks are now equal is for the verification step to say, never for a reconciler.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hexkey.keyrate.entropy import binary_entropy

SEED_BYTES = 32  # public, drawn for each block once its bits are fixed


class Method(IntEnum):
    """A way to reconcile, with its number in messages; `method` chooses one."""

    CASCADE = 1
    LDPC = 2


class Answering(Protocol):
    """The side whose bits are the reference; it discloses and never changes them."""

    @property
    def disclosed_bits(self) -> int:
        """Bits about the block that went into messages so far, failed conversations included."""

    def answer(self, query: bytes) -> bytes:
        """Return the answer to a query; raise ProtocolError if it may not be answered."""


class Asking(Protocol):
    """The side that corrects its bits."""

    @property
    def bits(self) -> NDArray[np.uint8]:
        """The block as corrected so far, shape (n,), values 0 and 1."""

    @property
    def asked_bits(self) -> int:
        """Bits that Alice has disclosed once she has answered all queries so far."""

    @property
    def corrected(self) -> int:
        """Bits flipped so far. A number of errors only once verification has passed."""

    @property
    def round_trips(self) -> int:
        """Queries sent so far."""

    def start(self) -> bytes:
        """Return the first query; call once."""

    def receive(self, answer: bytes) -> bytes | None:
        """Take the answer to the last query; return the next one, None when finished."""


@dataclass(frozen=True, slots=True)
class ReconcileResult:
    """What a plain call that reconciles two arrays did.

    Attributes
    ----------
    bits : (n,) uint8
        Bob's bits as corrected.
    corrected : int
        Bits flipped.
    disclosed_bits : int
        Bits Alice disclosed; the reconciler's module says how a proof has to treat them.
    round_trips : int
    efficiency : float
        f = disclosed_bits / (n h(corrected / n)), 1 at the Shannon limit; NaN without errors.
    """

    bits: NDArray[np.uint8]
    corrected: int
    disclosed_bits: int
    round_trips: int
    efficiency: float


def converse(alice: Answering, bob: Asking) -> ReconcileResult:
    """Let the two sides talk until Bob is done; raises what they raise."""
    query: bytes | None = bob.start()
    while query is not None:
        query = bob.receive(alice.answer(query))
    bits = bob.bits
    return ReconcileResult(
        bits=bits,
        corrected=bob.corrected,
        disclosed_bits=alice.disclosed_bits,
        round_trips=bob.round_trips,
        efficiency=efficiency(alice.disclosed_bits, len(bits), bob.corrected / len(bits)),
    )


def check_equal_lengths(alice_bits: ArrayLike, bob_bits: ArrayLike) -> None:
    """Raise ValueError unless two arrays have the same length."""
    hers, his = np.size(alice_bits), np.size(bob_bits)
    if hers != his:
        raise ValueError(f"alice_bits and bob_bits must have the same length, not {hers} and {his}")


def check_arguments(bits: ArrayLike, qber: float, seed: bytes, most_bits: int) -> NDArray[np.uint8]:
    """Return the bits as uint8; raise ValueError where an argument is wrong."""
    checked = check_shape(bits, most_bits)
    if checked.dtype.kind not in "bui" or _out_of_range(checked):
        raise ValueError("bits must be integers 0 and 1")
    check_agreed(qber, seed)
    return checked.astype(np.uint8, copy=False)


def check_agreed(qber: float, seed: bytes) -> None:
    """Raise ValueError where what both sides agree on is wrong."""
    if not 0 <= qber <= 0.5:
        raise ValueError(f"qber must be between 0 and 1/2, not {qber}")
    if len(seed) != SEED_BYTES:
        raise ValueError(f"seed must be {SEED_BYTES} bytes, not {len(seed)}")


def check_shape(bits: ArrayLike, most_bits: int) -> NDArray[Any]:
    """Return the bits as an array; raise ValueError unless there are 1 to `most_bits` in a row."""
    checked = np.asarray(bits)
    if checked.ndim != 1 or not 1 <= len(checked) <= most_bits:
        raise ValueError(f"bits must have shape (n,) with n from 1 to {most_bits}")
    return checked


def _out_of_range(bits: NDArray[np.integer]) -> bool:
    lowest = bits.min() if bits.dtype.kind == "i" else 0
    return bool(lowest < 0 or bits.max() > 1)


def efficiency(disclosed_bits: int, n: int, error_rate: float) -> float:
    """Return f = disclosed bits over n h(error rate), NaN where the entropy is 0."""
    if not 0 < error_rate < 1:
        return float("nan")
    return disclosed_bits / (n * binary_entropy(error_rate))
