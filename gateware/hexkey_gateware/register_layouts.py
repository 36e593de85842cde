"""The values of the registers as structures, from the register map: a field for each register.

A field has the name of its register; where each channel has one, it is an array of them.
"""

from collections.abc import Callable
from typing import Any

from amaranth.hdl import ShapeLike
from amaranth.lib import data

from hexkey.wire.registers import REGISTERS, Register, bound
from hexkey_gateware.settings import setting_shape


def _layout(wanted: Callable[[Register], bool]) -> data.StructLayout:
    return data.StructLayout({row.name: _shape(row) for row in REGISTERS if wanted(row)})


def _shape(row: Register) -> ShapeLike:
    shape = setting_shape(row.name)
    return data.ArrayLayout(shape, row.channels) if row.channels else shape


SETTINGS = _layout(lambda row: row.shadowed)
"""What takes effect together, at a commit."""

VALUES = _layout(lambda row: not row.shadowed and row.access != "ro")
"""What takes effect as it is written."""

LIVE = _layout(lambda row: row.access == "ro")
"""What the board says of itself."""


def resets(layout: data.StructLayout, period_ticks: int) -> dict[str, Any]:
    """Return the values of a structure after a reset of a board with this period."""
    rows = [row for row in REGISTERS if row.name in layout.members]
    values = {row.name: bound(row.reset, period_ticks) for row in rows}
    return {row.name: [values[row.name]] * row.channels or values[row.name] for row in rows}
