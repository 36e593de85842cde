"""Bench of a delay line and its encoder as synthesised, with models of the cells.

Codes are compared with `golden.tagger` for the delays that the cells have, so each tap is where it
belongs. Two edges with the clock would be a race: the input changes at odd distances from it.
"""

import os
from itertools import pairwise
from typing import Any

import cocotb
from cocotb.triggers import Timer

from hexkey_gateware.tagger.reach import reach
from hexkey_sim.benches.coverage import Coverage
from hexkey_sim.benches.edges import CLOCK_PS, SHORTEST_PS, Watch, play, read_delays, start_clock
from hexkey_sim.benches.streams import check_received, clocks
from hexkey_sim.golden.tagger import Tag, Tagger

SWEEP_PS = 10
NEAR_PS = 100
CORNERS = (
    "edge a picosecond before the clock's",
    "edge a picosecond behind the clock's",
    "every code from first to last",
    "high for 4 ns",
    "low for 4 ns",
)


def places() -> list[int]:
    """Return where edges lie, in ps behind a clock's: by 2 ps near it, elsewhere all over."""
    return [*range(-NEAR_PS + 1, NEAR_PS, 2), *range(NEAR_PS + 1, CLOCK_PS - NEAR_PS, SWEEP_PS)]


def changes_from(clock_ps: int) -> list[int]:
    """Return when the input changes; highs and lows take turns in being as short as can be."""
    changes: list[int] = []
    at = clock_ps
    for number, place in enumerate(places()):
        rise = at - at % CLOCK_PS + clock_ps % CLOCK_PS + 2 * CLOCK_PS + place
        if number % 7 == 6:  # as soon as can be, wherever that is
            rise = at + SHORTEST_PS
        at = rise + (SHORTEST_PS if number % 2 else 2 * CLOCK_PS)
        changes += [rise, at]
    return changes


def cover(coverage: Coverage, changes: list[int], tags: list[Tag], clock_ps: int) -> None:
    behind = {(rise - clock_ps) % CLOCK_PS for rise in changes[::2]}
    coverage.visit(CORNERS[0], CLOCK_PS - 1 in behind)
    coverage.visit(CORNERS[1], 1 in behind)
    codes = {tag.code for tag in tags}
    coverage.visit(CORNERS[2], codes == set(range(min(codes), max(codes) + 1)))
    lengths = [after - before for before, after in pairwise(changes)]
    coverage.visit(CORNERS[3], SHORTEST_PS in lengths[::2])
    coverage.visit(CORNERS[4], SHORTEST_PS in lengths[1::2])


@cocotb.test(timeout_time=200, timeout_unit="us")
async def taps_are_in_their_order(dut: Any) -> None:
    coverage, latency = Coverage(*CORNERS), int(os.environ["LATENCY"])
    delays = read_delays()
    model = Tagger(delays, table=range(reach(len(delays)).codes))
    dut.hit.value, dut.rst.value = 0, 1
    watch = Watch(dut.clk, dut.o__payload, dut.o__valid)
    start_clock(dut)
    await clocks(dut, 3)
    dut.rst.value = 0
    await clocks(dut, 30)
    cocotb.start_soon(watch.forever())
    await clocks(dut, 3)
    changes = changes_from(watch.clock_ps[-1])
    await play(dut.hit, changes)
    await Timer((latency + 5) * CLOCK_PS, "ps")
    tags = list(model.tags(changes, watch.clock_ps))
    cover(coverage, changes, tags, watch.clock_ps[0])
    check_received(watch.seen, [(tag.slot + latency, tag.code) for tag in tags])
    assert len(tags) == len(changes) // 2
    coverage.check()
