"""Bench of `hexkey_gateware.g2` against `golden.g2`."""

import random
from typing import Any

import cocotb
import numpy as np

from hexkey.events import DETECTORS
from hexkey.wire import LAGS
from hexkey_gateware.g2 import G2 as Gateware
from hexkey_gateware.slot import CLICK, SLOT
from hexkey_sim.benches.coverage import Coverage
from hexkey_sim.benches.slots import Inputs
from hexkey_sim.benches.streams import TIMEOUT_US, start
from hexkey_sim.benches.words import pack
from hexkey_sim.golden.g2 import G2

CORNERS = (
    "coincidence at the earliest lag",
    "coincidence at no lag",
    "coincidence at the latest lag",
    "several starts with one stop",
    "a start with itself",
    "clicks of a detector twice in a pulse",
    "click of the pulse before, where the next begins",
    "click of the pulse before, later",
    "pulse of two slots",
    "most pulses with both detectors",
    "epoch with one start to compare",
    "epoch too short to compare",
    "click without lock",
)


class Bench:
    """Sends slots, adds up what the block counts, and tells the golden model."""

    def __init__(self, dut: Any, coverage: Coverage, generator: random.Random) -> None:
        self._dut, self._generator = dut, generator
        self._visit = coverage.visit
        self._inputs = Inputs(dut)
        self._golden = G2(0, 1)
        self._counted = np.zeros(len(LAGS), np.int64)
        self._pulses = 0

    async def slot(self, clicks: dict[int, int], **flags: int) -> None:
        """Send one slot; `clicks` are detectors and whether each click is of the pulse before."""
        inputs = {f"clicks__{detector}__valid": 1 for detector in clicks}
        for detector, before in clicks.items():
            phase_ticks = self._generator.randrange(2**18)
            inputs[f"clicks__{detector}__payload"] = pack(
                CLICK, before=before, phase_ticks=phase_ticks
            )
        await self._inputs(slot=pack(SLOT, **flags), **inputs)
        word = int(self._dut.coincidences.value)
        self._counted += [word >> index & 1 for index in range(len(LAGS))]
        self._pulses += int(self._dut.pulses.value)

    async def epoch(self, pair: tuple[int, int], pulses: int, probability: float) -> None:
        """Play an epoch, lose lock, and compare."""
        self._dut.g2_pair.value = pair[0] | pair[1] << 2
        generator, visit = self._generator, self._visit
        golden = G2(*pair)
        seen: set[tuple[int, int]] = set()
        new: list[tuple[int, int]] = []
        await self._without_lock(probability)
        for pulse in range(pulses):
            length = generator.choice((2, 2, 3, 5))
            visit("pulse of two slots", length == 2)
            for age in range(length):
                edge = int(age == 0)
                clicks = {
                    detector: int(generator.random() < 0.2)
                    for detector in range(DETECTORS)
                    if generator.random() < probability
                }
                if edge:  # all before the one before are complete
                    numbers, detectors = np.array(new, np.int64).reshape(-1, 2).T
                    golden.push(numbers, detectors, pulse - 1)
                    new = []
                for detector, before in clicks.items():
                    visit(
                        "clicks of a detector twice in a pulse", (pulse - before, detector) in seen
                    )
                    visit("click of the pulse before, where the next begins", bool(before and edge))
                    visit("click of the pulse before, later", bool(before and not edge))
                    seen.add((pulse - before, detector))
                    new.append((pulse - before, detector))
                await self.slot(clicks, edge=edge, locked=1, begin=int(edge and pulse == 0))
        await self._without_lock(probability)
        self._cover(pair, seen, pulses, golden)
        assert self._pulses == golden.pulses, f"{self._pulses} pulses, not {golden.pulses}"
        for lag, got, wanted in zip(LAGS, self._counted, golden.coincidences, strict=True):
            assert got == wanted, f"lag {lag} has {got} coincidences, not {wanted}"
        self._counted[:] = self._pulses = 0

    async def _without_lock(self, probability: float) -> None:
        for _ in range(6):
            detectors = [d for d in range(DETECTORS) if self._generator.random() < probability]
            self._visit("click without lock", bool(detectors))
            await self.slot(dict.fromkeys(detectors, 0), edge=self._generator.randrange(2))

    def _cover(
        self, pair: tuple[int, int], seen: set[tuple[int, int]], pulses: int, golden: G2
    ) -> None:
        visit, counted = self._visit, golden.coincidences
        visit("coincidence at the earliest lag", bool(counted[0]))
        visit("coincidence at no lag", bool(counted[LAGS.index(0)]))
        visit("coincidence at the latest lag", bool(counted[-1]))
        starts = sum(detector == pair[0] for _, detector in seen)
        stops = sum(detector == pair[1] for _, detector in seen)
        visit("several starts with one stop", counted.sum() > stops or starts < counted.sum())
        visit("a start with itself", pair[0] == pair[1] and bool(counted[LAGS.index(0)]))
        most = len(seen) > 100 and counted.min() * 2 > golden.pulses
        visit("most pulses with both detectors", bool(most))
        visit("epoch with one start to compare", golden.pulses == 1)
        visit("epoch too short to compare", golden.pulses == 0)


@cocotb.test(timeout_time=TIMEOUT_US, timeout_unit="us")
async def equals_the_golden_model(dut: Any) -> None:
    generator, coverage = random.Random(cocotb.RANDOM_SEED), Coverage(*CORNERS)
    bench = Bench(dut, coverage, generator)
    await start(dut)
    for pair, pulses, probability in (
        ((0, 1), 300, 0.1),
        ((2, 0), 300, 0.02),
        ((3, 3), 200, 0.1),
        ((1, 2), 100, 1.0),
        ((1, 3), 34, 0.5),
        ((0, 1), 35, 0.5),
        ((0, 1), 36, 0.9),
        ((3, 0), 3, 0.5),
        ((0, 2), 400, 0.3),
    ):
        await bench.epoch(pair, pulses, probability)
    coverage.check()


@cocotb.test(timeout_time=TIMEOUT_US, timeout_unit="us")
async def another_pair_begins_anew(dut: Any) -> None:
    """Detectors 0 and 1 click in every pulse, 2 in none: no coincidence may be of both pairs."""
    inputs = Inputs(dut)
    await start(dut)
    clicks = {f"clicks__{detector}__valid": 1 for detector in (0, 1)}
    for at, (pair, each) in enumerate(((0b0100, 2 ** len(LAGS) - 1), (0b1000, 0), (0b0100, -1))):
        dut.g2_pair.value = pair
        counted = []
        for clock in range(200):
            edge = int(clock % 2 == 0)
            begin = int(at == clock == 0)
            await inputs(slot=pack(SLOT, locked=1, edge=edge, begin=begin), **clicks)
            if clock > Gateware.LATENCY and int(dut.pulses.value):
                counted.append(int(dut.coincidences.value))
        assert set(counted) == {each % 2 ** len(LAGS)}, f"pair {pair}"
        assert 64 <= len(counted) <= 66, f"{len(counted)} starts"  # of 100 pulses
