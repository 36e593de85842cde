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
from hexkey_gateware.link.nibbles import NIBBLE_BITS, Ring, part

HEADER_NIBBLES = 2 * HEADER.size
GROUP_NIBBLES = 8
"""The header is made of groups of as many: of numbers of 32 bits and halves of one of 64."""


def numbers() -> wiring.Signature:
    """Return the ports to the numbers of the header that the reader of events keeps.

    Members
    -------
    pulse, tally : :py:`Out(4)`
        The nibbles of the watermark that are seen: no event after it was asked for yet, none before
        it will be. The same of the events that were sent in this run.
    turn_pulse, turn_tally : :py:`In(1)`
        The next nibble is to be seen.
    moving : :py:`Out(1)`
        The pulse does not stand at its lowest nibble, or will not in the next clock.
    settings : :py:`Out(8)`
    begin_epoch : :py:`Out(1)`
        From the next header on, the epoch is one more.
    """
    return wiring.Signature(
        {
            "pulse": Out(NIBBLE_BITS),
            "tally": Out(NIBBLE_BITS),
            "turn_pulse": In(1),
            "turn_tally": In(1),
            "moving": Out(1),
            "settings": Out(8),
            "begin_epoch": Out(1),
        }
    )


def _groups() -> list[str]:
    """Return which field each group of nibbles is of; the first four fields are one."""
    sizes = {name: struct.calcsize(f"<{code}") for name, code in HEADER_FIELDS}
    names = [name for name, size in sizes.items() for _ in range(size)]
    if names[:4] != ["version", "kind", "record_bytes", "settings"]:
        raise ValueError(f"the header begins with {names[:4]}; the gateware must be adapted")
    return ["head", *names[4::4]]


GROUPS = _groups()
"""Names of the header's parts of 32 bits."""


class _Source(IntEnum):
    REPLIES = 0
    EVENTS = 1
    REPORTS = 2


class Framer(wiring.Component):
    """Sends one frame after the other, each a header and the body of a source.

    Replies to the host go first; between the other two sources turns are taken, so that neither
    starves when the link is slower than both. A frame once begun is finished.

    The numbers of the header pass a nibble at a time, and are counted up as they do: epoch and
    sequence number go round in a ring that is put on by one where there is reason to.

    Latency: a header's first byte is offered 2 clocks after a source has asked, if `free` is set.
    Throughput: a byte of the header in 2 clocks, one of the body in 1, with 1 clock between frames.
    Back-pressure: every source waits while another has its turn; nothing is buffered here.

    Members
    -------
    replies, events, reports : :py:`In(frame_source())`
        The sources.
    numbers : :py:`In(numbers())`
        For the headers.
    hold : :py:`Out(1)`
        A header is being sent, or begins: `numbers` must stand still but for what is turned here.
    freeze : :py:`In(1)`
        Begin no frame.
    free : :py:`In(1)`
        ``o`` is ready for a frame: which one is decided no sooner.
    idle : :py:`Out(1)`
        Between frames.
    begin_run : :py:`In(1)`
        Carry `run` from the next frame on; only while frozen and idle.
    run : :py:`In(32)`
    o : :py:`Out(stream.Signature(BYTE))`
        Headers and bodies, for a `FrameEncoder`.
    """

    replies: In(frame_source())
    events: In(frame_source())
    reports: In(frame_source())
    numbers: In(numbers())
    hold: Out(1)
    freeze: In(1)
    free: In(1)
    idle: Out(1)
    begin_run: In(1)
    run: In(32)
    o: Out(stream.Signature(BYTE))

    def __init__(self) -> None:
        super().__init__()
        self._turn = Signal(_Source)
        self._place = Signal(range(HEADER_NIBBLES))
        self._step = Signal()  # the next nibble of the header
        self._low = Signal(NIBBLE_BITS, reset_less=True)  # of the byte

    def elaborate(self, platform: object) -> Module:
        m = Module()
        nibble = self._header(m)

        with m.FSM():
            with m.State("IDLE"):
                m.d.comb += self.idle.eq(1)
                with m.If(self.free & ~self.freeze & ~self.numbers.moving):
                    self._take_turn(m)

            with m.State("HEADER"):
                m.d.comb += self.hold.eq(1)
                m.d.comb += self.o.valid.eq(self._place[0])
                m.d.comb += self.o.payload.data.eq(Cat(self._low, nibble))
                m.d.comb += self._step.eq(~self._place[0] | self.o.ready)
                with m.If(~self._place[0]):
                    m.d.sync += self._low.eq(nibble)
                with m.If(self._step):
                    m.d.sync += self._place.eq(self._place + 1)
                    with m.If(self._place == HEADER_NIBBLES - 1):
                        m.d.sync += self._place.eq(0)
                        m.next = "BODY"

            with m.State("BODY"):
                with m.If(self.o.valid & self.o.ready & self.o.payload.last):
                    m.next = "IDLE"
                self._pass(m)
        return m

    def _header(self, m: Module) -> Value:
        """Return the nibble of the header whose turn it is."""
        kind, record_bytes = Signal(8), Signal(8)
        with m.Switch(self._turn):
            for source, ports in self._sources():
                with m.Case(source):
                    m.d.comb += [kind.eq(ports.kind), record_bytes.eq(ports.record_bytes)]
        run = Signal(32)
        with m.If(self.begin_run):
            m.d.sync += run.eq(self.run)

        numbers, within = self.numbers, self._place[:3]
        head = Cat(Const(VERSION, 8), kind, record_bytes, numbers.settings)
        counted = self._count(m)
        nibble = Signal(NIBBLE_BITS)
        with m.Switch(self._place[3:]):
            for group, name in enumerate(GROUPS):
                with m.Case(group):
                    if name == "head":
                        m.d.comb += nibble.eq(part(m, head, within, NIBBLE_BITS))
                    elif name == "run":
                        m.d.comb += nibble.eq(part(m, run, within, NIBBLE_BITS))
                    elif name == "pulse":
                        m.d.comb += nibble.eq(numbers.pulse)
                        m.d.comb += numbers.turn_pulse.eq(self._step)
                    elif name == "event_tally":
                        m.d.comb += nibble.eq(numbers.tally)
                        m.d.comb += numbers.turn_tally.eq(self._step)
                    else:
                        m.d.comb += nibble.eq(counted)
        return nibble

    def _count(self, m: Module) -> Value:
        """Count epochs and frames; return the nibble as it is now, while the header is at them."""
        first = GROUPS.index("epoch")
        if GROUPS[first : first + 2] != ["epoch", "sequence"]:
            raise ValueError(f"the header has {GROUPS}; the gateware must be adapted")
        # In the ring is the sequence number of the frame before, -1 before the first.
        m.submodules.ring = ring = Ring(2 * GROUP_NIBBLES, init=0xFFFFFFFF << 32)
        pending, carry = Signal(), Signal()
        with m.If(self.numbers.begin_epoch):
            m.d.sync += pending.eq(1)
        counted = Signal(NIBBLE_BITS + 1)
        m.d.comb += counted.eq(ring.o + carry)
        m.d.comb += ring.i.eq(counted)
        with m.Switch(self._place[3:]):
            with m.Case(first, first + 1):
                m.d.comb += ring.turn.eq(self._step)
        with m.If(self._step):
            m.d.sync += carry.eq(counted[-1])
            with m.If(self._place == first * GROUP_NIBBLES - 1):
                m.d.sync += [carry.eq(pending), pending.eq(0)]
            with m.If(self._place == (first + 1) * GROUP_NIBBLES - 1):
                m.d.sync += carry.eq(1)
        return counted[:NIBBLE_BITS]

    def _sources(self) -> tuple[tuple[_Source, Any], ...]:
        return (
            (_Source.REPLIES, self.replies),
            (_Source.EVENTS, self.events),
            (_Source.REPORTS, self.reports),
        )

    def _take_turn(self, m: Module) -> None:
        """Begin a frame of one of those that ask."""
        replies, events, reports = (each.asks for _, each in self._sources())
        events_were_last = Signal()
        with m.If(replies):
            m.d.sync += self._turn.eq(_Source.REPLIES)
        with m.Elif(reports & (events_were_last | ~events)):
            m.d.sync += [self._turn.eq(_Source.REPORTS), events_were_last.eq(0)]
        with m.Elif(events):
            m.d.sync += [self._turn.eq(_Source.EVENTS), events_were_last.eq(1)]
        with m.If(replies | events | reports):
            m.d.comb += self.hold.eq(1)
            m.next = "HEADER"

    def _pass(self, m: Module) -> None:
        """Pass the body of the source whose turn it is."""
        with m.Switch(self._turn):
            for source, ports in self._sources():
                with m.Case(source):
                    m.d.comb += ports.begun.eq(1)
                    m.d.comb += self.o.valid.eq(ports.body.valid)
                    m.d.comb += self.o.payload.eq(ports.body.payload)
                    m.d.comb += ports.body.ready.eq(self.o.ready)
