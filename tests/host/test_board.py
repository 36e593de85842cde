"""The host's side of a board: opening, registers, settings, and every way in which it can fail."""

import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from hexkey.board import Board
from hexkey.board_settings import BoardSettings, DetectorSettings
from hexkey.errors import ConfigurationError, DeviceError
from hexkey.wire import Counters, Frame, Kind, SettingsChange, unpack_events
from hexkey.wire.registers import DoubleClick, Mode
from hexkey_sim.board_runner import VirtualBoardThread
from hexkey_sim.faults import parse_faults
from hexkey_sim.link import OpticalLink, preset
from hexkey_sim.virtual_board import VirtualBoard


class DirectSource:
    """A virtual board without port and clock: 20 ms pass whenever the host has read everything."""

    name = "virtual"

    def __init__(self, *faults: str, baud: int | None = 3_000_000, seed: int = 3) -> None:
        link = OpticalLink(preset("table-ii").parameters, seed=3)
        self.board = VirtualBoard(link, baud=baud, faults=parse_faults(faults), seed=seed)
        self.closed = False

    def read(self, max_bytes: int, timeout_s: float) -> bytes:
        if not self.board.outgoing:
            self.board.advance(800_000)
        data = self.board.outgoing[: min(max_bytes, 1000)]
        self.board.sent(len(data))
        if not data:
            threading.Event().wait(min(timeout_s, 0.01))
        return data

    def write(self, data: bytes) -> None:
        self.board.receive(data)

    def close(self) -> None:
        self.closed = True


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a port nothing takes long."""
    monkeypatch.setattr("hexkey.board.REPLY_TIMEOUT_S", 0.05)
    monkeypatch.setattr("hexkey.board.QUIET_S", 0.01)


@pytest.fixture
def board() -> Iterator[Board]:
    with Board.open(DirectSource()) as board:
        yield board


def listen(board: Board, reads: int) -> list[Frame]:
    frames = []
    for _ in range(reads):
        frames += board.frames(0.01)
    return frames


def events_in(frames: list[Frame]) -> int:
    return sum(
        len(unpack_events(frame.body, frame.header.pulse, frame.header.record_bytes))
        for frame in frames
        if frame.header.kind is Kind.EVENTS
    )


def test_open_board_is_stopped_and_known(board: Board) -> None:
    assert board.identification.board == "virtual"
    assert board.identification.simulated
    assert board.read("control") == 0
    assert board.frames(0.0) == []


def test_running_board_is_stopped_and_drained_first() -> None:
    source = DirectSource()
    first = Board.open(source)
    first.arm(1)
    listen(first, 20)
    second = Board.open(source)
    assert second.frames(0.01) == []
    second.arm(2)
    frames = listen(second, 50)
    assert {frame.header.run for frame in frames} == {2}
    assert events_in(frames) > 0
    second.close()


def test_registers_are_written_and_read_back(board: Board) -> None:
    board.write("delay_ticks", -5000, 1)
    assert board.read("delay_ticks", 1) == -5000
    assert board.read("delay_ticks", 0) == 0
    assert board.read("period_ticks") == 2500


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("delay_ticks", 5001, "give -5000 to 5000"),
        ("gate_start_ticks", 2500, "give 0 to 2499"),
        ("gate_width_ticks", -1, "give 0 to 2500"),
        ("levels", 1, "can only be read"),
    ],
)
def test_refused_value_is_named_with_its_limits(
    board: Board, name: str, value: int, message: str
) -> None:
    detector = None if name == "levels" else 0
    with pytest.raises(ConfigurationError, match=f"does not take {value} for {name}: .*{message}"):
        board.write(name, value, detector)


def test_settings_take_effect_together_and_the_stream_says_where(board: Board) -> None:
    board.arm(9)
    before = listen(board, 100)
    change = board.configure(
        BoardSettings(
            detectors=(
                DetectorSettings(gate_start_ticks=2400, gate_width_ticks=1000, delay_ticks=30),
                DetectorSettings(enable=False),
            ),
            holdoff_pulses=1,
            dead_time_ps=22_000,
            double_click=DoubleClick.DISCARD,
        )
    )
    frames = listen(board, 100)
    assert events_in(before) > 0
    old = new = 0
    for frame in frames:
        if frame.header.kind is Kind.EVENTS:
            part = unpack_events(frame.body, frame.header.pulse, frame.header.record_bytes)
            after = part.pulse >= change.first_pulse
            old += int((~after).sum())
            new += int(after.sum())
            assert (part.mask[after] == 1).all()
            assert ((part.phase_ticks[after] >= 2400) & (part.phase_ticks[after] < 3400)).all()
    assert old > 0  # the frames that came meanwhile were kept
    assert new > 0
    changes = [frame for frame in frames if frame.header.kind is Kind.SETTINGS]
    assert [SettingsChange.decode(frame.body) for frame in changes] == [change]


def test_hold_off_shorter_than_the_dead_time_is_refused(board: Board) -> None:
    with pytest.raises(ConfigurationError, match=r"22001 ps: .*at least 1 pulses"):
        board.configure(BoardSettings(holdoff_pulses=0, dead_time_ps=22_001))
    with pytest.raises(ConfigurationError, match="at least 2 pulses"):
        board.configure(BoardSettings(holdoff_pulses=1, dead_time_ps=25_001))
    board.configure(BoardSettings(holdoff_pulses=1, dead_time_ps=25_000))


@pytest.mark.parametrize(
    "settings",
    [
        BoardSettings(detectors=(DetectorSettings(),) * 3),
        BoardSettings(detectors=(DetectorSettings(gate_width_ticks=2501),)),
        BoardSettings(mode=Mode.RAW_TAGS),
    ],
)
def test_settings_that_the_board_has_no_way_to_keep_change_nothing(
    board: Board, settings: BoardSettings
) -> None:
    with pytest.raises(ConfigurationError):
        board.configure(settings)
    board.arm(1)
    assert all(frame.header.settings == 0 for frame in listen(board, 20))


def test_capture_sees_every_byte(board: Board) -> None:
    chunks: list[bytes] = []
    source = DirectSource()
    captured = Board.open(source, on_bytes=chunks.append)
    captured.arm(1)
    listen(captured, 30)
    assert sum(map(len, chunks)) == captured.statistics.bytes > 1000
    captured.close()
    assert source.closed


def test_run_id_zero_is_a_programmer_error(board: Board) -> None:
    with pytest.raises(ValueError, match="run id"):
        board.arm(0)


def test_lost_replies_are_asked_for_again() -> None:
    source = DirectSource("drop-reply:count=3")
    board = Board.open(source)
    board.arm(4)
    assert source.board.running
    board.close()
    assert not source.board.running


@pytest.mark.parametrize(
    "faults",
    [
        ["lose-bytes:rate=2e-4"],
        ["flip-bits:rate=3e-5"],
        ["overflow:at=0.1s,for=0.1s"],
        ["lose-bytes:rate=2e-4", "overflow:at=0.1s,for=60ms", "drop-reply:count=2"],
    ],
)
def test_every_event_arrives_or_is_counted_as_lost(faults: list[str]) -> None:
    source = DirectSource(*faults)
    board = Board.open(source)
    board.configure(BoardSettings(holdoff_pulses=1))
    board.arm(5)
    frames = []
    while source.board.time_s < 0.4:
        frames += board.frames(0.01)
    board.stop()
    frames += board.frames(0.0)
    while True:  # the last totals, if their frame did not arrive
        counters = [frame for frame in frames if frame.header.kind is Kind.COUNTERS]
        totals = Counters.decode(counters[-1].body)
        if totals.events == source.board._front_end.counters.events:
            break
        board.stop()
        frames += board.frames(0.0)
    seen = board.statistics
    assert events_in(frames) == seen.events > 10_000
    assert seen.events + seen.events_missed + totals.fifo_dropped == totals.events
    if any("overflow" in fault for fault in faults):
        assert totals.fifo_dropped > 1000
    if any("rate" in fault for fault in faults):
        assert seen.events_missed > 0
    assert sum(gap.events or 0 for gap in board.take_gaps()) >= seen.events_missed
    board.close()


def test_new_epoch_is_in_the_stream() -> None:
    board = Board.open(DirectSource("lose-trigger:at=0.1s,for=40ms"))
    board.arm(1)
    epochs: dict[int, int] = {}
    while 1 not in epochs:
        for frame in board.frames(0.01):
            epochs.setdefault(frame.header.epoch, frame.header.pulse)
    assert epochs[1] < 1_000_000
    board.close()


def test_garbage_is_refused_and_the_port_released() -> None:
    source = DirectSource("garbage")
    with pytest.raises(DeviceError, match=r"virtual sends bytes but no hexkey frame: check"):
        Board.open(source)
    assert source.closed


def test_unknown_version_is_refused_by_name() -> None:
    with pytest.raises(DeviceError, match=r"cannot be understood: .*version 254"):
        Board.open(DirectSource("wrong-version"))


class Deaf(DirectSource):
    """Takes requests and does nothing."""

    def write(self, data: bytes) -> None:
        pass


def test_silent_device_is_refused() -> None:
    with pytest.raises(DeviceError, match="does not answer"):
        Board.open(Deaf())


def test_board_that_streams_and_does_not_answer_is_refused() -> None:
    source = Deaf()
    running = DirectSource()
    source.board = running.board
    Board.open(running).arm(3)
    with pytest.raises(DeviceError, match="sends frames but answers no request"):
        Board.open(source)


def test_device_that_vanishes_while_it_is_opened_is_an_error() -> None:
    class Gone(DirectSource):
        def read(self, max_bytes: int, timeout_s: float) -> bytes:
            raise DeviceError("gone")

    source = Gone()
    with pytest.raises(DeviceError, match="gone"):
        Board.open(source)
    assert source.closed


def test_request_number_that_the_board_has_seen_is_not_mistaken(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A new host must not get the last host's answer for its own."""
    source = DirectSource()
    first = Board.open(source)
    first.write("run", 77)
    monkeypatch.setattr("hexkey.board.secrets.randbelow", lambda _: first._request_id - 1)
    second = Board.open(source)
    second.arm(78)
    assert second.read("run") == 78
    second.close()


def test_board_is_opened_by_the_name_of_its_port(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hexkey.board.REPLY_TIMEOUT_S", 0.5)
    link: Any = OpticalLink(preset("table-ii").parameters, seed=3)
    with VirtualBoardThread(VirtualBoard(link)) as thread, Board.open(thread.name) as board:
        assert board.name == thread.name
        board.arm(1)
        frames: list[Frame] = []
        while not events_in(frames):
            frames += board.frames(0.5)
        assert np.all([frame.header.run == 1 for frame in frames])
