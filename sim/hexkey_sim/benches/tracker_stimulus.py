"""Triggers for the sync tracker: steady ones, bad ones, and scenes in which settings change."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from hexkey_sim.golden.tracker_values import TrackerSettings

Tags = dict[int, int]
"""Slot to `fine`."""

DEFAULT_DRIFT = 1074
FAST_DRIFT = 1 << 20
PERIODS_TICKS = (1000, 1001, 1003, 1250, 2500, 2500, 3333, 5000, 12_345)
DIVIDERS = (1, 1, 1, 2, 3, 4, 7, 8)


@dataclass(frozen=True, slots=True)
class Trigger:
    """A trigger and what is wrong with it.

    Attributes
    ----------
    period_ticks : float
        From pulse to pulse.
    divider : int
        Pulses to an edge.
    jitter_ticks : float
        Standard deviation of an edge.
    missing, extra, steps, gaps : float
        Chances at each edge: it does not come; another comes, anywhere; from here on all come up to
        `step_periods` later or earlier; the next ones, up to 60, do not come.
    step_periods : float
        Of the trigger's period.
    chirp : float
        Part by which the period gets shorter with each edge.
    """

    period_ticks: float
    divider: int = 1
    jitter_ticks: float = 0
    missing: float = 0
    extra: float = 0
    steps: float = 0
    gaps: float = 0
    step_periods: float = 0.4
    chirp: float = 0

    def tags(self, generator: random.Random, slots: int, ticks_per_clock: int) -> Tags:
        """Return its tags in the slots from 0 on."""
        tags: Tags = {}
        for time in self._edges(generator, slots * ticks_per_clock):
            slot = -(-time // ticks_per_clock)
            if 0 <= slot < slots:
                tags.setdefault(slot, slot * ticks_per_clock - time)
        return tags

    def _edges(self, generator: random.Random, end_ticks: int) -> Iterator[int]:
        interval = self.period_ticks * self.divider
        time, silent_edges = generator.uniform(0, interval), 0
        while time < end_ticks:
            if generator.random() < self.steps:
                time += generator.uniform(-self.step_periods, self.step_periods) * interval
            if generator.random() < self.gaps:
                silent_edges = generator.randrange(1, 60)
            if silent_edges:
                silent_edges -= 1
            elif generator.random() >= self.missing:
                yield round(generator.gauss(time, self.jitter_ticks))
            if generator.random() < self.extra:
                yield round(time + generator.uniform(-0.5, 0.5) * interval)
            interval *= 1 - self.chirp
            time += interval


@dataclass(frozen=True, slots=True)
class Scene:
    """Some slots: a trigger, the settings at first, and others that follow."""

    settings: TrackerSettings
    trigger: Trigger | None
    slots: int
    changes: dict[int, TrackerSettings] = field(default_factory=dict)

    def tags(self, generator: random.Random, ticks_per_clock: int) -> Tags:
        trigger = self.trigger
        return trigger.tags(generator, self.slots, ticks_per_clock) if trigger else {}


def random_scene(generator: random.Random, slots: int, step: int = 1) -> Scene:
    """Return a scene in which anything may happen; settings change in slots that `step` divides."""
    choose = generator.choice
    settings = TrackerSettings(
        choose((*PERIODS_TICKS, generator.randrange(1000, 20_000))),
        choose((*DIVIDERS, generator.randrange(1, 30))),
        choose((0, 3, 4, 4, 5, 6)),
        choose((0, DEFAULT_DRIFT, DEFAULT_DRIFT, 1 << 18, FAST_DRIFT)),
    )
    off = generator.uniform(-1, 1) * choose((0, 1e-4, 1e-3, 1e-2))
    trigger = Trigger(
        settings.period_ticks * (1 + off),
        settings.trigger_divider,
        jitter_ticks=choose((0, 2, 5, 20, 60)),
        missing=choose((0, 0, 0.02, 0.1, 0.3)),
        extra=choose((0, 0, 0.02, 0.1)),
        steps=choose((0, 0, 0.003)),
        gaps=choose((0, 0.002)),
        chirp=choose((0, 0, 0, 1e-5)),
    )
    changes: dict[int, TrackerSettings] = {}
    for _ in range(choose((0, 0, 1, 2, 3))):
        changes[generator.randrange(slots // step) * step] = _changed(generator, settings)
    return Scene(settings, trigger, slots, changes)


def _changed(generator: random.Random, settings: TrackerSettings) -> TrackerSettings:
    name, value = generator.choice(
        (
            ("period_ticks", settings.period_ticks + settings.period_ticks // 50),
            ("trigger_divider", generator.choice((1, 2, 3))),
            ("loop_shift", generator.choice((0, 4, 6, 10))),
            ("holdover_drift", generator.choice((0, DEFAULT_DRIFT, 1 << 19))),
        )
    )
    return replace(settings, **{name: value})
