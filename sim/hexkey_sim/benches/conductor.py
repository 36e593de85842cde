"""Bench of `hexkey_gateware.conductor`, in a world of pulses that it blinds and lets see.

What must hold is checked clock by clock: no settings change while a pulse sees or its event may be
under way, nor does a pulse see before they have settled; what is announced goes to one pulse.
"""

import random
from typing import Any

import cocotb
from amaranth.lib import data
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge, RisingEdge

from hexkey_gateware.register_layouts import SETTINGS, resets
from hexkey_sim.benches.coverage import Coverage
from hexkey_sim.benches.streams import CLOCK_NS, Put

PERIOD_TICKS, DRAIN_CLOCKS, SETTLE_CLOCKS = 2500, 20, 50
SYNC_PS = 21_700  # no multiple of the fast clock
BEHIND_CLOCKS = 9  # that `seeing` holds on after the last pulse that sees has closed
OPEN_PULSES = 3
LOSS_CLOCKS = 6  # in which all pulses close after a loss of lock
LATE_CLOCKS = 2  # that `seeing` may be late
ENOUGH_CLOCKS = DRAIN_CLOCKS + SETTLE_CLOCKS + 120  # for anything, besides three pulses
PERIODS_CLOCKS = (2, 3, 5, 40, 200)
CORNERS = (
    "commit while running",
    "commit while stopped",
    "commit without a lock",
    "lock lost while a commit waits",
    "lock found while a commit waits",
    "stop while a commit waits",
    "start while a commit waits",
    "stop with a lock",
    "stop without a lock",
    "start right behind a stop",
    "pulse that begins as the gates close",
    "pulse that begins as the gates open",
    "first pulse with new settings sees",
    "first pulse with new settings is blind",
    "several markers before a pulse",
    "marker in a blind pulse",
    "fast source",
    "slow source",
)


class World:
    """The pulses between tracker and event FIFO, and what the conductor makes of them.

    Attributes
    ----------
    period : int
        Clocks from pulse to pulse.
    locked : bool
    sees : int
        Pulses that did so far.
    """

    def __init__(self, dut: Any, coverage: Coverage) -> None:
        self._dut, self._coverage = dut, coverage
        self.period = PERIODS_CLOCKS[0]
        self.locked = True
        self.sees = 0
        self.marked = 0
        self.first_with_settings = 0
        self.announced = 0
        self.markers = 0
        self.clock = 0
        self._next_pulse = 0
        self._open: list[bool] = []  # of the open pulses: does it see
        self._closing_at: int | None = None
        self._left_at = -1000  # when the last pulse that sees had left
        self._changed_at = -1000
        self._seeing = [False] * LATE_CLOCKS
        self._pending_settings = False
        self._pending_markers = 0
        self._active = int(dut.active.value)
        self._blind = True

    async def go_on(self) -> None:
        while True:
            await FallingEdge(self._dut.fast_clk)
            self.clock += 1
            self._look()
            self._step()
            self._seeing.append(any(self._open) or self.clock < self._left_at)
            self._dut.seeing.value = int(any(self._seeing[-LATE_CLOCKS:][:1]))

    def _look(self) -> None:
        """Take in what the conductor says in this clock."""
        dut = self._dut
        if int(dut.announce_settings.value):
            self._pending_settings = True
            self.announced += 1
        if int(dut.announce_marker.value):
            self._pending_markers += 1
            self.markers += 1
            self._coverage.visit(CORNERS[14], self._pending_markers > 1)
        active = int(dut.active.value)
        if active != self._active:
            self._active, self._changed_at = active, self.clock
            assert not any(self._open), "settings changed while a pulse saw"
            waited = self.clock - self._left_at
            assert waited >= DRAIN_CLOCKS, (
                f"settings changed {waited} clocks after a pulse had left"
            )

    def _step(self) -> None:
        """Let this clock's pulse begin, if one does."""
        blind = bool(self._dut.blind.value)
        if not self.locked:
            self._next_pulse = self.clock + 1
            if self._closing_at is None:
                self._closing_at = self.clock + LOSS_CLOCKS
            if self.clock == self._closing_at:
                self._close(len(self._open))
        elif self.clock >= self._next_pulse:
            self._closing_at = None
            self._next_pulse = self.clock + self.period
            self._coverage.visit(CORNERS[10], blind and not self._blind)
            self._coverage.visit(CORNERS[11], self._blind and not blind)
            self._begin(blind)
        self._blind = blind

    def _begin(self, blind: bool) -> None:
        settled = self.clock - self._changed_at
        assert blind or settled >= SETTLE_CLOCKS, f"a pulse sees {settled} clocks after a change"
        self._open.append(not blind)
        self.sees += not blind
        self._close(len(self._open) - OPEN_PULSES)
        if self._pending_settings:
            self.first_with_settings += 1
            self._coverage.visit(CORNERS[13 if blind else 12])
        if self._pending_markers:
            self.marked += 1
            self._coverage.visit(CORNERS[15], blind)
        self._pending_settings, self._pending_markers = False, 0

    def _close(self, count: int) -> None:
        for _ in range(count):
            if self._open.pop(0):
                self._left_at = self.clock + BEHIND_CLOCKS


class Host:
    """What happens in the other clock domain."""

    def __init__(self, dut: Any, world: World, generator: random.Random) -> None:
        self._dut, self._world, self._generator = dut, world, generator
        self._put = Put(dut, "commit")
        self.commits = 0
        self.busy = False
        self.write()

    def write(self) -> None:
        self.written = self._generator.getrandbits(SETTINGS.size)
        self._dut.written.value = self.written

    async def commit(self) -> None:
        """Commit, check what came of it, and write the next settings at once."""
        self.busy = True
        self.commits += 1
        ident = self._generator.getrandbits(32)
        begun = self._world.clock
        await self._put([ident])
        took = self._world.clock - begun
        limit = ENOUGH_CLOCKS + OPEN_PULSES * self._world.period
        assert took <= limit, f"a commit took {took} clocks"
        assert int(self._dut.active.value) == self.written, "other settings than were written"
        assert int(self._dut.settings_id.value) == ident, "another id than was committed"
        assert self._world.announced == self.commits, "not announced once"
        self.write()
        self.busy = False

    async def run(self, running: bool) -> None:
        """Start or stop; return when it is so."""
        self._dut.running.value = int(running)
        await clocks(self._dut, 1)
        for _ in range(ENOUGH_CLOCKS + OPEN_PULSES * max(PERIODS_CLOCKS)):
            if int(self._dut.drained.value) != running:
                return
            await clocks(self._dut, 1)
        raise AssertionError(f"it never {'started' if running else 'drained'}")


async def clocks(dut: Any, count: int) -> None:
    for _ in range(count):
        await RisingEdge(dut.clk)


async def begin(dut: Any, coverage: Coverage) -> World:
    for name in ("running", "seeing", "marker", "clear", "written"):
        getattr(dut, name).value = 0
    dut.commit__valid.value = 0
    dut.rst.value = dut.fast_rst.value = 1
    Clock(dut.fast_clk, CLOCK_NS, "ns").start()
    Clock(dut.clk, SYNC_PS, "ps").start()
    await clocks(dut, 3)
    dut.rst.value = dut.fast_rst.value = 0
    await clocks(dut, 1)
    world = World(dut, coverage)
    cocotb.start_soon(world.go_on())
    return world


async def play_markers(dut: Any, generator: random.Random) -> None:
    while True:
        for level in (1, 0):
            dut.marker.value = level
            longest = generator.choice((4, 4, 300))
            for _ in range(generator.randrange(2, longest)):
                await FallingEdge(dut.fast_clk)


@cocotb.test(timeout_time=3, timeout_unit="ms")
async def changes_nothing_that_sees(dut: Any) -> None:
    generator, coverage = random.Random(cocotb.RANDOM_SEED), Coverage(*CORNERS)
    world = await begin(dut, coverage)
    host = Host(dut, world, generator)
    cocotb.start_soon(play_markers(dut, generator))
    for _ in range(150):
        world.period = generator.choice(PERIODS_CLOCKS)
        world.locked = generator.random() < 0.8
        running = generator.random() < 0.7
        coverage.visit("fast source", world.period == 2)
        coverage.visit("slow source", world.period == max(PERIODS_CLOCKS))
        await FallingEdge(dut.fast_clk)
        await clocks(dut, generator.randrange(30))
        await change(dut, world, host, generator, coverage, running)
    world.locked, world.period = True, 5
    await clocks(dut, 10)
    assert world.first_with_settings <= host.commits
    assert world.sees > 100
    coverage.check()


async def change(
    dut: Any,
    world: World,
    host: Host,
    generator: random.Random,
    coverage: Coverage,
    running: bool,
) -> None:
    """Start or stop, and commit, maybe with something in between."""
    was_running, was_locked = bool(dut.running.value), world.locked
    if running != was_running and generator.random() < 0.5:
        if not running:
            coverage.visit(CORNERS[7 if was_locked else 8])
        await host.run(running)
        if not running and generator.random() < 0.5:
            coverage.visit(CORNERS[9])
            await host.run(True)
        return
    coverage.visit(CORNERS[0 if was_running else 1], was_locked)
    coverage.visit(CORNERS[2], not was_locked)
    commit = cocotb.start_soon(host.commit())
    for _ in range(generator.randrange(60)):
        await FallingEdge(dut.fast_clk)
    what = generator.randrange(3)
    if what == 0 and host.busy:
        coverage.visit(CORNERS[3 if world.locked else 4])
        world.locked = not world.locked
    elif what == 1 and host.busy:
        coverage.visit(CORNERS[5 if was_running else 6])
        dut.running.value = int(not was_running)
    await commit
    await host.run(bool(dut.running.value))


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def announces_once_and_counts_markers(dut: Any) -> None:
    generator, coverage = random.Random(cocotb.RANDOM_SEED), Coverage(*CORNERS)
    world = await begin(dut, coverage)
    host = Host(dut, world, generator)
    world.period = 20
    for count in range(1, 11):
        await FallingEdge(dut.fast_clk)
        dut.marker.value = 1
        for clock in range(4):
            assert int(dut.announce_marker.value) == (clock == 3)
            await FallingEdge(dut.fast_clk)
        assert int(dut.marker_count.value) == count
        dut.marker.value = 0
        await host.commit()
        await clocks(dut, 10)
        assert (world.first_with_settings, world.marked) == (count, count)
    await FallingEdge(dut.fast_clk)
    dut.clear.value = 1
    await FallingEdge(dut.fast_clk)
    dut.clear.value = 0
    assert int(dut.marker_count.value) == 0


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def begins_blind_with_the_resets(dut: Any) -> None:
    world = await begin(dut, Coverage(*CORNERS))
    assert int(dut.active.value) == bits(SETTINGS, PERIOD_TICKS)
    await clocks(dut, 100)
    assert (world.sees, int(dut.drained.value)) == (0, 1)


def bits(layout: data.StructLayout, period_ticks: int) -> int:
    return int(layout.const(resets(layout, period_ticks)).as_bits())
