"""Stuffing: its bench passes, and fails for a wrong longest run or a missing empty one."""

import pytest
from amaranth.hdl import Module
from tests.gateware.conftest import Bench

from hexkey_gateware.cobs import CobsEncoder


def test_cobs_equals_its_reference(bench: Bench) -> None:
    result = bench(CobsEncoder())
    assert (result.tests, result.failures) == (2, 0), result.log


class ShorterRuns(CobsEncoder):
    LONGEST_RUN = 253


class ForgetsLastZero(CobsEncoder):
    def _end_with_zero(self, m: Module) -> None:
        m.next = "DELIMITER"


@pytest.mark.parametrize("mutant", [ShorterRuns, ForgetsLastZero])
def test_bench_sees_a_wrong_run(bench: Bench, mutant: type[CobsEncoder]) -> None:
    result = bench(mutant(), "equals_the_reference")
    assert result.failures == 1
    assert "AssertionError: item " in result.log
