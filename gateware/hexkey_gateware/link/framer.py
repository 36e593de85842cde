"""The framer: whose frame is next, and the header that it gets."""

import struct
from enum import IntEnum
from typing import Any

from amaranth.hdl import Cat, Const, Module, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from hexkey.wire.frame import HEADER, HEADER_FIELDS, VERSION
from hexkey_gateware.cobs import BYTE
from hexkey_gateware.link.frames import frame_source

HEADER_BITS = {name: 8 * struct.calcsize(f"<{code}") for name, code in HEADER_FIELDS}


class _Source(IntEnum):
    REPLIES = 0
    EVENTS = 1
    REPORTS = 2


class Framer(wiring.Component):
    """Sends one frame after the other, each a header and the body of a source.

    Replies to the host go first; between the other two sources turns are taken, so that neither
    starves when the link is slower than both. A frame once begun is finished.

    Latency: a header's first byte is offered 1 clock after a source has asked. Throughput 1 byte a
    clock, with 1 clock between frames. Back-pressure: every source waits while another has its
    turn; nothing is buffered here.

    Members
    -------
    replies, events, reports : :py:`In(frame_source())`
        The sources.
    pulse : :py:`In(63)`
        Watermark: no event after it was asked for yet, none before it will be.
    epoch, settings : :py:`In(32), In(8)`
        For the headers. Like `pulse` they hold still while `hold` is set.
    event_sent : :py:`In(1)`
        With the last byte of each event's record.
    hold : :py:`Out(1)`
        A header is being sent.
    freeze : :py:`In(1)`
        Begin no frame.
    idle : :py:`Out(1)`
        Between frames.
    begin_run : :py:`In(1)`
        Carry `run` from the next frame on, and count events from 0; only while frozen and idle.
    run : :py:`In(32)`
    o : :py:`Out(stream.Signature(BYTE))`
        Headers and bodies, for a `FrameEncoder`.
    """

    replies: In(frame_source())
    events: In(frame_source())
    reports: In(frame_source())
    pulse: In(63)
    epoch: In(32)
    settings: In(8)
    event_sent: In(1)
    hold: Out(1)
    freeze: In(1)
    idle: Out(1)
    begin_run: In(1)
    run: In(32)
    o: Out(stream.Signature(BYTE))

    def elaborate(self, platform: object) -> Module:
        m = Module()
        turn = Signal(_Source)
        place = Signal(range(HEADER.size))
        sequence, tally, run = Signal(32), Signal(32), Signal(32)
        kind, record_bytes = Signal(8), Signal(8)
        header = _header(
            version=Const(VERSION),
            kind=kind,
            record_bytes=record_bytes,
            settings=self.settings,
            run=run,
            epoch=self.epoch,
            sequence=sequence,
            pulse=self.pulse,
            event_tally=tally,
        )
        m.d.sync += tally.eq(tally + self.event_sent)
        with m.If(self.begin_run):
            m.d.sync += [run.eq(self.run), tally.eq(0)]

        with m.FSM():
            with m.State("IDLE"):
                m.d.comb += self.idle.eq(1)
                with m.If(~self.freeze):
                    self._take_turn(m, turn)

            with m.State("HEADER"):
                m.d.comb += self.hold.eq(1)
                m.d.comb += self.o.valid.eq(1)
                m.d.comb += self.o.payload.data.eq(header.word_select(place, 8))
                with m.If(self.o.ready):
                    m.d.sync += place.eq(place + 1)
                    with m.If(place == HEADER.size - 1):
                        m.d.sync += place.eq(0)
                        m.next = "BODY"

            with m.State("BODY"):
                with m.If(self.o.valid & self.o.ready & self.o.payload.last):
                    m.d.sync += sequence.eq(sequence + 1)
                    m.next = "IDLE"
                self._pass(m, turn)

        with m.Switch(turn):
            for source, ports in self._sources():
                with m.Case(source):
                    m.d.comb += kind.eq(ports.kind)
                    m.d.comb += record_bytes.eq(ports.record_bytes)
        return m

    def _sources(self) -> tuple[tuple[_Source, Any], ...]:
        return (
            (_Source.REPLIES, self.replies),
            (_Source.EVENTS, self.events),
            (_Source.REPORTS, self.reports),
        )

    def _take_turn(self, m: Module, turn: Value) -> None:
        """Begin a frame of one of those that ask."""
        replies, events, reports = (each.body.valid for _, each in self._sources())
        events_were_last = Signal()
        with m.If(replies):
            m.d.sync += turn.eq(_Source.REPLIES)
        with m.Elif(reports & (events_were_last | ~events)):
            m.d.sync += [turn.eq(_Source.REPORTS), events_were_last.eq(0)]
        with m.Elif(events):
            m.d.sync += [turn.eq(_Source.EVENTS), events_were_last.eq(1)]
        with m.If(replies | events | reports):
            m.next = "HEADER"

    def _pass(self, m: Module, turn: Value) -> None:
        """Pass the body of the source whose turn it is."""
        with m.Switch(turn):
            for source, ports in self._sources():
                with m.Case(source):
                    m.d.comb += self.o.valid.eq(ports.body.valid)
                    m.d.comb += self.o.payload.eq(ports.body.payload)
                    m.d.comb += ports.body.ready.eq(self.o.ready)


def _header(**fields: Value) -> Value:
    """Return the fields one after the other, as wide and in the order of the wire's table."""
    return Cat(
        Cat(fields[name], Const(0, bits - len(fields[name]))) for name, bits in HEADER_BITS.items()
    )
