"""The frames that tell of the board and not of single events: totals, histograms, status."""

from enum import IntEnum
from typing import Any

from amaranth.hdl import Cat, Const, Module, Signal, Value, ValueLike, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from hexkey.wire import LAGS, Identification, Kind
from hexkey.wire.bodies import COUNTERS, PAIRS
from hexkey.wire.frame import MAX_HISTOGRAM_BINS
from hexkey_gateware.link import sources
from hexkey_gateware.link.frames import frame_source
from hexkey_gateware.link.sources import INDEX, TICKS

BAD_REQUESTS = COUNTERS.index("bad_requests")
G2_WORDS = 2 * (1 + len(LAGS))
PERIOD_WORD = 4  # of IDENTIFICATION
HEAD_BYTES = 12


class Report(IntEnum):
    """What can be asked for."""

    COUNTERS = 0
    PAIRS = 1
    STATUS = 2
    IDENTIFICATION = 3
    CODE_DENSITY = 4
    G2 = 5
    HISTOGRAM_0 = 8
    HISTOGRAM_1 = 9
    HISTOGRAM_2 = 10
    HISTOGRAM_3 = 11


HISTOGRAMS = (Report.HISTOGRAM_0, Report.HISTOGRAM_1, Report.HISTOGRAM_2, Report.HISTOGRAM_3)


class Reports(wiring.Component):
    """Makes the bodies of COUNTERS, PAIRS, STATUS, IDENTIFICATION, CODE_DENSITY, G2 and HISTOGRAM.

    Totals are asked for one by one and each is right for the moment in which it was answered. A
    readout is asked for its words first, and for its frame once the first is there, so that a
    memory that does not answer holds up reports but not the link. A readout that is too short is
    filled up with zeros, of one that is too long the rest is thrown away.

    Latency: a frame is asked for 1 clock after the report was, with totals and readouts 1 clock
    after the first word came. Throughput: 1 byte a clock, and 1 clock more for each word of 4 bytes
    or each total. Back-pressure: `request` waits until the report before is out.

    Parameters
    ----------
    identification : Identification
        What the board is; its period is that of the port `period_ticks`.
    codes : int
        Words of a readout of `density`.

    Members
    -------
    request : :py:`In(stream.Signature(Report))`
    idle : :py:`Out(1)`
        No report is being made.
    o : :py:`Out(frame_source())`
    bad_request : :py:`In(1)`
        For each clock, a frame from the host was no sound request.
    begin_run : :py:`In(1)`
        Count bad requests from 0.
    totals : :py:`Out(sources.totals())`
        Never asked for `BAD_REQUESTS`.
    histogram, g2, density : :py:`Out(sources.histogram())` and so on
    status : :py:`Out(sources.status())`
    level : :py:`In(16)`
        Words in the event FIFO.
    running : :py:`In(1)`
    period_ticks : :py:`In(TICKS)`
        Committed.
    """

    def __init__(self, identification: Identification, codes: int) -> None:
        if not 0 < codes <= MAX_HISTOGRAM_BINS:
            raise ValueError(f"codes must be from 1 to {MAX_HISTOGRAM_BINS}, not {codes}")
        self._codes = codes
        body = identification.encode()
        self._identification = [
            int.from_bytes(body[at : at + 4], "little") for at in range(0, len(body), 4)
        ]
        super().__init__(
            {
                "request": In(stream.Signature(Report)),
                "idle": Out(1),
                "o": Out(frame_source()),
                "bad_request": In(1),
                "begin_run": In(1),
                "totals": Out(sources.totals()),
                "histogram": Out(sources.histogram()),
                "g2": Out(sources.g2()),
                "density": Out(sources.density()),
                "status": Out(sources.status()),
                "level": In(16),
                "running": In(1),
                "period_ticks": In(TICKS),
            }
        )
        self._report = Signal(Report)
        self._shift = Signal(8 * HEAD_BYTES)
        self._left = Signal(range(HEAD_BYTES + 1))  # bytes of it
        self._words_left = Signal(range(MAX_HISTOGRAM_BINS + 1))
        self._index = Signal(INDEX)  # of a total, or of a word of IDENTIFICATION
        self._ended = Signal()  # no word of a readout is left
        self._chosen: Any = sources.readout(
            unsigned(2)
        ).create()  # of the readouts, the one that is read

    def elaborate(self, platform: object) -> Module:
        m = Module()
        bad_requests = Signal(32)
        with m.If(self.begin_run):
            m.d.sync += bad_requests.eq(0)
        with m.Elif(self.bad_request):
            m.d.sync += bad_requests.eq(bad_requests + 1)
        self._choose_readout(m)
        self._name_kind(m)
        words = self._chosen.words
        m.d.comb += self.o.body.payload.data.eq(self._shift[:8])

        with m.FSM():
            with m.State("IDLE"):
                m.d.comb += [self.idle.eq(1), self.request.ready.eq(1)]
                with m.If(self.request.valid):
                    m.d.sync += self._report.eq(self.request.payload)
                    self._begin(m)

            with m.State("START"):
                m.d.comb += self._chosen.start.valid.eq(1)
                with m.If(self._chosen.start.ready):
                    m.next = "AWAIT"

            with m.State("AWAIT"):
                with m.If(words.valid):
                    m.next = "SEND"

            with m.State("SEND"):
                self._send(m)

            with m.State("TOTAL"):
                with m.If(self._index == BAD_REQUESTS):
                    self._load(m, bad_requests, 8)
                with m.Else():
                    m.d.comb += self.totals.index.valid.eq(1)
                    with m.If(self.totals.index.ready):
                        m.next = "VALUE"

            with m.State("VALUE"):
                m.d.comb += self.totals.value.ready.eq(1)
                with m.If(self.totals.value.valid):
                    self._load(m, self.totals.value.payload, 8)

            with m.State("IDENTIFY"):
                self._load(m, self._identification_word(m), 4)

            with m.State("WORD"):
                with m.If(self._ended):
                    self._load(m, 0, 4)
                with m.Elif(words.valid):
                    m.d.comb += words.ready.eq(1)
                    m.d.sync += self._ended.eq(words.payload.last)
                    self._load(m, words.payload.data, 4)

            with m.State("DISCARD"):
                m.d.comb += words.ready.eq(1)
                with m.If(words.valid & words.payload.last):
                    m.next = "IDLE"
        return m

    def _choose_readout(self, m: Module) -> None:
        """Connect the readout that the report is made of."""
        m.d.comb += self.histogram.start.payload.eq(self._report[:2])
        m.d.comb += self.totals.index.payload.eq(self._index)
        with m.Switch(self._report):
            for report, ports in (
                (HISTOGRAMS, self.histogram),
                ((Report.G2,), self.g2),
                ((Report.CODE_DENSITY,), self.density),
            ):
                with m.Case(*report):
                    m.d.comb += [
                        ports.start.valid.eq(self._chosen.start.valid),
                        self._chosen.start.ready.eq(ports.start.ready),
                        self._chosen.words.valid.eq(ports.words.valid),
                        self._chosen.words.payload.eq(ports.words.payload),
                        ports.words.ready.eq(self._chosen.words.ready),
                    ]

    def _name_kind(self, m: Module) -> None:
        with m.Switch(self._report):
            for report in Report:
                with m.Case(report):
                    m.d.comb += self.o.kind.eq(_kind(report))

    def _begin(self, m: Module) -> None:
        """Take down the head of the report that is asked for, and where its words come from."""
        m.d.sync += self._ended.eq(1)
        with m.Switch(self.request.payload):
            with m.Case(Report.COUNTERS):
                m.d.sync += [self._index.eq(0), self._words_left.eq(len(COUNTERS))]
                m.next = "TOTAL"
            with m.Case(Report.PAIRS):
                m.d.sync += [self._index.eq(len(COUNTERS)), self._words_left.eq(len(PAIRS))]
                m.next = "TOTAL"
            with m.Case(Report.IDENTIFICATION):
                m.d.sync += [self._index.eq(0), self._words_left.eq(len(self._identification))]
                m.next = "IDENTIFY"
            with m.Case(Report.STATUS):
                m.d.comb += self.status.taken.eq(1)
                flags = self.status.flags[:1], self.running, self.status.flags[2:]
                levels = _bits((self.status.levels, 8), (self.status.stuck, 24))
                head = _bits((self.level, 32), (levels, 32), (Cat(*flags), 32))
                self._take_head(m, head, 0)
                m.next = "SEND"
            with m.Case(Report.CODE_DENSITY):
                about = (self.density.channel, 8), (self.density.source, 8)
                head = _bits(*about, (self._codes, 16), (0, 32))
                self._take_head(m, head, self._codes)
                m.next = "START"
            with m.Case(Report.G2):
                head = _bits((self.g2.pair[:2], 8), (self.g2.pair[2:], 8), (len(LAGS), 16), (0, 32))
                self._take_head(m, head, G2_WORDS)
                m.next = "START"
            with m.Default():
                detector = self.request.payload[:2]
                about = (self.histogram.offset_ticks, 32), (self.histogram.bin_ticks, 32)
                head = _bits((detector, 16), (self.histogram.bins, 16), *about)
                self._take_head(m, head, self.histogram.bins)
                m.next = "START"

    def _take_head(self, m: Module, head: Value, words: ValueLike) -> None:
        m.d.sync += [self._shift.eq(head), self._left.eq(len(head) // 8)]
        m.d.sync += [self._words_left.eq(words), self._ended.eq(words == 0)]

    def _load(self, m: Module, word: ValueLike, size: int) -> None:
        m.d.sync += [
            self._shift.eq(word),
            self._left.eq(size),
            self._words_left.eq(self._words_left - 1),
            self._index.eq(self._index + 1),
        ]
        m.next = "SEND"

    def _send(self, m: Module) -> None:
        """Send the bytes of what was loaded, then go for the next word."""
        no_more = self._words_left == 0
        m.d.comb += self.o.body.valid.eq(1)
        m.d.comb += self.o.body.payload.last.eq((self._left == 1) & no_more)
        with m.If(self.o.body.ready):
            m.d.sync += [self._shift.eq(self._shift >> 8), self._left.eq(self._left - 1)]
            with m.If((self._left == 1) & no_more):
                m.next = "DISCARD"
                with m.If(self._ended):
                    m.next = "IDLE"
            with m.Elif(self._left == 1):
                with m.Switch(self._report):
                    with m.Case(Report.COUNTERS, Report.PAIRS):
                        m.next = "TOTAL"
                    with m.Case(Report.IDENTIFICATION):
                        m.next = "IDENTIFY"
                    with m.Default():
                        m.next = "WORD"

    def _identification_word(self, m: Module) -> Value:
        word = Signal(32)
        with m.Switch(self._index):
            for index, value in enumerate(self._identification):
                with m.Case(index):
                    m.d.comb += word.eq(self.period_ticks if index == PERIOD_WORD else value)
        return word


def _bits(*fields: tuple[ValueLike, int]) -> Value:
    """Return values one after the other, each in as many bits as it has on the wire."""
    return Cat(_resized(Value.cast(value), bits) for value, bits in fields)


def _resized(value: Value, bits: int) -> Value:
    return Cat(value, Const(0, bits - len(value)))


def _kind(report: Report) -> Kind:
    return Kind.HISTOGRAM if report in HISTOGRAMS else Kind[report.name]
