"""The whole flow with the real tools, on small receivers of delay lines and little else.

CI sends the whole receiver of one board through the same flow and checks, see test_receiver.
"""

from dataclasses import replace
from pathlib import Path

import pytest
from tests.gateware.bitstream.ecp5_build import STEPS, check_build
from tests.gateware.bitstream.small_receiver import SmallReceiver

from hexkey.errors import HexkeyError
from hexkey_gateware.bitstream.build import build_bitstream
from hexkey_gateware.boards import find_board

SHORT, WHOLE = 32, 256  # taps of a line


@pytest.mark.timeout(900)  # the tools compile themselves when they are run for the first time
@pytest.mark.parametrize("taps", [SHORT, pytest.param(WHOLE, marks=pytest.mark.long)])
def test_small_receiver_builds_for_ecp5(tmp_path: Path, taps: int) -> None:
    board = replace(find_board("ulx3s-12f"), taps=taps)
    told: list[str] = []
    found = build_bitstream(
        board,
        SmallReceiver(board.channels, board.taps),
        "0.1 test",
        tmp_path / "good",
        progress=lambda title, seconds: told.append(title),
    )
    assert told[::2] == told[1::2] == STEPS
    check_build(board, found, tmp_path)


@pytest.mark.long  # nextpnr makes ready for two minutes, however little there is to place
@pytest.mark.timeout(900)
def test_small_receiver_builds_for_gowin(tmp_path: Path) -> None:
    board = find_board("tang-primer-20k")
    receiver = SmallReceiver(board.channels, board.taps, board.lowering)
    told: list[str] = []
    found = build_bitstream(
        board,
        receiver,
        "0.1 test",
        tmp_path,
        progress=lambda title, seconds: told.append(title),
    )
    # Its few flip-flops lie so near each other that nextpnr has no path of theirs in its report.
    assert [problem for problem in found.problems if "clock fast: not in" not in problem] == []
    assert found.bitstream.stat().st_size > 10_000
    assert told[::2] == told[1::2] == [step for step in STEPS if step != "mapping"]


@pytest.mark.timeout(900)
def test_what_has_no_room_is_refused_before_it_is_placed(tmp_path: Path) -> None:
    tang = find_board("tang-primer-20k")
    board = replace(tang, cells=replace(tang.cells, places=10))
    receiver = SmallReceiver(board.channels, board.taps, board.lowering)
    with pytest.raises(HexkeyError, match=r"would take \d+ places of 10"):
        build_bitstream(board, receiver, "0.1 test", tmp_path)
    assert not (tmp_path / "route.log").exists()
