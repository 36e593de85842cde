"""Proves that cells of an ECP5, by Yosys' models of them, do what plain gates do."""

from pathlib import Path

from amaranth.back import rtlil
from amaranth.lib import wiring

from hexkey_gateware.bitstream.tools import YOSYS, run_tool

SCRIPT = """\
read_rtlil top.il
read_verilog {models}
hierarchy -top top
proc
flatten -wb
opt
sat -verify -prove differ 0 top
"""


def prove_equal(both: wiring.Component, folder: Path, *models: str) -> None:
    """Prove that the output `differ` is 0 for all inputs; HexkeyError if it can be 1."""
    (folder / "top.il").write_text(rtlil.convert(both, name="top", emit_src=False))
    files = " ".join(f"+/ecp5/{model}" for model in models)
    (folder / "proof.ys").write_text(SCRIPT.format(models=files))
    run_tool(YOSYS, ["-s", "proof.ys"], folder, "proof.log")
