"""No tag key is used twice, wherever in its store a party is killed: kill -9 at every point."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
TAGS, BLOCKS = 3 + 2 * 3, 2  # of a session of kill_pool.py


@pytest.fixture
def shim(tmp_path: Path) -> str:
    library = tmp_path / "die_at_syscall.so"
    source = HERE.parent / "store" / "die_at_syscall.c"
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
    return str(library)


def kill(folder: Path, mode: str, stride: int, shim: str | None = None) -> list[dict[str, Any]]:
    preloaded = [shim] if shim else []
    done = subprocess.run(
        [sys.executable, HERE / "kill_pool.py", folder, mode, str(stride), *preloaded],
        env=ENVIRONMENT | ({"LD_PRELOAD": shim} if shim else {}),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    cases = [json.loads(line) for line in done.stdout.splitlines()]
    for case in cases:
        check(case)
    return cases


def check(case: dict[str, Any]) -> None:
    said = json.dumps(case)
    assert set(case["killed"]) <= {-9, 0, 1}, said  # a sentence at the survivor, no traceback
    assert case["last"] == [0, 0], said  # the pools fit: the next session authenticates
    assert case["reused"] == 0, said
    assert case["accepted_twice"] == 0, said
    assert case["accepted_of_nobody"] == 0, said
    assert case["used_numbers_refused"], said
    assert case["drawn"] >= TAGS, said
    assert case["equal"], said
    assert case["keys"] >= BLOCKS, said
    assert case["pending"] == 0, said
    assert case["pools_agree"], said


def check_reach(cases: list[dict[str, Any]]) -> None:
    """Every case but the last of each party was a kill, and the last ran to its end."""
    for victim in (0, 1):
        ends = [case["killed"] for case in cases if case["victim"] == victim]
        assert {end[victim] for end in ends[:-1]} == {-9}
        assert ends[-1] == [0, 0]
    # Killed early nothing was made, in the middle a block, at the end both.
    assert {case["keys"] - BLOCKS for case in cases} == {0, 1, 2}


def test_killed_before_every_third_statement(in_memory: Path) -> None:
    cases = kill(in_memory, "statements", 3)
    assert len(cases) > 70
    check_reach(cases)


def test_killed_within_changes_of_the_files(in_memory: Path, shim: str) -> None:
    cases = kill(in_memory, "syscalls", 7, shim)
    assert len(cases) > 60
    check_reach(cases)


def test_killed_again_while_the_store_recovers(in_memory: Path, shim: str) -> None:
    assert len(kill(in_memory, "recoveries", 11, shim)) > 40


def test_killed_at_any_moment_over_and_over(in_memory: Path) -> None:
    cases = kill(in_memory, "moments", 30)
    assert sum(-9 in case["killed"] for case in cases) > 8
    assert cases[-1]["keys"] >= 30 * BLOCKS


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.parametrize(("mode", "cases"), [("statements", 200), ("syscalls", 400)])
def test_killed_at_every_point(in_memory: Path, shim: str, mode: str, cases: int) -> None:
    found = kill(in_memory, mode, 1, shim)
    assert len(found) > cases
    check_reach(found)


@pytest.mark.long
@pytest.mark.timeout(900)
def test_killed_again_within_every_recovery(in_memory: Path, shim: str) -> None:
    assert len(kill(in_memory, "recoveries", 1, shim)) > 400
