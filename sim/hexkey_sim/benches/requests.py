"""Bench of `hexkey_gateware.link.requests` against what the virtual board takes as a request."""

import random
import zlib
from collections.abc import Iterable
from typing import Any

import cocotb
from cocotb.triggers import RisingEdge

from hexkey.errors import HexkeyError
from hexkey.wire import (
    Header,
    Kind,
    RegisterOperation,
    RegisterRequest,
    StreamParser,
    encode_frame,
)
from hexkey.wire.cobs import cobs_decode_reference, cobs_encode
from hexkey.wire.frame import CRC, HEADER
from hexkey_gateware.link.cobs_decoder import PACKET_BYTE
from hexkey_gateware.link.requests import REQUEST, REQUEST_BYTES
from hexkey_sim.benches.coverage import Coverage
from hexkey_sim.benches.streams import TIMEOUT_US, Get, Put, check_received, clocks, never, start

CORNERS = (
    "read",
    "write",
    "largest values",
    "least values",
    "flipped bit",
    "another version",
    "another kind",
    "unknown kind",
    "another operation",
    "body too short",
    "body too long",
    "too short for a header",
    "records that fit",
    "records that do not fit",
    "highest pulse number",
    "pulse number too high",
    "broken by the decoder",
    "sound behind a refused one",
)


def accepted(packet: bytes) -> RegisterRequest | None:
    """Return the request that the virtual board finds in a packet."""
    try:
        frames = StreamParser().feed(b"\0" + cobs_encode(packet) + b"\0")
        if len(frames) != 1 or frames[0].header.kind is not Kind.REGISTER_REQUEST:
            return None
        return RegisterRequest.decode(frames[0].body)
    except HexkeyError:
        return None


def sound(generator: random.Random, request: RegisterRequest | None = None) -> bytes:
    request = request or RegisterRequest(
        generator.randrange(1 << 16),
        generator.choice(tuple(RegisterOperation)),
        generator.randrange(1 << 16),
        generator.getrandbits(32),
    )
    sequence = generator.getrandbits(32)
    header = Header(Kind.REGISTER_REQUEST, 0, 0, 0, 0, sequence, 0, 0)
    return cobs_decode_reference(encode_frame(header, request.encode())[:-1])


def altered(packet: bytes, place: int, byte: int) -> bytes:
    """Return a packet with another byte, and the right CRC for it."""
    return checked(packet[:place] + bytes([byte]) + packet[place + 1 : -CRC.size])


def checked(frame: bytes) -> bytes:
    return frame + CRC.pack(zlib.crc32(frame))


def packets(generator: random.Random, coverage: Coverage) -> Iterable[bytes]:
    """Return packets, the corners they are of visited; between them sound ones."""
    top = RegisterRequest(0xFFFF, RegisterOperation.WRITE, 0xFFFF, 0xFFFFFFFF)
    low = RegisterRequest(0, RegisterOperation.READ, 0, 0)
    yield from (sound(generator, top), sound(generator, low))
    coverage.visit(CORNERS[2])
    coverage.visit(CORNERS[3])
    for _ in range(100):
        packet = sound(generator)
        place = generator.randrange(8 * len(packet))
        flipped = bytearray(packet)
        flipped[place // 8] ^= 1 << place % 8
        coverage.visit(CORNERS[4])
        yield from (bytes(flipped), packet)
    body, operation = HEADER.size, HEADER.size + 2
    places = {  # where, corners of the values, values
        0: ((5,), (0, 2, 255)),
        1: ((6, 7), (*range(17), 255)),
        2: ((12, 13), (0, 1, 2, 3, 4, 5, 8, 9, 10, 27, 255)),
        23: ((14, 15), (0x7F, 0x80, 0xFF)),
        operation: ((8,), (0, 1, 2, 255)),
    }
    for place, (corners, values) in places.items():
        for value in values:
            for corner in corners:
                coverage.visit(CORNERS[corner])
            yield from (altered(sound(generator), place, value), sound(generator))
    for length in range(1, REQUEST_BYTES - CRC.size):
        coverage.visit(CORNERS[9], length >= body)
        coverage.visit(CORNERS[11], length < body)
        yield from (checked(sound(generator)[:length]), sound(generator))
    for more in (1, 2, 5, 23, 24):
        coverage.visit(CORNERS[10])
        frame = sound(generator)[: -CRC.size]
        yield from (checked(frame + bytes(more)), frame[:more] + frame, sound(generator))


def marked(packet: bytes, bad: bool = False) -> list[int]:
    end = len(packet) - 1
    flags = [{"last": at == end, "bad": bad and at == end} for at in range(len(packet))]
    return [
        int(PACKET_BYTE.const({"data": byte, **flag}).as_bits())
        for byte, flag in zip(packet, flags, strict=True)
    ]


def word(request: RegisterRequest) -> int:
    return int.from_bytes(request.encode(), "little")


async def count_bad(dut: Any, found: list[int]) -> None:
    while True:
        await RisingEdge(dut.clk)
        found[0] += int(dut.bad_request.value)


@cocotb.test(timeout_time=4 * TIMEOUT_US, timeout_unit="us")
async def takes_what_the_virtual_board_takes(dut: Any) -> None:
    generator, coverage = random.Random(cocotb.RANDOM_SEED), Coverage(*CORNERS)
    put, get, bad = Put(dut, "i"), Get(dut, "o"), [0]
    await start(dut)
    cocotb.start_soon(get.forever())
    cocotb.start_soon(count_bad(dut, bad))
    expected, refused, before_refused = [], 0, False
    for packet in packets(generator, coverage):
        broken = generator.random() < 0.05
        coverage.visit(CORNERS[16], broken)
        request = None if broken else accepted(packet)
        if request is not None:
            expected.append(word(request))
            coverage.visit(CORNERS[request.op])
            coverage.visit(CORNERS[17], before_refused)
        before_refused = request is None
        refused += before_refused
        await put(marked(packet, broken), never)
    await clocks(dut, 4)
    check_received(get.received, expected)
    assert bad == [refused]
    coverage.check()


@cocotb.test(timeout_time=TIMEOUT_US, timeout_unit="us")
async def keeps_a_request_that_waits(dut: Any) -> None:
    """Requests that come meanwhile are refused as wholes, also one whose end comes later."""
    generator = random.Random(cocotb.RANDOM_SEED)
    put, get, bad = Put(dut, "i"), Get(dut, "o"), [0]
    await start(dut)
    cocotb.start_soon(count_bad(dut, bad))
    first, second, third, fourth = (sound(generator) for _ in range(4))
    await put(marked(first))
    await put(marked(second))
    await put(marked(third)[:10])
    assert int(dut.o__payload.value) == word(wanted(first))
    cocotb.start_soon(get.forever())
    await put(marked(third)[10:])
    await put(marked(fourth))
    await clocks(dut, 4)
    check_received(get.received, [word(wanted(first)), word(wanted(fourth))])
    assert bad == [2]


@cocotb.test(timeout_time=TIMEOUT_US, timeout_unit="us")
async def takes_as_long_as_it_says(dut: Any) -> None:
    generator = random.Random(cocotb.RANDOM_SEED)
    put, get = Put(dut, "i"), Get(dut, "o")
    await start(dut)
    cocotb.start_soon(get.forever())
    await put([item for _ in range(3) for item in marked(sound(generator))])
    await clocks(dut, 4)
    ends = put.taken_at[REQUEST_BYTES - 1 :: REQUEST_BYTES]
    assert get.received_at == [end + 2 for end in ends]
    assert put.taken_at[-1] - put.taken_at[0] == 8 * (3 * REQUEST_BYTES - 1) + 2
    assert REQUEST.size == 8 * 9


def wanted(packet: bytes) -> RegisterRequest:
    request = accepted(packet)
    assert request is not None
    return request
