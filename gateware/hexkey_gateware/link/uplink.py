"""The board's way to the host: from the event FIFO and the board's totals to bytes."""

from amaranth.hdl import Module, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from hexkey.wire import Identification
from hexkey_gateware.frame import FrameEncoder
from hexkey_gateware.link import sources
from hexkey_gateware.link.event_reader import EventReader
from hexkey_gateware.link.framer import Framer
from hexkey_gateware.link.frames import REPLY, ReplyFrames
from hexkey_gateware.link.reports import Reports
from hexkey_gateware.link.scheduler import Scheduler
from hexkey_gateware.link.sources import TICKS
from hexkey_gateware.words import WORD


class Uplink(wiring.Component):
    """Sends everything that the board has to say.

    Throughput: a narrow record of 4 bytes takes about 48 clocks, a wide one or a tag of 8 bytes
    about 84, so that the link sets the pace from 12 clocks a byte up.
    Back-pressure: while `bytes` waits, words wait in the event FIFO, and reports are not made.

    Parameters
    ----------
    identification : Identification
    clocks_per_100_ms : int
    codes : int
        Words of a readout of the code density.

    Members
    -------
    words : :py:`In(stream.Signature(WORD))`
        From the event FIFO, `level` of which are waiting.
    wide, settings_id : :py:`In(1), In(32)`
        See `EventReader`.
    replies : :py:`In(stream.Signature(REPLY))`
        Sent before all else, whenever they come.
    bad_request : :py:`In(1)`
        A strobe, counted.
    running, drained, stopped, run, identify, clear, cleared : :py:`…`
        See `Scheduler`.
    totals, histogram, g2, density, status, period_ticks : :py:`…`
        See `Reports`.
    bytes : :py:`Out(stream.Signature(8))`
        For the transmitter.
    """

    def __init__(
        self,
        identification: Identification,
        clocks_per_100_ms: int,
        codes: int,
    ) -> None:
        self._reader = EventReader(clocks_per_100_ms // 10)
        self._scheduler = Scheduler(
            clocks_per_100_ms, identification.detectors, identification.statistics
        )
        self._reports = Reports(identification, codes)
        super().__init__(
            {
                "words": In(stream.Signature(WORD)),
                "level": In(16),
                "wide": In(1),
                "settings_id": In(32),
                "replies": In(stream.Signature(REPLY)),
                "bad_request": In(1),
                "running": In(1),
                "drained": In(1),
                "stopped": Out(1),
                "run": In(stream.Signature(unsigned(32))),
                "identify": In(1),
                "clear": Out(1),
                "cleared": In(1),
                "totals": Out(sources.totals()),
                "histogram": Out(sources.histogram()),
                "g2": Out(sources.g2()),
                "density": Out(sources.density()),
                "status": Out(sources.status()),
                "period_ticks": In(TICKS),
                "bytes": Out(stream.Signature(unsigned(8))),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.reader = reader = self._reader
        m.submodules.scheduler = scheduler = self._scheduler
        m.submodules.reports = reports = self._reports
        m.submodules.reply_frames = reply_frames = ReplyFrames()
        m.submodules.framer = framer = Framer()
        m.submodules.encoder = encoder = FrameEncoder()

        wiring.connect(m, wiring.flipped(self.replies), reply_frames.i)
        wiring.connect(m, reply_frames.o, framer.replies)
        wiring.connect(m, reader.o, framer.events)
        wiring.connect(m, reports.o, framer.reports)
        wiring.connect(m, framer.o, encoder.i)
        m.d.comb += framer.free.eq(encoder.free)
        wiring.connect(m, encoder.o, wiring.flipped(self.bytes))

        self._connect_reader(m, reader, framer)
        self._connect_scheduler(m, scheduler, reader, framer, reports)
        self._connect_reports(m, reports, scheduler)
        return m

    def _connect_reader(self, m: Module, reader: EventReader, framer: Framer) -> None:
        wiring.connect(m, wiring.flipped(self.words), reader.words)
        wiring.connect(m, reader.numbers, framer.numbers)
        m.d.comb += [
            reader.level.eq(self.level),
            reader.wide.eq(self.wide),
            reader.settings_id.eq(self.settings_id),
            reader.hold.eq(framer.hold),
        ]

    def _connect_scheduler(
        self, m: Module, scheduler: Scheduler, reader: EventReader, framer: Framer, reports: Reports
    ) -> None:
        wiring.connect(m, wiring.flipped(self.run), scheduler.run)
        wiring.connect(m, scheduler.request, reports.request)
        m.d.comb += [
            scheduler.running.eq(self.running),
            scheduler.drained.eq(self.drained),
            self.stopped.eq(scheduler.stopped),
            scheduler.identify.eq(self.identify),
            scheduler.density_channel.eq(self.density.channel),
            scheduler.reports_idle.eq(reports.idle),
            reader.flush.eq(scheduler.flush),
            scheduler.popped.eq(self.words.valid & self.words.ready),
            scheduler.reader_idle.eq(reader.idle),
            scheduler.level.eq(self.level),
            framer.freeze.eq(scheduler.freeze),
            scheduler.framer_idle.eq(framer.idle),
            framer.begin_run.eq(scheduler.begin_run),
            reader.begin_run.eq(scheduler.begin_run),
            framer.run.eq(self.run.payload),
            self.clear.eq(scheduler.clear),
            scheduler.cleared.eq(self.cleared),
        ]

    def _connect_reports(self, m: Module, reports: Reports, scheduler: Scheduler) -> None:
        for name in ("totals", "histogram", "g2", "density", "status"):
            wiring.connect(m, getattr(reports, name), wiring.flipped(getattr(self, name)))
        m.d.comb += [
            reports.bad_request.eq(self.bad_request),
            reports.begin_run.eq(scheduler.begin_run),
            reports.level.eq(self.level),
            reports.running.eq(self.running),
            reports.period_ticks.eq(self.period_ticks),
        ]
