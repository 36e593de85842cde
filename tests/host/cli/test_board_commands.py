"""`hexkey board` on a simulated board behind a terminal: what it prints, and its exit codes."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from tests.host.cli.conftest import Run
from tests.host.diagnosis.boards import RegularLight, a_board

from hexkey_sim.board_runner import VirtualBoardThread


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@pytest.fixture
def port() -> Iterator[str]:
    with VirtualBoardThread(a_board(RegularLight(every=4000))) as thread:
        yield thread.name


def test_from_unknown_to_sound(run: Run, port: str) -> None:
    before = run("board", "status", port)
    assert before.code == 1
    assert "not calibrated" in before.out
    assert "is not calibrated" in before.err  # said in one line by every command that works
    made = run("board", "calibrate", port)
    assert (made.code, made.err) == (0, "")
    assert "3 of 3 lines" in made.out
    after = run("board", "status", port, "--seconds", 0.5)
    assert after.code == 0
    for words in ("locked; 25.00000 ns (40.000000 MHz)", "10.000 kHz", "calibrated 20"):
        assert words in after.out
    assert "tables of 3 delay lines loaded" in after.err
    loaded = run("board", "calibrate", port, "--load", "--json")
    assert json.loads(loaded.out)["complete"]


def test_reports_in_json(run: Run, port: str) -> None:
    facts = json.loads(run("board", "calibrate", port, "--json").out)
    assert facts["lines"]["trigger"]["tap_ps"] == pytest.approx(35.5, rel=0.1)
    state = json.loads(run("board", "status", port, "--json").out)
    assert state["problems"] == []
    held = json.loads(run("board", "registers", port, "--json").out)
    assert held["period_ticks"] == 2500
    found = json.loads(run("board", "g2", port, "--json", "--seconds", 1).out)
    assert found["pair"] == [0, 1]
    assert found["coincidences"]["0"] > 0 == found["coincidences"]["7"]


def test_selftest_passes(run: Run, port: str) -> None:
    done = run("board", "selftest", port, "--seconds", 0.1)
    assert done.code == 0
    assert "the board works" in done.out
    assert "FAIL" not in done.out
    assert done.out.count("pass") >= 15


def test_selftest_fails_with_exit_code_one(run: Run) -> None:
    with VirtualBoardThread(a_board(locked_phases=7)) as thread:
        done = run("board", "selftest", thread.name, "--seconds", 0.1, "--json")
        assert done.code == 1
        report = json.loads(done.out)
        refused = run("board", "calibrate", thread.name)
    assert not report["passed"]
    failed = {check["name"] for check in report["checks"] if check["passed"] is False}
    assert "delay line of detector 0" in failed
    assert refused.code == 1
    assert "refused" in refused.out


def test_registers_are_written_and_shown(run: Run, port: str) -> None:
    done = run("board", "registers", port, "delay_ticks.1=-120", "edge.trigger=1")
    assert done.code == 0
    assert "-120" in done.out
    listed = run("board", "registers", port)
    assert "delay_ticks.1" in listed.out
    assert "gate_start_ticks.0" in listed.out
    wrong = run("board", "registers", port, "delay_ticks.1=-9999")
    assert wrong.code == 2
    assert "give -5000 to 5000" in wrong.sentence


def test_tags_go_into_a_new_file(run: Run, port: str, tmp_path: Path) -> None:
    out = tmp_path / "tags.npz"
    done = run("board", "tags", port, out, "--seconds", 0.3, "--no-trigger")
    assert done.code == 0
    with np.load(out) as recorded:
        assert f"{len(recorded['time_ticks']):,} tags" in done.out
    assert run("board", "tags", port, out, "--seconds", 0.3).code == 7


def test_port_that_is_no_board(run: Run) -> None:
    done = run("board", "status", "/dev/null")
    assert done.code == 4
    assert "is not a serial port" in done.sentence
