"""Bench of `hexkey_gateware.cobs` against `hexkey.wire.cobs`."""

import random
from collections.abc import Iterable
from itertools import cycle
from typing import Any

import cocotb

from hexkey.wire.cobs import cobs_encode
from hexkey_gateware.cobs import BYTE, CobsEncoder
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
    "a lone zero",
    "a lone byte that is not zero",
    "zeros only",
    "no zero",
    "run of 253 and a zero",
    "run of 254 and a zero",
    "run of 254, then more",
    "run of 254 at the end",
    "run of 255 at the end",
    "two runs of 254",
    "ends with a zero",
    "begins with a zero",
    "more than the ring holds",
)


def cover(coverage: Coverage, packet: bytes) -> None:
    runs = [len(run) for run in packet.split(b"\0")]
    coverage.visit(CORNERS[0], packet == b"\0")
    coverage.visit(CORNERS[1], len(packet) == 1 and packet != b"\0")
    coverage.visit(CORNERS[2], len(packet) > 1 and not any(packet))
    coverage.visit(CORNERS[3], len(packet) > 1 and len(runs) == 1)
    coverage.visit(CORNERS[4], 253 in runs[:-1])
    coverage.visit(CORNERS[5], 254 in runs[:-1])
    coverage.visit(CORNERS[6], any(254 < run < 508 for run in runs))
    coverage.visit(CORNERS[7], runs[-1] == 254)
    coverage.visit(CORNERS[8], runs[-1] == 255)
    coverage.visit(CORNERS[9], any(run >= 508 for run in runs))
    coverage.visit(CORNERS[10], packet.endswith(b"\0"))
    coverage.visit(CORNERS[11], packet.startswith(b"\0"))
    coverage.visit(CORNERS[12], len(packet) > CobsEncoder.RING_BYTES)


def packets(generator: random.Random) -> Iterable[bytes]:
    yield from (b"\0", b"\x01", b"\xff", b"\0\0\0", b"\x01\0", b"\0\x01")
    for length in (253, 254, 255, 508, 1100):
        run = bytes(generator.randrange(1, 256) for _ in range(length))
        yield from (run, run + b"\0")
    yield bytes(254 * [1]) + b"\0\0" + bytes(254 * [2])
    for _ in range(40):
        zeros = generator.choice((0.01, 0.2, 0.9))
        yield bytes(
            0 if generator.random() < zeros else generator.randrange(256)
            for _ in range(generator.randrange(1, 50))
        )


def marked(packet: bytes) -> list[int]:
    """Return a packet as payloads, the last byte marked."""
    end = len(packet) - 1
    return [
        int(BYTE.const({"data": byte, "last": int(at == end)}).as_bits())
        for at, byte in enumerate(packet)
    ]


@cocotb.test(timeout_time=TIMEOUT_US, timeout_unit="us")
async def equals_the_reference(dut: Any) -> None:
    generator, coverage = random.Random(cocotb.RANDOM_SEED), Coverage(*CORNERS)
    put, get = Put(dut, "i"), Get(dut, "o")
    await start(dut)
    cocotb.start_soon(get.forever(pauses(2, 0.3)))
    expected = b""
    for packet in packets(generator):
        cover(coverage, packet)
        expected += cobs_encode(packet) + b"\0"
        await put(marked(packet), generator.choice((never, pauses(3, 0.3))))
    await clocks(dut, 2 * CobsEncoder.RING_BYTES)
    check_received(get.received, expected)
    assert put.stalls
    assert get.stalls
    coverage.check()


RUNS = (10, 3, 0, 254, 1)  # each but the full one with its zero
PARTS = [bytes(run * [7]) + (b"" if run == 254 else b"\0") for run in RUNS]
ENDS = [sum(map(len, PARTS[: at + 1])) - 1 for at in range(len(PARTS))]


@cocotb.test(timeout_time=TIMEOUT_US, timeout_unit="us")
async def takes_as_long_as_it_says(dut: Any) -> None:
    put, get = Put(dut, "i"), Get(dut, "o")
    await start(dut)
    cocotb.start_soon(get.forever())
    await put(marked(b"".join(PARTS)))
    taken_at, end = put.taken_at, ENDS[-1]
    assert taken_at[end] - taken_at[0] == end + RUNS.count(254)
    await put(marked(b"\x01"))
    assert taken_at[-1] - taken_at[end] == 3
    await clocks(dut, 2)
    assert not int(dut.free.value), "two packets are in the ring"
    await put(marked(b"\x01"))
    assert taken_at[-1] > get.received_at[get.received.index(0)], "taken beside two others"
    await clocks(dut, 10)

    gaps = cycle((True, True, False))
    get.received.clear()
    get.received_at.clear()
    await put(marked(b"".join(PARTS)), lambda: next(gaps))
    await clocks(dut, CobsEncoder.RING_BYTES)
    codes = [at for at, byte in enumerate(get.received) if byte != 7][: len(RUNS)]
    ends = taken_at[-len(b"".join(PARTS)) :]
    waits = [get.received_at[code] - ends[end] for code, end in zip(codes, ENDS, strict=True)]
    assert (waits[0], waits[3]) == (2, 3), waits  # the others wait for bytes of runs before them
