"""Bench of `hexkey_gateware.attribution` against `golden.pulse_clock`."""

import random
from typing import Any

import cocotb

from hexkey.wire import NARROW
from hexkey_gateware.event import click_layout
from hexkey_sim.benches.coverage import Coverage
from hexkey_sim.benches.streams import TIMEOUT_US, Get, Put, check_received, clocks, pauses, start
from hexkey_sim.golden.pulse_clock import PulseClock
from hexkey_sim.golden.settings import FrontEndSettings

CLICK = click_layout(NARROW)
PERIOD = 2500  # ticks

GATES = ((0, PERIOD), (100, 500), (2400, 100), (2400, 101), (2300, 1000), (PERIOD - 1, PERIOD))
CORNERS = (
    "first tick of the period, wrapped",
    "first tick of the period, not wrapped",
    "last tick of the wrapped part",
    "first tick behind the wrapped part",
    "last tick of the period",
    "before the epoch",
    "mark in the wrapped part",
)


def times_near_edges(generator: random.Random, gate: tuple[int, int], count: int) -> list[int]:
    """Return ascending times in ticks, half of them within a tick of where something changes."""
    edges = (0, sum(gate) % PERIOD, PERIOD - 1)
    times = [0, PERIOD - 1]
    for pulse in range(count - len(times)):
        phase = generator.choice(edges) + generator.randrange(-1, 2)
        if generator.random() < 0.5:
            phase = generator.randrange(PERIOD)
        times.append(pulse * PERIOD + phase % PERIOD)
    return sorted(times)


def cover(coverage: Coverage, settings: FrontEndSettings, time_ticks: int, clicked: bool) -> None:
    phase, wrap_end = time_ticks % PERIOD, settings.wrap_end_ticks[0]
    coverage.visit(CORNERS[0], phase == 0 and wrap_end > 0)
    coverage.visit(CORNERS[1], phase == 0 and wrap_end == 0)
    coverage.visit(CORNERS[2], phase == wrap_end - 1)
    coverage.visit(CORNERS[3], phase == wrap_end > 0)
    coverage.visit(CORNERS[4], phase == PERIOD - 1)
    coverage.visit(CORNERS[5], time_ticks < wrap_end)
    coverage.visit(CORNERS[6], phase < wrap_end and not clicked)


@cocotb.test(timeout_time=TIMEOUT_US, timeout_unit="us")
async def equals_the_golden_model(dut: Any) -> None:
    generator, coverage = random.Random(cocotb.RANDOM_SEED), Coverage(*CORNERS)
    put, get = Put(dut, "i"), Get(dut, "o")
    await start(dut, period_ticks=PERIOD)
    cocotb.start_soon(get.forever(pauses(2, 0.5)))
    expected: list[int] = []
    for gate in GATES:
        settings = FrontEndSettings(
            period_ticks=PERIOD, gate_start_ticks=(gate[0],) * 4, gate_width_ticks=(gate[1],) * 4
        )
        dut.gate_start_ticks.value, dut.gate_width_ticks.value = gate
        sent = []
        for time_ticks in times_near_edges(generator, gate, 150):
            clicked = generator.random() < 0.8
            cover(coverage, settings, time_ticks, clicked)
            pulse, phase = divmod(time_ticks, PERIOD)
            sent.append(click(pulse, phase, clicked))
            pulse, phase, _ = PulseClock(settings).attribute(time_ticks, 0)
            expected.append(click(pulse, phase, clicked))
        await put(sent, pauses(3, 0.3))
        await clocks(dut, 30)
        check_received(get.received, expected)
    assert put.stalls
    assert get.stalls
    coverage.check()


@cocotb.test(timeout_time=TIMEOUT_US, timeout_unit="us")
async def takes_one_item_a_clock(dut: Any) -> None:
    put, get = Put(dut, "i"), Get(dut, "o")
    await start(dut, period_ticks=PERIOD, gate_start_ticks=0, gate_width_ticks=PERIOD)
    cocotb.start_soon(get.forever())
    sent = [click(pulse, 7, True) for pulse in range(50)]
    await put(sent)
    await clocks(dut, 3)
    check_received(get.received, sent)
    assert put.taken_at == list(range(put.taken_at[0], put.taken_at[0] + 50))
    assert get.received_at == [clock + 1 for clock in put.taken_at]


def click(pulse: int, phase_ticks: int, clicked: bool) -> int:
    fields = {"pulse": pulse, "phase_ticks": phase_ticks, "clicked": int(clicked)}
    return int(CLICK.const(fields).as_bits())
