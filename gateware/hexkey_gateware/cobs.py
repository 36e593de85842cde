"""Consistent Overhead Byte Stuffing: after it, a zero byte ends a frame and is nowhere else.

Cheshire & Baker, IEEE/ACM Trans. Netw. 7, 159 (1999).
"""

from amaranth.hdl import Module, Signal, Value, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

BYTE = data.StructLayout({"data": 8, "last": 1})
"""A byte of a packet; `last` is set with the packet's last."""


class CobsEncoder(wiring.Component):
    """Stuffs packets and ends each with a zero byte.

    A *run* is the bytes up to a zero, to the packet's end or to the 254th. What is sent first of it
    is its *code*, its length plus one, which is known at its end only: in a ring of bytes a place
    is left for the code, and what lies behind that place may not be sent before the code is there.
    So one run is sent while the next is filled, and no other buffer is needed behind this one.

    Latency: a run's code appears 2 clocks after its last byte (or the zero behind it) was taken; 1
    more where the run is full or the packet ends. Throughput: a byte a clock, and 1 clock more for
    a full run and 2 for the packet's end, until the ring is full; ``o`` has a byte for every clock
    in which none is taken in. Back-pressure: ``i`` is not ready while the ring is full, nor for the
    first byte of a packet while two others are in it; ``o`` waits for as long as it must.

    Members
    -------
    i : :py:`In(stream.Signature(BYTE))`
        Packets of at least one byte.
    o : :py:`Out(stream.Signature(8))`
        Stuffed bytes; a zero is the end of a packet.
    free : :py:`Out(1)`
        A packet may begin; else it would wait, and whoever chooses it should do so later.
    """

    i: In(stream.Signature(BYTE))
    o: Out(stream.Signature(unsigned(8)))
    free: Out(1)

    LONGEST_RUN = 254
    RING_BYTES = 512  # one run that is filled, and one that is sent

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.ring = ring = Memory(shape=8, depth=self.RING_BYTES, init=[])
        self._write, read = ring.write_port(), ring.read_port()

        self._code_place = Signal(range(self.RING_BYTES))  # of the run that is filled
        self._place = Signal(range(self.RING_BYTES), init=1)  # of the next byte
        self._code = Signal(8, init=1)  # of what there is of the run
        to_send = Signal(range(self.RING_BYTES))
        begun = Signal()  # a packet is being filled
        last = Signal()  # the run ends it
        ended, sent = Signal(), Signal()  # a delimiter is put into the ring, or leaves
        whole = Signal(range(3))  # packets in the ring with their delimiters
        m.d.sync += whole.eq(whole + ended - sent)
        m.d.comb += self.free.eq(~whole[1] & ~begun)
        has_room = self._place != to_send
        byte, is_zero = self.i.payload, self.i.payload.data == 0

        with m.FSM():
            with m.State("FILL"):
                m.d.comb += self.i.ready.eq(has_room & ~whole[1])
                with m.If(self.i.valid & self.i.ready):
                    m.d.sync += [begun.eq(1), last.eq(byte.last)]
                    with m.If(is_zero):
                        self._close(m, self._code)
                        with m.If(byte.last):
                            self._end_with_zero(m)
                    with m.Else():
                        self._append(m, byte.data)
                        with m.If(byte.last | (self._code == self.LONGEST_RUN)):
                            m.next = "CODE"

            with m.State("CODE"):
                with m.If(has_room):
                    self._close(m, self._code)
                    m.next = "FILL"
                    with m.If(last):
                        m.next = "DELIMITER"

            with m.State("DELIMITER"):
                with m.If(has_room):
                    self._close(m, 0)
                    m.d.sync += begun.eq(0)
                    m.d.comb += ended.eq(1)
                    m.next = "FILL"

        # Not while a byte is written: for a row that is read and written at once, where a cell
        # promises nothing, Yosys would put registers and multiplexers around it.
        fetches = Signal()
        any_left = to_send != self._code_place
        m.d.comb += fetches.eq((~self.o.valid | self.o.ready) & any_left & ~self._write.en)
        m.d.comb += sent.eq(self.o.valid & self.o.ready & (self.o.payload == 0))
        m.d.comb += [read.en.eq(fetches), read.addr.eq(to_send), self.o.payload.eq(read.data)]
        m.d.sync += to_send.eq(to_send + fetches)
        with m.If(fetches | self.o.ready):
            m.d.sync += self.o.valid.eq(fetches)
        return m

    def _append(self, m: Module, byte: Value) -> None:
        """Put a byte into the run."""
        m.d.comb += [
            self._write.en.eq(1),
            self._write.addr.eq(self._place),
            self._write.data.eq(byte),
        ]
        m.d.sync += [self._place.eq(self._place + 1), self._code.eq(self._code + 1)]

    def _close(self, m: Module, code: Value | int) -> None:
        """Put the run's code, or the delimiter, into the place left for it, and leave the next."""
        m.d.comb += [
            self._write.en.eq(1),
            self._write.addr.eq(self._code_place),
            self._write.data.eq(code),
        ]
        m.d.sync += [
            self._code_place.eq(self._place),
            self._place.eq(self._place + 1),
            self._code.eq(1),
        ]

    def _end_with_zero(self, m: Module) -> None:
        """A packet that ends with a zero has an empty run behind it."""
        m.next = "CODE"
