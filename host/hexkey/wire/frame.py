"""Frames: the header that every one carries, its check, and the reference codec."""

import struct
import zlib
from dataclasses import dataclass
from enum import IntEnum

from hexkey.errors import InputError
from hexkey.wire.cobs import cobs_decode_reference, cobs_encode

VERSION = 1
MAX_RECORDS = 240
MAX_PULSE = 2**63 - 1
MAX_HISTOGRAM_BINS = 2048


class Kind(IntEnum):
    """What a frame's body is; TIME is reserved."""

    IDENTIFICATION = 1
    EVENTS = 2
    TAGS = 3
    COUNTERS = 4
    PAIRS = 5
    HISTOGRAM = 6
    G2 = 7
    CODE_DENSITY = 8
    STATUS = 9
    TIME = 10
    MARKER = 11
    SETTINGS = 12
    LOSS = 13
    REGISTER_REPLY = 14
    REGISTER_REQUEST = 15


# The widths of records that are fixed by the kind; others must be 0 or divide the body.
RECORD_BYTES: dict[int, tuple[int, ...]] = {Kind.EVENTS: (4, 8), Kind.TAGS: (8,)}

# Name and struct code of each field of the header: the one definition of it.
HEADER_FIELDS = (
    ("version", "B"),
    ("kind", "B"),
    ("record_bytes", "B"),
    ("settings", "B"),
    ("run", "I"),
    ("epoch", "I"),
    ("sequence", "I"),
    ("pulse", "Q"),
    ("event_tally", "I"),
)
HEADER = struct.Struct("<" + "".join(code for _, code in HEADER_FIELDS))
CRC = struct.Struct("<I")

MAX_BODY_BYTES = 12 + 4 * MAX_HISTOGRAM_BINS  # the largest body is a full histogram
MAX_FRAME_BYTES = HEADER.size + MAX_BODY_BYTES + CRC.size
MAX_STUFFED_BYTES = MAX_FRAME_BYTES + MAX_FRAME_BYTES // 254 + 1  # without the delimiter


@dataclass(frozen=True, slots=True)
class Header:
    """What every frame says about itself; the version is implied.

    Attributes
    ----------
    kind : Kind
    record_bytes : int
        Width of one record in the body; 0 for a body without records.
    settings : int
        Id of the committed settings, modulo 256.
    run : int
        The run id that the host wrote; 0 after a reset.
    epoch : int
        Counts the starts of pulse numbering: a lost trigger begins a new epoch.
    sequence : int
        Counts all frames of the board, modulo 2**32.
    pulse : int
        Watermark: every event sent earlier in this epoch is at this pulse or before it, every
        event of this frame and of later ones at this pulse or after it.
    event_tally : int
        Events sent in this run before this frame, modulo 2**32.
    """

    kind: Kind
    record_bytes: int
    settings: int
    run: int
    epoch: int
    sequence: int
    pulse: int
    event_tally: int


@dataclass(frozen=True, slots=True)
class Frame:
    """A header and its body, without stuffing and CRC."""

    header: Header
    body: bytes


def _problem(kind: int, record_bytes: int, pulse: int, body_bytes: int) -> str | None:
    """Say in what a header and its body contradict each other; None if they do not."""
    if pulse > MAX_PULSE:
        return f"its pulse number {pulse} is above {MAX_PULSE}"
    if kind in RECORD_BYTES and record_bytes not in RECORD_BYTES[kind]:
        return f"records of {record_bytes} bytes do not exist for {Kind(kind).name}"
    if record_bytes and body_bytes % record_bytes:
        return f"its body of {body_bytes} bytes does not hold whole records of {record_bytes}"
    if record_bytes and body_bytes // record_bytes > MAX_RECORDS:
        return f"it holds {body_bytes // record_bytes} records, more than {MAX_RECORDS}"
    return None


def encode_frame(header: Header, body: bytes) -> bytes:
    """Return the frame as it goes over the link: stuffed, with the zero that ends it.

    Raises
    ------
    ValueError
        A field out of range, a body that is too long or does not fit the header.
    """
    if len(body) > MAX_BODY_BYTES:
        raise ValueError(f"a body must have at most {MAX_BODY_BYTES} bytes, not {len(body)}")
    problem = _problem(header.kind, header.record_bytes, header.pulse, len(body))
    if problem:
        raise ValueError(f"{header.kind.name} frame: {problem}")
    try:
        packed = HEADER.pack(
            VERSION,
            header.kind,
            header.record_bytes,
            header.settings,
            header.run,
            header.epoch,
            header.sequence,
            header.pulse,
            header.event_tally,
        )
    except struct.error as error:
        raise ValueError(f"{header!r} has a field that is out of range: {error}") from None
    checked = packed + body
    return cobs_encode(checked + CRC.pack(zlib.crc32(checked))) + b"\0"


def unknown_version(found: int) -> InputError:
    """Return the error for a frame of another version of the format."""
    return InputError(
        f"the stream has frames of wire format version {found}, this hexkey knows version "
        f"{VERSION}; use the hexkey release that matches the board's firmware"
    )


def decode_frame(stuffed: bytes) -> Frame:
    """Decode one frame, with or without its final zero; the readable twin of `StreamParser`.

    The event records inside are not looked at: that is `unpack_events`.

    Raises
    ------
    InputError
        Damaged, too short, of another version, of an unknown kind, or contradicting itself.
    """
    frame = cobs_decode_reference(stuffed.removesuffix(b"\0"))
    checked, crc = frame[: -CRC.size], frame[-CRC.size :]
    if not checked or CRC.pack(zlib.crc32(checked)) != crc:
        raise InputError(f"frame of {len(frame)} bytes: its CRC is wrong; it was damaged")
    if checked[0] != VERSION:
        raise unknown_version(checked[0])
    if len(checked) < HEADER.size:
        raise InputError(f"frame of {len(frame)} bytes: too short to hold a header and a CRC")
    _, kind, record_bytes, *rest = HEADER.unpack_from(checked)
    body = checked[HEADER.size :]
    problem = _problem(kind, record_bytes, rest[4], len(body))
    if problem:
        raise InputError(f"frame of kind {kind}: {problem}; the board's firmware is at fault")
    if kind not in Kind._value2member_map_:
        raise InputError(f"frame of kind {kind}: this hexkey does not know it; update hexkey")
    return Frame(Header(Kind(kind), record_bytes, *rest), body)
