"""Plain Verilog of a block, for simulators and other tools."""

from amaranth.back import verilog
from amaranth.hdl import Const, Value
from amaranth.hdl._ir import PortDirection
from amaranth.lib import wiring


def export(component: wiring.Component, name: str) -> str:
    """Return a component as Verilog with its ports at the top module `name`.

    A stream ``i`` becomes ``i__payload``, ``i__valid`` and ``i__ready``, which is left out where it
    is always 1; a clock domain ``clk`` and ``rst``.
    """
    ports = {}
    for path, member, port in component.signature.flatten(component):
        value = Value.cast(port)
        if not isinstance(value, Const):
            inward = member.flow == wiring.In
            direction = PortDirection.Input if inward else PortDirection.Output
            ports["__".join(map(str, path))] = (value, direction)
    return str(verilog.convert(component, name=name, ports=ports, emit_src=False))
