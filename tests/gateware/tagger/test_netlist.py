"""Delay lines as synthesised: codes follow the taps in their order, which no RTL could show."""

from pathlib import Path
from typing import NamedTuple

import pytest

from hexkey_sim.benches.edges import write_delays
from hexkey_sim.benches.netlist_synthesis import (
    MISSING_CELLS,
    TOP,
    LineAndEncoder,
    cells_are_missing,
    delays_ps,
    netlist,
)
from hexkey_sim.benches.runner import BenchResult, run_model
from hexkey_sim.benches.verilator import MISSING_SIMULATOR, compiled_model, simulator_is_missing

TAPS, TAP_PS = 256, 36
QUICK = 4  # so many times fewer taps, each so much slower, are as long a line, and soon compiled


class Cell(NamedTuple):
    """A carry cell of `netlist_cells.v`: its taps, and how many let the hit in and have none."""

    name: str
    taps: int
    feeds: int


CELLS = {"ecp5": Cell("HEXKEY_TIMED_CCU2C", 2, 1), "xilinx7": Cell("HEXKEY_TIMED_CARRY4", 4, 0)}

pytestmark = [
    pytest.mark.skipif(simulator_is_missing(), reason=MISSING_SIMULATOR),
    pytest.mark.skipif(cells_are_missing(), reason=MISSING_CELLS),
]


def run(lowering: str, folder: Path, quick: int = QUICK, crossed: bool = False) -> BenchResult:
    taps, cell = TAPS // quick, CELLS[lowering]
    cell_ps = cell.taps * TAP_PS * quick
    made = LineAndEncoder(taps, lowering)
    sources = netlist(made, lowering, cell_ps, folder)
    assert sources["netlist.v"].count(f" {cell.name} ") == taps // cell.taps + cell.feeds
    delays = delays_ps(lowering, taps, cell_ps)
    if crossed:
        delays[20:24] = delays[22:24] + delays[20:22]
    write_delays(folder, delays)
    model = compiled_model(TOP, sources, timing=True)
    return run_model(model, TOP, folder, env={"LATENCY": str(made.LATENCY)})


@pytest.mark.parametrize("lowering", CELLS)
def test_codes_follow_the_taps(tmp_path: Path, lowering: str) -> None:
    result = run(lowering, tmp_path)
    assert (result.tests, result.failures) == (1, 0), result.log


@pytest.mark.long
@pytest.mark.parametrize("lowering", CELLS)
def test_codes_follow_all_taps(tmp_path: Path, lowering: str) -> None:
    result = run(lowering, tmp_path, quick=1)
    assert (result.tests, result.failures) == (1, 0), result.log


def test_bench_sees_crossed_cells(tmp_path: Path) -> None:
    """Cells 10 and 11 of the chain change places: here in what is expected, which is the same."""
    result = run("ecp5", tmp_path, crossed=True)
    assert result.failures == 1
    assert "AssertionError: item " in result.log
