"""Verbs on streams, for benches: start, put, get."""

import random
from collections.abc import Callable, Iterable, Sequence
from itertools import zip_longest
from typing import Any

from cocotb.clock import Clock
from cocotb.triggers import RisingEdge
from cocotb.utils import get_sim_time

CLOCK_NS = 5
TIMEOUT_US = 200  # 40 000 clocks, three times what the longest bench takes

Pause = Callable[[], bool]
"""Asked in each clock whether to do nothing in it."""


def never() -> bool:
    return False


def pauses(seed: int, probability: float) -> Pause:
    """Return pauses in a part of all clocks, in bursts: waiting and flowing are both tried."""
    generator = random.Random(seed)
    paused = False

    def pause() -> bool:
        nonlocal paused
        if generator.random() < 0.3:
            paused = generator.random() < probability
        return paused

    return pause


async def start(dut: Any, **inputs: int) -> None:
    """Set inputs, start the clock ``clk`` and reset."""
    for name, value in inputs.items():
        getattr(dut, name).value = value
    dut.rst.value = 1
    Clock(dut.clk, CLOCK_NS, "ns").start()
    await clocks(dut, 2)
    dut.rst.value = 0


def now() -> int:
    """Return the time in clocks."""
    return round(get_sim_time("ns") / CLOCK_NS)


async def clocks(dut: Any, count: int) -> None:
    for _ in range(count):
        await RisingEdge(dut.clk)


def check_received(received: Sequence[object], expected: Sequence[object]) -> None:
    """Raise AssertionError with the first difference, if there is one."""
    for at, (got, wanted) in enumerate(zip_longest(received, expected)):
        assert got == wanted, f"item {at} is {got}, not {wanted}"


class Put:
    """The sending end of a stream that goes into the block.

    Attributes
    ----------
    stalls : int
        Clocks in which a payload was not taken.
    taken_at : list of int
        The clock at whose end each payload was taken, from all calls.
    """

    def __init__(self, dut: Any, name: str) -> None:
        self._clk = dut.clk
        self._payload = getattr(dut, f"{name}__payload")
        self._valid = getattr(dut, f"{name}__valid")
        self._ready = getattr(dut, f"{name}__ready")
        self._valid.value = 0
        self.stalls = 0
        self.taken_at: list[int] = []

    async def __call__(self, payloads: Iterable[int], pause: Pause = never) -> None:
        """Send payloads; return in the clock in which the last one was taken."""
        for payload in payloads:
            while pause():
                await RisingEdge(self._clk)
            self._payload.value = payload
            self._valid.value = 1
            await RisingEdge(self._clk)
            while not int(self._ready.value):
                self.stalls += 1
                await RisingEdge(self._clk)
            self.taken_at.append(now())
            self._valid.value = 0


class Get:
    """The receiving end of a stream that comes out of the block.

    Attributes
    ----------
    received : list of int
        Payloads, in their order.
    received_at : list of int
        The clock at whose end each was taken.
    stalls : int
        Clocks in which a payload had to wait.
    """

    def __init__(self, dut: Any, name: str) -> None:
        self._clk = dut.clk
        self._payload = getattr(dut, f"{name}__payload")
        self._valid = getattr(dut, f"{name}__valid")
        self._ready = getattr(dut, f"{name}__ready")
        self._ready.value = 0
        self.received: list[int] = []
        self.received_at: list[int] = []
        self.stalls = 0

    async def forever(self, pause: Pause = never) -> None:
        """Receive until killed. Checks that what waits does not change."""
        waiting: int | None = None
        while True:
            ready = not pause()
            self._ready.value = int(ready)
            await RisingEdge(self._clk)
            valid = int(self._valid.value)
            assert valid or waiting is None, "a payload was withdrawn"
            if not valid:
                continue
            payload = int(self._payload.value)
            assert waiting in (None, payload), "a payload changed while it waited"
            waiting = None if ready else payload
            self.stalls += not ready
            if ready:
                self.received.append(payload)
                self.received_at.append(now())
