"""Bench of `hexkey_gateware.gate` against `golden.gate`."""

import random
from typing import Any

import cocotb

from hexkey_sim.benches.attribution import PERIOD, click
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
from hexkey_sim.golden.gate import Gate
from hexkey_sim.golden.pulse_clock import PulseClock
from hexkey_sim.golden.settings import Click, FrontEndSettings

GATES = ((0, PERIOD), (0, 0), (100, 500), (100, 1), (2300, 200), (2300, 1000), (2499, PERIOD))
CORNERS = (
    "tick before the gate",
    "first tick of the gate",
    "last tick of the gate",
    "tick behind the gate",
    "last tick of the period, inside",
    "first tick of the next period, inside",
    "last tick of the wrapped part",
    "tick behind the wrapped part",
    "gate of no width",
    "gate of a whole period, from its first tick",
    "gate of a whole period, to its last tick",
    "in the window, before the first pulse",
    "in the window of the first pulse",
    "mark outside the window",
)


def cover(coverage: Coverage, gate: tuple[int, int], item: Click, first_pulse: int) -> None:
    (start_ticks, width), phase = gate, item.phase_ticks
    end = start_ticks + width
    inside = start_ticks <= phase < end
    coverage.visit(CORNERS[0], width > 0 and phase == start_ticks - 1)
    coverage.visit(CORNERS[1], width > 0 and phase == start_ticks)
    coverage.visit(CORNERS[2], width > 0 and phase == end - 1)
    coverage.visit(CORNERS[3], phase == end)
    coverage.visit(CORNERS[4], inside and phase == PERIOD - 1)
    coverage.visit(CORNERS[5], inside and phase == PERIOD)
    coverage.visit(CORNERS[6], end > PERIOD and phase == end - 1)
    coverage.visit(CORNERS[7], end > PERIOD and phase == end - PERIOD)
    coverage.visit(CORNERS[8], width == 0)
    coverage.visit(CORNERS[9], width == PERIOD and phase == start_ticks)
    coverage.visit(CORNERS[10], width == PERIOD and phase == end - 1)
    coverage.visit(CORNERS[11], inside and item.pulse < first_pulse)
    coverage.visit(CORNERS[12], inside and item.pulse == first_pulse)


def clicks_near_edges(
    generator: random.Random, settings: FrontEndSettings, first_pulse: int, count: int
) -> list[Click]:
    """Return attributed clicks of ascending pulses, half of them within a tick of an edge."""
    start_ticks, width = settings.gate_start_ticks[0], settings.gate_width_ticks[0]
    edges = (0, start_ticks, start_ticks + width)
    attributed = []
    for pulse in range(first_pulse - 10, first_pulse - 10 + count):
        phase = generator.choice(edges) + generator.randrange(-1, 2)
        if generator.random() < 0.5:
            phase = generator.randrange(PERIOD)
        time_ticks = pulse * PERIOD + phase % PERIOD
        attributed.append(PulseClock(settings).attribute(time_ticks, 0))
    return attributed


@cocotb.test(timeout_time=TIMEOUT_US, timeout_unit="us")
async def equals_the_golden_model(dut: Any) -> None:
    generator, coverage = random.Random(cocotb.RANDOM_SEED), Coverage(*CORNERS)
    put, get = Put(dut, "i"), Get(dut, "o")
    await start(dut, clear=0)
    cocotb.start_soon(get.forever(pauses(2, 0.5)))
    expected, outside = [], 0
    for gate, first_pulse in zip(GATES, (0, 1, 2**32, 5, 2**62, 0, 12345), strict=True):
        settings = FrontEndSettings(
            period_ticks=PERIOD, gate_start_ticks=(gate[0],) * 4, gate_width_ticks=(gate[1],) * 4
        )
        dut.gate_start_ticks.value, dut.gate_width_ticks.value = gate
        dut.first_pulse.value = first_pulse
        golden = Gate(settings, first_pulse)
        sent = []
        for item in clicks_near_edges(generator, settings, first_pulse, 200):
            clicked = generator.random() < 0.9
            passes = golden.passes(item)
            cover(coverage, gate, item, first_pulse)
            coverage.visit(CORNERS[13], not clicked and not passes)
            sent.append(click(item.pulse, item.phase_ticks, clicked))
            outside += clicked and not passes
            if passes or not clicked:
                expected.append(sent[-1])
        await put(sent, generator.choice((never, pauses(3, 0.5))))
        await clocks(dut, 30)
        check_received(get.received, expected)
        assert int(dut.outside_gate.value) == outside, f"gate {gate}"
    assert put.stalls
    assert get.stalls
    coverage.check()


@cocotb.test(timeout_time=TIMEOUT_US, timeout_unit="us")
async def takes_one_item_a_clock_and_clears_its_count(dut: Any) -> None:
    put, get = Put(dut, "i"), Get(dut, "o")
    await start(dut, clear=0, first_pulse=0, gate_start_ticks=100, gate_width_ticks=10)
    cocotb.start_soon(get.forever())
    inside = [click(pulse, 100 + pulse % 10, True) for pulse in range(50)]
    outside = click(0, 110, True)
    await put([each for passing in inside for each in (passing, outside)])
    await clocks(dut, 3)
    check_received(get.received, inside)
    assert put.taken_at == list(range(put.taken_at[0], put.taken_at[0] + 100))
    assert get.received_at == [clock + 1 for clock in put.taken_at[::2]]
    assert int(dut.outside_gate.value) == 50
    dut.clear.value = 1
    await clocks(dut, 2)
    assert int(dut.outside_gate.value) == 0
