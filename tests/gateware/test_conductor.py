"""The conductor: its bench passes, and fails for one that does not wait long enough."""

import pytest
from amaranth.hdl import Const, Value
from tests.gateware.conftest import Bench

from hexkey_gateware.conductor import Conductor
from hexkey_sim.benches.conductor import DRAIN_CLOCKS, PERIOD_TICKS, SETTLE_CLOCKS


def conductor(
    kind: type[Conductor] = Conductor, drain: int = DRAIN_CLOCKS, settle: int = SETTLE_CLOCKS
) -> Conductor:
    return kind(PERIOD_TICKS, drain_clocks=drain, settle_clocks=settle)


def test_conductor_changes_nothing_that_sees(bench: Bench) -> None:
    result = bench(conductor())
    assert (result.tests, result.failures) == (3, 0), result.log


class WaitsForNothing(Conductor):
    def _nothing_is_open(self) -> Value:
        return Const(1)


@pytest.mark.parametrize(
    ("kind", "drain", "settle", "found"),
    [
        (WaitsForNothing, DRAIN_CLOCKS, SETTLE_CLOCKS, "settings changed "),
        (Conductor, DRAIN_CLOCKS - 4, SETTLE_CLOCKS, "settings changed "),
        (Conductor, DRAIN_CLOCKS, SETTLE_CLOCKS - 2, "a pulse sees"),
    ],
)
def test_bench_sees_haste(
    bench: Bench, kind: type[Conductor], drain: int, settle: int, found: str
) -> None:
    result = bench(conductor(kind, drain, settle), "changes_nothing_that_sees")
    assert result.failures == 1
    assert f"AssertionError: {found}" in result.log
