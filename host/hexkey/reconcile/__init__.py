"""Error correction: making Bob's sifted block equal to Alice's.

A reconciler is a pair of objects that exchange byte strings and do no I/O of their own, so that any
session, a test or a plain call can carry the conversation. The asking side starts it; every message
it returns goes to the answering side, whose answer goes back, until `Asking.receive` returns None.
What was disclosed is counted on the answering side, where each bit is put into a message.

Whether the two blocks are now equal is for the verification step to say, never for a reconciler.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from hexkey.keyrate.entropy import binary_entropy


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


def efficiency(disclosed_bits: int, n: int, error_rate: float) -> float:
    """Return f = disclosed bits over n h(error rate), NaN where the entropy is 0."""
    if not 0 < error_rate < 1:
        return float("nan")
    return disclosed_bits / (n * binary_entropy(error_rate))
