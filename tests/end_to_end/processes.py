"""Real processes: roles of hexkey that a test starts, listens to, disturbs and awaits."""

import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hexkey.randomness import Seeded
from hexkey.store import compare, create_pair

PATIENCE_S = 120.0  # for a loaded machine; nothing here is ever expected to take that long
ROLE_BLOCK_BITS = 8_000


def environment() -> dict[str, str]:
    """Return the environment for a process that runs in another folder."""
    paths = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    absolute = os.pathsep.join(str(Path(path).resolve()) for path in paths if path)
    return {**os.environ, "PYTHONPATH": absolute, "PYTHONUNBUFFERED": "1", "COLUMNS": "200"}


def hexkey(*words: object, cwd: Path | None = None) -> "subprocess.CompletedProcess[str]":
    """Run a command to its end."""
    return subprocess.run(
        [sys.executable, "-m", "hexkey", *map(str, words)],
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
        cwd=cwd,
        env=environment(),
    )


@dataclass
class Ended:
    """How a role ended: its exit code, all its events, and standard error."""

    code: int
    events: list[dict[str, Any]]
    err: str

    def of(self, name: str) -> list[dict[str, Any]]:
        return [event for event in self.events if event["event"] == name]

    @property
    def report(self) -> dict[str, Any]:
        report: dict[str, Any] = self.of("report")[-1]["report"]
        return report

    @property
    def sentence(self) -> str:
        """The one sentence it ended with; fails if there is anything else."""
        assert "Traceback" not in self.err, self.err
        lines = [line for line in self.err.splitlines() if line]
        assert len(lines) == 1, self.err
        return lines[0]


def _hear_interrupts() -> None:
    """Undo what a shell does to jobs in the background: such a process would be deaf to Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@dataclass
class Role:
    """A running process that tells what happens as lines of JSON."""

    words: tuple[object, ...]
    cwd: Path | None = None
    seen: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "hexkey", *map(str, self.words), "--json-lines"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=self.cwd,
            env=environment(),
            preexec_fn=_hear_interrupts,
        )
        self._events: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self._err = ""
        self._readers = [threading.Thread(target=self._read), threading.Thread(target=self._drain)]
        for reader in self._readers:
            reader.start()

    def wait_for(self, name: str, count: int = 1) -> dict[str, Any]:
        """Return the event `name` when it has come `count` times."""
        while True:
            event = self._events.get(timeout=PATIENCE_S)
            assert event is not None, f"{self.words[0]} ended before {name!r}: {self._err}"
            self.seen.append(event)
            if event["event"] == name:
                count -= 1
            if count == 0:
                return event

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def end(self) -> Ended:
        """Await the end of the process."""
        code = self.process.wait(PATIENCE_S)
        for reader in self._readers:
            reader.join()
        while (event := self._events.get(timeout=PATIENCE_S)) is not None:
            self.seen.append(event)
        self._events.put(None)
        return Ended(code, self.seen, self._err)

    def abandon(self) -> None:
        """End it, whatever it does."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for reader in self._readers:
            reader.join()
        for pipe in (self.process.stdout, self.process.stderr):
            assert pipe is not None
            pipe.close()

    def open_files(self) -> set[str]:
        """Return what its file descriptors lead to."""
        found = set()
        folder = Path(f"/proc/{self.process.pid}/fd")
        for descriptor in folder.iterdir():
            try:
                found.add(os.readlink(descriptor))
            except FileNotFoundError:
                continue  # closed meanwhile
        return found

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._events.put(json.loads(line))
        self._events.put(None)

    def _drain(self) -> None:
        assert self.process.stderr is not None
        self._err = self.process.stderr.read()


@contextmanager
def role(*words: object, cwd: Path | None = None) -> Iterator[Role]:
    running = Role(words, cwd)
    try:
        yield running
    finally:
        running.abandon()


@dataclass
class Scene:
    """A pair of stores in two folders, and the board between them while it runs."""

    folder: Path
    port: str = ""

    @property
    def alice_store(self) -> Path:
        return self.folder / "alice" / "alice.store"

    @property
    def bob_store(self) -> Path:
        return self.folder / "bob" / "bob.store"

    @property
    def record(self) -> Path:
        return self.folder / "alice" / "alice.record"

    def alice(self, *words: object, options: tuple[object, ...] = ()) -> Any:
        """Serve one session."""
        return role(
            *options,
            *("alice", "--record", self.record, "--store", self.alice_store),
            *("--listen", "127.0.0.1:0", "--sessions", 1),
            *(words or ("--block-bits", ROLE_BLOCK_BITS)),
        )

    def bob(self, peer: str, *words: object, options: tuple[object, ...] = ()) -> Any:
        """Run one session in a folder where nothing is but his store."""
        return role(
            *options,
            *("bob", "--port", self.port, "--peer", peer, "--store", self.bob_store),
            *("--block-bits", ROLE_BLOCK_BITS, *words),
            cwd=self.folder / "bob",
        )

    def session(
        self, *bob_words: object, alice_words: tuple[object, ...] = ()
    ) -> tuple[Ended, Ended]:
        """Run one session to its end; return how Alice's and Bob's processes ended."""
        with self.alice(*alice_words) as alice:
            address = alice.wait_for("listening")["address"]
            with self.bob(address, *(bob_words or ("--seconds", 1))) as bob:
                bobs = bob.end()
            return alice.end(), bobs

    def equal_keys(self) -> int:
        """Return how many keys both stores have; fails unless they are the same."""
        found = compare(self.alice_store, self.bob_store)
        assert found.equal, found
        return found.common


@contextmanager
def scene(
    folder: Path, *board_words: object, seed: int = 1, tag_keys: int = 400
) -> Iterator[Scene]:
    """A link behind a port, and two stores; its preset gives less than the port can carry."""
    (folder / "alice").mkdir()
    (folder / "bob").mkdir()
    made = Scene(folder)
    create_pair(made.alice_store, made.bob_store, tag_keys, Seeded(seed))
    words = ("--preset", "table-ii", "--record", made.record, "--seed", seed, *board_words)
    with role("virtual-board", *words) as board:
        made.port = board.wait_for("port")["port"]
        yield made
