"""Bench of the timed model of `hexkey_gateware.tagger.delay_line` against `golden.tagger_line`."""

import random
from bisect import bisect_left
from typing import Any

import cocotb
from cocotb.triggers import Timer

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
from hexkey_sim.benches.streams import check_received
from hexkey_sim.golden.tagger_line import Line

CORNERS = (
    "edge a picosecond before the clock's",
    "edge with the clock's",
    "three edges in the line",
    "bubble",
    "low throughout",
    "high throughout",
)


def cover(coverage: Coverage, ages_ps: list[int], snapshot: int, taps: int) -> None:
    coverage.visit(CORNERS[0], 1 in ages_ps)
    coverage.visit(CORNERS[1], 0 in ages_ps)
    coverage.visit(CORNERS[2], len(ages_ps) >= 3)
    changes = snapshot ^ (snapshot >> 1 | snapshot & 1 << taps - 1)
    coverage.visit(CORNERS[3], changes.bit_count() > len(ages_ps))
    coverage.visit(CORNERS[4], snapshot == 0)
    coverage.visit(CORNERS[5], snapshot == (1 << taps) - 1)


def at_the_clock(start_ps: int) -> list[int]:
    """Return changes around and at the clock's edges."""
    begin = start_ps - start_ps % CLOCK_PS
    changes = []
    for pulse, offset in enumerate(range(-3, 4)):
        rise = begin + (4 * pulse + 4) * CLOCK_PS + offset
        changes += [rise, rise + SHORTEST_PS - 2 * offset]
    return changes


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def equals_the_golden_model(dut: Any) -> None:
    generator, coverage = random.Random(cocotb.RANDOM_SEED), Coverage(*CORNERS)
    line = Line(read_delays())
    dut.hit.value = 0
    watch = Watch(dut.clk, dut.taps)
    cocotb.start_soon(watch.forever())
    start_clock(dut)
    changes = at_the_clock(20 * CLOCK_PS)
    changes += pulses(generator, 1000, changes[-1])
    await play(dut.hit, changes)
    await Timer(5 * CLOCK_PS, "ps")
    expected = []
    for clock in watch.clock_ps[:-1]:
        passed = bisect_left(changes, clock)
        ages = [clock - change for change in changes[max(0, passed - 6) : passed]]
        expected.append(line.snapshot(passed % 2 == 1, ages))
        inside = [clock - each for each in changes if 0 <= clock - each < line.longest_ps]
        cover(coverage, inside, expected[-1], line.taps)
    # What an edge samples can be read at the next one.
    check_received([taps for _, taps in watch.seen[1:]], expected)
    coverage.check()
