"""Several conversations in one: a key longer than one frame of its code.

A query is, for each frame in order, the length of its part (4 bytes, little-endian), 0 where the
frame is done, and the part; so is the answer. Bits disclosed are the sum over the frames.
"""

import struct
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hexkey.errors import ProtocolError
from hexkey.reconcile import Answering, Asking

_LENGTH = struct.Struct("<I")


class FramesAlice:
    """`Answering` for frames that each answer for themselves."""

    def __init__(self, frames: Sequence[Answering]) -> None:
        self._frames = frames

    @property
    def disclosed_bits(self) -> int:
        return sum(frame.disclosed_bits for frame in self._frames)

    def answer(self, query: bytes) -> bytes:
        """Return the answers to the parts of a query; raise ProtocolError as the frames do."""
        parts = _split(query, len(self._frames))
        return _joined(
            [
                frame.answer(part) if part else b""
                for frame, part in zip(self._frames, parts, strict=True)
            ]
        )


class FramesBob:
    """`Asking` for frames that each ask for themselves."""

    def __init__(self, frames: Sequence[Asking]) -> None:
        self._frames = frames
        self._asking = [True] * len(frames)
        self.round_trips = 0

    @property
    def bits(self) -> NDArray[np.uint8]:
        return np.concatenate([frame.bits for frame in self._frames])

    @property
    def corrected(self) -> int:
        return sum(frame.corrected for frame in self._frames)

    @property
    def asked_bits(self) -> int:
        return sum(frame.asked_bits for frame in self._frames)

    def start(self) -> bytes:
        self.round_trips = 1
        return _joined([frame.start() for frame in self._frames])

    def receive(self, answer: bytes) -> bytes | None:
        """Take the answers; raise ProtocolError and BlockDropped as the frames do."""
        parts = _split(answer, len(self._frames))
        queries = [b""] * len(self._frames)
        for number, frame in enumerate(self._frames):
            if self._asking[number]:
                query = frame.receive(parts[number])
                self._asking[number] = query is not None
                queries[number] = query or b""
            elif parts[number]:
                raise ProtocolError("the peer answers for a frame that is done; drop the block")
        if not any(self._asking):
            return None
        self.round_trips += 1
        return _joined(queries)


def _joined(parts: Sequence[bytes]) -> bytes:
    return b"".join(_LENGTH.pack(len(part)) + part for part in parts)


def _split(message: bytes, count: int) -> list[bytes]:
    """Return `count` parts; raise ProtocolError unless the message is just these."""
    at, parts = 0, []
    for _ in range(count):
        body = at + _LENGTH.size
        at = body + int.from_bytes(message[at:body], "little")
        parts.append(message[body:at])
    if at != len(message) or sum(len(part) + _LENGTH.size for part in parts) != at:
        raise ProtocolError(
            f"the peer's message of {len(message)} bytes is not made of {count} parts; drop the "
            "block"
        )
    return parts
