"""Tables that follow while a board runs behind a real port, and what becomes of the run."""

import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.host.diagnosis.boards import PERIOD_PS, a_board, ignore

from hexkey.board import Board
from hexkey.calibration import tables as files
from hexkey.calibration.procedure import kept_tables, path_for
from hexkey.calibration.refresher import Refresher
from hexkey.calibration.tables import BoardTables
from hexkey.cli.display import describe
from hexkey.diagnosis.calibrating import calibrate_board
from hexkey.errors import DeviceError
from hexkey.party.capture import record_wire
from hexkey.recording import read_recording
from hexkey.wire import (
    CodeDensity,
    Kind,
    RegisterOperation,
    RegisterRequest,
    RegisterStatus,
    StreamParser,
)
from hexkey.wire.channels import TRIGGER, Source
from hexkey.wire.registers import address
from hexkey_sim.board_runner import VirtualBoardThread
from hexkey_sim.click_source import SomeClicks
from hexkey_sim.tagger_board import Clicks, TaggerBoard

CHANNELS = (0, 1, TRIGGER)


class Photons:
    """Pulses of 0.4 ns rms in which two detectors click now and then, one in ten in the gate."""

    def __init__(self, rate_hz: float = 101_000.0) -> None:
        self._chance = rate_hz * PERIOD_PS * 1e-12
        self._generator = np.random.default_rng(5)
        self._pulse = 0

    def advance(self, pulses: int) -> SomeClicks:
        start, self._pulse = self._pulse, self._pulse + pulses
        number = self._generator.binomial(pulses, self._chance, 2)
        times, detectors = [], []
        for detector, clicks in enumerate(number.tolist()):
            pulse = start + self._generator.integers(0, pulses, clicks)
            late = 10_000 * (self._generator.random(clicks) < 0.9)
            phase = late + self._generator.normal(5_000, 400, clicks)
            times.append(pulse * PERIOD_PS + np.rint(phase).astype(np.int64))
            detectors.append(np.full(clicks, detector, np.uint8))
        time_ps = np.concatenate(times)
        order = np.argsort(time_ps, kind="stable")
        return Clicks(time_ps[order], np.concatenate(detectors)[order])


class Run:
    """A recording of a board that ends when its progress has said something so often."""

    def __init__(self, port: str, out: Path, until: str, count: int, **options: Any) -> None:
        self._until, self._left = until, count
        self._stop = threading.Event()
        self.events: list[dict[str, Any]] = []
        self.out = out
        self.report = record_wire(
            port, out, 0.0, 0.5, 10.0, 2, self._progress, self._stop, **options
        )

    def of(self, name: str) -> list[dict[str, Any]]:
        return [event for event in self.events if event["event"] == name]

    def _progress(self, event: dict[str, Any]) -> None:
        self.events.append(event)
        self._left -= event["event"] == self._until
        if self._left == 0:
            self._stop.set()


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    # Seconds and clicks cost time here.
    for name, value in (("SHORTEST_S", 2), ("MIN_HITS", 200_000), ("WEIGHT", 400_000)):
        monkeypatch.setattr(f"hexkey.calibration.refresh.{name}", value)


def tables_in(board: TaggerBoard) -> np.ndarray[Any, Any]:
    return board._tagger._tables


def error_ps(board: TaggerBoard, channel: int) -> float:
    """By how much a channel's tags are wrong in the mean; a table that is right rounds down."""
    times = np.random.default_rng(3).integers(10**9, 10**10, 20_000)
    rounding = 5.0
    return float((board._tagger.tag(times, np.full(len(times), channel)) - times).mean()) - rounding


def calibrated(port: str) -> BoardTables:
    with Board.open(port) as board:
        calibrate_board(board, ignore)
        tables = kept_tables(board)
    assert tables is not None
    return tables


def kept(port: str) -> BoardTables:
    with Board.open(port) as board:
        return files.load(path_for(board), board.identification)


def test_tables_follow_a_line_that_warms_up_and_the_run_is_whole(tmp_path: Path) -> None:
    virtual = a_board(Photons())
    with VirtualBoardThread(virtual) as thread:
        before = calibrated(thread.name)
        virtual._tagger.stretch(1.01)
        cold = {channel: error_ps(virtual, channel) for channel in CHANNELS}
        run = Run(thread.name, tmp_path / "run.recording", "refreshed", 2)
        after = kept(thread.name)
        with Board.open(thread.name) as board:
            assert board.read("density_channel") == 5
    for channel in CHANNELS:
        # A quarter is left of 25 ps, and chance: 1.8 ps rms.
        assert abs(error_ps(virtual, channel)) < 0.6 * cold[channel]
        assert np.array_equal(after.channels[channel].density, before.channels[channel].density)
        fresh = after.channels[channel].current.fine_ticks
        assert tables_in(virtual)[channel].tolist() == fresh.tolist()
    assert min(cold.values()) > 15
    told = run.of("refreshed")[-1]
    assert told["growth"] == pytest.approx(0.01, abs=0.005)
    assert run.of("receiving")[-1]["tap_ps"] == pytest.approx(told["tap_ps"], rel=0.005)
    calibration = run.report["calibration"]
    assert calibration["refreshed"] >= 6
    assert calibration["refused"] == {}
    assert calibration["growth"]["trigger"] == pytest.approx(0.01, abs=0.001)
    # Every frame that the board sent is there, and every event that it counted.
    for name in ("lost", "frames_missed", "bad_frames", "resync_bytes", "trigger_losses"):
        assert run.report[name] == 0, name
    parser = StreamParser()
    frames = [frame for chunk in read_recording(run.out).wire for frame in parser.feed(chunk)]
    numbers = np.array([frame.header.sequence for frame in frames])
    assert np.all(np.diff(numbers) == 1)
    assert run.report["events"] > 50_000
    # One register for each channel's turn, and entries: no more was asked of the board.
    running = [frame for frame in frames if frame.header.run]
    turns = calibration["refreshed"] + 2
    replies = sum(frame.header.kind is Kind.REGISTER_REPLY for frame in running)
    assert 3 * 20 < replies < turns + 150 * turns


def test_next_run_begins_with_the_refreshed_tables(tmp_path: Path) -> None:
    virtual = a_board(Photons())
    with VirtualBoardThread(virtual) as thread:
        calibrated(thread.name)
        virtual._tagger.stretch(1.005)
        Run(thread.name, tmp_path / "1", "refreshed", 1)
        held = tables_in(virtual).copy()
    again = a_board(Photons())
    with VirtualBoardThread(again) as thread:
        run = Run(thread.name, tmp_path / "2", "receiving", 1, refresh=False)
        for channel in CHANNELS:
            assert tables_in(again)[channel].tolist() == held[channel].tolist()
        calibrated(thread.name)  # which begins anew
        assert kept(thread.name).channels[0].refreshed is None
    assert "tables of 3 delay lines loaded" in run.of("tables")[0]["message"]


def test_switched_off_or_without_tables_nothing_is_asked_of_the_board(tmp_path: Path) -> None:
    virtual = a_board(Photons())
    with VirtualBoardThread(virtual) as thread:
        without = Run(thread.name, tmp_path / "1", "receiving", 2)
        calibrated(thread.name)
        off = Run(thread.name, tmp_path / "2", "receiving", 2, refresh=False)
    for run in (without, off):
        assert run.report["calibration"] is None
        assert run.of("receiving")[-1]["tap_ps"] is None
        parser = StreamParser()
        frames = [frame for chunk in read_recording(run.out).wire for frame in parser.feed(chunk)]
        assert not any(frame.header.kind is Kind.CODE_DENSITY for frame in frames)


class LockedPhotons(Photons):
    """Photons at forty places of the board's clock alone."""

    def advance(self, pulses: int) -> SomeClicks:
        from hexkey_sim.simulated_tagger import CLOCK_PS

        light = super().advance(pulses)
        places = np.floor(light.time_ps / CLOCK_PS * 40) + 0.3
        return Clicks(np.floor(places * CLOCK_PS / 40).astype(np.int64), light.detector)


def test_locked_clicks_are_refused_and_said_once(tmp_path: Path) -> None:
    virtual = a_board(LockedPhotons())
    with VirtualBoardThread(virtual) as thread:
        before = calibrated(thread.name)
        run = Run(thread.name, tmp_path / "run.recording", "refreshed", 2)
        after = kept(thread.name)
    assert run.report["calibration"]["refused"] == {
        "detector 0": ["locked"],
        "detector 1": ["locked"],
    }
    said = run.of("table-kept")
    assert [event["channel"] for event in said] == ["detector 0", "detector 1"]
    assert "stays as it is" in describe(said[0])
    for channel in (0, 1):
        assert after.channels[channel].refreshed is None
        held = tables_in(virtual)[channel].tolist()
        assert held == before.channels[channel].fine_ticks.tolist()
    assert after.channels[TRIGGER].refreshed is not None


def test_board_that_takes_no_entries_runs_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    virtual = a_board(Photons())
    with VirtualBoardThread(virtual) as thread:
        calibrated(thread.name)
        virtual._tagger.stretch(1.01)
        whole = Board.write_table

        def none_while_running(board: Board, words: list[int]) -> None:
            if virtual.running and words:
                raise DeviceError("the board is deaf")
            whole(board, words)

        monkeypatch.setattr(Board, "write_table", none_while_running)
        run = Run(thread.name, tmp_path / "run.recording", "refresh-ended", 1)
    assert run.of("refresh-ended")[0]["message"] == "the board is deaf"
    assert run.report["lost"] == 0


def test_file_that_cannot_be_written_is_said_and_the_run_goes_on(tmp_path: Path) -> None:
    said: list[dict[str, Any]] = []
    with VirtualBoardThread(a_board(Photons())) as thread:
        tables = calibrated(thread.name)
        with Board.open(thread.name) as board:
            (tmp_path / "file").write_text("")
            refresher = Refresher(board, tables, tmp_path / "file" / "tables.json", said.append)
            refresher.save()
            assert said == []  # nothing has changed
            refresher._changed = True
            refresher.save()
            refresher.save()
    assert [event["event"] for event in said] == ["tables-lost"]


def test_virtual_board_counts_the_codes_of_clicks_while_it_runs() -> None:
    virtual = a_board(Photons())
    for name, value in (("density_channel", 1), ("control", 1)):
        request = RegisterRequest(len(name), RegisterOperation.WRITE, address(name), value)
        assert virtual._registers.answer(request).status is RegisterStatus.OK
    virtual.advance(2 * virtual.rate_hz)
    densities = [
        CodeDensity.decode(frame.body)
        for frame in StreamParser().feed(virtual.outgoing)
        if frame.header.kind is Kind.CODE_DENSITY
    ]
    assert [(each.channel, each.source) for each in densities] == [(1, Source.PIN)] * 2
    counted = sum(int(each.counts.sum()) for each in densities)
    assert counted > 190_000
    assert counted == pytest.approx(virtual._front_end.counters.clicks[1], abs=2)
