"""Bench of `hexkey_gateware.link.cobs_decoder` against two decoders, the package `cobs` and ours.

Needs ``LONGEST``, the length of the longest packet, in the environment.
"""

import os
import random
from collections.abc import Iterable, Sequence
from typing import Any

import cocotb
from cobs import cobs as oracle

from hexkey.errors import InputError
from hexkey.wire.cobs import cobs_decode_reference, cobs_encode
from hexkey_gateware.link.cobs_decoder import PACKET_BYTE
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

LONGEST = int(os.environ["LONGEST"])
CORNERS = (
    "a lone zero",
    "a lone byte",
    "ends with a zero",
    "begins with a zero",
    "the longest",
    "one byte too long",
    "far too long",
    "unstuffed it is empty",
    "broken off within a run",
    "garbage that is a packet",
    "garbage that is none",
    "zeros that follow each other",
    "sound behind a broken one",
)
LONG_CORNERS = ("full run and a zero", "full run, then more", "full run at the end", "run of 253")

Packet = bytes | None


def decoded(piece: bytes) -> Packet:
    """Return what stands between two zeros; None if it is broken."""
    try:
        packet = cobs_decode_reference(piece)
    except InputError:
        packet = b""
    try:
        expected = oracle.decode(piece)
    except oracle.DecodeError:
        expected = b""
    assert packet == expected, f"two decoders disagree about {piece.hex(' ')}"
    return packet if 1 <= len(packet) <= LONGEST else None


def cover(coverage: Coverage, piece: bytes, before: bytes) -> None:
    packet = decoded(piece)
    coverage.visit(CORNERS[0], packet == b"\0")
    coverage.visit(CORNERS[1], packet is not None and len(packet) == 1 and packet != b"\0")
    coverage.visit(CORNERS[2], packet is not None and len(packet) > 1 and packet[-1] == 0)
    coverage.visit(CORNERS[3], packet is not None and len(packet) > 1 and packet[0] == 0)
    coverage.visit(CORNERS[4], packet is not None and len(packet) == LONGEST)
    coverage.visit(CORNERS[7], piece == b"\1")
    coverage.visit(CORNERS[11], not piece)
    coverage.visit(CORNERS[12], packet is not None and before != b"" and decoded(before) is None)
    if packet is not None and LONGEST > 600:
        runs = [len(run) for run in packet.split(b"\0")]
        coverage.visit(LONG_CORNERS[0], 254 in runs[:-1])
        coverage.visit(LONG_CORNERS[1], any(run > 254 for run in runs))
        coverage.visit(LONG_CORNERS[2], runs[-1] == 254)
        coverage.visit(LONG_CORNERS[3], 253 in runs)


def packet_of(generator: random.Random, length: int) -> bytes:
    zeros = generator.choice((0.0, 0.2, 0.9))
    return bytes(
        0 if generator.random() < zeros else generator.randrange(1, 256) for _ in range(length)
    )


def pieces(generator: random.Random, coverage: Coverage) -> Iterable[bytes]:
    yield from (b"", b"", b"\1", cobs_encode(b"\0"), cobs_encode(b"\7"), cobs_encode(b"\0\0\7\0"))
    for length in (LONGEST - 1, LONGEST, LONGEST + 1, LONGEST, 3 * LONGEST, 1):
        coverage.visit(CORNERS[5], length == LONGEST + 1)
        coverage.visit(CORNERS[6], length > 2 * LONGEST)
        yield from (cobs_encode(packet_of(generator, length)) for _ in range(3))
    for length in (253, 254, 255, 508):
        run = bytes([7]) * length
        yield from (cobs_encode(run), cobs_encode(run + b"\0"))
    for _ in range(60):
        whole = cobs_encode(packet_of(generator, generator.randrange(1, 30)))
        yield whole
        coverage.visit(CORNERS[8])
        yield whole[: generator.randrange(len(whole))]
        top = generator.choice((4, 256))
        garbage = bytes(generator.randrange(1, top) for _ in range(generator.randrange(1, 8)))
        coverage.visit(CORNERS[9], decoded(garbage) is not None)
        coverage.visit(CORNERS[10], decoded(garbage) is None)
        yield garbage
        yield whole


def packets(items: Sequence[int]) -> list[Packet]:
    """Return what came out, as packets."""
    found: list[Packet] = []
    packet = bytearray()
    for item in items:
        byte = PACKET_BYTE.from_bits(item)
        packet.append(byte.data)
        if byte.last:
            found.append(None if byte.bad else bytes(packet))
            packet.clear()
    return found


@cocotb.test(timeout_time=TIMEOUT_US, timeout_unit="us")
async def equals_two_decoders(dut: Any) -> None:
    generator = random.Random(cocotb.RANDOM_SEED)
    coverage = Coverage(*CORNERS, *(LONG_CORNERS if LONGEST > 600 else ()))
    put, get = Put(dut, "i"), Get(dut, "o")
    await start(dut)
    cocotb.start_soon(get.forever(pauses(2, 0.3)))
    expected, before = [], b""
    for piece in pieces(generator, coverage):
        cover(coverage, piece, before)
        before = piece
        await put(piece + b"\0", generator.choice((never, pauses(3, 0.3))))
        if piece:
            expected.append(decoded(piece))
    await clocks(dut, 2)
    check_received(packets(get.received), expected)
    assert put.stalls
    assert get.stalls
    coverage.check()


@cocotb.test(timeout_time=TIMEOUT_US, timeout_unit="us")
async def takes_a_byte_a_clock(dut: Any) -> None:
    put, get = Put(dut, "i"), Get(dut, "o")
    await start(dut)
    cocotb.start_soon(get.forever())
    piece = cobs_encode(b"\1\2\0\3") + b"\0"
    await put(piece * 5)
    await clocks(dut, 2)
    assert put.taken_at == list(range(put.taken_at[0], put.taken_at[0] + 5 * len(piece)))
    assert get.received_at[-1] == put.taken_at[-1]
