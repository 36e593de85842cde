"""Recordings: what came off the wire and what was said on the channel, in one file.

docs/recording.md describes the format. A recording holds every detection in the clear: it is secret
material and is written with mode 0600. Each chunk begins with a marker, so that a reader finds its
way back after damage.
"""

import json
import os
import struct
import threading
import time
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from enum import IntEnum
from mmap import mmap
from pathlib import Path
from typing import Any

from hexkey.conditions import SIMULATED
from hexkey.errors import InputError, StoreError
from hexkey.gate import Gate
from hexkey.session.bb84 import Bb84Terms
from hexkey.session.block import Session
from hexkey.session.messages import Type
from hexkey.session.parameters import SessionParameters
from hexkey.window import Window

MAGIC = b"HEXKEYRC"
VERSION = 1
MARKER = b"hxC\xa5"
_PREFIX = struct.Struct("<8sH")
_HEAD = struct.Struct("<4sBIQ")
_CRC = struct.Struct("<I")
MAX_CHUNK = 64 << 20
FIRST_CHUNK = _PREFIX.size  # where it begins

SIMULATED_BOARD = SIMULATED  # a reason for a demonstration


def describe_run(run: int, window: Window, bit_of_detector: Sequence[int]) -> dict[str, Any]:
    """Return what a recording must say about its run to be distilled again."""
    return {
        "run": run,
        "tick_ps": str(window.tick_ps),
        "period_ticks": window.period_ticks,
        "gate": asdict(window.gate),
        "bit_of_detector": list(bit_of_detector),
    }


def describe_session(session: Session, double_clicks: str) -> dict[str, Any]:
    """Return what it must say of its session, for the same."""
    return {
        "session_id": session.session_id,
        "reasons": list(session.reasons),
        "secret": session.secret,
        **describe_protocol(session.parameters, session.bb84, double_clicks),
    }


def has_maps(meta: dict[str, Any]) -> bool:
    """Tell of a description whether its session had maps."""
    return bool(meta.get("parameters", {}).get("maps"))


def board_gate(meta: dict[str, Any]) -> Gate:
    """Return the gate that recorded clicks came through; with maps ``gate`` is the host's alone."""
    return Gate(0, int(meta["period_ticks"])) if has_maps(meta) else Gate(**meta["gate"])


def describe_protocol(
    parameters: SessionParameters, bb84: Bb84Terms | None, double_clicks: str = "random"
) -> dict[str, Any]:
    """Return what it must say for a session that is still to be held with it."""
    described: dict[str, Any] = {"parameters": parameters.to_json()}
    if bb84 is not None:
        described["bb84"] = {"terms": bb84.to_json(), "double_clicks": double_clicks}
    return described


class ChunkType(IntEnum):
    META = 1  # JSON: run, gate, parameters, statements
    WIRE = 2  # bytes as they came from the board
    MESSAGE = 3  # direction u8, type u8, body: one message of the session
    END = 4  # JSON: the report; its absence means that the recording was cut
    DRAWN = 5  # random bytes that Bob drew for double clicks of BB84, or for samples of maps


class RecordingWriter:
    """Writes a recording, from more than one thread if need be.

    Raises
    ------
    StoreError
        The file exists already, or the disk is full.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._described = False
        self._start = time.monotonic_ns()
        try:
            number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            raise StoreError(f"recording {path} exists already; choose another name") from None
        except OSError as error:
            raise StoreError(f"recording {path} cannot be created: {error.strerror}") from None
        self._file = os.fdopen(number, "wb", buffering=0)
        self._put(_PREFIX.pack(MAGIC, VERSION))

    def meta(self, facts: dict[str, Any]) -> None:
        self._described = True
        self._chunk(ChunkType.META, json.dumps(facts).encode())

    def wire(self, data: bytes) -> None:
        self._chunk(ChunkType.WIRE, data)

    def message(self, direction: int, kind: Type, body: bytes) -> None:
        self._chunk(ChunkType.MESSAGE, bytes((direction, kind)) + body)

    def drawn(self, data: bytes) -> None:
        self._chunk(ChunkType.DRAWN, data)

    def close(self, report: dict[str, Any] | None = None) -> None:
        """Close the file; with a report it is complete, without one it counts as cut.

        A recording that was never described holds no run: its file is removed.
        """
        if report is not None:
            self._chunk(ChunkType.END, json.dumps(report).encode())
        self._file.close()
        if not self._described:
            self.path.unlink(missing_ok=True)

    def _chunk(self, kind: ChunkType, payload: bytes) -> None:
        with self._lock:
            head = _HEAD.pack(MARKER, kind, len(payload), time.monotonic_ns() - self._start)
            crc = zlib.crc32(payload, zlib.crc32(head))
            self._put(head + payload + _CRC.pack(crc))

    def _put(self, data: bytes) -> None:
        try:
            view = memoryview(data)
            while view:
                view = view[self._file.write(view) :]
        except OSError as error:
            raise StoreError(
                f"recording {self.path} cannot be written: {error.strerror}; "
                "free some space and record again"
            ) from None


@dataclass(frozen=True, slots=True)
class Chunk:
    kind: ChunkType
    time_ns: int
    payload: bytes = field(repr=False)


@dataclass(slots=True)
class Recording:
    """A recording as read: what is sound in it, and what was not."""

    path: Path
    meta: dict[str, Any] = field(default_factory=dict)
    wire: list[bytes] = field(default_factory=list, repr=False)
    transcript: list[tuple[int, Type, bytes]] = field(default_factory=list)
    drawn: bytes = field(default=b"", repr=False)
    report: dict[str, Any] | None = None
    damage: list[str] = field(default_factory=list)


def is_recording(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(MAGIC)) == MAGIC


def read_recording(path: Path) -> Recording:
    """Read all that is sound.

    Raises
    ------
    InputError
        The file is no recording, or of a version that this hexkey does not know.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"recording {path} cannot be read: {error.strerror}") from None
    check_prefix(path, data)
    recording = Recording(path)
    for chunk in _chunks(data, recording):
        try:
            _sort_in(chunk, recording)
        except (IndexError, ValueError):  # sound, so not damage: another program's idea of it
            recording.damage.append(
                f"a {chunk.kind.name} chunk makes no sense to this version and was left out"
            )
    if recording.report is None:
        recording.damage.append("the end is missing: the recording was cut")
    if not recording.meta:
        raise InputError(
            f"recording {path} holds no description of its run; make another with `hexkey capture`"
        )
    return recording


def check_prefix(path: Path, data: bytes | mmap) -> None:
    """Raise InputError unless the data begin as a recording of a version that is known."""
    if len(data) < _PREFIX.size or data[: len(MAGIC)] != MAGIC:
        raise InputError(f"{path} is not a hexkey recording; make one with `hexkey capture`")
    _, version = _PREFIX.unpack_from(data)
    if version != VERSION:
        raise InputError(
            f"recording {path} has format version {version}; this hexkey knows {VERSION} only"
        )


def _chunks(data: bytes, recording: Recording) -> Iterator[Chunk]:
    for chunk, position, end in chunks_from(data, FIRST_CHUNK):
        if chunk is None:
            recording.damage.append(f"bytes {position} to {end - 1} are damaged and were left out")
        else:
            yield chunk


def chunks_from(data: bytes | mmap, position: int) -> Iterator[tuple[Chunk | None, int, int]]:
    """Yield each chunk from a position on, or None for damage, with where it begins and ends."""
    while position < len(data):
        chunk, end = _chunk_at(data, position)
        if chunk is None:
            # Only a marker with a sound chunk behind it ends the damage.
            end = _next_sound(data, position + 1)
        yield chunk, position, end
        position = end


def _chunk_at(data: bytes | mmap, position: int) -> tuple[Chunk | None, int]:
    """Return the chunk at a position and where it ends; None if it is damaged."""
    body = position + _HEAD.size
    if body > len(data):
        return None, len(data)
    marker, kind, length, time_ns = _HEAD.unpack_from(data, position)
    end = body + length + _CRC.size
    if marker != MARKER or length > MAX_CHUNK or end > len(data):
        return None, position
    payload = data[body : body + length]
    (crc,) = _CRC.unpack_from(data, body + length)
    if crc != zlib.crc32(payload, zlib.crc32(data[position:body])):
        return None, position
    try:
        return Chunk(ChunkType(kind), time_ns, payload), end
    except ValueError:
        return None, position


def _next_sound(data: bytes | mmap, position: int) -> int:
    while (position := data.find(MARKER, position)) >= 0:
        if _chunk_at(data, position)[0] is not None:
            return position
        position += 1
    return len(data)


def _sort_in(chunk: Chunk, recording: Recording) -> None:
    if chunk.kind is ChunkType.META:
        recording.meta.update(_object(chunk.payload))
    elif chunk.kind is ChunkType.WIRE:
        recording.wire.append(chunk.payload)
    elif chunk.kind is ChunkType.MESSAGE:
        recording.transcript.append((chunk.payload[0], Type(chunk.payload[1]), chunk.payload[2:]))
    elif chunk.kind is ChunkType.DRAWN:
        recording.drawn += chunk.payload
    else:
        recording.report = _object(chunk.payload)


def _object(payload: bytes) -> dict[str, Any]:
    found = json.loads(payload)
    if not isinstance(found, dict):
        raise ValueError("no JSON object")
    return found
