"""A channel: tags and codes are the golden model's, slot for slot; its bench sees mutants."""

from tests.gateware.tagger.conftest import LineBench

from hexkey_gateware.tagger.channel import Channel
from hexkey_sim.benches.edges import DELAYS_FILE
from hexkey_sim.golden.tagger_line import uneven_line

TAPS, TAP_PS = 256, 35.5
DELAYS_PS = uneven_line(TAPS, 2 * TAP_PS, seed=1, skew_ps=15)


def channel(kind: type[Channel] = Channel) -> Channel:
    return kind(TAPS, "model", tap_ps=TAP_PS, delays_file=DELAYS_FILE)


def environment(made: Channel) -> dict[str, object]:
    return {"TAP_PS": TAP_PS, "LATENCY": made.LATENCY, "CODE_LATENCY": made.CODE_LATENCY}


def test_channel_equals_its_model(line_bench: LineBench) -> None:
    made = channel()
    result = line_bench(made, delays_ps=DELAYS_PS, **environment(made))
    assert (result.tests, result.failures) == (2, 0), result.log


def test_bench_sees_a_clock(line_bench: LineBench) -> None:
    made = channel()
    late = {**environment(made), "LATENCY": made.LATENCY + 1}
    result = line_bench(made, "equals_the_golden_model", delays_ps=DELAYS_PS, **late)
    assert result.failures == 1
    assert "AssertionError: item 0 is " in result.log


def test_bench_sees_a_tap(line_bench: LineBench) -> None:
    other = [*DELAYS_PS[:50], *(delay + 40 for delay in DELAYS_PS[50:])]
    longer = Channel(TAPS, "model", tap_ps=TAP_PS, delays_ps=other)
    about = environment(longer)
    result = line_bench(longer, "equals_the_golden_model", delays_ps=DELAYS_PS, **about)
    assert result.failures == 1
