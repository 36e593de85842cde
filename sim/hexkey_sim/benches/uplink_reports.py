"""Bench of `hexkey_gateware.link.uplink`: reports, and how runs begin and stop."""

import random
from itertools import pairwise
from typing import Any

import cocotb
import numpy as np

from hexkey.wire import (
    Counters,
    Histogram,
    Identification,
    Kind,
    Pairs,
    RegisterReply,
    RegisterStatus,
    Status,
)
from hexkey.wire.registers import Source
from hexkey.wire.tagger import G2, CodeDensity
from hexkey_sim.benches.coverage import Coverage
from hexkey_sim.benches.streams import check_received, clocks, pauses
from hexkey_sim.benches.uplink_board import (
    CLOCKS_PER_10_MS,
    CLOCKS_PER_100_MS,
    CODES,
    TOTALS,
    Board,
    halves,
)
from hexkey_sim.benches.uplink_words import Story

TIMEOUT_US = 2_000
SECOND = 10 * CLOCKS_PER_100_MS
BAD_REQUESTS = 11
OF_A_RUN = (Kind.COUNTERS, Kind.PAIRS, Kind.STATUS, Kind.HISTOGRAM, Kind.G2)
LAST_TOTALS = (Kind.COUNTERS, Kind.PAIRS, Kind.STATUS)


def some_totals(generator: random.Random) -> list[int]:
    return [generator.getrandbits(64) for _ in range(TOTALS)]


def steady_events(count: int) -> list[int]:
    story = Story()
    for _ in range(count):
        story.event(100, 1234)
    return story.words


async def steady_light(board: Board, clocks_per_event: int) -> None:
    while True:
        board.waiting.extend(steady_events(1))
        await clocks(board.dut, clocks_per_event)


@cocotb.test(timeout_time=TIMEOUT_US, timeout_unit="us")
async def reports_in_time(dut: Any) -> None:
    """A second of each: stopped, running, running while codes are counted."""
    generator = random.Random(cocotb.RANDOM_SEED)
    board = Board(dut)
    board.totals = some_totals(generator)
    bins = [[generator.getrandbits(32) for _ in range(24)] for _ in range(4)]
    lags = [generator.getrandbits(64) for _ in range(34)]
    codes = [generator.getrandbits(32) for _ in range(CODES)]
    board.readouts = {"histogram": bins, "g2": [halves(lags)], "density": [codes] * 2}
    await board.start(
        pauses(3, 0.2),
        histogram__offset_ticks=77,
        histogram__bin_ticks=65535,
        g2__pair=3 << 2 | 1,
        status__levels=0b10010,
        status__stuck=0b10000,
        status__flags=0b100111,
    )
    host = board.host
    await clocks(dut, SECOND + CLOCKS_PER_10_MS)
    assert [frame.header.kind for frame in host.frames] == 2 * [Kind.STATUS]
    stopped = Status.decode(host.frames[0].body)
    assert stopped == Status(0, 0b10010, True, False, 0b10000, holdover=True, tags_lost=True)

    host.frames.clear()
    await board.strobe("bad_request")
    dut.running.value = 1
    light = cocotb.start_soon(steady_light(board, 600))
    await clocks(dut, SECOND + CLOCKS_PER_100_MS - CLOCKS_PER_10_MS)
    counts = {kind: len(host.of(kind)) for kind in OF_A_RUN}
    assert counts == dict(zip(OF_A_RUN, (10, 10, 10, 4, 1), strict=True)), counts
    assert not host.of(Kind.CODE_DENSITY)
    expected = [1 if at == BAD_REQUESTS else board.totals[at] for at in range(TOTALS)]
    assert ("totals", BAD_REQUESTS) not in board.asked
    assert {frame.body for frame in host.of(Kind.COUNTERS)} == {Counters(*expected[:12]).encode()}
    assert {frame.body for frame in host.of(Kind.PAIRS)} == {Pairs(tuple(expected[12:])).encode()}
    assert all(Status.decode(frame.body).running for frame in host.of(Kind.STATUS))
    check_received(
        [frame.body for frame in host.of(Kind.HISTOGRAM)],
        [Histogram(d, 77, 65535, np.array(bins[d], np.uint32)).encode() for d in range(4)],
    )
    g2 = G2(1, 3, lags[0], np.array(lags[1:], np.uint64))
    assert host.of(Kind.G2)[0].body == g2.encode()

    host.frames.clear()
    dut.density__channel.value, dut.density__source.value = 3, Source.OSCILLATOR
    await board.strobe("identify")
    await clocks(dut, SECOND)
    density = CodeDensity(3, Source.OSCILLATOR, np.array(codes, np.uint32))
    assert [frame.body for frame in host.of(Kind.CODE_DENSITY)] == [density.encode()]
    told = Identification.decode(host.of(Kind.IDENTIFICATION)[0].body)
    assert (told.board, told.period_ticks) == ("uplink", 2500)
    light.cancel()
    await board.until_quiet()
    host.check()


@cocotb.test(timeout_time=TIMEOUT_US, timeout_unit="us")
async def stops_in_order(dut: Any) -> None:
    """What the board had comes, then what was due, the last totals, and the reply."""
    coverage = Coverage(
        "events behind the stop", "report due at the stop", "nothing in the FIFO", "line blocked"
    )
    board = Board(dut)
    await board.start(pauses(4, 0.3))
    for late_words, blocked in ((300, False), (1, True), (0, False)):
        board.host.frames.clear()
        dut.running.value = 1
        await clocks(dut, 2 * CLOCKS_PER_100_MS - 20)  # shortly before the first histogram is due
        assert not int(dut.stopped.value)
        board.line_blocked = blocked
        board.waiting.extend(steady_events(30))
        await clocks(dut, 50)
        dut.running.value = 0
        await clocks(dut, CLOCKS_PER_10_MS)
        board.waiting.extend(steady_events(late_words))
        dut.drained.value = 1
        coverage.visit("events behind the stop", late_words > 0)
        coverage.visit("nothing in the FIFO", late_words == 0)
        await clocks(dut, CLOCKS_PER_10_MS)
        board.line_blocked = False
        coverage.visit("line blocked", blocked)
        while not int(dut.stopped.value):
            await clocks(dut, 1)
        assert not board.waiting
        await board.reply(RegisterReply(1, RegisterStatus.OK, 0, 0))
        await clocks(dut, CLOCKS_PER_10_MS)
        kinds = [frame.header.kind for frame in board.host.frames]
        assert kinds[-4:] == [*LAST_TOTALS, Kind.REGISTER_REPLY], kinds
        assert kinds[-5] in (Kind.EVENTS, Kind.HISTOGRAM), kinds
        coverage.visit("report due at the stop", kinds[-5] is Kind.HISTOGRAM)
        assert len(board.host.items()) == 30 + late_words
        dut.drained.value = 0
    board.host.check()
    coverage.check()


@cocotb.test(timeout_time=TIMEOUT_US, timeout_unit="us")
async def begins_runs_in_order(dut: Any) -> None:
    """Nothing of the old run is in the new one: no event in the tally, no total."""
    generator = random.Random(cocotb.RANDOM_SEED)
    board = Board(dut)
    await board.start(pauses(5, 0.3), running=1)
    for run in range(1, 6):
        old = some_totals(generator)
        board.totals = old
        await board.strobe("bad_request")
        board.waiting.extend(steady_events(run * 30))
        # The line is so slow that the totals are due or in the making when the run begins.
        board.line_blocked = True
        await clocks(dut, CLOCKS_PER_100_MS + generator.randrange(200))
        board.line_blocked = False
        before = len(board.host.frames)
        await board.begin_run(run)
        assert board.cleared == run
        assert not board.waiting
        await board.reply(RegisterReply(run, RegisterStatus.OK, 1, run))
        await clocks(dut, CLOCKS_PER_100_MS + 2 * CLOCKS_PER_10_MS)
        frames = board.host.frames[before:]
        runs = [frame.header.run for frame in frames]
        assert runs == sorted(runs), runs
        assert set(runs) <= {run - 1, run}
        new = [frame for frame in frames if frame.header.run == run]
        assert new[0].header.kind is Kind.REGISTER_REPLY
        assert all(frame.header.event_tally == 0 for frame in new)
        totals = [frame.body for frame in new if frame.header.kind is Kind.COUNTERS]
        assert totals == [bytes(12 * 8)]
    assert len(board.host.items()) == 30 * (1 + 2 + 3 + 4 + 5)
    board.host.check()


@cocotb.test(timeout_time=TIMEOUT_US, timeout_unit="us")
async def keeps_to_the_length_of_readouts(dut: Any) -> None:
    """A readout of another length than it should have harms its own frame only."""
    board = Board(dut)
    board.readouts["histogram"] = [[5] * 10, [6] * 24, [7] * 50, [8]]
    await board.start(running=1)
    await clocks(dut, SECOND + CLOCKS_PER_10_MS)
    counts = [Histogram.decode(each.body).counts.tolist() for each in board.host.of(Kind.HISTOGRAM)]
    assert counts == [[5] * 10 + [0] * 14, [6] * 24, [7] * 24, [8] + [0] * 23]
    board.host.check()


@cocotb.test(timeout_time=TIMEOUT_US, timeout_unit="us")
async def lets_nobody_starve(dut: Any) -> None:
    """More events and reports than the line takes: both go on, and replies go first."""
    board = Board(dut)
    generator = random.Random(cocotb.RANDOM_SEED)
    await board.start(lambda: generator.random() < 0.93, running=1)
    light = cocotb.start_soon(steady_light(board, 30))
    for ident in range(8):
        await clocks(dut, 5_000)
        before = len(board.host.frames)
        await board.reply(RegisterReply(ident, RegisterStatus.OK, 0, 0))
        kinds = [frame.header.kind for frame in board.host.frames[before:]]
        assert len(kinds) <= 2, kinds  # the one being sent, and one in the encoder
    light.cancel()
    kinds = [frame.header.kind for frame in board.host.frames]
    in_turn = [kind for kind in kinds if kind is not Kind.REGISTER_REPLY]
    both = list(pairwise(in_turn))
    assert any(Kind.EVENTS in pair for pair in both[5:])
    assert (Kind.EVENTS, Kind.EVENTS) not in both[5:], in_turn
    assert len(set(in_turn)) > 3, in_turn
