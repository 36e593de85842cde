"""What synthesis and nextpnr write: cells and nets of a flat module, and the delay lines in it."""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Bit = int | str
"""A net's number, or a constant: "0", "1", "x"."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell.

    Attributes
    ----------
    name, type : str
    pins : dict of str to tuple
        Port to bits.
    outputs : frozenset of str
    attributes, parameters : dict of str to str
    """

    name: str
    type: str
    pins: Mapping[str, tuple[Bit, ...]]
    outputs: frozenset[str]
    attributes: Mapping[str, str]
    parameters: Mapping[str, str]

    def bit(self, port: str) -> Bit | None:
        """Return the bit at a port of one bit; None where nothing is connected."""
        bits = self.pins.get(port, ())
        return bits[0] if bits else None

    @property
    def bel(self) -> str:
        """Where nextpnr has put it."""
        return self.attributes.get("NEXTPNR_BEL", "")


@dataclass(frozen=True, slots=True)
class Netlist:
    """A flat module.

    Attributes
    ----------
    cells : dict of str to Cell
    ports : dict of str to tuple
        The module's ports and their bits.
    """

    cells: Mapping[str, Cell]
    ports: Mapping[str, tuple[Bit, ...]]
    _drivers: Mapping[Bit, tuple[Cell, str]] = field(repr=False)
    _sinks: Mapping[Bit, tuple[tuple[Cell, str], ...]] = field(repr=False)

    def driver(self, bit: Bit | None) -> tuple[Cell, str] | None:
        """Return the cell and the port that drive a net."""
        return None if bit is None else self._drivers.get(bit)

    def sinks(self, bit: Bit | None) -> tuple[tuple[Cell, str], ...]:
        """Return the cells and ports that a net leads to."""
        return () if bit is None else self._sinks.get(bit, ())

    def of_type(self, *types: str) -> Iterator[Cell]:
        return (cell for cell in self.cells.values() if cell.type in types)


def read_netlist(path: Path, top: str = "top") -> Netlist:
    """Read the module `top` of a JSON file of Yosys or nextpnr."""
    return parse_netlist(json.loads(path.read_text())["modules"][top])


def parse_netlist(module: Mapping[str, Any]) -> Netlist:
    """Return a module of the JSON as a netlist."""
    cells = {name: _parse_cell(name, raw) for name, raw in module["cells"].items()}
    drivers: dict[Bit, tuple[Cell, str]] = {}
    sinks: dict[Bit, list[tuple[Cell, str]]] = defaultdict(list)
    for cell in cells.values():
        for port, bits in cell.pins.items():
            for bit in bits:
                if port in cell.outputs:
                    drivers[bit] = (cell, port)
                else:
                    sinks[bit].append((cell, port))
    ports = {name: tuple(raw["bits"]) for name, raw in module["ports"].items()}
    return Netlist(cells, ports, drivers, {bit: tuple(found) for bit, found in sinks.items()})


def _parse_cell(name: str, raw: Mapping[str, Any]) -> Cell:
    return Cell(
        name,
        raw["type"],
        {port: tuple(bits) for port, bits in raw["connections"].items()},
        frozenset(port for port, way in raw["port_directions"].items() if way == "output"),
        raw.get("attributes", {}),
        raw.get("parameters", {}),
    )
