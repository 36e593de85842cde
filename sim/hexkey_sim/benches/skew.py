"""Bench of `hexkey_gateware.skew` against `golden.skew`."""

import random
from typing import Any

import cocotb

from hexkey_gateware.skew import MAX_DELAY_TICKS
from hexkey_gateware.skew import Skew as Gateware
from hexkey_gateware.slot import TICKS_PER_CLOCK
from hexkey_sim.benches.coverage import Coverage
from hexkey_sim.benches.slots import Inputs
from hexkey_sim.benches.streams import TIMEOUT_US, start
from hexkey_sim.golden.skew import Skew, Tag

DELAYS_TICKS = (
    *(0, 1, -1, 499, 500, 501, -499, -500, -501, 250, 4500, 4999, -4501, -4999),
    *(MAX_DELAY_TICKS, -MAX_DELAY_TICKS, MAX_DELAY_TICKS),  # from end to end, both ways
)
RANDOM_DELAYS = 8
SLOTS = 500
CORNERS = (
    "no delay",
    "longest delay",
    "longest advance",
    "delay of whole slots",
    "tag leaves at its new slot's end",
    "tag leaves at its new slot's first tick",
    "tag into the slot before that of the next",
    "tags in slots that follow each other",
    "collision",
    "collision with the slot after it taken, too",
    "opposite extremes one after the other",
)


def make_tags(generator: random.Random, rest: int) -> list[Tag]:
    """Return tags, many of them where another tick would put them into another slot."""
    crowd = generator.choice((0.1, 0.6, 1.0))
    edge = (rest - 1, rest, rest + 1, 0, TICKS_PER_CLOCK - 1)
    return [
        (slot, generator.choice((generator.randrange(TICKS_PER_CLOCK), *edge)) % TICKS_PER_CLOCK)
        for slot in range(SLOTS)
        if generator.random() < crowd
    ]


class Expected:
    """What leaves in each slot, by the golden model."""

    def __init__(self, tags: list[Tag], delay_ticks: int, coverage: Coverage) -> None:
        golden = Skew(delay_ticks)
        self.fine: dict[int, int] = {}
        self.collisions: set[int] = set()
        latest = -SLOTS
        for tag in tags:
            moved = golden.apply(*tag)
            if moved is None:
                self.collisions.add(latest)
                continue
            coverage.visit(CORNERS[4], moved[1] == 0)
            coverage.visit(CORNERS[5], moved[1] == TICKS_PER_CLOCK - 1)
            coverage.visit(CORNERS[6], moved[0] == latest + 2)
            coverage.visit(CORNERS[7], moved[0] == latest + 1)
            coverage.visit(CORNERS[9], latest in self.collisions and moved[0] == latest + 1)
            latest = moved[0]
            self.fine[latest] = moved[1]
        coverage.visit(CORNERS[8], golden.collided > 0)
        assert golden.collided == len(self.collisions)


@cocotb.test(timeout_time=TIMEOUT_US, timeout_unit="us")
async def equals_the_golden_model(dut: Any) -> None:
    generator, coverage = random.Random(cocotb.RANDOM_SEED), Coverage(*CORNERS)
    delays = [generator.randint(-MAX_DELAY_TICKS, MAX_DELAY_TICKS) for _ in range(RANDOM_DELAYS)]
    inputs = Inputs(dut)
    await start(dut, delay_ticks=0, i__valid=0)
    before = 0
    for delay in (*DELAYS_TICKS, *delays):
        coverage.visit(CORNERS[0], delay == 0)
        coverage.visit(CORNERS[1], delay == MAX_DELAY_TICKS)
        coverage.visit(CORNERS[2], delay == -MAX_DELAY_TICKS)
        coverage.visit(CORNERS[3], delay % TICKS_PER_CLOCK == 0 != delay)
        coverage.visit(CORNERS[10], abs(delay - before) == 2 * MAX_DELAY_TICKS)
        before = delay
        dut.delay_ticks.value = delay
        tags = make_tags(generator, delay % TICKS_PER_CLOCK)
        await play(dut, inputs, tags, delay, Expected(tags, delay, coverage))
    coverage.check()


async def play(dut: Any, inputs: Inputs, tags: list[Tag], delay: int, expected: Expected) -> None:
    """Wait until a delay holds, send tags, and look at every clock until the last has left."""
    fines = dict(tags)
    for _ in range(Gateware.SETTLE_CLOCKS):
        await inputs()
    for slot in range(-Gateware.LATENCY, SLOTS + 2 * Gateware.LATENCY):
        fine = fines.get(slot)
        await inputs(**({} if fine is None else {"i__valid": 1, "i__payload": fine}))
        moved = slot - Gateware.LATENCY
        wanted = expected.fine.get(moved)
        valid, got = int(dut.o__valid.value), int(dut.o__payload.value)
        assert valid == (wanted is not None), f"slot {moved}, delay {delay}: a tag {got}"
        if valid:
            assert got == wanted, f"slot {moved}, delay {delay}: {got} instead of {wanted}"
        collided = int(dut.collided.value)
        assert collided == (moved in expected.collisions), f"slot {moved}, delay {delay}"
