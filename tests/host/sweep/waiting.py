"""Waiting for a condition, never for a time."""

import time
from collections.abc import Callable
from pathlib import Path


def wait_until(condition: Callable[[], object], longest_s: float = 60.0) -> None:
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < longest_s, "waited too long"
        time.sleep(0.01)


def is_running(process: int) -> bool:
    """Whether a process is there and not merely unburied."""
    try:
        status = Path(f"/proc/{process}/stat").read_text()
    except OSError:
        return False
    return status.rpartition(")")[2].split()[0] != "Z"


def children_of(process: int) -> set[int]:
    return set(map(int, Path(f"/proc/{process}/task/{process}/children").read_text().split()))
