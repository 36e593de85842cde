"""The virtual board's ends of a byte link."""

import os
import socket
from collections.abc import Iterator

import pytest
import serial

from hexkey.errors import ConfigurationError
from hexkey_sim.ports import PseudoTerminal, TcpPort

EVERY_BYTE = bytes(range(256))


@pytest.fixture
def terminal() -> Iterator[PseudoTerminal]:
    port = PseudoTerminal()
    yield port
    port.close()


def test_terminal_is_transparent_both_ways(terminal: PseudoTerminal) -> None:
    with serial.Serial(terminal.name, 3_000_000, timeout=2, exclusive=True) as host:
        host.write(EVERY_BYTE)
        terminal.wait(2.0, for_room=False)
        assert terminal.read() == EVERY_BYTE
        assert terminal.write(EVERY_BYTE) == 256
        assert host.read(256) == EVERY_BYTE


def test_terminal_neither_blocks_nor_echoes(terminal: PseudoTerminal) -> None:
    assert terminal.read() == b""
    taken = 0
    while chunk := terminal.write(bytes(4096)):
        taken += chunk
    assert 0 < taken < 1 << 20
    assert terminal.read() == b""


def test_terminal_can_be_opened_again(terminal: PseudoTerminal) -> None:
    for _ in range(2):
        with serial.Serial(terminal.name, 3_000_000, timeout=2) as host:
            terminal.write(b"\x03\n\x00")
            assert host.read(3) == b"\x03\n\x00"


def test_closed_terminal_is_gone() -> None:
    port = PseudoTerminal()
    port.close()
    assert not os.path.exists(port.name)


def test_tcp_serves_one_host_after_another() -> None:
    port = TcpPort()
    address = ("127.0.0.1", int(port.name.rpartition(":")[2]))
    for host_number in range(2):
        assert port.write(b"nobody is there") == 0
        with socket.create_connection(address, timeout=2) as host:
            host.sendall(b"ping")
            port.wait(2.0, for_room=False)
            assert port.read() == b"ping"
            assert port.write(b"pong") == 4
            assert host.recv(9) == b"pong"
        port.wait(2.0, for_room=False)
        assert port.read() == b""
        assert port.hosts_gone == host_number + 1
    port.close()


def test_tcp_port_in_use_is_refused() -> None:
    port = TcpPort()
    with pytest.raises(ConfigurationError, match="choose another"):
        TcpPort(int(port.name.rpartition(":")[2]))
    port.close()
