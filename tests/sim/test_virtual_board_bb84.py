"""Four detectors on the virtual board: a bright BB84 link, in either mode."""

from dataclasses import replace
from typing import Literal

import numpy as np
import pytest

from hexkey.board import Board
from hexkey.board_settings import BoardSettings, DetectorSettings
from hexkey.wire import Counters, Frame, Histogram, Kind, Pairs, unpack_frames
from hexkey_sim.link import OpticalLink, preset
from hexkey_sim.simulate import Direct
from hexkey_sim.virtual_board import VirtualBoard

BRIGHT = replace(preset("bb84").parameters, channel_loss_db=0.0, mean_photons=0.4)
SECONDS = 0.05


def run(mode: Literal["fast", "exact"]) -> list[Frame]:
    board = VirtualBoard(OpticalLink(BRIGHT, 3), detectors=4, mode=mode, baud=None)
    with Board.open(Direct(board)) as host:
        assert host.identification.detectors == 4
        gates = (DetectorSettings(50, 1000),) * 4
        host.configure(BoardSettings(detectors=gates, holdoff_pulses=2))
        host.arm(1)
        frames = []
        while board.time_s < SECONDS:
            frames += host.frames(0.0)
        host.stop()
        return frames + host.frames(0.0)


@pytest.fixture(scope="module")
def fast() -> list[Frame]:
    return run("fast")


def test_exact_and_fast_mode_send_the_same_frames(fast: list[Frame]) -> None:
    assert [frame.body for frame in run("exact")] == [frame.body for frame in fast]


def test_events_name_every_detector_and_every_pair(fast: list[Frame]) -> None:
    masks, counts = np.unique(unpack_frames(fast).mask, return_counts=True)
    found = dict(zip(masks.tolist(), counts.tolist(), strict=True))
    assert set(found) >= {1, 2, 4, 8, 3, 12, 5, 6, 9, 10}
    assert found[1] > found[4] > found[5] > 0  # the key basis, the test basis, a cross click
    counters = Counters.decode([f for f in fast if f.header.kind is Kind.COUNTERS][-1].body)
    pairs = Pairs.decode([f for f in fast if f.header.kind is Kind.PAIRS][-1].body)
    assert counters.double_pulses == sum(n for mask, n in found.items() if mask & (mask - 1))
    assert sum(pairs.counts) >= counters.double_pulses
    assert min(pairs.counts) > 0


def test_there_is_a_histogram_for_each_detector() -> None:
    board = VirtualBoard(preset("bb84").link(3), detectors=4, baud=None)
    with Board.open(Direct(board)) as host:
        host.configure(BoardSettings(detectors=(DetectorSettings(50, 1000),) * 4))
        host.arm(1)
        frames = []
        while board.time_s < 1.01:
            frames += host.frames(0.0)
        host.stop()
    seen = [Histogram.decode(f.body) for f in frames if f.header.kind is Kind.HISTOGRAM]
    assert {histogram.detector for histogram in seen} == {0, 1, 2, 3}
    assert all(histogram.counts.sum() > 0 for histogram in seen)
