"""The authentication pool: two sequences of one-time tag keys inside a store's transaction.

Of each direction the pool holds the keys ``first <= number < end``. Burning raises `first` and
deletes, a refill raises `end` and inserts; a number never comes back.
"""

import sqlite3
from dataclasses import dataclass

from hexkey.authenticate import KEY_BYTES
from hexkey.errors import PoolError, StoreError

TAG_KEY_BYTES = KEY_BYTES  # what one tag takes
RESERVE = 8  # sending keys kept so that a session whose pool ran low can still settle its blocks
ALICE_TO_BOB = "alice->bob"
BOB_TO_ALICE = "bob->alice"


@dataclass(frozen=True, slots=True)
class Span:
    """The numbers ``first <= number < end`` of the keys that a direction holds."""

    first: int
    end: int

    def __len__(self) -> int:
        return self.end - self.first


def span(connection: sqlite3.Connection, direction: str) -> Span:
    row = connection.execute(
        "SELECT first, end FROM direction WHERE name = ?", (direction,)
    ).fetchone()
    if row is None:
        raise StoreError(f"the key store lacks the direction {direction}: create a new pair")
    return Span(*row)


def draw(connection: sqlite3.Connection, direction: str, keep: int) -> tuple[int, bytes]:
    """Burn the first key of a direction that holds more than `keep`; return number and key."""
    held = span(connection, direction)
    if len(held) <= keep:
        raise PoolError(
            f"the authentication pool holds {len(held)} keys for {direction} and {keep} of them "
            f"are kept for settling blocks: create a new pair of stores"
        )
    secret = _read(connection, direction, held.first)
    burn(connection, direction, held.first)
    return held.first, secret


def look(connection: sqlite3.Connection, direction: str, number: int) -> bytes:
    """Return a key without burning it; PoolError if the direction does not hold it."""
    _check_held(connection, direction, number)
    return _read(connection, direction, number)


def burn(connection: sqlite3.Connection, direction: str, number: int) -> None:
    """Delete the keys up to and including `number`; PoolError if it is not held."""
    _check_held(connection, direction, number)
    connection.execute(
        "DELETE FROM tag_key WHERE direction = ? AND number <= ?", (direction, number)
    )
    connection.execute("UPDATE direction SET first = ? WHERE name = ?", (number + 1, direction))


def append(connection: sqlite3.Connection, direction: str, secrets: bytes) -> None:
    """Append whole tag keys to a direction."""
    end = span(connection, direction).end
    rows = tag_key_rows(direction, secrets, end)
    connection.executemany("INSERT INTO tag_key VALUES (?, ?, ?)", rows)
    connection.execute("UPDATE direction SET end = ? WHERE name = ?", (end + len(rows), direction))


def tag_key_rows(direction: str, secrets: bytes, first: int = 0) -> list[tuple[str, int, bytes]]:
    """Cut `secrets` into rows of the table tag_key, numbered from `first`."""
    if len(secrets) % TAG_KEY_BYTES:
        raise ValueError(f"tag keys are {TAG_KEY_BYTES} bytes each, not {len(secrets)} in all")
    starts = range(0, len(secrets), TAG_KEY_BYTES)
    return [
        (direction, first + place, secrets[start : start + TAG_KEY_BYTES])
        for place, start in enumerate(starts)
    ]


def _check_held(connection: sqlite3.Connection, direction: str, number: int) -> None:
    held = span(connection, direction)
    if number < held.first:
        raise PoolError(
            f"authentication key {number} of {direction} was already used: a replay, or a store "
            f"restored from a backup; create a new pair of stores if it was restored"
        )
    if number >= held.end:
        raise PoolError(
            f"authentication key {number} of {direction} is beyond the {held.end} that this pool "
            f"ever held: the pools are exhausted or mismatched, create a new pair of stores"
        )


def _read(connection: sqlite3.Connection, direction: str, number: int) -> bytes:
    row = connection.execute(
        "SELECT secret FROM tag_key WHERE direction = ? AND number = ?", (direction, number)
    ).fetchone()
    if row is None:
        raise StoreError(f"the key store lacks key {number} of {direction}: create a new pair")
    return bytes(row[0])
