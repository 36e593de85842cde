"""What the golden models make of the very edges that the simulated receiver was given."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from heapq import merge
from pathlib import Path

import numpy as np

from hexkey.events import Events
from hexkey_gateware.design import Design
from hexkey_gateware.slot import TRIGGER_CHANNEL
from hexkey_gateware.tagger.reach import neighbours
from hexkey_sim.cosim.stimulus import PULSE_PS, TRIGGER_PULSE_PS
from hexkey_sim.golden.collector import Collector
from hexkey_sim.golden.front_end import as_events
from hexkey_sim.golden.gate import Gate
from hexkey_sim.golden.hold_off import HoldOff
from hexkey_sim.golden.resolver import Event, Resolver
from hexkey_sim.golden.settings import Click, FrontEndCounters, FrontEndSettings
from hexkey_sim.golden.skew import Skew
from hexkey_sim.golden.tagger import Tagger, equal_table
from hexkey_sim.golden.tagger_line import equal_line
from hexkey_sim.golden.tracker import Tracker
from hexkey_sim.golden.tracker_values import Place, TrackerSettings

CLOCK_FS = 5_000_100  # of the testbench: 5 ns, 20 ppm slow

Edges = list[list[int]]
"""Times of the rising edges of each channel, in ps."""


@dataclass(frozen=True, slots=True)
class Expected:
    """Events, and what was counted on the way.

    Attributes
    ----------
    events : Events
    counters : FrontEndCounters
    first_pulse : int
        Where the stimulus began.
    """

    events: Events
    counters: FrontEndCounters
    first_pulse: int

    def counts(self) -> dict[str, int]:
        """Return what the board's counters of these names must be."""
        counters = self.counters
        names = ("ignored_holdoff", "outside_gate", "repeats", "double_pulses", "events")
        clicks = {f"clicks_{index}": count for index, count in enumerate(counters.clicks)}
        return {**clicks, **{name: getattr(counters, name) for name in names}}

    def difference(self, events: Events) -> str | None:
        """Return in what other events differ from these, None if in nothing."""
        for name in ("pulse", "phase_ticks", "mask", "flags"):
            own, other = getattr(self.events, name), getattr(events, name)
            both = min(len(own), len(other))
            unlike = np.flatnonzero(own[:both] != other[:both])
            if len(unlike):
                at = int(unlike[0])
                return f"event {at} has {name} {other[at]} instead of {own[at]}"
        if len(events) != len(self.events):
            return f"there are {len(events)} events instead of {len(self.events)}"
        return None


def expected_events(
    log: Path, started_ps: int, settings: FrontEndSettings, design: Design
) -> Expected:
    """Return what comes of the edges in the log of a simulation, in the epoch of its one lock.

    Parameters
    ----------
    log : Path
        Lines of a time in ps and a channel.
    started_ps : int
        Time of the trigger edge from which the stimulus counts.
    settings : FrontEndSettings
    design : Design
        With a delay line of equal taps.
    """
    edges = _read(log)
    clock_ps = _clock(max(channel[-1] for channel in edges if channel))
    tags = merge(
        *(_tags(channel, times, clock_ps, settings, design) for channel, times in enumerate(edges))
    )
    clicks, first_pulse = _located(tags, edges[TRIGGER_CHANNEL].index(started_ps), settings)
    counters = FrontEndCounters()
    return Expected(_detected(clicks, settings, counters), counters, first_pulse)


def _read(log: Path) -> Edges:
    edges: Edges = [[] for _ in range(TRIGGER_CHANNEL + 1)]
    with log.open() as lines:
        for line in lines:
            time_ps, channel = line.split()
            edges[int(channel)].append(int(time_ps))
    return edges


def _clock(until_ps: int) -> list[int]:
    return [number * CLOCK_FS // 1000 for number in range(1, until_ps * 1000 // CLOCK_FS + 4)]


def _tags(
    channel: int,
    rises_ps: Sequence[int],
    clock_ps: Sequence[int],
    settings: FrontEndSettings,
    design: Design,
) -> Iterator[tuple[int, int, int]]:
    """Yield slot, channel and ticks before the slot's end, as they come out of a channel's skew."""
    high_ps = TRIGGER_PULSE_PS if channel == TRIGGER_CHANNEL else PULSE_PS
    changes = [each for rise in rises_ps for each in (rise, rise + high_ps)]
    delays_ps = equal_line(design.taps, design.tap_ps)
    table = equal_table(design.taps + 1, design.tap_ps, design.ticks_per_clock)
    tagger = Tagger(delays_ps, table, neighbours(design.lowering, design.tap_ps))
    delay = 0 if channel == TRIGGER_CHANNEL else settings.delay_ticks[channel]
    skew = Skew(delay, design.ticks_per_clock)
    tags = ((tag.slot, tag.fine) for tag in tagger.tags(changes, clock_ps))
    for slot, fine in skew.apply_all(tags):
        yield slot, channel, fine


def _located(
    tags: Iterator[tuple[int, int, int]], started: int, settings: FrontEndSettings
) -> tuple[list[tuple[int, Place]], int]:
    """Return detector and place of each click, and the pulse of trigger edge `started`."""
    tracker = Tracker(TrackerSettings(period_ticks=settings.period_ticks))
    clicks: list[tuple[int, Place]] = []
    edges, first_pulse = 0, -1
    for slot, channel, fine in tags:
        if channel != TRIGGER_CHANNEL:
            place = tracker.locate(slot, fine)
            if place is not None:
                clicks.append((channel, place))
            continue
        if edges == started:
            place = tracker.locate(slot, fine)
            if place is None:
                raise ValueError("the stimulus began before the tracker had locked")
            near = place.phase_ticks > settings.period_ticks // 2  # a little before its time
            first_pulse = place.pulse + near
        tracker.trigger(slot, fine)
        edges += 1
    if tracker.epoch != 1:
        raise ValueError(f"there was lock {tracker.epoch} times, not once")
    return clicks, first_pulse


def _detected(
    clicks: list[tuple[int, Place]], settings: FrontEndSettings, counters: FrontEndCounters
) -> Events:
    """Return what collector, hold-off, gate and resolver make of clicks; pulses are complete."""
    collector, gate = Collector(), Gate(settings)
    hold_off, resolver = HoldOff(settings.holdoff_pulses), Resolver(settings, counters)
    for detector, place in clicks:
        counters.clicks[detector] += 1
        collector.put(_attributed(detector, place, settings))
    events: list[Event] = []
    for pulse, together in collector.close_before(1 << 62):
        if not hold_off.accepts(pulse):
            counters.ignored_holdoff += len(together)
            continue
        gated = [click for click in together if gate.passes(click)]
        counters.outside_gate += len(together) - len(gated)
        event = resolver.resolve(gated)
        if event is not None:
            events.append(event)
    return as_events(events)


def _attributed(detector: int, place: Place, settings: FrontEndSettings) -> Click:
    """Return a click in the pulse in which its gate opened."""
    if place.phase_ticks < settings.wrap_end_ticks[detector]:
        return Click(place.pulse - 1, place.phase_ticks + settings.period_ticks, detector)
    return Click(place.pulse, place.phase_ticks, detector)
