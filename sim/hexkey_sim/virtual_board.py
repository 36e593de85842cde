"""A receiver board made of golden models: clicks and requests in, bytes of the wire format out.

The board knows no wall clock and no port. Whoever drives it (`hexkey_sim.board_runner`) lets pulses
pass, takes the bytes away as fast as the modelled link can carry them, and brings the host's.
"""

from fractions import Fraction
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from hexkey.errors import HexkeyError
from hexkey.events import Events
from hexkey.wire import (
    MAX_RECORDS,
    NARROW,
    WIDE,
    Counters,
    Histogram,
    Identification,
    Kind,
    Loss,
    LossCause,
    Pairs,
    RegisterRequest,
    SettingsChange,
    Status,
    StreamParser,
)
from hexkey.wire.registers import PERIOD_FRACTION_BITS, Mode, TrackerState
from hexkey_sim.board_limits import check_board
from hexkey_sim.click_source import ClickSource, SomeClicks
from hexkey_sim.faults import Faults, Interval
from hexkey_sim.golden.fast import FastFrontEnd
from hexkey_sim.golden.fifo import EventFifo
from hexkey_sim.golden.framer import Framer
from hexkey_sim.golden.front_end import AnyFrontEnd, FrontEnd
from hexkey_sim.golden.settings import TICK_PS, FrontEndSettings
from hexkey_sim.register_file import RegisterFile
from hexkey_sim.run_g2 import RunG2
from hexkey_sim.transmitter import Transmitter

FIRMWARE = "virtual 1"
CLOCK_HZ = 200_000_000
FIFO_DEPTH = 16384  # events: 0.3 s at 50 000 a second
STEPS_PER_S = 50  # the board's state moves on in steps of 20 ms
SLICE_EVENTS = 256  # of a step's events, this many enter the FIFO before the framer has its turn
BUFFER_S = 0.05  # bytes that wait in the transmitter, in seconds of the link


class VirtualBoard:
    """The whole board between its pins and its byte link.

    Light comes while the board runs: link time stands still until it is armed, and when stopped.

    Parameters
    ----------
    source : ClickSource
    period_ps : int
        Of the source; whole ticks of 10 ps.
    detectors : int
        Inputs that the board says it has.
    mode : {"fast", "exact"}
        The front end: on arrays, or click by click. Both give the same events.
    baud : int or None
        Of the link; None never loses for want of speed (drive it only while `outgoing` is empty).
    fifo_depth : int
        In events.
    faults : Faults
    seed : int
        Of the faults' chance.
    """

    def __init__(
        self,
        source: ClickSource,
        *,
        period_ps: int = 25_000,
        detectors: int = 2,
        mode: Literal["fast", "exact"] = "fast",
        baud: int | None = 3_000_000,
        fifo_depth: int = FIFO_DEPTH,
        faults: Faults | None = None,
        seed: int = 0,
    ) -> None:
        check_board(period_ps, detectors, mode, baud, fifo_depth)
        self.baud = baud
        self.rate_hz = 10**12 // period_ps
        self.pulses = 0  # that have passed since the board was first armed
        self._bad_requests = 0
        self._bad_frames = 0  # of those, seen by the parser
        self._source = source
        self._faults = faults or Faults()
        self._replies_to_drop = self._faults.drop_replies
        self._period_ps = period_ps
        self._detectors = detectors
        self._depth = fifo_depth
        self._from_host = StreamParser()
        self._registers = self._make_registers()
        self._make: type[FrontEnd] | type[FastFrontEnd] = (
            FrontEnd if mode == "exact" else FastFrontEnd
        )
        self._settings = self._registers.front_end_settings()
        self._mode = Mode.EVENTS
        self._divider = 1
        self._front_end: AnyFrontEnd = self._make(self._settings)
        self._g2 = RunG2(self._settings, self._registers.value("g2_pair"))
        self._origin_ps = 0  # when the epoch's pulse 0 began
        self._locked = True
        self._uncommitted: int | None = None
        self._triggers = 0
        layout = NARROW if 2 * self._settings.period_ticks <= NARROW.limit("phase_ticks") else WIDE
        self._fifo = EventFifo(fifo_depth)
        self._framer = Framer(self._fifo, layout, self.rate_hz // 100)
        room = None if baud is None else max(4096, int(baud / 10 * BUFFER_S))
        self._transmitter = Transmitter(self._fifo, self._framer, room, self._faults, seed)

    # ---- the byte link ----------------------------------------------------------------------

    @property
    def outgoing(self) -> bytes:
        """Bytes that wait for the link, the oldest first."""
        return self._transmitter.waiting

    def sent(self, count: int) -> None:
        """Say that the link has taken the oldest `count` bytes."""
        self._transmitter.sent(count)

    def receive(self, data: bytes) -> None:
        """Take bytes from the host and answer the requests in them."""
        if self._faults.garbage or not data:
            return
        try:
            frames = self._from_host.feed(data)
        except HexkeyError:  # a version of the format that the board does not know
            self._from_host, self._bad_frames = StreamParser(), 0
            self._bad_requests += 1
            return
        bad_frames = self._from_host.statistics.bad_frames
        self._bad_requests += bad_frames - self._bad_frames
        self._bad_frames = bad_frames
        for frame in frames:
            try:
                if frame.header.kind is not Kind.REGISTER_REQUEST:
                    raise ValueError("only requests come from a host")
                request = RegisterRequest.decode(frame.body)
            except (HexkeyError, ValueError):
                self._bad_requests += 1
                continue
            reply = self._registers.answer(request)
            if self._replies_to_drop:
                self._replies_to_drop -= 1
            else:
                self._transmitter.send(Kind.REGISTER_REPLY, reply.encode())

    # ---- the passing of time ----------------------------------------------------------------

    @property
    def running(self) -> bool:
        return bool(self._registers.value("control"))

    @property
    def time_s(self) -> float:
        """Seconds of light since the board was first armed."""
        return self.pulses / self.rate_hz

    @property
    def vanished(self) -> bool:
        """Whether the fault `vanish` is due."""
        at_s = self._faults.vanish_at_s
        return at_s is not None and self.time_s >= at_s

    @property
    def wants_time(self) -> bool:
        """Whether something is to come of time that passes while the board is stopped."""
        return False

    def idle(self, seconds: float) -> None:
        """Let time pass while the board is stopped: nothing comes of it."""

    def advance(self, pulses: int) -> None:
        """Let pulses pass; none do while the board is stopped."""
        end = self.pulses + pulses
        while self.running and self.pulses < end:
            step = max(1, self.rate_hz // STEPS_PER_S)
            self._step(min(step - self.pulses % step, end - self.pulses))

    def _step(self, pulses: int) -> None:
        self._follow_trigger(self._trigger_is_there())
        before, self.pulses = self.pulses, self.pulses + pulses
        clicks = self._advance_light(pulses)
        if self._locked:
            self._triggers += self._triggers_in(before, self.pulses)
            horizon_ps = self.pulses * self._period_ps - self._origin_ps
            self._detect(clicks.time_ps - self._origin_ps, clicks.detector, horizon_ps)
        else:
            self._count_without_trigger(clicks)
        for rate_hz, report in ((10, self._report_counters), (1, self._report_once_a_second)):
            interval = max(1, self.rate_hz // rate_hz)
            due = before // interval != self.pulses // interval
            if due and self._transmitter.has_room_for_reports:
                report()  # without room the next report, of totals, has to do

    def _trigger_is_there(self) -> bool:
        return not _within(self._faults.lose_trigger, self.time_s)

    def _advance_light(self, pulses: int) -> SomeClicks:
        return self._source.advance(pulses)

    def _triggers_in(self, before: int, after: int) -> int:
        """Return how many edges the trigger had between two numbers of pulses."""
        return after // self._divider - before // self._divider

    def _detect(
        self, time_ps: NDArray[np.int64], detector: NDArray[np.uint8], horizon_ps: int
    ) -> None:
        """Take clicks by the time since the epoch's pulse 0; all up to the horizon are there."""
        self._g2.push(time_ps, detector, horizon_ps)
        self._take(self._front_end.push(time_ps, detector, horizon_ps))

    def _take(self, events: Events) -> None:
        """Pass events to the FIFO in slices, so that it drains while it fills, as the real one."""
        if self._mode != Mode.EVENTS:
            self._front_end.counters.events -= len(events)
            events = Events.empty()
        blocked = _within(self._faults.overflow, self.time_s)
        size = min(SLICE_EVENTS, max(1, self._depth - MAX_RECORDS))  # besides a frame in the making
        for start in range(0, len(events), size):
            part = events.take(slice(start, start + size))
            self._fifo.push(part, blocked=blocked)
            self._framer.next_pulse = max(self._framer.next_pulse, int(part.pulse[-1]) + 1)
            self._transmitter.send_events()
        self._framer.next_pulse = max(self._framer.next_pulse, self._front_end.next_pulse)
        self._transmitter.send_events()

    # ---- what the host can ask for ----------------------------------------------------------

    def _control(self, value: int) -> None:
        if not value:
            self._settle()
            self._report_counters()

    def _begin_run(self, run: int) -> None:
        self._settle()
        self._framer.begin_run(run)
        self._front_end.counters.clear()
        self._g2.begin_run()
        self._fifo.dropped = 0
        self._triggers = self._bad_requests = 0

    def _commit(self, settings_id: int) -> None:
        """Take the shadowed settings over at the next pulse; without a trigger, when it is back."""
        self._uncommitted = settings_id
        if self._locked:
            self._apply_commit()

    def _read_settings(self) -> FrontEndSettings:
        return self._registers.front_end_settings()

    def _apply_commit(self) -> None:
        if self._uncommitted is None:
            return
        self._settle()  # what went before is sent under the old settings' id
        self._settings = self._read_settings()
        self._mode = Mode(self._registers.value("mode"))
        self._divider = self._registers.value("trigger_divider")
        self._front_end.reconfigure(self._settings)
        self._g2.configure(self._settings, self._registers.value("g2_pair"))
        self._framer.settings_id = self._uncommitted
        change = SettingsChange(self._framer.next_pulse, self._uncommitted)
        self._transmitter.send(Kind.SETTINGS, change.encode())
        self._uncommitted = None

    def _identify(self, _: int) -> None:
        self._transmitter.send(Kind.IDENTIFICATION, self._identification().encode())

    def _identification(self) -> Identification:
        return Identification(
            tick_ps=Fraction(TICK_PS),
            clock_hz=CLOCK_HZ,
            detectors=self._detectors,
            simulated=True,
            taps=0,
            period_ticks=self._settings.period_ticks,
            fifo_depth=self._depth,
            firmware=FIRMWARE,
            board="virtual",
        )

    def _make_registers(self) -> RegisterFile:
        return RegisterFile(
            self._period_ps // TICK_PS,
            {
                "control": self._control,
                "run": self._begin_run,
                "commit": self._commit,
                "identify": self._identify,
            },
            {
                "tracker_state": self._tracker_state,
                "trigger_period": lambda: self._settings.period_ticks << PERIOD_FRACTION_BITS,
            },
        )

    def _tracker_state(self) -> int:
        return TrackerState.LOCKED if self._locked else TrackerState.NO_TRIGGER

    # ---- a trigger that comes and goes ------------------------------------------------------

    def _follow_trigger(self, present: bool) -> None:
        if self._locked and not present:
            self._settle()
            self._locked = False
        elif present and not self._locked:
            # How many pulses there were is unknown: the last frame of the old numbering says so.
            last = self._framer.next_pulse
            self._transmitter.send(Kind.LOSS, Loss(LossCause.TRIGGER_LOST, last, last, 0).encode())
            self._framer.begin_epoch()
            self._begin_epoch()
            self._apply_commit()

    def _begin_epoch(self) -> None:
        self._origin_ps = self.pulses * self._period_ps
        self._front_end = self._make(self._settings, self._front_end.counters)
        self._g2.begin_epoch()
        self._locked = True

    def _count_without_trigger(self, clicks: SomeClicks) -> None:
        counted = self._front_end.counters.clicks
        for detector, count in enumerate(np.bincount(clicks.detector, minlength=4).tolist()):
            counted[detector] += count * self._settings.enable[detector]

    # ---- frames -----------------------------------------------------------------------------

    def _settle(self) -> None:
        """Close all pulses and send every event that there is."""
        if self._locked:
            self._take(self._front_end.reconfigure(self._settings))
        self._transmitter.flush()

    def _report_counters(self) -> None:
        self._transmitter.report_dropped()
        counted = self._front_end.counters
        first, second, third, fourth = counted.clicks
        counters = Counters(
            triggers=self._triggers,
            clicks_0=first,
            clicks_1=second,
            clicks_2=third,
            clicks_3=fourth,
            ignored_holdoff=counted.ignored_holdoff,
            outside_gate=counted.outside_gate,
            repeats=counted.repeats,
            double_pulses=counted.double_pulses,
            events=counted.events,
            fifo_dropped=self._fifo.dropped,
            bad_requests=self._bad_requests,
        )
        self._transmitter.send(Kind.COUNTERS, counters.encode())
        self._transmitter.send(Kind.PAIRS, Pairs(tuple(counted.pairs)).encode())
        self._report_status()

    def _report_status(self) -> None:
        status = Status(
            len(self._fifo),
            0,
            trigger_locked=self._locked,
            running=self.running,
            no_trigger=self._tracker_state() == TrackerState.NO_TRIGGER,
            off_period=self._tracker_state() == TrackerState.MEASURING,
        )
        self._transmitter.send(Kind.STATUS, status.encode())

    def _report_once_a_second(self) -> None:
        self._report_histograms()
        self._transmitter.send(Kind.G2, self._g2.totals().encode())

    def _report_histograms(self) -> None:
        histograms = self._front_end.take_histogram()
        for detector in range(self._detectors):
            histogram = Histogram(
                detector,
                self._settings.histogram_offset_ticks,
                self._settings.histogram_bin_ticks,
                histograms[detector],
            )
            self._transmitter.send(Kind.HISTOGRAM, histogram.encode())


def _within(intervals: tuple[Interval, ...], time_s: float) -> bool:
    return any(interval.holds(time_s) for interval in intervals)
