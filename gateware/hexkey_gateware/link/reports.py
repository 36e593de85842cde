"""The frames that tell of the board and not of single events: totals, histograms, status."""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum
from typing import Any

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from hexkey.wire import LAGS, Identification, Kind
from hexkey.wire.bodies import COUNTERS, PAIRS
from hexkey.wire.frame import MAX_HISTOGRAM_BINS
from hexkey_gateware.link import sources
from hexkey_gateware.link.frames import frame_source
from hexkey_gateware.link.nibbles import part
from hexkey_gateware.link.rom import Rom
from hexkey_gateware.link.sources import INDEX, TICKS

BAD_REQUESTS = COUNTERS.index("bad_requests")
G2_WORDS = 2 * (1 + len(LAGS))
PERIOD_WORD = 4  # of IDENTIFICATION
WORD_BYTES = 4
HEAD_BYTES, SHORT_HEAD_BYTES = 12, 8


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
        self._identification = identification.encode()
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
        self._place = Signal(range(HEAD_BYTES))  # of the byte, in the head or a word
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
        words, total = self._chosen.words, self.totals.value
        m.d.comb += self.o.asks.eq(self.o.body.valid)
        head = self._head(m)
        total_byte = part(m, total.payload, self._place[:3], 8)
        bad_byte = part(m, bad_requests, self._place[:3], 8)
        word_byte = part(m, words.payload.data, self._place[:2], 8)
        identification = self._identification_byte(m)

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
                    m.next = "HEAD"

            with m.State("HEAD"):
                short = self._report.matches(Report.CODE_DENSITY, Report.G2)
                last = self._place == Mux(short, SHORT_HEAD_BYTES, HEAD_BYTES) - 1
                m.d.comb += self.o.body.valid.eq(1)
                with self._send(m, head, last, no_more=self._words_left == 0):
                    m.next = "WORD"

            with m.State("TOTAL"):
                m.d.comb += self.totals.index.valid.eq(1)
                with m.If(self.totals.index.ready):
                    m.next = "VALUE"

            with m.State("VALUE"):
                m.d.comb += self.o.body.valid.eq(total.valid)
                with self._send_word(m, total_byte, 8):
                    m.d.comb += total.ready.eq(1)
                    m.next = "TOTAL"
                    with m.If(self._index == BAD_REQUESTS - 1):
                        m.next = "BAD REQUESTS"

            with m.State("BAD REQUESTS"):
                m.d.comb += self.o.body.valid.eq(1)
                with self._send_word(m, bad_byte, 8):
                    m.next = "TOTAL"

            with m.State("IDENTIFY"):
                m.d.comb += self.o.body.valid.eq(1)
                with self._send_word(m, identification, WORD_BYTES):
                    m.next = "IDENTIFY"

            with m.State("WORD"):
                m.d.comb += self.o.body.valid.eq(words.valid | self._ended)
                with self._send_word(m, Mux(self._ended, 0, word_byte), WORD_BYTES):
                    m.d.comb += words.ready.eq(~self._ended)
                    m.next = "WORD"
                    with m.If(words.payload.last):
                        m.d.sync += self._ended.eq(1)

            with m.State("DISCARD"):
                m.d.comb += words.ready.eq(1)
                with m.If(self._ended | (words.valid & words.payload.last)):
                    m.d.comb += words.ready.eq(~self._ended)
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
        """Take down where the words come from of the report that is asked for."""
        m.d.sync += [self._ended.eq(1), self._index.eq(0)]
        with m.Switch(self.request.payload):
            with m.Case(Report.COUNTERS):
                m.d.sync += self._words_left.eq(len(COUNTERS))
                m.next = "TOTAL"
            with m.Case(Report.PAIRS):
                m.d.sync += [self._index.eq(len(COUNTERS)), self._words_left.eq(len(PAIRS))]
                m.next = "TOTAL"
            with m.Case(Report.IDENTIFICATION):
                m.d.sync += self._words_left.eq(len(self._identification) // WORD_BYTES)
                m.next = "IDENTIFY"
            with m.Case(Report.STATUS):
                m.d.comb += self.status.taken.eq(1)
                m.d.sync += self._words_left.eq(0)
                m.next = "HEAD"
            with m.Case(Report.CODE_DENSITY):
                m.d.sync += [self._ended.eq(0), self._words_left.eq(self._codes)]
                m.next = "START"
            with m.Case(Report.G2):
                m.d.sync += [self._ended.eq(0), self._words_left.eq(G2_WORDS)]
                m.next = "START"
            with m.Default():
                m.d.sync += [self._ended.eq(0), self._words_left.eq(self.histogram.bins)]
                m.next = "START"

    def _head(self, m: Module) -> Value:
        """Return the byte of the head whose turn it is; all is as it was when it was asked for."""

        def kept(value: Value) -> Value:
            register = Signal.like(value, name="kept", reset_less=True)
            with m.If(self.request.valid & self.request.ready):
                m.d.sync += register.eq(value)
            return register

        status, density, histogram = self.status, self.density, self.histogram
        flags = kept(Cat(status.flags[:1], self.running, status.flags[2:]))
        levels = Cat(_padded(kept(status.levels), 8), _padded(kept(status.stuck), 24))
        pair = kept(self.g2.pair)
        heads = {
            (Report.STATUS,): ((kept(self.level), 32), (levels, 32), (flags, 32)),
            (Report.CODE_DENSITY,): (
                (kept(density.channel), 8),
                (kept(density.source), 8),
                (Const(self._codes), 16),
            ),
            (Report.G2,): ((pair[:2], 8), (pair[2:], 8), (Const(len(LAGS)), 16)),
            HISTOGRAMS: (
                (self._report[:2], 16),
                (kept(histogram.bins), 16),
                (kept(histogram.offset_ticks), 32),
                (kept(histogram.bin_ticks), 32),
            ),
        }
        byte = Signal(8)
        with m.Switch(self._report):
            for reports, fields in heads.items():
                head = Cat(_padded(*field) for field in fields)
                with m.Case(*reports):
                    m.d.comb += byte.eq(part(m, head, self._place, 8))
        return byte

    @contextmanager
    def _send(self, m: Module, byte: Value, last: Value, *, no_more: Value) -> Iterator[None]:
        """Send a byte. What is done within is done behind the last one; then comes the end."""
        m.d.comb += self.o.body.payload.data.eq(byte)
        m.d.comb += self.o.body.payload.last.eq(last & no_more)
        with m.If(self.o.body.valid & self.o.body.ready):
            m.d.sync += self._place.eq(self._place + 1)
            with m.If(last):
                m.d.sync += self._place.eq(0)
                yield
                with m.If(no_more):
                    m.next = "DISCARD"

    @contextmanager
    def _send_word(self, m: Module, byte: Value, size: int) -> Iterator[None]:
        last = self._place == size - 1
        with self._send(m, byte, last, no_more=self._words_left == 1):
            m.d.sync += [
                self._words_left.eq(self._words_left - 1),
                self._index.eq(self._index + 1),
            ]
            yield

    def _identification_byte(self, m: Module) -> Value:
        m.submodules.identification = rom = Rom(self._identification)
        place = self._place[:2]
        m.d.comb += rom.address.eq(Cat(place, self._index))
        period = part(m, _padded(self.period_ticks, 32), place, 8)
        return Mux(self._index == PERIOD_WORD, period, rom.data)


def _padded(value: Value, bits: int) -> Value:
    """Return a value in as many bits as it has on the wire."""
    return Cat(value, Const(0, bits - len(value)))


def _kind(report: Report) -> Kind:
    return Kind.HISTOGRAM if report in HISTOGRAMS else Kind[report.name]
