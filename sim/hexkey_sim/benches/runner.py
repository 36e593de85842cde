"""Runs a bench: a component as Verilog, Icarus, cocotb."""

import re
import shutil
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from amaranth.lib import wiring
from cocotb_tools.check_results import get_results
from cocotb_tools.runner import get_runner

from hexkey_gateware.verilog import export

MISSING_SIMULATOR = "iverilog is not installed: apt install iverilog"


@dataclass(frozen=True, slots=True)
class BenchResult:
    """How a bench ended.

    Attributes
    ----------
    tests, failures : int
    log : str
        What the simulator said.
    """

    tests: int
    failures: int
    log: str


def simulator_is_missing() -> bool:
    return shutil.which("iverilog") is None


def run_bench(
    component: wiring.Component,
    bench: str,
    folder: Path,
    *,
    only: Sequence[str] = (),
    seed: int = 1,
) -> BenchResult:
    """Run the cocotb tests of a module of this package against a component.

    Parameters
    ----------
    component : wiring.Component
    bench : str
        Name of the module in this package.
    folder : Path
        Takes everything that is made; must be there.
    only : sequence of str
        Tests to run; all if empty.
    seed : int
        Of the bench's stimulus.

    Raises
    ------
    RuntimeError
        The simulator ended before the bench did.
    """
    source, log = folder / f"{bench}.v", folder / "bench.log"
    source.write_text(_kick(export(component, bench)))
    runner = get_runner("icarus")
    runner.build(
        sources=[source],
        hdl_toplevel=bench,
        build_dir=folder,
        timescale=("1ns", "1ps"),
        log_file=folder / "build.log",
    )
    results = folder / "results.xml"
    with suppress(SystemExit):  # under pytest the runner ends the program over a failed test
        runner.test(
            test_module=f"hexkey_sim.benches.{bench}",
            hdl_toplevel=bench,
            build_dir=folder,
            test_dir=folder,
            testcase=list(only) or None,
            seed=seed,
            results_xml=str(results),
            log_file=log,
            # Importing pytest in the simulator takes a second, a third of a short bench.
            extra_env={"COCOTB_REWRITE_ASSERTION_FILES": ""},
        )
    tests, failures = get_results(results)
    return BenchResult(tests, failures, log.read_text())


def _kick(verilog: str) -> str:
    r"""Make every `always @*` run at the start.

    Icarus runs one only when an input changes; what depends on constants and initial values alone
    would stay undefined. Yosys lets each read a signal ``\$auto$verilog_backend...`` for this, but
    that does not change when declarations are initialised as SystemVerilog says.
    """
    return re.sub(
        r"reg (\\\$auto\$verilog_backend\S+) += 0;", r"reg \1 = 0; initial #0 \1 = 1;", verilog
    )
