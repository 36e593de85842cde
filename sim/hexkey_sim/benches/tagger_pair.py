"""Bench of two channels side by side against `golden.tagger`: one is never blind for the other."""

import os
import random
from itertools import pairwise
from typing import Any

import cocotb
from cocotb.triggers import Timer

from hexkey_gateware.tagger.reach import reach
from hexkey_sim.benches.coverage import Coverage
from hexkey_sim.benches.edges import CLOCK_PS, SHORTEST_PS, Watch, play, read_delays, start_clock
from hexkey_sim.benches.streams import check_received, clocks
from hexkey_sim.golden.tagger import Tagger, equal_table

NAMES = ("first", "second")
CORNERS = (
    "both in the same picosecond",
    "the second a picosecond later",
    "the second a picosecond earlier",
    "both in one slot",
    "in adjacent slots",
    "both 10 ns after both",
)


def rises_of(generator: random.Random, start_ps: int) -> tuple[list[int], list[int]]:
    """Return rises of both, at most a clock apart; often others 10 ns later."""
    rises: tuple[list[int], list[int]] = ([], [])
    at = start_ps
    for _ in range(500):
        apart = generator.choice((0, 1, -1, generator.randint(-CLOCK_PS, CLOCK_PS)))
        rises[0].append(at)
        rises[1].append(at + apart)
        again = generator.random() < 0.5
        if again:
            rises[0].append(at + 10_000)
            rises[1].append(at + apart + 10_000)
        at += generator.randint(25_000, 45_000)
    return rises


def cover(coverage: Coverage, rises: tuple[list[int], list[int]], slots: list[list[int]]) -> None:
    differences = {later - earlier for earlier, later in zip(*rises, strict=True)}
    for corner, difference in zip(CORNERS, (0, 1, -1), strict=False):
        coverage.visit(corner, difference in differences)
    for one, other in zip(*slots, strict=True):
        coverage.visit(CORNERS[3], one == other)
        coverage.visit(CORNERS[4], abs(one - other) == 1)
    after = [{b - a for a, b in pairwise(each)} for each in rises]
    coverage.visit(CORNERS[5], all(10_000 in each for each in after))


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def equals_two_golden_models(dut: Any) -> None:
    coverage = Coverage(*CORNERS)
    generator = random.Random(cocotb.RANDOM_SEED)
    latency, tap_ps = int(os.environ["LATENCY"]), float(os.environ["TAP_PS"])
    delays = read_delays()
    model = Tagger(delays, equal_table(reach(len(delays)).codes, tap_ps))
    pins = [getattr(dut, f"{name}_pin") for name in NAMES]
    for pin in pins:
        pin.value = 0
    dut.rst.value, dut.osc_rst.value = 1, 0
    start_clock(dut)
    start_clock(dut, "osc_clk", 25_806)
    await clocks(dut, 2)
    dut.rst.value = 0
    await clocks(dut, 30)
    watches = [
        Watch(dut.clk, getattr(dut, f"{name}__payload"), getattr(dut, f"{name}__valid"))
        for name in NAMES
    ]
    for watch in watches:
        cocotb.start_soon(watch.forever())
    await clocks(dut, 20)
    rises = rises_of(generator, watches[0].clock_ps[-1] + 4 * CLOCK_PS)
    changes = [[change for rise in each for change in (rise, rise + SHORTEST_PS)] for each in rises]
    playing = [cocotb.start_soon(play(pin, each)) for pin, each in zip(pins, changes, strict=True)]
    for task in playing:
        await task
    await Timer((latency + 5) * CLOCK_PS, "ps")
    slots = []
    for watch, each in zip(watches, changes, strict=True):
        tags = list(model.tags(each, watch.clock_ps))
        assert len(tags) == len(each) // 2
        check_received(watch.seen, [(tag.slot + latency, tag.fine) for tag in tags])
        slots.append([tag.slot for tag in tags])
    cover(coverage, rises, slots)
    coverage.check()
