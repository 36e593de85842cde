"""The steps from a receiver to a bitstream, for each family of chips.

Each step writes files into the build's folder and can be repeated by hand there::

    top.il            the receiver in its board, from Amaranth
    top.lpf, top.cst  pins and clocks (Lattice, Gowin)
    synthesis.ys      what Yosys does, and synthesis.log
    generic.il        on ECP5: the receiver in gates of any chip
    mapping.ys        how its own are made of these, and mapping.log
    netlist.json      as synthesised, the cells of the delay lines still black boxes
    routable.json     the same with carry cells, for nextpnr
    placed.json       as placed and routed; route.log
    timing.json       clocks after routing, critical paths, how much is used
    top.bit, top.fs   the bitstream (Lattice, Gowin)
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from hexkey_gateware.bitstream.checks import require_places
from hexkey_gateware.bitstream.netlist import read_netlist
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

# Some seeds send the placer round for ever. It takes 4 minutes on a large chip, 15 on a full one.
PLACING_LIMIT_S = 3600.0

# The parts of the receiver stay apart until they are mapped: the mapper makes everything as slow as
# the longest path in a module, and what has 20 ns would spoil what has 5.
ECP5_SYNTHESIS = """\
{black_boxes}
read_rtlil top.il
setattr -mod -set keep_hierarchy 1 top.receiver.* top.receiver.*.* %d
synth_ecp5 -top top -run begin:map_ffs
write_rtlil generic.il
"""

# The flip-flops of a slice share an enable, those of a tile a reset, so a few that have their own
# keep many others away from where they would lie best. `dfflegalize` makes gates of such resets and
# enables, see `Board`; it stands where synth_ecp5 has it, too, which sets no bounds. The cells are
# those that the ECP5's flip-flops can be. Mapping is a run of its own: in one with the synthesis
# Yosys takes more LUTs for the same.
#
# Behind synthesis only do the cells of the delay lines become carry cells, see `lines`.
ECP5_FLIP_FLOPS = (
    "-cell $_DFF_?_ 01 -cell $_DFF_?P?_ r -cell $_SDFF_?P?_ r "
    "-cell $_DFFE_??_ 01 -cell $_DFFE_?P??_ r -cell $_SDFFE_?P??_ r"
)
ECP5_MAPPING = f"""\
{{black_boxes}}
read_rtlil generic.il
read_verilog -overwrite -lib -specify +/ecp5/cells_sim.v +/ecp5/cells_bb.v
dfflegalize -minsrst {{fewest_reset}} -mince {{fewest_enabled}} {ECP5_FLIP_FLOPS}
synth_ecp5 -top top -run map_ffs:
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
    """Yield synthesis, mapping, place and route, packing for Lattice ECP5."""
    black_boxes = verilog(board.lowering)
    for name, text in black_boxes.items():
        (folder / name).write_text(text)
    reads = "\n".join(f"read_verilog -lib {name}" for name in black_boxes)
    yield _yosys("synthesis", ECP5_SYNTHESIS.format(black_boxes=reads), folder)
    mapping = ECP5_MAPPING.format(
        black_boxes=reads, fewest_reset=board.fewest_reset, fewest_enabled=board.fewest_enabled
    )
    yield _yosys("mapping", mapping, folder)
    route = [*board.device, "--seed", str(seed), "--json", ROUTABLE, "--lpf", "top.lpf"]
    route += ["--textcfg", "top.config", "--write", PLACED, "--report", TIMING]
    # Missed targets are for the checks to report, with all figures at hand.
    route += [*board.placer, "--timing-allow-fail"]
    yield Step(
        "place and route",
        lambda: run_tool(NEXTPNR_ECP5, route, folder, "route.log", PLACING_LIMIT_S),
    )
    pack = ["--compress", "--input", "top.config", "--bit", "top.bit"]
    yield Step("bitstream", lambda: run_tool(ECPPACK, pack, folder, "pack.log"))


def gowin_steps(board: Board, folder: Path, seed: int) -> Iterator[Step]:
    """Yield synthesis, place and route, packing for Gowin."""
    yield _yosys("synthesis", GOWIN_SYNTHESIS, folder)
    (folder / "top.sdc").write_text(_gowin_clocks(board))
    route = [*board.device, "--seed", str(seed), "--json", ROUTABLE, "--vopt", "cst=top.cst"]
    route += ["--sdc", "top.sdc", "--write", PLACED, "--report", TIMING, "--timing-allow-fail"]

    def place() -> float:
        require_places(read_netlist(folder / NETLIST), board)
        return run_tool(NEXTPNR_GOWIN, route, folder, "route.log", PLACING_LIMIT_S)

    yield Step("place and route", place)
    pack = ["-d", "GW2A-18C", "-o", "top.fs", "--sspi_as_gpio", "--mspi_as_gpio"]
    pack += ["--ready_as_gpio", "--done_as_gpio", PLACED]
    yield Step("bitstream", lambda: run_tool(GOWIN_PACK, pack, folder, "pack.log"))


def _yosys(title: str, script: str, folder: Path) -> Step:
    (folder / f"{title}.ys").write_text(script)
    return Step(title, lambda: run_tool(YOSYS, ["-s", f"{title}.ys"], folder, f"{title}.log"))


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
