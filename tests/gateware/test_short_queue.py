"""The short queue: its bench passes, and fails for one that lets too many in."""

import pytest
from amaranth.hdl import Value
from tests.gateware.conftest import Bench

from hexkey_gateware.short_queue import ShortQueue
from hexkey_sim.benches.short_queue import BITS, DEPTH


def test_short_queue_hands_on_what_it_gets(bench: Bench) -> None:
    result = bench(ShortQueue(BITS, DEPTH))
    assert (result.tests, result.failures) == (2, 0), result.log


class LetsTooManyIn(ShortQueue):
    def _has_room(self) -> Value:
        return ~self.holds[-1]


def test_bench_sees_an_overflow(bench: Bench) -> None:
    result = bench(LetsTooManyIn(BITS, DEPTH), "hands_on_what_it_gets")
    assert result.failures == 1, result.log


@pytest.mark.parametrize("depth", [0, 2, 12])
def test_depth_is_a_power_of_two(depth: int) -> None:
    with pytest.raises(ValueError, match=f"depth must be a power of two from 4 on, not {depth}"):
        ShortQueue(BITS, depth)
