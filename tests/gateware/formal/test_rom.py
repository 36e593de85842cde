"""The LUTs of a ROM hold its bytes, proved for all addresses; nothing else follows from them."""

import json
import re
from pathlib import Path

import pytest
from amaranth.back import rtlil
from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from tests.gateware.formal.cells import prove_equal
from tests.gateware.formal.conftest import needs_prover

from hexkey.errors import HexkeyError
from hexkey_gateware.bitstream.tools import YOSYS, run_tool
from hexkey_gateware.link.rom import Rom

pytestmark = needs_prover
CONTENT = bytes(range(250, 256)) + b"the quick brown fox, 0.1 3f2a9c1b"
MODEL = "common_sim.vh"


class Both(wiring.Component):
    """Says whether a ROM of LUTs differs from one of gates."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        super().__init__({"address": In(range(len(CONTENT))), "differ": Out(1)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.gates = gates = Rom(CONTENT, ecp5=False)
        m.submodules.luts = luts = Rom(self._content, ecp5=True)
        m.d.comb += [each.address.eq(self.address) for each in (gates, luts)]
        m.d.comb += self.differ.eq(gates.data != luts.data)
        return m


def test_luts_hold_the_bytes(tmp_path: Path) -> None:
    prove_equal(Both(CONTENT), tmp_path, MODEL)


def test_proof_sees_a_bit_of_the_last_byte(tmp_path: Path) -> None:
    with pytest.raises(HexkeyError, match="proof did fail"):
        prove_equal(Both(CONTENT[:-1] + bytes([CONTENT[-1] ^ 4])), tmp_path, MODEL)


SYNTHESIS = """\
read_rtlil top.il
synth_ecp5 -top top
write_json netlist.json
"""


def netlist(firmware: str, folder: Path) -> str:
    """Return an identification as synthesised, without the contents of its LUTs."""
    folder.mkdir()
    rom = Rom(bytes(24) + firmware.encode() + b"ULX3S 85F", ecp5=True)
    (folder / "top.il").write_text(rtlil.convert(rom, name="top", emit_src=False))
    (folder / "synthesis.ys").write_text(SYNTHESIS)
    run_tool(YOSYS, ["-s", "synthesis.ys"], folder, "synthesis.log")
    cells = json.loads((folder / "netlist.json").read_text())["modules"]["top"]["cells"]
    assert sum(cell["type"] == "LUT4" for cell in cells.values()) >= 24
    return re.sub(r'"INIT": "[01]+"', "", json.dumps(cells))


def test_bytes_decide_on_nothing_else(tmp_path: Path) -> None:
    """A bitstream's placement follows from its netlist: a new hash of the sources is no new one."""
    assert netlist("0.1 3f2a9c1b", tmp_path / "a") == netlist("0.1 00000000", tmp_path / "b")
