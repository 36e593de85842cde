"""Clicks outside the gate in a session: those that wait for their block, and those disclosed.

They make no key. A map counts clicks in the gate and outside alike: with B92 Bob discloses each
outside with the probability that a bit of the block has of being in the sample. With BB84 he
discloses all: in the gate the test basis' bits are public, and of the key basis' he knows after
correction which were wrong.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from hexkey.errors import ProtocolError
from hexkey.placed import Outside
from hexkey.randomness import Randomness, random_subset
from hexkey.session.messages_maps import OutsideSample
from hexkey.session.parameters import SessionParameters
from hexkey.sift_bb84 import CROSS

MOST_WAITING = 4_000_000  # of a gate that hardly anything comes into


class OutsideWaiting:
    """Clicks outside the gate, until the block is cut that they belong to.

    Beyond `most` they are forgotten, and the blocks that lack some get none.
    """

    def __init__(self, most: int = MOST_WAITING) -> None:
        self._most = most
        self._parts: list[Outside] = []
        self._count = 0
        self._after = -1  # the last pulse of the last block
        self._forgotten = -1  # the last pulse that is missing here

    def push(self, part: Outside) -> None:
        if not len(part) and self._parts:
            return
        self._parts.append(part)  # the first even if it is empty: it tells whether there are bases
        self._count += len(part)
        if self._count > self._most:
            self._forgotten = int(part.pulses[-1])
            self._parts, self._count = [part.take(slice(0))], 0

    def take(self, last: int) -> Outside | None:
        """Return what came before pulse `last` and after the one before; None if some is missing.

        What is in neither block, since a pulse of the gate ends each, is left.
        """
        every = Outside.concatenate(self._parts)
        cut = int(np.searchsorted(every.pulses, np.uint64(last)))
        self._parts = [every.take(slice(cut, None))]
        self._count = len(self._parts[0])
        missing = self._forgotten > self._after
        self._after = last
        return None if missing else every.take(slice(cut))


def choose_outside(
    outside: Outside | None, parameters: SessionParameters, randomness: Randomness
) -> Outside | None:
    """Return those that maps are made of: a share as large as the sample is of the block.

    All of them with BB84, where `with_a_bit` are disclosed. None where some are missing, or where
    more would be disclosed than is allowed.
    """
    if outside is None:
        return None
    if outside.bases is not None:
        return outside if len(with_a_bit(outside)) <= parameters.most_outside else None
    wanted, rest = divmod(len(outside) * parameters.estimate_bits, parameters.block_bits)
    # One more with the probability that is left, so that few clicks count as much as many.
    word = int.from_bytes(randomness.bytes(8), "little")
    wanted += word * parameters.block_bits < rest << 64
    if wanted > parameters.most_outside:
        return None
    return outside.take(random_subset(randomness, len(outside), wanted))


def with_a_bit(outside: Outside) -> Outside:
    """Return BB84's clicks without the cross clicks."""
    return outside.take(np.asarray(outside.bases) != CROSS)


def check_outside(sample: OutsideSample, after: int, announced: NDArray[np.uint64]) -> None:
    """See that a peer's clicks outside are of the block's time, and in no pulse of its key.

    Raises
    ------
    ProtocolError
        A pulse is at or before `after`, the last one of the unit before; is not before the block's
        last; or is announced for the block.
    """
    if not len(sample):
        return
    first, last = int(sample.pulses[0]), int(sample.pulses[-1])
    if first <= after or last >= int(announced[-1]):
        raise ProtocolError(
            f"the peer discloses clicks outside the gate in pulses {first} to {last} where those "
            f"between {after} and {int(announced[-1])} are of this block; the session was ended"
        )
    if np.isin(sample.pulses, announced, assume_unique=True).any():
        raise ProtocolError(
            "the peer discloses clicks outside the gate in pulses that it announces for the key; "
            "the session was ended"
        )


@dataclass(frozen=True, slots=True)
class SentOutside:
    """What she sent in the pulses of his clicks outside the gate: (m,) bool each.

    Attributes
    ----------
    matched : bool
        Whether in his basis.
    wrong : bool
        Whether another bit than his; of another basis nothing is said.
    """

    matched: NDArray[np.bool_]
    wrong: NDArray[np.bool_] = field(repr=False)

    @staticmethod
    def of(bits: NDArray[np.uint8], bases: NDArray[np.uint8], his: OutsideSample) -> "SentOutside":
        """Compare her bits and bases with his."""
        matched = bases == his.bases
        return SentOutside(matched, matched & (bits != his.bits))
