"""Bench of `hexkey_gateware.link.uplink`: words of the FIFO in, the host's parser as judge."""

import random
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import cocotb

from hexkey.wire import MAX_RECORDS, NARROW, Frame, Kind, RegisterReply, RegisterStatus
from hexkey.wire.layout import LAYOUTS
from hexkey.wire.registers import Mode
from hexkey_gateware.slot import MAX_PERIOD_TICKS
from hexkey_sim.benches.coverage import Coverage
from hexkey_sim.benches.streams import check_received, clocks, pauses
from hexkey_sim.benches.uplink_board import CLOCKS_PER_10_MS, Board
from hexkey_sim.benches.uplink_words import NUMBERS, Story

TIMEOUT_US = 5_000
BEGIN_CLOCKS = 80  # until a frame's first bytes are on the line
NARROW_PHASE, WIDE_PHASE = NARROW.limit("phase_ticks"), 2 * MAX_PERIOD_TICKS - 1
COMMITTED = 0xABCDEF00  # the upper bits of ids, which words do not carry

CORNERS = (
    "first begin",
    "later begin",
    "event with advance 0",
    "skip added to an advance",
    "skip as a long advance",
    "skips too long for a frame",
    "frame with all the records it may have",
    "no room for a long advance and its event",
    "no word left for a frame",
    "loss before any event",
    "loss behind an event",
    "loss far away",
    "marker between events",
    "narrow events",
    "wide events",
    "raw tags",
    "time's high part within a frame",
    "reply behind events",
)


def cover_frames(coverage: Coverage, frames: Sequence[Frame]) -> None:
    told = [frame for frame in frames if frame.header.kind is not Kind.STATUS]
    for frame, following in pairwise(told):
        kind, then = frame.header.kind, following.header.kind
        coverage.visit("loss behind an event", kind is Kind.EVENTS and then is Kind.LOSS)
        coverage.visit("reply behind events", kind is Kind.EVENTS and then is Kind.REGISTER_REPLY)
        if kind is not Kind.EVENTS:
            continue
        coverage.visit("marker between events", then is Kind.MARKER)
        records = len(frame.body) // frame.header.record_bytes
        coverage.visit("frame with all the records it may have", records == MAX_RECORDS)
        if then is Kind.EVENTS:
            skipped = following.header.pulse - frame.header.pulse >= NUMBERS
            coverage.visit("no room for a long advance and its event", records == MAX_RECORDS - 1)
            coverage.visit("no word left for a frame", records < MAX_RECORDS - 1 and not skipped)
            coverage.visit("skips too long for a frame", records < MAX_RECORDS - 1 and skipped)
    for frame in told:
        kind, width = frame.header.kind, frame.header.record_bytes
        coverage.visit("raw tags", kind is Kind.TAGS)
        if kind is Kind.EVENTS:
            coverage.visit("narrow events" if width == 4 else "wide events")
            cover_records(coverage, frame)


def cover_records(coverage: Coverage, frame: Frame) -> None:
    layout = LAYOUTS[frame.header.record_bytes]
    for at in range(0, len(frame.body), layout.record_bytes):
        record = int.from_bytes(frame.body[at : at + layout.record_bytes], "little")
        advance = record >> layout.shift("advance") & layout.limit("advance")
        is_event = record >> layout.shift("mask") != 0
        coverage.visit("skip as a long advance", not is_event)
        coverage.visit("skip added to an advance", is_event and layout is NARROW and advance > 4095)


SKIPS = (0, 1, 4000, 4096, 8191, 8192, 100_000, NUMBERS - 1)


def some_events(
    story: Story, generator: random.Random, count: int, longest_phase: int, skips: float = 0.04
) -> None:
    """Tell of events, with pauses that need skips now and then."""
    for _ in range(count):
        if generator.random() < skips:
            story.skip(generator.choice(SKIPS))
        story.event(
            generator.choice((1, 2, generator.randrange(1, 4096), 4095)),
            generator.choice((0, 2500, longest_phase)),
            generator.randrange(4),
            generator.randrange(1, 16),
        )


class Play:
    """One story after the other for the board, each begun once the one before was read."""

    def __init__(self, board: Board, generator: random.Random) -> None:
        self.board, self.generator, self.story = board, generator, Story()
        self._longest_phase = NARROW_PHASE
        self._ids = 0

    async def send(self) -> None:
        """Send what was told in pieces, so that the FIFO is empty now and then."""
        words, self.story.words = self.story.words, []
        while words:
            size = self.generator.choice((1, 3, 50, len(words)))
            self.board.waiting.extend(words[:size])
            del words[:size]
            await clocks(self.board.dut, self.generator.choice((0, 3, 30, 300, CLOCKS_PER_10_MS)))

    async def commit(self, *, wide: bool = False, mode: Mode = Mode.EVENTS) -> None:
        await self.board.until_quiet()
        self._ids += 1
        self._longest_phase = WIDE_PHASE if wide else NARROW_PHASE
        self.board.dut.wide.value = int(wide)
        self.board.dut.settings_id.value = COMMITTED + self._ids
        self.story.commit(COMMITTED + self._ids, mode)
        await self.send()
        await self.board.until_quiet()

    async def events(self) -> None:
        count = self.generator.choice((1, 5, 30, 300))
        some_events(self.story, self.generator, count, self._longest_phase)
        await self.send()

    async def fill_frames(self) -> None:
        """Have a skip where its frame has room for one record, and two too long for any."""
        some_events(self.story, self.generator, MAX_RECORDS - 1, NARROW_PHASE, 0)
        self.story.skip(100_000)
        some_events(self.story, self.generator, MAX_RECORDS + 10, NARROW_PHASE, 0)
        self.story.skip(NUMBERS - 1)
        self.story.skip(7)
        some_events(self.story, self.generator, MAX_RECORDS, NARROW_PHASE, 0)
        self.board.waiting.extend(self.story.words)
        self.story.words.clear()

    async def run_dry(self) -> None:
        """Have a frame end because no word is there, and events behind it."""
        for _ in range(2):
            await self.board.until_quiet()
            some_events(self.story, self.generator, 3, self._longest_phase, 0)
            await self.send()

    async def jump(self) -> None:
        self.story.skip(self.generator.choice((NUMBERS, 5 * NUMBERS + 3, 2**40)))
        await self.send()

    async def begin(self) -> None:
        self.story.begin()
        self.story.event(0, 17)
        await self.send()

    async def mark(self) -> None:
        self.story.mark(self.generator.randrange(NUMBERS))
        await self.send()

    async def lose(self) -> None:
        first = self.generator.choice((1, 1000, NUMBERS - 1, NUMBERS, 2**40 + 5))
        self.story.lose(first, first + self.generator.choice((0, 3, 2**30)), 12)
        await self.send()


def some_tags(story: Story, generator: random.Random, time_ticks: int, count: int) -> int:
    for _ in range(count):
        time_ticks += generator.choice((0, 500, 2**31))
        story.tag(generator.randrange(5), time_ticks)
    return time_ticks


@cocotb.test(timeout_time=TIMEOUT_US, timeout_unit="us")
async def says_what_the_words_say(dut: Any) -> None:
    generator, coverage = random.Random(cocotb.RANDOM_SEED), Coverage(*CORNERS)
    board = Board(dut)
    play = Play(board, generator)
    await board.start(pauses(2, 0.3))
    play.story.begin()
    coverage.visit("first begin")
    await play.lose()
    coverage.visit("loss before any event")
    replies = cocotb.start_soon(some_replies(board, generator))
    for wide in (False, True):
        await play.commit(wide=wide)
        for _ in range(12):
            act = generator.choice((play.events, play.events, play.jump, play.mark, play.lose))
            await act()
        await play.run_dry()
        await play.mark()
        await play.events()
        await play.lose()
        await play.begin()
        coverage.visit("later begin")
        coverage.visit("event with advance 0")
        coverage.visit("loss far away")
        await play.events()
    await play.commit()
    await play.fill_frames()
    await play.commit(mode=Mode.RAW_TAGS)
    time_ticks = 2**59
    for _ in range(10):
        time_ticks = some_tags(play.story, generator, time_ticks, generator.randrange(1, 300))
        play.story.skip(400_000)
        await play.send()
    coverage.visit("time's high part within a frame")
    await play.lose()
    await play.commit()
    await play.events()
    sent = await replies
    await clocks(dut, CLOCKS_PER_10_MS)
    await board.until_quiet()

    board.host.check()
    check_received(board.host.items(), play.story.model.items)
    received = [frame.body for frame in board.host.of(Kind.REGISTER_REPLY)]
    check_received(received, [reply.encode() for reply in sent])
    cover_frames(coverage, board.host.frames)
    coverage.check()


async def some_replies(board: Board, generator: random.Random) -> list[RegisterReply]:
    sent = []
    for _ in range(30):
        await clocks(board.dut, generator.randrange(1, 2000))
        numbers = generator.getrandbits(16), generator.getrandbits(16), generator.getrandbits(32)
        reply = RegisterReply(numbers[0], generator.choice(list(RegisterStatus)), *numbers[1:])
        await board.reply(reply)
        sent.append(reply)
    return sent


@cocotb.test(timeout_time=TIMEOUT_US, timeout_unit="us")
async def waits_for_a_full_frame_or_10_ms(dut: Any) -> None:
    board, story = Board(dut), Story()
    generator = random.Random(cocotb.RANDOM_SEED)
    await board.start()
    for count, wait in (
        (MAX_RECORDS - 1, CLOCKS_PER_10_MS),
        (MAX_RECORDS, 0),
        (1, CLOCKS_PER_10_MS),
    ):
        some_events(story, generator, count, NARROW_PHASE, 0)
        board.waiting.extend(story.words)
        story.words.clear()
        before = board.bytes_sent
        await clocks(dut, max(0, wait - 2))
        assert board.bytes_sent == before, "begun too early"
        await clocks(dut, BEGIN_CLOCKS)
        assert board.bytes_sent > before, "begun too late"
        await board.until_quiet()
    sizes = [len(frame.body) // 4 for frame in board.host.of(Kind.EVENTS)]
    assert sizes == [MAX_RECORDS - 1, MAX_RECORDS, 1]
