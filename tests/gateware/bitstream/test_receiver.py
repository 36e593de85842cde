"""The receiver of every board can be made, and keeps what its board promises."""

from dataclasses import replace
from pathlib import Path

import pytest
from amaranth.hdl import Fragment
from tests.gateware.bitstream.ecp5_build import check_build

from hexkey.errors import HexkeyError
from hexkey_gateware.bitstream.receiver import build_receiver
from hexkey_gateware.boards import BOARDS, find_board
from hexkey_gateware.top import Receiver


@pytest.mark.parametrize("name", [board.name for board in BOARDS])
def test_board_has_a_receiver(name: str) -> None:
    board = find_board(name)
    receiver = Receiver(board.design("test"))
    Fragment.get(receiver, platform=None)
    assert len(receiver.pins) == 5


QUICK = ("ulx3s-85f", 1)
LONG = [
    *(("ulx3s-85f", seed) for seed in (2, 3)),
    *((board.name, board.seed) for board in BOARDS),
]


@pytest.mark.timeout(2400)  # five to ten minutes, if nothing else runs
@pytest.mark.parametrize(
    ("name", "seed"),
    [QUICK, *(pytest.param(*each, marks=pytest.mark.long) for each in LONG if each != QUICK)],
)
def test_receiver_keeps_its_clocks_and_budgets(name: str, seed: int, tmp_path: Path) -> None:
    board = find_board(name)
    build = build_receiver(board, tmp_path / "good", seed, lambda title, seconds: None)
    assert build.problems == ()
    if board.family == "ecp5":
        check_build(board, build, tmp_path)


@pytest.mark.timeout(600)  # a minute, if nothing else runs
def test_what_has_no_room_is_refused_before_it_is_placed(tmp_path: Path) -> None:
    board = replace(find_board("tang-primer-20k"), statistics=True)
    with pytest.raises(HexkeyError, match=r"would take \d+ places of 15552"):
        build_receiver(board, tmp_path, board.seed, lambda title, seconds: None)
