"""What is said of a board's state, and its registers by name."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.host.diagnosis.boards import RegularLight, a_board, ignore, opened

from hexkey.board_settings import BoardSettings
from hexkey.diagnosis.calibrating import calibrate_board
from hexkey.diagnosis.registers import parse, read_all, write_all
from hexkey.diagnosis.run import clicks_in, run_for
from hexkey.diagnosis.state import problems, state_of
from hexkey.errors import ConfigurationError
from hexkey.wire import Status
from hexkey.wire.registers import TRIGGER, Source


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))


def test_sound_board_has_no_problems() -> None:
    with opened(a_board(RegularLight(every=4000))) as board:
        calibrate_board(board, ignore)
        facts = state_of(board, 0.5)
    assert facts["problems"] == []
    assert facts["trigger"]["state"] == "locked"
    assert facts["trigger"]["measured_period_ns"] == 25.0
    assert facts["inputs"]["detector 0"]["rate_hz"] == pytest.approx(10_000, rel=0.01)
    assert facts["inputs"]["trigger"]["rate_hz"] == pytest.approx(40e6, rel=0.01)
    assert set(facts["inputs"]) == {"detector 0", "detector 1", "trigger"}
    assert set(facts["tables"]["channels"]) == set(facts["inputs"])


def test_trigger_off_its_period_and_no_calibration_are_said() -> None:
    with opened(a_board()) as board:
        board.prepare(BoardSettings(period_ticks=2600))
        board.commit()
        facts = state_of(board, 0.3)
    trouble, uncalibrated = facts["problems"]
    assert "not of the configured period of 26 ns" in trouble
    assert "not calibrated" in uncalibrated
    assert facts["trigger"]["state"] == "measuring"


def test_missing_trigger_is_said_first() -> None:
    with opened(a_board()) as board:
        board.write("source", Source.PULSER, TRIGGER)
        board.write("pulser_probability", 0, TRIGGER)
        facts = state_of(board, 0.3)
    assert facts["problems"][0].startswith("no trigger")


def facts_with(**changes: Any) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "trigger": {"state": "locked", "configured_period_ns": 25.0, "divider": 1},
        "inputs": {"detector 1": {"stuck_high": False}},
        "losses": {"fifo_dropped": 0, "tags_lost": False},
        "link": {"bad_frames": 0},
        "tables": None,
        "seconds": 1.0,
    }
    return facts | changes


LOCKED = Status(0, 0, trigger_locked=True, running=True)


@pytest.mark.parametrize(
    ("facts", "status", "words"),
    [
        ({}, Status(0, 0, False, True), "not locked"),
        ({}, Status(0, 0, True, True, holdover=True), "holdover"),
        ({"inputs": {"detector 1": {"stuck_high": True}}}, LOCKED, "detector 1 is stuck high"),
        ({"losses": {"fifo_dropped": 9, "tags_lost": False}}, LOCKED, "9 events were lost"),
        ({"losses": {"fifo_dropped": 0, "tags_lost": True}}, LOCKED, "lost before the FIFO"),
        ({"link": {"bad_frames": 2}}, LOCKED, "2 bad_frames"),
    ],
)
def test_each_trouble_has_its_sentence(facts: Any, status: Status, words: str) -> None:
    (sentence,) = problems(facts_with(**facts), status)
    assert words in sentence


def test_nothing_wrong_nothing_said() -> None:
    assert problems(facts_with(), LOCKED) == []


def test_run_holds_all_that_came() -> None:
    with opened(a_board(RegularLight(every=1000))) as board:
        run = run_for(board, 0.5)
    assert run.seconds == 0.5
    assert run.rate_hz("clicks_1") == pytest.approx(40_000)
    assert len(run.events) == run.total.events > 20_000
    assert clicks_in(run.events) == 2 * len(run.events)  # both detectors in each
    assert (run.epochs, run.link["frames_missed"]) == (1, 0)


def test_registers_are_listed_with_the_channels_that_the_board_has() -> None:
    with opened(a_board()) as board:
        held = {each.name: each.value for each in read_all(board)}
    assert held["gate_width_ticks.1"] == 2500
    assert held["enable.trigger"] == 1
    assert held["table_entry"] is None
    assert "enable.2" not in held
    assert "gate_start_ticks.trigger" not in held


def test_registers_are_written_and_committed() -> None:
    with opened(a_board(RegularLight(every=1000))) as board:
        write_all(board, ["delay_ticks.1=-5", "holdoff_pulses=0x7", "enable.1=0"])
        assert (board.read("delay_ticks", 1), board.read("holdoff_pulses")) == (-5, 7)
        run = run_for(board, 0.2)
    assert (run.total.clicks_0 > 0, run.total.clicks_1) == (True, 0)
    assert np.all(run.events.mask == 1)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("holdoff_pulses", "no assignment"),
        ("holdoff_pulses=many", "no assignment"),
        ("gain=3", "no register 'gain'"),
        ("enable=1", r"use enable\.0, .*enable\.trigger"),
        ("gate_start_ticks.trigger=1", "use gate_start_ticks.0"),
        ("holdoff_pulses.1=1", "use holdoff_pulses"),
        ("enable.=1", "use enable.0"),
    ],
)
def test_what_names_no_register_is_refused(text: str, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        parse(text)
