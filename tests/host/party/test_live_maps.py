"""Maps while a board is watched: those that `hexkey tune` makes of the same clicks afterwards."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from fractions import Fraction
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from hexkey.errors import ConfigurationError
from hexkey.events import DETECTORS
from hexkey.gate import Gate
from hexkey.maps.grid import PAPER_START_NS, PAPER_WIDTH_NS, parse_grid, windows_in_ticks
from hexkey.maps.recorded import count_recording
from hexkey.party.live_maps import RecordedMaps
from hexkey.receiver import Receiver
from hexkey.record import RecordReader
from hexkey.recording import read_recording
from hexkey.wire import Identification, StreamParser
from hexkey_sim.link import preset, whole_period
from hexkey_sim.simulate import run_simulation


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("live") / "out"
    chosen = whole_period(preset("bench"))
    chosen = replace(chosen, parameters=replace(chosen.parameters, start_offset_pulses=777))
    run_simulation(chosen, out, 0.6, 8)
    return out


def board_of(meta: dict[str, Any]) -> Identification:
    """Return what the maps need to know of the board that a recording was made with."""
    known = SimpleNamespace(tick_ps=Fraction(meta["tick_ps"]), period_ticks=meta["period_ticks"])
    return cast(Identification, known)


def test_maps_grow_to_those_of_the_recording(folder: Path) -> None:
    recording = read_recording(folder / "run.recording")
    run, period = recording.meta["run"], recording.meta["period_ticks"]
    receiver = Receiver(run, (Gate(0, period),) * DETECTORS, period)
    parser, seen = StreamParser(), []
    with RecordReader(folder / "alice.record") as record, ThreadPoolExecutor(1) as executor:
        maps = RecordedMaps(record, board_of(recording.meta), run, executor)
        assert maps.view(receiver) is None
        for data in recording.wire:
            frames = parser.feed_decoded(data)
            receiver.push(frames)
            maps.push(frames)
            seen.append(maps.message)
        while maps.message is not None:  # the search may still be under way
            maps.push([])
        grid = partial(
            windows_in_ticks,
            parse_grid(PAPER_START_NS, "start_ns"),
            parse_grid(PAPER_WIDTH_NS, "width_ns"),
        )
        exact = count_recording(folder / "run.recording", folder / "alice.record", grid)
        receiver.histogram = (0, 1, exact.clicks[:period])  # as a board would have sent it
        receiver.histogram_pulses = receiver.pulses
        found = maps.view(receiver)
    assert seen[0] is not None
    assert found is not None
    qber = np.array(found.qber, np.float64)
    # Doubles, which a gate discards, are left out by their masks: the rest is the same clicks.
    np.testing.assert_allclose(qber, exact.counts.errors / exact.counts.sifted, atol=2e-3)
    np.testing.assert_allclose(found.sifted_hz, exact.counts.sifted / exact.seconds, rtol=0.02)


def test_record_of_bb84_is_refused(tmp_path: Path) -> None:
    record = cast(
        RecordReader,
        SimpleNamespace(statement=SimpleNamespace(protocol="bb84"), path=tmp_path / "r"),
    )
    with ThreadPoolExecutor(1) as executor, pytest.raises(ConfigurationError, match="is of bb84"):
        RecordedMaps(record, board_of({"tick_ps": "10", "period_ticks": 2500}), 1, executor)
