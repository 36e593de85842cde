"""A conversation that already happened: Bob's role run again on the recorded transcript.

What he says must come out exactly as it was said then; what Alice answered is read from the
recording. Nothing is said on any channel, so nothing is disclosed a second time.
"""

from collections import deque
from collections.abc import Iterable

from hexkey.errors import ChannelError, InputError
from hexkey.session.conversation import RECEIVED, SENT
from hexkey.session.messages import Type

Line = tuple[int, Type, bytes]
ENDS = (Type.BYE, Type.RENEW, Type.REFUSE)
FIRST_AFTER_HANDSHAKE = (Type.ALIGN, Type.ALIGN_BB84, *ENDS)


class TranscriptEnded(ChannelError):
    """The recorded session stops here."""


class ReplayConversation:
    """`Conversation` over recorded messages. Tags are taken as they were: no pool is at hand."""

    def __init__(self, transcript: Iterable[Line]) -> None:
        self._lines = deque(transcript)
        self._skip_handshake()
        self.auth_keys_used = 0
        self.round_trip_s = 0.0

    def _skip_handshake(self) -> None:
        """The handshake's outcome is in the recording's description."""
        while self._lines and self._lines[0][1] not in FIRST_AFTER_HANDSHAKE:
            self._lines.popleft()

    def begin(self, session_id: str) -> None:
        pass

    def send(self, kind: Type, body: bytes = b"") -> None:
        recorded_kind, recorded_body = self._next(SENT)
        if recorded_kind in ENDS:
            raise TranscriptEnded("the recorded session ends here")
        if (recorded_kind, recorded_body) != (kind, body):
            raise InputError(
                f"the recording's transcript does not follow from its events (at {kind.name}, "
                f"recorded {recorded_kind.name}): the recording is damaged or of another version"
            )

    def send_tag(self, use_reserve: bool = False) -> None:
        self._take_tag(SENT)

    def expect(self, *kinds: Type, timeout_s: float | None = None) -> tuple[Type, bytes]:
        kind, body = self._next(RECEIVED)
        if kind in kinds:
            return kind, body
        raise InputError(
            f"the recording's transcript has {kind.name} where {kinds[0].name} was due"
        )

    def expect_tag(self) -> None:
        self._take_tag(RECEIVED)

    def _take_tag(self, direction: int) -> None:
        kind, _ = self._next(direction)
        if kind is not Type.TAG:
            raise InputError(f"the recording's transcript has {kind.name} where a tag was due")
        self.auth_keys_used += 1

    def _next(self, direction: int) -> tuple[Type, bytes]:
        if not self._lines:
            raise TranscriptEnded("the recorded session ends here")
        found, kind, body = self._lines.popleft()
        if found != direction:
            raise InputError(f"the recording's transcript is out of order at a {kind.name} message")
        return kind, body
