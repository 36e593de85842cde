"""The live status: its bench passes, and fails where something is forgotten or torn apart."""

import pytest
from amaranth.hdl import Const, Value
from amaranth.lib import data
from tests.gateware.conftest import Bench

from hexkey_gateware.live_status import HAPPENED, LiveStatus


def test_live_status_tells_each_thing_once(bench: Bench) -> None:
    result = bench(LiveStatus())
    assert (result.tests, result.failures) == (2, 0), result.log


class Forgetful(LiveStatus):
    """What happens in the clock in which a word leaves is not remembered."""

    def _left(self, news: data.View) -> Value:
        return Const(0, HAPPENED.size)


class Stubborn(LiveStatus):
    """A status does not end what was told in it."""

    def _kept(self, happened: data.View) -> Value:
        return happened.as_value()


@pytest.mark.parametrize(
    ("mutant", "problem"),
    [(Forgetful, "does not say what happened"), (Stubborn, "says what did not happen")],
)
def test_bench_sees_what_is_forgotten_or_told_twice(
    bench: Bench, mutant: type[LiveStatus], problem: str
) -> None:
    result = bench(mutant(), "tells_each_thing_once")
    assert result.failures == 1
    assert problem in result.log


class Torn(LiveStatus):
    """The trigger's period is that of now, and not of the clock of the other values."""

    def _period(self, now: data.View) -> Value:
        return self.trigger_period


def test_bench_sees_values_of_two_clocks(bench: Bench) -> None:
    result = bench(Torn(), "tells_each_thing_once")
    assert result.failures == 1
    assert "were not in one clock" in result.log
