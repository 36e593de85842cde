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

    def in_ns(self, ticks: int) -> float:
        return float(ticks * self.tick_ps / 1000)


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
    return checked_window(Gate(start, width), tick_ps, period_ticks)


def checked_window(gate: Gate, tick_ps: Fraction, period_ticks: int) -> Window:
    """Return the window of a gate, which may reach past the period's end.

    Raises
    ------
    ConfigurationError
        It begins outside the period, is longer, or empty.
    """
    window = Window(gate, period_ticks, tick_ps)
    if not 0 <= gate.start_ticks < period_ticks or not 0 < gate.width_ticks <= period_ticks:
        raise ConfigurationError(
            f"the gate from {window.in_ns(gate.start_ticks)} ns for "
            f"{window.in_ns(gate.width_ticks)} ns must start within the period of "
            f"{window.in_ns(period_ticks)} ns and be no longer"
        )
    return window


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
