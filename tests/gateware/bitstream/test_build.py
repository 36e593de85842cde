"""The whole flow with the real tools, on small receivers of delay lines and little else.

`make test` sends the whole receiver of one ECP5 board through the same flow and checks, see
test_receiver.
"""

from pathlib import Path

import pytest
from tests.gateware.bitstream.ecp5_build import STEPS, check_build
from tests.gateware.bitstream.small_receiver import SmallReceiver

from hexkey_gateware.bitstream.build import build_bitstream
from hexkey_gateware.boards import find_board


@pytest.mark.long
@pytest.mark.timeout(900)  # the tools compile themselves when they are run for the first time
def test_small_receiver_builds_for_ecp5(tmp_path: Path) -> None:
    board = find_board("ulx3s-12f")
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
