"""The messages that BB84 has and B92 has not: those with bases in them.

A basis is one bit, 1 for the key's. Bob says of a pulse that it clicked in both with a bit of its
own (`hexkey.sift_bb84.CROSS`); such a pulse has no basis, and its bit of the bases is 0.
"""

import struct
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hexkey.bits import pack_bits, packed_bytes
from hexkey.errors import ProtocolError
from hexkey.session.messages import Type, decode_bits, decode_pulses, encode_pulses
from hexkey.sift_bb84 import CROSS, KEY

MOST_SENT = 10**15  # pulses of a block: a year at 40 MHz

_ALIGN = struct.Struct("<II")
_ANNOUNCE = struct.Struct("<III")
_BASES = struct.Struct("<QQ")


@dataclass(frozen=True, slots=True)
class AlignBb84:
    """Bob's disclosed sample: bits and bases (1 for the key's) of pulses that clicked in one."""

    epoch: int
    pulses: NDArray[np.uint64]
    bits: NDArray[np.uint8]
    bases: NDArray[np.uint8]

    def encode(self) -> bytes:
        return (
            _ALIGN.pack(self.epoch, len(self.pulses))
            + pack_bits(self.bits)
            + pack_bits(self.bases)
            + encode_pulses(self.pulses)
        )

    @staticmethod
    def decode(body: bytes) -> "AlignBb84":
        kind = Type.ALIGN_BB84
        if len(body) < _ALIGN.size:
            raise ProtocolError("an ALIGN_BB84 message is cut; the session was ended")
        epoch, count = _ALIGN.unpack_from(body)
        bits, bases, rest = _planes(body[_ALIGN.size :], count, kind)
        return AlignBb84(epoch, _pulses(rest, count, kind), bits, bases)


@dataclass(frozen=True, slots=True)
class AnnounceBb84:
    """The clicked pulses of a block with their bases: `hexkey.sift_bb84.KEY`, `TEST`, `CROSS`."""

    block: int
    epoch: int
    pulses: NDArray[np.uint64]
    bases: NDArray[np.uint8]

    def encode(self) -> bytes:
        return (
            _ANNOUNCE.pack(self.block, self.epoch, len(self.pulses))
            + pack_bits(self.bases == KEY)
            + pack_bits(self.bases == CROSS)
            + encode_pulses(self.pulses)
        )

    @staticmethod
    def decode(body: bytes) -> "AnnounceBb84":
        kind = Type.ANNOUNCE_BB84
        if len(body) < _ANNOUNCE.size:
            raise ProtocolError("an ANNOUNCE_BB84 message is cut; the session was ended")
        block, epoch, count = _ANNOUNCE.unpack_from(body)
        key, cross, rest = _planes(body[_ANNOUNCE.size :], count, kind)
        if np.any(key & cross):
            raise ProtocolError(
                "an ANNOUNCE_BB84 message has a basis for a cross click; the session was ended"
            )
        return AnnounceBb84(block, epoch, _pulses(rest, count, kind), key * KEY + cross * CROSS)


@dataclass(frozen=True, slots=True)
class Bases:
    """Alice's bases of the announced pulses, and how many pulses she sent in either.

    `sent_key` and `sent_test` count from the pulse after the last block or alignment on.
    """

    sent_key: int
    sent_test: int
    bases: NDArray[np.uint8]

    def encode(self) -> bytes:
        return _BASES.pack(self.sent_key, self.sent_test) + pack_bits(self.bases)

    @staticmethod
    def decode(body: bytes, count: int) -> "Bases":
        if len(body) < _BASES.size:
            raise ProtocolError("a BASES message is cut; the session was ended")
        sent_key, sent_test = _BASES.unpack_from(body)
        bases = decode_bits(body[_BASES.size :], count, Type.BASES)
        in_key = int(bases.sum())
        if not in_key <= sent_key <= MOST_SENT or not count - in_key <= sent_test <= MOST_SENT:
            raise ProtocolError(
                "a BASES message has impossible numbers of pulses; the session was ended"
            )
        return Bases(sent_key, sent_test, bases)


def announce_bytes(pulses: int) -> int:
    """Return the most bytes of an ANNOUNCE_BB84 of so many pulses."""
    return _ANNOUNCE.size + 2 * packed_bytes(pulses) + 9 + 4 * (pulses - 1)


def _planes(
    body: bytes, count: int, kind: Type
) -> tuple[NDArray[np.uint8], NDArray[np.uint8], bytes]:
    """Return two planes of `count` bits, and what follows them."""
    size = packed_bytes(count)
    first = decode_bits(body[:size], count, kind)
    second = decode_bits(body[size : 2 * size], count, kind)
    return first, second, body[2 * size :]


def _pulses(body: bytes, count: int, kind: Type) -> NDArray[np.uint64]:
    pulses = decode_pulses(body, kind)
    if len(pulses) != count:
        raise ProtocolError(f"the counts of a {kind.name} message differ; the session was ended")
    return pulses
