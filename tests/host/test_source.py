"""Byte sources: what is read, and what is said when it cannot be."""

import os
import socket
import tty
from collections.abc import Iterator
from pathlib import Path

import pytest

from hexkey.errors import ConfigurationError, DeviceError
from hexkey.source import FileSource, SerialSource, TcpSource, open_source


@pytest.fixture
def terminal() -> Iterator[tuple[int, str]]:
    """The other end of a serial port, and the port's path."""
    master, slave = os.openpty()
    tty.setraw(slave)
    yield master, os.ttyname(slave)
    for end in (master, slave):
        try:
            os.close(end)
        except OSError:
            pass  # the test closed it


def test_serial_port_reads_what_is_there_and_times_out(terminal: tuple[int, str]) -> None:
    source = open_source(terminal[1])
    assert isinstance(source, SerialSource)
    assert source.read(100, 0.01) == b""
    os.write(terminal[0], b"\x00\x01\xff")
    assert source.read(2, 1.0) == b"\x00\x01"
    assert source.read(100, 1.0) == b"\xff"
    source.write(b"\x11\x00")
    assert os.read(terminal[0], 10) == b"\x11\x00"
    source.close()
    source.close()


def test_serial_port_is_not_shared(terminal: tuple[int, str]) -> None:
    first = open_source(terminal[1])
    with pytest.raises(DeviceError, match="in use by another program"):
        open_source(terminal[1])
    first.close()
    open_source(terminal[1]).close()


def test_serial_port_that_vanishes_is_named(terminal: tuple[int, str]) -> None:
    source = open_source(terminal[1])
    os.close(terminal[0])
    with pytest.raises(DeviceError, match=rf"{terminal[1]} is gone"):
        source.read(1, 1.0)
    with pytest.raises(DeviceError, match="is gone"):
        source.write(b"x")
    source.close()


def test_missing_port_says_how_to_find_one() -> None:
    with pytest.raises(DeviceError, match=r"no port /dev/ttyNONE: .*hexkey doctor"):
        open_source("/dev/ttyNONE")


def test_port_without_permission_names_the_group(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("hexkey.source.serial.Serial", refuse)
    with pytest.raises(DeviceError, match="dialout"):
        open_source("/dev/ttyUSB0")


@pytest.mark.parametrize("path", ["/dev/null", "/tmp"])
def test_what_is_no_serial_port_is_refused(path: str) -> None:
    with pytest.raises(DeviceError, match="not a serial port"):
        open_source(path)


def test_tcp_reads_writes_and_tells_when_the_board_hangs_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        source = open_source(f"tcp://127.0.0.1:{server.getsockname()[1]}")
        assert isinstance(source, TcpSource)
        board, _ = server.accept()
        with board:
            assert source.read(10, 0.01) == b""
            board.sendall(b"abc")
            assert source.read(2, 1.0) == b"ab"
            source.write(b"xyz")
            assert board.recv(10) == b"xyz"
            assert source.read(10, 1.0) == b"c"
        with pytest.raises(DeviceError, match="closed the connection"):
            source.read(10, 1.0)
        source.close()


def test_tcp_without_a_board_says_so() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(DeviceError, match=rf"cannot connect to tcp://127.0.0.1:{port}"):
        open_source(f"tcp://127.0.0.1:{port}")


@pytest.mark.parametrize(
    "spec", ["tcp://nowhere", "tcp:1:2", "tcp://h:0", "tcp://h:70000", "usb://1"]
)
def test_malformed_address_is_refused(spec: str) -> None:
    with pytest.raises(ConfigurationError, match="tcp://"):
        open_source(spec)


def test_file_is_read_to_its_end_and_not_written(tmp_path: Path) -> None:
    (tmp_path / "bytes").write_bytes(b"abc")
    source = open_source(str(tmp_path / "bytes"))
    assert isinstance(source, FileSource)
    assert [source.read(2, 0.0) for _ in range(3)] == [b"ab", b"c", b""]
    with pytest.raises(DeviceError, match="cannot be commanded"):
        source.write(b"x")
    source.close()


def test_unreadable_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DeviceError, match="cannot read"):
        FileSource(tmp_path)
