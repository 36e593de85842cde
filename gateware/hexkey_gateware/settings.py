"""Shapes of the ports that take committed settings, from the register map.

Such a port has the name of its register. Its value must hold still while clicks that it concerns
are in a block: a commit lets no gate open until the pipeline holds none.
"""

from amaranth.hdl import Shape, signed, unsigned

from hexkey.wire.registers import bound, register
from hexkey_gateware.slot import MAX_PERIOD_TICKS


def setting_shape(name: str) -> Shape:
    """Return the shape that holds every value of a register, with periods up to the longest."""
    row = register(name)
    minimum, maximum = (bound(limit, MAX_PERIOD_TICKS) for limit in (row.minimum, row.maximum))
    if minimum < 0:
        return signed(max(~minimum, maximum).bit_length() + 1)
    return unsigned(maximum.bit_length())
