"""Slots as an ideal tracker tells them, and times as tags in their slots.

Slot n ends at n * `TICKS_PER_CLOCK` ticks; a time is in the slot at whose end or before whose end
it is.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from cocotb.triggers import RisingEdge

from hexkey_gateware.slot import SLOT, TICKS_PER_CLOCK
from hexkey_sim.benches.words import pack


@dataclass(frozen=True, slots=True)
class Train:
    """Pulses of one epoch: number 0 begins at `origin_ticks`, each `period_ticks` later."""

    origin_ticks: int
    period_ticks: Fraction

    def slot_of(self, pulse: int) -> int:
        """Return the slot in which a pulse begins."""
        return slot_of(self.origin_ticks + pulse * self.period_ticks)

    def latest(self, slot: int) -> int:
        """Return the latest pulse at a slot's end."""
        return self._latest(slot)[0]

    def word(self, slot: int, **others: int) -> int:
        """Return what the tracker says of a slot that is not before that of pulse 0."""
        latest, since = self._latest(slot)
        before, _ = self._latest(slot - 1)
        period = self.period_ticks
        return pack(
            SLOT,
            edge=latest > before,
            since=since // period.denominator,
            since_before=(since + period.numerator) // period.denominator,
            locked=1,
            begin=before < latest == 0,
            **others,
        )

    def _latest(self, slot: int) -> tuple[int, int]:
        """Return the latest pulse and what has passed of it, in the period's parts of a tick."""
        passed = (slot * TICKS_PER_CLOCK - self.origin_ticks) * self.period_ticks.denominator
        return divmod(passed, self.period_ticks.numerator)


def slot_of(time_ticks: Fraction | int) -> int:
    return int(-(-time_ticks // TICKS_PER_CLOCK))


def fine_of(time_ticks: int) -> int:
    return -time_ticks % TICKS_PER_CLOCK


def one_a_slot(clicks: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Return (ticks, detector) sorted, only the first in each slot of each lane."""
    taken: set[tuple[int, int]] = set()
    for time_ticks, detector in sorted(clicks):
        place = slot_of(time_ticks), detector
        if place not in taken:
            taken.add(place)
            yield time_ticks, detector


class Inputs:
    """The block's inputs, a clock at a time; what is not named in a clock is 0.

    Attributes
    ----------
    clock : int
        How many clocks have been.
    """

    def __init__(self, dut: Any) -> None:
        self._dut = dut
        self._now: dict[str, int] = {}
        self.clock = 0

    async def __call__(self, **inputs: int) -> None:
        """Set inputs for one clock; return at its end, where outputs can still be read."""
        for name in self._now.keys() - inputs.keys():
            getattr(self._dut, name).value = 0
        for name, value in inputs.items():
            if self._now.get(name, 0) != value:
                getattr(self._dut, name).value = value
        self._now = {name: value for name, value in inputs.items() if value}
        await RisingEdge(self._dut.clk)
        self.clock += 1
