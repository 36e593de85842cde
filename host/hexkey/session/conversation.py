"""The channel as a party sees it: messages enter an ordered transcript, and tags cover it.

A *unit* is one exchange that stands by itself: the handshake, an alignment, a block. Its transcript
begins with a name that no other unit has (the session and the unit's number in it) and then holds
every message of both directions in order, tags included. A tag always covers the whole transcript
of its unit so far, so a message that was changed, replayed, reordered, dropped or moved from
elsewhere makes the next tag fail.
"""

import math
import struct
import time
from typing import Protocol

from hexkey import authenticate
from hexkey.errors import AuthenticationError, ChannelError, ProtocolError
from hexkey.session.channel import Channel
from hexkey.session.messages import Type, decode_sentence, decode_tag, encode_tag
from hexkey.session.transcript import Transcript

REPLY_TIMEOUT_S = 30.0
UNIT_TIMEOUT_S = 600.0  # bounds what a peer can hold up that answers, but only just in time
ALICE, BOB = 0, 1  # who sent a message: the same byte in both transcripts
SENT, RECEIVED = 0, 1  # which way it went here
UNIT_LIMIT_BYTES = 64 << 20  # bounds memory, and with it the chance of forging a tag
UNIT_LIMIT_MESSAGES = 1 << 16  # Cascade may take 10,000 round trips
# Replies that cost Bob next to nothing: for others he writes to disk, or waits for photons.
PROMPT = frozenset({Type.SAMPLE_BITS, Type.QUERY, Type.VERIFIED})
EPSILON_TAG = authenticate.epsilon(UNIT_LIMIT_BYTES)


class Pool(Protocol):
    """The authentication keys of a party; `hexkey.store.Store` is one."""

    def draw_send_key(self, use_reserve: bool = False) -> tuple[int, bytes]: ...

    def receive_key(self, index: int) -> bytes: ...

    def accept(self, index: int) -> None: ...


class Witness(Protocol):
    """Sees each message once, as it crosses: a recording's transcript."""

    def __call__(self, direction: int, kind: Type, body: bytes) -> None: ...


class Conversation(Protocol):
    """What the stages of a session need of the channel."""

    auth_keys_used: int
    round_trip_s: float

    def begin(self, session_id: str) -> None: ...

    def send(self, kind: Type, body: bytes = b"") -> None: ...

    def send_tag(self, use_reserve: bool = False) -> None: ...

    def expect(self, *kinds: Type, timeout_s: float | None = None) -> tuple[Type, bytes]: ...

    def expect_tag(self) -> None: ...


class LiveConversation:
    """A conversation over a channel, authenticated from a pool.

    Parameters
    ----------
    channel : Channel
    pool : Pool
    sender : {ALICE, BOB}
        Whose conversation it is.
    witness : callable, optional
        Called with (SENT or RECEIVED, type, body) for every message.
    reply_timeout_s : float
        How long the peer may take to reply, where `expect` is not told otherwise.
    unit_timeout_s : float
        How long a unit may take from its first message on, however fast each reply is.
    """

    def __init__(
        self,
        channel: Channel,
        pool: Pool,
        sender: int,
        witness: Witness | None = None,
        reply_timeout_s: float = REPLY_TIMEOUT_S,
        unit_timeout_s: float = UNIT_TIMEOUT_S,
    ) -> None:
        self._channel = channel
        self._pool = pool
        self._sender = sender
        self._witness = witness
        self._reply_timeout_s = reply_timeout_s
        self._unit_timeout_s = unit_timeout_s
        self._transcript = Transcript()
        self._messages = 0
        self._deadline = math.inf
        self._unit = 0
        self._sent_s = -math.inf
        self.auth_keys_used = 0
        self.round_trip_s = math.inf  # the shortest yet from a message to a prompt reply

    def begin(self, session_id: str) -> None:
        """Start the transcript of the next unit, named as no other one is."""
        name = f"{session_id}/{self._unit}".encode()
        self._unit += 1
        self._transcript.clear()
        self._transcript.append(struct.pack("<I", len(name)), name)
        self._messages = 0
        self._deadline = math.inf  # until the first message: Bob may need long to fill a block

    def send(self, kind: Type, body: bytes = b"") -> None:
        self._note(SENT, kind, body)
        self._channel.send(kind, body)
        self._sent_s = time.monotonic()

    def expect(self, *kinds: Type, timeout_s: float | None = None) -> tuple[Type, bytes]:
        """Receive the next message, which must be of one of `kinds`.

        Raises
        ------
        ChannelError
            The peer is gone, silent, too slow, or refuses.
        ProtocolError
            Any other message.
        """
        kind, body = self._receive(timeout_s or self._reply_timeout_s)
        if kind in PROMPT:
            self.round_trip_s = min(self.round_trip_s, time.monotonic() - self._sent_s)
        self._note(RECEIVED, kind, body)
        if kind in kinds:
            return kind, body
        if kind is Type.REFUSE:
            raise ChannelError(f"the peer refused: {decode_sentence(body)}")
        wanted = " or ".join(each.name for each in kinds)
        raise ProtocolError(
            f"the peer sent {kind.name} where {wanted} was due; the session was ended"
        )

    def send_tag(self, use_reserve: bool = False) -> None:
        """Authenticate the transcript so far. The key is burnt before the tag exists.

        `use_reserve` lets what was begun be finished when the pool runs low.
        """
        index, key = self._pool.draw_send_key(use_reserve)
        self.auth_keys_used += 1
        tag = authenticate.tag(self._transcript.covered(), key)
        self.send(Type.TAG, encode_tag(index, tag))

    def expect_tag(self) -> None:
        """Receive a tag and verify it over the transcript so far.

        Raises
        ------
        AuthenticationError
            The tag does not verify.
        PoolError
            Its key was used before, or is not in the pool.
        """
        length = len(self._transcript)
        _, body = self.expect(Type.TAG)
        index, received = decode_tag(body)
        key = self._pool.receive_key(index)
        if not authenticate.verify(self._transcript.covered(length), received, key):
            raise AuthenticationError(
                "a tag of the peer does not verify: a message was changed on the way, or the "
                "authentication pools of the two parties differ; nothing was stored"
            )
        self._pool.accept(index)
        self.auth_keys_used += 1

    def _receive(self, timeout_s: float) -> tuple[Type, bytes]:
        """Wait for a message that is due, within its unit's time as well."""
        left_s = self._deadline - time.monotonic()
        if left_s >= timeout_s:
            return self._channel.receive(timeout_s)
        try:
            if left_s > 0:
                return self._channel.receive(left_s)
        except ProtocolError:
            raise
        except ChannelError:
            if time.monotonic() < self._deadline:
                raise  # the peer is gone
        raise ChannelError(
            f"the peer took longer than {self._unit_timeout_s:g} s for one unit of the session; "
            "look for a slow line, or set block_bits lower"
        )

    def _note(self, direction: int, kind: Type, body: bytes) -> None:
        if self._deadline == math.inf:
            self._deadline = time.monotonic() + self._unit_timeout_s
        self._messages += 1
        if self._messages > UNIT_LIMIT_MESSAGES:
            raise ProtocolError(
                f"one unit takes more than {UNIT_LIMIT_MESSAGES} messages; the session was ended"
            )
        sender = self._sender if direction == SENT else 1 - self._sender
        self._transcript.append(struct.pack("<BBI", sender, kind, len(body)), body)
        if len(self._transcript) > UNIT_LIMIT_BYTES:
            raise ProtocolError(
                f"the messages of one unit exceed {UNIT_LIMIT_BYTES} bytes; the session was ended"
            )
        if self._witness is not None:
            self._witness(direction, kind, body)
