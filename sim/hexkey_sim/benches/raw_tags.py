"""Bench of `hexkey_gateware.raw_tags` against `golden.raw_tags`."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import cocotb

from hexkey_gateware.raw_tags import MOST_DROPPED
from hexkey_gateware.raw_tags import RawTags as Gateware
from hexkey_gateware.slot import CHANNELS, TICKS_PER_CLOCK
from hexkey_gateware.words import CONTROL_VALUE, WORD, Code
from hexkey_sim.benches.coverage import Coverage
from hexkey_sim.benches.slots import Inputs
from hexkey_sim.benches.streams import start
from hexkey_sim.benches.words import unpack
from hexkey_sim.golden.raw_tags import LOW_BITS, RawTags

TIMEOUT_MS = 2
LATE_START_TICKS = (1 << LOW_BITS) - 300 * TICKS_PER_CLOCK
"""At the start of `carries_into_the_upper_bits`."""
WORDS_BEHIND_FULL = 16
DRAIN_CLOCKS = 4 * Gateware.SLOTS

CORNERS = (
    "tags of all channels in a slot",
    "tags of all channels in slots that follow each other",
    "tag at the slot's end",
    "tag at the slot's beginning",
    "no room for a slot",
    "thrown away while full",
    "taken back when raw tags end",
    "tag in the first slot that is wanted",
    "tag in the last slot that is wanted",
    "on again",
    "burst that fits",
)

Slot = Sequence[int | None]
NOTHING: Slot = (None,) * CHANNELS


@dataclass(frozen=True, slots=True)
class Phase:
    """A while at the same rates: chances of a tag in each lane, of `full` and of `ready`."""

    clocks: int
    tags: float
    full: float = 0.0
    ready: float = 1.0


class World:
    """The tagger before it and the packer behind it, a clock at a time.

    Attributes
    ----------
    dropped : int
        Tags, as the block says.
    words_behind_full : int
        The most words that came out after `full` rose, until it fell.
    codes : list of int
        Of control words.
    """

    def __init__(self, dut: Any, coverage: Coverage, start_ticks: int = 0) -> None:
        self._dut, self._coverage = dut, coverage
        self.inputs = Inputs(dut)
        self.model = RawTags(TICKS_PER_CLOCK, start_ticks)
        self.on = False
        self.dropped = self.most = 0
        self.words_behind_full = 0
        self.codes: list[int] = []
        self.taken_at: list[int] = []
        self._behind_full = 0
        self._before: Slot = NOTHING

    async def clock(self, slot: Slot = NOTHING, *, full: bool = False, ready: bool = True) -> None:
        dut = self._dut
        self._cover(slot)
        self.model.slot(slot, on=self.on)
        sent = {"on": int(self.on), "full": int(full), "o__ready": int(ready and self.on)}
        for channel, fine in enumerate(slot):
            if fine is not None:
                sent |= {f"tags__{channel}__valid": 1, f"tags__{channel}__payload": fine}
        await self.inputs(**sent)
        dropped = int(dut.dropped.value)
        self.dropped += dropped
        self.most = max(self.most, dropped)
        self._behind_full *= full
        if int(dut.o__valid.value):
            assert self.on, "a word is offered while none is wanted"
            if ready:
                self._read(int(dut.o__payload.value))
                self._behind_full += full
                self.words_behind_full = max(self.words_behind_full, self._behind_full)

    async def turn(self, *, on: bool) -> None:
        """Begin or end raw tags, as a commit does: with some clocks to settle."""
        if on:
            self.model.begin()
        self.on = on
        for _ in range(60):
            await self.clock()

    async def drain(self, clocks: int = DRAIN_CLOCKS) -> None:
        for _ in range(clocks):
            await self.clock()

    def check(self) -> None:
        self.model.finish()
        assert self.dropped == self.model.missing, (
            f"{self.dropped} tags were dropped, {self.model.missing} are missing"
        )
        assert self.most <= MOST_DROPPED

    def _read(self, word: int) -> None:
        self.taken_at.append(self.inputs.clock)
        fields = unpack(WORD, word)
        if fields["kind"]:
            self.model.tag(fields["kind"] - 1, fields["value"])
            return
        control = unpack(CONTROL_VALUE, fields["value"])
        self.codes.append(control["code"])
        assert control["code"] == Code.TIME_HIGH
        self.model.time_high(control["number"])

    def _cover(self, slot: Slot) -> None:
        whole, before = None not in slot, None not in self._before
        self._coverage.visit(CORNERS[0], whole)
        self._coverage.visit(CORNERS[1], whole and before)
        self._coverage.visit(CORNERS[2], 0 in slot)
        self._coverage.visit(CORNERS[3], TICKS_PER_CLOCK - 1 in slot)
        self._before = slot


def some_tags(generator: random.Random, chance: float) -> Slot:
    return [
        generator.choice((0, TICKS_PER_CLOCK - 1, generator.randrange(TICKS_PER_CLOCK)))
        if generator.random() < chance
        else None
        for _ in range(CHANNELS)
    ]


async def begin(dut: Any, coverage: Coverage, start_ticks: int = 0) -> World:
    tags = [f"tags__{channel}__{part}" for channel in range(5) for part in ("valid", "payload")]
    await start(dut, **dict.fromkeys([*tags, "on", "full", "o__ready"], 0))
    return World(dut, coverage, start_ticks)


async def play(world: World, generator: random.Random, phase: Phase) -> None:
    full, ready = False, True
    for clock in range(phase.clocks):
        if clock % 50 == 0:
            full = generator.random() < phase.full
            ready = generator.random() < phase.ready
        await world.clock(some_tags(generator, phase.tags), full=full, ready=ready)


PHASES = (
    Phase(500, 0.02),
    Phase(300, 0.3),
    Phase(100, 1.0),
    Phase(900, 0.05, ready=0.6),
    Phase(2000, 0.8, ready=0.8),
    Phase(1500, 0.3, full=0.5),
    Phase(1000, 0.02),
)


@cocotb.test(timeout_time=TIMEOUT_MS, timeout_unit="ms")
async def tells_each_tag_or_counts_it(dut: Any) -> None:
    generator, coverage = random.Random(cocotb.RANDOM_SEED), Coverage(*CORNERS)
    world = await begin(dut, coverage)
    for _ in range(3):
        await play(world, generator, Phase(100, 0.3))  # not wanted
        await world.turn(on=True)
        await world.clock((None, 3, None, None, None))
        for phase in PHASES:
            dropped = world.dropped
            await play(world, generator, phase)
            coverage.visit("no room for a slot", not phase.full and world.dropped > dropped)
            coverage.visit("thrown away while full", phase.full > 0 and world.dropped > dropped)
        dropped = world.dropped
        await play(world, generator, Phase(60, 1.0))
        await world.turn(on=False)
        await world.drain()
        coverage.visit("taken back when raw tags end", world.dropped > dropped)
    coverage.visit("on again")
    world.check()
    assert world.words_behind_full <= WORDS_BEHIND_FULL, world.words_behind_full
    assert world.most > CHANNELS, "no clock dropped tags of two slots"

    # A burst in which a tag is in the first and in the last slot, and which has room.
    dropped, tags = world.dropped, len(world.model.times)
    world.model.begin()
    world.on = True
    for slot in range(200):
        await world.clock(some_tags(generator, 1.0))
        coverage.visit("tag in the first slot that is wanted", slot == 0)
    await world.drain(12 * 200)
    coverage.visit("burst that fits", world.dropped == dropped)
    assert len(world.model.times) == tags + 200 * CHANNELS
    await world.clock((1, None, None, None, None))
    world.on = False
    coverage.visit("tag in the last slot that is wanted")
    await world.drain(100)
    world.check()
    assert world.dropped == dropped + 1
    coverage.check()


@cocotb.test(timeout_time=TIMEOUT_MS, timeout_unit="ms")
async def is_as_fast_as_it_says(dut: Any) -> None:
    world = await begin(dut, Coverage(*CORNERS))
    await world.turn(on=True)
    await world.clock((None, None, 17, None, None))
    sent_at = world.inputs.clock
    await world.drain(50)
    took = [taken_at - sent_at for taken_at in world.taken_at]
    assert took == [Gateware.LATENCY - 1, Gateware.LATENCY], took
    world.taken_at.clear()
    for _ in range(20):
        await world.clock((1, None, None, None, None))
    await world.clock((1, 2, 3, 4, 5))
    await world.drain(100)
    gaps = [b - a for a, b in pairwise(world.taken_at)]
    assert gaps == [4] * 19 + [4, *[2] * 4], gaps
    world.check()


@cocotb.test(timeout_time=TIMEOUT_MS, timeout_unit="ms")
async def carries_into_the_upper_bits(dut: Any) -> None:
    """For a clock that was started 43 s ago: tags before and behind the turn, also in one slot."""
    generator = random.Random(cocotb.RANDOM_SEED)
    world = await begin(dut, Coverage(*CORNERS), LATE_START_TICKS)
    await world.turn(on=True)
    await play(world, generator, Phase(200, 0.3))
    for _ in range(60):  # in one slot, channel 0 is behind the turn and channel 1 before it
        await world.clock((0, TICKS_PER_CLOCK - 1, 1, TICKS_PER_CLOCK - 2, 0))
    await play(world, generator, Phase(200, 0.3))
    await world.drain()
    world.check()
    turn = 1 << LOW_BITS
    times = [time_ticks for _, time_ticks in world.model.times]
    assert any(b < turn <= a for a, b in pairwise(times))
    assert world.dropped == 0
    assert 4 <= len(world.codes) <= 6, len(world.codes)
