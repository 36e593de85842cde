"""Bench of `hexkey_gateware.hold_off` against `golden.hold_off`."""

import random
from typing import Any

import cocotb
from cocotb.triggers import ClockCycles

from hexkey_gateware.hold_off import HoldOff as Gateware
from hexkey_sim.benches.coverage import Coverage
from hexkey_sim.benches.pulses import GATE, Pulse, comparable
from hexkey_sim.benches.slots import Inputs
from hexkey_sim.benches.streams import start
from hexkey_sim.golden.hold_off import HoldOff
from hexkey_sim.golden.settings import Click

LONGEST = 65_535
CORNERS = (
    "first pulse that is accepted",
    "last pulse that is ignored",
    "ignored pulse starts it again",
    "pulse 0 accepted, without a hold-off",
    "pulse 0 ignored",
    "first click of an epoch accepted as early as can be",
    "first click of an epoch a pulse too early",
    "pulses before number 0",
    "blind pulse accepted",
    "blind pulse ignored",
    "pulse without a click",
    "clicks outside only start it",
)


class Bench:
    """Sends pulses, one every second clock, and compares each with the golden model's verdict."""

    def __init__(self, dut: Any, coverage: Coverage) -> None:
        self._dut, self._inputs, self._coverage = dut, Inputs(dut), coverage
        self._golden = HoldOff(0)
        self._number = self._holdoff = 0

    async def begin(self, holdoff_pulses: int) -> None:
        """Begin an epoch with another hold-off."""
        self._dut.holdoff_pulses.value = self._holdoff = holdoff_pulses
        self._golden, self._number = HoldOff(holdoff_pulses), 0
        await self._inputs()
        await self._inputs()

    async def skip(self, pulses: int) -> None:
        """Send pulses without a click; nobody looks at what comes of them."""
        self._number += pulses
        word = Pulse().word()
        for _ in range(pulses):
            self._dut.i__payload.value, self._dut.i__valid.value = word, 1
            await ClockCycles(self._dut.clk, 1)
            self._dut.i__valid.value = 0
            await ClockCycles(self._dut.clk, 1)

    async def send(self, pulse: Pulse) -> None:
        """Send one pulse and compare what comes of it."""
        if pulse.numbered:
            pulse.control = {"begin": int(self._number == 0)}
        word = pulse.word()
        fields = comparable(word)
        accepted = self._accepts(pulse)
        await self._inputs(i__valid=1, i__payload=word)
        for _ in range(Gateware.LATENCY):
            await self._inputs()
        outside = fields["clicks"] if pulse.blind else fields.get("outside", 0)
        where = f"at {self._number}, hold-off {self._holdoff}, "
        for name, wanted in (
            ("ignored_holdoff", 0 if accepted else fields["clicks"]),
            ("outside_gate", outside if accepted else 0),
            ("o__valid", pulse.numbered),
        ):
            got = int(getattr(self._dut, name).value)
            assert got == wanted, f"{where}{name} is {got}, not {wanted}"
        if pulse.numbered:
            passed = comparable(int(self._dut.o__payload.value))
            seen = accepted and not pulse.blind
            for name in ("mask", "repeats"):
                assert passed[name] == fields[name] * seen, f"{where}{name} is {passed[name]}"
            unchanged = ("control", "holdover", *(("phase_ticks",) if passed["mask"] else ()))
            assert all(passed[name] == fields[name] for name in unchanged), f"{where}{passed}"
            self._number += 1

    def _accepts(self, pulse: Pulse) -> bool:
        visit, number = self._coverage.visit, self._number
        if not pulse.numbered:
            visit("pulses before number 0", bool(pulse.clicks))
            return False
        visit("pulse without a click", not pulse.clicks)
        if not pulse.clicks:
            return True
        distance = number - self._golden.last_click_pulse
        first = self._golden.last_click_pulse == -1
        accepted = self._golden.accepts(number)
        least = self._holdoff + 1
        visit("first pulse that is accepted", distance == least and not first)
        visit("last pulse that is ignored", distance == least - 1 and not first)
        visit("ignored pulse starts it again", not accepted)
        visit("pulse 0 accepted, without a hold-off", number == 0 and accepted)
        visit("pulse 0 ignored", number == 0 and not accepted)
        visit(
            "first click of an epoch accepted as early as can be", first and distance == least > 1
        )
        visit("first click of an epoch a pulse too early", first and distance == least - 1)
        visit("blind pulse accepted", bool(pulse.blind and accepted))
        visit("blind pulse ignored", bool(pulse.blind and not accepted))
        inside = any(click.phase_ticks in GATE for click in pulse.clicks)
        visit("clicks outside only start it", not inside and bool(self._holdoff))
        return accepted


def some_pulse(generator: random.Random, probability: float) -> Pulse:
    detectors = [d for d in (0, 0, 0, 1, 2, 3) if generator.random() < probability]
    phases = generator.choice((range(80, 220), range(50)))
    return Pulse(
        clicks=[Click(0, generator.choice(phases), d) for d in detectors],
        blind=int(generator.random() < 0.1),
        holdover=int(generator.random() < 0.1),
    )


@cocotb.test(timeout_time=200, timeout_unit="us")
async def equals_the_golden_model(dut: Any) -> None:
    generator, coverage = random.Random(cocotb.RANDOM_SEED), Coverage(*CORNERS)
    bench = Bench(dut, coverage)
    await start(dut)
    for holdoff in (0, 1, 2, 2, 3, 3, 7, 2, 2, 0, 5, 5, 3, 7, 7, 1, 1):
        await bench.begin(holdoff)
        probability = generator.choice((0.01, 0.05, 0.3))
        for numbered in (*(0, 0), *[1] * 300):
            pulse = some_pulse(generator, probability)
            pulse.numbered = numbered
            await bench.send(pulse)
    coverage.check()


@cocotb.test(timeout_time=3, timeout_unit="ms")
async def counts_to_the_longest_hold_off_and_no_further(dut: Any) -> None:
    """The last pulse that is ignored, then more pulses without a click than the counter holds."""
    bench = Bench(dut, Coverage(*CORNERS))
    await start(dut)
    await bench.begin(LONGEST)
    for distance in (LONGEST, LONGEST + 10):
        await bench.skip(distance - 1)
        await bench.send(Pulse([Click(0, GATE.start, 2)]))
