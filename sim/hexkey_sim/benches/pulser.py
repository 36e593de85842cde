"""Bench of `hexkey_gateware.pulser` against `golden.pulser`."""

from itertools import pairwise
from typing import Any

import cocotb
from cocotb.triggers import FallingEdge

from hexkey_gateware.pulser import OSCILLATOR_CYCLES, PULSER_SETTINGS
from hexkey_gateware.slot import CHANNELS
from hexkey_sim.benches.coverage import Coverage
from hexkey_sim.benches.streams import TIMEOUT_US, start
from hexkey_sim.golden.pulser import played

CORNERS = (
    "shortest period",
    "delay of nothing",
    "delay beyond a period",
    "delay near three periods",
    "every period",
    "no period",
    "some periods",
    "long pulses",
    "short pulses",
    "two channels at once",
)
CASES = (  # period, delays, probabilities
    (4, (0, 1, 3, 4, 0), (65535, 65535, 32768, 65535, 65535)),
    (8, (0, 3, 9, 23, 0), (65535, 0, 20000, 40000, 65535)),
    (6, (5, 5, 0, 17, 2), (100, 65534, 65535, 1, 65535)),
    (300, (0, 255, 100, 7, 0), (65535, 65535, 32768, 32768, 65535)),
)
CYCLES = 3000


def cover(coverage: Coverage, case: tuple[int, tuple[int, ...], tuple[int, ...]]) -> None:
    period, delays, probabilities = case
    coverage.visit(CORNERS[0], period == 4)
    coverage.visit(CORNERS[1], 0 in delays)
    coverage.visit(CORNERS[2], any(delay > period for delay in delays))
    coverage.visit(CORNERS[3], any(delay + 1 == 3 * period for delay in delays))
    coverage.visit(CORNERS[4], 65535 in probabilities)
    coverage.visit(CORNERS[5], 0 in probabilities)
    coverage.visit(CORNERS[6], any(0 < each < 65535 for each in probabilities))
    coverage.visit(CORNERS[7], period > 6)
    coverage.visit(CORNERS[8], period <= 6)


@cocotb.test(timeout_time=10 * TIMEOUT_US, timeout_unit="us")
async def plays_what_the_model_plays(dut: Any) -> None:
    coverage = Coverage(*CORNERS)
    for case in CASES:
        period, delays, probabilities = case
        cover(coverage, case)
        settings = {"period": period, "delays": delays, "probabilities": probabilities}
        await start(dut, settings=PULSER_SETTINGS.const(settings).as_bits())
        rises: list[list[int]] = [[] for _ in range(CHANNELS)]
        highs = [0] * CHANNELS
        before = 0
        for cycle in range(CYCLES):
            await FallingEdge(dut.clk)
            now = int(dut.pulses.value)
            for channel in range(CHANNELS):
                highs[channel] += now >> channel & 1
                if now & ~before & 1 << channel:
                    rises[channel].append(cycle)
            coverage.visit(CORNERS[9], (now & ~before).bit_count() > 1)
            before = now
        check(rises, highs, case)
    coverage.check()


def check(
    rises: list[list[int]],
    highs: list[int],
    case: tuple[int, tuple[int, ...], tuple[int, ...]],
) -> None:
    """Compare with the model; the settings reach the pulser some cycles after the reset."""
    period, delays, probabilities = case
    trigger = rises[CHANNELS - 1]
    first = trigger[4] - delays[CHANNELS - 1]  # some period's start, behind what the reset left
    periods = (CYCLES - first) // period
    long = 2 if period > 6 else 1
    for channel in range(CHANNELS):
        # The number of the period is not known: the model's list must occur somewhere near.
        starts = [each - first for each in rises[channel] if first + delays[channel] <= each]
        model = [
            [
                each - skipped * period
                for each in played(period, delays[channel], probabilities[channel], channel, 2000)
                if each - skipped * period >= delays[channel]
            ][: len(starts)]
            for skipped in range(12)
        ]
        assert starts in model, f"channel {channel} of {case}: {starts[:20]}"
        if probabilities[channel]:
            assert len(rises[channel]) * long - 2 <= highs[channel] <= len(rises[channel]) * long
    assert len(trigger) >= periods


@cocotb.test(timeout_time=TIMEOUT_US, timeout_unit="us")
async def divides_its_clock(dut: Any) -> None:
    await start(dut, settings=0)
    levels = []
    for _ in range(4 * OSCILLATOR_CYCLES):
        await FallingEdge(dut.clk)
        levels.append(int(dut.oscillator.value))
    rises = [at for at in range(1, len(levels)) if levels[at] > levels[at - 1]]
    assert {b - a for a, b in pairwise(rises)} == {OSCILLATOR_CYCLES}, levels
    assert sum(levels[rises[0] : rises[-1]]) == OSCILLATOR_CYCLES // 2 * (len(rises) - 1), levels
