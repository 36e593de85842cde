"""Epochs to play to the front end, and what the golden front end makes of them.

Delays are played by shifting the stimulus: the golden model gets times at the pins, the gateware
tags that have been delayed.
"""

import math
import random
from dataclasses import asdict, dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from hexkey.events import DETECTORS, Events
from hexkey_gateware.slot import TICKS_PER_CLOCK
from hexkey_sim.benches.coverage import Coverage
from hexkey_sim.benches.slots import Train, one_a_slot, slot_of
from hexkey_sim.golden.front_end import FrontEnd
from hexkey_sim.golden.settings import FrontEndCounters, FrontEndSettings

CORNERS = (
    "first tick of a gate",
    "tick before a gate",
    "last tick of a gate",
    "tick behind a gate",
    "last tick of a wrapped gate",
    "tick behind a wrapped gate",
    "last tick of a period",
    "first tick of a period",
    "two detectors in one clock",
    "event of detectors with delays at opposite extremes",
    "ignored in hold-off",
    "outside the gate",
    "repeat",
    "double pulse reported",
    "double pulse discarded",
    "click before pulse 0",
    "click two pulses back",
    "click in the last slot of an epoch",
    "click without lock",
    "shortest period",
    "longest period",
    "fractional period",
)

Clicks = list[tuple[int, int]]  # (ticks since pulse 0, delay applied, and detector)
Row = tuple[int, int, int, int]  # pulse, phase, mask, flags


@dataclass(frozen=True, slots=True)
class Plan:
    """What an epoch is made of; `rate` in clicks a pulse, None: every lane in every slot."""

    period_ticks: Fraction
    settings: FrontEndSettings
    pulses: int
    rate: float | None


def plan(
    period: Fraction | int,
    pulses: int,
    rate: float | None,
    *gates: tuple[int, int],
    **settings: Any,
) -> Plan:
    """Return a plan with (start, width) for each detector, or one for all."""
    starts, widths = zip(*(gates if len(gates) > 1 else gates * DETECTORS), strict=True)
    chosen = FrontEndSettings(
        period_ticks=round(period),
        gate_start_ticks=starts,
        gate_width_ticks=widths,
        **{"holdoff_pulses": 0, **settings},
    )
    return Plan(Fraction(period), chosen, pulses, rate)


@dataclass(frozen=True, slots=True)
class Epoch:
    """What is played between two losses of lock."""

    train: Train
    settings: FrontEndSettings
    slots: range
    clicks: Clicks


def make_epoch(generator: random.Random, plan: Plan) -> Epoch:
    """Return an epoch; it has clicks before and behind its slots, too."""
    train = Train(generator.randrange(20_000, 21_000), plan.period_ticks)
    slots = range(train.slot_of(0), train.slot_of(plan.pulses) + generator.randrange(9))
    if plan.rate is None:
        clicks = [
            (slot * TICKS_PER_CLOCK - generator.randrange(TICKS_PER_CLOCK), detector)
            for slot in range(slots.start - 5, slots.stop + 5)
            for detector in range(DETECTORS)
        ]
        clicks = [(at - train.origin_ticks, detector) for at, detector in clicks]
    else:
        clicks = _some_clicks(generator, plan, plan.rate)
    delays = plan.settings.delay_ticks
    possible = []
    for at, detector in one_a_slot((at + train.origin_ticks, d) for at, d in clicks):
        early = at - train.origin_ticks < delays[detector]  # at the pin, before pulse 0
        if not early or slot_of(at) not in slots:
            possible.append((at - train.origin_ticks, detector))
    return Epoch(train, plan.settings, slots, possible)


def _some_clicks(generator: random.Random, plan: Plan, rate: float) -> Clicks:
    """Return clicks, half of them within a tick of an edge, some with another beside them."""
    clicks, settings = [], plan.settings
    for _ in range(int(plan.pulses * rate)):
        detector = generator.randrange(DETECTORS)
        opens, width = settings.gate_start_ticks[detector], settings.gate_width_ticks[detector]
        phase = generator.choice((0, opens, opens + width)) + generator.randrange(-1, 2)
        if generator.random() < 0.5:
            phase = generator.randrange(settings.period_ticks)
        at = math.ceil(generator.randrange(plan.pulses) * plan.period_ticks) + phase
        clicks.append((at, detector))
        if generator.random() < 0.3:
            clicks.append((at + generator.randrange(700), generator.randrange(DETECTORS)))
    clicks += [(-generator.randrange(1, 700), detector) for detector in range(DETECTORS)]
    end = math.ceil(plan.pulses * plan.period_ticks)
    return clicks + [(end + generator.randrange(-500, 5000), 0) for _ in range(20)]


class Golden:
    """Golden front ends, one for each epoch, that count in common."""

    def __init__(self, coverage: Coverage) -> None:
        self.counters = FrontEndCounters()
        self._visit = coverage.visit

    def play(self, epoch: Epoch) -> list[Row]:
        """Return the events of an epoch."""
        train, settings = epoch.train, epoch.settings
        front_end = FrontEnd(settings, self.counters, train.period_ticks)
        before = asdict(self.counters)
        seen: Clicks = []
        for at, detector in epoch.clicks:
            if slot_of(at + train.origin_ticks) in epoch.slots:
                seen.append((at, detector))
                self._cover_click(epoch, at, detector)
            else:
                self.counters.clicks[detector] += 1
                self._visit("click without lock")
        events = play_clicks(front_end, settings, seen)
        events += rows(front_end.reconfigure(settings))
        self._cover_epoch(epoch, before, events)
        return events

    def _cover_click(self, epoch: Epoch, at: int, detector: int) -> None:
        visit, settings, period = self._visit, epoch.settings, epoch.train.period_ticks
        phase, opens = int(at % period), settings.gate_start_ticks[detector]
        ends, wrap_ends = opens + settings.gate_width_ticks[detector], settings.wrap_end_ticks
        slot, wraps = slot_of(at + epoch.train.origin_ticks), bool(wrap_ends[detector])
        visit("first tick of a gate", phase == opens)
        visit("tick before a gate", phase == opens - 1)
        visit("last tick of a gate", not wraps and phase == ends - 1)
        visit("tick behind a gate", not wraps and phase == ends)
        visit("last tick of a wrapped gate", wraps and phase == wrap_ends[detector] - 1)
        visit("tick behind a wrapped gate", wraps and phase == wrap_ends[detector])
        visit("last tick of a period", phase == period - 1)
        visit("first tick of a period", phase == 0)
        visit("click before pulse 0", at < 0)
        before = at // period < epoch.train.latest(slot)
        visit("click two pulses back", before and phase < wrap_ends[detector])
        visit("click in the last slot of an epoch", slot == epoch.slots[-1])

    def _cover_epoch(self, epoch: Epoch, before: dict[str, Any], events: list[Row]) -> None:
        visit, settings, period = self._visit, epoch.settings, epoch.train.period_ticks
        grown = {name for name, value in asdict(self.counters).items() if value != before[name]}
        visit("ignored in hold-off", "ignored_holdoff" in grown and settings.holdoff_pulses > 0)
        visit("outside the gate", "outside_gate" in grown)
        visit("repeat", "repeats" in grown)
        double = "double_pulses" in grown
        visit("double pulse discarded", settings.discard_double and double)
        visit("double pulse reported", not settings.discard_double and double)
        delays = settings.delay_ticks
        extremes = [1 << delays.index(delay) for delay in (-5000, 5000) if delay in delays]
        together = any(all(row[2] & bit for bit in extremes) for row in events)
        visit("event of detectors with delays at opposite extremes", len(extremes) > 1 and together)
        visit("shortest period", period == 1000)
        visit("longest period", period == 100_000)
        visit("fractional period", period.denominator > 1)
        slots = [slot_of(at + epoch.train.origin_ticks) for at, _ in epoch.clicks]
        visit("two detectors in one clock", len(set(slots)) < len(slots))


def play_clicks(front_end: FrontEnd, settings: FrontEndSettings, clicks: Clicks) -> list[Row]:
    """Push clicks by their times at the pins; return the events of pulses that are complete."""
    pins = np.array([at - settings.delay_ticks[d] for at, d in clicks], np.int64)
    end = max(pins.max(initial=0) + 1, 0)
    return rows(front_end.push(pins * 10, [d for _, d in clicks], int(end) * 10))


def rows(events: Events) -> list[Row]:
    columns = (events.pulse, events.phase_ticks, events.mask, events.flags)
    return list(zip(*(column.tolist() for column in columns), strict=True))
