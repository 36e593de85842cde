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
    is its *code*, its length plus one, which is known at its end only: a run is filled into a
    buffer and then drained.

    Latency: a run's code appears 1 clock after its last byte (or the zero behind it) was taken,
    so at most 255 clocks after its first where bytes come without pause. Throughput: filling and
    draining take turns. A run of n bytes and its zero take 2n + 2 clocks, a full run of 254 bytes
    509; the packet's end takes 1 clock more for the delimiter, and 1 more if its last byte is a
    zero. So about half a byte a clock. Back-pressure: ``i`` is not ready while a run is drained,
    ``o`` waits for as long as it must.

    Members
    -------
    i : :py:`In(stream.Signature(BYTE))`
        Packets of at least one byte.
    o : :py:`Out(stream.Signature(8))`
        Stuffed bytes; a zero is the end of a packet.
    """

    i: In(stream.Signature(BYTE))
    o: Out(stream.Signature(unsigned(8)))

    LONGEST_RUN = 254

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.buffer = buffer = Memory(shape=8, depth=self.LONGEST_RUN, init=[])
        write, read = buffer.write_port(), buffer.read_port()

        length = Signal(range(self.LONGEST_RUN + 1))  # bytes of the run in the buffer
        drained = Signal.like(length)  # of these, sent
        ended_by_zero = Signal()  # and not by being full, which stands for no zero
        last = Signal()  # the run ends the packet
        is_zero = self.i.payload.data == 0
        m.d.comb += write.data.eq(self.i.payload.data)
        m.d.comb += write.addr.eq(length)

        with m.FSM():
            with m.State("FILL"):
                m.d.comb += self.i.ready.eq(1)
                m.d.comb += write.en.eq(self.i.valid & ~is_zero)
                with m.If(self.i.valid):
                    m.d.sync += length.eq(length + ~is_zero)
                    m.d.sync += ended_by_zero.eq(is_zero)
                    m.d.sync += last.eq(self.i.payload.last)
                    with m.If(is_zero | self.i.payload.last | (length == self.LONGEST_RUN - 1)):
                        m.next = "CODE"

            with m.State("CODE"):
                self._send(m, length + 1)
                m.d.sync += drained.eq(0)
                m.d.comb += read.addr.eq(0)
                with m.If(self.o.ready):
                    with m.If(length != 0):
                        m.next = "DRAIN"
                    with m.Else():
                        self._go_on(m, ended_by_zero, last)
                        m.d.sync += [length.eq(0), ended_by_zero.eq(0)]

            with m.State("DRAIN"):
                self._send(m, read.data)
                m.d.comb += read.addr.eq(drained + self.o.ready)  # what is sent in the next clock
                with m.If(self.o.ready):
                    m.d.sync += drained.eq(drained + 1)
                    with m.If(drained + 1 == length):
                        self._go_on(m, ended_by_zero, last)
                        m.d.sync += [length.eq(0), ended_by_zero.eq(0)]

            with m.State("DELIMITER"):
                self._send(m, 0)
                with m.If(self.o.ready):
                    m.next = "FILL"
        return m

    def _send(self, m: Module, byte: Value | int) -> None:
        m.d.comb += self.o.valid.eq(1)
        m.d.comb += self.o.payload.eq(byte)

    def _go_on(self, m: Module, ended_by_zero: Value, last: Value) -> None:
        """Go on behind a run; a packet that ends with a zero has an empty run behind it."""
        with m.If(~last):
            m.next = "FILL"
        with m.Elif(ended_by_zero):
            m.next = "CODE"
        with m.Else():
            m.next = "DELIMITER"
