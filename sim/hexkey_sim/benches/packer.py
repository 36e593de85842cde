"""Bench of `hexkey_gateware.packer`, a FIFO behind it, against the ledger of `golden.packer`."""

import random
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import cocotb

from hexkey.wire.registers import Mode
from hexkey_gateware.packer import Packer as Gateware
from hexkey_gateware.slot import CONTROL, EVENT, PHASE_BITS
from hexkey_gateware.words import (
    ADVANCE_BITS,
    CONTROL_VALUE,
    EVENT_VALUE,
    NUMBER_BITS,
    SETTINGS_NUMBER,
    WORD,
    Code,
)
from hexkey_sim.benches.coverage import Coverage
from hexkey_sim.benches.slots import Inputs
from hexkey_sim.benches.streams import check_received, start
from hexkey_sim.benches.words import pack, unpack
from hexkey_sim.golden.packer import Ledger, Pulse

TIMEOUT_MS = 2
IDLE_CLOCKS = 4  # until the packer knows of a pulse
FAR_PULSES = (5 << NUMBER_BITS) - 2
"""How far the last item lies behind here at the start of `tells_of_the_far`."""

INPUTS = (
    *("i__valid", "i__payload", "tags__valid", "tags__payload", "o__ready"),
    *("mode", "settings_id", "marker_count", "mark_pulses", "full_for_events", "full_for_groups"),
)

CORNERS = (
    "events in two pulses that follow each other",
    "farthest event that an advance reaches",
    "event one pulse farther",
    "mark without an event",
    "event, marker, settings and epoch in one pulse",
    "control right behind an event",
    "events lost between others",
    "event lost behind its control words",
    "loss at the end of an epoch",
    "loss told in another epoch",
    "epoch told late",
    "epoch merged with the next",
    "settings told late",
    "marker left out",
    "raw tags between control words",
    "events in the pulse that begins or ends raw tags",
    "FIFO full for groups",
    "FIFO empty",
)


class Reader:
    """Reads words as the link does, and tells a ledger; collects raw tags.

    Attributes
    ----------
    tags : list of int
        Words of raw tags.
    codes : list of int
        Of the control words.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._raw = False
        self._high = 0
        self._loss: list[int] = []
        self.tags: list[int] = []
        self.codes: list[int] = []

    def read(self, words: Iterable[int]) -> None:
        for word in words:
            fields = unpack(WORD, word)
            if not fields["kind"]:
                self._control(**unpack(CONTROL_VALUE, fields["value"]))
            elif self._raw:
                self.tags.append(word)
            else:
                self._ledger.event(**unpack(EVENT_VALUE, fields["value"]), mask=fields["kind"])

    def _control(self, number: int, code: int) -> None:
        self.codes.append(code)
        match code:
            case Code.SKIP:
                self._ledger.skip(number)
            case Code.SKIP_HIGH:
                self._ledger.skip(number << NUMBER_BITS)
            case Code.BEGIN:
                self._ledger.begin()
            case Code.SETTINGS:
                settings = unpack(SETTINGS_NUMBER, number)
                self._raw = settings["mode"] == Mode.RAW_TAGS
                self._ledger.commit(settings["id"], settings["mode"])
            case Code.MARKER:
                self._ledger.mark(number)
            case Code.LOSS_HIGH:
                self._high = number << NUMBER_BITS
            case Code.LOSS_FIRST | Code.LOSS_LAST:
                self._loss.append(self._high | number)
                self._high = 0
            case Code.LOSS_COUNT:
                first, last = self._loss
                self._ledger.lose(first, last, number)
                self._loss = []
            case _:
                raise AssertionError(f"there is no control word of code {code}")


class Fifo:
    """The event FIFO: what it says of its room is as late as in the gateware.

    Attributes
    ----------
    drain : float
        Chance of a word to leave in a clock.
    """

    DEPTH, RESERVE, SLACK, GROUP = 256, 64, 32, 32
    FULL_AT = DEPTH - RESERVE - SLACK
    FREE_AT = FULL_AT * 3 // 4
    LATE_CLOCKS = 3

    def __init__(self, generator: random.Random) -> None:
        self._generator = generator
        self._levels = deque([0] * self.LATE_CLOCKS, self.LATE_CLOCKS)
        self._full = False
        self.level = 0
        self.drain = 1.0

    def step(self, *, written: bool) -> dict[str, int]:
        """Take a word, or none; return the inputs for the next clock."""
        self.level += written
        assert self.level <= self.DEPTH - 2, "the FIFO has no room left, not even for groups"
        if self.level and self._generator.random() < self.drain:
            self.level -= 1
        known = self._levels[0]
        self._levels.append(self.level)
        self._full = known >= self.FULL_AT or (self._full and known >= self.FREE_AT)
        groups = self.DEPTH - known <= self.GROUP
        return {"full_for_events": int(self._full), "full_for_groups": int(groups)}


@dataclass(frozen=True, slots=True)
class Phase:
    """A while in which pulses come at the same rates.

    Attributes
    ----------
    pulses : int
    spacing_clocks : tuple of int
        From pulse to pulse.
    events : float
        Chance of one in a pulse.
    control : float
        Chance of control flags in a pulse, at least `control_clocks` behind others.
    drain : float
        Of the FIFO.
    marks : int
        Of `mark_pulses`.
    """

    pulses: int
    spacing_clocks: tuple[int, ...] = (2, 2, 3, 7)
    events: float = 0.3
    control: float = 0.03
    control_clocks: int = 60
    drain: float = 1.0
    marks: int = 40


class World:
    """The front end before the packer and the FIFO behind it, a clock at a time.

    Attributes
    ----------
    words : list of int
        All that came out.
    tags : list of int
        All raw tags that were taken.
    dropped : int
        What the packer says of it.
    """

    SETTINGS_CLOCKS = 250  # between two commits, at least

    def __init__(self, dut: Any, ledger: Ledger, generator: random.Random) -> None:
        self._dut, self.ledger, self._generator = dut, ledger, generator
        self.inputs, self.fifo = Inputs(dut), Fifo(generator)
        self.words: list[int] = []
        self.times: list[int] = []
        self.tags: list[int] = []
        self.dropped = 0
        self.most = 0
        self._levels: dict[str, int] = {}
        self._held = {"mode": 0, "settings_id": 0, "marker_count": 0, "mark_pulses": 1000}
        self._commits = self._markers = 0
        self._controlled_at = self._committed_at = -1000
        self._begun = False
        self.pulses: list[Pulse] = []

    async def clock(self, pulse: Pulse | None = None, *, ready: int = 1) -> None:
        """Let a clock pass, with a pulse or without; read what the packer says in it."""
        dut = self._dut
        sent: dict[str, int] = {}
        if pulse is not None:
            self._put(pulse)
            sent = {"i__valid": 1, "i__payload": word_of(pulse)}
        tag = pack(
            WORD, kind=self._generator.randrange(1, 6), value=self._generator.getrandbits(32)
        )
        full = self._levels.get("full_for_events")  # whoever sends tags heeds it
        offered = not full and self._generator.random() < 0.3
        sent |= {"tags__valid": int(offered), "tags__payload": tag if offered else 0}
        await self.inputs(**sent, **self._held, **self._levels, o__ready=ready)
        written = bool(ready and int(dut.o__valid.value))
        if written:
            self.words.append(int(dut.o__payload.value))
            self.times.append(self.inputs.clock)
        if offered and int(dut.tags__ready.value):
            self.tags.append(tag)
        dropped = int(dut.dropped.value)
        self.dropped += dropped
        self.most = max(self.most, dropped)
        self._levels = self.fifo.step(written=written)

    async def play(self, phase: Phase) -> None:
        self.fifo.drain = phase.drain
        self._held["mark_pulses"] = phase.marks
        for _ in range(phase.pulses):
            pulse = self._make(phase)
            await self.clock(pulse)
            for _ in range(self._generator.choice(phase.spacing_clocks) - 1):
                await self.clock()

    async def until_idle(self, clocks: int = 2000) -> None:
        for passed in range(clocks):
            await self.clock()
            if passed > IDLE_CLOCKS and int(self._dut.idle.value) and not self.fifo.level:
                return
        raise AssertionError("the packer never was idle")

    def check(self) -> Reader:
        """Compare all that went in with all that came out."""
        reader = Reader(self.ledger)
        reader.read(self.words)
        self.ledger.finish()
        check_received(reader.tags, self.tags)
        told = self.ledger.lost + self.ledger.missed
        assert self.dropped == told, f"{self.dropped} events were dropped, {told} are missing"
        return reader

    def _put(self, pulse: Pulse) -> None:
        self.pulses.append(pulse)
        self.ledger.put(pulse)
        if pulse.settings is not None:
            self._held["settings_id"], self._held["mode"] = pulse.settings
        if pulse.marker is not None:
            self._held["marker_count"] = pulse.marker

    def _make(self, phase: Phase) -> Pulse:
        generator, now = self._generator, self.inputs.clock
        fields: dict[str, Any] = {}
        if generator.random() < phase.events:
            phase_ticks = generator.choice(
                (0, generator.getrandbits(PHASE_BITS), 2**PHASE_BITS - 1)
            )
            fields = {"mask": generator.randrange(1, 16), "phase_ticks": phase_ticks}
            fields["flags"] = generator.randrange(4)
        if not self._begun:
            self._begun = fields["begin"] = True
        elif (
            now >= self._controlled_at + phase.control_clocks and generator.random() < phase.control
        ):
            self._controlled_at = now
            fields |= self._control(now)
        return Pulse(**fields)

    def _control(self, now: int) -> dict[str, Any]:
        wanted = self._generator.choice(
            (("begin",), ("settings",), ("marker",), ("begin", "settings", "marker"))
        )
        fields: dict[str, Any] = {"begin": True} if "begin" in wanted else {}
        if "settings" in wanted and now >= self._committed_at + self.SETTINGS_CLOCKS:
            self._committed_at = now
            self._commits += 1
            mode = self._generator.choice((Mode.EVENTS, Mode.EVENTS, Mode.RAW_TAGS, 2))
            fields["settings"] = (self._commits % 256, int(mode))
        if "marker" in wanted:
            self._markers += 1
            fields["marker"] = self._markers
        return fields


def word_of(pulse: Pulse) -> int:
    control = pack(
        CONTROL,
        begin=int(pulse.begin),
        settings=int(pulse.settings is not None),
        marker=int(pulse.marker is not None),
    )
    return pack(
        EVENT,
        mask=pulse.mask,
        phase_ticks=pulse.phase_ticks,
        flags=pulse.flags,
        control=control,
    )


EVENT_PULSE = Pulse(mask=5, phase_ticks=1234, flags=2)
NOTHING = Pulse()
CALM = Phase(400)
PHASES = (
    CALM,
    Phase(300, (2,), events=1, control=0),
    Phase(600, (2, 3), events=0.02, marks=7),
    # The FIFO fills, overflows, and drains again: slowly, fast, for a while not at all.
    Phase(900, (2, 2, 3), events=0.9, drain=0.2, control=0.01),
    Phase(900, (2, 2, 3), events=0.5, drain=0.1, control=0.2),
    CALM,
    Phase(2000, (2, 3), events=0.5, drain=0, control=0.3, marks=50),
    Phase(1200, (2, 3), events=0.3, drain=0.05, control=0.3),
    Phase(600, (3, 4), events=0.2),
)


async def begin(dut: Any, *, here: int = 0, let_miss: bool = False) -> World:
    await start(dut, **dict.fromkeys(INPUTS, 0))
    generator = random.Random(cocotb.RANDOM_SEED)
    return World(dut, Ledger(here=here, let_miss=let_miss), generator)


def cover(coverage: Coverage, world: World, codes: list[int]) -> None:
    """Visit the corners that can be told from what went in and what came of it."""
    pulses, ledger = world.pulses, world.ledger
    for before, pulse in pairwise(pulses):
        coverage.visit(CORNERS[0], bool(before.mask and pulse.mask))
        whole = pulse.begin and pulse.settings is not None and pulse.marker is not None
        coverage.visit(CORNERS[4], bool(whole and pulse.mask))
        controls = pulse.begin or pulse.settings is not None or pulse.marker is not None
        coverage.visit(CORNERS[5], bool(before.mask and controls))
        coverage.visit(CORNERS[15], pulse.settings is not None and pulse.mask > 0)
    for at, code in enumerate(codes):
        following = codes[at + 1 :]
        coverage.visit(CORNERS[6], code == Code.LOSS_COUNT)
        coverage.visit(
            CORNERS[7], code in (Code.SETTINGS, Code.MARKER) and following[:1] == [Code.LOSS_FIRST]
        )
        coverage.visit(CORNERS[8], code == Code.LOSS_COUNT and following[:1] == [Code.BEGIN])
        coverage.visit(CORNERS[9], code == Code.BEGIN and following[:1] == [Code.LOSS_FIRST])
    coverage.visit(CORNERS[10], ledger.late > 0)
    coverage.visit(CORNERS[11], ledger.merged > 0)
    coverage.visit(CORNERS[12], ledger.late > 0)
    coverage.visit(CORNERS[13], ledger.left_out > 0)
    coverage.visit(CORNERS[14], len(world.tags) > 100)


@cocotb.test(timeout_time=TIMEOUT_MS, timeout_unit="ms")
async def tells_of_all_that_goes_in(dut: Any) -> None:
    coverage = Coverage(*CORNERS)
    world = await begin(dut)
    for phase in PHASES * 3:
        await world.play(phase)
        if phase is CALM:
            await world.until_idle()
            coverage.visit("FIFO empty")
        coverage.visit("FIFO full for groups", bool(world._levels["full_for_groups"]))
    world.fifo.drain = 1.0
    await world.until_idle()
    far = 1 << ADVANCE_BITS
    for corner, distance in ((CORNERS[1], far - 1), (CORNERS[2], far)):
        world._held["mark_pulses"] = 2 * far
        await play(world, [EVENT_PULSE, *[NOTHING] * (distance - 1), EVENT_PULSE])
        coverage.visit(corner)
    world._held["mark_pulses"] = 50
    words = len(world.words)
    await play(world, [NOTHING] * 120)
    await world.until_idle()
    coverage.visit(CORNERS[3], len(world.words) >= words + 2)
    reader = world.check()
    assert world.ledger.missed == 0, "an event found no place in the queue"
    cover(coverage, world, reader.codes)
    coverage.check()


async def play(world: World, pulses: Iterable[Pulse], spacing_clocks: int = 2) -> None:
    for pulse in pulses:
        await world.clock(pulse)
        for _ in range(spacing_clocks - 1):
            await world.clock()


@cocotb.test(timeout_time=TIMEOUT_MS, timeout_unit="ms")
async def keeps_numbers_while_groups_come_too_fast(dut: Any) -> None:
    world = await begin(dut, let_miss=True)
    await world.clock(Pulse(begin=True))
    generator = random.Random(cocotb.RANDOM_SEED)
    count = 0
    for at in range(1500):
        marker = None
        in_burst = at % 300 < 200
        if in_burst and generator.random() < 0.9:
            count += 1
            marker = count
        mask = generator.choice((0, 1, 1))
        await world.clock()
        begins = in_burst and at % 6 == 0
        await world.clock(Pulse(mask=mask, phase_ticks=at, begin=begins, marker=marker))
    await world.until_idle()
    world.check()
    ledger = world.ledger
    assert min(ledger.missed, ledger.left_out) > 50, (ledger.missed, ledger.left_out)
    assert world.most == 1, "two events dropped in a clock"


@cocotb.test(timeout_time=TIMEOUT_MS, timeout_unit="ms")
async def waits_for_the_fifo(dut: Any) -> None:
    """Words wait while ``o`` is not ready, unchanged; nothing is lost on their way."""
    world = await begin(dut, let_miss=True)
    generator = random.Random(cocotb.RANDOM_SEED)
    ready = 1
    waiting: int | None = None
    for at in range(6000):
        if generator.random() < 0.1:
            ready = int(generator.random() < 0.6)
        pulse = None
        if at % 4 == 0:
            pulse = EVENT_PULSE if generator.random() < 0.5 else NOTHING
            if at % 200 == 0:
                pulse = Pulse(mask=1, marker=at, begin=at % 400 == 0)
        await world.clock(pulse, ready=ready)
        word = int(dut.o__payload.value) if int(dut.o__valid.value) else None
        assert waiting in (None, word), "a word changed while it waited"
        waiting = None if ready else word
    await world.until_idle()
    world.check()


@cocotb.test(timeout_time=TIMEOUT_MS, timeout_unit="ms")
async def is_as_fast_as_it_says(dut: Any) -> None:
    world = await begin(dut)
    await play(world, [Pulse(begin=True)])
    await world.until_idle()
    for pulse, latency in (
        (EVENT_PULSE, Gateware.LATENCY),
        (Pulse(marker=1, mask=1), Gateware.GROUP_LATENCY),
    ):
        words = len(world.times)
        await world.clock(pulse)
        sent_at = world.inputs.clock
        await world.until_idle()
        took = world.times[words] - sent_at
        assert took == latency, f"{took} clocks, not {latency}"
    # Events in every second clock wait for a group, and then catch up.
    world.times.clear()
    await play(world, [EVENT_PULSE] * 20 + [Pulse(mask=1, marker=2)] + [EVENT_PULSE] * 30)
    await world.until_idle()
    gaps = [b - a for a, b in pairwise(world.times)]
    assert gaps.count(1) > 5
    assert gaps[-3:] == [2, 2, 2]
    world.check()


@cocotb.test(timeout_time=TIMEOUT_MS, timeout_unit="ms")
async def tells_of_the_far(dut: Any) -> None:
    """For a packer that has dropped all for 2^28 pulses and more: distances take two words."""
    world = await begin(dut, here=FAR_PULSES)
    world.fifo.level = Fifo.FULL_AT + 20  # full at once
    world.fifo.drain = 0.0
    for _ in range(2 * Fifo.LATE_CLOCKS):
        await world.clock()
    await play(world, [EVENT_PULSE, NOTHING, EVENT_PULSE] * 3)
    world.fifo.drain = 1.0
    await world.until_idle()
    await play(world, [EVENT_PULSE] * 3)
    await world.until_idle()
    reader = world.check()
    assert world.ledger.lost == 6
    assert reader.codes.count(Code.LOSS_HIGH) == 2
    assert Code.SKIP_HIGH in reader.codes
