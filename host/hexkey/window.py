"""The gate as people set it (nanoseconds) and as everything else uses it (ticks)."""

import math
from dataclasses import dataclass
from fractions import Fraction

from hexkey.errors import ConfigurationError
from hexkey.gate import Gate


@dataclass(frozen=True, slots=True)
class Window:
    """The gate in the board's ticks."""

    gate: Gate
    period_ticks: int
    tick_ps: Fraction


def window_in_ticks(
    start_ns: float, width_ns: float, tick_ps: Fraction, period_ticks: int
) -> Window:
    """Turn the gate's nanoseconds into ticks.

    Raises
    ------
    ConfigurationError
        A bound that is no whole number of ticks, or a gate longer than a period.
    """
    start = to_ticks(start_ns, tick_ps, "gate_start_ns")
    width = to_ticks(width_ns, tick_ps, "gate_width_ns")
    if not 0 <= start < period_ticks or not 0 < width <= period_ticks:
        raise ConfigurationError(
            f"the gate from {start_ns} ns for {width_ns} ns must start "
            f"within the period of {float(period_ticks * tick_ps) / 1000} ns and be no longer"
        )
    return Window(Gate(start, width), period_ticks, tick_ps)


def to_ticks(value_ns: float, tick_ps: Fraction, name: str) -> int:
    """Turn nanoseconds into ticks; a ConfigurationError names the nearest value that fits."""
    if not math.isfinite(value_ns):
        raise ConfigurationError(f"{name} = {value_ns} is no number of nanoseconds")
    ticks = Fraction(str(value_ns)) * 1000 / tick_ps
    if ticks.denominator != 1:
        raise ConfigurationError(
            f"{name} = {value_ns} is no whole number of the board's ticks of {tick_ps} ps; "
            f"the nearest is {float(round(ticks) * tick_ps / 1000)}"
        )
    return int(ticks)
