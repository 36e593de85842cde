"""What sessions made is reported, though the one that should follow them does not open."""

import threading
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from tests.host.party.watched import Scene, scene

from hexkey.config import BobSettings, load
from hexkey.errors import ChannelError, DeviceError, HexkeyError
from hexkey.gate import Gate
from hexkey.party import bob
from hexkey.party.bob import Outcome, Setting
from hexkey.party.watching import GateControl
from hexkey.window import Window

WINDOW = Window(Gate(50, 1000), 2_500, Fraction(10))
OTHER = Window(Gate(100, 600), 2_500, Fraction(10))
REFUSED = ChannelError("the peer refused: no")
UNPLUGGED = DeviceError("the board is gone")


def setting(stage: Scene, board: Any) -> Setting:
    values = {"port": "none", "peer": "127.0.0.1:1", "store": "none"}
    settings = load(BobSettings, None, values, {})
    nothing = cast(Any, None)
    return Setting(settings, board, stage.store, nothing, stage.watching, nothing, None, None)


class Board:
    """Takes a gate, or not."""

    identification = None

    def __init__(self, error: HexkeyError | None = None) -> None:
        self._error = error
        self.configured = 0

    def configure(self, gate: object) -> None:
        self.configured += 1
        if self._error is not None:
            raise self._error


@pytest.mark.parametrize("opened", [0, 1, 2])
@pytest.mark.parametrize("error", [REFUSED, UNPLUGGED])
def test_the_run_ends_with_the_error_and_all_reports(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, opened: int, error: HexkeyError
) -> None:
    """`opened` sessions are renewed, and the next one fails: at the peer, or for the board."""
    stage, seen = scene(tmp_path, monkeypatch), list[Gate]()

    def session(setting: Setting, control: GateControl, *rest: object) -> Any:
        seen.append(control.window.gate)
        if len(seen) > opened:
            raise error
        control.asked = OTHER
        return Outcome({"number": len(seen)}, None), SimpleNamespace(epsilon_total=0.0), True

    monkeypatch.setattr(bob, "_session", session)
    monkeypatch.setattr(bob, "settings_for", lambda *how: how)
    board = Board()
    with stage.store:
        if not opened:
            with pytest.raises(type(error)):
                bob._sessions(setting(stage, board), WINDOW, threading.Event())
            return
        outcome = bob._sessions(setting(stage, board), WINDOW, threading.Event())
    assert outcome.ended_by is error
    assert outcome.report["number"] == opened
    assert outcome.report["ended"] == str(error)
    earlier = [report["number"] for report in outcome.report.get("renewed", [])]
    assert earlier == list(range(1, opened))
    assert board.configured == opened
    assert stage.names().count("renewed") == opened
    assert [event["name"] for event in stage.told if event["event"] == "alarm"] == ["link"]


def test_a_board_that_does_not_take_the_gate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = scene(tmp_path, monkeypatch)

    def session(setting: Setting, control: GateControl, *rest: object) -> Any:
        control.asked = OTHER
        return Outcome({"number": 1}, None), SimpleNamespace(epsilon_total=0.0), True

    monkeypatch.setattr(bob, "_session", session)
    monkeypatch.setattr(bob, "settings_for", lambda *how: how)
    with stage.store:
        outcome = bob._sessions(setting(stage, Board(UNPLUGGED)), WINDOW, threading.Event())
    assert outcome.ended_by is UNPLUGGED
    assert outcome.report == {"number": 1, "ended": str(UNPLUGGED)}
