"""The virtual board between its pins and its bytes; no clock and no port."""

from collections import Counter
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from hexkey.errors import ConfigurationError, InputError
from hexkey.wire import (
    Counters,
    Frame,
    Header,
    Histogram,
    Identification,
    Kind,
    Loss,
    LossCause,
    Pairs,
    RegisterOperation,
    RegisterReply,
    RegisterRequest,
    RegisterStatus,
    SettingsChange,
    Status,
    StreamParser,
    encode_frame,
    unpack_events,
)
from hexkey.wire.registers import address
from hexkey_sim.faults import parse_faults
from hexkey_sim.virtual_board import VirtualBoard

RATE_HZ = 1_000_000  # 1 µs a pulse: a second of it is quickly simulated
PERIOD_PS = 1_000_000
PERIOD_TICKS = 100_000


@dataclass
class SomeClicks:
    time_ps: NDArray[np.int64]
    detector: NDArray[np.uint8]


class UniformClicks:
    """Clicks of two detectors, without any structure, at `rate_hz`."""

    def __init__(self, rate_hz: float, period_ps: int = PERIOD_PS) -> None:
        self._generator = np.random.default_rng(11)
        self._per_ps = rate_hz / 1e12
        self._period_ps = period_ps
        self.now_ps = 0

    def advance(self, pulses: int) -> SomeClicks:
        start, self.now_ps = self.now_ps, self.now_ps + pulses * self._period_ps
        count = self._generator.poisson((self.now_ps - start) * self._per_ps)
        times = np.sort(self._generator.integers(start, self.now_ps, count))
        return SomeClicks(times, self._generator.integers(0, 2, count).astype(np.uint8))


class Bench:
    """A board and a host that asks and listens."""

    def __init__(self, rate_hz: float = 20_000, **options: Any) -> None:
        self.board = VirtualBoard(UniformClicks(rate_hz), period_ps=PERIOD_PS, **options)
        self.parser = StreamParser()
        self.frames: list[Frame] = []
        self.request_id = 0

    def listen(self) -> list[Frame]:
        """Take everything that the board has to say."""
        new = []
        while data := self.board.outgoing:
            self.board.sent(len(data))
            new += self.parser.feed(data)
        self.frames += new
        return new

    def ask(self, request: RegisterRequest) -> list[RegisterReply]:
        header = Header(Kind.REGISTER_REQUEST, 0, 0, 0, 0, 0, 0, 0)
        self.board.receive(b"\0" + encode_frame(header, request.encode()))
        replies = [f for f in self.listen() if f.header.kind is Kind.REGISTER_REPLY]
        return [RegisterReply.decode(frame.body) for frame in replies]

    def write(self, name: str, value: int, detector: int | None = None) -> RegisterStatus:
        self.request_id += 1
        word = value & 0xFFFFFFFF
        (reply,) = self.ask(
            RegisterRequest(self.request_id, RegisterOperation.WRITE, address(name, detector), word)
        )
        return reply.status

    def arm(self, run: int = 5) -> None:
        assert self.write("run", run) is RegisterStatus.OK
        assert self.write("control", 1) is RegisterStatus.OK

    def light(self, seconds: float) -> None:
        """Let 20 ms pass and listen, again and again."""
        for _ in range(round(seconds * 50)):
            self.board.advance(RATE_HZ // 50)
            self.listen()

    def of(self, kind: Kind) -> list[Frame]:
        return [frame for frame in self.frames if frame.header.kind is kind]

    def last_counters(self) -> Counters:
        return Counters.decode(self.of(Kind.COUNTERS)[-1].body)

    def accounted(self) -> int:
        """Events that arrived, that were in frames that did not, and that the FIFO dropped."""
        seen = self.parser.statistics
        return seen.events + seen.events_missed + self.last_counters().fifo_dropped


def test_board_is_silent_and_dark_until_it_is_armed() -> None:
    bench = Bench()
    bench.light(0.1)
    assert bench.frames == []
    assert bench.board.pulses == 0
    bench.arm(run=7)
    bench.light(0.1)
    (frame, *_) = bench.of(Kind.EVENTS)
    assert frame.header.run == 7
    assert bench.board.pulses == RATE_HZ // 10


def test_identification_says_that_it_is_virtual() -> None:
    bench = Bench(fifo_depth=1000)
    bench.write("identify", 1)
    board = Identification.decode(bench.of(Kind.IDENTIFICATION)[0].body)
    assert (board.board, board.simulated, board.tick_ps) == ("virtual", True, Fraction(10))
    assert (board.period_ticks, board.fifo_depth, board.detectors) == (PERIOD_TICKS, 1000, 2)


@pytest.mark.parametrize("mode", ["fast", "exact"])
def test_reports_come_in_time_and_agree_with_the_events(mode: Any) -> None:
    bench = Bench(mode=mode)
    bench.arm()
    bench.light(1.0)
    kinds = Counter(frame.header.kind for frame in bench.frames)
    assert kinds[Kind.COUNTERS] == kinds[Kind.PAIRS] == kinds[Kind.STATUS] == 10
    histograms = [Histogram.decode(frame.body) for frame in bench.of(Kind.HISTOGRAM)]
    assert [histogram.detector for histogram in histograms] == [0, 1]
    bench.write("control", 0)
    counters = bench.last_counters()
    events = [
        unpack_events(frame.body, frame.header.pulse, frame.header.record_bytes)
        for frame in bench.of(Kind.EVENTS)
    ]
    masks = np.concatenate([part.mask for part in events])
    assert len(masks) == counters.events == bench.parser.statistics.events
    assert counters.triggers == RATE_HZ
    doubles = int(np.count_nonzero(masks == 3))
    pairs = Pairs.decode(bench.of(Kind.PAIRS)[-1].body)
    assert counters.double_pulses == doubles == pairs.counts[0]
    dropped = counters.ignored_holdoff + counters.outside_gate + counters.repeats
    assert sum(counters.clicks) == dropped + len(masks) + doubles
    pulses = np.concatenate([part.pulse for part in events])
    assert (np.diff(pulses.astype(np.int64)) > 2).all()  # the hold-off that it has after a reset
    status = Status.decode(bench.of(Kind.STATUS)[-1].body)
    assert (status.trigger_locked, status.running) == (True, False)


def test_exact_and_fast_mode_send_the_same_bytes() -> None:
    streams = []
    for mode in ("exact", "fast"):
        bench = Bench(mode=mode)
        bench.write("gate_start_ticks", 90_000, 0)
        bench.write("gate_width_ticks", 20_000, 0)
        bench.write("delay_ticks", -5000, 1)
        bench.write("commit", 1)
        bench.arm()
        bench.light(0.2)
        streams.append(bench.frames)
    assert [frame.body for frame in streams[0]] == [frame.body for frame in streams[1]]
    assert len(streams[0]) > 20


def test_settings_wait_for_the_commit_and_change_at_the_pulse_that_is_said() -> None:
    bench = Bench(rate_hz=100_000)
    bench.arm()
    bench.light(0.1)
    bench.write("gate_width_ticks", 0, 0)
    bench.light(0.1)
    bench.write("commit", 300)
    bench.light(0.1)
    (frame,) = bench.of(Kind.SETTINGS)
    change = SettingsChange.decode(frame.body)
    assert change == SettingsChange(RATE_HZ // 5, 300)
    for frame in bench.of(Kind.EVENTS):
        part = unpack_events(frame.body, frame.header.pulse, frame.header.record_bytes)
        new = frame.header.settings == 300 % 256
        assert ((part.pulse >= change.first_pulse) == new).all()
        assert (part.mask & 1).any() == (not new)


@pytest.mark.parametrize(
    ("name", "detector", "value", "status"),
    [
        ("gate_start_ticks", 1, PERIOD_TICKS - 1, RegisterStatus.OK),
        ("gate_start_ticks", 1, PERIOD_TICKS, RegisterStatus.OUT_OF_RANGE),
        ("gate_width_ticks", 3, PERIOD_TICKS + 1, RegisterStatus.OUT_OF_RANGE),
        ("delay_ticks", 0, -5000, RegisterStatus.OK),
        ("delay_ticks", 0, -5001, RegisterStatus.OUT_OF_RANGE),
        ("mode", None, 1, RegisterStatus.OUT_OF_RANGE),
        ("tracker_state", None, 1, RegisterStatus.READ_ONLY),
        ("period_ticks", None, PERIOD_TICKS, RegisterStatus.OK),
        ("period_ticks", None, PERIOD_TICKS + 1, RegisterStatus.OUT_OF_RANGE),
        ("source", 4, 2, RegisterStatus.OK),
        ("table_entry", None, 5 << 20, RegisterStatus.OUT_OF_RANGE),
    ],
)
def test_registers_take_what_is_in_range(
    name: str, detector: int | None, value: int, status: RegisterStatus
) -> None:
    bench = Bench()
    assert bench.write(name, value, detector) is status
    (reply,) = bench.ask(RegisterRequest(99, RegisterOperation.READ, address(name, detector)))
    assert (reply.value == value & 0xFFFFFFFF) is (status is RegisterStatus.OK)


def test_there_is_nothing_at_other_addresses() -> None:
    (reply,) = Bench().ask(RegisterRequest(1, RegisterOperation.READ, 0x7F))
    assert reply == RegisterReply(1, RegisterStatus.NO_SUCH_REGISTER, 0x7F, 0)


def test_repeated_request_gets_the_same_reply_and_is_not_applied_again() -> None:
    bench = Bench()
    request = RegisterRequest(4, RegisterOperation.WRITE, address("identify"), 1)
    assert bench.ask(request) == bench.ask(request)
    assert len(bench.of(Kind.IDENTIFICATION)) == 1


def test_what_is_no_request_is_counted() -> None:
    bench = Bench()
    bench.arm()
    header = Header(Kind.REGISTER_REQUEST, 0, 0, 0, 0, 0, 0, 0)
    sound = encode_frame(header, RegisterRequest(1, RegisterOperation.READ, 0).encode())
    bench.board.receive(sound[:9] + b"\x55" + sound[10:])  # damaged
    bench.board.receive(encode_frame(header, b"short"))
    bench.board.receive(encode_frame(Header(Kind.STATUS, 0, 0, 0, 0, 0, 0, 0), b""))
    bench.write("control", 0)
    assert bench.last_counters().bad_requests == 3


def test_new_run_counts_from_zero() -> None:
    bench = Bench()
    bench.arm(run=1)
    bench.light(0.2)
    bench.write("control", 0)
    first = bench.last_counters()
    bench.arm(run=2)
    bench.light(0.1)
    bench.write("control", 0)
    second = bench.last_counters()
    assert 0 < second.events < first.events
    assert second.triggers == RATE_HZ // 10
    assert bench.parser.statistics.events == first.events + second.events
    assert bench.parser.statistics.frames_missed == 0


def test_histogram_mode_makes_no_events() -> None:
    bench = Bench()
    bench.write("mode", 2)
    bench.write("commit", 1)
    bench.arm()
    bench.light(1.0)
    assert bench.of(Kind.EVENTS) == []
    assert len(bench.of(Kind.HISTOGRAM)) == 2
    assert bench.last_counters().events == 0


def test_host_that_does_not_read_fills_the_fifo_and_every_event_is_accounted_for() -> None:
    bench = Bench(rate_hz=100_000, fifo_depth=300)
    bench.arm()
    bench.board.advance(RATE_HZ)  # a second, and nobody listens
    assert len(bench.board.outgoing) < 60_000
    bench.listen()
    bench.light(0.1)
    bench.write("control", 0)
    losses = [Loss.decode(frame.body) for frame in bench.of(Kind.LOSS)]
    assert {loss.cause for loss in losses} == {LossCause.FIFO_FULL}
    counters = bench.last_counters()
    assert sum(loss.events for loss in losses) == counters.fifo_dropped > 10_000
    assert bench.accounted() == counters.events
    assert all(loss.first_pulse <= loss.last_pulse for loss in losses)


def test_link_without_a_pace_never_loses() -> None:
    bench = Bench(rate_hz=100_000, baud=None, fifo_depth=250)
    bench.arm()
    bench.board.advance(RATE_HZ // 10)
    bench.write("control", 0)
    assert bench.last_counters().fifo_dropped == 0
    assert bench.parser.statistics.events == bench.last_counters().events


@pytest.mark.parametrize("spec", ["lose-bytes:rate=3e-4", "flip-bits:rate=5e-5"])
def test_damaged_bytes_cost_frames_and_every_event_is_accounted_for(spec: str) -> None:
    bench = Bench(rate_hz=60_000, faults=parse_faults([spec]), seed=5)
    while not bench.board.running:  # requests are answered, but an answer may be damaged
        bench.request_id += 1
        bench.ask(RegisterRequest(bench.request_id, RegisterOperation.WRITE, address("run"), 5))
        bench.request_id += 1
        bench.ask(RegisterRequest(bench.request_id, RegisterOperation.WRITE, address("control"), 1))
    bench.light(1.0)
    stop = RegisterRequest(900, RegisterOperation.WRITE, address("control"), 0)
    while not bench.ask(stop):
        pass
    statistics = bench.parser.statistics
    assert statistics.frames_missed > 3
    assert statistics.events_missed > 0
    total = bench.board._front_end.counters.events  # the last COUNTERS frame may be lost, too
    assert statistics.events + statistics.events_missed == total


def test_overflow_fault_is_reported_with_its_pulses() -> None:
    bench = Bench(faults=parse_faults(["overflow:at=0.1s,for=0.1s"]))
    bench.arm()
    bench.light(0.3)
    bench.write("control", 0)
    losses = [Loss.decode(frame.body) for frame in bench.of(Kind.LOSS)]
    assert min(loss.first_pulse for loss in losses) >= RATE_HZ * 0.08
    assert max(loss.last_pulse for loss in losses) < RATE_HZ * 0.2
    assert sum(loss.events for loss in losses) == bench.last_counters().fifo_dropped > 1000
    assert bench.accounted() == bench.last_counters().events


def test_lost_trigger_begins_a_new_epoch_in_hold_off() -> None:
    bench = Bench(rate_hz=200_000, faults=parse_faults(["lose-trigger:at=0.1s,for=40ms"]))
    bench.arm()
    bench.light(0.2)
    bench.write("control", 0)
    (frame,) = bench.of(Kind.LOSS)
    assert frame.header.epoch == 0
    assert Loss.decode(frame.body) == Loss(LossCause.TRIGGER_LOST, RATE_HZ // 10, RATE_HZ // 10, 0)
    parts: dict[int, list[int]] = {0: [], 1: []}
    for frame in bench.of(Kind.EVENTS):
        events = unpack_events(frame.body, frame.header.pulse, frame.header.record_bytes)
        parts[frame.header.epoch] += events.pulse.tolist()
    assert max(parts[0]) < RATE_HZ // 10
    assert 1 < min(parts[1]) < 500
    assert max(parts[1]) < RATE_HZ * 0.06
    counters = bench.last_counters()
    assert counters.triggers == RATE_HZ * 0.16
    assert counters.events == sum(map(len, parts.values()))
    assert sum(counters.clicks) > counters.events  # those without a pulse were counted as clicks


def test_commit_without_a_trigger_waits_for_it() -> None:
    bench = Bench(faults=parse_faults(["lose-trigger:at=0s,for=0.1s"]))
    bench.arm()
    bench.light(0.04)
    bench.write("commit", 3)
    assert bench.of(Kind.SETTINGS) == []
    bench.light(0.1)
    (frame,) = bench.of(Kind.SETTINGS)
    assert frame.header.epoch == 1
    assert SettingsChange.decode(frame.body) == SettingsChange(0, 3)


def test_dropped_reply_comes_when_the_request_is_repeated() -> None:
    bench = Bench(faults=parse_faults(["drop-reply:count=1"]))
    request = RegisterRequest(8, RegisterOperation.WRITE, address("identify"), 1)
    assert bench.ask(request) == []
    assert len(bench.ask(request)) == 1
    assert len(bench.of(Kind.IDENTIFICATION)) == 1


def test_garbage_is_no_frame_and_no_answer() -> None:
    bench = Bench(faults=parse_faults(["garbage"]))
    bench.board.receive(b"\0" * 10)
    noise = bench.board.outgoing
    bench.board.sent(len(noise))
    assert bench.board.outgoing != noise
    assert bench.parser.feed(noise) == []


def test_unknown_version_is_refused_by_name() -> None:
    bench = Bench(faults=parse_faults(["wrong-version"]))
    with pytest.raises(InputError, match="version 254"):
        bench.write("identify", 1)


def test_slow_source_uses_wide_records() -> None:
    bench = Bench()
    bench.arm()
    bench.light(0.1)
    assert bench.of(Kind.EVENTS)[0].header.record_bytes == 8
    quick = VirtualBoard(UniformClicks(1e6, period_ps=25_000))
    assert quick._framer._layout.record_bytes == 4


@pytest.mark.parametrize(
    "wrong",
    [{"period_ps": 25_001}, {"detectors": 5}, {"mode": "slow"}, {"baud": 0}, {"fifo_depth": 10}],
)
def test_board_that_cannot_be_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match="virtual board cannot be made"):
        VirtualBoard(UniformClicks(1.0), **wrong)
