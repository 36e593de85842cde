"""The encoder: its bench passes for lines of all kinds, and sees what could be wrong with one."""

import pytest
from amaranth.hdl import Value
from tests.gateware.tagger.conftest import LineBench

from hexkey_gateware.tagger.encoder import Encoder
from hexkey_gateware.tagger.reach import Reach


@pytest.mark.parametrize(("taps", "bubbles"), [(256, True), (400, True), (192, True), (3, False)])
def test_encoder_equals_its_model(line_bench: LineBench, taps: int, bubbles: bool) -> None:
    encoder = Encoder(taps, bubbles)
    result = line_bench(encoder, LATENCY=encoder.LATENCY, BUBBLES=bubbles)
    assert (result.tests, result.failures) == (1, 0), result.log


class WithoutMajority(Encoder):
    def _tap(self, index: int) -> Value:
        return self.snapshot[index]


class YoungForLonger(Encoder):
    def __init__(self, taps: int) -> None:
        super().__init__(taps)
        self.reach = Reach(self.reach.visible, self.reach.young + 1, self.reach.stride)


@pytest.mark.parametrize("mutant", [WithoutMajority, YoungForLonger])
def test_bench_sees_a_mutant(line_bench: LineBench, mutant: type[Encoder]) -> None:
    encoder = mutant(192)
    result = line_bench(encoder, LATENCY=encoder.LATENCY, BUBBLES=True)
    assert result.failures == 1
    assert "AssertionError: item " in result.log
