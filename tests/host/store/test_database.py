"""The file: its permissions, its lock, and one sentence for everything that is wrong with it."""

import os
import resource
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from hexkey.errors import ConfigurationError, StoreError
from hexkey.randomness import Seeded
from hexkey.store import DemonstrationKey, Store, create_pair

KEYS = 40
Pair = tuple[Path, Path]
MakeKey = Callable[..., DemonstrationKey]
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}


@contextmanager
def connected(path: Path) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(path)
    with connection:
        yield connection
    connection.close()


def use(path: Path) -> None:
    with Store.open(path) as store:
        store.draw_send_key()
        store.keys()


# ---- creation and permissions ----------------------------------------------------------------


def test_only_the_owner_can_read_store_and_journal(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        paths = tmp_path / "alice.sqlite", tmp_path / "bob.sqlite"
        create_pair(*paths, KEYS, Seeded(1))
        for path in paths:
            path.with_name(f"{path.name}-journal").unlink(missing_ok=True)
            with Store.open(path) as store:
                store.draw_send_key()
    finally:
        os.umask(before)
    modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
    names = "alice.sqlite", "alice.sqlite-journal", "bob.sqlite", "bob.sqlite-journal"
    assert modes == dict.fromkeys(names, 0o600)


def test_both_files_share_the_pool_and_nothing_else(pair: Pair) -> None:
    with connected(pair[0]) as alice, connected(pair[1]) as bob:
        pools = [
            connection.execute("SELECT * FROM tag_key").fetchall() for connection in (alice, bob)
        ]
        identities = [
            connection.execute("SELECT role, kind, pool_id FROM identity").fetchone()
            for connection in (alice, bob)
        ]
    assert pools[0] == pools[1]
    assert len(pools[0]) == 2 * KEYS
    assert identities[0][1:] == identities[1][1:]


def test_another_pair_has_another_pool(pair: Pair, tmp_path: Path) -> None:
    other = tmp_path / "a", tmp_path / "b"
    create_pair(*other, KEYS, Seeded(8))
    with Store.open(pair[0]) as first, Store.open(other[0]) as second:
        assert first.pool_id != second.pool_id
        assert first.draw_send_key()[1] != second.draw_send_key()[1]


@pytest.mark.parametrize("existing", [0, 1])
def test_existing_files_are_not_overwritten(tmp_path: Path, existing: int) -> None:
    paths = tmp_path / "alice.sqlite", tmp_path / "bob.sqlite"
    paths[existing].write_text("precious")
    with pytest.raises(StoreError, match="exists and is not overwritten"):
        create_pair(*paths, KEYS, Seeded(1))
    assert paths[existing].read_text() == "precious"
    assert not paths[1 - existing].exists()


def test_a_pair_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    alice, bob = tmp_path / "alice.sqlite", tmp_path / "bob.sqlite"
    with pytest.raises(StoreError, match=r"missing/bob\.sqlite cannot be created: No such file"):
        create_pair(alice, tmp_path / "missing" / "bob.sqlite", KEYS, Seeded(1))
    with file_size_limit(8192), pytest.raises(StoreError, match="full or broken disk"):
        create_pair(alice, bob, 1000, Seeded(1))
    with pytest.raises(StoreError, match="exists"):
        create_pair(alice, alice, KEYS, Seeded(1))
    with pytest.raises(ConfigurationError, match="at least 1 tag key"):
        create_pair(alice, bob, 0, Seeded(1))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o602])
def test_a_store_that_others_may_read_is_refused(pair: Pair, mode: int) -> None:
    pair[0].chmod(mode)
    with pytest.raises(StoreError, match=f"open to others .mode {mode:03o}.*chmod 600"):
        Store.open(pair[0])


# ---- one session at a time ---------------------------------------------------------------------


def test_two_sessions_in_one_process_are_refused(pair: Pair) -> None:
    with Store.open(pair[0]) as store:
        for read_only in (False, True):
            with pytest.raises(StoreError, match="another session has it open"):
                Store.open(pair[0], read_only=read_only)
        store.draw_send_key()
    with Store.open(pair[0]) as store:
        assert store.draw_send_key()[0] == 1


OPEN = """
import sys
from hexkey.errors import StoreError
from hexkey.store import Store
try:
    with Store.open(sys.argv[1]):
        print("open", flush=True)
        sys.stdin.readline()
except StoreError as error:
    print(error, flush=True)
"""


def open_elsewhere(path: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", OPEN, path],
        env=ENVIRONMENT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_two_processes_on_one_store_are_refused(pair: Pair) -> None:
    with Store.open(pair[0]):
        said, _ = open_elsewhere(pair[0]).communicate("\n")
        assert "another session has it open: two sessions on one store are refused" in said
        # A refused open in this process must not drop its lock (POSIX locks would go with a close).
        with pytest.raises(StoreError):
            Store.open(pair[0])
        said, _ = open_elsewhere(pair[0]).communicate("\n")
        assert "another session" in said


def test_the_store_of_a_killed_process_opens_again(pair: Pair) -> None:
    with open_elsewhere(pair[0]) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
        with pytest.raises(StoreError):
            Store.open(pair[0])
        process.kill()
    with Store.open(pair[0]) as store:
        assert store.draw_send_key()[0] == 0


def test_a_reader_changes_nothing(pair: Pair, make_key: MakeKey) -> None:
    with Store.open(pair[0], read_only=True) as store, Store.open(pair[0], read_only=True):
        changes: list[Callable[[], object]] = [
            store.draw_send_key,
            lambda: store.accept(0),
            lambda: store.put_pending(make_key(1), b"", b""),
            lambda: store.drop(make_key(1).key_id),
            lambda: store.claim_run("run"),
            store.record_failure,
        ]
        for change in changes:
            with pytest.raises(StoreError, match="read-only"):
                change()
        assert store.remaining() == (KEYS, KEYS)


# ---- durability --------------------------------------------------------------------------------


def test_a_session_runs_with_the_settings_that_make_a_commit_durable(pair: Pair) -> None:
    expected = {
        "synchronous": 2,
        "journal_mode": "truncate",
        "secure_delete": 1,
        "locking_mode": "exclusive",
        "temp_store": 2,
        "foreign_keys": 1,
    }
    with Store.open(pair[0]) as store, store._database.reading() as connection:
        found = {name: connection.execute(f"PRAGMA {name}").fetchone()[0] for name in expected}
    assert found == expected


@contextmanager
def file_size_limit(limit: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@contextmanager
def page_limit(store: Store) -> Iterator[None]:
    with store._database.reading() as connection:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {pages}")
        yield
        connection.execute("PRAGMA max_page_count = 1000000")


@pytest.mark.parametrize("limited_by", ["file size", "pages"])
def test_a_full_disk_refuses_and_harms_nothing(
    pair: Pair, make_key: MakeKey, limited_by: str
) -> None:
    with Store.open(pair[0]) as store:
        store.put_pending(make_key(1), b"x" * 64_000, b"y" * 64_000)
        size = pair[0].stat().st_size
        limit = file_size_limit(size) if limited_by == "file size" else page_limit(store)
        with limit:
            with pytest.raises(StoreError, match="full"):
                store.put_pending(make_key(2, bits=1_000_000), b"", b"")
            with pytest.raises(StoreError, match="full"):
                store.commit(make_key(1).key_id)  # the refill moves to pages of its own
            assert store.state(make_key(1).key_id) == "pending"
            assert store.remaining() == (KEYS, KEYS)
        assert store.pending_ids() == [make_key(1).key_id]
        store.commit(make_key(1).key_id)
        assert store.remaining() == (KEYS + 2000, KEYS + 2000)
        assert store.draw_send_key()[0] == 0


def test_a_key_whose_burning_failed_was_not_handed_out(pair: Pair) -> None:
    with Store.open(pair[0]) as store:
        with file_size_limit(100), pytest.raises(StoreError, match="full or broken disk"):
            store.draw_send_key()  # the journal cannot be written
        assert store.remaining() == (KEYS, KEYS)
        assert store.draw_send_key()[0] == 0


# ---- files that are not sound stores of this format ----------------------------------------------


def test_a_missing_store(tmp_path: Path) -> None:
    for path in (tmp_path / "none.sqlite", tmp_path):
        for read_only in (False, True):
            with pytest.raises(StoreError, match="there is no key store at"):
                Store.open(path, read_only=read_only)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"hexkey", b"\x00" * 5000, b"SQLite format 3\x00" * 300])
def test_foreign_files_are_refused_and_left_alone(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "other"
    path.write_bytes(content)
    path.chmod(0o600)
    for read_only in (False, True):
        with pytest.raises(StoreError, match="not a hexkey key store"):
            Store.open(path, read_only=read_only)
    assert path.read_bytes() == content


def test_the_database_of_another_program_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other"
    with connected(path) as connection:
        connection.execute("CREATE TABLE block (key_id TEXT)")
    path.chmod(0o600)
    with pytest.raises(StoreError, match="is not a hexkey key store"):
        Store.open(path)


@pytest.mark.parametrize("version", [0, 2, 77])
def test_another_format_version_is_refused_by_name(pair: Pair, version: int) -> None:
    with connected(pair[0]) as connection:
        connection.execute(f"PRAGMA user_version = {version}")
    with pytest.raises(StoreError, match=f"of format {version}, .* reads format 1 only"):
        Store.open(pair[0])


@pytest.mark.parametrize("table", ["identity", "direction", "tag_key", "block"])
def test_a_store_without_one_of_its_tables_is_damaged(
    pair: Pair, make_key: MakeKey, table: str
) -> None:
    with connected(pair[0]) as connection:
        connection.execute(f"DROP TABLE {table}")
    with pytest.raises(StoreError, match="damaged"):
        use(pair[0])


@pytest.mark.parametrize("table", ["identity", "direction", "tag_key"])
def test_a_store_without_rows_is_damaged(pair: Pair, table: str) -> None:
    with connected(pair[0]) as connection:
        connection.execute(f"DELETE FROM {table}")
    with pytest.raises(StoreError, match="create a new pair"), Store.open(pair[0]) as store:
        store.draw_send_key()


def test_a_store_cut_short_is_damaged(pair: Pair) -> None:
    content = pair[0].read_bytes()
    pair[0].write_bytes(content[: len(content) // 2])
    with pytest.raises(StoreError, match="damaged"):
        Store.open(pair[0])


def test_damage_anywhere_is_a_sentence_or_harmless(pair: Pair, make_key: MakeKey) -> None:
    with Store.open(pair[0]) as store:
        for number in range(3):
            store.put_pending(make_key(number, bits=30_000), b"x" * 64, b"y" * 64)
            store.commit(make_key(number).key_id)
    sound = pair[0].read_bytes()
    copy = pair[0].with_name("copy.sqlite")
    refused = 0
    for start in range(0, len(sound), 512):
        shutil.copy(pair[0], copy)
        with copy.open("r+b") as file:
            file.seek(start)
            file.write(b"\xa5" * 64)
        try:
            use(copy)
        except StoreError:
            refused += 1
    assert refused > len(sound) // 4096  # the start of each page at least
