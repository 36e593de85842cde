"""Bench of `hexkey_gateware.collector` against `golden.collector` and `golden.resolver`."""

import random
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import cocotb

from hexkey.events import DETECTORS
from hexkey_gateware.collector import Collector as Gateware
from hexkey_gateware.slot import GATED_CLICK, SLOT
from hexkey_sim.benches.coverage import Coverage
from hexkey_sim.benches.pulses import GATE, Pulse, check_pulses
from hexkey_sim.benches.slots import Inputs
from hexkey_sim.benches.streams import TIMEOUT_US, start
from hexkey_sim.benches.words import pack
from hexkey_sim.golden.collector import Collector
from hexkey_sim.golden.settings import Click

UNLOCKED_SLOTS = 6  # the least between two epochs
MOST_SLOTS = 1023  # of a pulse
CORNERS = (
    "three pulses in a slot",
    "second detector earlier",
    "two detectors at one phase",
    "earlier phase in a later slot",
    "repeats of two detectors in a slot",
    "pulse without a click",
    "pulse of two slots",
    "click in a pulse's last slot",
    "every lane in slots that follow each other",
    "click before number 0, in its slot",
    "click before number 0, later",
    "click without lock",
    "lock lost with clicks in three pulses",
    "lock lost before number 2",
    "lock lost in the slot behind a beginning",
    "lock again after the least slots",
    "settings with the beginning",
    "settings wait for the beginning",
    "marker waits through the loss of lock",
    "blind pulse",
    "holdover at the beginning",
    "holdover later",
    "most clicks that can be counted",
)


@dataclass(frozen=True, slots=True)
class Slot:
    """What goes in in one clock; clicks have the pulse -back."""

    clicks: tuple[Click, ...] = ()
    flags: frozenset[str] = frozenset()

    def inputs(self) -> dict[str, int]:
        flags = dict.fromkeys(self.flags & {"blind", "settings", "marker"}, 1)
        slot = pack(SLOT, **dict.fromkeys(self.flags - flags.keys(), 1))
        valid = {f"clicks__{click.detector}__valid": 1 for click in self.clicks}
        payload = {
            f"clicks__{click.detector}__payload": pack(
                GATED_CLICK,
                back=-click.pulse,
                phase_ticks=click.phase_ticks,
                inside=click.phase_ticks in GATE,
            )
            for click in self.clicks
        }
        return {"slot": slot, **flags, **valid, **payload}


@dataclass(slots=True)
class Model:
    """The golden collector, told by slots which pulses begin and end."""

    coverage: Coverage
    closed: list[Pulse] = field(default_factory=list)
    collector: Collector = field(default_factory=Collector)
    pulses: dict[int, Pulse] = field(default_factory=dict)  # the open ones
    latest: int | None = None  # the pulse; None without lock
    age: int = 0  # slots since it began
    waiting: set[str] = field(default_factory=set)
    unlocked: int = 100  # slots
    before: tuple[Click, ...] = ()  # of the slot before

    def take(self, slot: Slot) -> None:
        visit, flags = self.coverage.visit, slot.flags
        now = flags & {"settings", "marker"}
        self.age += 1
        if "locked" not in flags:
            self._lose()
            visit("click without lock", bool(slot.clicks))
        elif "edge" in flags and ("begin" in flags or self.latest is not None):
            visit("settings with the beginning", "settings" in now)
            visit("settings wait for the beginning", "settings" in self.waiting)
            visit(
                "marker waits through the loss of lock", {"marker", "begin"} <= self.waiting | flags
            )
            visit("blind pulse", "blind" in flags)
            visit("holdover at the beginning", "holdover" in flags)
            self._begin("begin" in flags, flags | self.waiting)
            self.waiting, now = set(), frozenset()
        self.waiting |= now
        if self.latest is None:
            return
        if "holdover" in flags:
            visit("holdover later", not self.pulses[self.latest].holdover)
            self.pulses[self.latest].holdover = 1
        self._put([click._replace(pulse=self.latest + click.pulse) for click in slot.clicks])
        self.before = slot.clicks

    def _lose(self) -> None:
        if self.latest is not None:
            clicked = [pulse.clicks for pulse in self._close_before(self.latest + 1)]
            self.coverage.visit("lock lost with clicks in three pulses", all(clicked))
            self.coverage.visit("lock lost before number 2", self.latest < 2)
            self.coverage.visit("lock lost in the slot behind a beginning", self.age == 1)
            self.latest, self.unlocked = None, 0
        self.unlocked += 1

    def _begin(self, first: bool, flags: frozenset[str] | set[str]) -> None:
        if first:
            self.coverage.visit("lock again after the least slots", self.unlocked == UNLOCKED_SLOTS)
            self.latest = 0
            self.pulses = {-2: Pulse(numbered=0), -1: Pulse(numbered=0)}
        else:
            assert self.latest is not None
            self.coverage.visit("pulse of two slots", self.age == 2)
            self.coverage.visit(
                "click in a pulse's last slot", any(c.pulse == -2 for c in self.before)
            )
            self.latest += 1
            self._close_before(self.latest - 2)
        control = {name: int(name in flags) for name in ("begin", "settings", "marker")}
        self.pulses[self.latest] = Pulse(control=control, blind=int("blind" in flags))
        self.age = 0

    def _close_before(self, bound: int) -> list[Pulse]:
        clicks = dict(self.collector.close_before(bound))
        closed = [self.pulses.pop(number) for number in sorted(self.pulses) if number < bound]
        for pulse in closed:
            pulse.clicks = clicks.get(bound - len(closed) + closed.index(pulse), [])
        self.coverage.visit("pulse without a click", not closed[0].clicks)
        self.coverage.visit(
            "most clicks that can be counted",
            any(len(pulse.clicks) == 4 * MOST_SLOTS for pulse in closed),
        )
        self.closed += closed
        return closed

    def _put(self, clicks: list[Click]) -> None:
        assert self.latest is not None
        visit = self.coverage.visit
        inside = [click for click in clicks if click.phase_ticks in GATE]
        pairs = [(a, b) for a in inside for b in inside if a < b and a.pulse == b.pulse]
        repeats = []
        for click in clicks:
            there = self.pulses[click.pulse].clicks  # for this only: closing brings the model's
            phases = [each.phase_ticks for each in there if each.phase_ticks in GATE]
            if click in inside:
                visit("earlier phase in a later slot", click.phase_ticks < min(phases, default=0))
                if click.detector in {each.detector for each in there if each.phase_ticks in GATE}:
                    repeats.append(click.pulse)
        for click in clicks:
            self.pulses[click.pulse].clicks.append(click)
            self.collector.put(click)
        visit("three pulses in a slot", len({click.pulse for click in clicks}) == 3)
        visit("second detector earlier", any(a.detector > b.detector for a, b in pairs))
        visit("two detectors at one phase", any(a[1] == b[1] for a, b in pairs))
        visit("repeats of two detectors in a slot", len(repeats) > len(set(repeats)))
        full = len(clicks) == len(self.before) == DETECTORS
        visit("every lane in slots that follow each other", full)
        early = any(click.pulse < 0 for click in clicks)
        visit("click before number 0, in its slot", early and self.latest == self.age == 0)
        visit("click before number 0, later", early and self.age > 0)


def some_clicks(generator: random.Random, probability: float) -> tuple[Click, ...]:
    phases = generator.choice((range(80, 220), range(198, 202), range(2**18)))
    return tuple(
        Click(-generator.choice((0, 0, 1, 2)), generator.choice(phases), detector)
        for detector in range(DETECTORS)
        if generator.random() < probability
    )


def make_epoch(generator: random.Random, pulses: int, unlocked: int) -> list[Slot]:
    """Return the slots of an epoch, and unlocked ones behind it; all flags at whim."""
    slots = []
    probability = generator.choice((0.02, 0.3, 1))
    for pulse in range(pulses):
        length = generator.choice((2, 2, 3, 5, 17))
        for age in range(length if pulse < pulses - 1 else generator.choice((1, 2, 9))):
            flags = {"locked"} | ({"edge"} if age == 0 else set())
            flags |= {"begin"} if age == pulse == 0 else set()
            flags |= {
                name
                for name in ("blind", "settings", "marker", "holdover")
                if generator.random() < 0.05
            }
            slots.append(Slot(some_clicks(generator, probability), frozenset(flags)))
    for _ in range(unlocked):
        flags = {
            name for name in ("marker", "settings", "holdover", "edge") if generator.random() < 0.1
        }
        slots.append(Slot(some_clicks(generator, probability), frozenset(flags)))
    return slots


def longest_pulse() -> list[Slot]:
    """Return an epoch whose pulse 2 has as many clicks as can be counted."""
    beginning = [
        Slot(flags=frozenset({"locked", "edge", "begin"})),
        Slot(flags=frozenset({"locked"})),
    ]
    clicks = tuple(Click(0, GATE.stop - 1 - d, d) for d in range(DETECTORS))
    full = [Slot(clicks, frozenset({"locked"}))] * (MOST_SLOTS - 1)
    return [
        *beginning,
        Slot(clicks, frozenset({"locked", "edge"})),
        *full,
        *[Slot()] * UNLOCKED_SLOTS,
    ]


@cocotb.test(timeout_time=TIMEOUT_US, timeout_unit="us")
async def equals_the_golden_models(dut: Any) -> None:
    generator, coverage = random.Random(cocotb.RANDOM_SEED), Coverage(*CORNERS)
    inputs, model = Inputs(dut), Model(coverage)
    await start(dut)
    slots = make_epoch(generator, 1, 3)[1:]  # nothing is locked yet
    for pulses in (1, 2, 3, *[40] * 12, 200):
        slots += make_epoch(generator, pulses, generator.choice((UNLOCKED_SLOTS, 7, 30)))
    slots += longest_pulse()
    received: list[int] = []
    closed_in: list[int] = []
    for slot in [*slots, *[Slot()] * (Gateware.LATENCY + UNLOCKED_SLOTS)]:
        model.take(slot)
        await inputs(**slot.inputs())
        if int(dut.closed__valid.value):
            received.append(int(dut.closed__payload.value))
            closed_in.append(inputs.clock)
    check_pulses(received, model.closed)
    assert min(b - a for a, b in pairwise(closed_in)) == 2
    coverage.check()


@cocotb.test(timeout_time=TIMEOUT_US, timeout_unit="us")
async def says_when_it_sees_and_closes_in_time(dut: Any) -> None:
    inputs = Inputs(dut)
    await start(dut)
    seeing, closing = [], []
    for clock in range(40):
        flags = {"locked"} | ({"blind"} if clock >= 10 else set())
        flags |= {"edge"} if clock % 4 == 0 else set()
        await inputs(**Slot(flags=frozenset(flags | ({"begin"} if clock == 0 else set()))).inputs())
        seeing.append(int(dut.seeing.value))
        closing.append(int(dut.closed__valid.value))
    # Pulses begin in clocks 0, 4, 8 and, blind, 12, 16, 20: in the last, that of 8 closes.
    assert seeing == [int(0 < clock < 22) for clock in range(40)]
    closed_at = [clock - Gateware.LATENCY for clock in range(40) if closing[clock]]
    assert closed_at == list(range(4, 40 - Gateware.LATENCY, 4))
