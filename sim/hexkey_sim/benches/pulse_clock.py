"""Bench of `hexkey_gateware.pulse_clock` against `golden.pulse_clock`."""

import math
import random
from fractions import Fraction
from typing import Any

import cocotb

from hexkey.events import DETECTORS
from hexkey_gateware.pulse_clock import PulseClock as Gateware
from hexkey_gateware.slot import CLICK, SLOT, TICKS_PER_CLOCK
from hexkey_sim.benches.coverage import Coverage
from hexkey_sim.benches.slots import Inputs, Train, fine_of, one_a_slot, slot_of
from hexkey_sim.benches.streams import TIMEOUT_US, start
from hexkey_sim.benches.words import pack, unpack
from hexkey_sim.golden.pulse_clock import PulseClock
from hexkey_sim.golden.settings import FrontEndSettings

TRAINS = (  # in the first, pulses begin where slots end; in the second, where they begin, too
    Train(5500, Fraction(1000)),
    Train(5001, Fraction(2500)),
    Train(5123, Fraction(1000)),
    Train(5678, Fraction(25_003, 10)),
    Train(5234, Fraction(300_001, 7)),
    Train(5000, Fraction(100_000)),
    Train(5321, Fraction(99_999_999, 1000)),
)
CORNERS = (
    "tag where the pulse begins",
    "tag a tick before the pulse begins",
    "pulse begins where the slot ends",
    "pulse begins a tick behind the slot before",
    "tags before and behind the beginning in one slot",
    "two tags in one slot",
    "tag at the slot's end",
    "tag at the slot's first tick",
    "tags in consecutive slots of a lane",
    "pulse of two slots",
    "longest phase",
    "tag without lock",
)

Tags = dict[int, dict[int, int]]  # slot: detector: ticks


def make_tags(generator: random.Random, train: Train, slots: range) -> Tags:
    """Return tags, half of them within a tick of where a pulse begins, in some slots one a lane."""
    span = range((slots.start - 1) * TICKS_PER_CLOCK + 1, (slots.stop - 1) * TICKS_PER_CLOCK + 1)
    clicks = []
    for _ in range(len(slots)):
        time_ticks = generator.choice(span)
        if generator.random() < 0.5:
            begins = train.latest(slot_of(time_ticks)) * train.period_ticks + train.origin_ticks
            time_ticks = int(begins // 1) + generator.randrange(-1, 3)
        clicks += [
            (time_ticks + generator.randrange(2), detector)
            for detector in range(DETECTORS)
            if generator.random() < 0.5
        ]
    clicks += [(time_ticks, 0) for time_ticks in span[:: TICKS_PER_CLOCK - 1][:50]]
    tags: Tags = {}
    for time_ticks, detector in one_a_slot(clicks):
        tags.setdefault(slot_of(time_ticks), {})[detector] = time_ticks
    return tags


def cover(coverage: Coverage, train: Train, slot: int, tags: Tags) -> None:
    here, times = tags.get(slot, {}), set(tags.get(slot, {}).values())
    first, last = (slot - 1) * TICKS_PER_CLOCK + 1, slot * TICKS_PER_CLOCK
    pulse, edge = train.latest(slot), train.latest(slot) > train.latest(slot - 1)
    begun = math.ceil(train.origin_ticks + pulse * train.period_ticks)
    coverage.visit(CORNERS[0], begun in times)
    coverage.visit(CORNERS[1], edge and begun - 1 in times)
    coverage.visit(CORNERS[2], begun == last)
    coverage.visit(CORNERS[3], begun == first)
    coverage.visit(CORNERS[4], edge and min(times, default=last) < begun <= max(times, default=0))
    coverage.visit(CORNERS[5], len(here) > 1)
    coverage.visit(CORNERS[6], last in times)
    coverage.visit(CORNERS[7], first in times)
    coverage.visit(CORNERS[8], any(detector in tags.get(slot - 1, {}) for detector in here))
    coverage.visit(CORNERS[9], edge and train.latest(slot - 3) == pulse - 2)
    coverage.visit(
        CORNERS[10], edge and pulse > 0 and begun - 1 in times and train.period_ticks == 100_000
    )


def expect(train: Train, golden: PulseClock, slot: int, tags: Tags) -> dict[int, int]:
    """Return the clicks of a slot by detector."""
    clicks = {}
    for detector, time_ticks in tags.get(slot, {}).items():
        click = golden.attribute(time_ticks - train.origin_ticks, detector)
        before = train.latest(slot) - click.pulse
        clicks[detector] = pack(CLICK, before=before, phase_ticks=click.phase_ticks)
    return clicks


@cocotb.test(timeout_time=TIMEOUT_US, timeout_unit="us")
async def equals_the_golden_model(dut: Any) -> None:
    generator, coverage = random.Random(cocotb.RANDOM_SEED), Coverage(*CORNERS)
    inputs = Inputs(dut)
    await start(dut)
    in_flight: list[tuple[dict[int, int], int]] = [({}, 0)] * Gateware.LATENCY
    for train in TRAINS:
        period_ticks = int(train.period_ticks)
        settings = FrontEndSettings(
            period_ticks=period_ticks, gate_width_ticks=(period_ticks,) * DETECTORS
        )
        golden = PulseClock(settings, train.period_ticks)
        slots = range(train.slot_of(0) - 10, train.slot_of(0) + 1000)
        tags = make_tags(generator, train, slots)
        for slot in slots:
            locked = slot >= train.slot_of(0)
            word = train.word(slot) if locked else pack(SLOT, since=generator.randrange(2**18))
            here = tags.get(slot, {})
            coverage.visit(CORNERS[11], bool(here) and not locked)
            if locked:
                cover(coverage, train, slot, tags)
            clicks = expect(train, golden, slot, tags) if locked else {}
            in_flight.append((clicks, word))
            await inputs(
                slot=word,
                **{f"tags__{d}__valid": 1 for d in here},
                **{f"tags__{d}__payload": fine_of(time_ticks) for d, time_ticks in here.items()},
            )
            wanted, wanted_slot = in_flight.pop(0)
            assert int(dut.clicks_slot.value) == wanted_slot, f"slot {slot}"
            for detector in range(DETECTORS):
                valid = int(getattr(dut, f"clicks__{detector}__valid").value)
                assert valid == (detector in wanted), f"slot {slot}, detector {detector}"
                if valid:
                    got = int(getattr(dut, f"clicks__{detector}__payload").value)
                    assert got == wanted[detector], (
                        f"a click in slot {slot} is {unpack(CLICK, got)}, "
                        f"not {unpack(CLICK, wanted[detector])}"
                    )
    coverage.check()
