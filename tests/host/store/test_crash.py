"""Killed anywhere, a store holds all of an operation or none of it, and all that was reported."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from hexkey.randomness import Seeded
from hexkey.store import Store, create_pair

HERE = Path(__file__).parent
# The tests decide by themselves where the library is found; children must find the same one.
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}


@pytest.fixture
def shim(tmp_path: Path) -> str:
    library = tmp_path / "die_at_syscall.so"
    source = HERE / "die_at_syscall.c"
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
    return str(library)


def crash(folder: Path, *mode: str, **environment: str) -> tuple[list[str], list[Any]]:
    create_pair(folder / "alice.sqlite", folder / "bob.sqlite", 24, Seeded(1))
    done = subprocess.run(
        [sys.executable, HERE / "crash.py", folder, *mode],
        env=ENVIRONMENT | environment,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    unharmed, *attempts = [json.loads(line) for line in done.stdout.splitlines()]
    return unharmed, attempts


def check(unharmed: list[str], attempts: list[Any]) -> None:
    for attempt in attempts:
        reported = attempt["reported"]
        assert attempt["digest"] in unharmed[reported : reported + 2]
    assert [attempt["killed"] for attempt in attempts[:-1]] == [True] * (len(attempts) - 1)
    assert {attempt["reported"] for attempt in attempts} == set(range(len(unharmed)))


def test_killed_before_every_statement(in_memory: Path) -> None:
    unharmed, attempts = crash(in_memory, "statements")
    assert len(attempts) > 60
    check(unharmed, attempts)


def test_killed_within_every_change_of_the_file(in_memory: Path, shim: str) -> None:
    unharmed, attempts = crash(in_memory, "syscalls", shim, LD_PRELOAD=shim)
    assert len(attempts) > 200
    check(unharmed, attempts)


DRAW_FOREVER = """
import sys
from hexkey.store import Store
with Store.open(sys.argv[1]) as store:
    while True:
        print(store.draw_send_key()[0], flush=True)
"""


def test_no_index_is_drawn_twice_across_kills_at_random_moments(tmp_path: Path) -> None:
    alice = tmp_path / "alice.sqlite"
    create_pair(alice, tmp_path / "bob.sqlite", 20_000, Seeded(2))
    drawn: list[int] = []
    for lines in (1, 2, 5, 11, 23):
        process = subprocess.Popen(
            [sys.executable, "-c", DRAW_FOREVER, alice],
            env=ENVIRONMENT,
            stdout=subprocess.PIPE,
            text=True,
        )
        with process:
            assert process.stdout is not None
            # The child draws on while these are read: the kill falls anywhere in a later draw.
            drawn += [int(process.stdout.readline()) for _ in range(lines)]
            process.kill()
            drawn += [int(line) for line in process.stdout if line.endswith("\n")]
    assert len(set(drawn)) == len(drawn)
    with Store.open(alice) as store:
        assert store.draw_send_key()[0] > max(drawn)
