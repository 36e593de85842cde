"""The public channel: whole messages over a TCP socket, with limits and time-outs.

On the wire a message is its body's length (u32, little-endian), its type (u8) and its body.
The channel neither trusts nor authenticates; `conversation` does.
"""

import re
import socket
import struct
import time
from typing import Protocol

from hexkey.errors import ChannelError, ConfigurationError, ProtocolError
from hexkey.session.messages import Type, limit

_HEAD = struct.Struct("<IB")


class Channel(Protocol):
    """Carries whole messages to the peer and back, in order."""

    def send(self, kind: Type, body: bytes) -> None: ...

    def receive(self, timeout_s: float) -> tuple[Type, bytes]: ...

    def close(self) -> None: ...


class SocketChannel:
    """A `Channel` over a connected stream socket.

    Raises
    ------
    ChannelError
        The peer closed the connection, or was silent for longer than the time-out.
    ProtocolError
        A message of an unknown type, or longer than its type may be.
    """

    def __init__(self, connected: socket.socket) -> None:
        self._socket = connected
        if connected.family in (socket.AF_INET, socket.AF_INET6):
            # Cascade is many small questions: waiting to fill a segment would stall each of them.
            connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            # Alice waits long between blocks: a peer without power must not hold her for so long.
            connected.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 10)
            connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 5)
            connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 4)

    def send(self, kind: Type, body: bytes) -> None:
        if len(body) > limit(kind):
            raise ValueError(f"a {kind.name} message may have {limit(kind)} bytes, not {len(body)}")
        try:
            self._socket.settimeout(60.0)
            self._socket.sendall(_HEAD.pack(len(body), kind) + body)
        except OSError as error:
            raise ChannelError(
                f"the peer could not be reached while sending {kind.name}: {error}"
            ) from None

    def receive(self, timeout_s: float) -> tuple[Type, bytes]:
        """Return the next message; it must begin within `timeout_s`, and end within as long again.

        The time is for the whole: a peer that sends a byte now and then does not hold it up.
        """
        length, number = _HEAD.unpack(self._exactly(_HEAD.size, timeout_s))
        try:
            kind = Type(number)
        except ValueError:
            raise ProtocolError(
                f"the peer sent a message of unknown type {number}; check that it runs the same "
                "version of hexkey"
            ) from None
        if length > limit(kind):
            raise ProtocolError(
                f"the peer sent {length} bytes of {kind.name}, more than the {limit(kind)} allowed"
            )
        return kind, self._exactly(length, timeout_s)

    def _exactly(self, count: int, timeout_s: float) -> bytes:
        parts = bytearray()
        deadline = time.monotonic() + timeout_s
        while len(parts) < count:
            try:
                self._socket.settimeout(max(deadline - time.monotonic(), 1e-3))
                part = self._socket.recv(min(count - len(parts), 1 << 20))
            except TimeoutError:
                raise ChannelError(
                    f"the peer was silent, or in the middle of a message, for {timeout_s:g} s"
                ) from None
            except OSError as error:
                raise ChannelError(f"the connection to the peer broke: {error}") from None
            if not part:
                raise ChannelError("the peer closed the connection")
            parts += part
        return bytes(parts)

    def close(self) -> None:
        self._socket.close()

    def __enter__(self) -> "SocketChannel":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def parse_address(text: str) -> tuple[str, int]:
    """Split ``host:port``; ConfigurationError if it is not one."""
    host, _, port = text.rpartition(":")
    if not host or not re.fullmatch("[0-9]{1,5}", port) or int(port) > 65_535:
        raise ConfigurationError(f"address {text!r} must be HOST:PORT, such as 127.0.0.1:7392")
    return host.strip("[]"), int(port)


def connect(address: str, timeout_s: float = 10.0) -> SocketChannel:
    """Connect to a listening peer; ChannelError naming the address if nobody answers."""
    try:
        return SocketChannel(socket.create_connection(parse_address(address), timeout_s))
    except (OSError, UnicodeError) as error:  # the second for names that can be no host's
        raise ChannelError(
            f"no peer answers at {address} ({error}); start `hexkey alice` there first"
        ) from None


def listen(address: str) -> socket.socket:
    """Listen on ``host:port`` (port 0: any free one)."""
    try:
        return socket.create_server(parse_address(address))
    except (OSError, UnicodeError) as error:
        raise ChannelError(f"cannot listen on {address}: {error}") from None


def local_pair() -> tuple[SocketChannel, SocketChannel]:
    """Two connected channels inside one process, for two local roles."""
    one, other = socket.socketpair()
    return SocketChannel(one), SocketChannel(other)
