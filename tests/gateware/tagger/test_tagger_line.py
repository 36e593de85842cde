"""The model of a line: what it shows equals the golden line's snapshots; bad lines are refused."""

import pytest
from tests.gateware.tagger.conftest import LineBench

from hexkey_gateware.tagger.delay_line import DelayLine, check
from hexkey_sim.benches.edges import DELAYS_FILE
from hexkey_sim.golden.tagger_line import uneven_line

TAPS = 256
DELAYS_PS = uneven_line(TAPS, 71, seed=1, skew_ps=15)


def test_model_equals_its_golden_model(line_bench: LineBench) -> None:
    line = DelayLine(TAPS, "model", delays_file=DELAYS_FILE)
    result = line_bench(line, delays_ps=DELAYS_PS)
    assert (result.tests, result.failures) == (1, 0), result.log


def test_bench_sees_a_picosecond(line_bench: LineBench) -> None:
    late = [delay + 1 for delay in DELAYS_PS]
    result = line_bench(DelayLine(TAPS, "model", delays_ps=late), delays_ps=DELAYS_PS)
    assert result.failures == 1
    assert "AssertionError: item " in result.log


@pytest.mark.parametrize(
    ("taps", "lowering", "told"),
    [
        (256, "asic", "a delay line is one of ecp5, xilinx7, ddr, model, not 'asic'"),
        (255, "ecp5", "a delay line 'ecp5' has 2 taps a cell: not 255 taps"),
        (6, "ddr", "a delay line 'ddr' has 3 taps a cell: not 6 taps"),
    ],
)
def test_bad_lines_are_refused(taps: int, lowering: str, told: str) -> None:
    with pytest.raises(ValueError, match=f"^{told}$"):
        check(taps, lowering)
