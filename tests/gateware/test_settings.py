"""Ports of settings hold every value that their registers accept."""

import pytest

from hexkey.wire.registers import REGISTERS, Register, bound
from hexkey_gateware.settings import setting_shape
from hexkey_gateware.slot import MAX_PERIOD_TICKS


@pytest.mark.parametrize("row", REGISTERS, ids=lambda row: row.name)
def test_shape_holds_the_limits_and_no_spare_bit(row: Register) -> None:
    shape = setting_shape(row.name)
    lowest = -(2 ** (shape.width - 1)) if shape.signed else 0
    highest = lowest + 2**shape.width - 1
    maximum = bound(row.maximum, MAX_PERIOD_TICKS)
    assert lowest <= bound(row.minimum, MAX_PERIOD_TICKS)
    assert highest // 2 < maximum <= highest
