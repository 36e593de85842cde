"""The messages that only a session with maps has: clicks outside the gate, and what Alice says.

Pulses are written whole, not as steps as those of a block: few are chosen, and minutes may lie
between them.
"""

import struct
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from hexkey.bits import pack_bits, packed_bytes
from hexkey.errors import ProtocolError
from hexkey.placed import Outside
from hexkey.session.messages import Type, decode_bits

_COUNT = struct.Struct("<I")
_PULSE_BYTES = 8
_LARGEST_PULSE = (1 << 63) - 1


@dataclass(frozen=True, slots=True)
class OutsideSample:
    """Clicks outside the gate that Bob discloses: they make no key.

    With BB84 his bases, too: 1 for the key's, 0 for the test's.
    """

    pulses: NDArray[np.uint64]
    bits: NDArray[np.uint8] = field(repr=False)
    bases: NDArray[np.uint8] | None = None

    def __len__(self) -> int:
        return len(self.pulses)

    @staticmethod
    def of(clicks: Outside) -> "OutsideSample":
        return OutsideSample(clicks.pulses, clicks.bits, clicks.bases)

    def encode(self) -> bytes:
        pulses = np.asarray(self.pulses, "<u8").tobytes()
        bases = b"" if self.bases is None else pack_bits(self.bases)
        return _COUNT.pack(len(self)) + pulses + pack_bits(self.bits) + bases

    @staticmethod
    def decode(body: bytes, most: int, *, bases: bool = False) -> "OutsideSample":
        """Return at most so many pulses, which rise, with `bases` as BB84's.

        Raises
        ------
        ProtocolError
        """
        if len(body) < _COUNT.size:
            raise ProtocolError("an OUTSIDE message is cut; the session was ended")
        (count,) = _COUNT.unpack_from(body)
        if count > most:
            raise ProtocolError(
                f"the peer discloses {count} clicks outside the gate where {most} are allowed; the "
                "session was ended"
            )
        cut = _COUNT.size + _PULSE_BYTES * count
        bits, plane = body[cut:], packed_bytes(count)
        if len(bits) != (2 if bases else 1) * plane:
            raise ProtocolError(
                f"an OUTSIDE message of {count} clicks has {len(body)} bytes; the session was ended"
            )
        pulses = np.frombuffer(body[_COUNT.size : cut], "<u8").astype(np.uint64)
        if count and (np.any(pulses[1:] <= pulses[:-1]) or int(pulses[-1]) > _LARGEST_PULSE):
            raise ProtocolError(
                "the pulses of an OUTSIDE message do not rise; the session was ended"
            )
        return OutsideSample(
            pulses,
            decode_bits(bits[:plane], count, Type.OUTSIDE),
            decode_bits(bits[plane:], count, Type.OUTSIDE) if bases else None,
        )


@dataclass(frozen=True, slots=True)
class Verdicts:
    """What Alice says of clicks that Bob disclosed.

    Attributes
    ----------
    sample : (n,) bool
        Which bits of the block's sample are wrong; with BB84 of the test basis of both.
    outside : (m,) bool
        Which bits outside the gate are; none of those in another basis than hers.
    matched : (m,) bool or None
        With BB84, which of these are in her basis; None with B92.
    """

    sample: NDArray[np.bool_] = field(repr=False)
    outside: NDArray[np.bool_] = field(repr=False)
    matched: NDArray[np.bool_] | None = field(default=None, repr=False)

    def encode(self) -> bytes:
        """Encode the sample's, with BB84 the bases outside, then the bits outside."""
        parts = [self.sample, self.outside]
        if self.matched is not None:
            parts.insert(1, self.matched)
        return pack_bits(np.concatenate(parts).astype(np.uint8))

    @staticmethod
    def decode(
        body: bytes, sample_bits: int, sample_errors: int, outside: int, *, bases: bool = False
    ) -> "Verdicts":
        """Return those of so many clicks, with `bases` as BB84's.

        Raises
        ------
        ProtocolError
            Not so many; other errors of the sample than Alice counted; a bit that is wrong in
            another basis than hers.
        """
        count = sample_bits + (2 if bases else 1) * outside
        said = decode_bits(body, count, Type.VERDICTS).astype(np.bool_)
        sample, rest = said[:sample_bits], said[sample_bits:]
        if int(np.count_nonzero(sample)) != sample_errors:
            raise ProtocolError(
                "the peer marks other than the errors that it counted in the sample; the session "
                "was ended"
            )
        if not bases:
            return Verdicts(sample, rest)
        matched, wrong = rest[:outside], rest[outside:]
        if np.any(wrong & ~matched):
            raise ProtocolError(
                "the peer marks bits as wrong in another basis than its own; the session was ended"
            )
        return Verdicts(sample, wrong, matched)
