"""Bench of `hexkey_gateware.live_status` against `golden.live_status`.

Things happen for single clocks of 5 ns; statuses are taken at any time. All values that are shown
together must have been there in one clock: the trigger's period counts clocks, so it says in which.
"""

import random
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge, RisingEdge

from hexkey.wire.registers import TrackerState
from hexkey_gateware.live_status import LiveStatus as Gateware
from hexkey_gateware.slot import CHANNELS
from hexkey_sim.benches.coverage import Coverage
from hexkey_sim.benches.streams import CLOCK_NS
from hexkey_sim.golden.live_status import Happened

MIDDLE_PS, QUICK_PS = 21_700, 10_010  # of `sync`: what fits nowhere, and the limit
LOCKED, IGNORED, HOLDOVER, NO_EDGE, OFF_PERIOD, LOST = range(6)
HIGH = (1 << CHANNELS) - 1
CORNERS = (
    *(f"input {channel} low for a clock" for channel in range(CHANNELS)),
    "edge of the trigger",
    "clicks lost",
    "not known yet",
    "twice before a status",
    "nothing happened",
    "status of which nobody knows anything",
    "every input stuck",
    *(state.name for state in TrackerState),
)
NAMES = (*(f"low input {channel}" for channel in range(CHANNELS)), "an edge", "lost clicks")
LOWS = range(CHANNELS)
NOBODY_KNOWS = [*[True] * CHANNELS, True, False]  # nothing is stuck, no edge is missed
EDGE, CLICKS_LOST = CHANNELS, CHANNELS + 1


class World:
    """The tagger's side: what there was in each clock."""

    def __init__(self, dut: Any, generator: random.Random, latency: int) -> None:
        self._dut, self._generator = dut, generator
        self.clock, self.latency = 0, latency
        self.now: dict[int, tuple[int, int, int]] = {}  # levels, state, off_period
        self.often = 0.0
        self.constant: tuple[int, tuple[int, int]] | None = None
        self.happened = [Happened(2 * latency) for _ in NAMES]
        self._state, self._off = 0, 0

    async def go_on(self) -> None:
        while True:
            self.step()
            await FallingEdge(self._dut.fast_clk)
            self.clock += 1

    def step(self) -> None:
        dut, generator = self._dut, self._generator
        levels, strobes = HIGH, [0, 0]
        if generator.random() < self.often:
            what = generator.randrange(len(self.happened))
            self.happened[what].happen(self.clock)
            if what in LOWS:
                levels ^= 1 << what
            else:
                strobes[what - EDGE] = 1
        if self.constant:
            low, (*strobes,) = self.constant
            levels = HIGH ^ low
        if generator.random() < 0.01:
            self._state, self._off = generator.choice(list(TrackerState)), generator.randrange(2)
        dut.levels.value = levels
        dut.trigger_edge.value, dut.lost.value = strobes
        dut.state.value, dut.off_period.value = self._state, self._off
        dut.trigger_period.value = self.clock
        self.now[self.clock] = levels, self._state, self._off


def check_shown(dut: Any, world: World) -> int:
    """Compare what is shown with the clock that it is of; return the tracker's state."""
    clock = int(dut.tracked_period.value)
    assert world.clock - clock <= world.latency, f"shown {world.clock - clock} clocks late"
    levels, state, off = world.now[clock]
    flags = int(dut.status__flags.value)
    shown = int(dut.now_levels.value), int(dut.tracker_state.value), flags >> OFF_PERIOD & 1
    assert shown == (levels, state, off), f"{shown} were not in one clock"
    assert int(dut.status__levels.value) == levels
    assert flags >> LOCKED & 1 == (state in (TrackerState.LOCKED, TrackerState.HOLDOVER))
    assert flags >> HOLDOVER & 1 == (state == TrackerState.HOLDOVER)
    return state


async def start(dut: Any, generator: random.Random, sync_ps: int) -> World:
    """Return the world, of which nothing is untold yet."""
    world = World(dut, generator, Gateware.CLOCKS * sync_ps // (1000 * CLOCK_NS))
    dut.status__taken.value = 0
    dut.rst.value = dut.fast_rst.value = 1
    Clock(dut.fast_clk, CLOCK_NS, "ns").start()
    Clock(dut.clk, sync_ps, "ps", period_high=sync_ps // 2).start()
    for _ in range(3):
        await RisingEdge(dut.clk)
    await FallingEdge(dut.fast_clk)
    dut.rst.value = dut.fast_rst.value = 0
    cocotb.start_soon(world.go_on())
    for _ in range(3 * Gateware.CLOCKS):
        await RisingEdge(dut.clk)
    await take(dut)
    return world


async def take(dut: Any) -> list[bool]:
    """Take a status; return what it says to have happened."""
    dut.status__taken.value = 1
    await RisingEdge(dut.clk)
    dut.status__taken.value = 0
    flags, stuck = int(dut.status__flags.value), int(dut.status__stuck.value)
    assert not flags >> IGNORED & 1
    lows = [not stuck >> channel & 1 for channel in LOWS]
    return [*lows, not flags >> NO_EDGE & 1, bool(flags >> LOST & 1)]


@cocotb.test(timeout_time=4, timeout_unit="ms")
async def tells_each_thing_once(dut: Any) -> None:
    generator, coverage = random.Random(cocotb.RANDOM_SEED), Coverage(*CORNERS)
    world = await start(dut, generator, MIDDLE_PS)
    for turn in range(1500):
        world.often = generator.choice((0.0, 0.001, 0.004, 0.02))
        gap = generator.choice((Gateware.CLOCKS, 2 * Gateware.CLOCKS, 30, 60))
        hasty = turn % 50 == 49
        for _ in range(0 if hasty else gap + generator.randrange(4)):
            await RisingEdge(dut.clk)
        before = [happened.times for happened in world.happened]
        said = await take(dut)
        if hasty and said == NOBODY_KNOWS:
            coverage.visit("status of which nobody knows anything")
            continue
        coverage.visit(TrackerState(check_shown(dut, world)).name)
        coverage.visit("every input stuck", not any(said[:CHANNELS]))
        for what, happened in enumerate(world.happened):
            coverage.visit(CORNERS[what], said[what] and before[what] == 1)
            coverage.visit("twice before a status", before[what] > 1)
            coverage.visit("not known yet", before[what] > 0 and not said[what])
            coverage.visit("nothing happened", not before[what])
            try:
                happened.take(world.clock, said[what])
            except AssertionError as problem:
                raise AssertionError(f"of {NAMES[what]} a status {problem}") from None
    coverage.check()


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def tells_what_goes_on_and_on(dut: Any) -> None:
    """What happens in every clock is in every status; what holds still, in none."""
    world = await start(dut, random.Random(cocotb.RANDOM_SEED), QUICK_PS)
    for low in (0, HIGH, 0b10010, 0b01101):
        for strobes in ((0, 0), (1, 0), (0, 1)):
            world.constant = low, strobes
            for _ in range(3 * Gateware.CLOCKS):
                await RisingEdge(dut.clk)
            await take(dut)
            for clocks in (Gateware.CLOCKS, Gateware.CLOCKS, 40):
                for _ in range(clocks):
                    await RisingEdge(dut.clk)
                said = await take(dut)
                check_shown(dut, world)
                lows = [bool(low >> channel & 1) for channel in LOWS]
                assert said == [*lows, *map(bool, strobes)], f"{low:05b}, {strobes}: says {said}"
