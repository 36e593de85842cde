"""Clocks, sizes and pins: what passes, and that each fault shows."""

from typing import Any

import pytest

from hexkey.errors import HexkeyError
from hexkey_gateware.bitstream.checks import (
    CellFigure,
    ClockFigure,
    cell_figures,
    check_cells,
    check_clocks,
    check_pins,
    check_placed_pins,
    clock_figures,
    require_places,
    tap_delay_ps,
)
from hexkey_gateware.bitstream.netlist import Netlist, parse_netlist
from hexkey_gateware.boards import find_board

TARGETS = {"fast": 200.0, "sync": 50.0, "osc": 155.0}
BOARD = find_board("ulx3s-25f")


def _report(fast: float = 221.5, constraint: float = 200) -> dict[str, Any]:
    return {
        "fmax": {
            "$glbnet$fast_clk": {"achieved": fast, "constraint": constraint},
            "$glbnet$clk": {"achieved": 80.0, "constraint": 50},
            "clocks.osc_clk": {"achieved": 400.0, "constraint": 155},
        },
        "utilization": {
            "TRELLIS_COMB": {"used": 2429, "available": 24288},
            "TRELLIS_FF": {"used": 100, "available": 24288},
            "DP16KD": {"used": 30, "available": 56},
        },
    }


def _clock_problems(report: dict[str, Any]) -> list[str]:
    return check_clocks(clock_figures(report), TARGETS)


def test_clocks_are_named_by_domain() -> None:
    assert clock_figures(_report())[0] == ClockFigure("sync", 50.0, 80.0)
    assert _clock_problems(_report()) == []


def test_missed_clock() -> None:
    assert _clock_problems(_report(fast=199.9)) == ["clock fast: 199.9 MHz instead of 200.0"]


def test_unconstrained_clock_is_no_pass() -> None:
    assert _clock_problems(_report(constraint=12)) == [
        "clock fast: constrained to 12.0 MHz instead of 200"
    ]
    missing = _report()
    del missing["fmax"]["$glbnet$fast_clk"]
    assert _clock_problems(missing) == ["clock fast: not in the timing report; there are sync, osc"]


def test_clock_beside_the_three_is_held_to_its_constraint() -> None:
    report = _report()
    report["fmax"]["other"] = {"achieved": 90, "constraint": 100}
    assert _clock_problems(report) == ["clock other: 90.0 MHz instead of 100.0"]


def test_cells_and_budget() -> None:
    cells = cell_figures(_report(), BOARD)
    assert cells[0] == CellFigure("LUTs", 2429, 24288)
    assert round(cells[0].percent, 1) == 10.0
    assert check_cells(cells, BOARD) == []


def test_block_ram_counts_what_the_maker_promises() -> None:
    small = find_board("ulx3s-12f")
    report = _report()
    report["utilization"]["DP16KD"]["used"] = 33  # the tools would have 56 of them
    problems = check_cells(cell_figures(report, small), small)
    assert problems == ["33 block RAMs: the budget of ULX3S 12F is 32"]


def test_too_many_luts() -> None:
    report = _report()
    report["utilization"]["TRELLIS_COMB"]["used"] = 24000
    problem, *others = check_cells(cell_figures(report, BOARD), BOARD)
    assert problem == "24000 LUTs are 98.8 %: ULX3S 25F may use 80 %"
    assert not others


def _cells(**counts: int) -> Netlist:
    cell: dict[str, Any] = {"connections": {}, "port_directions": {}, "attributes": {}}
    cells = {
        f"{kind} {n}": {**cell, "type": kind}
        for kind, count in counts.items()
        for n in range(count)
    }
    return parse_netlist({"cells": cells, "ports": {}})


def test_places_are_of_flip_flops_or_of_what_excludes_them() -> None:
    tang = find_board("tang-primer-20k")
    require_places(_cells(DFFRE=15_000, DFF=540, ALU=6, RAM16SDP4=1, LUT4=5_000), tang)
    with pytest.raises(HexkeyError, match="would take 15553 places of 15552"):
        require_places(_cells(DFFRE=15_000, DFF=541, ALU=6, RAM16SDP4=1), tang)


LATTICE = """
LOCATE COMP "clk25_0__io" SITE "G2";
IOBUF PORT "clk25_0__io" IO_TYPE=LVCMOS33;
LOCATE COMP "pins[0]" SITE "B11";
IOBUF PORT "pins[0]" IO_TYPE=LVCMOS33 PULLMODE=DOWN;
LOCATE COMP "pins[1]" SITE "A10";
IOBUF PORT "pins[1]" IO_TYPE=LVCMOS33 PULLMODE=DOWN;
"""
GOWIN = """
    IO_LOC "clk25_0__io" H11;
    IO_PORT "clk25_0__io" IO_TYPE=LVCMOS33;
    IO_LOC "pins[0]" D11;
    IO_PORT "pins[0]" PULL_MODE=DOWN;
    IO_PORT "pins[0]" IO_TYPE=LVCMOS33;
    IO_LOC "pins[1]" D12;
    IO_PORT "pins[1]" IO_TYPE=LVCMOS33;
"""
PORTS = {"cells": {}, "ports": {"clk25_0__io": {"bits": [2]}, "pins": {"bits": [3, 4]}}}


@pytest.mark.parametrize("constraints", [LATTICE, GOWIN])
def test_pins(constraints: str) -> None:
    netlist = parse_netlist(PORTS)
    assert check_pins(constraints, netlist) == []
    without = [line for line in constraints.splitlines() if "pins[1]" not in line]
    assert check_pins("\n".join(without), netlist) == [
        "pin pins[1]: has no place",
        "pin pins[1]: has no IO standard",
    ]
    assert check_pins(constraints.replace("IO_TYPE=", "DRIVE="), netlist) == [
        f"pin {name}: has no IO standard" for name in ("clk25_0__io", "pins[0]", "pins[1]")
    ]


def test_placed_pins() -> None:
    cell = {"type": "TRELLIS_IO", "connections": {}, "port_directions": {}, "attributes": {}}
    where = {"LOC": "B11", "IO_TYPE": "LVCMOS33"}
    netlist = parse_netlist({"cells": {"a": {**cell, "attributes": where}, "b": cell}, "ports": {}})
    problems = ["pin b: placed without LOC", "pin b: placed without IO_TYPE"]
    assert check_placed_pins(netlist, "ecp5") == problems
    assert check_placed_pins(netlist, "gowin") == []


def _step(port: str, to: str, delay_ns: float) -> dict[str, Any]:
    return {"from": {"port": port}, "to": {"port": to}, "delay": delay_ns}


def test_mean_tap_is_of_the_longest_chain() -> None:
    adder = {"path": [_step("FCI", "FCO", 0.5)] * 3}
    line = {"path": [_step("A", "FCO", 0.45), *[_step("FCI", "FCO", d) for d in (0.07, 0) * 8]]}
    assert tap_delay_ps({"critical_paths": [adder, line]}) == pytest.approx(35.0)
    assert tap_delay_ps({"critical_paths": []}) is None
