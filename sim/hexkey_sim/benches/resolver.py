"""Bench of `hexkey_gateware.resolver` against `golden.collector` and `golden.resolver`."""

import random
from typing import Any

import cocotb

from hexkey.events import DETECTORS, FLAG_REPEAT
from hexkey.wire import NARROW
from hexkey.wire.registers import DoubleClick
from hexkey_gateware.event import event_layout
from hexkey_sim.benches.attribution import click
from hexkey_sim.benches.coverage import Coverage
from hexkey_sim.benches.streams import (
    TIMEOUT_US,
    Get,
    Put,
    check_received,
    clocks,
    never,
    pauses,
    start,
)
from hexkey_sim.golden.collector import Collector
from hexkey_sim.golden.resolver import Event, Resolver
from hexkey_sim.golden.settings import Click, FrontEndCounters, FrontEndSettings

EVENT = event_layout(NARROW)
CORNERS = (
    "one detector",
    "two detectors",
    "all detectors",
    "two detectors at one phase",
    "later lane, earlier phase",
    "repeat",
    "repeat of two detectors",
    "neighbouring pulses",
    "pulse of marks only",
    "mark before the first pulse",
    "double click discarded",
    "double click reported",
)

Pulse = list[Click]


def make_pulse(generator: random.Random, pulse: int) -> Pulse:
    """Return a pulse's clicks, by detector and phase."""
    phases = generator.choice((range(8), range(5000)))  # few phases: ties
    return [
        Click(pulse, phase, detector)
        for detector in range(DETECTORS)
        for phase in sorted(generator.choices(phases, k=generator.choice((0, 0, 0, 1, 1, 2, 3))))
    ]


def make_pulses(generator: random.Random, first: int, count: int) -> list[Pulse]:
    pulses, pulse = [], first
    for _ in range(count):
        pulses.append(make_pulse(generator, pulse))
        pulse += generator.choice((1, 1, 2, 7, 2**31))
    return pulses


def cover(coverage: Coverage, pulses: list[Pulse], discard: bool) -> None:
    for clicks in pulses:
        detectors = [click.detector for click in clicks]
        distinct, repeats = set(detectors), {d for d in detectors if detectors.count(d) > 1}
        first = {d: min(c.phase_ticks for c in clicks if c.detector == d) for d in distinct}
        coverage.visit(CORNERS[0], len(distinct) == 1)
        coverage.visit(CORNERS[1], len(distinct) == 2)
        coverage.visit(CORNERS[2], len(distinct) == DETECTORS)
        coverage.visit(CORNERS[3], len(set(first.values())) < len(first))
        coverage.visit(CORNERS[4], any(first[a] > first[b] for a in first for b in first if a < b))
        coverage.visit(CORNERS[5], len(repeats) == 1)
        coverage.visit(CORNERS[6], len(repeats) == 2)
        coverage.visit(CORNERS[8], not clicks)
        coverage.visit(CORNERS[10 if discard else 11], len(distinct) > 1)
    numbers = {clicks[0].pulse for clicks in pulses if clicks}
    coverage.visit(CORNERS[7], any(pulse + 1 in numbers for pulse in numbers))


def make_lanes(generator: random.Random, pulses: list[Pulse], end: int) -> list[list[int]]:
    """Return the items of each lane: its clicks, marks at whim, and a mark at the end."""
    lanes: list[list[int]] = [[] for _ in range(DETECTORS)]
    for detector, lane in enumerate(lanes):
        if generator.random() < 0.5:
            lane.append(mark(pulses[0][0].pulse if pulses[0] else 0))
        for clicks in pulses:
            mine = [c for c in clicks if c.detector == detector]
            if clicks and generator.random() < 0.3:
                lane.append(mark(clicks[0].pulse))
            lane += [click(c.pulse, c.phase_ticks, True) for c in mine]
            if mine and generator.random() < 0.2:
                lane.append(mark(mine[0].pulse))
        lane.append(mark(end))
    return lanes


def mark(pulse: int) -> int:
    return click(pulse, 0, False)


def as_event(payload: int) -> Event:
    fields = EVENT.from_bits(payload)
    return Event(fields.pulse, fields.phase_ticks, fields.mask, fields.flags)


def expect(pulses: list[Pulse], end: int, golden: Resolver) -> list[Event]:
    collector = Collector()
    for clicks in pulses:
        for each in clicks:
            collector.put(each)
    resolved = [golden.resolve(clicks) for _, clicks in collector.close_before(end)]
    return [event for event in resolved if event is not None]


def check_counters(dut: Any, counters: FrontEndCounters) -> None:
    for name in ("repeats", "double_pulses", "events"):
        assert int(getattr(dut, name).value) == getattr(counters, name), name
    pairs = [int(getattr(dut, f"pairs__{index}").value) for index in range(len(counters.pairs))]
    assert pairs == counters.pairs


async def put_all(puts: list[Put], lanes: list[list[int]], generator: random.Random) -> None:
    """Send all lanes at once, each with pauses of its own: one waits for the other."""
    pausing = (never, pauses(generator.randrange(99), 0.4), pauses(generator.randrange(99), 0.8))
    sending = [
        cocotb.start_soon(put(lane, generator.choice(pausing)))
        for put, lane in zip(puts, lanes, strict=True)
    ]
    for each in sending:
        await each


@cocotb.test(timeout_time=TIMEOUT_US, timeout_unit="us")
async def equals_the_golden_models(dut: Any) -> None:
    generator, coverage = random.Random(cocotb.RANDOM_SEED), Coverage(*CORNERS)
    puts, get = [Put(dut, f"lanes__{d}") for d in range(DETECTORS)], Get(dut, "o")
    counters = FrontEndCounters()
    await start(dut, clear=0, double_click=DoubleClick.REPORT)
    cocotb.start_soon(get.forever(pauses(2, 0.7)))
    await put_all(puts, [[mark(-1)]] * DETECTORS, generator)
    coverage.visit(CORNERS[9])
    expected: list[Event] = []
    for discard, first in ((False, 0), (True, 2**40), (False, 2**62)):
        dut.double_click.value = DoubleClick.DISCARD if discard else DoubleClick.REPORT
        pulses = make_pulses(generator, first, 150)
        cover(coverage, pulses, discard)
        end = max(clicks[0].pulse for clicks in pulses if clicks) + 3
        golden = Resolver(FrontEndSettings(discard_double=discard), counters)
        expected += expect(pulses, end, golden)
        await put_all(puts, make_lanes(generator, pulses, end), generator)
        await clocks(dut, 100)
        check_received([as_event(payload) for payload in get.received], expected)
        check_counters(dut, counters)
        assert int(dut.next_pulse.value) == end
    assert all(put.stalls for put in puts)
    assert get.stalls
    coverage.check()


@cocotb.test(timeout_time=TIMEOUT_US, timeout_unit="us")
async def waits_for_a_lane_that_may_still_click(dut: Any) -> None:
    puts, get = [Put(dut, f"lanes__{d}") for d in range(DETECTORS)], Get(dut, "o")
    await start(dut, clear=0, double_click=DoubleClick.REPORT)
    cocotb.start_soon(get.forever())
    for put in puts[1:]:
        cocotb.start_soon(put([click(5, 200, True), mark(6)]))
    await clocks(dut, 50)
    assert not get.received
    await puts[0]([click(5, 100, True), click(5, 300, True)])
    await clocks(dut, 50)
    assert not get.received
    assert int(dut.next_pulse.value) == 5
    await puts[0]([mark(6)])
    await clocks(dut, 5)
    assert [as_event(payload) for payload in get.received] == [Event(5, 100, 0b1111, FLAG_REPEAT)]
    assert int(dut.next_pulse.value) == 6


@cocotb.test(timeout_time=TIMEOUT_US, timeout_unit="us")
async def takes_a_pulse_every_four_clocks(dut: Any) -> None:
    puts, get = [Put(dut, f"lanes__{d}") for d in range(DETECTORS)], Get(dut, "o")
    await start(dut, clear=0, double_click=DoubleClick.REPORT)
    cocotb.start_soon(get.forever())
    for put in puts:
        cocotb.start_soon(put([click(pulse, 100, True) for pulse in range(51)]))
    await clocks(dut, 4 * 52)
    assert len(get.received) == 50
    gaps = [b - a for a, b in zip(get.received_at[:-1], get.received_at[1:], strict=True)]
    assert gaps == [4] * 49
    dut.clear.value = 1
    await clocks(dut, 2)
    check_counters(dut, FrontEndCounters())
