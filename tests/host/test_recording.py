"""Recordings: what was written comes back; what is damaged is named, and nothing else is lost."""

import json
import struct
import threading
import zlib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hexkey.errors import InputError, StoreError
from hexkey.recording import (
    MAGIC,
    MARKER,
    ChunkType,
    RecordingWriter,
    is_recording,
    read_recording,
)
from hexkey.session.messages import Type

CHUNK_OVERHEAD = 21  # marker 4, type 1, length 4, time 8, checksum 4


def write(path: Path, wire: list[bytes], report: dict[str, object] | None = None) -> bytes:
    writer = RecordingWriter(path)
    writer.meta({"run": 7})
    for data in wire:
        writer.wire(data)
    writer.close(report)
    return path.read_bytes()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "run.recording"


def test_everything_written_comes_back_in_order(file: Path) -> None:
    writer = RecordingWriter(file)
    writer.wire(b"before the session")
    writer.meta({"run": 7, "gate": {"start_ticks": 50}})
    writer.message(0, Type.ALIGN, b"sample")
    writer.wire(MARKER * 3)
    writer.message(1, Type.OFFSET, b"")
    writer.meta({"session_id": "ab"})
    writer.close({"sifted_bits": 5})
    found = read_recording(file)
    assert found.meta == {"run": 7, "gate": {"start_ticks": 50}, "session_id": "ab"}
    assert found.wire == [b"before the session", MARKER * 3]
    assert found.transcript == [(0, Type.ALIGN, b"sample"), (1, Type.OFFSET, b"")]
    assert found.report == {"sifted_bits": 5}
    assert found.damage == []


def test_bytes_are_as_documented(file: Path) -> None:
    """Against docs/recording.md, by hand."""
    data = write(file, [b"abc"])
    assert data[:10] == b"HEXKEYRC\x01\x00"
    meta = json.dumps({"run": 7}).encode()
    at = 10 + CHUNK_OVERHEAD + len(meta)
    marker, kind, length, _ = struct.unpack_from("<4sBIQ", data, at)
    assert (marker, kind, length) == (bytes.fromhex("687843a5"), 2, 3)
    assert data[at + 17 : at + 20] == b"abc"
    assert struct.unpack_from("<I", data, at + 20)[0] == zlib.crc32(data[at : at + 20])
    assert len(data) == at + 24


def test_file_is_its_owners_alone_and_never_overwritten(file: Path) -> None:
    write(file, [b"abc"], {})
    assert file.stat().st_mode & 0o777 == 0o600
    with pytest.raises(StoreError, match=r"run\.recording exists already"):
        RecordingWriter(file)
    assert read_recording(file).wire == [b"abc"]


def test_file_that_cannot_be_created_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"nowhere/run\.recording cannot be created"):
        RecordingWriter(tmp_path / "nowhere" / "run.recording")


@pytest.mark.parametrize("cut", range(1, CHUNK_OVERHEAD + 6))
def test_cut_anywhere_in_the_last_chunk_leaves_the_others(cut: int, file: Path) -> None:
    data = write(file, [b"first", b"last!"])
    file.write_bytes(data[:-cut])
    found = read_recording(file)
    assert found.wire == [b"first"]
    assert found.report is None
    *bytes_lost, end = found.damage
    assert end == "the end is missing: the recording was cut"
    start = len(data) - CHUNK_OVERHEAD - 5
    last = len(data) - cut - 1
    whole = cut == CHUNK_OVERHEAD + 5
    assert bytes_lost == (
        [] if whole else [f"bytes {start} to {last} are damaged and were left out"]
    )


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    wire=st.lists(st.binary(max_size=60) | st.just(MARKER), min_size=1, max_size=6),
    where=st.floats(0, 1, exclude_max=True),
    bit=st.integers(0, 7),
)
def test_one_flipped_bit_costs_one_chunk(
    wire: list[bytes], where: float, bit: int, tmp_path: Path
) -> None:
    file = tmp_path / "flipped.recording"
    file.unlink(missing_ok=True)
    data = write(file, wire, {})
    first = 10 + CHUNK_OVERHEAD + len(json.dumps({"run": 7}))
    at = first + int(where * (len(data) - first))
    flipped = bytearray(data)
    flipped[at] ^= 1 << bit
    file.write_bytes(flipped)
    found = read_recording(file)
    ends, end = [], first
    for part in wire:
        end += CHUNK_OVERHEAD + len(part)
        ends.append(end)
    hit = sum(at >= each for each in ends)
    assert found.wire == wire[:hit] + wire[hit + 1 :]
    assert found.damage[0].startswith(f"bytes {([first, *ends])[hit]} to ")
    assert (found.report is None) == (hit == len(wire))


def test_inserted_bytes_are_stepped_over(file: Path) -> None:
    data = write(file, [b"first", b"second"], {})
    at = data.index(MARKER + b"\x02", data.index(b"first"))
    file.write_bytes(data[:at] + MARKER + b"noise" + data[at:])
    found = read_recording(file)
    assert found.wire == [b"first", b"second"]
    assert found.damage == [f"bytes {at} to {at + 8} are damaged and were left out"]


def test_length_that_lies_takes_no_memory(file: Path) -> None:
    data = bytearray(write(file, [b"first"], {}))
    at = data.index(MARKER + b"\x02")
    data[at + 5 : at + 9] = b"\xff\xff\xff\xff"
    file.write_bytes(data)
    found = read_recording(file)
    assert found.wire == []
    assert found.report == {}


def chunk(kind: int, payload: bytes) -> bytes:
    head = struct.pack("<4sBIQ", MARKER, kind, len(payload), 0)
    return head + payload + struct.pack("<I", zlib.crc32(head + payload))


@pytest.mark.parametrize(
    ("kind", "payload"),
    [
        (ChunkType.MESSAGE, b""),
        (ChunkType.MESSAGE, b"\x00\xfe"),
        (ChunkType.META, b"no json"),
        (ChunkType.META, b"[1]"),
        (ChunkType.END, b"\xff"),
    ],
)
def test_sound_chunks_that_make_no_sense_are_named(
    kind: ChunkType, payload: bytes, file: Path
) -> None:
    data = write(file, [b"first"])
    file.write_bytes(data + chunk(kind, payload) + chunk(ChunkType.WIRE, b"second"))
    found = read_recording(file)
    assert found.wire == [b"first", b"second"]
    assert found.damage[0].startswith(f"a {kind.name} chunk makes no sense")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is not a hexkey recording"),
        (MAGIC, "is not a hexkey recording"),
        (b"HEXKEYRX\x01\x00", "is not a hexkey recording"),
        (MAGIC + b"\x02\x00", "has format version 2; this hexkey knows 1 only"),
        (MAGIC + b"\x01\x00", "holds no description"),
        (MAGIC + b"\x01\x00" + chunk(ChunkType.WIRE, b"x"), "holds no description"),
    ],
)
def test_files_that_are_no_recordings_are_refused(content: bytes, words: str, file: Path) -> None:
    file.write_bytes(content)
    with pytest.raises(InputError, match=words):
        read_recording(file)


def test_only_the_magic_makes_a_recording(file: Path) -> None:
    write(file, [])
    assert is_recording(file)
    file.write_bytes(b"tx_state,")
    assert not is_recording(file)
    with pytest.raises(InputError, match="cannot be read"):
        read_recording(file.parent / "nothing")


def test_two_threads_write_whole_chunks(file: Path) -> None:
    writer = RecordingWriter(file)
    writer.meta({"run": 7})

    def talk() -> None:
        for _ in range(300):
            writer.message(0, Type.QUERY, b"q" * 100)

    thread = threading.Thread(target=talk)
    thread.start()
    for _ in range(300):
        writer.wire(b"w" * 100)
    thread.join()
    writer.close({})
    found = read_recording(file)
    assert found.damage == []
    assert (len(found.wire), len(found.transcript)) == (300, 300)


def test_full_disk_is_named_and_what_was_written_stays(file: Path) -> None:
    """Every write goes to the medium at once: nothing waits in a buffer that could be lost."""
    writer = RecordingWriter(file)
    writer.meta({"run": 7})
    writer.wire(b"first")
    writer._file.close()
    writer._file = open("/dev/full", "wb", buffering=0)
    with pytest.raises(StoreError, match=r"run\.recording cannot be written: No space left"):
        writer.wire(b"second")
    writer.close()
    assert read_recording(file).wire == [b"first"]
