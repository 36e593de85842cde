"""Bench of `hexkey_gateware.gate` against `golden.pulse_clock` and `golden.gate`."""

import random
from typing import Any

import cocotb

from hexkey_gateware.gate import Gate as Gateware
from hexkey_gateware.slot import CLICK, GATED_CLICK
from hexkey_sim.benches.coverage import Coverage
from hexkey_sim.benches.slots import Inputs
from hexkey_sim.benches.streams import TIMEOUT_US, start
from hexkey_sim.benches.words import pack, unpack
from hexkey_sim.golden.gate import Gate
from hexkey_sim.golden.pulse_clock import PulseClock
from hexkey_sim.golden.settings import Click, FrontEndSettings

GATES = (  # period, start, width
    *((2500, 0, 2500), (2500, 0, 0), (2500, 100, 500), (2500, 100, 1), (2500, 2300, 200)),
    *((2500, 2300, 1000), (2500, 2499, 2500), (2500, 1, 2500), (1000, 999, 2), (1000, 0, 1000)),
    *((100_000, 99_999, 100_000), (100_000, 40_000, 10_000), (100_000, 65_535, 65_536)),
)
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
    "wrapped, two pulses back",
    "longest phase",
    "clicks in two clocks that follow each other",
)


def cover(coverage: Coverage, gate: tuple[int, int, int], click: Click, inside: bool) -> None:
    (period, opens, width), phase = gate, click.phase_ticks
    end = opens + width
    coverage.visit(CORNERS[0], width > 0 and phase == opens - 1)
    coverage.visit(CORNERS[1], width > 0 and phase == opens)
    coverage.visit(CORNERS[2], width > 0 and phase == end - 1)
    coverage.visit(CORNERS[3], phase == end)
    coverage.visit(CORNERS[4], inside and phase == period - 1)
    coverage.visit(CORNERS[5], inside and phase == period)
    coverage.visit(CORNERS[6], end > period and phase == end - 1)
    coverage.visit(CORNERS[7], end > period and phase == end - period)
    coverage.visit(CORNERS[8], width == 0)
    coverage.visit(CORNERS[9], width == period and phase == opens)
    coverage.visit(CORNERS[10], width == period and phase == end - 1)
    coverage.visit(CORNERS[11], click.pulse == -2)
    coverage.visit(CORNERS[12], phase == 199_998)


def raw_phase(generator: random.Random, gate: tuple[int, int, int]) -> int:
    """Return a phase below the period, half of the time within a tick of an edge."""
    period, opens, width = gate
    if generator.random() < 0.5:
        return generator.randrange(period)
    return (generator.choice((0, opens, opens + width)) + generator.randrange(-1, 2)) % period


@cocotb.test(timeout_time=TIMEOUT_US, timeout_unit="us")
async def equals_the_golden_models(dut: Any) -> None:
    generator, coverage = random.Random(cocotb.RANDOM_SEED), Coverage(*CORNERS)
    inputs = Inputs(dut)
    await start(dut)
    for gate in GATES:
        dut.period_ticks.value, dut.gate_start_ticks.value, dut.gate_width_ticks.value = gate
        settings = FrontEndSettings(
            period_ticks=gate[0], gate_start_ticks=(gate[1],) * 4, gate_width_ticks=(gate[2],) * 4
        )
        clock, golden = PulseClock(settings), Gate(settings, first_pulse=-2)
        for _ in range(Gateware.LATENCY + Gateware.SETTINGS_LATENCY):
            await inputs()
        in_flight: list[int | None] = [None] * Gateware.LATENCY
        for _ in range(400):
            sent: dict[str, int] = {}
            wanted = None
            if generator.random() < 0.7:
                before, phase = generator.randrange(2), raw_phase(generator, gate)
                click = clock.attribute(phase - before * gate[0], 0)
                inside = golden.passes(click)
                cover(coverage, gate, click, inside)
                coverage.visit(CORNERS[13], in_flight[-1] is not None)
                wanted = pack(
                    GATED_CLICK, back=-click.pulse, phase_ticks=click.phase_ticks, inside=inside
                )
                sent = {"i__valid": 1, "i__payload": pack(CLICK, before=before, phase_ticks=phase)}
            in_flight.append(wanted)
            await inputs(**sent)
            expected = in_flight.pop(0)
            assert int(dut.o__valid.value) == (expected is not None)
            got = int(dut.o__payload.value)
            assert expected in (None, got), (
                f"a click at gate {gate} is {unpack(GATED_CLICK, got)}, "
                f"not {unpack(GATED_CLICK, expected or 0)}"
            )
    coverage.check()
