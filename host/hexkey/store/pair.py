"""The birth of a pair of stores: one pool, given to two parties who met beforehand."""

from pathlib import Path
from typing import Any, Literal, get_args

from hexkey.errors import ConfigurationError, StoreError
from hexkey.randomness import Randomness
from hexkey.store.database import create, remove
from hexkey.store.pool import ALICE_TO_BOB, BOB_TO_ALICE, TAG_KEY_BYTES, tag_key_rows

Kind = Literal["demonstration", "secret"]

SCHEMA = (
    """CREATE TABLE identity (
        only INTEGER PRIMARY KEY CHECK (only = 1),
        role TEXT NOT NULL CHECK (role IN ('alice', 'bob')),
        kind TEXT NOT NULL CHECK (kind IN ('demonstration', 'secret')),
        pool_id TEXT NOT NULL
    )""",
    """CREATE TABLE direction (
        name TEXT PRIMARY KEY CHECK (name IN ('alice->bob', 'bob->alice')),
        first INTEGER NOT NULL,
        end INTEGER NOT NULL,
        CHECK (0 <= first AND first <= end)
    )""",
    f"""CREATE TABLE tag_key (
        direction TEXT NOT NULL REFERENCES direction (name),
        number INTEGER NOT NULL,
        secret BLOB NOT NULL CHECK (length(secret) = {TAG_KEY_BYTES}),
        PRIMARY KEY (direction, number)
    ) WITHOUT ROWID""",
    """CREATE TABLE block (
        number INTEGER PRIMARY KEY,
        key_id TEXT NOT NULL UNIQUE,
        state TEXT NOT NULL CHECK (state IN ('pending', 'committed', 'dropped')),
        place INTEGER UNIQUE,
        bits BLOB,
        length_bits INTEGER,
        reasons TEXT,
        facts TEXT,
        epsilon REAL,
        created TEXT,
        refill_alice_to_bob BLOB,
        refill_bob_to_alice BLOB,
        CHECK ((state = 'dropped') = (bits IS NULL)),
        CHECK ((state = 'committed') = (place IS NOT NULL)),
        CHECK ((state = 'pending') = (refill_alice_to_bob IS NOT NULL)),
        CHECK ((state = 'pending') = (refill_bob_to_alice IS NOT NULL))
    )""",
    "CREATE TABLE pulses_claimed (record_id TEXT PRIMARY KEY, last INTEGER NOT NULL)",
    "CREATE TABLE run_claimed (run_id TEXT PRIMARY KEY)",
    """CREATE TABLE failure (
        only INTEGER PRIMARY KEY CHECK (only = 1),
        count INTEGER NOT NULL,
        last_s REAL NOT NULL
    )""",
)


def create_pair(
    alice_path: str | Path,
    bob_path: str | Path,
    tag_keys_per_direction: int,
    randomness: Randomness,
    kind: Kind = "demonstration",
) -> None:
    """Create two stores that share a pool of one-time tag keys, and nothing else.

    Parameters
    ----------
    alice_path, bob_path : str or Path
        Files to create, mode 0600.
    tag_keys_per_direction : int
        Tag keys of 32 bytes for each of the directions alice->bob and bob->alice.
    randomness : Randomness
        Source of the pool and of its random name.
    kind : {"demonstration", "secret"}
        Which keys the stores will hold. They never hold others.

    Raises
    ------
    ConfigurationError
        There would be no key in the pool, or a pool for secret keys that is not random.
    StoreError
        A file exists or cannot be written; then neither is left behind.
    """
    if tag_keys_per_direction < 1:
        raise ConfigurationError(
            f"the pool must start with at least 1 tag key per direction, not "
            f"{tag_keys_per_direction}"
        )
    if kind not in get_args(Kind):
        raise ConfigurationError(f"the kind of a store is {' or '.join(get_args(Kind))}")
    if kind == "secret" and (reason := randomness.reason_for_demonstration):
        raise ConfigurationError(f"stores for secret keys cannot be made: {reason}")
    alice, bob = Path(alice_path), Path(bob_path)
    for path in (alice, bob):  # both, before either is made
        if path.exists():
            raise StoreError(f"{path} exists and is not overwritten: remove it or give another")
    pool_id = randomness.bytes(16).hex()
    rows = _pool_rows(tag_keys_per_direction, randomness)
    create(alice, SCHEMA, {"identity": [(1, "alice", kind, pool_id)], **rows})
    try:
        create(bob, SCHEMA, {"identity": [(1, "bob", kind, pool_id)], **rows})
    except BaseException:
        remove(alice)
        raise


def _pool_rows(count: int, randomness: Randomness) -> dict[str, list[tuple[Any, ...]]]:
    directions = (ALICE_TO_BOB, BOB_TO_ALICE)
    return {
        "direction": [(name, 0, count) for name in directions],
        "tag_key": [
            row
            for name in directions
            for row in tag_key_rows(name, randomness.bytes(TAG_KEY_BYTES * count))
        ],
    }
