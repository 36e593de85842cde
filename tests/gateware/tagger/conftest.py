"""Fixtures of the tagger's benches."""

from collections.abc import Callable
from pathlib import Path

import pytest
from amaranth.lib import wiring

from hexkey_gateware.tagger.delay_line import verilog
from hexkey_sim.benches.edges import write_delays
from hexkey_sim.benches.runner import BenchResult, run_bench
from hexkey_sim.benches.verilator import MISSING_SIMULATOR, simulator_is_missing

LineBench = Callable[..., BenchResult]


@pytest.fixture
def line_bench(request: pytest.FixtureRequest, tmp_path: Path) -> LineBench:
    """Return a function that runs the bench of the test's module on a line with given delays."""
    if simulator_is_missing():
        pytest.skip(MISSING_SIMULATOR)
    name = request.module.__name__.rpartition("test_")[2]

    def run(
        component: wiring.Component,
        *only: str,
        delays_ps: list[int] = [],  # noqa: B006
        **env: object,
    ) -> BenchResult:
        write_delays(tmp_path, delays_ps)
        return run_bench(
            component,
            name,
            tmp_path,
            only=only,
            sources=verilog("model"),
            env={name: str(value) for name, value in env.items()},
        )

    return run
