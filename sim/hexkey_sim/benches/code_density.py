"""Bench of `hexkey_gateware.code_density` against `golden.code_density`."""

import random
from typing import Any

import cocotb
from cocotb.triggers import RisingEdge

from hexkey_gateware.bin_counts import clear_clocks
from hexkey_sim.benches.bin_counts import next_word, start_clocks, sync_clocks
from hexkey_sim.benches.coverage import Coverage
from hexkey_sim.golden.code_density import CodeDensity

CODES, CHANNELS = 21, 5
NOBODY = CHANNELS
SETTLE_CLOCKS = (clear_clocks(CODES) + 3) // 4 + 20  # of `sync`, until another channel is counted
DRAIN_CLOCKS = 8
CORNERS = (
    *(f"channel {channel}" for channel in range(CHANNELS)),
    "no channel",
    "the same channel again",
    "lowest code",
    "highest code",
    "codes of all channels in one clock",
)
CHANGES = (
    "channel changes in a readout",
    "channel changes as a readout begins",
    "channel changes twice at once",
    "words left out behind a change",
)


class Light:
    """Codes in all channels, a clock at a time. Each has codes of its own, to know them by.

    Attributes
    ----------
    golden : CodeDensity
    share : float
        Of all clocks in which a channel has a code.
    """

    def __init__(self, dut: Any, generator: random.Random, coverage: Coverage) -> None:
        self._dut, self._generator, self._coverage = dut, generator, coverage
        self.golden = CodeDensity(CODES, CHANNELS)
        self.share = 0.0

    async def go_on(self) -> None:
        dut, generator, visit = self._dut, self._generator, self._coverage.visit
        valids = [getattr(dut, f"codes__{channel}__valid") for channel in range(CHANNELS)]
        payloads = [getattr(dut, f"codes__{channel}__payload") for channel in range(CHANNELS)]
        while True:
            seen = 0
            for channel in range(CHANNELS):
                valid = generator.random() < self.share
                code = generator.choice(codes_of(channel))
                valids[channel].value, payloads[channel].value = int(valid), code
                seen += valid
                if valid:
                    self.golden.add(channel, code)
                    counted = channel == self.golden.channel
                    visit("lowest code", counted and code == 0)
                    visit("highest code", counted and code == CODES - 1)
            visit("codes of all channels in one clock", seen == CHANNELS)
            await RisingEdge(dut.fast_clk)


def codes_of(channel: int) -> range:
    return range(channel, CODES, CHANNELS)


async def begin(dut: Any, generator: random.Random, coverage: Coverage) -> Light:
    for channel in range(CHANNELS):
        getattr(dut, f"codes__{channel}__valid").value = 0
    dut.channel.value = NOBODY
    dut.start__valid.value = dut.words__ready.value = dut.start__payload.value = 0
    await start_clocks(dut)
    for channel in (0, NOBODY):  # a reset leaves the memory as it is, a change clears it
        dut.channel.value = channel
        await sync_clocks(dut, SETTLE_CLOCKS)
    light = Light(dut, generator, coverage)
    cocotb.start_soon(light.go_on())
    return light


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def equals_the_golden_model(dut: Any) -> None:
    generator, coverage = random.Random(cocotb.RANDOM_SEED), Coverage(*CORNERS)
    light = await begin(dut, generator, coverage)
    for channel in (*range(CHANNELS), NOBODY, 2, 2, *generator.choices(range(NOBODY + 1), k=8)):
        coverage.visit("the same channel again", channel == light.golden.channel)
        coverage.visit("no channel" if channel == NOBODY else f"channel {channel}")
        dut.channel.value = channel
        light.golden.choose(channel)
        await sync_clocks(dut, SETTLE_CLOCKS)
        for _ in range(2):
            light.share = 0.7
            await sync_clocks(dut, 100)
            light.share = 0.0
            await sync_clocks(dut, DRAIN_CLOCKS)
            assert await read_density(dut) == light.golden.take(), f"density of {channel}"
        light.share = 0.7
        await sync_clocks(dut, 20)  # what is left from this
        light.share = 0.0
        await sync_clocks(dut, DRAIN_CLOCKS)
    coverage.check()


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def mixes_no_channels(dut: Any) -> None:
    """A density has codes of the channel that it is told to be of; nothing else has."""
    generator, coverage = random.Random(cocotb.RANDOM_SEED), Coverage(*CHANGES)
    light = await begin(dut, generator, Coverage(*CORNERS))
    light.share = 0.7
    changes = cocotb.start_soon(change_channel(dut, generator, coverage))
    filled = 0
    for _ in range(150):
        await sync_clocks(dut, generator.randrange(1, 30))
        channel = int(dut.channel.value)  # as the head of the frame has it, a clock before
        if generator.random() < 0.1:
            dut.channel.value = generator.randrange(NOBODY + 1)
        await sync_clocks(dut, 1)
        coverage.visit("channel changes as a readout begins", channel != int(dut.channel.value))
        counts = await read_density(dut)
        coverage.visit("channel changes in a readout", channel != int(dut.channel.value))
        own = codes_of(channel) if channel < CHANNELS else range(0)
        others = [counts[code] for code in range(CODES) if code not in own]
        assert not any(others), f"a density of channel {channel} is {counts}"
        filled += all(counts[code] for code in own)
        begun = [counts[code] > 0 for code in own]
        coverage.visit("words left out behind a change", any(begun) and not begun[-1])
    changes.cancel()
    assert filled > 10, "densities are empty"
    coverage.check()


async def change_channel(dut: Any, generator: random.Random, coverage: Coverage) -> None:
    while True:
        await sync_clocks(dut, generator.randrange(400))
        for _ in range(generator.choice((1, 1, 2))):
            dut.channel.value = generator.randrange(NOBODY + 1)
            clocks = generator.randrange(1, 12)
            coverage.visit("channel changes twice at once", clocks < 4)
            await sync_clocks(dut, clocks)


async def read_density(dut: Any) -> list[int]:
    dut.start__valid.value = 1
    await RisingEdge(dut.clk)
    assert int(dut.start__ready.value), "not ready while nothing is read"
    dut.start__valid.value = 0
    return [await next_word(dut, code == CODES - 1) for code in range(CODES)]
