"""Unstuffing of what the host sends; `cobs.CobsEncoder` is the other way."""

from amaranth.hdl import Module, Signal, Value, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

PACKET_BYTE = data.StructLayout({"data": 8, "last": 1, "bad": 1})
"""A byte of a packet. `bad`, with its last, says that the packet is broken and this is no byte."""

FULL_RUN = 255
"""The code of a run of 254 bytes, which stands for no zero behind it."""


class CobsDecoder(wiring.Component):
    """Makes packets of the bytes between zeros.

    A zero byte always ends a packet, whatever came before it: behind garbage the next packet is
    whole again. Zeros that follow each other mean nothing. A packet that is empty, too long, or
    broken off within a run ends with an item that is `bad`; what was passed on of it until then is
    to be forgotten.

    Which byte is the last is known at the zero only: a byte is held back until the next comes.

    Latency 0: an item is valid in the clock in which the byte that lets it go is there. Throughput:
    a byte a clock. Back-pressure: ``i`` is not ready while an item waits for ``o``.

    Parameters
    ----------
    longest : int
        Bytes of the longest packet that is not dropped as too long.

    Members
    -------
    i : :py:`In(stream.Signature(8))`
        Stuffed bytes, a zero between packets.
    o : :py:`Out(stream.Signature(PACKET_BYTE))`
    """

    i: In(stream.Signature(unsigned(8)))
    o: Out(stream.Signature(PACKET_BYTE))

    def __init__(self, longest: int) -> None:
        super().__init__()
        self._longest = longest

    def elaborate(self, platform: object) -> Module:
        m = Module()
        left = Signal(range(FULL_RUN))  # bytes of the run that are still to come
        begun = Signal()  # the packet has had a code
        owes_zero = Signal()  # if anything follows, a zero stands before it
        length = Signal(range(self._longest + 1))  # bytes unstuffed, the held one included
        too_long = Signal()
        held = Signal(8)

        byte = self.i.payload
        ends = byte == 0
        is_code = ~ends & (left == 0)
        unstuffed = self._unstuffed(is_code, begun & owes_zero, ends)
        surplus = unstuffed & (length == self._longest)
        broken = (left != 0) | too_long | (length == 0)
        m.d.comb += [
            self.o.payload.data.eq(held),
            self.o.payload.last.eq(ends),
            self.o.payload.bad.eq(ends & broken),
            self.o.valid.eq(
                self.i.valid & ((ends & begun) | (unstuffed & ~surplus & (length != 0) & ~too_long))
            ),
            self.i.ready.eq(~self.o.valid | self.o.ready),
        ]

        with m.If(self.i.valid & self.i.ready):
            with m.If(ends):
                m.d.sync += [left.eq(0), begun.eq(0), length.eq(0), too_long.eq(0)]
            with m.Else():
                m.d.sync += begun.eq(1)
                m.d.sync += left.eq(left - 1)
                with m.If(is_code):
                    m.d.sync += left.eq(byte - 1)
                    m.d.sync += owes_zero.eq(byte != FULL_RUN)
            with m.If(unstuffed):
                m.d.sync += held.eq(byte)
                with m.If(is_code):
                    m.d.sync += held.eq(0)
                with m.If(surplus):
                    m.d.sync += too_long.eq(1)
                with m.Else():
                    m.d.sync += length.eq(length + 1)
        return m

    def _unstuffed(self, is_code: Value, owes_zero: Value, ends: Value) -> Value:
        """Whether this byte adds one to the packet: itself, or the zero before a further run."""
        return ~ends & (~is_code | owes_zero)
