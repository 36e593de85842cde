"""Every message of the session protocol: its number, its size limit and its bytes.

A message is a type and a body. Bodies that carry settings are JSON; bodies that carry arrays are
little-endian binary. A body that is too long, too short or not what it says raises ProtocolError
before anything is done with it. docs/session-protocol.md is the same list for people. Bodies with
bases are in `messages_bb84`, those of maps in `messages_maps`.
"""

import json
import struct
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hexkey._native import ffi, lib
from hexkey.bits import pack_bits, packed_bytes, unpack_bits
from hexkey.errors import ProtocolError
from hexkey.reconcile import Method


class Type(IntEnum):
    """Message types. Even where a type is unused in a protocol its number stays taken."""

    HELLO = 1  # Bob: versions, pool, parameters, statement
    WELCOME = 2  # Alice: the same, and which of her keys are pending
    SETTLE = 3  # Bob: which of those he committed
    REFUSE = 4  # either: why there is no session, or no more of it (untagged; ends it)
    BYE = 5  # Bob: done (untagged)
    TAG = 6  # the Wegman-Carter tag of everything in this unit so far
    RENEW = 7  # Bob: done, and another session follows on this connection (untagged)
    ALIGN = 16  # Bob: a disclosed sample, pulse numbers and bits
    OFFSET = 17  # Alice: the pulse-number offset
    ALIGN_BB84 = 18  # Bob: ALIGN with bases
    ANNOUNCE = 32  # Bob: the pulses of a block
    SAMPLE = 33  # Alice: the reconciler and its seed; which bits to disclose
    SAMPLE_BITS = 34  # Bob: those bits
    ESTIMATE = 35  # Alice: errors among them
    QUERY = 36  # Bob: the reconciler's message
    ANSWER = 37  # Alice: the reconciler's message
    CORRECTED = 38  # Bob: nothing more to ask
    VERIFY = 39  # Alice: hash seed and tag of her bits
    VERIFIED = 40  # Bob: they agree; number of errors corrected
    AMPLIFY = 41  # Alice: key length, then the seed drawn for it
    CONFIRM = 42  # either: the key is pending here (a tag follows)
    COMMIT = 43  # Bob: the key is final here (a tag follows)
    DROP = 44  # Bob: this block ends without a key, and why (untagged)
    ANNOUNCE_BB84 = 48  # Bob: the clicked pulses of a block, with bases
    BASES = 49  # Alice: hers (a tag follows)
    SOURCE = 64  # Alice: coincidences counted at her source, where she counts them
    OUTSIDE = 80  # Bob: with maps, clicks outside the gate, pulses and bits
    VERDICTS = 81  # Alice: which bits of the sample are wrong, which of those clicks hers, wrong


DROP_REASONS = ("reconciliation", "verification")
SENTENCE_CHARACTERS = 400
MAX_BODY = 16 << 20  # the pulses of the largest block
_STEP_BYTES = (1, 2, 4)
_SMALL = 64 << 10
_LIMITS = {
    Type.HELLO: _SMALL,
    Type.WELCOME: _SMALL,
    Type.SETTLE: _SMALL,
    Type.REFUSE: 4096,
    Type.BYE: 0,
    Type.RENEW: 0,
    Type.TAG: 24,
    Type.OFFSET: 64,
    Type.ESTIMATE: 4,
    Type.CORRECTED: 0,
    Type.VERIFY: 64,
    Type.VERIFIED: 4,
    Type.CONFIRM: 0,
    Type.COMMIT: 0,
    Type.DROP: 256,
    Type.SOURCE: 64,
    Type.OUTSIDE: 8 << 20,
    Type.VERDICTS: 1 << 20,
}


def limit(kind: Type) -> int:
    """Return the largest body of a type, in bytes."""
    return _LIMITS.get(kind, MAX_BODY)


def _unpack(layout: struct.Struct, body: bytes, kind: Type) -> tuple[Any, ...]:
    if len(body) != layout.size:
        raise ProtocolError(
            f"a {kind.name} message has {len(body)} bytes where {layout.size} were due; "
            "the session was ended"
        )
    return layout.unpack(body)


def encode_json(value: dict[str, Any]) -> bytes:
    """Encode a JSON object in the one way that both sides put under a tag."""
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def decode_json(body: bytes, kind: Type) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):  # the second for brackets nested thousands deep
        found = None
    if not isinstance(found, dict):
        raise ProtocolError(f"a {kind.name} message is not JSON; the session was ended")
    return found


def decode_sentence(body: bytes) -> str:
    """Return a peer's words for people: nothing that a terminal or a log would act on."""
    return printable(body.decode("utf-8", "replace")[:SENTENCE_CHARACTERS])


def printable(text: str) -> str:
    """Return `text` with blanks for what a terminal or a log would act on."""
    return "".join(letter if letter.isprintable() else " " for letter in text).strip()


def decode_drop(body: bytes) -> str:
    """Return the reason of a DROP: one of few words, since it names a count of the report."""
    reason = body.decode("ascii", "replace")
    if reason not in DROP_REASONS:
        raise ProtocolError("the peer drops the block for no known reason; the session was ended")
    return reason


def check_packed(body: bytes, count: int, kind: Type) -> bytes:
    """Return `body`, which is to be `count` packed bits."""
    if len(body) != packed_bytes(count):
        raise ProtocolError(
            f"a {kind.name} message has {len(body)} bytes where {count} bits were due; "
            "the session was ended"
        )
    if count % 8 and body[-1] >> (count % 8):
        raise ProtocolError(f"a {kind.name} message has set padding bits; the session was ended")
    return body


def decode_bits(body: bytes, count: int, kind: Type) -> NDArray[np.uint8]:
    return unpack_bits(check_packed(body, count, kind), count)


def encode_pulses(pulses: NDArray[np.uint64], heading: bytes = b"") -> bytes:
    """First pulse as u64, bytes of a step as u8 (1, 2 or 4), then the steps to those following.

    A heading goes before it here, since a block's pulses are megabytes to copy.
    """
    numbers = ffi.from_buffer("uint64_t[]", np.ascontiguousarray(pulses, np.uint64))
    count = len(pulses)
    for width in _STEP_BYTES if count else ():
        if int(pulses[-1]) - int(pulses[0]) > (count - 1) << 8 * width:
            continue  # already the mean step needs more
        steps = np.empty(width * (count - 1), np.uint8)
        if lib.hexkey_pulses_steps(numbers, count, width, ffi.from_buffer("uint8_t[]", steps)):
            return b"".join((heading, _PULSES.pack(pulses[0], width), steps.data))
    raise ValueError("pulse numbers must rise, by less than 2**32 a step, and not be none")


def decode_pulses(body: bytes | memoryview, kind: Type) -> NDArray[np.uint64]:
    """Inverse of `encode_pulses`; ProtocolError unless the pulses rise strictly, below 2**63."""
    first, width = _PULSES.unpack(bytes(body[: _PULSES.size]).ljust(_PULSES.size, b"\0"))
    if width not in _STEP_BYTES or (len(body) - _PULSES.size) % width:
        raise ProtocolError(f"the pulses of a {kind.name} message are cut; the session was ended")
    count = (len(body) - _PULSES.size) // width
    pulses = np.empty(1 + count, np.uint64)
    steps = ffi.from_buffer("uint8_t[]", body) + _PULSES.size
    if not lib.hexkey_pulses_sum(first, steps, count, width, ffi.from_buffer("uint64_t[]", pulses)):
        raise ProtocolError(
            f"the pulses of a {kind.name} message do not rise; the session was ended"
        )
    return pulses


_ALIGN = struct.Struct("<II")
_OFFSET = struct.Struct("<Bqqd")
_ANNOUNCE = struct.Struct("<II")
_SAMPLE = struct.Struct("<B32s")
_PULSES = struct.Struct("<QB")
_VERIFY = struct.Struct("<16sB")
_COUNT = struct.Struct("<I")
_AMPLIFY = struct.Struct("<I")
_TAG = struct.Struct("<Q16s")


@dataclass(frozen=True, slots=True)
class Align:
    epoch: int
    pulses: NDArray[np.uint64]
    bits: NDArray[np.uint8]

    def encode(self) -> bytes:
        return (
            _ALIGN.pack(self.epoch, len(self.pulses))
            + pack_bits(self.bits)
            + encode_pulses(self.pulses)
        )

    @staticmethod
    def decode(body: bytes) -> "Align":
        if len(body) < _ALIGN.size:
            raise ProtocolError("an ALIGN message is cut; the session was ended")
        epoch, count = _ALIGN.unpack_from(body)
        cut = _ALIGN.size + packed_bytes(count)
        bits = decode_bits(body[_ALIGN.size : cut], count, Type.ALIGN)
        pulses = decode_pulses(body[cut:], Type.ALIGN)
        if len(pulses) != count:
            raise ProtocolError("an ALIGN message has unequal counts; the session was ended")
        return Align(epoch, pulses, bits)


@dataclass(frozen=True, slots=True)
class Offset:
    """`found` 0 means that no offset fits; `modulo` 0 means that the offset is unique."""

    found: bool
    offset: int
    modulo: int
    false_match_probability: float

    def encode(self) -> bytes:
        return _OFFSET.pack(self.found, self.offset, self.modulo, self.false_match_probability)

    @staticmethod
    def decode(body: bytes) -> "Offset":
        found, offset, modulo, probability = _unpack(_OFFSET, body, Type.OFFSET)
        if found > 1 or not 0 <= probability <= 1 or modulo < 0 or abs(offset) >= 1 << 62:
            raise ProtocolError("an OFFSET message makes no sense; the session was ended")
        return Offset(bool(found), offset, modulo, probability)


@dataclass(frozen=True, slots=True)
class Announce:
    block: int
    epoch: int
    pulses: NDArray[np.uint64]

    def encode(self) -> bytes:
        return encode_pulses(self.pulses, _ANNOUNCE.pack(self.block, self.epoch))

    @staticmethod
    def decode(body: bytes) -> "Announce":
        if len(body) < _ANNOUNCE.size:
            raise ProtocolError("an ANNOUNCE message is cut; the session was ended")
        block, epoch = _ANNOUNCE.unpack_from(body)
        pulses = decode_pulses(memoryview(body)[_ANNOUNCE.size :], Type.ANNOUNCE)
        return Announce(block, epoch, pulses)


@dataclass(frozen=True, slots=True)
class Sample:
    """The reconciler, its seed, and which bits of the block to disclose: a bit for each position.

    Where no sample was agreed, `chosen` is empty.
    """

    method: Method
    seed: bytes
    chosen: NDArray[np.uint8]

    def encode(self) -> bytes:
        return _SAMPLE.pack(self.method, self.seed) + pack_bits(self.chosen)

    @staticmethod
    def decode(body: bytes, block_bits: int, sample_bits: int) -> "Sample":
        if len(body) < _SAMPLE.size:
            raise ProtocolError("a SAMPLE message is cut; the session was ended")
        number, seed = _SAMPLE.unpack_from(body)
        if number not in set(Method):
            raise ProtocolError(
                f"a SAMPLE message names reconciler {number}, which is not known here; the session "
                "was ended"
            )
        positions = block_bits if sample_bits else 0
        chosen = decode_bits(body[_SAMPLE.size :], positions, Type.SAMPLE)
        asked = int(np.count_nonzero(chosen))
        if asked != sample_bits:
            raise ProtocolError(
                f"a SAMPLE message asks for {asked} bits where {sample_bits} were agreed; the "
                "session was ended"
            )
        return Sample(Method(number), seed, chosen)


@dataclass(frozen=True, slots=True)
class Verify:
    seed: bytes
    tag_bits: int
    tag: bytes

    def encode(self) -> bytes:
        return _VERIFY.pack(self.seed, self.tag_bits) + self.tag

    @staticmethod
    def decode(body: bytes) -> "Verify":
        if len(body) < _VERIFY.size:
            raise ProtocolError("a VERIFY message is cut; the session was ended")
        seed, tag_bits = _VERIFY.unpack_from(body)
        tag = body[_VERIFY.size :]
        if len(tag) != packed_bytes(tag_bits):
            raise ProtocolError(
                "a VERIFY message has a tag of another length; the session was ended"
            )
        return Verify(seed, tag_bits, tag)


@dataclass(frozen=True, slots=True)
class Amplify:
    length: int
    seed: bytes  # packed

    def encode(self) -> bytes:
        return _AMPLIFY.pack(self.length) + self.seed

    @staticmethod
    def decode(body: bytes, seed_bits: int) -> "Amplify":
        if len(body) < _AMPLIFY.size:
            raise ProtocolError("an AMPLIFY message is cut; the session was ended")
        (length,) = _AMPLIFY.unpack_from(body)
        return Amplify(length, check_packed(body[_AMPLIFY.size :], seed_bits, Type.AMPLIFY))


def announce_bytes(pulses: int) -> int:
    """Return the most bytes of an ANNOUNCE of so many pulses."""
    return _ANNOUNCE.size + _PULSES.size + max(_STEP_BYTES) * (pulses - 1)


def encode_count(count: int) -> bytes:
    return _COUNT.pack(count)


def decode_count(body: bytes, kind: Type) -> int:
    (count,) = _unpack(_COUNT, body, kind)
    return int(count)


def encode_tag(index: int, tag: bytes) -> bytes:
    return _TAG.pack(index, tag)


def decode_tag(body: bytes) -> tuple[int, bytes]:
    index, tag = _unpack(_TAG, body, Type.TAG)
    return int(index), bytes(tag)
