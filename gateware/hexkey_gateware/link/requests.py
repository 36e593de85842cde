"""From packets to requests: what is not exactly a sound request is counted and goes no further."""

from dataclasses import asdict

from amaranth.hdl import Cat, Const, Module, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.crc.catalog import CRC32_ISO_HDLC
from amaranth.lib.wiring import In, Out

from hexkey.wire import VERSION, Kind, RegisterOperation, RegisterRequest
from hexkey.wire.frame import CRC, HEADER
from hexkey_gateware.checksum import SerialCrc
from hexkey_gateware.link.cobs_decoder import PACKET_BYTE

REQUEST = data.StructLayout({"id": 16, "op": 8, "address": 16, "value": 32})
"""A request's body, as on the wire, least significant byte first."""

BODY_BYTES = REQUEST.size // 8
REQUEST_BYTES = HEADER.size + BODY_BYTES + CRC.size

_PLACES = {"version": 0, "kind": 1, "record_bytes": 2, "pulse": 23}
"""Where the bytes of the header are that say something about a request; of the pulse, the top."""

_EXAMPLE = RegisterRequest(0x1234, RegisterOperation.WRITE, 0x5678, 0x9ABCDEF0)
if REQUEST.const(asdict(_EXAMPLE)).as_bits() != int.from_bytes(_EXAMPLE.encode(), "little"):
    raise ValueError("requests look different on the wire; the gateware must be adapted")


class RequestReceiver(wiring.Component):
    """Takes packets and passes the requests in them on.

    A packet is a request if it has the length of one, the CRC is right, and so are version, kind
    and operation; a frame of another version is a bad request, too. As the host's parser does, it
    refuses records that the body does not hold whole ones of, and pulse numbers from 2**63.

    A request is passed on as a whole or not at all. While one waits in ``o``, packets that come are
    refused: the host repeats what it gets no answer to.

    The CRC takes a bit a clock, as the line takes 40 clocks for a byte at the least.

    Latency: a request is valid 2 clocks after its last byte was taken. Throughput: a byte in 8
    clocks, 1 clock more for each packet. Back-pressure: ``i`` is ready in the last of the 8.

    Members
    -------
    i : :py:`In(stream.Signature(PACKET_BYTE))`
    o : :py:`Out(stream.Signature(REQUEST))`
    bad_request : :py:`Out(1)`
        High for a clock for each packet that was no request, or came too early.
    """

    i: In(stream.Signature(PACKET_BYTE))
    o: Out(stream.Signature(REQUEST))
    bad_request: Out(1)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.crc = crc = SerialCrc(CRC32_ISO_HDLC)
        bit = Signal(range(8))
        place = Signal(range(REQUEST_BYTES + 1))
        sound = Signal(init=1)  # nothing was wrong with the packet until here
        byte = self.i.payload
        body = self.o.payload.as_value()
        waits = self.o.valid & ~self.o.ready
        in_body = (place >= HEADER.size) & (place < HEADER.size + BODY_BYTES)

        with m.If(self.o.ready):
            m.d.sync += self.o.valid.eq(0)
        with m.FSM():
            with m.State("RECEIVE"):
                m.d.comb += self.i.ready.eq(bit == 7)
                m.d.comb += [crc.shift.eq(self.i.valid), crc.bit.eq(byte.data.bit_select(bit, 1))]
                m.d.sync += bit.eq(bit + self.i.valid)
                with m.If(self.i.valid & self.i.ready):
                    m.d.sync += place.eq(place + 1)
                    with m.If(byte.bad | waits | self._wrong(place, byte.data)):
                        m.d.sync += sound.eq(0)
                    with m.If(in_body & ~waits):
                        m.d.sync += body.eq((body >> 8) | (byte.data << (body.shape().width - 8)))
                    with m.If(byte.last):
                        m.next = "CHECK"

            with m.State("CHECK"):
                m.d.comb += crc.clear.eq(1)
                m.d.sync += [place.eq(0), sound.eq(1)]
                with m.If(sound & self._whole(place, crc.crc == crc.residue())):
                    m.d.sync += self.o.valid.eq(1)
                with m.Else():
                    m.d.comb += self.bad_request.eq(1)
                m.next = "RECEIVE"
        return m

    def _wrong(self, place: Value, byte: Value) -> Value:
        """Whether a request cannot have this byte at this place."""
        right = {
            _PLACES["version"]: byte == VERSION,
            _PLACES["kind"]: byte == Kind.REGISTER_REQUEST,
            _PLACES["record_bytes"]: (byte == 0) | _divides(byte, BODY_BYTES),
            _PLACES["pulse"]: ~byte[7],
            HEADER.size + 2: byte <= max(RegisterOperation),
            REQUEST_BYTES: Const(0, 1),
        }
        return Cat((place == at) & ~is_right for at, is_right in right.items()).any()

    def _whole(self, place: Value, crc_is_right: Value) -> Value:
        return crc_is_right & (place == REQUEST_BYTES)


def _divides(divisor: Value, number: int) -> Value:
    divisors = [each for each in range(1, number + 1) if number % each == 0]
    return divisor.matches(*divisors)
