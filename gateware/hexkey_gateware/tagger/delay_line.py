"""The delay line, which shows where an edge is at the clock's edge."""

from collections.abc import Sequence
from importlib import resources

from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hexkey_gateware.tagger import lowerings

CELLS = {"ecp5": 2, "xilinx7": 4, "ddr": 3, "model": 1}
"""Ways to make a line, and how many taps come together."""


def verilog(lowering: str) -> dict[str, str]:
    """Return the Verilog that a line has instances of, besides its FPGA's cells: name to text."""
    names = {"ecp5": "tdl_ccu2c.v", "xilinx7": "tdl_carry4.v", "model": "hexkey_timed_line.v"}
    if lowering not in names:
        return {}
    name = names[lowering]
    return {name: (resources.files("hexkey_gateware.tagger") / name).read_text()}


def check(taps: int, lowering: str) -> None:
    """Raise ValueError if there is no such line."""
    if lowering not in CELLS:
        raise ValueError(f"a delay line is one of {', '.join(CELLS)}, not {lowering!r}")
    cell = CELLS[lowering]
    if taps % cell or taps < cell or (lowering == "ddr" and taps != cell):
        raise ValueError(f"a delay line {lowering!r} has {cell} taps a cell: not {taps} taps")


class DelayLine(wiring.Component):
    """Shows at each sampling edge how the input was along the last nanoseconds.

    `hit` reaches the line's input as it is, never through a register. It may change at any time and
    must come from outside this clock domain: what changes it is seen some taps late, as an edge.

    Latency `LATENCY` clocks from the slot in which the hit fell to the snapshot at that slot's end;
    throughput one snapshot a clock.

    Parameters
    ----------
    taps : int
    lowering : str
        ``ecp5``, ``xilinx7``: a carry chain. ``ddr``: samples at both edges of the clock, `taps` is
        3. ``model``: a model of time, for simulators.
    name : str
        What the names of all cells begin with.
    delays_ps : sequence of int, optional
        For the model: how late each tap sees the hit, at least 1.
    jitter_ps : int
        For the model: how much these are different each time, rms.
    delays_file : str
        For the model: file that has these and then the jitter, read when the simulation begins; one
        hexadecimal number a line.

    Members
    -------
    hit : :py:`In(1)`
    taps : :py:`Out(taps)`
        Tap 0 is nearest to the input: its sample is the youngest.
    """

    def __init__(
        self,
        taps: int,
        lowering: str,
        *,
        name: str = "tdl",
        delays_ps: Sequence[int] = (),
        jitter_ps: int = 0,
        delays_file: str = "",
    ) -> None:
        check(taps, lowering)
        if lowering == "model" and not delays_file and len(delays_ps) != taps:
            raise ValueError(f"{taps} taps have as many delays, not {len(delays_ps)}")
        self._lowering, self._name = lowering, name
        self._model = (delays_ps, jitter_ps, delays_file)
        self.LATENCY = 2 if lowering == "ddr" else 1
        super().__init__({"hit": In(1), "taps": Out(taps)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        if self._lowering == "ecp5":
            lowerings.ecp5_carry(m, self.hit, self.taps, self._name)
        elif self._lowering == "xilinx7":
            lowerings.xilinx7_carry(m, self.hit, self.taps, self._name)
        elif self._lowering == "ddr":
            lowerings.two_edges(m, self.hit, self.taps)
        else:
            lowerings.timed_model(m, self.hit, self.taps, *self._model)
        return m
