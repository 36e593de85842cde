"""Between the thread that reads a board and those who watch: the latest snapshot, one command."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from hexkey.monitor.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class ChangeGate:
    """The gate that somebody asks for; half-open, it may reach past the period's end."""

    start_ns: float
    width_ns: float


class Hub:
    """Keeps the latest snapshot and the latest command, and nothing older.

    Who watches slowly misses snapshots; no queue grows. Any thread may call anything.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._latest: Snapshot | None = None
        self._count = 0
        self._closed = False
        self._command: ChangeGate | None = None
        self._wakers: list[Callable[[], object]] = []

    def publish(self, snapshot: Snapshot) -> None:
        """Show a snapshot to all who watch."""
        with self._changed:
            self._latest = snapshot
            self._count += 1
            self._changed.notify_all()
            wakers = tuple(self._wakers)
        for wake in wakers:
            wake()

    def latest(self) -> Snapshot | None:
        """Return the latest snapshot; None before the first."""
        with self._changed:
            return self._latest

    def close(self) -> None:
        """Tell those in `each` that no snapshot will follow."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def each(self) -> Iterator[Snapshot]:
        """Yield snapshots as they come, the latest only where the caller is slow."""
        seen = 0
        while True:
            with self._changed:
                while not self._closed and self._count == seen:
                    self._changed.wait()
                if self._count == seen:
                    return
                seen, snapshot = self._count, self._latest
            assert snapshot is not None
            yield snapshot

    @property
    def watchers(self) -> int:
        """How many are woken at each snapshot."""
        with self._changed:
            return len(self._wakers)

    @contextmanager
    def waking(self, wake: Callable[[], object]) -> Iterator[None]:
        """Call `wake`, which must be quick, in the publisher's thread at each snapshot."""
        with self._changed:
            self._wakers.append(wake)
        try:
            yield
        finally:
            with self._changed:
                self._wakers.remove(wake)

    def ask(self, command: ChangeGate) -> None:
        """Leave a command; one that was not taken yet is replaced."""
        with self._changed:
            self._command = command

    def take_command(self) -> ChangeGate | None:
        """Return the command that waits and forget it; None without one."""
        with self._changed:
            command, self._command = self._command, None
            return command
