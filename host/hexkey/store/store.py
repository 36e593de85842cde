"""A party's open store: what a session draws from it and puts into it.

Every method that changes something has changed it durably when it returns; killed at any moment,
the file holds all of a change or none of it.
"""

import json
import math
import sqlite3
import time
from pathlib import Path
from typing import Any, Literal, Self

from hexkey.errors import InputError, StoreError
from hexkey.store import pool
from hexkey.store.database import Database
from hexkey.store.key import DemonstrationKey, Key, SecretKey, check_key_id
from hexkey.store.pair import Kind

State = Literal["pending", "committed", "dropped"]

LONGEST_WAIT_S = 60.0
_LARGEST_PULSE = 2**63 - 1  # of SQLite's integers; 7300 years at 40 MHz
_KEY_COLUMNS = "key_id, bits, length_bits, reasons, facts, epsilon, created"


class Store:
    """An open store; use it as a context manager.

    Raises
    ------
    StoreError
        Any method, when the file cannot be read or written.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        with database.reading() as connection:
            row = connection.execute("SELECT role, kind, pool_id FROM identity").fetchone()
        if row is None:
            raise StoreError(
                f"key store {database.path} does not say whose it is: create a new pair"
            )
        self.role: Literal["alice", "bob"] = row[0]
        self.kind: Kind = row[1]
        self.pool_id: str = row[2]
        directions = (pool.ALICE_TO_BOB, pool.BOB_TO_ALICE)
        self._send, self._receive = directions if self.role == "alice" else directions[::-1]

    @classmethod
    def open(cls, path: str | Path, *, read_only: bool = False) -> Self:
        """Open a store for a session, which has it alone; or only to list and compare its keys.

        Raises
        ------
        StoreError
            There is no store of a known format, it is damaged, others may read it, or a session
            has it open.
        """
        database = Database(Path(path), read_only)
        try:
            return cls(database)
        except BaseException:
            database.close()
            raise

    def close(self) -> None:
        """Give the file back to other sessions."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Store of {self.role} at {self._database.path}, {self.kind}>"

    # ---- authentication pool ---------------------------------------------------------------

    def draw_send_key(self, use_reserve: bool = False) -> tuple[int, bytes]:
        """Burn the next tag key of this party's direction, then return its number and itself.

        Parameters
        ----------
        use_reserve : bool
            Also draw the last `RESERVE` keys, which are kept for settling pending blocks.

        Raises
        ------
        PoolError
            No key is left beyond the reserve.
        """
        with self._database.transaction() as connection:
            drawn = pool.draw(connection, self._send, 0 if use_reserve else pool.RESERVE)
        return drawn

    def receive_key(self, index: int) -> bytes:
        """Return the peer's tag key `index` and burn nothing: the tag is yet to be verified.

        Raises
        ------
        PoolError
            The key was already used, or is beyond what the pool holds.
        """
        with self._database.reading() as connection:
            return pool.look(connection, self._receive, index)

    def accept(self, index: int) -> None:
        """Burn the peer's tag keys up to and including `index`, whose tag has verified.

        Raises
        ------
        PoolError
            The key was already used, or is beyond what the pool holds.
        """
        with self._database.transaction() as connection:
            pool.burn(connection, self._receive, index)

    def remaining(self) -> tuple[int, int]:
        """Return the number of keys left to send with, reserve included, and to receive with."""
        with self._database.reading() as connection:
            return (
                len(pool.span(connection, self._send)),
                len(pool.span(connection, self._receive)),
            )

    # ---- failed attempts of a peer -----------------------------------------------------------

    def record_failure(self, now: float | None = None) -> None:
        """Remember that a peer failed to authenticate at `now` (Unix time in seconds)."""
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT INTO failure VALUES (1, 1, ?) ON CONFLICT (only) DO UPDATE SET "
                "count = count + 1, last_s = excluded.last_s",
                (time.time() if now is None else now,),
            )

    def clear_failures(self) -> None:
        """Forget failed attempts: a peer has authenticated."""
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM failure")

    def seconds_until_next_attempt(self, now: float | None = None) -> float:
        """Return how long the next peer must wait: 1 s, doubled by every failure, at most 60 s.

        The wait survives a restart, so it goes by the wall clock; set back, the clock costs at
        most one full wait.
        """
        with self._database.reading() as connection:
            row = connection.execute("SELECT count, last_s FROM failure").fetchone()
        if row is None:
            return 0.0
        count, last_s = int(row[0]), float(row[1])
        wait = min(LONGEST_WAIT_S, 2.0 ** min(count - 1, 10))
        left = last_s + wait - (time.time() if now is None else now)
        return min(max(left, 0.0), wait)

    # ---- keys --------------------------------------------------------------------------------

    def put_pending(self, key: Key, refill_alice_to_bob: bytes, refill_bob_to_alice: bytes) -> None:
        """Store a key whose commit the peer has not confirmed, with its refills of the pool.

        Parameters
        ----------
        key : DemonstrationKey or SecretKey
            Of the store's kind. Not visible through `keys` before `commit`.
        refill_alice_to_bob, refill_bob_to_alice : bytes
            Tag keys of 32 bytes each, cut from the same block; they are no part of `key`.

        Raises
        ------
        StoreError
            The identifier was used before, or the key is not of the store's kind.
        """
        if key.label != self.kind:
            raise StoreError(
                f"{self._database.path} holds {self.kind} keys, never a {key.label} key"
            )
        for refill in (refill_alice_to_bob, refill_bob_to_alice):
            pool.tag_key_rows("", refill)  # whole keys only
        with self._database.transaction() as connection:
            if _state(connection, key.key_id) is not None:
                raise StoreError(
                    f"block {key.key_id} is in the store already: use a new identifier"
                )
            connection.execute(
                f"INSERT INTO block ({_KEY_COLUMNS}, state, refill_alice_to_bob, "
                "refill_bob_to_alice) VALUES (?, ?, ?, ?, ?, ?, ?, 'pending', ?, ?)",
                (*_row(key), refill_alice_to_bob, refill_bob_to_alice),
            )

    def commit(self, key_id: str) -> None:
        """Make a pending key final and append its refills to the pool, in one transaction.

        Both parties must commit their blocks in the same order, or their pools part. Again for a
        committed key nothing happens.

        Raises
        ------
        StoreError
            The block is not in the store, or was dropped.
        """
        with self._database.transaction() as connection:
            state = _state(connection, key_id)
            if state == "committed":
                return
            if state != "pending":
                why = "was dropped" if state else "is not in the store"
                raise StoreError(f"block {key_id} {why} and cannot be committed: settle it again")
            refills = connection.execute(
                "SELECT refill_alice_to_bob, refill_bob_to_alice FROM block WHERE key_id = ?",
                (key_id,),
            ).fetchone()
            pool.append(connection, pool.ALICE_TO_BOB, refills[0])
            pool.append(connection, pool.BOB_TO_ALICE, refills[1])
            connection.execute(
                "UPDATE block SET state = 'committed', refill_alice_to_bob = NULL, "
                "refill_bob_to_alice = NULL, "
                "place = (SELECT coalesce(max(place), -1) + 1 FROM block) WHERE key_id = ?",
                (key_id,),
            )

    def drop(self, key_id: str) -> None:
        """Erase a pending key and its refills; the identifier stays, as dropped.

        An identifier that the store never saw is kept as dropped too: once the peer was told so,
        it cannot be committed here.

        Raises
        ------
        StoreError
            The key is committed.
        """
        check_key_id(key_id)
        with self._database.transaction() as connection:
            if _state(connection, key_id) == "committed":
                raise StoreError(
                    f"block {key_id} is committed and cannot be dropped: settle it again"
                )
            connection.execute(
                "INSERT INTO block (key_id, state) VALUES (?, 'dropped') "
                "ON CONFLICT (key_id) DO UPDATE SET state = 'dropped', bits = NULL, "
                "length_bits = NULL, reasons = NULL, facts = NULL, epsilon = NULL, created = NULL, "
                "refill_alice_to_bob = NULL, refill_bob_to_alice = NULL",
                (key_id,),
            )

    def pending_ids(self) -> list[str]:
        """Return the identifiers of pending keys in the order in which they were put."""
        with self._database.reading() as connection:
            rows = connection.execute(
                "SELECT key_id FROM block WHERE state = 'pending' ORDER BY number"
            ).fetchall()
        return [key_id for (key_id,) in rows]

    def state(self, key_id: str) -> State | None:
        """Return the state of a block, None if the store never saw it."""
        with self._database.reading() as connection:
            return _state(connection, key_id)

    def keys(self) -> list[Key]:
        """Return the committed keys, of the store's kind, in the order of their commits."""
        with self._database.reading() as connection:
            rows = connection.execute(
                f"SELECT {_KEY_COLUMNS} FROM block WHERE state = 'committed' ORDER BY place"
            ).fetchall()
        try:
            return [_key(self.kind, *row) for row in rows]
        except (TypeError, ValueError) as error:  # SQLite has no checksum over what it stores
            raise StoreError(f"key store {self._database.path} holds a damaged key") from error

    def level(self) -> dict[str, int]:
        """Return how many keys are ``stored`` and ``pending``, and the ``bits`` of the stored."""
        with self._database.reading() as connection:
            rows = connection.execute(
                "SELECT state, COUNT(*), COALESCE(SUM(length_bits), 0) FROM block "
                "WHERE state IN ('committed', 'pending') GROUP BY state"
            ).fetchall()
        found = {state: (count, bits) for state, count, bits in rows}
        stored, bits = found.get("committed", (0, 0))
        return {"stored": stored, "pending": found.get("pending", (0, 0))[0], "bits": bits}

    @property
    def epsilon_spent(self) -> float:
        """Sum of the epsilons of the committed keys."""
        with self._database.reading() as connection:
            rows = connection.execute(
                "SELECT epsilon FROM block WHERE state = 'committed'"
            ).fetchall()
        return math.fsum(epsilon for (epsilon,) in rows)

    # ---- what may be distilled once ----------------------------------------------------------

    def claim_pulses(self, record_id: str, first: int, last: int) -> None:
        """Remember, before their bits are used, that pulses of a record are being distilled.

        Raises
        ------
        InputError
            Pulses up to `first` or later were claimed before: their bits would leak twice.
        """
        if not 0 <= first <= last <= _LARGEST_PULSE:
            raise ValueError(f"pulses must be 0 <= first <= last < 2**63, not {first} to {last}")
        with self._database.transaction() as connection:
            row = connection.execute(
                "SELECT last FROM pulses_claimed WHERE record_id = ?", (record_id,)
            ).fetchone()
            if row is not None and first <= row[0]:
                raise InputError(
                    f"pulses {first} to {last} of record {record_id!r} were distilled before (up "
                    f"to {row[0]}) and would leak the same bits twice: use later pulses or a new "
                    f"record"
                )
            connection.execute(
                "INSERT INTO pulses_claimed VALUES (?, ?) "
                "ON CONFLICT (record_id) DO UPDATE SET last = excluded.last",
                (record_id, last),
            )

    def claim_run(self, run_id: str) -> None:
        """Remember, before its bits are used, that a recorded run is being distilled.

        Raises
        ------
        InputError
            It was claimed before: its bits would leak twice.
        """
        with self._database.transaction() as connection:
            done = connection.execute(
                "SELECT 1 FROM run_claimed WHERE run_id = ?", (run_id,)
            ).fetchone()
            if done is not None:
                raise InputError(
                    f"run {run_id!r} was distilled before and would leak the same bits twice: "
                    f"replay it with its transcript, or take a new recording"
                )
            connection.execute("INSERT INTO run_claimed VALUES (?)", (run_id,))


def _state(connection: sqlite3.Connection, key_id: str) -> State | None:
    row = connection.execute("SELECT state FROM block WHERE key_id = ?", (key_id,)).fetchone()
    return None if row is None else row[0]


def _row(key: Key) -> tuple[Any, ...]:
    reasons = json.dumps(key.reasons)
    facts = json.dumps(key.facts, allow_nan=False)
    return (key.key_id, key.bits, key.length_bits, reasons, facts, key.epsilon, key.created)


def _key(
    kind: Kind,
    key_id: str,
    bits: bytes,
    length_bits: int,
    reasons: str,
    facts: str,
    epsilon: float,
    created: str,
) -> Key:
    stored: dict[str, Any] = json.loads(facts)
    if kind == "secret":
        return SecretKey(key_id, bytes(bits), length_bits, stored, epsilon, created)
    return DemonstrationKey(
        key_id, bytes(bits), length_bits, tuple(json.loads(reasons)), stored, epsilon, created
    )
