"""Raw tags of the simulated receiver: with a lock and without one."""

import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hexkey.board import Board
from hexkey.board_settings import BoardSettings
from hexkey.wire import Kind, unpack_tags
from hexkey.wire.channels import TRIGGER
from hexkey.wire.registers import Mode, TrackerState
from hexkey_sim.benches.verilator import MISSING_SIMULATOR, simulator_is_missing
from hexkey_sim.cosim.run import DESIGN, PATIENCE, CosimSettings
from hexkey_sim.cosim.simulator import running
from hexkey_sim.cosim.system import compile_system

PERIOD_TICKS = 2_500
RUN = 1
DEADLINE_S = 120.0


@pytest.mark.timeout(600)  # a minute, if nothing else runs
@pytest.mark.parametrize(
    "period_ticks", [3_000, pytest.param(PERIOD_TICKS, marks=pytest.mark.long)]
)
def test_trigger_is_tagged_whatever_its_period_should_be(period_ticks: int, tmp_path: Path) -> None:
    if simulator_is_missing():
        pytest.skip(MISSING_SIMULATOR)
    (tmp_path / "stimulus.txt").write_text("1000000000000 0\n")
    with running(compile_system(replace(DESIGN, baud=CosimSettings().baud)), tmp_path) as port:
        with Board.open(port, patience=PATIENCE) as board:
            board.configure(BoardSettings(mode=Mode.RAW_TAGS, period_ticks=period_ticks))
            locked = board.read("tracker_state") == TrackerState.LOCKED
            board.arm(RUN)
            deadline, bodies = time.monotonic() + DEADLINE_S, list[bytes]()
            while not bodies and time.monotonic() < deadline:
                frames = board.frames(0.2)
                bodies += [frame.body for frame in frames if frame.header.kind is Kind.TAGS]
            dropped = board.read("tags_dropped")
            if locked:  # the long one: what is in the FIFO leaves first
                board.stop()
    assert locked == (period_ticks == PERIOD_TICKS)
    first = unpack_tags(bodies[0])
    assert set(first.channel.tolist()) == {TRIGGER}
    intervals = np.diff(first.time_ticks.astype(np.int64))
    assert abs(np.median(intervals) - PERIOD_TICKS) <= 5
    assert dropped > 0  # 40 million a second are more than the line carries: it says so
