"""Alice's record: what is written is read, also while it grows, and damage is described."""

import json
import resource
import struct
import threading
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hexkey.errors import ConfigurationError, InputError
from hexkey.record import ENDLESS, RecordReader, RecordWriter, Statement

RANDOM = Statement(40_000_000, "random", "operating system", simulated=False)
BB84 = Statement(
    40_000_000,
    "random",
    "operating system",
    simulated=False,
    protocol="bb84",
    key_basis_probability=0.9,
)


def some_bits(count: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 2, count, dtype=np.uint8)


def write(path: Path, pieces: list[np.ndarray], statement: Statement = RANDOM) -> None:
    with RecordWriter(path, statement) as writer:
        for piece in pieces:
            writer.append_bits(piece)


@given(sizes=st.lists(st.integers(1, 100), min_size=1, max_size=6), data=st.data())
def test_any_division_into_chunks_reads_back(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int], data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("record") / "alice.rec"
    bits = some_bits(sum(sizes))
    start = 1_000_000_007
    statement = Statement(40_000_000, "random", "x", simulated=True, first_pulse=start)
    write(path, np.split(bits, np.cumsum(sizes)[:-1]), statement)
    first = data.draw(st.integers(0, len(bits)))
    count = data.draw(st.integers(0, len(bits) - first))
    where = np.array(data.draw(st.lists(st.integers(0, len(bits) - 1), max_size=9)), np.uint64)
    with RecordReader(path, growing=False) as reader:
        assert (reader.statement, reader.closed, reader.damage) == (statement, True, None)
        assert reader.pulses == len(bits)
        packed = np.packbits(bits[first : first + count], bitorder="little")
        assert reader.packed(start + first, count) == packed.tobytes()
        view = np.unpackbits(reader.packed_view(), count=len(bits), bitorder="little")
        assert np.array_equal(view, bits)
        looked_up = reader.bits_at(where + np.uint64(start))
        assert looked_up.tolist() == bits[where.astype(int)].tolist()


def test_layout_is_as_documented(tmp_path: Path) -> None:
    path = tmp_path / "alice.rec"
    write(path, [np.array([1, 0, 0, 0, 0, 0, 0, 0, 1], np.uint8)])
    data = path.read_bytes()
    length = int.from_bytes(data[10:14], "little")
    assert data[:10] == b"HEXALICE\x01\x00"
    assert json.loads(data[14 : 14 + length])["randomness"] == "random"
    body = struct.pack("<QI", 0, 9) + b"\x01\x01"
    marker = struct.pack("<QI", 9, 0)
    expected = b"".join(
        part + struct.pack("<I", zlib.crc32(part))
        for part in (data[14 : 14 + length], body, marker)
    )
    assert data[14:] == expected
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_reader_follows_a_growing_record(tmp_path: Path) -> None:
    path = tmp_path / "alice.rec"
    writer = RecordWriter(path, RANDOM)
    with RecordReader(path) as reader:
        assert reader.wait_for(0, timeout_s=0.02) is False
        thread = threading.Timer(0.05, lambda: writer.append_bits(some_bits(16)))
        thread.start()
        assert reader.wait_for(15, timeout_s=10) is True
        thread.join()
        assert not reader.closed
        writer.close()
        with pytest.raises(InputError, match=r"pulses 0 to 15, not 16 to 16 \(it is closed\)"):
            reader.wait_for(16, timeout_s=10)


def test_an_unfinished_chunk_is_waited_for_or_damage(tmp_path: Path) -> None:
    path = tmp_path / "alice.rec"
    write(path, [some_bits(800), some_bits(800)])
    data = path.read_bytes()
    marker_and_a_bit = 16 + 30
    path.write_bytes(data[:-marker_and_a_bit])
    with RecordReader(path, growing=False) as final:
        assert final.pulses == 800
        assert "the last chunk is cut short" in str(final.damage)
        assert "before pulse 800; 86 bytes" in str(final.damage)
    with RecordReader(path) as growing:
        assert (growing.pulses, growing.damage) == (800, None)
        path.write_bytes(data)
        assert (growing.refresh(), growing.closed) == (1600, True)


def test_a_missing_closing_marker_is_damage_once_nobody_writes(tmp_path: Path) -> None:
    path = tmp_path / "alice.rec"
    RecordWriter(path, RANDOM).append_bits(some_bits(8))
    with RecordReader(path, growing=False) as reader:
        assert reader.pulses == 8
        assert "the closing marker is missing" in str(reader.damage)


@pytest.mark.parametrize(
    ("place", "what"),
    [
        (12 + 50, "the checksum of a chunk of 800 pulses is wrong"),
        (3, "no chunk of the next pulses begins there"),
        (11, "no chunk of the next pulses begins there"),
    ],
)
def test_damage_in_the_middle_keeps_what_is_before_it(
    tmp_path: Path, place: int, what: str
) -> None:
    path = tmp_path / "alice.rec"
    first = some_bits(800)
    write(path, [first, some_bits(800), some_bits(800)])
    data = bytearray(path.read_bytes())
    second = len(data) - 16 - 2 * 116
    data[second + place] ^= 0x40
    path.write_bytes(data)
    with RecordReader(path) as reader:
        assert reader.damage == (
            f"{what}: at byte {second}, before pulse 800; {16 + 232} bytes from there on are not "
            "used"
        )
        assert np.array_equal(reader.bits_at(np.arange(800, dtype=np.uint64)), first)
        with pytest.raises(InputError, match=r"checksum|no chunk"):
            reader.bits_at(np.array([800], np.uint64))
        with pytest.raises(InputError, match=r"checksum|no chunk"):
            reader.wait_for(800, timeout_s=10)


def test_bytes_behind_the_closing_marker_are_damage(tmp_path: Path) -> None:
    path = tmp_path / "alice.rec"
    write(path, [some_bits(8)])
    with path.open("ab") as file:
        file.write(b"more")
    with RecordReader(path) as reader:
        assert "bytes follow the closing marker" in str(reader.damage)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: b"HEXBOBBY" + d[8:], "is not a record of Alice's"),
        (lambda d: d[:8] + b"\x02\x00" + d[10:], "has version 2; this hexkey reads version 1"),
        (lambda d: d[:20] + b"\x00" + d[21:], "its checksum is wrong"),
        (lambda d: d[:13] + b"\xff" + d[14:], "impossible length"),
        (lambda d: d[:40], "cut short within its header"),
        (lambda d: b"", "cut short within its header"),
    ],
)
def test_what_is_no_record_is_refused_by_name(tmp_path: Path, change, message: str) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "alice.rec"
    write(path, [some_bits(8)])
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(InputError, match=message) as error:
        RecordReader(path, growing=False)
    assert str(path) in str(error.value)


@pytest.mark.parametrize(
    "statement",
    [{}, [], {"randomness": "random"}, {"unknown": 1}, {**json.loads("{}"), "pattern": 3}],
)
def test_an_impossible_statement_is_refused(tmp_path: Path, statement: object) -> None:
    path = tmp_path / "alice.rec"
    body = json.dumps(statement).encode()
    path.write_bytes(
        b"HEXALICE" + struct.pack("<HI", 1, len(body)) + body + struct.pack("<I", zlib.crc32(body))
    )
    with pytest.raises(InputError, match="statement that cannot be used"):
        RecordReader(path, growing=False)


def test_a_record_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "alice.rec"
    write(path, [some_bits(8)])
    before = path.read_bytes()
    with pytest.raises(InputError, match="exists already"):
        RecordWriter(path, RANDOM)
    assert path.read_bytes() == before


def test_missing_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.rec cannot be read: No such file"):
        RecordReader(tmp_path / "none.rec")
    with pytest.raises(InputError, match="cannot be written: No such file"):
        RecordWriter(tmp_path / "no" / "folder.rec", RANDOM)


def test_a_full_disk_leaves_whole_chunks(tmp_path: Path) -> None:
    path = tmp_path / "alice.rec"
    writer = RecordWriter(path, RANDOM)
    writer.append_bits(some_bits(8000))
    # The kernel refuses to let a file grow beyond this limit: a short write, then an error.
    # (Python ignores the signal that would come with it.)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 500, before[1]))
    try:
        with pytest.raises(InputError, match=r"alice\.rec cannot be written: File too large"):
            writer.append_bits(some_bits(8000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    writer.append_bits(some_bits(80))
    writer.close()
    with RecordReader(path, growing=False) as reader:
        assert (reader.pulses, reader.damage) == (8080, None)


def test_long_chunks_are_split(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hexkey.record.CHUNK_PULSES", 64)
    path = tmp_path / "alice.rec"
    bits = some_bits(200)
    write(path, [bits])
    with RecordReader(path, growing=False) as reader:
        assert np.array_equal(reader.bits_at(np.arange(200, dtype=np.uint64)), bits)


def test_a_pattern_answers_for_every_pulse(tmp_path: Path) -> None:
    path = tmp_path / "alice.rec"
    write(path, [], Statement(40_000_000, "public", "pattern", True, "100", first_pulse=5))
    with RecordReader(path, growing=False) as reader:
        assert (reader.pulses, reader.closed, reader.damage) == (ENDLESS, True, None)
        pulses = np.array([5, 6, 7, 8, 5 + 3 * 10**17], np.uint64)
        assert reader.bits_at(pulses).tolist() == [1, 0, 0, 1, 1]
        assert reader.packed(5 + 3 * 10**17, 6) == bytes([0b001001])
        assert reader.wait_for(10**18, timeout_s=0)
        with pytest.raises(InputError, match="not 4 to 4"):
            reader.bits_at(np.array([4], np.uint64))


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        (RANDOM, None),
        (Statement(1, "random", "hardware: a maker's model", False), None),
        (Statement(1, "random", "seeded simulation", False), "came from: seeded simulation"),
        (Statement(1, "random", "operating system", True), "photons were simulated"),
        (Statement(1, "public", "operating system", False, "10"), "are public, not random"),
        (Statement(1, "repeated", "operating system", False), "are repeated, not random"),
    ],
)
def test_only_random_bits_of_a_real_link_may_make_secrets(
    statement: Statement, reason: str | None
) -> None:
    found = statement.reason_for_demonstration
    assert found is None if reason is None else reason in str(found)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"randomness": "maybe"}, "randomness must be one of random, repeated, public"),
        ({"randomness": "public"}, "a public pattern must be given"),
        ({"pattern": "10"}, "random bits have no pattern"),
        ({"randomness": "public", "pattern": "12"}, "zeros and ones"),
        ({"pulse_rate_hz": 0}, "pulse_rate_hz"),
        ({"first_pulse": -1}, "first_pulse"),
        ({"record_id": "me"}, "UUID"),
        ({"simulated": "no"}, "simulated"),
    ],
)
def test_statements_are_checked(fields: dict[str, object], message: str) -> None:
    usual: dict[str, object] = {
        "pulse_rate_hz": 40_000_000,
        "randomness": "random",
        "source": "operating system",
        "simulated": False,
    }
    with pytest.raises(ConfigurationError, match=message):
        Statement(**{**usual, **fields})  # type: ignore[arg-type]


def test_no_message_shows_bits(tmp_path: Path) -> None:
    path = tmp_path / "alice.rec"
    write(path, [np.ones(64, np.uint8)])
    with RecordReader(path) as reader, pytest.raises(InputError) as error:
        reader.bits_at(np.array([64], np.uint64))
    assert "\\xff" not in str(error.value)
    assert "1111" not in str(error.value)


@given(sizes=st.lists(st.integers(1, 100), min_size=1, max_size=6), data=st.data())
def test_bases_read_back_beside_the_bits(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int], data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("record") / "alice.rec"
    total, start = sum(sizes), 1_000_003
    bits, bases = some_bits(total, 1), some_bits(total, 2)
    statement = replace(BB84, first_pulse=start)
    with RecordWriter(path, statement) as writer:
        for piece in np.split(np.arange(total), np.cumsum(sizes)[:-1]):
            writer.append_bits(bits[piece], bases[piece])
    first = data.draw(st.integers(0, total))
    stop = data.draw(st.integers(first, total))
    where = np.array(data.draw(st.lists(st.integers(0, total - 1), max_size=9)), np.uint64)
    with RecordReader(path, growing=False) as reader:
        assert (reader.statement, reader.damage, reader.pulses) == (statement, None, total)
        at = where + np.uint64(start)
        assert reader.bits_at(at).tolist() == bits[where.astype(int)].tolist()
        assert reader.bases_at(at).tolist() == bases[where.astype(int)].tolist()
        counted = reader.key_basis_pulses(start + first, start + stop)
        assert counted == int(bases[first:stop].sum())
        for view, plane in ((reader.packed_view(), bits), (reader.packed_bases_view(), bases)):
            assert np.array_equal(np.unpackbits(view, count=total, bitorder="little"), plane)


def test_layout_of_bb84_is_as_documented(tmp_path: Path) -> None:
    path = tmp_path / "alice.rec"
    with RecordWriter(path, BB84) as writer:
        writer.append(b"\x01\x01", 9, b"\x80\x00")
    data = path.read_bytes()
    length = int.from_bytes(data[10:14], "little")
    assert json.loads(data[14 : 14 + length])["key_basis_probability"] == 0.9
    body = struct.pack("<QI", 0, 9) + b"\x01\x01" + b"\x80\x00"
    assert data[14 + length + 4 :].startswith(body + struct.pack("<I", zlib.crc32(body)))


def test_bases_belong_to_bb84_and_to_nothing_else(tmp_path: Path) -> None:
    one = np.ones(8, np.uint8)
    with RecordWriter(tmp_path / "b92.rec", RANDOM) as writer:
        with pytest.raises(ValueError, match="bases"):
            writer.append_bits(one, one)
        writer.append_bits(one)
    with RecordWriter(tmp_path / "bb84.rec", BB84) as writer:
        with pytest.raises(ValueError, match="bases"):
            writer.append_bits(one)
        with pytest.raises(ValueError, match="7 bases"):
            writer.append_bits(one, one[1:])
    with (
        RecordReader(tmp_path / "b92.rec") as reader,
        pytest.raises(InputError, match="holds no bases"),
    ):
        reader.bases_at(np.zeros(1, np.uint64))


@pytest.mark.parametrize(
    "change",
    [
        {"key_basis_probability": None},
        {"key_basis_probability": 1.0},
        {"key_basis_probability": 0.0},
        {"key_basis_probability": 1},
        {"key_basis_probability": float("nan")},
        {"randomness": "public"},
        {"randomness": "repeated", "pattern": "10"},
        {"protocol": "b92"},
        {"protocol": "e91"},
    ],
)
def test_unusable_statements_of_bb84_are_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match="unusable"):
        replace(BB84, **change)


def test_a_statement_without_the_field_of_bb84_is_one_of_b92(tmp_path: Path) -> None:
    body = json.dumps(
        {
            "pulse_rate_hz": 40_000_000,
            "randomness": "random",
            "source": "operating system",
            "simulated": False,
            "record_id": "0" * 32,
        }
    ).encode()
    header = struct.pack("<8sHI", b"HEXALICE", 1, len(body)) + body
    path = tmp_path / "alice.rec"
    path.write_bytes(header + struct.pack("<I", zlib.crc32(body)))
    with RecordReader(path) as reader:
        assert (reader.statement.protocol, reader.statement.planes) == ("b92", 1)
