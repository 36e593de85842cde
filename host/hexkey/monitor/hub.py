"""Where the thread that reads the board meets those who watch: the latest snapshot, and commands.

`publish` and `take_command` may be called from any thread.
"""

import queue
import threading
from dataclasses import dataclass

from hexkey.monitor.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class ChangeGate:
    """Somebody who watches asks for another gate."""

    start_ns: float
    width_ns: float


class Hub:
    """The latest snapshot, and the commands that wait."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._latest: Snapshot | None = None
        self.commands: queue.SimpleQueue[ChangeGate] = queue.SimpleQueue()

    def publish(self, snapshot: Snapshot) -> None:
        with self._lock:
            self._latest = snapshot

    def latest(self) -> Snapshot | None:
        with self._lock:
            return self._latest

    def take_command(self) -> ChangeGate | None:
        try:
            return self.commands.get_nowait()
        except queue.Empty:
            return None
