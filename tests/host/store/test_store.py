"""Keys are pending, committed or dropped, and nothing else; pulses are distilled once."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from hexkey.errors import ConfigurationError, InputError, StoreError
from hexkey.randomness import OperatingSystem, Seeded
from hexkey.store import RESERVE, DemonstrationKey, SecretKey, Store, create_pair

KEYS = 40
Pair = tuple[Path, Path]
MakeKey = Callable[..., DemonstrationKey]
REFILL = b"R" * 64, b"r" * 96


def test_a_pending_key_and_its_refill_are_not_visible(pair: Pair, make_key: MakeKey) -> None:
    with Store.open(pair[0]) as store:
        store.put_pending(make_key(1), *REFILL)
        assert store.pending_ids() == [make_key(1).key_id]
        assert store.state(make_key(1).key_id) == "pending"
        assert store.keys() == []
        assert store.epsilon_spent == 0
        assert store.remaining() == (KEYS, KEYS)


def test_a_commit_shows_the_key_and_refills_both_directions(pair: Pair, make_key: MakeKey) -> None:
    key = make_key(1, qber=0.0649, blocks={"ok": 1})
    with Store.open(pair[0]) as alice, Store.open(pair[1]) as bob:
        for store in (alice, bob):
            store.put_pending(key, *REFILL)
            store.commit(key.key_id)
            assert store.state(key.key_id) == "committed"
            assert store.keys() == [key]
            assert store.pending_ids() == []
        assert alice.remaining() == (KEYS + 2, KEYS + 3)
        assert bob.remaining() == (KEYS + 3, KEYS + 2)
        assert alice.receive_key(KEYS) == b"r" * 32
        assert bob.receive_key(KEYS + 1) == b"R" * 32


def test_a_commit_again_changes_nothing(pair: Pair, make_key: MakeKey) -> None:
    with Store.open(pair[0]) as store:
        store.put_pending(make_key(1), *REFILL)
        for _ in range(3):
            store.commit(make_key(1).key_id)
            assert store.remaining() == (KEYS + 2, KEYS + 3)
            assert len(store.keys()) == 1


def test_a_dropped_key_never_comes_back(pair: Pair, make_key: MakeKey) -> None:
    key = make_key(1)
    with Store.open(pair[0]) as store:
        store.put_pending(key, *REFILL)
        for _ in range(2):
            store.drop(key.key_id)
            assert store.state(key.key_id) == "dropped"
        with pytest.raises(StoreError, match="was dropped"):
            store.commit(key.key_id)
        with pytest.raises(StoreError, match="in the store already"):
            store.put_pending(key, *REFILL)
        assert store.keys() == []
        assert store.pending_ids() == []
        assert store.remaining() == (KEYS, KEYS)


def test_a_committed_key_is_not_dropped(pair: Pair, make_key: MakeKey) -> None:
    key = make_key(1)  # made once: it carries the second in which it was
    with Store.open(pair[0]) as store:
        store.put_pending(key, *REFILL)
        store.commit(key.key_id)
        with pytest.raises(StoreError, match="is committed"):
            store.drop(key.key_id)
        assert store.keys() == [key]


def test_an_unknown_block_is_not_committed_and_once_dropped_stays_dropped(
    pair: Pair, make_key: MakeKey
) -> None:
    key = make_key(1)
    with Store.open(pair[0]) as store:
        assert store.state(key.key_id) is None
        with pytest.raises(StoreError, match="is not in the store"):
            store.commit(key.key_id)
        store.drop(key.key_id)
        assert store.state(key.key_id) == "dropped"
        with pytest.raises(StoreError, match="in the store already"):
            store.put_pending(key, *REFILL)


def test_keys_are_listed_in_the_order_of_their_commits(pair: Pair, make_key: MakeKey) -> None:
    keys = [make_key(number) for number in (5, 3, 9, 1)]
    with Store.open(pair[0]) as store:
        for key in keys:
            store.put_pending(key, b"", b"")
        assert store.pending_ids() == [key.key_id for key in keys]
        for place in (2, 0, 3):
            store.commit(keys[place].key_id)
        assert store.keys() == [keys[2], keys[0], keys[3]]
        assert store.pending_ids() == [keys[1].key_id]
        assert store.epsilon_spent == pytest.approx(3e-10, rel=1e-12)


def test_everything_survives_the_end_of_a_session(pair: Pair, make_key: MakeKey) -> None:
    key = make_key(1)
    with Store.open(pair[0]) as store:
        store.put_pending(key, *REFILL)
    with Store.open(pair[0]) as store:
        store.commit(key.key_id)
    with Store.open(pair[0], read_only=True) as store:
        assert store.keys() == [key]
        assert store.remaining() == (KEYS + 2, KEYS + 3)


def test_refills_are_whole_tag_keys(pair: Pair, make_key: MakeKey) -> None:
    with Store.open(pair[0]) as store:
        for refills in ((b"x" * 31, b""), (b"", b"x" * 33)):
            with pytest.raises(ValueError, match="32 bytes each"):
                store.put_pending(make_key(1), *refills)
        assert store.pending_ids() == []


def test_pulses_of_a_record_are_claimed_once(pair: Pair) -> None:
    with Store.open(pair[0]) as store:
        store.claim_pulses("spring", 0, 999)
        store.claim_pulses("spring", 1000, 1000)
        store.claim_pulses("autumn", 500, 600)
    with Store.open(pair[0]) as store:
        for first, last in ((1000, 2000), (0, 5), (999, 5000)):
            with pytest.raises(InputError, match=f"{first} to {last} of record 'spring' were"):
                store.claim_pulses("spring", first, last)
        with pytest.raises(InputError, match="autumn"):
            store.claim_pulses("autumn", 0, 1)  # unclaimed, but below: offsets could hide a repeat
        store.claim_pulses("spring", 1001, 2**63 - 1)
        for wrong in ((5, 4), (-1, 4), (0, 2**63)):
            with pytest.raises(ValueError, match="pulses must be"):
                store.claim_pulses("winter", *wrong)


def test_a_run_is_claimed_once(pair: Pair) -> None:
    with Store.open(pair[0]) as store:
        store.claim_run("run-1")
        store.claim_run("run-2")
    with Store.open(pair[0]) as store, pytest.raises(InputError, match="'run-1' was distilled"):
        store.claim_run("run-1")


def test_no_text_shows_bits(pair: Pair, make_key: MakeKey) -> None:
    key = make_key(1, bits=64)
    with Store.open(pair[0]) as store:
        store.put_pending(key, *REFILL)
        texts = [repr(key), str(key), f"{key}", repr(store), str(store), repr([key])]
        with pytest.raises(StoreError) as caught:
            store.put_pending(key, *REFILL)
        texts.append(repr(caught.value))
    for text in texts:
        assert "bits=" not in text.replace("length_bits=", "")
        assert key.bits.hex() not in text
        assert repr(key.bits)[2:-1] not in text
    assert key.label == "demonstration"
    assert hash(key) == hash(make_key(1, bits=64))


def test_the_kind_and_role_are_read_from_the_file(pair: Pair) -> None:
    with Store.open(pair[0]) as alice, Store.open(pair[1]) as bob:
        assert (alice.role, bob.role) == ("alice", "bob")
        assert alice.kind == bob.kind == "demonstration"
        assert alice.pool_id == bob.pool_id
        assert re.fullmatch("[0-9a-f]{32}", alice.pool_id)
        assert "alice" in repr(alice)
    assert RESERVE == 8


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("key_id", "ABCD", "key_id must be a UUID"),
        ("key_id", "{00000000-0000-0000-0000-000000000001}", "key_id must be a UUID"),
        ("bits", b"1", "do not pack"),
        ("bits", b"11", "padded"),
        ("length_bits", 0, "do not pack"),
        ("reasons", (), "why the key is a demonstration"),
        ("epsilon", float("nan"), "epsilon must be"),
        ("epsilon", -1.0, "epsilon must be"),
        ("created", "2026-01-01T00:00:00", "in UTC"),
        ("created", "2026-01-01T00:00:00+01:00", "in UTC"),
    ],
)
def test_a_malformed_key_is_not_made(field: str, value: object, message: str) -> None:
    fields = {
        "key_id": "00000000-0000-0000-0000-000000000001",
        "bits": b"1\x01",
        "length_bits": 9,
        "reasons": ("a test",),
        "facts": {},
        "epsilon": 1e-10,
        "created": "2026-01-01T00:00:00+00:00",
    }
    DemonstrationKey(**fields)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=message):
        DemonstrationKey(**fields | {field: value})  # type: ignore[arg-type]


def test_facts_that_json_cannot_hold_are_refused(pair: Pair, make_key: MakeKey) -> None:
    with Store.open(pair[0]) as store:
        with pytest.raises(ValueError, match="JSON"):
            store.put_pending(make_key(1, qber=float("nan")), *REFILL)
        key = make_key(2, qber=0.5, dropped={"qber": 3}, names=["a", "ö"])
        store.put_pending(key, *REFILL)
        store.commit(key.key_id)
        assert json.dumps(store.keys()[0].facts) == json.dumps(key.facts)


def test_a_pool_for_secret_keys_comes_from_no_seed(tmp_path: Path) -> None:
    paths = tmp_path / "alice.store", tmp_path / "bob.store"
    with pytest.raises(ConfigurationError, match=r"keys cannot be made: .* seed"):
        create_pair(*paths, 4, Seeded(1), "secret")
    with pytest.raises(ConfigurationError, match="kind of a store is demonstration or secret"):
        create_pair(*paths, 4, Seeded(1), "public")  # type: ignore[arg-type]
    assert not any(path.exists() for path in paths)


def test_a_secret_key_comes_back_as_it_was_put(tmp_path: Path) -> None:
    paths = tmp_path / "alice.store", tmp_path / "bob.store"
    create_pair(*paths, 4, OperatingSystem(), "secret")
    key_id = "01234567-89ab-4cde-8f01-23456789abcd"
    key = SecretKey.fresh(key_id, np.ones(12, np.uint8), {"sifted_bits": 40}, 1e-9)
    with Store.open(paths[0]) as store:
        assert "secret" in repr(store)
        store.put_pending(key, bytes(32), b"")
        assert store.keys() == []
        store.commit(key_id)
    with Store.open(paths[0], read_only=True) as store:
        assert store.keys() == [key]
        assert store.remaining() == (5, 4)
    assert "ff" not in repr(key)
