"""The modulator's angle, from what its documentation says and not from its code."""

import numpy as np
import pytest

from hexkey_sim.link.modulator import angles_rad
from hexkey_sim.link.parameters import LinkParameters, Modulator

TABLE_II = LinkParameters()


def angle_deg(
    phase_ps: float, before: int, now: int, after: int, link: LinkParameters = TABLE_II
) -> float:
    bits = (np.array([bit], np.uint8) for bit in (before, now, after))
    return float(np.rad2deg(angles_rad(link, np.array([phase_ps]), *bits)[0]))


@pytest.mark.parametrize("phase_ps", [500, 5000, 10_499.9])
def test_in_the_flat_part_only_the_pulses_own_bit_counts(phase_ps: float) -> None:
    for before, after in ((0, 0), (0, 1), (1, 0), (1, 1)):
        assert angle_deg(phase_ps, before, 0, after) == pytest.approx(90)
        assert angle_deg(phase_ps, before, 1, after) == pytest.approx(45)


def test_the_swing_is_a_raised_cosine_across_the_edge() -> None:
    # From 10.5 ns to 25.5 ns: half of the way at 18 ns, a quarter of the time at 14.25 ns.
    assert angle_deg(18_000, 1, 0, 1) == pytest.approx(67.5)
    assert angle_deg(14_250, 1, 0, 1) == pytest.approx(90 - 45 * (1 - np.sqrt(0.5)) / 2)
    assert angle_deg(21_750, 0, 1, 0) == pytest.approx(45 + 45 * (1 + np.sqrt(0.5)) / 2)
    assert angle_deg(18_000, 1, 0, 0) == pytest.approx(90)
    remaining = 45 * (1 - np.cos(np.pi * 250 / 15_000)) / 2
    assert angle_deg(250, 0, 1, 1) == pytest.approx(45 + remaining)


@pytest.mark.parametrize(("now", "after"), [(0, 1), (1, 0)])
def test_the_angle_is_continuous_at_the_edge(now: int, after: int) -> None:
    assert angle_deg(24_999.999, 0, now, after) == pytest.approx(
        angle_deg(0, now, after, 0), abs=1e-3
    )


def test_a_perfect_modulator_never_swings() -> None:
    perfect = LinkParameters(modulator=Modulator(0, 25_000))
    for phase_ps in (0, 24_999.9):
        assert angle_deg(phase_ps, 1, 0, 1, perfect) == pytest.approx(90)
