"""Two channels: what one sees does not depend on the other."""

from amaranth.hdl import Module, Signal
from tests.gateware.tagger.conftest import LineBench

from hexkey_sim.benches.tagger_two_channels import TAP_PS, TAPS, Pair
from hexkey_sim.golden.tagger_line import uneven_line


class Arbitrated(Pair):
    """The second one is silent while the first has a tag: a dead time across channels."""

    def elaborate(self, platform: object) -> Module:
        m = super().elaborate(platform)
        busy = Signal()
        m.d.comb += busy.eq(self.channels["first"].tag.valid)
        m.d.comb += self.channels["second"].enable.eq(~busy)
        return m


def environment(pair: Pair) -> dict[str, object]:
    return {"TAP_PS": TAP_PS, "LATENCY": pair.channels["first"].LATENCY}


def test_channels_equal_their_models(line_bench: LineBench) -> None:
    pair = Pair()
    delays = uneven_line(TAPS, 2 * TAP_PS, seed=1)
    result = line_bench(pair, delays_ps=delays, **environment(pair))
    assert (result.tests, result.failures) == (1, 0), result.log


def test_bench_sees_a_dead_time(line_bench: LineBench) -> None:
    pair = Arbitrated()
    delays = uneven_line(TAPS, 2 * TAP_PS, seed=1)
    result = line_bench(pair, delays_ps=delays, **environment(pair))
    assert result.failures == 1
    assert "AssertionError: item " in result.log
