"""What stands between a block and its key while alarms can stop distillation."""

from collections.abc import Callable
from typing import Any

from hexkey.errors import BlockDropped, HexkeyError
from hexkey.session.block import BlockCounts, KeySink
from hexkey.session.messages import SENTENCE_CHARACTERS, printable
from hexkey.store import Key

Check = Callable[[], None]


def nothing_is_wrong() -> None:
    """The check of a session that nothing watches."""


class GuardedKeys:
    """Keys on their way to the store, unless `check` raises first.

    It is asked for the last time before a key is pending: from then on the two parties must come to
    the same end, and only the rest of the block can tell.
    """

    def __init__(self, keys: KeySink, check: Check) -> None:
        self._keys = keys
        self._check = check

    def put_pending(self, key: Key, refill_alice_to_bob: bytes, refill_bob_to_alice: bytes) -> None:
        self._check()
        self._keys.put_pending(key, refill_alice_to_bob, refill_bob_to_alice)

    def commit(self, key_id: str) -> None:
        self._keys.commit(key_id)


def refusal(error: HexkeyError) -> bytes:
    """Return the body of a REFUSE that tells the peer why the session ends."""
    return printable(str(error)[:SENTENCE_CHARACTERS]).encode()


def dropped_event(counts: BlockCounts, drop: BlockDropped) -> dict[str, Any]:
    """Return what is told of a block that ended without a key."""
    return {
        "event": "dropped",
        "block": counts.block,
        "reason": drop.reason,
        "message": str(drop),
        "qber": counts.seen_qber(),
    }
