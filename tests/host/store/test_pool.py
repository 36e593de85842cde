"""The authentication pool: every key once, replays named, forgeries cost nothing."""

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from hexkey.errors import PoolError
from hexkey.randomness import Seeded
from hexkey.store import RESERVE, TAG_KEY_BYTES, DemonstrationKey, Store

KEYS = 40  # of the fixture `pair`, per direction
Pair = tuple[Path, Path]


def test_what_one_party_draws_the_other_receives(pair: Pair) -> None:
    with Store.open(pair[0]) as alice, Store.open(pair[1]) as bob:
        for expected in range(5):
            for sender, receiver in ((alice, bob), (bob, alice)):
                index, secret = sender.draw_send_key()
                assert index == expected
                assert len(secret) == TAG_KEY_BYTES
                assert receiver.receive_key(index) == secret
                receiver.accept(index)
        assert alice.remaining() == bob.remaining() == (KEYS - 5, KEYS - 5)


def test_all_keys_of_the_pool_differ(pair: Pair) -> None:
    with Store.open(pair[0]) as alice:
        sent = {alice.draw_send_key(use_reserve=True)[1] for _ in range(KEYS)}
        received = {alice.receive_key(index) for index in range(KEYS)}
    assert len(sent | received) == 2 * KEYS


def test_the_reserve_is_drawn_for_settling_only(pair: Pair) -> None:
    with Store.open(pair[0]) as alice:
        for _ in range(KEYS - RESERVE):
            alice.draw_send_key()
        with pytest.raises(PoolError, match="holds 8 keys for alice->bob and 8 of them are kept"):
            alice.draw_send_key()
        for _ in range(RESERVE):
            alice.draw_send_key(use_reserve=True)
        with pytest.raises(PoolError, match="holds 0 keys"):
            alice.draw_send_key(use_reserve=True)
        assert alice.remaining() == (0, KEYS)


def test_failed_verifications_burn_nothing(pair: Pair) -> None:
    with Store.open(pair[1]) as bob:
        for _ in range(1000):  # forged traffic, each message with the largest index it can claim
            bob.receive_key(KEYS - 1)
        assert bob.remaining() == (KEYS, KEYS)


def test_a_replay_is_named(pair: Pair) -> None:
    with Store.open(pair[1]) as bob:
        bob.accept(3)  # messages 0 to 2 were lost
        for index in range(4):
            with pytest.raises(
                PoolError, match=f"key {index} of alice->bob was already used: a re"
            ):
                bob.receive_key(index)
            with pytest.raises(PoolError, match="already used"):
                bob.accept(index)
        assert bob.remaining() == (KEYS, KEYS - 4)
        bob.receive_key(4)


@pytest.mark.parametrize("index", [KEYS, 2**32, 2**64 - 1])
def test_an_index_beyond_the_pool_is_named(pair: Pair, index: int) -> None:
    with Store.open(pair[1]) as bob:
        for use in (bob.receive_key, bob.accept):
            with pytest.raises(PoolError, match=f"key {index} .* beyond the {KEYS} .*mismatched"):
                use(index)
        assert bob.remaining() == (KEYS, KEYS)


def test_a_store_restored_from_a_backup_is_noticed_by_the_peer(pair: Pair) -> None:
    backup = pair[0].read_bytes()
    with Store.open(pair[0]) as alice, Store.open(pair[1]) as bob:
        bob.accept(alice.draw_send_key()[0])
    pair[0].write_bytes(backup)
    with Store.open(pair[0]) as alice, Store.open(pair[1]) as bob:
        with pytest.raises(PoolError, match="restored from a backup"):
            bob.receive_key(alice.draw_send_key()[0])


def test_indices_go_on_in_the_next_session(pair: Pair) -> None:
    for expected in range(3):
        with Store.open(pair[0]) as alice:
            assert alice.draw_send_key()[0] == expected


def test_threads_of_one_session_never_share_a_key(pair: Pair) -> None:
    drawn: list[int] = []
    with Store.open(pair[0]) as alice:

        def draw() -> None:
            drawn.extend(alice.draw_send_key()[0] for _ in range(8))

        threads = [threading.Thread(target=draw) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(drawn) == list(range(32))


def test_burnt_keys_are_gone_from_the_file(
    pair: Pair, make_key: Callable[..., DemonstrationKey]
) -> None:
    refill = Seeded(3).bytes(6400)
    dropped = make_key(2, bits=50_000)
    used = []
    with Store.open(pair[0]) as alice, Store.open(pair[1]) as bob:
        for store in (alice, bob):
            store.put_pending(make_key(1), refill, refill[::-1])
            store.put_pending(dropped, refill, refill)
            store.commit(make_key(1).key_id)
            store.drop(dropped.key_id)
        while alice.remaining()[0] > RESERVE:
            index, secret = alice.draw_send_key()
            assert bob.receive_key(index) == secret
            bob.accept(index)
            used.append(secret)
    assert len(used) == KEYS + 200 - RESERVE
    for path in (*pair, *(Path(f"{path}-journal") for path in pair)):
        content = path.read_bytes()
        assert not any(secret in content for secret in used)
        assert not any(dropped.bits[at : at + 32] in content for at in range(0, 6000, 64))


def test_the_wait_after_failures_doubles_up_to_a_minute(pair: Pair) -> None:
    expected = [1, 2, 4, 8, 16, 32, 60, 60]
    with Store.open(pair[1]) as bob:
        assert bob.seconds_until_next_attempt(now=0.0) == 0
        for wait in expected:
            bob.record_failure(now=1000.0)
            assert bob.seconds_until_next_attempt(now=1000.0) == wait
            assert bob.seconds_until_next_attempt(now=1000.25) == wait - 0.25
            assert bob.seconds_until_next_attempt(now=1000.0 + wait) == 0
        assert bob.seconds_until_next_attempt(now=0.0) == 60  # a clock set back costs one wait
    with Store.open(pair[1]) as bob:
        assert bob.seconds_until_next_attempt(now=1000.0) == 60  # also after a restart
        bob.clear_failures()
        assert bob.seconds_until_next_attempt(now=1000.0) == 0
        bob.record_failure()
        assert 0.5 < bob.seconds_until_next_attempt() <= 1
        with bob._database.transaction() as connection:
            connection.execute("UPDATE failure SET count = 1000000")
        assert bob.seconds_until_next_attempt() <= 60
