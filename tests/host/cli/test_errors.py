"""Bad input ends in one sentence and an exit code that tells scripts of which kind it was."""

import os
import sqlite3
import threading
import tty
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.host.cli.conftest import Run, Stores

from hexkey.recording import MAGIC


def bob(stores: Stores, port: object, *words: object) -> tuple[object, ...]:
    return ("bob", "--port", port, "--peer", "127.0.0.1:9", "--store", stores.bob, *words)


def test_missing_port(run: Run, stores: Stores, tmp_path: Path) -> None:
    done = run(*bob(stores, tmp_path / "ttyUSB9"))
    assert done.code == 4
    assert f"there is no port {tmp_path / 'ttyUSB9'}" in done.sentence


def test_port_that_is_no_serial_port(run: Run, stores: Stores) -> None:
    done = run(*bob(stores, "/dev/null"))
    assert done.code == 4
    assert "/dev/null is not a serial port" in done.sentence


def test_address_that_cannot_be_read(run: Run, stores: Stores) -> None:
    done = run(*bob(stores, "tcp://nowhere"))
    assert done.code == 2
    assert "'tcp://nowhere' cannot be read" in done.sentence


def test_board_that_nobody_runs(run: Run, stores: Stores) -> None:
    done = run(*bob(stores, "tcp://127.0.0.1:9"))
    assert done.code == 4
    assert "cannot connect to tcp://127.0.0.1:9" in done.sentence


@contextmanager
def noise() -> Iterator[str]:
    """A device of another kind on a terminal: it sends text for ever, and listens to nobody."""
    master, slave = os.openpty()
    tty.setraw(slave)
    os.set_blocking(master, False)
    stop = threading.Event()

    def send() -> None:
        while not stop.wait(0.01):
            try:
                os.write(master, b"$GPGGA,123519,4807.038,N,01131.000,E\r\n" * 4)
            except BlockingIOError:
                continue

    thread = threading.Thread(target=send)
    thread.start()
    try:
        yield os.ttyname(slave)
    finally:
        stop.set()
        thread.join()
        os.close(master)
        os.close(slave)


@pytest.mark.parametrize("command", ["bob", "capture"])
def test_device_that_sends_garbage(command: str, run: Run, stores: Stores, tmp_path: Path) -> None:
    with noise() as port:
        out = tmp_path / "out.recording"
        done = run(*bob(stores, port) if command == "bob" else ("capture", port, out))
    assert done.code == 4
    assert f"the device at {port} sends bytes but no hexkey frame" in done.sentence


def test_store_that_is_missing_foreign_newer_or_readable_by_others(
    run: Run, stores: Stores, tmp_path: Path
) -> None:
    foreign, newer = tmp_path / "foreign", tmp_path / "newer"
    foreign.write_bytes(os.urandom(5000))
    foreign.chmod(0o600)
    newer.write_bytes(stores.bob.read_bytes())
    newer.chmod(0o600)
    with sqlite3.connect(newer) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    stores.alice.chmod(0o644)
    for path, words in (
        (tmp_path / "nothing", "nothing"),
        (foreign, "not a hexkey key store"),
        (newer, "format 99"),
        (stores.alice, "alice.store"),
    ):
        for command in (("list", path), ("compare", stores.bob, path)):
            done = run("keys", *command)
            assert done.code == 7
            assert words in done.sentence
        done = run("bob", "--port", "/dev/null", "--peer", "127.0.0.1:9", "--store", path)
        assert done.code == 7
        assert words in done.sentence


def test_stores_are_never_overwritten(run: Run, stores: Stores, tmp_path: Path) -> None:
    before = stores.bob.read_bytes()
    done = run("keys", "create", tmp_path / "new.store", stores.bob)
    assert done.code == 7
    assert str(stores.bob) in done.sentence
    assert stores.bob.read_bytes() == before
    assert not (tmp_path / "new.store").exists()


def test_configuration_that_cannot_be_used(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "bob.toml"
    done = run("bob", "--config", file)
    assert (done.code, str(file) in done.sentence) == (2, True)
    for text, words in (
        ("port = ", "is not TOML"),
        ("prot = '/dev/ttyUSB0'", "unknown key 'prot'"),
        ("[session]\nblock_bit = 4000", "unknown key 'block_bit'"),
        ("seconds = 'long'", "'seconds'"),
        ("[session]\nblock_bits = 10", "block_bits must be between"),
        ("seconds = 3", "is missing"),
    ):
        file.write_text(text)
        done = run("bob", "--config", file)
        assert done.code == 2
        assert words in done.sentence, text


def test_configuration_that_is_a_folder_or_no_text(run: Run, tmp_path: Path) -> None:
    binary = tmp_path / "binary.toml"
    binary.write_bytes(b"\xff\xfe\x00")
    for path in (tmp_path, binary):
        done = run("alice", "--config", path)
        assert done.code == 2
        assert str(path) in done.sentence


@pytest.mark.parametrize("words", [["demo"], ["simulate", "OUT"], ["virtual-board"]])
def test_unknown_preset(words: list[str], run: Run, tmp_path: Path) -> None:
    place = [str(tmp_path / "out") if word == "OUT" else word for word in words]
    done = run(*place, "--preset", "perfect")
    assert done.code == 2
    assert "'perfect'" in done.sentence
    assert "as-reported" in done.sentence
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("fault", ["explode", "flip-bits", "flip-bits:rate=2", "vanish:at=never"])
def test_unknown_fault(fault: str, run: Run) -> None:
    done = run("virtual-board", "--fault", fault)
    assert done.code == 2
    assert fault in done.sentence


def test_demo_leaves_strange_folders_alone(run: Run, tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("mine")
    done = run("demo", "--out", tmp_path)
    assert done.code == 2
    assert str(tmp_path) in done.err
    assert (tmp_path / "thesis.tex").read_text() == "mine"


def test_peer_that_does_not_answer(run: Run, stores: Stores, tmp_path: Path) -> None:
    record = tmp_path / "alice.record"
    done = run("alice", "--record", record, "--store", stores.alice, "--listen", "nowhere")
    assert done.code in (2, 3)  # record and address are both wrong; either may be named
    assert "HOST:PORT" in done.sentence or str(record) in done.sentence


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty: record again"),
        (b"not a recording", "is no recording that is known"),
        (MAGIC + b"\x63\x00", "format version 99"),
        (MAGIC + b"\x01\x00", "no description"),
        (b"tx_state,tx_basis\n0,1\n", "lacks the column"),
    ],
)
def test_files_that_cannot_be_distilled(
    content: bytes, words: str, run: Run, tmp_path: Path
) -> None:
    file = tmp_path / "file"
    file.write_bytes(content)
    done = run("distill", file, "--out", tmp_path / "out")
    assert done.code == 3
    assert words in done.sentence
    assert str(file) in done.sentence


def test_file_that_is_missing(run: Run, tmp_path: Path) -> None:
    for path in (tmp_path / "nothing", tmp_path):
        done = run("distill", path)
        assert done.code == 3
        assert str(path) in done.sentence


def test_unknown_log_level_and_unknown_option(run: Run) -> None:
    for words in (("--log-level", "loud", "doctor"), ("doctor", "--jsn"), ("distil",)):
        done = run(*words)
        assert done.code == 2
        assert words[-1] in done.err or "loud" in done.err
        assert "Traceback" not in done.err


def test_a_wrong_port_leaves_no_recording_behind(run: Run, stores: Stores, tmp_path: Path) -> None:
    for words in (
        bob(stores, tmp_path / "ttyUSB9", "--recording", tmp_path / "run.recording"),
        ("capture", tmp_path / "ttyUSB9", tmp_path / "run.recording"),
    ):
        assert run(*words).code == 4
        assert not (tmp_path / "run.recording").exists()
