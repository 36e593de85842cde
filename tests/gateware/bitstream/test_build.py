"""The whole flow with the real tools: a bitstream that passes, and spoilt files that do not.

The receiver is a small one, of delay lines and little else.
"""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.gateware.bitstream.small_receiver import SmallReceiver

from hexkey_gateware.bitstream.build import build_bitstream, inspect
from hexkey_gateware.bitstream.flows import NETLIST, PLACED, TIMING
from hexkey_gateware.bitstream.lines import HALVES
from hexkey_gateware.boards import find_board

BOARD = find_board("ulx3s-12f")


def _top(read: Any) -> Any:
    return read["modules"]["top"]["cells"]


def _untie(read: Any) -> None:
    _cell(_top(read), r".*line_1_carry_7")["connections"]["CIN"] = ["x"]


def _scatter(read: Any) -> None:
    cells = _top(read)
    one, other = (_cell(cells, rf".*line_2_carry_{n}\{HALVES[0]}") for n in (5, 50))
    one["attributes"], other["attributes"] = other["attributes"], one["attributes"]


def _take_tap_away(read: Any) -> None:
    cells = _top(read)
    one, other = (_cell(cells, rf".*line_{n}_tap_9") for n in (0, 3))
    one["attributes"], other["attributes"] = other["attributes"], one["attributes"]


def _slow_down(read: Any) -> None:
    read["fmax"] = {name: {**found, "achieved": 49.0} for name, found in read["fmax"].items()}


def _cell(cells: Any, pattern: str) -> Any:
    return next(cell for name, cell in cells.items() if re.fullmatch(pattern, name))


SPOILT: list[tuple[str, Callable[[Any], None], str]] = [
    (NETLIST, _untie, "carry inputs are tied"),
    (PLACED, _scatter, "not beside the cell before"),
    (PLACED, _take_tap_away, "tap not in its cell's slice"),
    (TIMING, _slow_down, "clock fast: 49.0 MHz instead of 200.0"),
]


@pytest.mark.timeout(900)  # the tools compile themselves when they are run for the first time
def test_small_receiver_builds_and_the_gate_sees_spoilt_files(tmp_path: Path) -> None:
    told: list[str] = []
    receiver = SmallReceiver(BOARD.channels, BOARD.taps)
    folder = tmp_path / "good"
    found = build_bitstream(
        BOARD, receiver, "0.1 test", folder, progress=lambda title, seconds: told.append(title)
    )
    assert found.problems == ()
    assert found.bitstream.stat().st_size > 10_000
    assert [line.cells for line in found.lines] == [BOARD.taps // 2 + 1] * BOARD.channels
    assert found.tap_ps is not None
    assert 30 < found.tap_ps < 36
    assert told[::2] == ["elaboration", "synthesis", "mapping", "place and route", "bitstream"]
    assert json.loads((folder / "summary.json").read_text())["ok"] is True

    for number, (name, spoil, expected) in enumerate(SPOILT):
        spoilt = tmp_path / f"spoilt-{number}"
        shutil.copytree(folder, spoilt)
        read = json.loads((spoilt / name).read_text())
        spoil(read)
        (spoilt / name).write_text(json.dumps(read))
        problems = inspect(BOARD, spoilt, "0.1 test", 1, {}).problems
        assert expected in "; ".join(problems)


@pytest.mark.timeout(900)
def test_small_receiver_builds_for_gowin(tmp_path: Path) -> None:
    board = find_board("tang-primer-20k")
    receiver = SmallReceiver(board.channels, board.taps, board.lowering)
    found = build_bitstream(board, receiver, "0.1 test", tmp_path)
    # Its few flip-flops lie so near each other that nextpnr has no path of theirs in its report.
    assert [problem for problem in found.problems if "clock fast: not in" not in problem] == []
    assert found.bitstream.stat().st_size > 10_000
