"""Ports of settings hold every value that their registers accept."""

import pytest

from hexkey.wire import NARROW, WIDE, RecordLayout
from hexkey.wire.registers import REGISTERS, Register, bound
from hexkey_gateware.settings import setting_shape


@pytest.mark.parametrize("layout", [NARROW, WIDE])
@pytest.mark.parametrize("row", REGISTERS, ids=lambda row: row.name)
def test_shape_holds_the_limits_and_no_spare_bit(row: Register, layout: RecordLayout) -> None:
    longest_period = (layout.limit("phase_ticks") + 1) // 2
    shape = setting_shape(row.name, layout)
    lowest = -(2 ** (shape.width - 1)) if shape.signed else 0
    highest = lowest + 2**shape.width - 1
    assert lowest <= bound(row.minimum, longest_period)
    assert highest // 2 < bound(row.maximum, longest_period) <= highest
