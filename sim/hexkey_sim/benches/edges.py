"""Edges at picoseconds, for benches of what stands behind a pin."""

import random
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from cocotb.clock import Clock
from cocotb.triggers import RisingEdge, Timer
from cocotb.utils import get_sim_time

CLOCK_PS = 5_000
SHORTEST_PS = 4_000
DELAYS_FILE = "delays.hex"


def write_delays(folder: Path, delays_ps: Iterable[int], jitter_ps: int = 0) -> None:
    """Write the file from which a line's model takes its delays."""
    words = [*delays_ps, jitter_ps]
    (folder / DELAYS_FILE).write_text("".join(f"{word:x}\n" for word in words))


def read_delays() -> list[int]:
    """Return the delays of the line under test."""
    return [int(word, 16) for word in Path(DELAYS_FILE).read_text().split()[:-1]]


def pulses(generator: random.Random, count: int, start_ps: int) -> Iterator[int]:
    """Yield when an input changes: pulses of 4 to 30 ns, as close as 4 ns."""
    at = start_ps
    for _ in range(count):
        at += generator.choice((SHORTEST_PS, generator.randint(SHORTEST_PS, 30_000)))
        yield at
        at += generator.choice((SHORTEST_PS, generator.randint(SHORTEST_PS, 30_000)))
        yield at


def start_clock(dut: Any, name: str = "clk", period_ps: int = CLOCK_PS) -> None:
    Clock(getattr(dut, name), period_ps, "ps").start()


async def play(signal: Any, changes_ps: Iterable[int], low: int = 0) -> None:
    """Change a signal, at first as it is when `low`, at these times."""
    level = low
    for change in changes_ps:
        await Timer(change - now_ps(), "ps")
        level ^= 1
        signal.value = level


def now_ps() -> int:
    return round(get_sim_time("ps"))


class Watch:
    """Writes down when the clock rises and what a signal is then, if anything.

    Attributes
    ----------
    clock_ps : list of int
        Sampling edges.
    seen : list of (int, int)
        Numbers of sampling edges at which `valid` was high, and the value then.
    """

    def __init__(self, clk: Any, value: Any, valid: Any = None) -> None:
        self._clk, self._value, self._valid = clk, value, valid
        self.clock_ps: list[int] = []
        self.seen: list[tuple[int, int]] = []

    async def forever(self) -> None:
        while True:
            await RisingEdge(self._clk)
            if self._valid is None or int(self._valid.value):
                self.seen.append((len(self.clock_ps), int(self._value.value)))
            self.clock_ps.append(now_ps())
