"""Kill a session at every point of a script of store operations, and say what the file then holds.

Run as a program of its own, because it forks: ``crash.py FOLDER statements|syscalls [SHIM]``.
For n = 1, 2, … it copies the store, forks a child that is killed with SIGKILL at the n-th point,
recovers the store and prints one line of JSON: how many operations the child had reported, and a
digest of the recovered content. The first line holds the digests of an unharmed run after each
operation. In the second mode the points are system calls, and the fatal write is torn in half.
"""

import ctypes
import hashlib
import json
import os
import shutil
import signal
import sqlite3
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

from hexkey.store import DemonstrationKey, Store

IDS = [f"00000000-0000-4000-8000-00000000000{n}" for n in range(3)]


def key(key_id: str) -> DemonstrationKey:
    bits = hashlib.shake_256(key_id.encode()).digest(6000)
    return DemonstrationKey(key_id, bits, 48000, ("a test",), {}, 1e-9, "2026-01-01T00:00:00+00:00")


Operation = Callable[[Store], Any]
OPERATIONS: list[Operation] = [
    lambda store: store.draw_send_key(),
    lambda store: store.accept(2),
    lambda store: store.put_pending(key(IDS[0]), b"a" * 320, b"b" * 320),
    lambda store: store.draw_send_key(),
    lambda store: store.commit(IDS[0]),
    lambda store: store.put_pending(key(IDS[1]), b"c" * 64, b"d" * 64),
    lambda store: store.drop(IDS[1]),
    lambda store: store.drop(IDS[2]),
    lambda store: store.claim_pulses("record", 0, 99),
    lambda store: store.claim_run("run"),
    lambda store: store.record_failure(now=1.0),
    lambda store: store.clear_failures(),
]


def digest(path: Path) -> str:
    """Recover the store as its next user would, then digest everything in it."""
    with Store.open(path):
        pass
    connection = sqlite3.connect(path)
    dump = "\n".join(connection.iterdump())
    connection.close()
    return hashlib.sha256(dump.encode()).hexdigest()


def unharmed(origin: Path, path: Path, operations: list[Operation]) -> list[str]:
    shutil.copy(origin, path)
    digests = [digest(path)]
    for operation in operations:
        with Store.open(path) as store:
            operation(store)
        digests.append(digest(path))
    return digests


def arm_statements(point: int) -> None:
    left = [point]

    def trace(_: str) -> None:
        left[0] -= 1
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def connect(path: str, **options: Any) -> sqlite3.Connection:
        connection = sqlite3.Connection(path, **options)
        connection.set_trace_callback(trace)
        return connection

    mock.patch("sqlite3.connect", connect).start()


def run(path: Path, operations: list[Operation], report: int) -> None:
    with Store.open(path) as store:
        for operation in operations:
            operation(store)
            os.write(report, b".")


def attempt(path: Path, operations: list[Operation], arm: Callable[[], Any]) -> tuple[bool, int]:
    """Return whether the child was killed and how many operations it had reported."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        arm()
        run(path, operations, writing)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        reported = len(pipe.read())
    status = os.waitpid(pid, 0)[1]
    killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
    if not killed and status != 0:
        raise SystemExit(f"the child failed with status {status}")
    return killed, reported


def main(folder: Path, mode: str, shim: str | None) -> None:
    origin, path = folder / "alice.sqlite", folder / "crash.sqlite"
    operations = OPERATIONS
    print(json.dumps(unharmed(origin, folder / "unharmed.sqlite", operations)))
    arm = ctypes.CDLL(shim).arm if mode == "syscalls" else arm_statements
    point = 0
    killed = True
    while killed:
        point += 1
        path.with_name(f"{path.name}-journal").unlink(missing_ok=True)
        shutil.copy(origin, path)
        killed, reported = attempt(path, operations, partial(arm, point))
        print(json.dumps({"killed": killed, "reported": reported, "digest": digest(path)}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3] if len(sys.argv) > 3 else None)
