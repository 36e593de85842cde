"""The gate on ECP5 delay lines: chained, consecutive, each tap beside its cell.

A build in which logic optimisation has seen through the carry chain, or the placer has torn it
apart, ends like any other: with a bitstream, a fine clock and no error. It would only measure
nothing. So every build is read again, as synthesised and as placed, and these functions say what is
wrong, a sentence each.

Synthesis sees the cells of a line as black boxes (`ECP5_CELL`), which become carry cells (CCU2C)
afterwards; the first of a line lets the hit in and has no taps. nextpnr makes two of each,
``name$CCU2_COMB0`` and ``name$CCU2_COMB1``, in the two halves of a slice.
"""

import re
from dataclasses import dataclass
from itertools import pairwise

from hexkey_gateware.bitstream.netlist import Cell, Netlist
from hexkey_gateware.tagger.lowerings import ECP5_CELL

HALVES = ("$CCU2_COMB0", "$CCU2_COMB1")
FLIP_FLOP = "TRELLIS_FF"
TAPS_A_CELL = 2
MOST_NAMED = 3  # cells named in a problem; the others are counted

_SLICE = re.compile(r"X(\d+)/Y(\d+)/SLICE([A-D])\.(K|COMB|FF|LC|LUT)([01])")


@dataclass(frozen=True, slots=True)
class Line:
    """A delay line: the names of its cells, from the input on."""

    cells: tuple[str, ...]

    @property
    def name(self) -> str:
        """What the names of its cells begin with."""
        return self.cells[0].removesuffix("_carry_0")


@dataclass(frozen=True, slots=True, order=True)
class Site:
    """Half a slice; `along` counts halves along the row, so that neighbours differ by one."""

    row: int
    along: int

    @property
    def column(self) -> int:
        return self.along // 8


def parse_site(bel: str) -> Site | None:
    """Return where a BEL is; None if it is in no slice."""
    found = _SLICE.fullmatch(bel)
    if not found:
        return None
    column, row, letter, _, half = found.groups()
    return Site(int(row), (int(column) * 4 + "ABCD".index(letter)) * 2 + int(half))


def find_lines(netlist: Netlist) -> list[Line]:
    """Return the delay lines of a synthesised netlist, in the order of their first cells' names.

    A line begins at each cell whose carry comes from no other cell of a line.
    """
    own = {cell.name: cell for cell in netlist.of_type(ECP5_CELL)}
    following: dict[str, str] = {}
    for cell in own.values():
        driver = netlist.driver(cell.bit("CIN"))
        if driver and driver[0].name in own and driver[1] == "COUT":
            following[driver[0].name] = cell.name
    lines = []
    for start in sorted(set(own) - set(following.values())):
        names = [start]
        while names[-1] in following:
            names.append(following[names[-1]])
        lines.append(Line(tuple(names)))
    return lines


def check_lines(lines: list[Line], channels: int, taps: int) -> list[str]:
    """Whether there are as many lines as channels, of at least taps/2 cells each."""
    problems = []
    cells = taps // TAPS_A_CELL
    # A carry input that is not chained, tied to x or to a constant, begins a line of its own.
    whole = [line for line in lines if len(line.cells) >= cells]
    if len(lines) != channels:
        problems.append(
            f"the carry cells form {len(lines)} delay lines instead of {channels}: "
            f"carry inputs are tied instead of chained, or lines were merged"
        )
    if len(whole) != channels:
        lengths = ", ".join(str(len(line.cells)) for line in lines[:8]) or "none"
        problems.append(
            f"{len(whole)} delay lines have the {cells} cells of {taps} taps instead of "
            f"{channels}; lengths: {lengths}"
        )
    return problems


def check_carries(netlist: Netlist, lines: list[Line]) -> list[str]:
    """Whether no carry input is undefined and every sum that is used goes to one flip-flop."""
    undefined, strange = [], []
    for cell in _cells(netlist, lines):
        if cell.bit("CIN") in ("x", "z", None):
            undefined.append(cell.name)
        for port in ("S0", "S1"):
            sinks = netlist.sinks(cell.bit(port))
            if [sink.type for sink, _ in sinks] not in ([FLIP_FLOP], []):
                strange.append(cell.name)
    return [
        *_named("carry input undefined", undefined),
        *_named("sum that does not go to one flip-flop", strange),
    ]


def check_order(placed: Netlist, lines: list[Line]) -> list[str]:
    """Whether each line's halves are strictly consecutive in one row, and chained as placed."""
    problems = []
    for line in lines:
        halves = [name + half for name in line.cells for half in HALVES]
        missing = [name for name in halves if name not in placed.cells]
        if missing:
            problems += _named(f"line {line.name}: not placed", missing)
            continue
        cells = [placed.cells[name] for name in halves]
        apart, unchained = [], []
        for before, after in pairwise(cells):
            here, there = parse_site(before.bel), parse_site(after.bel)
            if not here or not there or (here.row, here.along + 1) != (there.row, there.along):
                apart.append(after.name)
            if after.bit("FCI") is None or after.bit("FCI") != before.bit("FCO"):
                unchained.append(after.name)
        problems += _named(f"line {line.name}: not beside the cell before", apart)
        problems += _named(f"line {line.name}: carry not from the cell before", unchained)
    return problems


def check_taps(placed: Netlist, lines: list[Line], taps: int) -> list[str]:
    """Whether each line has its taps, each with its flip-flop in the same half of the slice."""
    problems = []
    for line in lines:
        halves = [placed.cells.get(name + half) for name in line.cells for half in HALVES]
        strays, beside = [], 0
        for half in halves:
            if half is None:
                continue
            for sink, port in placed.sinks(half.bit("F")):
                own = sink.type == FLIP_FLOP and port == "DI"
                if own and parse_site(sink.bel) == parse_site(half.bel):
                    beside += 1
                else:
                    strays.append(sink.name)
        problems += _named(f"line {line.name}: tap not in its cell's slice", strays)
        if beside < taps:
            problems.append(f"line {line.name}: {beside} taps beside their cells instead of {taps}")
    return problems


def placement(placed: Netlist, line: Line) -> tuple[Site, Site] | None:
    """Return where a line begins and ends; None if it is not placed."""
    ends = (line.cells[0] + HALVES[0], line.cells[-1] + HALVES[1])
    first, last = (
        parse_site(placed.cells[end].bel) if end in placed.cells else None for end in ends
    )
    return (first, last) if first and last else None


def _cells(netlist: Netlist, lines: list[Line]) -> list[Cell]:
    return [netlist.cells[name] for line in lines for name in line.cells]


def _named(problem: str, names: list[str]) -> list[str]:
    if not names:
        return []
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return [f"{problem}: {', '.join(names[:MOST_NAMED])}{more}"]
