"""The steps from a receiver to a bitstream, for each family of chips.

Each step writes files into the build's folder and can be repeated by hand there::

    top.il            the receiver in its board, from Amaranth
    top.lpf, top.cst  pins and clocks (Lattice, Gowin)
    synthesis.ys      what Yosys does, and synthesis.log
    netlist.json      as synthesised, the cells of the delay lines still black boxes
    routable.json     the same with carry cells, for nextpnr
    placed.json       as placed and routed; route.log
    timing.json       clocks after routing, critical paths, how much is used
    top.bit, top.fs   the bitstream (Lattice, Gowin)
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from hexkey_gateware.bitstream.tools import (
    ECPPACK,
    GOWIN_PACK,
    NEXTPNR_ECP5,
    NEXTPNR_GOWIN,
    YOSYS,
    run_tool,
)
from hexkey_gateware.boards import Board, Family
from hexkey_gateware.tagger.delay_line import verilog
from hexkey_gateware.tagger.lowerings import ECP5_CELL

NETLIST, ROUTABLE, PLACED, TIMING = "netlist.json", "routable.json", "placed.json", "timing.json"

# The parts of the receiver stay apart until they are mapped: the mapper makes everything as slow as
# the longest path in a module, and what has 20 ns would spoil what has 5.
#
# Behind synthesis only do the cells of the delay lines become carry cells, see `lines`.
ECP5_SYNTHESIS = f"""\
{{black_boxes}}
read_rtlil top.il
setattr -mod -set keep_hierarchy 1 top.receiver.* top.receiver.*.* %d
synth_ecp5 -top top
setattr -mod -unset keep_hierarchy *
flatten
opt_clean
write_json {NETLIST}
chtype -set CCU2C t:{ECP5_CELL}
write_json {ROUTABLE}
write_verilog -noattr synthesised.v
"""

GOWIN_SYNTHESIS = f"""\
read_rtlil top.il
synth_gowin -family gw2a -top top
write_json {NETLIST}
write_json {ROUTABLE}
write_verilog -noattr synthesised.v
"""


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a build: what it does, for people, and what carries it out (seconds)."""

    title: str
    run: Callable[[], float]


@dataclass(frozen=True, slots=True)
class Flow:
    """How a family is built.

    Attributes
    ----------
    constraints, bitstream : str
        Names of the files.
    steps : callable
        Board, folder, seed → the steps after elaboration.
    """

    constraints: str
    bitstream: str
    steps: Callable[[Board, Path, int], Iterator[Step]]


def ecp5_steps(board: Board, folder: Path, seed: int) -> Iterator[Step]:
    """Yield synthesis, place and route, packing for Lattice ECP5."""
    black_boxes = verilog(board.lowering)
    for name, text in black_boxes.items():
        (folder / name).write_text(text)
    reads = "\n".join(f"read_verilog -lib {name}" for name in black_boxes)
    yield _synthesis(ECP5_SYNTHESIS.format(black_boxes=reads), folder)
    route = [*board.device, "--seed", str(seed), "--json", ROUTABLE, "--lpf", "top.lpf"]
    route += ["--textcfg", "top.config", "--write", PLACED, "--report", TIMING]
    # Missed targets are for the checks to report, with all figures at hand.
    route += [*board.placer, "--timing-allow-fail"]
    yield Step("place and route", lambda: run_tool(NEXTPNR_ECP5, route, folder, "route.log"))
    pack = ["--compress", "--input", "top.config", "--bit", "top.bit"]
    yield Step("bitstream", lambda: run_tool(ECPPACK, pack, folder, "pack.log"))


def gowin_steps(board: Board, folder: Path, seed: int) -> Iterator[Step]:
    """Yield synthesis, place and route, packing for Gowin."""
    yield _synthesis(GOWIN_SYNTHESIS, folder)
    (folder / "top.sdc").write_text(_gowin_clocks(board))
    route = [*board.device, "--seed", str(seed), "--json", ROUTABLE, "--vopt", "cst=top.cst"]
    route += ["--sdc", "top.sdc", "--write", PLACED, "--report", TIMING, "--timing-allow-fail"]
    yield Step("place and route", lambda: run_tool(NEXTPNR_GOWIN, route, folder, "route.log"))
    pack = ["-d", "GW2A-18C", "-o", "top.fs", "--sspi_as_gpio", "--mspi_as_gpio"]
    pack += ["--ready_as_gpio", "--done_as_gpio", PLACED]
    yield Step("bitstream", lambda: run_tool(GOWIN_PACK, pack, folder, "pack.log"))


def _synthesis(script: str, folder: Path) -> Step:
    (folder / "synthesis.ys").write_text(script)
    return Step(
        "synthesis", lambda: run_tool(YOSYS, ["-s", "synthesis.ys"], folder, "synthesis.log")
    )


def _gowin_clocks(board: Board) -> str:
    """Return the clocks for nextpnr, which derives none from a PLL of this family."""
    clocks = board.clocks
    nets = {"fast_clk": clocks.fast_hz, "clk": clocks.sync_hz, "osc_clk": clocks.oscillator_hz}
    return "".join(
        f"create_clock -name {net} -period {1e9 / hz:.3f} [get_nets {{{net}}}]\n"
        for net, hz in nets.items()
    )


FLOWS: dict[Family, Flow] = {
    "ecp5": Flow("top.lpf", "top.bit", ecp5_steps),
    "gowin": Flow("top.cst", "top.fs", gowin_steps),
}
