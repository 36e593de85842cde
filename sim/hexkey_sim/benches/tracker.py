"""Bench of `hexkey_gateware.tracker` against `golden.tracker`: all outputs in every clock."""

import random
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from typing import Any, NamedTuple

import cocotb
from cocotb.triggers import FallingEdge, Timer

from hexkey.wire.registers import TrackerState
from hexkey_gateware.slot import PHASE_BITS, SLOT, TICKS_PER_CLOCK
from hexkey_gateware.tracking.constants import DECISION_LATENCY, SETTING_LATENCY
from hexkey_sim.benches.coverage import Coverage
from hexkey_sim.benches.streams import CLOCK_NS, start
from hexkey_sim.benches.tracker_batch import CLOCKS, ROW, SAID, SETTINGS
from hexkey_sim.benches.tracker_stimulus import (
    FAST_DRIFT,
    Scene,
    Trigger,
    random_scene,
)
from hexkey_sim.benches.words import pack, unpack
from hexkey_sim.golden.tracker import Tracker
from hexkey_sim.golden.tracker_values import TrackerSettings, View

SILENCE_BITS = 12
RANDOM_SCENES, RANDOM_SLOTS = 12, 6400
LONGEST_PERIOD = (1 << 30) - 1
ALL = (1 << SAID.size) - 1
WITHOUT_PHASE = ALL ^ pack(
    SAID, slot=pack(SLOT, since=(1 << PHASE_BITS) - 1, since_before=(1 << PHASE_BITS) - 1)
)
CORNERS = (
    "locked, divider 1",
    "locked, divider 2",
    "locked, divider 4",
    "locked, divider 1000",
    "locked, shortest period",
    "locked, longest period",
    "pulses in two slots that follow each other, one held back",
    "edge of a due pulse before it",
    "edge missing while pulling in",
    "edge missing while locked",
    "outlier while pulling in",
    "outlier while locked",
    "outlier in holdover",
    "edge ends a holdover",
    "lock lost without edges",
    "lock lost over outliers",
    "lock lost over new settings",
    "lock lost because pulses are too short",
    "second epoch",
    "settings change while measuring",
    "settings change while aligning",
    "settings change without an end of lock",
    "silence",
    "silence ends a measurement",
    "off period",
    "off period forgotten in silence",
    "off period forgotten with lock",
    "period longer than can be said",
)


def scenes(generator: random.Random) -> Iterator[Scene]:
    """Yield what every corner needs, and scenes in which anything happens between."""
    plain = TrackerSettings(2500, 1, 4, 1074)
    fast = TrackerSettings(1000, 1, 4, 1074)
    divided = TrackerSettings(1000, 1000, 2, 1 << 16)
    uncertain, certain = replace(plain, holdover_drift=FAST_DRIFT), replace(plain, holdover_drift=0)
    bad = Trigger(2500.2, jitter_ticks=5, missing=0.1, extra=0.05)
    yield Scene(plain, None, 320)
    yield Scene(plain, bad, 3200)
    yield Scene(plain, replace(bad, gaps=0.003), 3200)
    yield Scene(uncertain, Trigger(2500.4), 3200)
    yield Scene(uncertain, None, 6400)
    yield Scene(certain, Trigger(2500.0, steps=0.01, step_periods=0.5), 6400)
    yield Scene(fast, Trigger(1000.1, jitter_ticks=5), 3200)
    yield Scene(fast, Trigger(1000.0, jitter_ticks=20), 3200)
    yield Scene(fast, Trigger(1007.0, jitter_ticks=5, chirp=2e-5), 6400)
    yield Scene(fast, Trigger(998.2), 3200)
    yield Scene(fast, Trigger(980.0), 640)
    yield Scene(fast, None, 4800)
    for divider in (2, 4):
        chosen = replace(plain, trigger_divider=divider)
        yield Scene(chosen, replace(bad, divider=divider, extra=0), 4800)
        yield Scene(chosen, Trigger(2530.0, divider), 1600)
        yield Scene(chosen, Trigger(2500.0, divider, steps=0.01), 6400)
    yield Scene(plain, Trigger(300_000), 12_800)
    yield Scene(replace(plain, period_ticks=100_000, loop_shift=0), Trigger(100_000.3), 22_400)
    yield Scene(divided, Trigger(1000.2, 1000, jitter_ticks=5), 76_800)
    yield Scene(divided, Trigger(1000.2, 1000, missing=0.4), 12_800)
    for _ in range(RANDOM_SCENES):
        yield random_scene(generator, RANDOM_SLOTS, CLOCKS)


class Slot(NamedTuple):
    """What the golden model says of a slot, and what becomes of its tag and of a due edge."""

    view: View
    taken: bool = False
    outlier: bool = False
    missing: bool = False


class Golden:
    """The golden model, slot by slot."""

    def __init__(self, settings: TrackerSettings) -> None:
        self.tracker = Tracker(settings, TICKS_PER_CLOCK, SILENCE_BITS)
        self.settings = settings
        self.slots = [Slot(self.tracker.view(0))] * (DECISION_LATENCY + 1)
        self._missing = 0
        self._slot = 0

    def configure(self, settings: TrackerSettings) -> None:
        self.settings = settings
        self.tracker.configure(self._slot, settings)

    def step(self, fine: int | None) -> tuple[int, int]:
        """Take a slot's tag; return what the gateware says in its clock, and which bits count.

        Only now it is known whether an edge was missing in the slot before.
        """
        tracker, slots = self.tracker, self.slots
        view = tracker.view(self._slot)
        slots[-1] = slots[-1]._replace(missing=tracker.missing > self._missing)
        self._missing = tracker.missing
        edges, outliers = tracker.edges, tracker.outliers
        if fine is not None:
            tracker.trigger(self._slot, fine)
        slots.append(Slot(view, tracker.edges > edges, tracker.outliers > outliers))
        slots.pop(0)
        decided = slots[0]._replace(view=view)
        self._slot += 1
        return _said(decided, slots[-2].view.state), ALL if view.locked else WITHOUT_PHASE


@lru_cache
def _said(slot: Slot, state: TrackerState) -> int:
    view = slot.view
    return pack(
        SAID,
        slot=pack(
            SLOT,
            edge=view.edge,
            since=view.since if view.locked else 0,
            since_before=view.since_before if view.locked else 0,
            locked=view.locked,
            begin=view.begin,
            holdover=view.holdover,
        ),
        state=state,
        off_period=view.off_period,
        trigger_period=view.period,
        edge_taken=slot.taken,
        outlier=slot.outlier,
        missing=slot.missing,
    )


class Watch:
    """Sees which corners the slots visit, one after the other."""

    def __init__(self, golden: Golden, coverage: Coverage) -> None:
        self._golden, self._coverage = golden, coverage
        self._since_change = 1000
        self._since_outlier = 1000

    def change(self, settings: TrackerSettings) -> None:
        """Settings are about to change."""
        visit, view = self._coverage.visit, self._golden.slots[-1].view
        old = self._golden.settings
        restarts = (old.period_ticks, old.trigger_divider) != (
            settings.period_ticks,
            settings.trigger_divider,
        )
        self._since_change = 0 if restarts else 1000
        visit("settings change while measuring", restarts and view.state is TrackerState.MEASURING)
        visit("settings change while aligning", restarts and self._is_aligning())
        visit("settings change without an end of lock", view.locked and not restarts)

    def _is_aligning(self) -> bool:
        before, now = (slot.view for slot in self._golden.slots[-2:])
        return now.state is before.state is TrackerState.PULLING_IN and now.period == before.period

    def see(self) -> None:
        """Look at the latest slot of which all is known."""
        before, slot = self._golden.slots[-3:-1]
        self._since_change += 1
        self._since_outlier += 1
        if slot.taken or slot.outlier or slot.missing:
            self._see_edge(slot)
        if slot.view != before.view:
            self._see_lock(before.view, slot.view)
            self._see_trigger(before.view, slot.view)

    def _see_lock(self, before: View, now: View) -> None:
        visit, settings = self._coverage.visit, self._golden.settings
        if now.begin:
            if settings.trigger_divider in (1, 2, 4, 1000):
                visit(f"locked, divider {settings.trigger_divider}")
            visit("locked, shortest period", settings.period_ticks == 1000)
            visit("locked, longest period", settings.period_ticks == 100_000)
            visit("second epoch", self._golden.tracker.epoch == 2)
            visit("off period forgotten with lock", before.off_period)
        held = now.edge and now.since >= TICKS_PER_CLOCK
        visit("pulses in two slots that follow each other, one held back", held)
        if before.locked and not now.locked:
            renewed = self._since_change <= SETTING_LATENCY + 2
            visit("lock lost over new settings", renewed)
            silent = self._since_outlier > 100
            visit("lock lost without edges", before.holdover and silent and not renewed)
            certain = settings.holdover_drift == 0
            visit("lock lost over outliers", certain and not (renewed or now.off_period))
            visit("lock lost because pulses are too short", now.off_period)

    def _see_edge(self, slot: Slot) -> None:
        visit, view = self._coverage.visit, slot.view
        if slot.outlier:
            self._since_outlier = 0
        due_is_next = view.since > self._golden.settings.period_ticks // 2
        before_pulse = slot.taken and view.locked and due_is_next
        visit("edge of a due pulse before it", before_pulse)
        visit("edge missing while pulling in", slot.missing and not view.locked)
        visit("edge missing while locked", slot.missing and view.locked)
        visit("outlier while pulling in", slot.outlier and not view.locked)
        visit("outlier while locked", slot.outlier and view.locked)
        visit("outlier in holdover", slot.outlier and view.holdover)
        visit("edge ends a holdover", slot.taken and view.holdover)

    def _see_trigger(self, before: View, now: View) -> None:
        visit = self._coverage.visit
        silent, was_silent = (v.state is TrackerState.NO_TRIGGER for v in (now, before))
        visit("silence", silent)
        visit("silence ends a measurement", silent and before.state is TrackerState.MEASURING)
        visit("off period", now.off_period)
        forgotten = before.off_period and not now.off_period
        visit("off period forgotten in silence", forgotten and was_silent)
        visit("period longer than can be said", now.period == LONGEST_PERIOD)


class Bench:
    """Plays scenes one after the other, in one life of the gateware."""

    def __init__(self, dut: Any, coverage: Coverage) -> None:
        self._dut = dut
        self._golden = Golden(TrackerSettings())
        self._watch = Watch(self._golden, coverage)
        self._slots = 0

    async def begin(self) -> None:
        self._set(TrackerSettings())
        await start(self._dut, tags=0)
        await FallingEdge(self._dut.clk)
        await FallingEdge(self._dut.clk)
        assert int(self._dut.at.value) == 1
        await Timer((CLOCKS - 1) * CLOCK_NS, "ns")

    def _set(self, settings: TrackerSettings) -> None:
        for name in SETTINGS:
            getattr(self._dut, name).value = getattr(settings, name)

    async def play(self, scene: Scene, generator: random.Random) -> None:
        tags = scene.tags(generator, TICKS_PER_CLOCK)
        self._change(scene.settings)
        for first in range(0, scene.slots, CLOCKS):
            if first in scene.changes:
                self._change(scene.changes[first])
            await self._play_batch([tags.get(slot) for slot in range(first, first + CLOCKS)])

    def _change(self, settings: TrackerSettings) -> None:
        self._watch.change(settings)
        self._golden.configure(settings)
        self._set(settings)

    async def _play_batch(self, tags: list[int | None]) -> None:
        played, expected, counting = 0, 0, 0
        for clock, fine in enumerate(tags):
            if fine is not None:
                played |= (fine << 1 | 1) << clock * ROW.size
            said, mask = self._golden.step(fine)
            self._watch.see()
            expected |= said << clock * SAID.size
            counting |= mask << clock * SAID.size
        self._dut.tags.value = played
        await Timer(CLOCKS * CLOCK_NS, "ns")
        said = int(self._dut.said.value) & counting
        if said != expected:
            self._fail(said, expected)
        self._slots += CLOCKS

    def _fail(self, said: int, expected: int) -> None:
        clock = (((said ^ expected) & -(said ^ expected)).bit_length() - 1) // SAID.size
        got, wanted = (word >> clock * SAID.size & ALL for word in (said, expected))
        raise AssertionError(
            f"of slot {self._slots + clock} it says {_readable(got)}, not {_readable(wanted)}; "
            f"settings {self._golden.settings}"
        )


def _readable(word: int) -> dict[str, object]:
    fields = unpack(SAID, word)
    return {**fields, "slot": unpack(SLOT, fields["slot"])}


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def equals_the_golden_model(dut: Any) -> None:
    generator, coverage = random.Random(cocotb.RANDOM_SEED), Coverage(*CORNERS)
    bench = Bench(dut, coverage)
    await bench.begin()
    for index, scene in enumerate(scenes(generator)):
        await bench.play(scene, random.Random(index))
    coverage.check()
