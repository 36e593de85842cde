"""Runs a bench: a component as Verilog, Verilator, cocotb."""

import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from amaranth.lib import wiring
from cocotb_tools.check_results import get_results
from cocotb_tools.config import libs_dir
from cocotb_tools.runner import get_runner

from hexkey_gateware.verilog import export
from hexkey_sim.benches.verilator import compiled_model

ENVIRONMENT = {
    # Importing pytest in the simulator takes a second, a third of a short bench.
    "COCOTB_REWRITE_ASSERTION_FILES": "",
    # A model may have been compiled by another installation, which is no more.
    "LD_LIBRARY_PATH": os.pathsep.join(
        [str(libs_dir), *filter(None, [os.environ.get("LD_LIBRARY_PATH")])]
    ),
}


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


def run_bench(
    component: wiring.Component,
    bench: str,
    folder: Path,
    *,
    only: Sequence[str] = (),
    seed: int = 1,
    sources: Mapping[str, str] | None = None,
    timing: bool = False,
    args: Sequence[str] = (),
    env: Mapping[str, str] | None = None,
) -> BenchResult:
    """Run the cocotb tests of a module of this package against a component.

    Parameters
    ----------
    component : wiring.Component
    bench : str
        Name of the module in this package.
    folder : Path
        Takes the log and the results; must be there.
    only : sequence of str
        Tests to run; all if empty.
    seed : int
        Of the bench's stimulus.
    sources : dict of str to str
        Verilog that the component has instances of: file name to text.
    timing : bool
        Whether there are delays in it.
    args : sequence of str
        More arguments for Verilator.
    env : dict of str to str
        Environment of the bench: what it needs to know of the component.

    Raises
    ------
    RuntimeError
        The simulator ended before the bench did.
    """
    verilog = {**(sources or {}), f"{bench}.v": export(component, bench)}
    return run_model(
        compiled_model(bench, verilog, timing=timing, args=args), bench, folder, only, seed, env
    )


def run_model(
    model: Path,
    bench: str,
    folder: Path,
    only: Sequence[str] = (),
    seed: int = 1,
    env: Mapping[str, str] | None = None,
    top: str | None = None,
) -> BenchResult:
    """Run the cocotb tests of a module of this package against a compiled model."""
    log, results = folder / "bench.log", folder / "results.xml"
    with suppress(SystemExit):  # under pytest the runner ends the program over a failed test
        get_runner("verilator").test(
            test_module=f"hexkey_sim.benches.{bench}",
            hdl_toplevel=top or bench.rpartition(".")[2],
            hdl_toplevel_lang="verilog",
            build_dir=model,
            test_dir=folder,
            testcase=list(only) or None,
            seed=seed,
            results_xml=str(results),
            log_file=log,
            extra_env={**ENVIRONMENT, **(env or {})},
        )
    tests, failures = get_results(results)
    return BenchResult(tests, failures, log.read_text())
