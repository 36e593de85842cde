"""Bench of `hexkey_gateware.link.register_file` against `hexkey_sim.register_file`."""

import random
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import cocotb
from amaranth.lib import data
from cocotb.triggers import RisingEdge

from hexkey.wire import RegisterOperation, RegisterRequest, RegisterStatus
from hexkey.wire.registers import (
    MAX_PERIOD_TICKS,
    REGISTERS,
    Register,
    address,
    bound,
    in_range,
    register,
    to_word,
)
from hexkey_gateware.link.register_file import ACTIONS
from hexkey_gateware.register_layouts import LIVE, SETTINGS, VALUES
from hexkey_sim.benches.coverage import Coverage
from hexkey_sim.benches.streams import Get, Put, check_received, clocks, never, pauses, start
from hexkey_sim.register_file import RegisterFile

PERIOD_TICKS = 2500
LIMITS = {"histogram_bins": (1, 500), "trigger_divider": (1, 1000)}
PERIODS = (2499, 1000, MAX_PERIOD_TICKS, PERIOD_TICKS)
LONGEST_ACTION = 40  # clocks
READ, WRITE = RegisterOperation.READ, RegisterOperation.WRITE


def limits(row: Register, period_ticks: int) -> tuple[int, int]:
    low, high = LIMITS.get(row.name, (row.minimum, row.maximum))
    return bound(low, period_ticks), bound(high, period_ticks)


def words_at_limits(row: Register, period_ticks: int) -> dict[str, int]:
    """Return the words around a register's limits, as far as there are words for them."""
    low, high = limits(row, period_ticks)
    places = {
        "below the least": low - 1,
        "the least": low,
        "the greatest": high,
        "above the greatest": high + 1,
    }
    fits = range(-(2**31), 2**31) if row.signed else range(2**32)
    return {place: to_word(row, value) for place, value in places.items() if value in fits}


CORNERS = (
    "OK to READ",
    "OK to WRITE",
    "NO_SUCH_REGISTER to READ",
    "NO_SUCH_REGISTER to WRITE",
    "OUT_OF_RANGE to WRITE",
    "READ_ONLY to WRITE",
    *(
        f"{row.name}: {place}"
        for row in REGISTERS
        if row.access != "ro"
        for place in words_at_limits(row, PERIOD_TICKS)
    ),
    "period below a gate that was set before",
    "repetition",
    "repetition of a refused request",
    "id of the last, another request",
    "register in the low bits of an address only",
    "request right behind another",
    "request while an action is done",
    "reply that waits",
)


class Golden(RegisterFile):
    """The golden model as a board with a tagger has it: with limits of its own, and any period."""

    def __init__(self) -> None:
        self.acted: list[tuple[str, int]] = []
        self.live: dict[str, int] = {}
        actions = {name: self._noting(name) for name in ACTIONS}
        readings = {name: self._reading(name) for name in LIVE.members}
        super().__init__(PERIOD_TICKS, actions, readings)

    def _noting(self, name: str) -> Any:
        return lambda value: self.acted.append((name, value))

    def _reading(self, name: str) -> Any:
        return lambda: self.live[name]

    def _takes(self, row: Register, value: int) -> bool:
        low, high = LIMITS.get(row.name, (value, value))
        return low <= value <= high and in_range(row, value, self.value("period_ticks"))

    def structure(self, layout: data.StructLayout) -> int:
        """Return the bits of a structure of values."""
        fields: dict[str, Any] = {}
        for name in layout.members:
            values = [self.value(name, channel) for channel in register(name).instances]
            fields[name] = values if register(name).channels else values[0]
        return int(layout.const(fields).as_bits())


class Driver:
    """Asks the registers and, beside, the golden model.

    Attributes
    ----------
    golden : Golden
    """

    def __init__(self, dut: Any, coverage: Coverage) -> None:
        self._dut, self._coverage = dut, coverage
        self._generator = random.Random(cocotb.RANDOM_SEED)
        self._expected: list[int] = []
        self._acted: list[tuple[str, int]] = []
        self._last: RegisterRequest | None = None
        self._tasks: list[Any] = []

    async def begin(self, slow: bool = True) -> None:
        """Reset; actions take their time if `slow`."""
        self.golden = Golden()
        self._expected.clear()
        self._acted.clear()
        for task in self._tasks:
            task.cancel()
        for name in ACTIONS:
            getattr(self._dut, f"actions__{name}__ready").value = int(not slow)
        self._put, self.get = Put(self._dut, "i"), Get(self._dut, "o")
        self.set_live()
        await start(self._dut)
        work = [self._act(name) for name in ACTIONS if slow]
        work.append(self.get.forever(pauses(2, 0.5) if slow else never))
        self._tasks = [cocotb.start_soon(each) for each in work]

    async def _act(self, name: str) -> None:
        stem = f"actions__{name}__"
        valid, ready, payload = (
            getattr(self._dut, stem + each) for each in ("valid", "ready", "payload")
        )
        while True:
            await RisingEdge(self._dut.clk)
            if not int(valid.value):
                continue
            self.check_structures()
            self._acted.append((name, int(payload.value)))
            await clocks(self._dut, self._generator.randrange(LONGEST_ACTION))
            self._coverage.visit("request while an action is done", bool(self._dut.i__valid.value))
            ready.value = 1
            await RisingEdge(self._dut.clk)
            assert int(valid.value), "an action ended by itself"
            ready.value = 0
            await RisingEdge(self._dut.clk)

    def set_live(self) -> None:
        self.golden.live = {
            name: self._generator.getrandbits(int(shape.width))
            for name, shape in LIVE.members.items()
        }
        self._dut.live.value = int(LIVE.const(self.golden.live).as_bits())

    async def ask(
        self, op: RegisterOperation, at: int, word: int = 0, ident: int | None = None
    ) -> RegisterStatus:
        if ident is None:
            ident = (
                self._last.id + self._generator.randrange(1, 1 << 16) if self._last else 0
            ) & 0xFFFF
        return await self.send(RegisterRequest(ident, op, at, word))

    async def send(self, request: RegisterRequest) -> RegisterStatus:
        pause = self._generator.choice((never, pauses(self._generator.getrandbits(30), 0.95)))
        await self._put([int.from_bytes(request.encode(), "little")], pause)
        reply = self.golden.answer(request)
        self._expected.append(int.from_bytes(reply.encode(), "little"))
        self._cover(request, reply.status, pause is never)
        self._last = request
        return reply.status

    def _cover(self, request: RegisterRequest, status: RegisterStatus, at_once: bool) -> None:
        visit, last = self._coverage.visit, self._last
        repeated = last is not None and last.id == request.id
        if not repeated:
            visit(f"{status.name} to {request.op.name}")
        visit("repetition", last == request and status is RegisterStatus.OK)
        visit("repetition of a refused request", last == request and status > RegisterStatus.OK)
        visit("id of the last, another request", repeated and last != request)
        visit("register in the low bits of an address only", request.address >> 7 > 0)
        visit("request right behind another", at_once)

    async def settle(self) -> None:
        """Wait for all replies and compare everything."""
        await clocks(self._dut, 2 * LONGEST_ACTION + 100)
        check_received(self.get.received, self._expected)
        check_received(self._acted, self.golden.acted)
        self.check_structures()

    def check_structures(self) -> None:
        for name, layout in (("settings", SETTINGS), ("values", VALUES)):
            got, wanted = int(getattr(self._dut, name).value), self.golden.structure(layout)
            assert got == wanted, (
                f"{name} are {layout.from_bits(got)}, not {layout.from_bits(wanted)}"
            )


def instances(access: Iterable[str]) -> list[tuple[Register, int]]:
    return [
        (row, address(row.name, channel))
        for row in REGISTERS
        if row.access in access
        for channel in row.instances
    ]


@cocotb.test(timeout_time=2, timeout_unit="ms")
async def answers_as_the_golden_model(dut: Any) -> None:
    coverage, generator = Coverage(*CORNERS), random.Random(cocotb.RANDOM_SEED)
    driver = Driver(dut, coverage)
    await driver.begin()
    for at in (*range(1 << 7), 1 << 7, 0x0110, 0xFF00, 0xFFFF):
        await driver.ask(READ, at)
        await driver.ask(WRITE, at, generator.getrandbits(32))
    await driver.settle()
    for period_ticks in PERIODS:
        driver.set_live()
        await limits_of_all(driver, period_ticks, coverage)
    await any_requests(driver, generator)
    coverage.visit("reply that waits", driver.get.stalls > 0)
    coverage.check()


async def limits_of_all(driver: Driver, period_ticks: int, coverage: Coverage) -> None:
    """Write every register around its limits, with this period."""
    before = driver.golden.value("gate_start_ticks", 0)
    coverage.visit("period below a gate that was set before", period_ticks <= before)
    await driver.ask(WRITE, address("period_ticks"), period_ticks)
    for row, at in instances(("rw", "w")):
        for place, word in words_at_limits(row, period_ticks).items():
            status = await driver.ask(WRITE, at, word)
            taken = status is RegisterStatus.OK
            assert taken == (place in ("the least", "the greatest")), (
                f"{row.name} {place}: {status}"
            )
            coverage.visit(f"{row.name}: {place}")
            if not taken:
                await driver.ask(READ, at)
        if row.name == "period_ticks":
            await driver.ask(WRITE, at, period_ticks)
    for _, at in instances(("ro",)):
        await driver.ask(WRITE, at, 1)
        await driver.ask(READ, at)
    await driver.settle()


async def any_requests(driver: Driver, generator: random.Random) -> None:
    """Ask at random, with repetitions."""
    writable = instances(("rw", "w"))
    for _ in range(300):
        row, at = generator.choice(writable)
        low, high = limits(row, driver.golden.value("period_ticks"))
        word = generator.choice((generator.getrandbits(32), generator.randint(low, high)))
        request = RegisterRequest(generator.getrandbits(16), WRITE, at, word & 0xFFFFFFFF)
        await driver.send(request)
        for _ in range(generator.choice((0, 0, 1, 2))):
            await driver.send(request)
        if generator.random() < 0.1:
            await driver.send(replace(request, value=request.value ^ 1))
    await driver.settle()


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def a_reset_restores_all(dut: Any) -> None:
    """Also that the first request after a reset repeats none from before it."""
    driver = Driver(dut, Coverage(*CORNERS))
    for _ in range(2):
        await driver.begin()
        driver.check_structures()
        await driver.ask(READ, address("mode"), ident=1)
        for _, at in instances(("rw", "w")):
            await driver.ask(READ, at)
        for row, at in instances(("rw", "w")):
            await driver.ask(WRITE, at, words_at_limits(row, PERIOD_TICKS)["the least"])
        await driver.ask(READ, address("run"), ident=1)
        await driver.settle()
        dut.rst.value = 1
        await clocks(dut, 2)


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def takes_as_long_as_it_says(dut: Any) -> None:
    driver = Driver(dut, Coverage(*CORNERS))
    await driver.begin(slow=False)
    for op, at, word, waited in (
        (READ, 0xFFFF, 0, 3),
        (READ, address("control"), 0, 5),
        (WRITE, address("tracker_state"), 0, 5),
        (WRITE, address("pulser_period"), 3, 38),
        (WRITE, address("mode"), 3, 72),
        (WRITE, address("mode"), 1, 74),
        (WRITE, address("commit"), 1, 74),
    ):
        await driver.ask(op, at, word)
        taken_at = driver._put.taken_at[-1]
        await clocks(dut, 80)
        assert driver.get.received_at[-1] - taken_at == waited, f"{op.name} at {at:#x}"
