"""The receiver of every board can be made, and keeps what its board promises.

Placing one takes minutes. CI looks at the one that `make bitstream` has just made.
"""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from amaranth.hdl import Fragment
from tests.gateware.bitstream.ecp5_build import check_build

from hexkey.errors import HexkeyError
from hexkey_gateware.bitstream.build import inspect
from hexkey_gateware.bitstream.figures import Build
from hexkey_gateware.bitstream.firmware import board_firmware
from hexkey_gateware.bitstream.receiver import build_receiver
from hexkey_gateware.bitstream.report import SUMMARY
from hexkey_gateware.boards import BOARDS, Board, find_board
from hexkey_gateware.top import Receiver

BUILDS = Path(__file__).parents[3] / "hexkey-bitstream"


@pytest.mark.parametrize("name", [board.name for board in BOARDS])
def test_board_has_a_receiver(name: str) -> None:
    board = find_board(name)
    receiver = Receiver(board.design("test"))
    Fragment.get(receiver, platform=None)
    assert len(receiver.pins) == 5


SEEDS = [("ulx3s-85f", 2), ("ulx3s-85f", 3), *((board.name, board.seed) for board in BOARDS)]


def receiver(board: Board, seed: int, folder: Path) -> Build:
    """Return what `make bitstream` has made of these sources; or build it, where it has not."""
    made, name = BUILDS / board.name / f"seed-{seed}", board_firmware(board, seed)
    if (made / SUMMARY).exists():
        told = json.loads((made / SUMMARY).read_text())
        if told["firmware"] == name:  # which names sources, tools, board and seed
            return inspect(board, made, name, seed, told["seconds"])
    return build_receiver(board, folder, seed, lambda title, seconds: None)


@pytest.mark.long
@pytest.mark.timeout(2400)  # five to ten minutes, if nothing else runs
@pytest.mark.parametrize(("name", "seed"), SEEDS)
def test_receiver_keeps_its_clocks_and_budgets(name: str, seed: int, tmp_path: Path) -> None:
    board = find_board(name)
    build = receiver(board, seed, tmp_path / "good")
    assert build.problems == ()
    if board.family == "ecp5":
        check_build(board, build, tmp_path)


@pytest.mark.long
@pytest.mark.timeout(600)  # a minute, if nothing else runs
def test_statistics_have_no_room_on_a_small_chip(tmp_path: Path) -> None:
    board = replace(find_board("tang-primer-20k"), statistics=True)
    with pytest.raises(HexkeyError, match=r"would take \d+ places of 15552"):
        build_receiver(board, tmp_path, board.seed, lambda title, seconds: None)
