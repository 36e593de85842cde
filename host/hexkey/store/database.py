"""The SQLite file beneath a store: how it is made, recognised, locked and written.

Nothing here knows what the tables mean. Every failure of the file becomes a `StoreError` of one
sentence, and SQLite's messages never hold the values of a statement.
"""

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from hexkey.errors import StoreError

APPLICATION_ID = 0x48584B53  # "HXKS"
FORMAT_VERSION = 1
_BUSY_TIMEOUT_S = 0.25  # a reader is done within milliseconds; a session keeps the file for long

# FULL with TRUNCATE: a commit is on the medium before it returns. (FULL with DELETE is not: after a
# power failure the unlinked journal may be back, and with it a tag key that was burnt.)
_PRAGMAS = (
    "PRAGMA synchronous = FULL",
    "PRAGMA journal_mode = TRUNCATE",
    "PRAGMA secure_delete = ON",
    "PRAGMA temp_store = MEMORY",
    "PRAGMA cell_size_check = ON",
    "PRAGMA foreign_keys = ON",
    "PRAGMA trusted_schema = OFF",
)

_CAUSES = {
    sqlite3.SQLITE_FULL: "the disk is full: free some space and try again",
    sqlite3.SQLITE_IOERR: "reading or writing it failed: look for a full or broken disk",
    sqlite3.SQLITE_READONLY: "it is open or mounted read-only: open it for a session, or make the "
    "file and its folder writable",
    sqlite3.SQLITE_BUSY: "another session has it open: two sessions on one store are refused, end "
    "the other one first",
    sqlite3.SQLITE_CORRUPT: "it is damaged: create a new pair of stores",
    sqlite3.SQLITE_NOTADB: "it is not a hexkey key store, or its start is damaged",
    sqlite3.SQLITE_CANTOPEN: "it or its journal cannot be opened: check the path and its "
    "permissions",
    sqlite3.SQLITE_PERM: "access is not permitted: check who owns it",
}


class Database:
    """One open store file; thread-safe, one transaction at a time."""

    def __init__(self, path: Path, read_only: bool) -> None:
        self.path = path
        self._lock = threading.RLock()
        _check_file(path)
        with translated(path):
            self._connection = _connect(path, "rw" if os.access(path, os.W_OK) else "ro")
            try:
                self._recognise()
                self._guard() if read_only else self._claim()
                self._check_pages()
            except BaseException:
                self._connection.close()
                raise

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Yield the connection; all of the body is on the medium at the end, or none of it."""
        with self._lock, translated(self.path):
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):
                    self._connection.execute("ROLLBACK")
                raise

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Yield the connection for statements that only read."""
        with self._lock, translated(self.path):
            yield self._connection

    def close(self) -> None:
        with self._lock, translated(self.path):
            self._connection.close()

    def _recognise(self) -> None:
        if _single(self._connection, "PRAGMA application_id") != APPLICATION_ID:
            raise StoreError(f"{self.path} is not a hexkey key store: give the path of one")
        version = _single(self._connection, "PRAGMA user_version")
        if version != FORMAT_VERSION:
            raise StoreError(
                f"{self.path} is a key store of format {version}, and this version of hexkey reads "
                f"format {FORMAT_VERSION} only: use the version that wrote it"
            )

    def _claim(self) -> None:
        for pragma in _PRAGMAS:
            self._connection.execute(pragma)
        # From the first write lock on, this mode keeps the file until the connection closes.
        self._connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        self._connection.execute("BEGIN EXCLUSIVE")
        self._connection.execute("COMMIT")

    def _guard(self) -> None:
        # Not SQLite's own read-only mode: after a kill the reader must be able to roll back.
        self._connection.execute("PRAGMA query_only = ON")

    def _check_pages(self) -> None:
        if _single(self._connection, "PRAGMA quick_check(1)") != "ok":
            raise StoreError(f"key store {self.path}: {_CAUSES[sqlite3.SQLITE_CORRUPT]}")


def create(path: Path, schema: tuple[str, ...], rows: dict[str, list[tuple[Any, ...]]]) -> None:
    """Create a store file that only its owner can read, with `rows` for each table.

    Raises
    ------
    StoreError
        The file exists or cannot be written; in the second case nothing is left behind.
    """
    try:
        # SQLite gives its journal the permissions of the file that it belongs to.
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    except FileExistsError as error:
        raise StoreError(f"{path} exists and is not overwritten: give another path") from error
    except OSError as error:
        raise StoreError(f"key store {path} cannot be created: {error.strerror}") from error
    try:
        with translated(path):
            _fill(path, schema, rows)
            _sync_folder(path.parent)
    except BaseException:
        remove(path)
        raise


def remove(path: Path) -> None:
    """Remove a store file that was made a moment ago and its journal."""
    path.unlink(missing_ok=True)
    Path(f"{path}-journal").unlink(missing_ok=True)


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Turn SQLite's errors in the body into a `StoreError` that names `path`."""
    try:
        yield
    except sqlite3.ProgrammingError:
        raise  # the program's fault, not the file's: a store that was closed
    except UnicodeError as error:  # a text of the file, or SQLite's message that quotes it
        raise StoreError(f"key store {path}: {_CAUSES[sqlite3.SQLITE_CORRUPT]}") from error
    except (sqlite3.Error, OSError) as error:
        raise StoreError(f"key store {path}: {_cause(error)}") from error


def _cause(error: sqlite3.Error | OSError) -> str:
    code = getattr(error, "sqlite_errorcode", None)
    if code is not None and code & 0xFF in _CAUSES:
        return _CAUSES[code & 0xFF]
    if isinstance(error, sqlite3.OperationalError) and "no such" in str(error):
        return _CAUSES[sqlite3.SQLITE_CORRUPT]  # a table or a column of the format is missing
    return f"{error}: check the file and its disk"


def _check_file(path: Path) -> None:
    """Refuse what need not be opened to be refused.

    The file is never opened outside SQLite: closing it would drop this process's locks on it.
    """
    if not path.is_file():
        raise StoreError(f"there is no key store at {path}: create the pair of stores first")
    mode = path.stat().st_mode & 0o777
    if mode & 0o077:
        raise StoreError(
            f"key store {path} is open to others (mode {mode:03o}): look who could read it, then "
            f"run chmod 600 on it"
        )


def _connect(path: Path, mode: str) -> sqlite3.Connection:
    return sqlite3.connect(
        f"{path.resolve().as_uri()}?mode={mode}",
        uri=True,
        timeout=_BUSY_TIMEOUT_S,
        isolation_level=None,  # transactions are opened by hand, where they are meant
        check_same_thread=False,
    )


def _single(connection: sqlite3.Connection, query: str) -> Any:
    return connection.execute(query).fetchone()[0]


def _fill(path: Path, schema: tuple[str, ...], rows: dict[str, list[tuple[Any, ...]]]) -> None:
    connection = _connect(path, "rw")
    try:
        for pragma in _PRAGMAS:
            connection.execute(pragma)
        connection.execute("BEGIN EXCLUSIVE")
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {FORMAT_VERSION}")
        for statement in schema:
            connection.execute(statement)
        for table, values in rows.items():
            places = ", ".join("?" * len(values[0]))
            connection.executemany(f"INSERT INTO {table} VALUES ({places})", values)
        connection.execute("COMMIT")
    finally:
        connection.close()


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
