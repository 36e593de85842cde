"""Bench of `hexkey_gateware.tagger.table` against a list of its entries."""

import os
import random
from typing import Any

import cocotb

from hexkey_sim.benches.coverage import Coverage
from hexkey_sim.benches.edges import Watch
from hexkey_sim.benches.streams import TIMEOUT_US, check_received, clocks, start
from hexkey_sim.golden.tagger import equal_table

CORNERS = (
    "entry that was never written",
    "last tick of a clock written",
    "a clock written",
    "most that can be written",
    "a code right after another",
    "first code",
    "last code",
)
WRITE_CLOCKS = 3


@cocotb.test(timeout_time=TIMEOUT_US, timeout_unit="us")
async def equals_a_list(dut: Any) -> None:
    generator, coverage = random.Random(cocotb.RANDOM_SEED), Coverage(*CORNERS)
    codes, ticks = int(os.environ["CODES"]), int(os.environ["TICKS_PER_CLOCK"])
    latency = int(os.environ["LATENCY"])
    table = equal_table(codes, float(os.environ["TAP_PS"]), ticks)
    await start(dut, i__valid=0, write__enable=0)
    await clocks(dut, latency)
    watch = Watch(dut.clk, dut.o__payload, dut.o__valid)
    cocotb.start_soon(watch.forever())
    written: set[int] = set()
    expected: list[tuple[int, int]] = []
    clock, valid = 0, False
    for _ in range(400):
        for _ in range(generator.randrange(1, 20)):
            valid, before = generator.random() < 0.7, valid
            code = generator.choice((0, codes - 1, generator.randrange(codes)))
            dut.i__valid.value, dut.i__payload.value = int(valid), code
            if valid:
                expected.append((clock + latency, table[code]))
            coverage.visit(CORNERS[0], valid and code not in written)
            coverage.visit(CORNERS[4], valid and before)
            coverage.visit(CORNERS[5], valid and code == 0)
            coverage.visit(CORNERS[6], valid and code == codes - 1)
            await clocks(dut, 1)
            clock += 1
        dut.i__valid.value = 0
        code = generator.choice((0, codes - 1, generator.randrange(codes)))
        fine = generator.choice((ticks - 1, ticks, 1023, generator.randrange(ticks)))
        dut.write__enable.value = 1
        dut.write__code.value, dut.write__fine.value = code, fine
        coverage.visit(CORNERS[1], fine == ticks - 1)
        coverage.visit(CORNERS[2], fine == ticks)
        coverage.visit(CORNERS[3], fine == 1023)
        written.add(code)
        table[code] = min(fine, ticks - 1)
        await clocks(dut, 1)
        dut.write__enable.value = 0
        await clocks(dut, WRITE_CLOCKS - 1)
        clock += WRITE_CLOCKS
    await clocks(dut, latency + 2)
    check_received(watch.seen, expected)
    coverage.check()
