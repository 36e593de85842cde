"""Where the virtual board meets its host: a pseudo-terminal, or a TCP port on loopback.

A port never blocks: it takes as many bytes as the other side has room for, and gives what came.
"""

import contextlib
import os
import select
import socket
import tty
from typing import Protocol

from hexkey.errors import ConfigurationError

_READ_BYTES = 4096


class Port(Protocol):
    """One byte link to the host.

    Attributes
    ----------
    name : str
        What the host opens.
    hosts_gone : int
        How many hosts were seen to leave.
    """

    name: str
    hosts_gone: int

    def read(self) -> bytes: ...
    def write(self, data: bytes) -> int: ...
    def wait(self, timeout_s: float, *, for_room: bool) -> None: ...
    def close(self) -> None: ...


class PseudoTerminal:
    """A terminal pair in raw mode; the host opens `name` like a serial port.

    The board keeps the host's side open too: otherwise Linux would reset it to a talking terminal
    (echo, line editing) between two hosts. It therefore cannot see a host leave.
    """

    def __init__(self) -> None:
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        self.name = os.ttyname(self._slave)
        self.hosts_gone = 0

    def read(self) -> bytes:
        try:
            return os.read(self._master, _READ_BYTES)
        except BlockingIOError:
            return b""

    def write(self, data: bytes) -> int:
        try:
            return os.write(self._master, data)
        except BlockingIOError:
            return 0

    def wait(self, timeout_s: float, *, for_room: bool) -> None:
        select.select([self._master], [self._master] if for_room else [], [], timeout_s)

    def close(self) -> None:
        """Take the terminal away: the host's next read fails."""
        os.close(self._slave)
        os.close(self._master)


class TcpPort:
    """Listens on loopback; one host at a time, the next may come when it has left.

    Parameters
    ----------
    number : int
        0 for any free port.
    """

    def __init__(self, number: int = 0) -> None:
        self._listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            self._listener.bind(("127.0.0.1", number))
        except (OSError, OverflowError) as error:
            self._listener.close()
            raise ConfigurationError(
                f"the virtual board cannot listen on TCP port {number} ({error}): choose another "
                "one, or 0 for any"
            ) from None
        self._listener.listen(1)
        self._listener.setblocking(False)
        self._host: socket.socket | None = None
        self.name = f"tcp://127.0.0.1:{self._listener.getsockname()[1]}"
        self.hosts_gone = 0

    def read(self) -> bytes:
        host = self._accept()
        if host is None:
            return b""
        try:
            data = host.recv(_READ_BYTES)
        except BlockingIOError:
            return b""
        except OSError:
            data = b""
        if not data:
            self._drop_host()
        return data

    def write(self, data: bytes) -> int:
        if self._host is None:
            return 0
        try:
            return self._host.send(data)
        except BlockingIOError:
            return 0
        except OSError:
            self._drop_host()
            return 0

    def wait(self, timeout_s: float, *, for_room: bool) -> None:
        waiting = self._listener if self._host is None else self._host
        room = [waiting] if for_room and self._host is not None else []
        select.select([waiting], room, [], timeout_s)

    def close(self) -> None:
        """Stop listening and hang up."""
        if self._host is not None:
            self._drop_host()
        self._listener.close()

    def _accept(self) -> socket.socket | None:
        if self._host is None:
            with contextlib.suppress(BlockingIOError):
                self._host, _ = self._listener.accept()
                self._host.setblocking(False)
                # Small, like a serial adapter's: a host that stops reading is noticed soon.
                self._host.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 16384)
        return self._host

    def _drop_host(self) -> None:
        if self._host is not None:
            self._host.close()
        self._host = None
        self.hosts_gone += 1
