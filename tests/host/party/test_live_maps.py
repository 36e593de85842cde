"""Maps while a board is watched: those that `hexkey tune` makes of the same clicks afterwards."""

from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import replace
from fractions import Fraction
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from hexkey.errors import HexkeyError
from hexkey.events import DETECTORS
from hexkey.gate import Gate
from hexkey.maps import Windows
from hexkey.maps.bb84 import Bb84Reading, Bb84WindowCounts
from hexkey.maps.bb84_rates import bb84_rate_map
from hexkey.maps.grid import PAPER_START_NS, PAPER_WIDTH_NS, parse_grid, windows_in_ticks
from hexkey.maps.recorded import count_recording
from hexkey.party import live_maps
from hexkey.party.live_maps import RecordedMaps
from hexkey.receiver import Receiver
from hexkey.record import RecordReader, RecordWriter
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
        exact = count_recording(folder / "run.recording", folder / "alice.record", paper_grid())
        assert receiver.accepted < 1
        sent = exact.clicks[:period] / receiver.accepted  # by a board, before its hold-off
        receiver.histogram = (0, 1, np.rint(sent).astype(np.int64))
        receiver.histogram_pulses = receiver.pulses
        found = maps.view(receiver)
    assert seen[0] is not None
    assert found is not None
    qber = np.array(found.qber, np.float64)
    # Doubles, which a gate discards, are left out by their masks: the rest is the same clicks.
    np.testing.assert_allclose(qber, exact.counts.errors / exact.counts.sifted, atol=2e-3)
    np.testing.assert_allclose(found.sifted_hz, exact.counts.sifted / exact.seconds, rtol=0.02)


class AtOnce(Executor):
    """Has done what it is given when it returns."""

    def submit(self, task: Callable[..., Any], /, *args: Any, **named: Any) -> Future[Any]:
        future = Future[Any]()
        try:
            future.set_result(task(*args, **named))
        except HexkeyError as error:
            future.set_exception(error)
        return future


@pytest.fixture(scope="module")
def of_bb84(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("live") / "bb84"
    chosen = whole_period(preset("bb84").with_channel_loss(0.0))
    chosen = replace(chosen, parameters=replace(chosen.parameters, start_offset_pulses=777))
    run_simulation(chosen, out, 0.6, 8)
    return out


def test_maps_of_bb84_grow_to_those_of_the_recording(of_bb84: Path) -> None:
    """Frame by frame, and their secret rates and times, too."""
    out = of_bb84
    recording = read_recording(out / "run.recording")
    run, period = recording.meta["run"], recording.meta["period_ticks"]
    receiver = Receiver(run, (Gate(0, period),) * DETECTORS, period)
    parser = StreamParser()
    with RecordReader(out / "alice.record") as record:
        maps = RecordedMaps(record, board_of(recording.meta), run, AtOnce())
        for data in recording.wire:
            for frame in parser.feed_decoded(data):
                maps.push([frame])
        exact = count_recording(out / "run.recording", out / "alice.record", paper_grid())
        reading = Bb84Reading.of_record(record, 4e7)
        assert maps.view(receiver) is None  # it is being drawn
        found = maps.view(receiver)
    assert found is not None
    block_s = reading.parameters.block_bits * exact.seconds / int(exact.clicks.sum())
    rates = bb84_rate_map(
        exact.windows, exact.kinds, exact.seconds, exact.tick_ps, reading, block_s
    )
    assert (exact.shift == 0).all()
    np.testing.assert_allclose(np.array(found.qber, np.float64), rates.qber, rtol=1e-3)
    np.testing.assert_allclose(found.sifted_hz, rates.sifted_hz, rtol=1e-3)
    np.testing.assert_allclose(found.secret_hz, rates.secret_hz, rtol=0.01)
    assert rates.secret_hz.min() > 10_000
    assert found.unproven  # nothing is known of the source here
    assert found.seconds == pytest.approx(exact.seconds, rel=1e-4)


def test_pulses_whose_clicks_were_forgotten_do_not_count(
    of_bb84: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Alice's record lags, and more clicks wait for it than may: rates are of the others alone."""
    monkeypatch.setattr(live_maps, "MOST_WAITING", 20_000)
    recording = read_recording(of_bb84 / "run.recording")
    run, period = recording.meta["run"], recording.meta["period_ticks"]
    receiver = Receiver(run, (Gate(0, period),) * DETECTORS, period)
    parser, path = StreamParser(), tmp_path / "alice.record"
    with RecordReader(of_bb84 / "alice.record") as whole:
        every = np.arange(whole.first_pulse, whole.end_pulse, dtype=np.uint64)
        bits, bases, statement = whole.bits_at(every), whole.bases_at(every), whole.statement
    third = len(every) // 3
    with RecordWriter(path, statement) as writer:
        writer.append_bits(bits[:third], bases[:third])
        with RecordReader(path) as record:
            maps = RecordedMaps(record, board_of(recording.meta), run, AtOnce())
            for data in recording.wire:
                maps.push(parser.feed_decoded(data))
            writer.append_bits(bits[third:], bases[third:])
            maps.push([])
            maps.view(receiver)
            found = maps.view(receiver)
    exact = count_recording(of_bb84 / "run.recording", of_bb84 / "alice.record", paper_grid())
    assert found is not None
    assert found.seconds < 0.8 * exact.seconds
    counts = Bb84WindowCounts.of_kinds(exact.windows, exact.kinds)
    np.testing.assert_allclose(found.sifted_hz, counts.key_bits / exact.seconds, rtol=0.05)


def paper_grid() -> partial[Windows]:
    return partial(
        windows_in_ticks,
        parse_grid(PAPER_START_NS, "start_ns"),
        parse_grid(PAPER_WIDTH_NS, "width_ns"),
    )
