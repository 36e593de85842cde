"""What the framer and the sources of its frames say to each other."""

from amaranth.hdl import Module, Signal, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from hexkey.wire import Kind
from hexkey_gateware.cobs import BYTE
from hexkey_gateware.link.nibbles import part

KIND = unsigned(4)
RECORD_BYTES = unsigned(4)

REPLY = data.StructLayout({"id": 16, "status": 8, "address": 16, "value": 32})
"""The body of a REGISTER_REPLY."""


def frame_source() -> wiring.Signature:
    """Return the ports of whoever has frames to send.

    From when a source asks for a frame until the last byte of its body is taken, `kind` and
    `record_bytes` hold still. A body has at least one byte; it need not be there before `begun`.

    Members
    -------
    asks : :py:`Out(1)`
        A frame is wanted; held at least until `begun`, and not beyond the last byte.
    begun : :py:`In(1)`
        The header is out, the body is to follow.
    kind, record_bytes : :py:`Out(4)`
        As in the frame's header.
    body : :py:`Out(stream.Signature(BYTE))`
    """
    return wiring.Signature(
        {
            "asks": Out(1),
            "begun": In(1),
            "kind": Out(KIND),
            "record_bytes": Out(RECORD_BYTES),
            "body": Out(stream.Signature(BYTE)),
        }
    )


class ReplyFrames(wiring.Component):
    """Makes a REGISTER_REPLY of each reply of the register file.

    Latency 0, throughput 1 byte a clock; a reply is taken with its last byte.

    Members
    -------
    i : :py:`In(stream.Signature(REPLY))`
    o : :py:`Out(frame_source())`
    """

    i: In(stream.Signature(REPLY))
    o: Out(frame_source())

    def elaborate(self, platform: object) -> Module:
        m = Module()
        size = REPLY.size // 8
        place = Signal(range(size))
        body = self.o.body
        m.d.comb += [
            self.o.asks.eq(self.i.valid),
            self.o.kind.eq(Kind.REGISTER_REPLY),
            body.valid.eq(self.i.valid),
            body.payload.data.eq(part(m, self.i.payload, place, 8)),
            body.payload.last.eq(place == size - 1),
            self.i.ready.eq(body.ready & body.payload.last),
        ]
        with m.If(body.valid & body.ready):
            m.d.sync += place.eq(place + 1)
            with m.If(body.payload.last):
                m.d.sync += place.eq(0)
        return m
