# amaranth: UnusedElaboratable=no
"""Narrow counters: what must be so before there is any gateware; see test_totals for the rest."""

import pytest

from hexkey_gateware.growth_counters import TAPS, GrowthCounters, growth, shift_states


@pytest.mark.parametrize("bits", TAPS)
def test_shift_register_goes_through_all_states_but_one(bits: int) -> None:
    assert sorted(shift_states(bits)) == [*range((1 << bits) - 1)]


def test_first_step_is_the_increment() -> None:
    """A counter that is taken begins again with what comes in that clock."""
    assert {tuple(shift_states(bits)[:2]) for bits in TAPS} == {(0, 1)}


def test_growth_is_what_increments_can_hold_or_what_channels_can_bring() -> None:
    assert growth(1, 70) == 70
    assert growth(3, 48) == 3 * 7 + 5 * 48
    assert growth(12, 48) == 3 * 4095 + 5 * 48
    assert growth(12, 2) == 2 * 4095


@pytest.mark.parametrize(
    ("widths", "visit_clocks", "clocks", "message"),
    [
        ((), 2, 2, r"^each total must grow by at least a bit, not \[\]$"),
        ((1, 0), 2, 4, r"^each total must grow by at least a bit, not \[1, 0\]$"),
        ((1,), 1, 2, r"^a visit must take at least 2 clocks, not 1$"),
        ((1, 1), 2, 3, r"^2 visits take more than 3 clocks$"),
    ],
)
def test_what_cannot_be_counted_is_refused(
    widths: tuple[int, ...], visit_clocks: int, clocks: int, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        GrowthCounters(widths, visit_clocks, clocks)
