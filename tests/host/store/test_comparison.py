"""Two stores are equal when the same identifiers hold the same bits on both sides."""

from collections.abc import Callable
from pathlib import Path

import pytest

from hexkey.errors import InputError, StoreError
from hexkey.store import Comparison, DemonstrationKey, Store, compare

Pair = tuple[Path, Path]
MakeKey = Callable[..., DemonstrationKey]


def commit(path: Path, *keys: DemonstrationKey) -> None:
    with Store.open(path) as store:
        for key in keys:
            store.put_pending(key, b"", b"")
            store.commit(key.key_id)


def test_equal_stores(pair: Pair, make_key: MakeKey) -> None:
    for path in pair:
        commit(path, make_key(1, bits=1001), make_key(2, bits=7))
    assert compare(*pair) == Comparison(True, 2, [], [], [], 1008)


def test_every_difference_is_listed_by_identifier(pair: Pair, make_key: MakeKey) -> None:
    commit(pair[0], make_key(1), make_key(2), make_key(3), make_key(4, bits=9))
    commit(pair[1], make_key(5), make_key(3, seed=1), make_key(1), make_key(4, bits=10))
    ids = {number: make_key(number).key_id for number in range(1, 6)}
    found = compare(*pair)
    assert found == Comparison(False, 3, [ids[2]], [ids[5]], [ids[3], ids[4]], 1001)
    assert make_key(3).bits.hex() not in repr(found)


def test_one_flipped_bit_is_a_difference(pair: Pair, make_key: MakeKey) -> None:
    key = make_key(1)
    flipped = bytes([key.bits[0] ^ 1]) + key.bits[1:]
    commit(pair[0], key)
    commit(
        pair[1],
        DemonstrationKey(
            key.key_id, flipped, key.length_bits, key.reasons, {}, key.epsilon, key.created
        ),
    )
    assert compare(*pair).differing == [key.key_id]


def test_pending_keys_do_not_count(pair: Pair, make_key: MakeKey) -> None:
    with Store.open(pair[0]) as store:
        store.put_pending(make_key(1), b"", b"")
    assert compare(*pair) == Comparison(True, 0, [], [], [], 0)


def test_a_store_is_not_compared_with_itself(pair: Pair, tmp_path: Path) -> None:
    link = tmp_path / "link.sqlite"
    link.symlink_to(pair[0])
    with pytest.raises(InputError, match="are one file"):
        compare(pair[0], link)


def test_a_store_in_a_session_is_not_compared(pair: Pair) -> None:
    with Store.open(pair[1]), pytest.raises(StoreError, match=r"bob.sqlite: another session"):
        compare(*pair)
