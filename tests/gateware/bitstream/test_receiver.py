"""The receiver of every board can be made, and the largest one keeps what its board promises."""

from pathlib import Path

import pytest
from amaranth.hdl import Fragment

from hexkey_gateware.bitstream.receiver import build_receiver
from hexkey_gateware.boards import BOARDS, find_board
from hexkey_gateware.top import Receiver


@pytest.mark.parametrize("name", [board.name for board in BOARDS])
def test_board_has_a_receiver(name: str) -> None:
    board = find_board(name)
    receiver = Receiver(board.design("test"))
    Fragment.get(receiver, platform=None)
    assert len(receiver.pins) == 5


LONG_SEEDS = [pytest.param(seed, marks=pytest.mark.long) for seed in (2, 3)]


@pytest.mark.timeout(2400)  # five minutes, if nothing else runs
@pytest.mark.parametrize("seed", [1, *LONG_SEEDS])
def test_receiver_keeps_its_clocks_and_budgets(seed: int, tmp_path: Path) -> None:
    build = build_receiver(find_board("ulx3s-85f"), tmp_path, seed, lambda title, seconds: None)
    assert build.problems == ()
