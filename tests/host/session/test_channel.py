"""The channel against a peer that is slow, silent, gone or out of its mind."""

import socket
import struct
import threading
import time
import tracemalloc
from collections.abc import Iterator
from contextlib import suppress

import pytest

from hexkey.errors import ChannelError, ConfigurationError, ProtocolError
from hexkey.session.channel import SocketChannel, connect, listen, local_pair, parse_address
from hexkey.session.conversation import UNIT_LIMIT_BYTES, LiveConversation
from hexkey.session.messages import MAX_BODY, Type, limit


@pytest.fixture
def wire() -> Iterator[tuple[SocketChannel, socket.socket]]:
    """A channel and the bare socket of its peer."""
    one, other = socket.socketpair()
    with SocketChannel(one) as channel, other:
        yield channel, other


Wire = tuple[SocketChannel, socket.socket]


def head(length: int, number: int) -> bytes:
    return struct.pack("<IB", length, number)


def test_a_message_given_byte_by_byte_arrives_whole(wire: Wire) -> None:
    channel, peer = wire
    body = bytes(range(24))

    def dribble() -> None:
        for byte in head(len(body), Type.TAG) + body:
            peer.sendall(bytes((byte,)))
            time.sleep(0.001)

    thread = threading.Thread(target=dribble)
    thread.start()
    assert channel.receive(5.0) == (Type.TAG, body)
    thread.join()


def test_messages_in_one_segment_are_told_apart(wire: Wire) -> None:
    channel, peer = wire
    peer.sendall(head(0, Type.BYE) + head(4, Type.ESTIMATE) + b"abcd" + head(0, Type.CONFIRM))
    assert channel.receive(1.0) == (Type.BYE, b"")
    assert channel.receive(1.0) == (Type.ESTIMATE, b"abcd")
    assert channel.receive(1.0) == (Type.CONFIRM, b"")


@pytest.mark.parametrize("sent", [b"", head(24, Type.TAG)[:3], head(24, Type.TAG) + b"half"])
def test_a_peer_that_stops_is_waited_for_only_so_long(wire: Wire, sent: bytes) -> None:
    channel, peer = wire
    peer.sendall(sent)
    start = time.monotonic()
    with pytest.raises(ChannelError, match="silent"):
        channel.receive(0.1)
    assert time.monotonic() - start < 2.0


def test_a_peer_that_dribbles_does_not_hold_the_channel(wire: Wire) -> None:
    channel, peer = wire
    done = threading.Event()

    def dribble() -> None:
        peer.sendall(head(64 << 10, Type.HELLO))
        while not done.wait(0.02):
            peer.sendall(b"x")

    thread = threading.Thread(target=dribble)
    thread.start()
    start = time.monotonic()
    with pytest.raises(ChannelError, match="silent"):
        channel.receive(0.2)
    assert time.monotonic() - start < 3.0
    done.set()
    thread.join()


@pytest.mark.parametrize("sent", [b"", head(24, Type.TAG)[:3], head(24, Type.TAG) + b"half"])
def test_a_peer_that_closes_is_a_channel_error(wire: Wire, sent: bytes) -> None:
    channel, peer = wire
    peer.sendall(sent)
    peer.close()
    with pytest.raises(ChannelError, match="closed"):
        channel.receive(1.0)


def test_unknown_types_are_refused_before_their_body(wire: Wire) -> None:
    channel, peer = wire
    unknown = [number for number in range(256) if number not in set(Type)]
    for number in unknown:
        peer.sendall(head(0xFFFF_FFFF, number))
        with pytest.raises(ProtocolError, match=f"unknown type {number}"):
            channel.receive(1.0)


@pytest.mark.parametrize("kind", Type)
def test_bodies_beyond_their_limit_are_refused_before_memory_is_taken(
    wire: Wire, kind: Type
) -> None:
    channel, peer = wire
    for length in (limit(kind) + 1, 0xFFFF_FFFF):
        peer.sendall(head(length, kind))
        tracemalloc.start()
        with pytest.raises(ProtocolError, match="more than"):
            channel.receive(1.0)
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
        tracemalloc.stop()


def test_a_body_that_is_announced_but_not_sent_takes_no_memory(wire: Wire) -> None:
    channel, peer = wire
    peer.sendall(head(MAX_BODY, Type.QUERY) + b"a little")
    tracemalloc.start()
    with pytest.raises(ChannelError):
        channel.receive(0.05)
    assert tracemalloc.get_traced_memory()[1] < 4 << 20
    tracemalloc.stop()


def test_a_flood_is_neither_stored_nor_obeyed(wire: Wire) -> None:
    """What nobody waits for stays in the sockets' buffers, and the first of it ends the session."""
    channel, peer = wire
    peer.setblocking(False)
    flood = (head(4, Type.ESTIMATE) + b"abcd") * 10_000
    with suppress(BlockingIOError):
        for _ in range(1_000):
            peer.send(flood)
    talk = LiveConversation(channel, NoPool(), 0)
    talk.begin("a session")
    with pytest.raises(ProtocolError, match="ESTIMATE where HELLO was due"):
        talk.expect(Type.HELLO, timeout_s=1.0)


class NoPool:
    def draw_send_key(self, use_reserve: bool = False) -> tuple[int, bytes]:
        raise AssertionError("nothing may be authenticated")

    def receive_key(self, index: int) -> bytes:
        raise AssertionError("no tag may be looked at")

    def accept(self, index: int) -> None:
        raise AssertionError("no key may be burnt")


class Endless:
    """A channel on which the longest answers never end."""

    def send(self, kind: Type, body: bytes) -> None: ...

    def receive(self, timeout_s: float) -> tuple[Type, bytes]:
        return Type.ANSWER, BIG

    def close(self) -> None: ...


BIG = bytes(MAX_BODY)


def test_a_unit_has_an_end() -> None:
    talk = LiveConversation(Endless(), NoPool(), 0)
    talk.begin("a session")
    for _ in range(UNIT_LIMIT_BYTES // MAX_BODY - 1):
        talk.expect(Type.ANSWER)
    with pytest.raises(ProtocolError, match=str(UNIT_LIMIT_BYTES)):
        talk.expect(Type.ANSWER)


def test_sending_to_nobody_is_a_channel_error() -> None:
    one, other = local_pair()
    other.close()
    with one, pytest.raises(ChannelError, match="could not be reached"):
        one.send(Type.HELLO, b"x")


def test_sending_too_much_is_the_callers_fault() -> None:
    one, other = local_pair()
    with one, other, pytest.raises(ValueError, match="may have 24 bytes"):
        one.send(Type.TAG, bytes(25))


@pytest.mark.parametrize("address", ["", "host", ":1", "host:", "host:99999", "host:²", "h:-1"])
def test_addresses_that_are_none(address: str) -> None:
    with pytest.raises(ConfigurationError, match="HOST:PORT"):
        parse_address(address)


def test_nobody_listens() -> None:
    with listen("127.0.0.1:0") as server:
        port = server.getsockname()[1]
    with pytest.raises(ChannelError, match="no peer answers"):
        connect(f"127.0.0.1:{port}")
    with pytest.raises(ChannelError, match="no peer answers"):
        connect("no such host." + "x" * 70 + ":1")


def test_a_taken_port_is_said() -> None:
    with listen("127.0.0.1:0") as server:
        port = server.getsockname()[1]
        with pytest.raises(ChannelError, match="cannot listen"):
            listen(f"127.0.0.1:{port}")
