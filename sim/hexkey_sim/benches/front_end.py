"""Bench of `hexkey_gateware.front_end` against `golden.front_end`, event for event."""

import random
from collections.abc import Iterable
from dataclasses import replace
from fractions import Fraction
from typing import Any

import cocotb
import numpy as np

from hexkey.events import DETECTORS
from hexkey.wire import LAGS
from hexkey.wire.registers import DoubleClick
from hexkey_gateware.front_end import COUNTS
from hexkey_gateware.front_end import FrontEnd as Gateware
from hexkey_gateware.gate import Gate
from hexkey_gateware.pulse_clock import PulseClock
from hexkey_gateware.slot import CONTROL, EVENT
from hexkey_sim.benches.coverage import Coverage
from hexkey_sim.benches.epochs import (
    CORNERS,
    Clicks,
    Epoch,
    Golden,
    Row,
    make_epoch,
    plan,
    play_clicks,
    rows,
)
from hexkey_sim.benches.slots import Inputs, Train, fine_of, slot_of
from hexkey_sim.benches.streams import TIMEOUT_US, start
from hexkey_sim.benches.words import unpack
from hexkey_sim.golden.front_end import FrontEnd
from hexkey_sim.golden.g2 import G2
from hexkey_sim.golden.settings import FrontEndCounters, FrontEndSettings

UNLOCKED_SLOTS = 40  # until all pulses of an epoch are out
BEFORE_COLLECTOR = PulseClock.LATENCY + Gate.LATENCY
SETTLE_SLOTS = 8  # until new settings have reached every block
WRAPPED = ((2400, 300), (2499, 2500), (0, 2500), (1000, 1501))
EXTREMES = (5000, -5000, -5000, 4999)
PLANS = (
    plan(2500, 120, 1.5, (0, 2500)),
    plan(2500, 250, 0.5, (2400, 300), holdoff_pulses=1),
    plan(2500, 400, 0.8, *WRAPPED, delay_ticks=EXTREMES, holdoff_pulses=1),
    plan(2500, 200, 1.5, (100, 900), delay_ticks=(-5000, 5000, 0, 1), discard_double=True),
    plan(1000, 500, 0.2, (999, 2), (0, 1000), (500, 1), (1, 999), holdoff_pulses=3),
    plan(1000, 200, None, (700, 600)),
    plan(100_000, 8, 9, (99_999, 100_000), (0, 100_000), (5, 5), (50_000, 60_000)),
    plan(100_000, 5, None, (40_000, 70_000), discard_double=True),
    plan(Fraction(25_003, 10), 300, 0.8, (2400, 300), (2499, 2500), (0, 1), (1300, 1700)),
    plan(Fraction(300_001, 70), 150, 0.4, (4000, 900), holdoff_pulses=2),
    plan(2500, 100, None, *WRAPPED),
)


class Board:
    """The gateware, and what has come out of it."""

    def __init__(self, dut: Any) -> None:
        self._dut, self._inputs = dut, Inputs(dut)
        self._counted = dict.fromkeys((str(name) for name, _ in COUNTS), 0)
        self._number = -1  # of the latest pulse that left
        self._events: list[Row] = []
        self.controls: list[tuple[int, str]] = []  # pulse and what it carried
        self.g2_pulses, self.coincidences = 0, [0] * len(LAGS)
        self.first_left = 0  # the clock in which the latest epoch's pulse 0 left

    @property
    def clock(self) -> int:
        return self._inputs.clock

    @property
    def seeing(self) -> bool:
        return bool(int(self._dut.seeing.value))

    def configure(self, settings: FrontEndSettings) -> None:
        dut = self._dut
        dut.period_ticks.value = settings.period_ticks
        dut.holdoff_pulses.value = settings.holdoff_pulses
        double_click = DoubleClick.DISCARD if settings.discard_double else DoubleClick.REPORT
        dut.double_click.value = double_click
        for d in range(DETECTORS):
            getattr(dut, f"gate_start_ticks__{d}").value = settings.gate_start_ticks[d]
            getattr(dut, f"gate_width_ticks__{d}").value = settings.gate_width_ticks[d]

    async def slot(self, word: int, tags: dict[int, int], **flags: int) -> None:
        """Send one slot; `tags` are absolute times by detector."""
        valid = {f"tags__{d}__valid": 1 for d in tags}
        fine = {f"tags__{d}__payload": fine_of(time_ticks) for d, time_ticks in tags.items()}
        await self._inputs(slot=word, **valid, **fine, **flags)
        counts = int(self._dut.counts.value)
        if counts:
            for name, more in unpack(COUNTS, counts).items():
                self._counted[name] += more
        if int(self._dut.g2_pulses.value):
            self.g2_pulses += 1
            word = int(self._dut.g2_coincidences.value)
            self.coincidences = [n + (word >> i & 1) for i, n in enumerate(self.coincidences)]
        if int(self._dut.events__valid.value):
            self._take(unpack(EVENT, int(self._dut.events__payload.value)))

    def _take(self, event: dict[str, int]) -> None:
        control = unpack(CONTROL, event["control"])
        self._number = 0 if control["begin"] else self._number + 1
        if control["begin"]:
            self.first_left = self.clock
        self.controls += [(self._number, name) for name, there in control.items() if there]
        if event["mask"]:
            row = (self._number, event["phase_ticks"], event["mask"], event["flags"])
            self._events.append(row)

    async def play(self, epoch: Epoch) -> list[Row]:
        """Configure, play an epoch, lose lock; return the events."""
        tags = tags_by_slot(epoch.train, epoch.clicks)
        slots = range(epoch.slots.start - UNLOCKED_SLOTS, epoch.slots.stop + UNLOCKED_SLOTS)
        self.configure(epoch.settings)
        assert set(tags) <= set(slots)
        for slot in slots:
            word = epoch.train.word(slot) if slot in epoch.slots else 0
            await self.slot(word, tags.get(slot, {}))
        return self.take_events()

    def take_events(self) -> list[Row]:
        events, self._events = self._events, []
        return events

    def check_counts(self, counters: FrontEndCounters) -> None:
        """Raise AssertionError for the first counter that is not the golden model's."""
        for name, got in self._counted.items():
            head, _, index = name.rpartition("_")
            is_array = index.isdigit()
            golden = getattr(counters, head)[int(index)] if is_array else getattr(counters, name)
            assert got == golden, f"{name} is {got}, not {golden}"


def check_g2(board: Board, epoch: Epoch, golden: G2) -> None:
    """Raise AssertionError if the epoch's raw pulses have coincidences that were not counted."""
    train = epoch.train
    here = [each for each in epoch.clicks if slot_of(each[0] + train.origin_ticks) in epoch.slots]
    times, detectors = np.array(here, np.int64).T
    pulses = [int(at // train.period_ticks) for at in times.tolist()]
    golden.push(np.array(pulses, np.int64), detectors, train.latest(epoch.slots[-1]) - 1)
    assert board.g2_pulses == golden.pulses
    assert board.coincidences == golden.coincidences.tolist()
    board.g2_pulses, board.coincidences = 0, [0] * len(LAGS)


def tags_by_slot(train: Train, clicks: Clicks) -> dict[int, dict[int, int]]:
    tags: dict[int, dict[int, int]] = {}
    for at, detector in clicks:
        time_ticks = at + train.origin_ticks
        tags.setdefault(slot_of(time_ticks), {})[detector] = time_ticks
    return tags


def check_events(got: Iterable[Row], wanted: Iterable[Row], where: str) -> None:
    got, wanted = list(got), list(wanted)
    for is_, should_be in zip(got, wanted, strict=False):
        assert is_ == should_be, f"{where}: event is {is_}, not {should_be}"
    assert len(got) == len(wanted), f"{where}: event count is {len(got)}, not {len(wanted)}"


@cocotb.test(timeout_time=TIMEOUT_US, timeout_unit="us")
async def equals_the_golden_front_end(dut: Any) -> None:
    generator, coverage = random.Random(cocotb.RANDOM_SEED), Coverage(*CORNERS)
    board, golden = Board(dut), Golden(coverage)
    await start(dut, g2_pair=2 | 1 << 2)
    for number, each in enumerate(PLANS):
        epoch = make_epoch(generator, each)
        began = board.clock + UNLOCKED_SLOTS - epoch.slots.start
        events = await board.play(epoch)
        check_events(events, golden.play(epoch), f"plan {number}")
        check_g2(board, epoch, G2(2, 1))
        board.check_counts(golden.counters)
        closed = began + epoch.train.slot_of(3)
        assert board.first_left == closed + 1 + Gateware.LATENCY, f"plan {number}: pulse 0 is late"
    assert board.controls == [(0, "begin")] * len(PLANS)
    coverage.check()


@cocotb.test(timeout_time=TIMEOUT_US, timeout_unit="us")
async def settings_change_while_all_is_blind(dut: Any) -> None:
    """A commit in each epoch, with clicks before, in and behind the blind pulses."""
    generator = random.Random(cocotb.RANDOM_SEED)
    board, counters = Board(dut), FrontEndCounters()
    await start(dut)
    for holdoff, gates in ((0, WRAPPED), (1, ((100, 500),)), (2, ((2400, 2000),))):
        epoch = make_epoch(generator, plan(2500, 120, 0.8, *gates, holdoff_pulses=holdoff))
        after = plan(2500, 1, 1, (300, 2400), holdoff_pulses=2 - holdoff).settings
        # Which settings place a click near the change depends on the clock, so there are none.
        quiet = range(62 * 2500, 69 * 2500)
        clicks = [
            (at, d)
            for at, d in epoch.clicks
            if at not in quiet and slot_of(at + epoch.train.origin_ticks) in epoch.slots
        ]
        change = await _play_with_a_change(board, replace(epoch, clicks=clicks), after, 60)
        golden = FrontEnd(epoch.settings, counters, blind=range(60, change))
        events = play_clicks(golden, epoch.settings, [c for c in clicks if c[0] < quiet.start])
        events += rows(golden.reconfigure(after))
        events += play_clicks(golden, after, [c for c in clicks if c[0] >= quiet.stop])
        events += rows(golden.reconfigure(after))
        check_events(board.take_events(), events, f"hold-off {holdoff}")
        board.check_counts(counters)
    assert counters.outside_gate
    assert counters.events


async def _play_with_a_change(
    board: Board, epoch: Epoch, after: FrontEndSettings, blind_pulse: int
) -> int:
    """Play an epoch with a commit; return the first pulse of the new settings, as announced."""
    train = epoch.train
    tags = tags_by_slot(train, epoch.clicks)
    blind_from, seen_again, changed = train.slot_of(blind_pulse), 10**9, False
    marked: set[int] = set()
    board.configure(epoch.settings)
    for slot in range(epoch.slots.start - UNLOCKED_SLOTS, epoch.slots.stop + UNLOCKED_SLOTS):
        flags = {"blind": int(blind_from <= slot < seen_again), "settings": int(slot == seen_again)}
        if slot > blind_from + 2 and not changed and not board.seeing:
            board.configure(after)
            changed, seen_again = True, slot + SETTLE_SLOTS
        if slot in epoch.slots and slot % 50 == 0 and slot + 20 in epoch.slots:
            flags["marker"] = 1
            marked.add(train.latest(slot - BEFORE_COLLECTOR - 1) + 1)
        word = train.word(slot) if slot in epoch.slots else 0
        await board.slot(word, tags.get(slot, {}), **flags)
    change = train.latest(seen_again - BEFORE_COLLECTOR - 1) + 1  # begins in that clock or later
    assert blind_pulse + 3 <= change <= blind_pulse + 8
    expected = {(0, "begin"), (change, "settings"), *((pulse, "marker") for pulse in marked)}
    controls, board.controls = board.controls, []
    assert sorted(controls) == sorted(expected)
    return change
