"""Plain Verilog of a block, for simulators and other tools."""

from amaranth.back import verilog
from amaranth.lib import wiring


def export(component: wiring.Component, name: str) -> str:
    """Return a component as Verilog with its ports at the top module `name`.

    A stream ``i`` becomes ``i__payload``, ``i__valid`` and ``i__ready``; a clock domain ``clk`` and
    ``rst``.
    """
    return str(verilog.convert(component, name=name, emit_src=False))
