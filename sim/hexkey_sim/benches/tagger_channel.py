"""Bench of `hexkey_gateware.tagger.channel` against `golden.tagger`, to the picosecond."""

import os
import random
from itertools import pairwise
from typing import Any

import cocotb
from cocotb.triggers import Timer

from hexkey_gateware.tagger.reach import reach
from hexkey_sim.benches.coverage import Coverage
from hexkey_sim.benches.edges import (
    CLOCK_PS,
    SHORTEST_PS,
    Watch,
    play,
    pulses,
    read_delays,
    start_clock,
)
from hexkey_sim.benches.streams import check_received, clocks
from hexkey_sim.golden.tagger import Tag, Tagger, equal_table

OSC_PS = 25_806
EDGES = (
    "two edges in adjacent slots",
    "edges 8 ns apart",
    "edge a picosecond before the clock's",
    "edge a picosecond behind the clock's",
    "latest code",
)
SETTINGS = ("oscillator", "pulser", "disabled", "falling edges")
SOURCES = ("pin", "oscillator", "pulser")


async def start(dut: Any) -> None:
    for name in (*SOURCES, "edge", "source", "write__enable"):
        getattr(dut, name).value = 0
    dut.enable.value, dut.rst.value, dut.osc_rst.value = 1, 1, 0
    start_clock(dut)
    start_clock(dut, "osc_clk", OSC_PS)
    await clocks(dut, 2)
    dut.rst.value = 0
    await clocks(dut, 30)  # the line shows its input, the choice of it has crossed into osc


def changes_of(generator: random.Random, clock_ps: int, count: int) -> list[int]:
    """Return when the input changes: first near the clock's edges, then at random."""
    changes = []
    for number, offset in enumerate(range(-40, 41)):
        rise = clock_ps + (3 * number + 3) * CLOCK_PS + offset
        changes += [rise, rise + 7_000]
    return [*changes, *pulses(generator, count, changes[-1])]


def cover(coverage: Coverage, changes: list[int], tags: list[Tag], clock_ps: int) -> None:
    for first, second in pairwise(tags):
        coverage.visit(EDGES[0], second.slot == first.slot + 1)
    for before, after in pairwise(changes[::2]):
        coverage.visit(EDGES[1], after - before == 2 * SHORTEST_PS)
        coverage.visit(EDGES[2], (after - clock_ps) % CLOCK_PS == CLOCK_PS - 1)
        coverage.visit(EDGES[3], (after - clock_ps) % CLOCK_PS == 1)
    latest = max(tag.code for tag in tags)
    coverage.visit(EDGES[4], latest * 1.05 * float(os.environ["TAP_PS"]) > CLOCK_PS)


class Checker:
    """Plays edges into a source of the channel and compares tags and codes with the model's."""

    def __init__(self, dut: Any) -> None:
        delays = read_delays()
        self._dut = dut
        self._generator = random.Random(cocotb.RANDOM_SEED)
        codes = reach(len(delays)).codes
        self._model = Tagger(delays, equal_table(codes, float(os.environ["TAP_PS"])))

    async def __call__(
        self, source: str, count: int, falling: bool = False
    ) -> tuple[list[int], list[Tag], int]:
        """Return when the input changed, the tags that it shall have, and a clock's edge."""
        dut, latency = self._dut, int(os.environ["LATENCY"])
        earlier = int(os.environ["CODE_LATENCY"])
        tags = Watch(dut.clk, dut.tag__payload, dut.tag__valid)
        codes = Watch(dut.clk, dut.code__payload, dut.code__valid)
        watching = [cocotb.start_soon(each.forever()) for each in (tags, codes)]
        await clocks(dut, 20)
        changes = changes_of(self._generator, tags.clock_ps[-1], count)
        await play(getattr(dut, source), changes, low=int(falling))
        await Timer((latency + 5) * CLOCK_PS, "ps")
        for each in watching:
            each.cancel()
        expected = list(self._model.tags(changes, tags.clock_ps))
        assert len(expected) == len(changes) // 2
        enabled = int(dut.enable.value)
        wanted = [(tag.slot + latency, tag.fine) for tag in expected] if enabled else []
        check_received(tags.seen, wanted)
        check_received(codes.seen, [(tag.slot + earlier, tag.code) for tag in expected])
        return changes, expected, tags.clock_ps[0]


@cocotb.test(timeout_time=2, timeout_unit="ms")
async def equals_the_golden_model(dut: Any) -> None:
    coverage = Coverage(*EDGES)
    await start(dut)
    cover(coverage, *await Checker(dut)("pin", 2000))
    coverage.check()


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def does_what_is_set(dut: Any) -> None:
    coverage = Coverage(*SETTINGS)
    await start(dut)
    check = Checker(dut)
    for number, source in enumerate(SOURCES):
        await choose(dut, source=number)
        await check(source, 100)
        if source in SETTINGS:
            coverage.visit(source)
    await choose(dut, source=0, enable=0)
    await check("pin", 100)
    coverage.visit("disabled")
    assert not int(dut.level.value)
    await choose(dut, pin=1, edge=1)
    assert int(dut.level.value)
    await choose(dut, enable=1)
    await check("pin", 100, falling=True)
    coverage.visit("falling edges")
    coverage.check()


async def choose(dut: Any, **inputs: int) -> None:
    """Set inputs and wait until the line shows what they choose."""
    for name, value in inputs.items():
        getattr(dut, name).value = value
    await Timer(5 * OSC_PS, "ps")
