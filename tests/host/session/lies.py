"""Ways to misbehave with the pool at hand: a lie is under its liar's tags, so no tag stops it."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from hexkey.errors import ChannelError
from hexkey.reconcile import Method
from hexkey.session import messages
from hexkey.session.conversation import LiveConversation
from hexkey.session.messages import Type

SHORT_S, LONG_S = 0.5, 20.0  # how long who is honest waits for a reply
Lie = Callable[[LiveConversation, bytes], list[tuple[Type, bytes]]]


class Liar(LiveConversation):
    """Says something else at the `number`-th message of a type, and is honest before and after."""

    def __init__(self, place: tuple[Type, int], lie: Lie, *how: Any) -> None:
        super().__init__(*how)
        self._place = place
        self._lie = lie
        self._seen = 0
        self._reply_timeout_s *= 8  # so that it is the honest side that loses patience

    def send(self, kind: Type, body: bytes = b"") -> None:
        said = [(kind, body)]
        if kind is self._place[0]:
            self._seen += 1
            if self._seen == self._place[1] + 1:
                said = self._lie(self, body)
        for each in said:
            super().send(*each)


@dataclass(frozen=True)
class Case:
    """Who lies, where, how, and how the honest side calls it (None: it drops the block)."""

    liar: int
    place: tuple[Type, int]
    lie: Lie
    sentence: str | None

    @property
    def reply_timeout_s(self) -> float:
        """Short only where patience is to be lost: a loaded machine may take longer to reply."""
        return SHORT_S if "silent" in (self.sentence or "") else LONG_S


def says(kind: Type, body: bytes) -> Lie:
    return lambda talk, honest: [(kind, body)]


def changed(kind: Type, change: Callable[[bytes], bytes]) -> Lie:
    return lambda talk, honest: [(kind, change(honest))]


def raw(length: int, kind: int, body: bytes = b"") -> Lie:
    """Bytes that no message has, past the liar's own channel."""

    def lie(talk: LiveConversation, honest: bytes) -> list[tuple[Type, bytes]]:
        socket: Any = talk._channel
        socket._socket.sendall(length.to_bytes(4, "little") + bytes((kind,)) + body)
        return []

    return lie


def silent(talk: LiveConversation, honest: bytes) -> list[tuple[Type, bytes]]:
    return []


def closes(talk: LiveConversation, honest: bytes) -> list[tuple[Type, bytes]]:
    talk._channel.close()
    raise ChannelError("the liar has gone")


def dribbles(talk: LiveConversation, honest: bytes) -> list[tuple[Type, bytes]]:
    """Announces a message and gives a byte of it now and then, for longer than anyone waits."""
    socket: Any = talk._channel
    socket._socket.sendall((24).to_bytes(4, "little") + bytes((Type.TAG,)))
    for _ in range(20):
        time.sleep(SHORT_S / 8)
        try:
            socket._socket.sendall(b"x")
        except OSError:
            break
    raise ChannelError("the liar has gone")


def floods(kind: Type, size: int, count: int) -> Lie:
    return lambda talk, honest: [(kind, bytes(size))] * count


def announcement(pulses: list[int], block: int = 0) -> bytes:
    return messages.Announce(block, 0, np.array(pulses, np.uint64)).encode()


def sample(seed: int, count: int, chosen: int) -> bytes:
    mask = np.zeros(count, np.uint8)
    mask[:chosen] = 1
    return messages.Sample(Method.CASCADE, bytes((seed,)) * 32, mask).encode()


def verify(width: int, tag: bytes) -> bytes:
    return messages.Verify(bytes(16), width, tag).encode()


def align(count: int, step: int) -> bytes:
    pulses = np.uint64(7) + np.arange(count, dtype=np.uint64) * np.uint64(step)
    return messages.Align(0, pulses, np.zeros(count, np.uint8)).encode()


def restated(**stated: Any) -> Callable[[bytes], bytes]:
    """The greeting with other values in its statement."""

    def change(body: bytes) -> bytes:
        said = json.loads(body)
        return messages.encode_json({**said, "statement": {**said["statement"], **stated}})

    return change


def with_a_parameter(name: str, value: Any) -> Callable[[bytes], bytes]:
    def change(body: bytes) -> bytes:
        said = json.loads(body)
        return messages.encode_json({**said, "parameters": {**said["parameters"], name: value}})

    return change


def mangled(rng: np.random.Generator, body: bytes) -> bytes:
    """A body with one thing wrong: a bit, a byte, its length, or all of it."""
    way = int(rng.integers(0, 6))
    place = int(rng.integers(0, max(len(body), 1)))
    if way == 0 and body:
        return (
            body[:place] + bytes((body[place] ^ 1 << int(rng.integers(0, 8)),)) + body[place + 1 :]
        )
    if way == 1 and body:
        return body[:place] + b"\xff" + body[place + 1 :]
    if way == 2:
        return body[:place]
    if way == 3:
        return body + rng.bytes(int(rng.integers(1, 9)))
    if way == 4:
        return rng.bytes(len(body))
    return bytes(len(body))
