"""The gate on delay lines lets whole ones pass, and each way to break one shows."""

from collections.abc import Callable

import pytest
from tests.gateware.bitstream.placed_line import Module, placed, synthesised

from hexkey_gateware.bitstream.lines import (
    Line,
    Site,
    check_carries,
    check_lines,
    check_order,
    check_taps,
    find_lines,
    parse_site,
    placement,
)
from hexkey_gateware.bitstream.netlist import parse_netlist

LINES, TAPS = 3, 16


def problems_of(netlist: Module, layout: Module) -> list[str]:
    before, after = parse_netlist(netlist), parse_netlist(layout)
    lines = find_lines(before)
    return [
        *check_lines(lines, LINES, TAPS),
        *check_carries(before, lines),
        *check_order(after, lines),
        *check_taps(after, lines, TAPS),
    ]


def test_whole_lines_pass() -> None:
    assert problems_of(synthesised(LINES, TAPS), placed(LINES, TAPS)) == []


def test_lines_are_found_in_order_and_named() -> None:
    first, second, third = find_lines(parse_netlist(synthesised(LINES, TAPS)))
    assert second == Line(tuple(f"line_1_carry_{n}" for n in range(TAPS // 2 + 1)))
    assert [first.name, third.name] == ["line_0", "line_2"]


def test_placement_says_where_a_line_begins_and_ends() -> None:
    line = find_lines(parse_netlist(synthesised(1, TAPS)))[0]
    assert placement(parse_netlist(placed(1, TAPS)), line) == (Site(5, 80), Site(5, 97))
    assert placement(parse_netlist(placed(1, TAPS - 2)), line) is None


@pytest.mark.parametrize(
    ("bel", "site"),
    [
        ("X73/Y5/SLICEC.K1", Site(5, (73 * 4 + 2) * 2 + 1)),
        ("X0/Y0/SLICEA.FF0", Site(0, 0)),
        ("X65/Y0/PIOA", None),
        ("", None),
    ],
)
def test_sites(bel: str, site: Site | None) -> None:
    assert parse_site(bel) == site


def _set_pin(cell: str, port: str, bits: list[int | str]) -> Callable[[Module], None]:
    def change(module: Module) -> None:
        module["cells"][cell]["connections"][port] = bits

    return change


def _move(cell: str, bel: str) -> Callable[[Module], None]:
    def change(module: Module) -> None:
        module["cells"][cell]["attributes"]["NEXTPNR_BEL"] = bel

    return change


def _remove(*cells: str) -> Callable[[Module], None]:
    def change(module: Module) -> None:
        for cell in cells:
            del module["cells"][cell]

    return change


def _share_a_sum(module: Module) -> None:
    extra = {**module["cells"]["line_0_tap_3"], "type": "LUT4"}
    module["cells"]["extra"] = extra


SYNTHESISED = {
    "carry input tied to x": (_set_pin("line_1_carry_4", "CIN", ["x"]), "undefined"),
    "carry input tied to 0": (_set_pin("line_1_carry_4", "CIN", ["0"]), "4 delay lines instead"),
    "carry input of the first open": (_set_pin("line_1_carry_0", "CIN", []), "undefined"),
    "a line gone": (
        _remove(*(f"line_2_carry_{n}" for n in range(TAPS // 2 + 1))),
        "2 delay lines instead of 3",
    ),
    "a line too short": (
        _remove("line_2_carry_7", "line_2_carry_8"),
        "2 delay lines have the 8 cells",
    ),
    "a sum used twice": (_share_a_sum, "one flip-flop: line_0_carry_2"),
}


@pytest.mark.parametrize("broken", SYNTHESISED)
def test_broken_in_synthesis(broken: str) -> None:
    change, expected = SYNTHESISED[broken]
    netlist = synthesised(LINES, TAPS)
    change(netlist)
    assert expected in "; ".join(problems_of(netlist, placed(LINES, TAPS)))


PLACED = {
    "half a slice skipped": (
        _move("line_0_carry_3$CCU2_COMB0", "X10/Y5/SLICED.K1"),
        "line_0: not beside the cell before: line_0_carry_3$CCU2_COMB0",
    ),
    "another row": (
        _move("line_1_carry_8$CCU2_COMB1", "X12/Y9/SLICEA.K1"),
        "line_1: not beside the cell before: line_1_carry_8$CCU2_COMB1",
    ),
    "not in a slice": (
        _move("line_1_carry_0$CCU2_COMB0", "X4/Y94/OSCG"),
        "line_1: not beside the cell before",
    ),
    "a carry through a feed cell": (
        _set_pin("line_2_carry_5$CCU2_COMB0", "FCI", [99_999]),
        "line_2: carry not from the cell before: line_2_carry_5$CCU2_COMB0",
    ),
    "a carry open": (
        _set_pin("line_2_carry_5$CCU2_COMB0", "FCI", []),
        "line_2: carry not from the cell before: line_2_carry_5$CCU2_COMB0",
    ),
    "a cell not placed": (
        _remove("line_0_carry_6$CCU2_COMB1"),
        "line_0: not placed: line_0_carry_6$CCU2_COMB1",
    ),
    "a tap in the next slice": (
        _move("line_0_tap_4", "X10/Y5/SLICEC.FF0"),
        "line_0: tap not in its cell's slice: line_0_tap_4",
    ),
    "a tap in the other half": (
        _move("line_0_tap_4", "X10/Y5/SLICED.FF1"),
        "line_0: tap not in its cell's slice: line_0_tap_4",
    ),
    "a tap gone": (_remove("line_1_tap_15"), "line_1: 15 taps beside their cells instead of 16"),
    "a tap through the fabric": (
        _set_pin("line_1_tap_2", "DI", []),
        "line_1: 15 taps beside their cells instead of 16",
    ),
}


@pytest.mark.parametrize("broken", PLACED)
def test_broken_in_placement(broken: str) -> None:
    change, expected = PLACED[broken]
    layout = placed(LINES, TAPS)
    change(layout)
    assert expected in "; ".join(problems_of(synthesised(LINES, TAPS), layout))
