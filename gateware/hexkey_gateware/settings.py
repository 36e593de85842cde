"""Shapes of the ports that take committed settings, from the register map.

Such a port has the name of its register. Its value must hold still while items that it concerns
are in a block; a commit drains the front end first.
"""

from amaranth.hdl import Shape, signed, unsigned

from hexkey.wire import RecordLayout
from hexkey.wire.registers import Period, register


def setting_shape(name: str, layout: RecordLayout) -> Shape:
    """Return the shape that holds every value of a register.

    Where a bound is the period, the phase of `layout` is what limits it: a phase reaches up to two
    periods.
    """
    row = register(name)
    longest_period = (layout.limit("phase_ticks") + 1) // 2
    maximum = longest_period if isinstance(row.maximum, Period) else row.maximum
    minimum = 0 if isinstance(row.minimum, Period) else row.minimum
    if minimum < 0:
        return signed(max((-minimum - 1).bit_length(), maximum.bit_length()) + 1)
    return unsigned(maximum.bit_length())
