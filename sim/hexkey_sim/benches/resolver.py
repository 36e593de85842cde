"""Bench of `hexkey_gateware.resolver` against `golden.resolver`."""

import random
from typing import Any

import cocotb

from hexkey.events import DETECTORS, FLAG_HOLDOVER, FLAG_REPEAT
from hexkey.wire import PAIRS
from hexkey.wire.registers import DoubleClick
from hexkey_gateware.slot import CONTROL, EVENT
from hexkey_sim.benches.coverage import Coverage
from hexkey_sim.benches.pulses import GATE, Pulse
from hexkey_sim.benches.slots import Inputs
from hexkey_sim.benches.streams import TIMEOUT_US, start
from hexkey_sim.benches.words import pack, unpack
from hexkey_sim.golden.resolver import Resolver
from hexkey_sim.golden.settings import Click, FrontEndCounters, FrontEndSettings

CORNERS = (
    "no click",
    "one detector",
    "two detectors",
    "three detectors",
    "all detectors",
    "repeat",
    "repeat in a double pulse",
    "repeat in a double pulse that is discarded",
    "double pulse discarded",
    "double pulse reported",
    "holdover",
    "control flags without an event",
    "control flags of a discarded pulse",
    "pulses in clocks that follow each other",
)


def some_pulse(generator: random.Random) -> Pulse:
    """Return a pulse with clicks inside the gate only: what is outside goes no further."""
    detectors = [d for d in range(DETECTORS) for _ in range(generator.choice((0, 0, 0, 1, 1, 3)))]
    return Pulse(
        clicks=[Click(0, generator.choice(GATE), detector) for detector in detectors],
        holdover=int(generator.random() < 0.2),
        control={name: int(generator.random() < 0.1) for name, _ in CONTROL},
    )


def cover(coverage: Coverage, pulse: Pulse, discard: bool) -> None:
    visit, detectors = coverage.visit, {click.detector for click in pulse.clicks}
    for count, corner in enumerate(CORNERS[:5]):
        visit(corner, len(detectors) == count)
    repeat, double = len(pulse.clicks) > len(detectors), len(detectors) > 1
    visit("repeat", repeat and not double)
    visit("repeat in a double pulse", repeat and double and not discard)
    visit("repeat in a double pulse that is discarded", repeat and double and discard)
    visit("double pulse discarded", double and discard)
    visit("double pulse reported", double and not discard)
    visit("holdover", bool(pulse.holdover and detectors))
    flagged = any(pulse.control.values())
    visit("control flags without an event", flagged and not detectors)
    visit("control flags of a discarded pulse", flagged and double and discard)


def expect(pulse: Pulse, golden: Resolver) -> dict[str, int]:
    """Return what means something of the event."""
    event = golden.resolve(sorted(pulse.clicks))
    control = pack(CONTROL, **pulse.control)
    if event is None:
        return {"mask": 0, "control": control}
    flags = event.flags | (FLAG_HOLDOVER if pulse.holdover else 0)
    assert event.flags in (0, FLAG_REPEAT)
    fields = {"phase_ticks": event.phase_ticks, "flags": flags}
    return {"mask": event.mask, **fields, "control": control}


@cocotb.test(timeout_time=TIMEOUT_US, timeout_unit="us")
async def equals_the_golden_model(dut: Any) -> None:
    generator, coverage = random.Random(cocotb.RANDOM_SEED), Coverage(*CORNERS)
    inputs, counters = Inputs(dut), FrontEndCounters()
    names = ("repeats", "double_pulses", "events", *(f"pairs_{n}" for n in range(len(PAIRS))))
    counted = dict.fromkeys(names, 0)
    await start(dut)
    for discard in (False, True):
        dut.double_click.value = DoubleClick.DISCARD if discard else DoubleClick.REPORT
        golden = Resolver(FrontEndSettings(discard_double=discard), counters)
        wanted: dict[str, int] | None = None
        for at in range(800):
            pulse = some_pulse(generator) if generator.random() < 0.7 and at < 799 else None
            sent = {} if pulse is None else {"i__valid": 1, "i__payload": pulse.word()}
            await inputs(**sent)
            assert int(dut.o__valid.value) == (wanted is not None)
            if wanted is not None:
                event = unpack(EVENT, int(dut.o__payload.value))
                got = {name: event[name] for name in wanted}
                assert got == wanted, f"an event is {got}, not {wanted}"
            for name in names:
                counted[name] += int(getattr(dut, name).value)
            if pulse is not None:
                coverage.visit(CORNERS[-1], wanted is not None)
                cover(coverage, pulse, discard)
            wanted = None if pulse is None else expect(pulse, golden)
    for name in names[:3]:
        assert counted[name] == getattr(counters, name), name
    assert [counted[name] for name in names[3:]] == counters.pairs
    coverage.check()
