"""The encoder: its bench passes for lines of all kinds, and sees what could be wrong with one."""

from dataclasses import replace

import pytest
from amaranth.hdl import Value
from tests.gateware.tagger.conftest import LineBench

from hexkey_gateware.tagger.encoder import Encoder


@pytest.mark.parametrize(("taps", "neighbours"), [(256, 1), (400, 2), (192, 1), (3, 0)])
def test_encoder_equals_its_model(line_bench: LineBench, taps: int, neighbours: int) -> None:
    encoder = Encoder(taps, neighbours)
    result = line_bench(encoder, LATENCY=encoder.LATENCY, NEIGHBOURS=neighbours)
    assert (result.tests, result.failures) == (1, 0), result.log


class WithoutMajority(Encoder):
    def _tap(self, index: int) -> Value:
        return self.snapshot[index]


class YoungForLonger(Encoder):
    def __init__(self, taps: int) -> None:
        super().__init__(taps)
        self.reach = replace(self.reach, young=self.reach.young + 1)


@pytest.mark.parametrize("mutant", [WithoutMajority, YoungForLonger])
def test_bench_sees_a_mutant(line_bench: LineBench, mutant: type[Encoder]) -> None:
    encoder = mutant(192)
    result = line_bench(encoder, LATENCY=encoder.LATENCY, NEIGHBOURS=1)
    assert result.failures == 1
    assert "AssertionError: item " in result.log
