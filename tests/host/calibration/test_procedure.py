"""Calibrating boards: what is measured, written, kept and loaded, and what is refused."""

import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.host.diagnosis.boards import RegularLight, a_board, ignore, opened

from hexkey.calibration import tables as files
from hexkey.calibration.procedure import load_tables, measure_lines, unit_of
from hexkey.diagnosis.calibrating import calibrate_board, load_kept
from hexkey.diagnosis.tags import record_tags
from hexkey.errors import ConfigurationError, DeviceError, InputError, StoreError
from hexkey.wire.registers import TRIGGER
from hexkey_sim.board_runner import VirtualBoardThread
from hexkey_sim.tagger_board import TaggerBoard
from hexkey_sim.virtual_board import VirtualBoard


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))


def tables_in(board: TaggerBoard) -> np.ndarray[Any, Any]:
    return board._tagger._tables


def errors_ps(board: TaggerBoard, channel: int) -> np.ndarray[Any, Any]:
    """By how much a channel's tags are wrong, rms, for edges all over the clock."""
    times = np.random.default_rng(3).integers(10**9, 10**10, 20_000)
    seen = board._tagger.tag(times, np.full(len(times), channel))
    return seen - times


def test_calibration_makes_times_right_and_restores_the_sources() -> None:
    virtual = a_board()
    raw = errors_ps(virtual, 0).std()
    with opened(virtual) as board:
        board.write("source", 2, 1)
        facts = calibrate_board(board, ignore)
        assert [board.read("source", channel) for channel in (0, 1, TRIGGER)] == [0, 2, 0]
        assert board.read("density_channel") == 5
    assert facts["complete"]
    assert raw > 20
    for channel in (0, 1, TRIGGER):
        assert errors_ps(virtual, channel).std() < 15
    assert facts["lines"]["detector 0"]["hits"] >= 1_000_000


def test_tables_are_kept_and_loaded_into_a_board_that_forgot_them() -> None:
    with opened(a_board()) as board:
        assert "is not calibrated" in str(load_tables(board))
        calibrate_board(board, ignore)
        kept = files.load(files.path_of(board.identification, ""), board.identification)
    again = a_board()  # as after a power cut
    with opened(again) as board:
        assert "tables of 3 delay lines loaded" in str(load_tables(board))
    for channel, table in kept.channels.items():
        assert tables_in(again)[channel].tolist() == table.fine_ticks.tolist()


def test_tables_arrive_whole_though_replies_are_lost() -> None:
    with opened(a_board()) as board:
        calibrate_board(board, ignore)
    again = a_board()
    with opened(again) as board:
        again._replies_to_drop = 20
        load_tables(board)
        kept = files.load(files.path_of(board.identification, ""), board.identification)
    assert tables_in(again)[0].tolist() == kept.channels[0].fine_ticks.tolist()


def test_refused_line_keeps_the_table_that_it_had() -> None:
    with opened(a_board()) as board:
        calibrate_board(board, ignore)
        path = files.path_of(board.identification, "")
        before = files.load(path, board.identification)
    with opened(a_board(dead_channels=(1,), seed=2)) as board:
        facts = calibrate_board(board, ignore)
        after = files.load(path, board.identification)
    assert not facts["complete"]
    assert "too few" in facts["lines"]["detector 1"]["refused"]
    assert np.array_equal(after.channels[1].fine_ticks, before.channels[1].fine_ticks)
    assert not np.array_equal(after.channels[0].fine_ticks, before.channels[0].fine_ticks)


def test_locked_oscillator_is_refused_and_nothing_is_kept() -> None:
    with opened(a_board(locked_phases=40)) as board:
        facts = calibrate_board(board, ignore)
        assert not files.path_of(board.identification, "").exists()
    assert not facts["complete"]
    assert "locked to the sampling clock" in facts["lines"]["trigger"]["refused"]


def test_board_without_delay_lines_has_nothing_to_calibrate() -> None:
    virtual = VirtualBoard(RegularLight(), baud=None)
    from hexkey.board import Board

    with VirtualBoardThread(virtual) as thread, Board.open(thread.name) as board:
        assert load_tables(board) is None
        with pytest.raises(ConfigurationError, match="no delay lines"):
            calibrate_board(board, ignore)
        with pytest.raises(DeviceError, match="sends no code densities of its detector 0"):
            measure_lines(board, [0], ignore, patience_s=0.2)


def test_damaged_tables_are_refused() -> None:
    with opened(a_board()) as board:
        with pytest.raises(InputError, match="no tables for this board"):
            load_kept(board)
        calibrate_board(board, ignore)
        path = files.path_of(board.identification, "")
        path.write_text(path.read_text()[:-40])
        with pytest.raises(InputError, match="cannot be read"):
            load_tables(board)
        small = replace(board.identification, taps=100)
        board.identification = small
        path.unlink()
        files.save(files.BoardTables.none_of(small, ""), path)
        assert "tables of 0 delay lines" in str(load_tables(board))


def test_ports_without_an_adapter_have_no_serial_number() -> None:
    assert unit_of("/dev/pts/0") == unit_of("tcp://127.0.0.1:1") == ""


def test_raw_tags_are_recorded_and_the_mode_is_as_before(tmp_path: Path) -> None:
    out = tmp_path / "tags.npz"
    with opened(a_board(RegularLight(every=4000))) as board:
        facts = record_tags(board, out, 0.5, trigger=False, progress=ignore, stop=threading.Event())
        assert (board.read("mode"), board.read("enable", TRIGGER)) == (0, 1)
        with pytest.raises(StoreError, match="cannot be created"):
            record_tags(board, out, 0.1, trigger=False, progress=ignore, stop=threading.Event())
    assert out.stat().st_mode & 0o777 == 0o600
    with np.load(out) as recorded:
        times, channel = recorded["time_ticks"], recorded["channel"]
        assert str(recorded["tick_ps"]) == "10"
    assert len(times) == facts["tags"] > 100
    assert facts["lost"] == 0
    assert set(channel.tolist()) == {0, 1}
    # A click every 4000 pulses of 25 ns, as exactly as a delay line that is not calibrated tells.
    assert np.abs(np.diff(times[channel == 0].astype(np.int64)) - 10_000_000).max() < 50


def test_trigger_is_recorded_where_the_link_can_carry_it(tmp_path: Path) -> None:
    out = tmp_path / "tags.npz"
    with opened(a_board()) as board:
        board.write("trigger_divider", 40_000)
        record_tags(board, out, 0.5, trigger=True, progress=ignore, stop=threading.Event())
    with np.load(out) as recorded:
        times = recorded["time_ticks"][recorded["channel"] == TRIGGER].astype(np.int64)
    assert np.all(np.diff(times) == 40_000 * 2500)
