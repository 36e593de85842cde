"""Bench of `hexkey_gateware.frame` against `hexkey.wire.encode_frame`."""

import random
from collections.abc import Iterable
from typing import Any

import cocotb

from hexkey.wire import MAX_PULSE, MAX_RECORDS, NARROW, Header, Kind, decode_frame, encode_frame
from hexkey.wire.cobs import cobs_decode_reference
from hexkey.wire.frame import CRC
from hexkey_sim.benches.cobs import marked
from hexkey_sim.benches.coverage import Coverage
from hexkey_sim.benches.streams import (
    TIMEOUT_US,
    Get,
    Put,
    check_received,
    clocks,
    never,
    pauses,
    start,
)

CORNERS = (
    "no body",
    "full frame of events",
    "zero-heavy body",
    "zero-free body of more than two runs",
    "zero in the CRC",
    "CRC that ends with a zero",
    "frame right behind another",
)


def cover(coverage: Coverage, body: bytes, encoded: bytes) -> None:
    crc = crc_of(encoded)
    coverage.visit(CORNERS[0], not body)
    coverage.visit(CORNERS[1], len(body) == MAX_RECORDS * NARROW.record_bytes)
    coverage.visit(CORNERS[2], len(body) > 20 and body.count(0) > len(body) // 2)
    coverage.visit(CORNERS[3], len(body) > 508 and 0 not in body)
    coverage.visit(CORNERS[4], 0 in crc)
    coverage.visit(CORNERS[5], crc.endswith(b"\0"))


def frames(generator: random.Random) -> Iterable[tuple[Header, bytes]]:
    """Return headers and bodies; the last ones are searched for a zero at each place of the CRC."""
    full = MAX_RECORDS * NARROW.record_bytes
    events = bytes(generator.randrange(1, 256) for _ in range(full))
    yield Header(Kind.EVENTS, NARROW.record_bytes, 255, 2**32 - 1, 7, 2**32 - 1, 2**40, 9), events
    yield Header(Kind.EVENTS, NARROW.record_bytes, 0, 0, 0, 0, 0, 0), b""
    yield Header(Kind.COUNTERS, 0, 1, 1, 1, 1, MAX_PULSE, 1), bytes(96)
    for sequence in range(10):
        body = generator.randbytes(generator.randrange(40))
        yield Header(Kind.STATUS, 0, sequence, 1, 2, sequence, generator.getrandbits(62), 5), body
    for place in range(CRC.size):
        yield next(
            (header, b"")
            for header in (Header(Kind.STATUS, 0, 1, 1, 2, 3, 4, tally) for tally in range(100_000))
            if crc_of(encode_frame(header, b""))[place] == 0
        )


def crc_of(encoded: bytes) -> bytes:
    return cobs_decode_reference(encoded[:-1])[-CRC.size :]


def payload(encoded: bytes) -> bytes:
    """Return header and body of an encoded frame, which is what the block gets."""
    return cobs_decode_reference(encoded[:-1])[: -CRC.size]


@cocotb.test(timeout_time=TIMEOUT_US, timeout_unit="us")
async def equals_encode_frame(dut: Any) -> None:
    generator, coverage = random.Random(cocotb.RANDOM_SEED), Coverage(*CORNERS)
    put, get = Put(dut, "i"), Get(dut, "o")
    await start(dut)
    cocotb.start_soon(get.forever(pauses(2, 0.2)))
    sent = list(frames(generator))
    expected = b""
    for header, body in sent:
        encoded = encode_frame(header, body)
        cover(coverage, body, encoded)
        expected += encoded
        pause = generator.choice((never, pauses(3, 0.2)))
        coverage.visit(CORNERS[6], pause is never)
        await put(marked(payload(encoded)), pause)
    while get.received.count(0) < len(sent):
        await clocks(dut, 10)
    check_received(get.received, expected)
    assert put.stalls
    assert get.stalls
    received = bytes(get.received).split(b"\0")[:-1]
    decoded = [decode_frame(each) for each in received]
    assert [(frame.header, frame.body) for frame in decoded] == sent
    coverage.check()
