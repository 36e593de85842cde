"""A good build for ECP5, and the same with spoilt files: the checks that read them must see it."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hexkey_gateware.bitstream.build import inspect
from hexkey_gateware.bitstream.figures import Build
from hexkey_gateware.bitstream.flows import NETLIST, PLACED, TIMING
from hexkey_gateware.bitstream.lines import HALVES
from hexkey_gateware.boards import Board, find_board


def _top(read: Any) -> Any:
    return read["modules"]["top"]["cells"]


def _untie(read: Any) -> None:
    _cell(_top(read), r".*line_1_carry_7")["connections"]["CIN"] = ["x"]


def _scatter(read: Any) -> None:
    cells = _top(read)
    one, other = (_cell(cells, rf".*line_2_carry_{n}\{HALVES[0]}") for n in (5, 15))
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


STEPS = ["elaboration", "synthesis", "mapping", "place and route", "bitstream"]


def check_build(board: Board, build: Build, copies: Path) -> None:
    """Look at a good build; then spoil one file of it after the other, each in a copy."""
    assert build.problems == ()
    assert build.bitstream.stat().st_size > 10_000
    assert list(build.seconds) == STEPS
    assert [line.cells for line in build.lines] == [board.taps // 2 + 1] * board.channels
    if board.device[-2:] == ("--speed", "6"):  # nextpnr knows another delay for each grade
        assert build.tap_ps is not None
        short = board.taps < find_board(board.name).taps  # the ends of a line weigh more
        assert 30 < build.tap_ps < (37 if short else 36)
    assert json.loads((build.folder / "summary.json").read_text())["ok"] is True
    for number, (name, spoil, expected) in enumerate(SPOILT):
        spoilt = copies / f"spoilt-{number}"
        shutil.copytree(build.folder, spoilt)
        read = json.loads((spoilt / name).read_text())
        spoil(read)
        (spoilt / name).write_text(json.dumps(read))
        problems = inspect(board, spoilt, build.firmware, build.seed, {}).problems
        assert expected in "; ".join(problems)
