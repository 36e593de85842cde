"""Boards as values, and that their platforms know the pins."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from tests.gateware.bitstream.small_receiver import SmallReceiver

from hexkey.errors import ConfigurationError
from hexkey_gateware.bitstream.platforms import BoardTop, make_platform
from hexkey_gateware.boards import BOARDS, Board, find_board

each_board = pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.name)


def test_boards_need_no_amaranth() -> None:
    code = "import sys, hexkey_gateware.boards, hexkey_gateware.commands as c; c.register; "
    code += "sys.exit('amaranth' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_unknown_board() -> None:
    with pytest.raises(ConfigurationError, match=r"no board is called 'ulx4s': use one of ulx3s-"):
        find_board("ulx4s")
    assert find_board("ULX3S-85F").title == "ULX3S 85F"


@each_board
def test_design_fits(board: Board) -> None:
    design = board.design("0.1 01234567")
    assert design.detectors == len(board.detectors)
    assert design.ticks_per_clock * design.fast_hz == 10**11


@each_board
def test_platform_constrains_every_input(board: Board) -> None:
    receiver = SmallReceiver(board.channels, board.taps, board.lowering)
    plan = make_platform(board).prepare(BoardTop(board, receiver), "top", emit_src=False)
    texts = {Path(name).suffix: text for name, text in plan.files.items()}
    constraints = texts[".lpf" if board.family == "ecp5" else ".cst"]
    text = constraints if isinstance(constraints, str) else constraints.decode()
    for number in range(len(board.detectors) + 2):
        assert f'"receiver_{number}__io"' in text
    assert text.count("PULLMODE=DOWN") + text.count("PULL_MODE=DOWN") == len(board.detectors) + 2


def test_faulty_boards_are_refused() -> None:
    board = BOARDS[0]
    with pytest.raises(ValueError, match="an input is given twice"):
        replace(board, marker=board.trigger)
    with pytest.raises(ValueError, match="1 to 4 detectors, not 0"):
        replace(board, detectors=())
    with pytest.raises(ValueError, match="more block RAM than there is"):
        replace(board, cells=replace(board.cells, block_ram_budget=1000))
