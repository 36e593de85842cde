"""Killed after any message it sends or receives, neither party ever has a key of its own alone."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}


def kill(folder: Path, *mode: str) -> list[dict[str, Any]]:
    done = subprocess.run(
        [sys.executable, HERE / "kill.py", folder, *mode],
        env=ENVIRONMENT,
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
    assert set(case["killed"]) == {-9}, said
    assert set(case["survivor"]) <= {0, 1}, said  # a sentence, never a traceback
    assert case["last"] == [0, 0], said  # the next session opens and makes a key
    assert case["equal"], said
    assert case["kept"], said  # what was delivered before stays, with the same bits
    assert case["pending"] == 0, said
    assert case["pools_agree"], said
    assert case["tags_used_twice"] == 0, said


FINAL = {  # Bob's key is final: killed there, the handshake hands it to Alice
    "Alice sent TAG 2",
    *("Bob would send COMMIT 0", "Bob sent COMMIT 0", "Alice received COMMIT 0"),
    *("Bob sent TAG 5", "Alice received TAG 5", "Bob sent BYE 0", "Alice received BYE 0"),
}


def test_killed_at_the_first_message_of_every_type_and_every_tag(tmp_path: Path) -> None:
    cases = kill(tmp_path, "first")
    types, further_tags, before = 12 + 9, 5 + 2, 3  # of Bob and of Alice
    assert len(cases) == 2 * (types + further_tags) + before
    for case in cases:
        assert case["keys"] == (2 if case["points"][0] in FINAL else 1), case


def test_killed_again_while_the_first_kill_is_settled(tmp_path: Path) -> None:
    cases = kill(tmp_path, "twice")
    assert len(cases) == 12
    assert {case["keys"] for case in cases} == {2}


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_killed_at_the_first_message_of_every_type_of_bb84(tmp_path: Path) -> None:
    cases = kill(tmp_path, "first", "bb84")
    types, further_tags, before = 12 + 10, 5 + 3, 3  # Alice has BASES, and a tag for them
    assert len(cases) == 2 * (types + further_tags) + before
    final = {point.replace("Alice sent TAG 2", "Alice sent TAG 3") for point in FINAL}
    for case in cases:
        assert case["keys"] == (2 if case["points"][0] in final else 1), case


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_killed_at_every_message(tmp_path: Path) -> None:
    assert len(kill(tmp_path, "all")) > 200
