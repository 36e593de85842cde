"""The gate in ticks: exact or refused, never rounded in silence."""

from fractions import Fraction

import pytest

from hexkey.errors import ConfigurationError
from hexkey.gate import Gate
from hexkey.window import to_ticks, window_in_ticks

TICK_PS = Fraction(10)
PERIOD_TICKS = 2500


def test_papers_window_in_ticks() -> None:
    found = window_in_ticks(0.5, 10.0, TICK_PS, PERIOD_TICKS)
    assert found.gate == Gate(50, 1000)
    assert (found.period_ticks, found.tick_ps) == (PERIOD_TICKS, TICK_PS)


@pytest.mark.parametrize(
    ("value_ns", "tick_ps", "ticks"),
    [
        (0.1, Fraction(10), 10),  # 0.1 is no binary number: it is read as it is written
        (0.07, Fraction(10), 7),
        (-1.25, Fraction(10), -125),
        (1.0, Fraction(125, 3), 24),
    ],
)
def test_decimal_nanoseconds_are_exact(value_ns: float, tick_ps: Fraction, ticks: int) -> None:
    assert to_ticks(value_ns, tick_ps, "delay_ns") == ticks


def test_fraction_of_a_tick_is_refused_with_the_nearest_value() -> None:
    with pytest.raises(ConfigurationError, match=r"gate_start_ns = 0\.503 .* nearest is 0\.5"):
        window_in_ticks(0.503, 10.0, TICK_PS, PERIOD_TICKS)


@pytest.mark.parametrize(
    ("start_ns", "width_ns"), [(25.0, 1.0), (-0.5, 1.0), (0.0, 0.0), (0.0, 25.01), (3.0, -1.0)]
)
def test_gates_beyond_a_period_are_refused(start_ns: float, width_ns: float) -> None:
    with pytest.raises(ConfigurationError, match=r"period of 25\.0 ns"):
        window_in_ticks(start_ns, width_ns, TICK_PS, PERIOD_TICKS)


def test_gate_may_wrap_and_may_last_a_period() -> None:
    assert window_in_ticks(20.0, 10.0, TICK_PS, PERIOD_TICKS).gate == Gate(2000, 1000)
    assert window_in_ticks(0.0, 25.0, TICK_PS, PERIOD_TICKS).gate == Gate(0, 2500)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_no_number_is_refused(value: float) -> None:
    with pytest.raises(ConfigurationError, match="gate_width_ns"):
        window_in_ticks(0.5, value, TICK_PS, PERIOD_TICKS)
