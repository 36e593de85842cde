"""Grids of gates as people write them, in nanoseconds, and as counting takes them, in ticks."""

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from hexkey.errors import ConfigurationError
from hexkey.maps.count import Windows
from hexkey.window import to_ticks

MOST_VALUES = 10_000
PAPER_START_NS, PAPER_WIDTH_NS = "0:4:0.1", "3:12:0.1"  # 41 × 91 gates


def parse_grid(text: str, name: str) -> list[Fraction]:
    """Return the values of FIRST:LAST:STEP, both ends included, exactly as written; or one number.

    Raises
    ------
    ConfigurationError
        It is neither, or has more than `MOST_VALUES` values; the message begins with `name`.
    """
    try:
        parts = [Fraction(part) for part in text.split(":")]
    except (ValueError, ZeroDivisionError):
        parts = []
    if len(parts) == 1:
        return parts
    if len(parts) != 3 or parts[2] <= 0 or parts[1] < parts[0]:
        raise ConfigurationError(
            f"{name} {text!r} is no grid: give nanoseconds as FIRST:LAST:STEP, such as 0:4:0.1"
        )
    first, last, step = parts
    count = int((last - first) / step) + 1
    if count > MOST_VALUES:
        raise ConfigurationError(f"{name} {text!r} has {count} values: choose a larger step")
    return [first + step * number for number in range(count)]


def windows_in_ticks(
    start_ns: Sequence[Fraction], width_ns: Sequence[Fraction], tick_ps: Fraction, period_ticks: int
) -> Windows:
    """Return every start with every width.

    Raises
    ------
    ConfigurationError
        A value that is no whole number of ticks, or a gate that does not fit the period.
    """

    def ticks(values: Sequence[Fraction], name: str) -> NDArray[np.int64]:
        return np.array([to_ticks(float(value), tick_ps, name) for value in values], np.int64)

    return Windows(ticks(start_ns, "start_ns"), ticks(width_ns, "width_ns"), period_ticks)
