"""Sweeps on this machine: results, failures, and going on after every kind of end."""

import json
import math
import os
import signal
import subprocess
import sys
from enum import Enum
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.host.sweep.functions import (
    GOES_AHEAD,
    Loss,
    computed_in,
    dies,
    in_folder,
    items_in,
    no_json,
    reciprocal,
    refuses,
    transmission,
)
from tests.host.sweep.waiting import children_of, is_running, wait_until

from hexkey import __version__
from hexkey.errors import ConfigurationError, HexkeyError, InputError, StoreError
from hexkey.sweep import journal, run
from hexkey.sweep.work import Failure, attempt

LOSSES = [Loss(value) for value in (3.0, 1.0, 2.0, 0.0)]
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}


def as_json(value: Any) -> Any:
    return json.loads(json.dumps(value))


def test_results_are_in_the_order_of_the_items_and_progress_is_told() -> None:
    told: list[tuple[int, int]] = []
    found = run(transmission, LOSSES, progress=lambda done, total: told.append((done, total)))
    assert found == [as_json(transmission(loss)) for loss in LOSSES]
    assert found[0]["pair"] == [1, math.inf]
    assert told == [(done, 4) for done in range(5)]


def test_nothing_to_do() -> None:
    assert run(transmission, []) == []


def test_an_item_that_fails_is_named_in_one_sentence() -> None:
    with pytest.raises(HexkeyError) as raised:
        run(reciprocal, [1, 0, 2])
    assert str(raised.value) == (
        "item 1 of the sweep, 0, failed: ZeroDivisionError: division by zero"
    )
    assert "return 1 / number" in raised.value.__notes__[0]
    with pytest.raises(HexkeyError, match="item 0 of the sweep, 7, failed: 7 is out of the quest"):
        run(refuses, [7])
    with pytest.raises(HexkeyError, match=r"item 0 of the sweep, 'x+…, failed: TypeError"):
        run(reciprocal, ["x" * 10_000])


def test_what_is_no_json_is_a_failure() -> None:
    with pytest.raises(HexkeyError, match=r"item 0 of the sweep, 7, failed: TypeError: .* set"):
        run(no_json, [7])


def test_a_worker_of_another_version_is_a_failure() -> None:
    failure = attempt(reciprocal, 4, "9.9")
    assert isinstance(failure, Failure)
    assert failure.why == f"its worker has hexkey {__version__}, not 9.9"
    assert attempt(reciprocal, 4, __version__) == "0.25"


def test_a_process_that_dies_is_told() -> None:
    with pytest.raises(HexkeyError, match="a process of the sweep was killed"):
        run(dies, [3, 4])


def test_a_function_that_cannot_be_imported_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"top of a module, not be .*<locals>.<lambda>"):
        run(lambda item: item, [1])


def test_a_finished_sweep_is_not_computed_again(tmp_path: Path) -> None:
    (tmp_path / "go").touch()
    first = run(in_folder, items_in(tmp_path, 3), resume=tmp_path / "file")
    before = computed_in(tmp_path)
    told: list[tuple[int, int]] = []
    again = run(
        in_folder,
        items_in(tmp_path, 3)[::-1],
        resume=tmp_path / "file",
        progress=lambda done, total: told.append((done, total)),
    )
    assert again == first[::-1] == [4, 1, 0]
    assert computed_in(tmp_path) == before
    assert told == [(3, 3)]
    more = run(in_folder, items_in(tmp_path, 5), resume=tmp_path / "file")
    assert more == [0, 1, 4, 9, 16]
    assert [number for number, _ in computed_in(tmp_path)] == [0, 1, 2, 3, 4]


def test_results_are_kept_when_an_item_fails(tmp_path: Path) -> None:
    file = tmp_path / "file"
    with pytest.raises(HexkeyError, match="item 0 of the sweep, 0, failed"):
        run(reciprocal, [0], resume=file)
    assert run(reciprocal, [4], resume=file) == [0.25]
    with pytest.raises(HexkeyError, match="item 1 of the sweep, 0, failed"):
        run(reciprocal, [4, 0], resume=file)


def test_killed_in_the_middle_a_sweep_goes_on_where_it_was(tmp_path: Path) -> None:
    """Killed by SIGKILL, its workers end too, and what was finished is not computed again."""
    file = tmp_path / "file"
    sweep = subprocess.Popen(
        [sys.executable, "-m", "tests.host.sweep.killed", tmp_path, file],
        env=ENVIRONMENT,
        stderr=subprocess.DEVNULL,  # its resource tracker tells of the semaphores it cleans up
    )
    try:
        wait_until(lambda: file.exists() and file.read_bytes().count(b"\n") == 1 + GOES_AHEAD)
        wait_until(lambda: len(computed_in(tmp_path)) > GOES_AHEAD)
        children = children_of(sweep.pid)
    finally:
        sweep.send_signal(signal.SIGKILL)
        assert sweep.wait() == -signal.SIGKILL
    assert {process for _, process in computed_in(tmp_path)} <= children
    wait_until(lambda: not any(map(is_running, children)))

    with file.open("ab") as torn:
        torn.write(b'{"item": "0123')
    (tmp_path / "go").touch()
    assert run(in_folder, items_in(tmp_path), resume=file) == [n**2 for n in range(8)]
    later = [number for number, process in computed_in(tmp_path) if process not in children]
    assert later == list(range(GOES_AHEAD, 8))
    assert file.read_bytes().count(b"\n") == 1 + 8


def test_a_first_line_cut_anywhere_is_written_again(tmp_path: Path) -> None:
    file = tmp_path / "file"
    run(reciprocal, [1], resume=file)
    head = file.read_bytes().splitlines(keepends=True)[0]
    for cut in (0, 1, len(head) - 1):
        file.write_bytes(head[:cut])
        with journal.Journal(file, reciprocal, [1]) as opened:
            assert opened.results() == [None]
        assert file.read_bytes() == head


def test_a_file_of_another_sweep_is_refused_by_name(tmp_path: Path) -> None:
    file = tmp_path / "file"
    run(reciprocal, [1], resume=file)
    kept = file.read_bytes()
    with pytest.raises(InputError, match=r"file is of a sweep of \S+reciprocal, not of \S+refuses"):
        run(refuses, [1], resume=file)
    with pytest.raises(InputError, match=r"file holds results of \S+reciprocal for other items"):
        run(reciprocal, [2], resume=file)
    assert file.read_bytes() == kept
    file.write_bytes(kept.replace(b'"hexkey": "', b'"hexkey": "9'))
    with pytest.raises(InputError, match=r"is of a sweep of hexkey 9\S+, not of"):
        run(reciprocal, [1], resume=file)


@pytest.mark.parametrize("content", [b"holiday.jpg", b"a letter\n\x00", b"{}\n", b"[1]\n{"])
def test_a_file_of_anything_else_is_left_alone(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(content)
    with pytest.raises(InputError, match="file is not the file of a sweep"):
        run(reciprocal, [1], resume=file)
    assert file.read_bytes() == content


def test_damage_inside_is_told_by_its_line(tmp_path: Path) -> None:
    file = tmp_path / "file"
    run(reciprocal, [1, 2], resume=file)
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(lines[0] + lines[1].replace(b'"value"', b'"valu"') + lines[2])
    with pytest.raises(InputError, match=r"line 2 of \S+file, to resume from, is damaged"):
        run(reciprocal, [1, 2], resume=file)
    file.write_bytes(lines[0] + lines[2])
    assert run(reciprocal, [1, 2], resume=file) == [1.0, 0.5]


def test_two_sweeps_do_not_share_a_file(tmp_path: Path) -> None:
    file = tmp_path / "file"
    with (
        journal.Journal(file, reciprocal, [1]),
        pytest.raises(InputError, match="file is in use by another sweep"),
    ):
        run(reciprocal, [1], resume=file)


def test_a_file_that_cannot_be_opened(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="No such file or directory"):
        run(reciprocal, [1], resume=tmp_path / "missing" / "file")


class Colour(Enum):
    RED = 1
    BLUE = 2


def test_items_that_differ_have_different_digests() -> None:
    items = [
        *(1, 1.0, True, "1", None, [1], {"a": 1}, {"a": 2}, math.inf),
        *(Loss(1.0), Loss(math.nextafter(1, 2)), Colour.RED, Colour.BLUE),
        *(np.arange(2), np.arange(2.0), np.arange(2, dtype=np.int8), np.zeros(2), np.zeros((2, 1))),
        *(np.arange(5_000), np.arange(5_000) % 4_999, np.float64(1.0).astype(np.float32)),
    ]
    digests = [journal.item_digest("f", item) for item in items]
    assert len(set(digests)) == len(items)
    assert digests == [journal.item_digest("f", item) for item in items]
    assert journal.item_digest("g", 1) not in digests


def test_items_without_a_digest_are_refused(tmp_path: Path) -> None:
    for item in (object(), Fraction(1, 3), {1: 2, "a": 3}):
        with pytest.raises(ConfigurationError, match=r"cannot be resumed .*: leave the file out"):
            run(reciprocal, [item], resume=tmp_path / "file")
