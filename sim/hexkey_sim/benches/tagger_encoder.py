"""Bench of `hexkey_gateware.tagger.encoder` against `golden.tagger_encoder`."""

import os
import random
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import cocotb

from hexkey_gateware.tagger.reach import Reach, reach
from hexkey_sim.benches.coverage import Coverage
from hexkey_sim.benches.edges import Watch
from hexkey_sim.benches.streams import TIMEOUT_US, check_received, clocks, start
from hexkey_sim.golden.tagger_encoder import Encoder, look

CORNERS = (
    "edge at tap 0",
    "last young edge",
    "first edge that is not young, seen before",
    "first edge that is not young, not seen before",
    "last visible edge",
    "edge just out of sight",
    "edge that was never seen",
    "all low",
    "all high",
    "bubble at the edge",
    "two edges",
)


def snapshots(generator: random.Random, taps: int, limits: Reach) -> Iterator[int]:
    """Yield snapshots; most have an edge near where something changes."""
    places = (0, 1, limits.young - 1, limits.young, limits.visible - 1, limits.visible, taps - 1)
    for _ in range(3000):
        edge = generator.choice((*places, generator.randrange(taps)))
        first = generator.choice((0, 0, generator.randrange(edge + 1)))
        snapshot = (1 << edge + 1) - (1 << first)
        if generator.random() < 0.3:
            snapshot ^= 0b11 << generator.randrange(max(0, edge - 3), edge + 1)
        if generator.random() < 0.2:
            snapshot |= generator.getrandbits(taps) & ~((1 << min(edge + 20, taps)) - 1)
        kind = generator.random()
        yield 0 if kind < 0.2 else (1 << taps) - 1 if kind < 0.3 else snapshot & (1 << taps) - 1


def corners(snapshot: int, before: int, limits: Reach) -> Iterator[bool]:
    """Yield whether each corner is visited."""
    now, then = look(snapshot, limits), look(before, limits)
    known = then.index is not None and then.index < limits.young
    yield now.index == 0
    yield now.index == limits.young - 1
    yield now.index == limits.young and known
    yield now.index == limits.young and not known
    yield now.index == limits.visible - 1
    yield now.index is None and snapshot == (1 << limits.visible + 1) - 1
    yield now.index is None and now.high and not then.high and then.index is None
    yield snapshot == 0
    yield now.index is None and snapshot & 1 == 1
    alone = replace(limits, neighbours=0)
    yield now.index is not None and look(snapshot, alone).index != now.index
    yield (snapshot & ~(snapshot >> 1)).bit_count() == 2


NOT_OF_SAMPLES = (*CORNERS[2:4], CORNERS[6], CORNERS[9])
"""Corners that a line of a few equal samples has not."""


@cocotb.test(timeout_time=TIMEOUT_US, timeout_unit="us")
async def equals_the_golden_model(dut: Any) -> None:
    generator = random.Random(cocotb.RANDOM_SEED)
    taps, latency = len(dut.snapshot), int(os.environ["LATENCY"])
    limits = reach(taps, int(os.environ["NEIGHBOURS"]))
    named = [each for each in CORNERS if limits.neighbours or each not in NOT_OF_SAMPLES]
    coverage = Coverage(*named)
    await start(dut, snapshot=0)
    await clocks(dut, latency)
    watch = Watch(dut.clk, dut.o__payload, dut.o__valid)
    cocotb.start_soon(watch.forever())
    model, expected, before = Encoder(limits), [], 0
    model.step(0)
    for number, snapshot in enumerate(snapshots(generator, taps, limits)):
        dut.snapshot.value = snapshot
        visited = corners(snapshot, before, limits)
        for corner, visit in zip(CORNERS, visited, strict=True):
            if corner in named:
                coverage.visit(corner, visit)
        code = model.step(snapshot)
        if code is not None:
            expected.append((number + latency, code))
        before = snapshot
        await clocks(dut, 1)
    dut.snapshot.value = 0
    await clocks(dut, latency + 2)
    check_received(watch.seen, expected)
    coverage.check()
