"""The virtual board in the course of time, behind real ports."""

import contextlib
import os
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from hexkey.board import Board
from hexkey.board_settings import BoardSettings
from hexkey.errors import ConfigurationError, DeviceError, InputError
from hexkey.record import RecordReader
from hexkey.wire import Counters, Frame, Kind, unpack_events
from hexkey_sim.board_runner import BoardOptions, VirtualBoardThread, run_virtual_board
from hexkey_sim.faults import parse_faults
from hexkey_sim.link import OpticalLink, preset
from hexkey_sim.ports import TcpPort
from hexkey_sim.virtual_board import VirtualBoard

TABLE_II = preset("table-ii").parameters


def a_board(**options: object) -> VirtualBoard:
    return VirtualBoard(OpticalLink(TABLE_II, seed=2), **options)  # type: ignore[arg-type]


def listen(board: Board, seconds: float) -> list[Frame]:
    frames = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        frames += board.frames(0.05)
    return frames


def stopped(board: Board) -> tuple[Counters, int]:
    """Stop; return the final counters and how many events arrived or are known to be missing."""
    board.stop()
    counters = [frame for frame in board.frames(0.0) if frame.header.kind is Kind.COUNTERS]
    seen = board.statistics
    return Counters.decode(counters[-1].body), seen.events + seen.events_missed


def test_board_behind_a_terminal_keeps_pace_with_the_clock() -> None:
    virtual = a_board()
    with VirtualBoardThread(virtual) as thread, Board.open(thread.name) as board:
        started = time.monotonic()
        board.arm(1)
        frames = listen(board, 0.5)
        counters, events = stopped(board)
        passed = time.monotonic() - started
    assert events > 1000
    assert counters.events == events + counters.fifo_dropped  # none, unless the machine is busy
    assert 0.0 < virtual.time_s < passed + 0.1  # not faster than the clock
    assert {Kind.EVENTS, Kind.COUNTERS} <= {frame.header.kind for frame in frames}


def test_unpaced_board_waits_for_its_host_and_loses_nothing() -> None:
    virtual = a_board(baud=None)
    with VirtualBoardThread(virtual) as thread, Board.open(thread.name) as board:
        board.arm(1)
        listen(board, 0.1)
        time.sleep(0.1)  # full terminal
        before = virtual.pulses
        time.sleep(0.1)
        assert virtual.pulses == before
        counters, events = stopped(board)
    assert counters.events == events > 1000
    assert counters.fifo_dropped == 0


def test_slow_link_drops_counts_and_still_answers() -> None:
    virtual = a_board(baud=115_200, fifo_depth=500)
    with VirtualBoardThread(virtual) as thread, Board.open(thread.name) as board:
        board.arm(1)
        listen(board, 0.5)
        counters, events = stopped(board)
        assert board.read("run") == 1
    assert counters.fifo_dropped > 1000
    assert counters.events == events + counters.fifo_dropped


def test_host_may_leave_without_a_word_and_the_next_finds_the_board() -> None:
    with VirtualBoardThread(a_board()) as thread:
        first = Board.open(thread.name)
        first.arm(1)
        listen(first, 0.1)
        first._source.close()  # killed: it did not stop the board
        time.sleep(0.3)  # the terminal is full by now
        with Board.open(thread.name) as second:
            second.arm(2)
            frames = listen(second, 0.2)
            second.stop()
            rest = second.frames(0.0)
    counters = Counters.decode([f for f in rest if f.header.kind is Kind.COUNTERS][-1].body)
    assert {frame.header.run for frame in frames} == {2}
    received = sum(
        len(unpack_events(frame.body, frame.header.pulse, frame.header.record_bytes))
        for frame in (*frames, *rest)
        if frame.header.kind is Kind.EVENTS
    )
    assert counters.events == received + counters.fifo_dropped


def test_board_on_tcp() -> None:
    with VirtualBoardThread(a_board(), TcpPort()) as thread:
        for run in (1, 2):
            with Board.open(thread.name) as board:
                board.configure(BoardSettings(holdoff_pulses=1, dead_time_ps=22_000))
                board.arm(run)
                listen(board, 0.1)
                assert stopped(board)[0].events > 100


def test_vanished_board_is_an_error_that_names_the_port() -> None:
    virtual = a_board(faults=parse_faults(["vanish:at=0.1s"]))
    with VirtualBoardThread(virtual) as thread, Board.open(thread.name) as board:
        board.arm(1)
        with pytest.raises(DeviceError, match=f"{thread.name} is gone"):
            listen(board, 5.0)
    assert not os.path.exists(thread.name)


def in_thread(options: BoardOptions, host: Callable[[Board], None]) -> VirtualBoard:
    """Run the command's function here and a host beside it."""
    found: list[str] = []
    errors: list[BaseException] = []
    there = threading.Event()

    def play_host() -> None:
        there.wait(5)
        try:
            with Board.open(found[0]) as board:
                host(board)
        except BaseException as error:
            errors.append(error)

    def announce(name: str) -> None:
        found.append(name)
        there.set()

    thread = threading.Thread(target=play_host)
    thread.start()
    parameters = replace(TABLE_II, start_offset_pulses=1000)
    board = run_virtual_board(OpticalLink(parameters, seed=4), options, announce)
    thread.join()
    assert not errors
    return board


def test_record_is_ahead_of_every_event_that_was_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hexkey_sim.board_runner.LINGER_S", 0.1)
    path = tmp_path / "alice.record"

    def host(board: Board) -> None:
        board.arm(1)
        for _ in range(10):
            for frame in board.frames(0.1):
                with RecordReader(path) as record:  # 1000 is the link's start offset
                    assert record.pulses >= frame.header.pulse + 1000

    board = in_thread(BoardOptions(baud=None, duration_s=0.2, record=path), host)
    assert 0 < board.pulses <= 8_000_000


def test_board_with_a_duration_does_not_wait_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    def host(board: Board) -> None:
        board.arm(1)
        listen(board, 0.1)

    monkeypatch.setattr("hexkey_sim.board_runner.LINGER_S", 0.1)
    board = in_thread(BoardOptions(duration_s=1000), host)
    assert not board.running


def test_duration_ends_when_the_host_has_taken_all_and_stopped() -> None:
    counted: list[tuple[Counters, int]] = []

    def host(board: Board) -> None:
        board.arm(1)
        listen(board, 0.6)
        counted.append(stopped(board))

    started = time.monotonic()
    board = in_thread(BoardOptions(duration_s=0.2), host)
    assert time.monotonic() - started < 8
    assert board.time_s == pytest.approx(0.2)
    assert counted[0][0].events == counted[0][1] + counted[0][0].fifo_dropped


def test_tcp_board_ends_when_its_host_leaves() -> None:
    def leave(board: Board) -> None:
        board.arm(1)
        board._source.close()

    board = in_thread(BoardOptions(port="tcp"), leave)
    assert board.running  # it did not need to be stopped


def test_ctrl_c_is_an_orderly_end() -> None:
    def interrupt(name: str) -> None:
        raise KeyboardInterrupt

    link = OpticalLink(TABLE_II, seed=1)
    assert run_virtual_board(link, BoardOptions(), interrupt).pulses == 0


def test_options_that_cannot_be_used_are_refused(tmp_path: Path) -> None:
    link = OpticalLink(TABLE_II, seed=1)
    with pytest.raises(ConfigurationError, match="use pty, tcp"):
        run_virtual_board(link, BoardOptions(port="usb"), print)
    (tmp_path / "old").touch()
    with pytest.raises(InputError, match="exists already"):
        run_virtual_board(link, BoardOptions(record=tmp_path / "old"), print)


def test_error_in_the_thread_is_raised_at_the_end() -> None:
    class Broken:
        def advance(self, pulses: int) -> None:
            raise RuntimeError("no light")

    broken = VirtualBoard(Broken(), baud=None)  # type: ignore[arg-type]
    thread = VirtualBoardThread(broken)
    thread.__enter__()
    board = Board.open(thread.name)
    with contextlib.suppress(DeviceError):
        board.arm(1)
        listen(board, 5)
    with pytest.raises(RuntimeError, match="no light"):
        thread.__exit__(None, None, None)
