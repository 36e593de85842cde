"""Bench of `hexkey_gateware.link.uart.UartReceiver` against a sender with a clock of its own.

Needs ``CLOCK_HZ`` and ``BAUD`` of the receiver in the environment.
"""

import os
import random
from dataclasses import dataclass
from typing import Any

import cocotb
from cocotb.triggers import RisingEdge, Timer

from hexkey_sim.benches.coverage import Coverage
from hexkey_sim.benches.streams import CLOCK_NS, Get, check_received, clocks, pauses, start

CLOCK_PS = 1000 * CLOCK_NS
BIT_CLOCKS = int(os.environ["CLOCK_HZ"]) / int(os.environ["BAUD"])
OFFSETS = (-0.02, 0.0, 0.02)
CORNERS = (
    "byte without ones",
    "byte without zeros",
    "right behind another byte, sender fast",
    "right behind another byte, sender slow",
    "after a pause, sender fast",
    "after a pause, sender slow",
    "glitch of less than a clock within a byte",
    "glitch of less than a clock on an idle line",
    "glitch of less than half a bit on an idle line",
    "stop bit missing",
    "break",
)


@dataclass
class Sender:
    """Plays bytes on ``rx`` at times that know nothing of the receiver's clock.

    Parameters
    ----------
    dut : handle
    generator : random.Random
    offset : float
        By how much its clock is fast.
    """

    dut: Any
    generator: random.Random
    offset: float = 0.0

    @property
    def bit_ps(self) -> float:
        return BIT_CLOCKS * CLOCK_PS / (1 + self.offset)

    async def hold(self, level: int, bits: float) -> None:
        self.dut.rx.value = level
        if bits:
            await Timer(round(bits * self.bit_ps), "ps")

    async def bit(self, level: int, glitch: bool) -> None:
        """Send a bit, with a spike in its middle if wanted."""
        if not glitch:
            await self.hold(level, 1)
            return
        spike = 0.9 * CLOCK_PS / self.bit_ps
        await self.hold(level, 0.5 - spike / 2)
        await self.hold(1 - level, spike)
        await self.hold(level, 0.5 - spike / 2)

    async def byte(self, byte: int, glitches: float = 0.0, stop: int = 1) -> None:
        for level in (0, *((byte >> place) & 1 for place in range(8)), stop):
            await self.bit(level, self.generator.random() < glitches)
        self.dut.rx.value = 1

    async def idle_glitch(self, clocks_long: float) -> None:
        await self.hold(0, clocks_long * CLOCK_PS / self.bit_ps)
        await self.hold(1, 2)


async def count(dut: Any, name: str, found: dict[str, int]) -> None:
    """Count the clocks in which an output is high."""
    found[name] = 0
    while True:
        await RisingEdge(dut.clk)
        found[name] += int(getattr(dut, name).value)


async def begin(dut: Any) -> tuple[Get, dict[str, int]]:
    get, found = Get(dut, "o"), dict[str, int]()
    await start(dut, rx=1)
    for name in ("framing_error", "overrun"):
        cocotb.start_soon(count(dut, name, found))
    await clocks(dut, 10)
    return get, found


@cocotb.test(timeout_time=5, timeout_unit="ms")
async def receives_from_any_clock(dut: Any) -> None:
    generator, coverage = random.Random(cocotb.RANDOM_SEED), Coverage(*CORNERS[:7])
    get, found = await begin(dut)
    cocotb.start_soon(get.forever(pauses(2, 0.3)))
    expected = []
    for offset in OFFSETS:
        sender = Sender(dut, generator, offset)
        pause = 0.0
        for byte in (0x00, 0xFF, 0xFF, 0x00, *(generator.randrange(256) for _ in range(100))):
            # With 4 clocks a bit, a slow sender's drift and a spike together are too much.
            glitches = generator.choice((0.0, 0.3)) if BIT_CLOCKS >= 8 or not offset else 0.0
            coverage.visit(CORNERS[0], byte == 0x00)
            coverage.visit(CORNERS[1], byte == 0xFF)
            coverage.visit(CORNERS[2], offset > 0 and not pause)
            coverage.visit(CORNERS[3], offset < 0 and not pause)
            coverage.visit(CORNERS[4], offset > 0 and pause > 0)
            coverage.visit(CORNERS[5], offset < 0 and pause > 0)
            coverage.visit(CORNERS[6], glitches > 0)
            await sender.byte(byte, glitches)
            pause = generator.choice((0.0, 0.0, 3 * generator.random()))
            await sender.hold(1, pause)
            expected.append(byte)
    await clocks(dut, int(12 * BIT_CLOCKS))
    check_received(get.received, expected)
    assert found == {"framing_error": 0, "overrun": 0}
    coverage.check()


@cocotb.test(timeout_time=5, timeout_unit="ms")
async def survives_what_is_no_byte(dut: Any) -> None:
    generator, coverage = random.Random(cocotb.RANDOM_SEED), Coverage(*CORNERS[7:])
    get, found = await begin(dut)
    cocotb.start_soon(get.forever())
    sender = Sender(dut, generator)
    expected, errors = [], 0
    for _ in range(12):
        for corner in CORNERS[7:]:
            coverage.visit(corner)
        await sender.idle_glitch(0.95 * generator.random())
        await sender.idle_glitch(generator.uniform(1, BIT_CLOCKS / 2 - 1))
        await sender.byte(generator.randrange(256), stop=0)
        await sender.hold(1, 1)
        await sender.hold(0, generator.uniform(10, 30))
        await sender.hold(1, 1)
        errors += 2
        expected.append(generator.randrange(256))
        await sender.byte(expected[-1])
    await clocks(dut, int(12 * BIT_CLOCKS))
    check_received(get.received, expected)
    assert found == {"framing_error": errors, "overrun": 0}
    coverage.check()


@cocotb.test(timeout_time=5, timeout_unit="ms")
async def says_what_it_could_not_keep(dut: Any) -> None:
    get, found = await begin(dut)
    sender = Sender(dut, random.Random(cocotb.RANDOM_SEED))
    for byte in (1, 2, 3):
        await sender.byte(byte)
    await clocks(dut, int(2 * BIT_CLOCKS))
    assert found == {"framing_error": 0, "overrun": 2}
    cocotb.start_soon(get.forever())
    await sender.byte(4)
    await clocks(dut, int(2 * BIT_CLOCKS))
    check_received(get.received, [1, 4])
