"""The relay: its bench passes, and fails for one that drops in silence."""

from amaranth.hdl import Const, Value
from tests.gateware.conftest import Bench

from hexkey_gateware.relay import Relay


class DropsInSilence(Relay):
    def _thrown_away(self, word: Value) -> Value:
        return Const(0)


def test_relay_hands_on_or_drops(bench: Bench) -> None:
    result = bench(Relay())
    assert (result.tests, result.failures) == (1, 0), result.log


def test_bench_sees_silence(bench: Bench) -> None:
    assert bench(DropsInSilence()).failures == 1
