"""When which report is due, and what has to happen in order when a run begins or stops."""

from collections.abc import Iterable

from amaranth.hdl import Module, Mux, Signal, Value, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from hexkey.events import DETECTORS
from hexkey_gateware.link.reports import HISTOGRAMS, Report
from hexkey_gateware.slot import CHANNELS

TICKS_PER_S = 10
"""Histograms are spread over the second, so that events wait for one at a time."""
HISTOGRAM_TICKS = (1, 3, 5, 7)
DENSITY_TICK = 2
G2_TICK = 9
STATUS_TICKS = (0, 5)
"""While stopped: what begins between two of them is in the second one after, within a second."""

TOTALS = (Report.COUNTERS, Report.PAIRS, Report.STATUS)
OF_A_RUN = (*TOTALS, Report.G2, *HISTOGRAMS)
CROSSING_CLOCKS = 16  # that a word takes through the event FIFO, at most


class Scheduler(wiring.Component):
    """Asks for reports in time, and sees to it that runs begin and end in order.

    While running, COUNTERS, PAIRS and STATUS are due 10 times a second, G2 and each HISTOGRAM once;
    while stopped, STATUS twice. CODE_DENSITY is due once a second while `density_channel` is one,
    IDENTIFICATION when asked for. What is still due when its time comes again is sent once.

    *Stop:* once `running` falls, events are flushed until the front end is drained and the FIFO is
    empty; then come the reports that are still due, then the last totals, then `stopped`.

    *Run:* on a new run id, reports that are due are dropped and the one in the making is finished;
    the words that are in the FIFO are flushed. Between two frames all totals are cleared and the
    framer changes over, then `run` is ready. The board should be stopped then: events that come in
    meanwhile are counted for one run or the other.

    Parameters
    ----------
    clocks_per_100_ms : int
    detectors : int
        That have histograms.
    statistics : bool
        Whether there are histograms and g².

    Members
    -------
    running : :py:`In(1)`
        Bit 0 of the register `control`.
    drained : :py:`In(1)`
        Stopped, and whatever was before is in the FIFO.
    stopped : :py:`Out(1)`
        Since `running` fell, all was sent. Falls 1 clock after `running` rises.
    run : :py:`In(stream.Signature(32))`
        A new run id, taken when its run has begun.
    identify : :py:`In(1)`
        IDENTIFICATION is wanted.
    density_channel : :py:`In(3)`
    request : :py:`Out(stream.Signature(Report))`
        To `Reports`, with `reports_idle`.
    flush, popped, reader_idle, level : :py:`Out(1), In(1), In(1), In(16)`
        With `EventReader`; `popped` for each word taken.
    freeze, framer_idle, begin_run : :py:`Out(1), In(1), Out(1)`
        With `Framer`; in the clock of `begin_run` the run id is the payload of `run`.
    clear : :py:`Out(1)`
        All totals are to be 0; held until `cleared`.
    cleared : :py:`In(1)`
    """

    running: In(1)
    drained: In(1)
    stopped: Out(1, init=1)
    run: In(stream.Signature(unsigned(32)))
    identify: In(1)
    density_channel: In(3)
    request: Out(stream.Signature(Report))
    reports_idle: In(1)
    flush: Out(1)
    popped: In(1)
    reader_idle: In(1)
    level: In(16)
    freeze: Out(1)
    framer_idle: In(1)
    begin_run: Out(1)
    clear: Out(1)
    cleared: In(1)

    def __init__(
        self, clocks_per_100_ms: int, detectors: int = DETECTORS, statistics: bool = True
    ) -> None:
        super().__init__()
        self._clocks_per_tick = clocks_per_100_ms
        self._detectors, self._statistics = detectors, statistics
        self._due = Signal(max(each.value for each in Report) + 1)
        self._ask = Signal()  # for what is due
        self._restart = Signal()  # the second begins anew

    def elaborate(self, platform: object) -> Module:
        m = Module()
        waited = Signal(range(CROSSING_CLOCKS))
        to_flush = Signal(16)
        ran = Signal()
        nothing_due = (self._due == 0) & self.reports_idle
        self._request_due(m)
        self._make_due(m)
        m.d.sync += ran.eq(self.running)
        m.d.comb += self._restart.eq(self.running & ~ran)
        with m.If(self.running):
            m.d.sync += self.stopped.eq(0)

        with m.FSM():
            with m.State("PASS TIME"):
                m.d.comb += self._ask.eq(1)
                with m.If(self.run.valid):
                    m.d.sync += to_flush.eq(self.level)
                    self._drop(m, OF_A_RUN)
                    m.next = "FINISH REPORT"
                with m.Elif(~self.running & ~self.stopped):
                    m.d.sync += waited.eq(0)
                    m.next = "DRAIN"

            # A stop.
            with m.State("DRAIN"):
                m.d.comb += [self._ask.eq(1), self.flush.eq(1)]
                with m.If(self.drained):
                    m.d.sync += waited.eq(waited + 1)
                    with m.If(waited == CROSSING_CLOCKS - 1):
                        m.next = "EMPTY"

            with m.State("EMPTY"):
                m.d.comb += [self._ask.eq(1), self.flush.eq(1)]
                with m.If(self.reader_idle):
                    m.next = "SEND DUE"

            with m.State("SEND DUE"):
                m.d.comb += self._ask.eq(1)
                with m.If(nothing_due):
                    self._add(m, TOTALS)
                    m.next = "SEND TOTALS"

            with m.State("SEND TOTALS"):
                m.d.comb += self._ask.eq(1)
                with m.If(nothing_due & self.framer_idle):
                    m.d.sync += self.stopped.eq(1)
                    m.next = "PASS TIME"

            # A new run.
            with m.State("FINISH REPORT"):
                m.d.comb += self.flush.eq(1)
                with m.If(self.popped & (to_flush != 0)):
                    m.d.sync += to_flush.eq(to_flush - 1)
                with m.If(self.reports_idle & (self.reader_idle | (to_flush == 0))):
                    m.next = "FREEZE"

            with m.State("FREEZE"):
                m.d.comb += self.freeze.eq(1)
                with m.If(self.framer_idle):
                    m.next = "CLEAR"

            with m.State("CLEAR"):
                m.d.comb += [self.freeze.eq(1), self.clear.eq(1)]
                with m.If(self.cleared):
                    m.next = "BEGIN RUN"

            with m.State("BEGIN RUN"):
                m.d.comb += [self.freeze.eq(1), self.begin_run.eq(1), self.run.ready.eq(1)]
                m.d.comb += self._restart.eq(1)
                m.next = "PASS TIME"
        return m

    def _request_due(self, m: Module) -> None:
        """Go round the reports and ask for those that are due."""
        at = Signal(range(len(self._due)))
        after = Mux(at == len(self._due) - 1, 0, at + 1)
        is_due = self._due.bit_select(at, 1)
        m.d.comb += self.request.payload.eq(at)
        m.d.comb += self.request.valid.eq(self._ask & is_due & self.reports_idle)
        with m.If(self.request.valid & self.request.ready):
            m.d.sync += [self._due.bit_select(at, 1).eq(0), at.eq(after)]
        with m.Elif(self._due == 0):
            m.d.sync += at.eq(0)
        with m.Elif(~is_due):
            m.d.sync += at.eq(after)

    def _make_due(self, m: Module) -> None:
        """Add what the time makes due, and what was asked for."""
        tick, second = self._count_time(m)
        with m.If(tick & self.running):
            self._add(m, TOTALS)
            for at, report in self._of_a_second():
                with m.If(second == at):
                    self._add(m, (report,))
        with m.If(tick & self.stopped & second.matches(*STATUS_TICKS)):
            self._add(m, (Report.STATUS,))
        with m.If(tick & (self.running | self.stopped) & (second == DENSITY_TICK)):
            with m.If(self.density_channel < CHANNELS):
                self._add(m, (Report.CODE_DENSITY,))
        with m.If(self.identify):
            self._add(m, (Report.IDENTIFICATION,))

    def _of_a_second(self) -> list[tuple[int, Report]]:
        """Return the reports of each second of a run, and when they are due."""
        if not self._statistics:
            return []
        histograms = zip(HISTOGRAM_TICKS, HISTOGRAMS, strict=True)
        return [*list(histograms)[: self._detectors], (G2_TICK, Report.G2)]

    def _count_time(self, m: Module) -> tuple[Value, Value]:
        """Return the end of each tenth of a second, and which of the ten it is."""
        clocks, second = Signal(range(self._clocks_per_tick)), Signal(range(TICKS_PER_S))
        tick = clocks == self._clocks_per_tick - 1
        m.d.sync += clocks.eq(Mux(tick, 0, clocks + 1))
        with m.If(tick):
            m.d.sync += second.eq(Mux(second == TICKS_PER_S - 1, 0, second + 1))
        with m.If(self._restart):
            m.d.sync += [clocks.eq(0), second.eq(0)]
        return tick, second

    def _add(self, m: Module, reports: Iterable[Report]) -> None:
        m.d.sync += [self._due[report.value].eq(1) for report in reports]

    def _drop(self, m: Module, reports: Iterable[Report]) -> None:
        m.d.sync += [self._due[report.value].eq(0) for report in reports]
