"""Freed memory is kept, in a process of its own; what it changes is the number of page faults."""

import subprocess
import sys

import pytest

from hexkey.memory import keep_freed

PROGRAM = """
import resource, sys
import numpy as np
from hexkey.memory import keep_freed
if sys.argv[1] == "kept":
    keep_freed()
for n in range(20):
    array = np.empty(3_000_000, np.uint8)
    array[:] = 1
    del array
    if n == 4:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(how: str) -> int:
    """Page faults of fifteen arrays of 3 MB, one after the other."""
    command = [sys.executable, "-c", PROGRAM, how]
    environment = {"MALLOC_MMAP_THRESHOLD_": "1000000"} if how == "given back" else None
    return int(subprocess.run(command, env=environment, capture_output=True, check=True).stdout)


def test_freed_memory_is_used_again() -> None:
    assert faults("kept") < 100 < faults("given back")


def test_another_c_library_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ctypes.CDLL", lambda name: object())
    keep_freed()
