"""The gate on what any build must have: clocks, sizes, constrained pins."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hexkey.errors import HexkeyError
from hexkey_gateware.bitstream.netlist import Netlist
from hexkey_gateware.boards import Board

LUT, FLIP_FLOP, BLOCK_RAM = "LUTs", "flip-flops", "block RAMs"

CELL_TYPES: dict[str, dict[str, tuple[str, ...]]] = {
    "ecp5": {LUT: ("TRELLIS_COMB",), FLIP_FLOP: ("TRELLIS_FF",), BLOCK_RAM: ("DP16KD",)},
    "gowin": {LUT: ("LUT4",), FLIP_FLOP: ("DFF",), BLOCK_RAM: ("BSRAM",)},
}
PLACES_TAKEN = {"ALU": 1, "RAM16SDP4": 6}  # flip-flops' places that a cell of Gowin takes
IO_TYPES = {"ecp5": "TRELLIS_IO", "gowin": "IOB"}


@dataclass(frozen=True, slots=True)
class ClockFigure:
    """A clock after routing, frequencies in MHz."""

    name: str
    target_mhz: float
    achieved_mhz: float


@dataclass(frozen=True, slots=True)
class CellFigure:
    """How many of a kind of cells are used; `available` is the maker's number where it is known."""

    kind: str
    used: int
    available: int

    @property
    def percent(self) -> float:
        return 100 * self.used / self.available if self.available else 0.0


def clock_figures(report: Mapping[str, Any]) -> list[ClockFigure]:
    """Return the clocks of nextpnr's report, which is made after routing."""
    return [
        ClockFigure(_clock_name(net), float(found["constraint"]), float(found["achieved"]))
        for net, found in sorted(report["fmax"].items())
    ]


def _clock_name(net: str) -> str:
    """Return the domain of a clock net: the router's prefix and Amaranth's suffix taken off."""
    name = net.removeprefix("$glbnet$").rpartition(".")[2]
    return "sync" if name == "clk" else name.removesuffix("_clk")


def check_clocks(clocks: list[ClockFigure], targets_mhz: Mapping[str, float]) -> list[str]:
    """Whether every clock was found, asked to reach its target, and does.

    A clock that the tools were not told of is timed against a default of theirs, and passes.
    """
    found = {clock.name: clock for clock in clocks}
    problems = []
    for name, target in targets_mhz.items():
        if name not in found:
            problems.append(f"clock {name}: not in the timing report; there are {_list(found)}")
        elif found[name].target_mhz < target * 0.999:
            asked = found[name].target_mhz
            problems.append(f"clock {name}: constrained to {asked:.1f} MHz instead of {target:g}")
    for clock in clocks:
        target = max(clock.target_mhz, targets_mhz.get(clock.name, 0.0))
        if clock.achieved_mhz < target:
            problems.append(
                f"clock {clock.name}: {clock.achieved_mhz:.1f} MHz instead of {target:.1f}"
            )
    return problems


def _list(names: Mapping[str, object]) -> str:
    return ", ".join(names) or "none"


def cell_figures(report: Mapping[str, Any], board: Board) -> list[CellFigure]:
    """Return how much of the chip is used, counting what the board may count on."""
    utilization = report["utilization"]
    figures = []
    for kind, types in CELL_TYPES[board.family].items():
        used = sum(int(utilization.get(name, {}).get("used", 0)) for name in types)
        available = sum(int(utilization.get(name, {}).get("available", 0)) for name in types)
        if kind == BLOCK_RAM:
            available = board.cells.block_rams
        figures.append(CellFigure(kind, used, available))
    return figures


def check_cells(cells: list[CellFigure], board: Board) -> list[str]:
    """Whether LUTs and block RAM stay within the board's budget."""
    by_kind = {figure.kind: figure for figure in cells}
    luts, rams = by_kind[LUT], by_kind[BLOCK_RAM]
    problems = []
    if rams.used > board.cells.block_ram_budget:
        problems.append(
            f"{rams.used} block RAMs: the budget of {board.title} is {board.cells.block_ram_budget}"
        )
    if luts.used > luts.available * board.cells.lut_share:
        problems.append(
            f"{luts.used} LUTs are {luts.percent:.1f} %: {board.title} may use "
            f"{100 * board.cells.lut_share:.0f} %"
        )
    return problems


def require_places(netlist: Netlist, board: Board) -> None:
    """Raise HexkeyError before a placer looks for hours for places that there are not."""
    taken = sum(
        1 if cell.type.startswith("DFF") else PLACES_TAKEN.get(cell.type, 0)
        for cell in netlist.cells.values()
    )
    if taken > board.cells.places:
        raise HexkeyError(
            f"{board.title}: flip-flops, carry cells and memory would take {taken} places of "
            f"{board.cells.places}, as nextpnr places them; --verilog writes the receiver for the "
            f"maker's own tools"
        )


def check_pins(constraints: str, netlist: Netlist) -> list[str]:
    """Whether each bit of a port has a place and an IO standard in the constraints' text.

    Reads Lattice's preferences and Gowin's constraints.
    """
    located = set(re.findall(r'^(?:LOCATE COMP|IO_LOC) "([^"]+)"', _lines(constraints), re.M))
    standard = set(
        re.findall(r'^(?:IOBUF PORT|IO_PORT) "([^"]+)" .*\bIO_TYPE=', _lines(constraints), re.M)
    )
    ports = {
        name if len(bits) == 1 else f"{name}[{index}]"
        for name, bits in netlist.ports.items()
        for index in range(len(bits))
    }
    problems = [f"pin {name}: has no place" for name in sorted(ports - located)]
    return problems + [f"pin {name}: has no IO standard" for name in sorted(ports - standard)]


def _lines(text: str) -> str:
    return "\n".join(line.strip() for line in text.splitlines())


def check_placed_pins(placed: Netlist, family: str) -> list[str]:
    """Whether each IO cell took its place and IO standard (nextpnr writes them into ECP5's)."""
    if family != "ecp5":
        return []
    return [
        f"pin {cell.name}: placed without {name}"
        for cell in placed.of_type(IO_TYPES[family])
        for name in ("LOC", "IO_TYPE")
        if name not in cell.attributes
    ]


def tap_delay_ps(report: Mapping[str, Any]) -> float | None:
    """Return the mean delay of a tap in nextpnr's model; None if no path runs along a line.

    The longest path into the taps runs the whole line, a carry at a time.
    """
    best: list[float] = []
    for path in report["critical_paths"]:
        steps = [
            1000.0 * float(step["delay"])
            for step in path["path"]
            if (step["from"]["port"], step["to"]["port"]) == ("FCI", "FCO")
        ]
        best = max(best, steps, key=len)
    return sum(best) / len(best) if best else None
