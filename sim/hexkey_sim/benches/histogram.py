"""Bench of `hexkey_gateware.histogram` against `golden.histogram`."""

import random
from collections.abc import Callable
from typing import Any

import cocotb
from cocotb.triggers import RisingEdge

from hexkey.events import DETECTORS
from hexkey_gateware.bin_counts import clear_clocks
from hexkey_gateware.histogram import Histogram as Gateware
from hexkey_gateware.slot import CLICK
from hexkey_sim.benches.bin_counts import next_word, start_clocks, sync_clocks
from hexkey_sim.benches.coverage import Coverage
from hexkey_sim.benches.words import pack
from hexkey_sim.golden.histogram import Histogram
from hexkey_sim.golden.settings import FrontEndSettings

BINS = 64
CLEAR_CLOCKS = (Gateware.CLEARING_CLOCKS + clear_clocks(DETECTORS * BINS)) // 4 + 8  # of `sync`
DRAIN_CLOCKS = 40  # of `sync`, until what was clicked is counted
HISTOGRAMS = (  # period, offset, width, bins
    *((2500, 0, 40, 63), (2500, 0, 1, 64), (2500, 2499, 39, 64), (2500, 1, 2500, 1)),
    *((1000, 999, 16, 63), (1000, 500, 7, 13), (1000, 0, 65_535, 64), (1000, 3, 333, 4)),
    *((100_000, 99_999, 1563, 64), (100_000, 50_000, 65_535, 2), (100_000, 0, 3, 64)),
    *((65_536, 32_768, 1024, 64), (99_991, 17, 1601, 60), (4096, 4095, 64, 64)),
)
CORNERS = (
    "first tick of a bin",
    "last tick of a bin",
    "last tick of the last bin",
    "tick behind the last bin",
    "last tick before the offset",
    "first tick behind the offset",
    "first tick of the period",
    "last tick of the period",
    "first tick behind the period",
    "last tick of two periods",
    "far behind the last bin",
    "one bin",
    "bin wider than the period",
    "all detectors in a slot",
    "a burst of slots",
)

Phase = Callable[[], int]


def cover(coverage: Coverage, setting: tuple[int, int, int, int], phase: int) -> None:
    period, offset, width, bins = setting
    since = (phase - offset) % period
    inside = since < bins * width
    coverage.visit(CORNERS[0], inside and since % width == 0)
    coverage.visit(CORNERS[1], inside and since % width == width - 1)
    coverage.visit(CORNERS[2], since == bins * width - 1)
    coverage.visit(CORNERS[3], since == bins * width)
    coverage.visit(CORNERS[4], phase == offset - 1)
    coverage.visit(CORNERS[5], phase == offset)
    coverage.visit(CORNERS[6], phase == 0)
    coverage.visit(CORNERS[7], phase == period - 1)
    coverage.visit(CORNERS[8], phase == period)
    coverage.visit(CORNERS[9], phase == 2 * period - 1)
    coverage.visit(CORNERS[10], since >= 2 * BINS * width)
    coverage.visit(CORNERS[11], bins == 1)
    coverage.visit(CORNERS[12], width > period)


def near_edges(generator: random.Random, setting: tuple[int, int, int, int]) -> Phase:
    """Return phases below two periods, most of them within a tick of where something changes."""
    period, offset, width, bins = setting

    def phase() -> int:
        if generator.random() < 0.2:
            return generator.randrange(2 * period)
        edge = generator.choice((0, bins, generator.randrange(bins + 1))) * width + offset
        near = generator.choice((edge, offset, 0)) + generator.randrange(-1, 2)
        return near % period + generator.choice((0, 0, period))

    return phase


class Light:
    """Clicks, a slot at a time.

    Attributes
    ----------
    phase : callable
        Gives the phase of a click.
    share : float
        Of all slots in which a detector clicks.
    golden : Histogram
    clicks, dropped : int
    """

    def __init__(self, dut: Any, generator: random.Random, coverage: Coverage) -> None:
        self._dut, self._generator, self._coverage = dut, generator, coverage
        self.phase: Phase = lambda: 0
        self.share = 0.0
        self.most = DETECTORS
        self.clicks = self.dropped = 0
        self.note: Callable[[int, int], None] = lambda phase, detector: None

    async def go_on(self) -> None:
        dut, generator = self._dut, self._generator
        valids = [getattr(dut, f"raw__{detector}__valid") for detector in range(DETECTORS)]
        payloads = [getattr(dut, f"raw__{detector}__payload") for detector in range(DETECTORS)]
        while True:
            seen = 0
            for detector in generator.sample(range(DETECTORS), DETECTORS):
                valid = seen < self.most and generator.random() < self.share
                valids[detector].value = int(valid)
                seen += valid
                if valid:
                    phase = self.phase()
                    payloads[detector].value = pack(
                        CLICK, before=generator.randrange(2), phase_ticks=phase
                    )
                    self.note(phase, detector)
            self.clicks += seen
            self._coverage.visit("all detectors in a slot", seen == DETECTORS)
            await RisingEdge(dut.fast_clk)
            self.dropped += int(dut.dropped.value)


async def begin(dut: Any, light: Light) -> None:
    for detector in range(DETECTORS):
        getattr(dut, f"raw__{detector}__valid").value = 0
    for name in ("clear", "start__valid", "words__ready"):
        getattr(dut, name).value = 0
    set_up(dut, HISTOGRAMS[0])
    await start_clocks(dut)
    cocotb.start_soon(light.go_on())


def set_up(dut: Any, setting: tuple[int, int, int, int]) -> None:
    dut.period_ticks.value, dut.histogram_offset_ticks.value = setting[:2]
    dut.histogram_bin_ticks.value, dut.histogram_bins.value = setting[2:]


async def change(dut: Any, setting: tuple[int, int, int, int]) -> None:
    """Take other settings over, a clock after `clear`; return when clicks are counted again."""
    await RisingEdge(dut.fast_clk)
    dut.clear.value = 1
    await RisingEdge(dut.fast_clk)
    dut.clear.value = 0
    set_up(dut, setting)
    await sync_clocks(dut, CLEAR_CLOCKS)


async def read_out(dut: Any, detector: int, bins: int) -> list[int]:
    dut.start__payload.value, dut.start__valid.value = detector, 1
    await RisingEdge(dut.clk)
    assert int(dut.start__ready.value), "not ready while nothing is read"
    dut.start__valid.value = 0
    return [await next_word(dut, index == bins - 1) for index in range(bins)]


@cocotb.test(timeout_time=3, timeout_unit="ms")
async def equals_the_golden_model(dut: Any) -> None:
    generator, coverage = random.Random(cocotb.RANDOM_SEED), Coverage(*CORNERS)
    light = Light(dut, generator, coverage)
    await begin(dut, light)
    for setting in HISTOGRAMS:
        light.phase, light.share = near_edges(generator, setting), 0.2
        await sync_clocks(dut, 10)  # what is under way as settings change
        settings_change = cocotb.start_soon(change(dut, setting))
        await sync_clocks(dut, CLEAR_CLOCKS // 2)
        light.share = 0.0
        await settings_change
        golden = Histogram(
            FrontEndSettings(
                period_ticks=setting[0],
                gate_width_ticks=(0,) * DETECTORS,
                histogram_offset_ticks=setting[1],
                histogram_bin_ticks=setting[2],
                histogram_bins=setting[3],
            )
        )

        def note(phase: int, detector: int, golden: Histogram = golden, of: Any = setting) -> None:
            golden.add(phase, detector)
            cover(coverage, of, phase)

        light.note = note
        light.dropped = 0
        for light.share, clocks in ((0.2, 100), (1.0, 3), (0.05, 100)):
            await sync_clocks(dut, clocks)
            coverage.visit("a burst of slots", light.share == 1.0)
        light.share = 0.0
        await sync_clocks(dut, DRAIN_CLOCKS)
        light.note = lambda phase, detector: None
        assert light.dropped == 0, "clicks are dropped that a queue has room for"
        for detector, counts in enumerate(golden.take()):
            got = await read_out(dut, detector, setting[3])
            assert got == counts.tolist(), f"detector {detector} with {setting}"
    coverage.check()


@cocotb.test(timeout_time=3, timeout_unit="ms")
async def counts_or_drops(dut: Any) -> None:
    """Every click is counted once or said to be dropped, while histograms are read."""
    generator = random.Random(cocotb.RANDOM_SEED)
    light = Light(dut, generator, Coverage(*CORNERS))
    await begin(dut, light)
    setting = (1000, 0, 16, 63)
    await change(dut, setting)
    light.phase = lambda: generator.randrange(1000)
    counted = 0
    for light.share, light.most, dropped in (
        (0.24, 4, False),
        (1.0, 1, False),
        (0.5, 4, True),
        (1.0, 4, True),
    ):
        light.clicks = light.dropped = counted = 0
        await sync_clocks(dut, 50)
        for detector in range(DETECTORS):
            counted += sum(await read_out(dut, detector, setting[3]))
        light.share = 0.0
        await sync_clocks(dut, DRAIN_CLOCKS)
        for detector in range(DETECTORS):
            counted += sum(await read_out(dut, detector, setting[3]))
        assert counted + light.dropped == light.clicks, f"{light.clicks} clicks became {counted}"
        # One at a time leaves no clock for a readout: each of its words takes one.
        words = DETECTORS * setting[3]
        assert light.dropped <= words or dropped, "clicks are dropped at a click a clock"
        assert light.dropped > words or not dropped, "nothing is dropped"


@cocotb.test(timeout_time=3, timeout_unit="ms")
async def mixes_no_settings(dut: Any) -> None:
    """A readout has counts of the settings that held when it was asked for, and of no others."""
    generator = random.Random(cocotb.RANDOM_SEED)
    coverage = Coverage(
        "settings change in a readout",
        "settings change as a readout begins",
        "counts of the first settings",
        "counts of the others",
        "words left out behind a change",
    )
    light = Light(dut, generator, Coverage(*CORNERS))
    await begin(dut, light)
    settings = (1000, 0, 8, BINS), (1000, 0, 64, BINS)
    possible = range(32, 64), range(4, 8)
    light.share, light.phase = 0.2, lambda: generator.randrange(256, 512)
    await change(dut, settings[0])
    changing = None
    for _ in range(60):
        await sync_clocks(dut, generator.randrange(1, 30))
        width = int(
            dut.histogram_bin_ticks.value
        )  # as the head of the frame has it, a clock before
        if changing is None or changing.done():
            begins = generator.choice((0, generator.randrange(600)))
            changing = cocotb.start_soon(change_later(dut, generator.choice(settings), begins))
            coverage.visit("settings change as a readout begins", begins == 0)
        await sync_clocks(dut, 1)
        got = await read_out(dut, generator.randrange(DETECTORS), BINS)
        changed = width != int(dut.histogram_bin_ticks.value)
        coverage.visit("settings change in a readout", changed)
        index = 0 if width == settings[0][2] else 1
        others = [count for bin_, count in enumerate(got) if bin_ not in possible[index]]
        assert not any(others), f"a histogram with bins of {width} ticks is {got}"
        own = got[possible[index].start : possible[index].stop]
        coverage.visit(f"counts of the {'others' if index else 'first settings'}", any(own))
        coverage.visit("words left out behind a change", any(own) and own[-1] == 0)
    coverage.check()


async def change_later(dut: Any, setting: tuple[int, int, int, int], clocks: int) -> None:
    await sync_clocks(dut, clocks)
    await change(dut, setting)
