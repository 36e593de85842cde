"""Bytes of a link or a recording to frames, with every loss counted."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from hexkey._native import ffi, lib
from hexkey.events import Events
from hexkey.wire.frame import MAX_STUFFED_BYTES, Frame, Header, Kind, unknown_version
from hexkey.wire.numbering import Gap, Numbering
from hexkey.wire.records import Burst, unpack_events

_KINDS = {int(kind): kind for kind in Kind}

_CRC_TABLES = ffi.new("uint32_t[]", lib.HEXKEY_CRC32_TABLE_WORDS)
lib.hexkey_crc32_prepare(_CRC_TABLES)

# The columns that are wanted of each piece, in the order in which `_take` unpacks them.
_COLUMNS = {
    "status": "u1",
    "version": "u1",
    "stuffed_bytes": "<u8",
    "body_at": "<u4",
    "body_bytes": "<u4",
    "events": "<u4",
    "last_pulse": "<u8",
    "kind": "u1",
    "record_bytes": "u1",
    "settings": "u1",
    "run": "<u4",
    "epoch": "<u4",
    "sequence": "<u4",
    "pulse": "<u8",
    "event_tally": "<u4",
}
_PIECE = np.dtype(
    {
        "names": list(_COLUMNS),
        "formats": list(_COLUMNS.values()),
        "offsets": [ffi.offsetof("hexkey_wire_piece", name) for name in _COLUMNS],
        "itemsize": ffi.sizeof("hexkey_wire_piece"),
    }
)
_PIECES_AT_ONCE = 64
_OUT_BYTES = 8 * MAX_STUFFED_BYTES


def crc32(data: bytes, path: int = lib.HEXKEY_CLMUL_FASTEST) -> int:
    """Return the CRC-32/ISO-HDLC of `data`, computed by the kernel that checks frames."""
    return lib.hexkey_crc32(_CRC_TABLES, ffi.from_buffer(data), len(data), path)


@dataclass(frozen=True, slots=True)
class StreamStatistics:
    """What a `StreamParser` has seen so far.

    Attributes
    ----------
    bytes : int
        Everything fed.
    frames : int
        Sound frames, those of unknown kinds and duplicates included.
    events : int
        Events in the frames that were returned.
    bad_frames : int
        Pieces between delimiters that are no frame: damaged (COBS, CRC), too short, too long, or
        in contradiction with themselves.
    resync_bytes : int
        Bytes of bad frames, and those before the first delimiter where the parser joined within
        a frame. ``bytes`` is these, the sound frames, `pending_bytes` and lone zeros.
    pending_bytes : int
        Bytes that wait for the end of their frame: at the end of a recording, a frame cut off.
    frames_missed : int
        Frames that the board numbered and that did not arrive.
    events_missed : int
        Events in them, from the tally. What the last frames of a run held is unknown if the next
        run begins before any frame states the final tally.
    events_before : int
        Events of its run that were sent before the first frame that was seen.
    duplicate_frames : int
        Frames with the same header as the one before: not returned.
    unknown_frames : int
        Sound frames of a kind that this version does not know: not returned.
    restarts : int
        Times that the numbers jumped back: a board that was reset, or recordings put together.
    """

    bytes: int
    frames: int
    events: int
    bad_frames: int
    resync_bytes: int
    pending_bytes: int
    frames_missed: int
    events_missed: int
    events_before: int
    duplicate_frames: int
    unknown_frames: int
    restarts: int


class StreamParser:
    """Incremental parser of a stream of frames. Its memory is bounded, but for untaken gaps.

    Frames with impossible event records are bad frames, so that `unpack_events` does not refuse
    the body of a frame that the parser returned.
    """

    def __init__(self) -> None:
        self._numbering = Numbering()
        self._pending = b""
        self._joined = False  # a delimiter or a sound frame was seen
        self._skipping = False  # within a piece that is too long to be a frame
        self._bytes = 0
        self._frames = 0
        self._events = 0
        self._bad_frames = 0
        self._resync_bytes = 0
        self._unknown_frames = 0
        self._pieces = np.empty(_PIECES_AT_ONCE, _PIECE)
        self._out = bytearray(_OUT_BYTES)
        # The buffers stay: their C views need to be made only once.
        self._out_view = memoryview(self._out)
        self._c_out = ffi.from_buffer(self._out)
        self._c_pieces = ffi.from_buffer("hexkey_wire_piece[]", self._pieces)
        self._c_consumed = ffi.new("size_t *")
        self._c_expected = ffi.new("hexkey_wire_expected *")
        self._c_events = ffi.new("size_t *")

    def feed(self, data: bytes) -> list[Frame]:
        """Return the frames that end in `data`.

        Raises
        ------
        InputError
            A sound frame of another version of the format. The parser is of no use afterwards.
        """
        frames: list[Frame] = []
        for count in self._scans(data):
            for row in self._pieces[:count].tolist():
                frame = self._take(row)
                if frame is not None:
                    frames.append(frame)
        return frames

    def feed_decoded(self, data: bytes) -> list[Frame | Burst]:
        """Do as `feed`, with the events decoded: many frames of them are one `Burst`.

        Several times as fast as `feed` and `unpack_events` where frames are full. A burst has 64
        frames at most.

        Raises
        ------
        InputError
            As `feed`.
        """
        found: list[Frame | Burst] = []
        for count in self._scans(data):
            at = 0
            while at < count:
                burst = self._burst(at, count - at)
                if burst is not None:
                    found.append(burst)
                    at += burst.frames
                    continue
                frame = self._take(self._pieces[at].item())
                at += 1
                if frame is not None and frame.header.kind is Kind.EVENTS:
                    header = frame.header
                    events = unpack_events(frame.body, header.pulse, header.record_bytes)
                    found.append(Burst(header, 1, events))
                elif frame is not None:
                    found.append(frame)
        return found

    def _scans(self, data: bytes) -> Iterator[int]:
        """Take in `data`; yield numbers of pieces, to be used before the next is asked for."""
        self._bytes += len(data)
        if self._skipping:
            data = self._skip(data)
        buffer = self._pending + data if self._pending else bytes(data)
        if buffer[:1] == b"\0":
            self._joined = True
        view = ffi.from_buffer("uint8_t[]", buffer)
        at = 0
        while count := self._scan(view + at, len(buffer) - at):
            at += self._c_consumed[0]
            yield count
        self._keep(buffer[at + self._c_consumed[0] :])

    def _burst(self, at: int, count: int) -> Burst | None:
        """Decode the pieces from `at` on that are as expected, if there are any."""
        expected, first = self._c_expected, self._c_pieces + at
        if not self._numbering.expect(expected):
            return None
        expected.settings, expected.record_bytes = first.settings, first.record_bytes
        frames = lib.hexkey_wire_follow(first, count, expected, self._c_events)
        if not frames:
            return None
        *_, kind, width, settings, run, epoch, sequence, pulse, tally = self._pieces[
            at + frames - 1
        ].item()
        header = Header(_KINDS[kind], width, settings, run, epoch, sequence, pulse, tally)
        self._numbering.follow(header, expected)
        self._joined = True
        self._frames += frames
        self._events += self._c_events[0]
        events = self._decode(first, frames, self._c_events[0])
        return Burst(header, frames, events)

    def _decode(self, first: Any, frames: int, count: int) -> Events:
        columns = (
            np.empty(count, np.uint64),
            np.empty(count, np.uint32),
            np.empty(count, np.uint8),
            np.empty(count, np.uint8),
        )
        kinds = ("uint64_t[]", "uint32_t[]", "uint8_t[]", "uint8_t[]")
        pointers = [ffi.from_buffer(*pair) for pair in zip(kinds, columns, strict=True)]
        lib.hexkey_wire_decode(self._c_out, first, frames, *pointers)
        return Events(*columns)

    def _scan(self, data: Any, data_bytes: int) -> int:
        return lib.hexkey_wire_scan(
            _CRC_TABLES,
            data,
            data_bytes,
            self._c_out,
            _OUT_BYTES,
            self._c_pieces,
            _PIECES_AT_ONCE,
            self._c_consumed,
        )

    def _take(self, row: tuple[int, ...]) -> Frame | None:
        """Turn one described piece into a frame, or count why not."""
        status, version, stuffed_bytes, at, size, events, last_pulse, kind, *rest = row
        if status != lib.HEXKEY_PIECE_GOOD:
            if status == lib.HEXKEY_PIECE_VERSION:
                raise unknown_version(version)
            self._bad_frames += self._joined
            self._resync_bytes += stuffed_bytes + 1
            self._joined = True
            return None
        self._joined = True
        self._frames += 1
        known = _KINDS.get(kind)
        header = Header(known or kind, *rest)  # type: ignore[arg-type]
        if known is not Kind.REGISTER_REQUEST:  # the host's frames are not numbered by the board
            if not self._numbering.accept(header, events, last_pulse):
                return None
        if known is None:
            self._unknown_frames += 1
            return None
        self._events += events
        return Frame(header, bytes(self._out_view[at : at + size]))

    def _skip(self, data: bytes) -> bytes:
        """Drop what belongs to a piece that was too long; return what follows it."""
        end = data.find(b"\0") + 1
        self._resync_bytes += end or len(data)
        if not end:
            return b""
        self._skipping = False
        self._bad_frames += self._joined
        self._joined = True
        return data[end:]

    def _keep(self, rest: bytes) -> None:
        if len(rest) > MAX_STUFFED_BYTES:
            self._skipping = True
            self._resync_bytes += len(rest)
            rest = b""
        self._pending = rest

    @property
    def gaps(self) -> tuple[Gap, ...]:
        """The gaps found and not yet taken, in the order of the stream."""
        return tuple(self._numbering.gaps)

    def take_gaps(self) -> list[Gap]:
        """Return the gaps found since the last call and forget them."""
        taken, self._numbering.gaps = self._numbering.gaps, []
        return taken

    @property
    def statistics(self) -> StreamStatistics:
        """A snapshot of the counts."""
        numbering = self._numbering
        return StreamStatistics(
            bytes=self._bytes,
            frames=self._frames,
            events=self._events,
            bad_frames=self._bad_frames,
            resync_bytes=self._resync_bytes,
            pending_bytes=len(self._pending),
            frames_missed=numbering.frames_missed,
            events_missed=numbering.events_missed,
            events_before=numbering.events_before,
            duplicate_frames=numbering.duplicates,
            unknown_frames=self._unknown_frames,
            restarts=numbering.restarts,
        )
