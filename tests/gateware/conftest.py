"""Fixtures of the benches."""

from collections.abc import Callable
from pathlib import Path

import pytest
from amaranth.lib import wiring

from hexkey_sim.benches.runner import BenchResult, run_bench
from hexkey_sim.benches.verilator import MISSING_SIMULATOR, simulator_is_missing

Bench = Callable[..., BenchResult]


@pytest.fixture
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Bench:
    """Return a function that runs the bench named after the test's module: gate of test_gate."""
    if simulator_is_missing():
        pytest.skip(MISSING_SIMULATOR)
    name = request.module.__name__.rpartition("test_")[2]

    def run(component: wiring.Component, *only: str) -> BenchResult:
        return run_bench(component, name, tmp_path, only=only)

    return run
