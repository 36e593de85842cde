"""Shapes of the ports that take committed settings, from the register map.

Such a port has the name of its register. Its value must hold still while items that it concerns
are in a block; a commit drains the front end first.
"""

from amaranth.hdl import Shape, signed, unsigned

from hexkey.wire import RecordLayout
from hexkey.wire.registers import bound, register


def setting_shape(name: str, layout: RecordLayout) -> Shape:
    """Return the shape that holds every value of a register.

    Where a bound is the period, the phases of `layout` limit it: they reach up to two periods.
    """
    row = register(name)
    longest_period = (layout.limit("phase_ticks") + 1) // 2
    minimum, maximum = (bound(limit, longest_period) for limit in (row.minimum, row.maximum))
    if minimum < 0:
        return signed(max(~minimum, maximum).bit_length() + 1)
    return unsigned(maximum.bit_length())
