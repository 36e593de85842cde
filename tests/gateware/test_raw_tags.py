"""Raw tags: the bench passes, and fails where a time or a count is wrong."""

import pytest
from amaranth.hdl import Const, Value
from tests.gateware.conftest import Bench

from hexkey_gateware.raw_tags import RawTags
from hexkey_sim.benches.raw_tags import LATE_START_TICKS

BENCHES = ("tells_each_tag_or_counts_it", "is_as_fast_as_it_says")
TURN = "carries_into_the_upper_bits"


class StartedLongAgo(RawTags):
    START_TICKS = LATE_START_TICKS


def test_raw_tags_are_told_or_counted(bench: Bench) -> None:
    result = bench(RawTags(), *BENCHES)
    assert (result.tests, result.failures) == (len(BENCHES), 0), result.log


def test_upper_bits_are_those_of_each_tag(bench: Bench) -> None:
    result = bench(StartedLongAgo(), TURN)
    assert (result.tests, result.failures) == (1, 0), result.log


class ForgetsToSayItAgain(StartedLongAgo):
    def _is_new(self, bit: Value, said: Value, known: Value) -> Value:
        return ~known


class SaysTheTimeNow(StartedLongAgo):
    def _upper_bits(self, bit: Value) -> Value:
        return self._high


class CountsNoneThrownAway(RawTags):
    def _tags_in(self, valid: Value) -> Value:
        return Const(0)


@pytest.mark.parametrize(
    ("mutant", "only", "found"),
    [
        (ForgetsToSayItAgain, TURN, "never came in, or before others"),
        (SaysTheTimeNow, TURN, "never came in, or before others"),
        (CountsNoneThrownAway, BENCHES[0], "tags were dropped"),
    ],
)
def test_bench_sees_wrong_times_and_counts(
    bench: Bench, mutant: type[RawTags], only: str, found: str
) -> None:
    result = bench(mutant(), only)
    assert result.failures == 1
    assert found in result.log
