"""The receiver with the world around its pins, as a program."""

from importlib.resources import files
from pathlib import Path

from hexkey_gateware.design import Design
from hexkey_gateware.tagger import delay_line
from hexkey_gateware.top import Receiver
from hexkey_gateware.verilog import export
from hexkey_sim.benches.verilator import MISSING_SIMULATOR, compiled_model, simulator_is_missing
from hexkey_sim.cosim.simulator import SimulationError


def compile_system(design: Design) -> Path:
    """Return the compiled receiver of `design` with the world around its pins.

    Raises
    ------
    SimulationError
        Without a simulator.
    """
    if simulator_is_missing():
        raise SimulationError(MISSING_SIMULATOR)
    testbench = files("hexkey_sim.cosim").joinpath("testbench.v").read_text()
    receiver = export(Receiver(design), "receiver")
    sources = {**delay_line.verilog("model"), "receiver.v": receiver, "testbench.v": testbench}
    args = (f"-GBIT_PS={10**12 // design.baud}",)
    return compiled_model("testbench", sources, timing=True, args=args)
