"""Delay lines as Yosys and nextpnr write them, small enough to be broken by hand."""

from typing import Any

from hexkey_gateware.tagger.lowerings import ECP5_CELL

Module = dict[str, Any]


def _cell(kind: str, inputs: Module, outputs: Module, bel: str = "") -> Module:
    return {
        "type": kind,
        "parameters": {},
        "attributes": {"NEXTPNR_BEL": bel} if bel else {},
        "port_directions": {**dict.fromkeys(inputs, "input"), **dict.fromkeys(outputs, "output")},
        "connections": {
            port: [] if bit is None else [bit] for port, bit in (inputs | outputs).items()
        },
    }


def _carry(line: int, n: int) -> int:
    return 10_000 * (line + 1) + 10 * n


def synthesised(lines: int, taps: int) -> Module:
    """Return lines behind synthesis: the first cell lets the hit in, each other has two taps."""
    cells = {}
    for line in range(lines):
        for n in range(taps // 2 + 1):
            carry = _carry(line, n)
            sums = {"S0": carry + 1, "S1": carry + 2} if n else {"S0": None, "S1": None}
            cells[f"line_{line}_carry_{n}"] = _cell(
                ECP5_CELL,
                {"CIN": _carry(line, n - 1) if n else "0", "A1": "1" if n else 2 + line},
                {"COUT": carry, **sums},
            )
            for half in range(2 if n else 0):
                tap = 2 * (n - 1) + half
                cells[f"line_{line}_tap_{tap}"] = _cell(
                    "TRELLIS_FF", {"DI": carry + 1 + half, "CLK": 3}, {"Q": carry + 3 + half}
                )
    return {"cells": cells, "ports": {}}


def placed(lines: int, taps: int) -> Module:
    """Return the same lines as placed, each from the left in a row of its own."""
    cells = {}
    for line in range(lines):
        for n in range(taps // 2 + 1):
            carry = _carry(line, n)
            for half in range(2):
                at = f"X{10 + n // 4}/Y{5 + line}/SLICE{'ABCD'[n % 4]}"
                between = carry + 5
                cells[f"line_{line}_carry_{n}$CCU2_COMB{half}"] = _cell(
                    "TRELLIS_COMB",
                    {"FCI": between if half else _carry(line, n - 1) if n else None},
                    {"FCO": carry if half else between, "F": carry + 1 + half if n else None},
                    f"{at}.K{half}",
                )
                if n:
                    cells[f"line_{line}_tap_{2 * (n - 1) + half}"] = _cell(
                        "TRELLIS_FF",
                        {"DI": carry + 1 + half, "CLK": 3},
                        {"Q": carry + 3 + half},
                        f"{at}.FF{half}",
                    )
    return {"cells": cells, "ports": {}}
