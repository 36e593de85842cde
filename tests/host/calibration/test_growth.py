"""Growth: told to its statistics, and hits that no grown line gives are refused."""

from fractions import Fraction

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.host.calibration.lines import CLOCK_PS, VISIBLE, a_density, a_line, a_wave, codes_of

from hexkey.calibration.growth import (
    GROWTH_SHARE,
    SHAPE_PS,
    Growth,
    check_entries,
    check_growth,
    growth,
)
from hexkey.calibration.line import calibrate, check_density
from hexkey.errors import CalibrationError

TICK = Fraction(10)
REFERENCE, HITS = 20_000_000, 1_000_000


def reference(seed: int = 1) -> NDArray[np.int64]:
    return a_density(a_line(seed), REFERENCE, np.random.default_rng(seed))


def of_ages(ages_ps: NDArray[np.float64]) -> NDArray[np.int64]:
    return np.bincount(codes_of(a_line(), ages_ps % CLOCK_PS), minlength=VISIBLE + 1)


@pytest.mark.parametrize("factor", [0.97, 1.0, 1.01, 1.035])
def test_growth_of_many_lines_is_told_to_its_statistics(factor: float) -> None:
    """Hits make the factor uncertain by 0.45 / √n, rms: six times that for so many lines."""
    generator = np.random.default_rng(4)
    for seed in range(20):
        found = growth(reference(seed), a_density(factor * a_line(seed), HITS, generator), CLOCK_PS)
        assert found.factor == pytest.approx(factor, abs=6 * 0.45 / np.sqrt(HITS))
        assert found.departure_ps < found.chance_ps
        check_growth(found)


def test_chance_is_that_of_a_distribution_of_so_many_hits() -> None:
    """Kolmogorov: 2 exp(-2 x²) is 1e-6 for x = 2.69."""
    found = growth(reference(), a_density(a_line(), HITS, np.random.default_rng(1)), CLOCK_PS)
    assert found.chance_ps == pytest.approx(
        2.69 * CLOCK_PS * np.sqrt(1 / REFERENCE + 1 / HITS), 2e-3
    )


@pytest.mark.parametrize("lifetime_ns", [3.0, 10.0, 30.0, 60.0])
def test_photons_of_a_locked_source_are_refused(lifetime_ns: float) -> None:
    """Their decay is broader than the clock: no code is missing, and seconds agree."""
    ages = -np.random.default_rng(2).exponential(1000 * lifetime_ns, HITS)
    density = of_ages(ages)
    check_density(density)
    with pytest.raises(CalibrationError) as refused:
        check_growth(growth(reference(), density, CLOCK_PS))
    assert refused.value.reason == "shaped"


def test_whatever_passes_is_near_the_truth() -> None:
    """Somebody who times clicks gets no further than he would by warming the board."""
    generator = np.random.default_rng(3)
    truth = calibrate(reference(), CLOCK_PS).centres_ps
    passed = 0
    for depth in np.linspace(0, 0.5, 26):
        for waves in (0.5, 1, 2, 5):
            phase = generator.uniform(0, 2 * np.pi)
            density = a_wave(a_line(), HITS, generator, depth=depth, waves=waves, phase=phase)
            found = growth(reference(), density, CLOCK_PS)
            try:
                check_growth(found)
            except CalibrationError:
                continue
            passed += 1
            error = np.abs(calibrate(density, CLOCK_PS).centres_ps - truth)
            assert error.max() < abs(found.factor - 1) * CLOCK_PS + SHAPE_PS + found.chance_ps
            assert abs(found.factor - 1) <= GROWTH_SHARE
    assert 10 < passed < 80


def test_few_hits_beyond_a_line_do_not_hide_its_end() -> None:
    """Codes that chance makes of bubbles, too rare for a bin."""
    before, now = reference(), a_density(1.03 * a_line(), HITS, np.random.default_rng(8))
    before[-20:-1] += 20
    now[-20:-1] += 1
    found = growth(before, now, CLOCK_PS)
    assert found.factor == pytest.approx(1.03, abs=6 * 0.45 / np.sqrt(HITS))
    check_growth(found)


def test_line_of_another_board_is_refused() -> None:
    with pytest.raises(CalibrationError, match="not the one that was calibrated"):
        check_growth(growth(reference(1), reference(2), CLOCK_PS))


@pytest.mark.parametrize("factor", [1 - 1.01 * GROWTH_SHARE, 1 + 1.01 * GROWTH_SHARE])
def test_growth_that_cannot_be_is_refused(factor: float) -> None:
    check_growth(Growth(1 + 0.98 * (factor - 1), 0.0, 0.0))
    with pytest.raises(CalibrationError, match="calibrate it again") as refused:
        check_growth(Growth(factor, 0.0, 0.0))
    assert refused.value.reason == "far"


def test_entries_may_move_by_a_share_of_their_time_and_no_further() -> None:
    origin = np.array([0, 100, 499], np.uint16)
    for moved in ([2, 106, 499], [0, 94, 478], [1, 100, 520]):
        check_entries(origin, np.array(moved, np.uint16), TICK)
    for moved in ([3, 100, 499], [0, 107, 499], [0, 93, 499], [0, 100, 476]):
        with pytest.raises(CalibrationError, match="would move by") as refused:
            check_entries(origin, np.array(moved, np.uint16), TICK)
        assert refused.value.reason == "far"


def test_two_samples_a_clock_have_one_end() -> None:
    found = growth([510_000, 490_000, 0], [515_000, 485_000, 0], 10_000.0)
    assert found.factor == pytest.approx(515 / 510)
    assert found.departure_ps < 1e-9


def test_densities_of_other_lines_cannot_be_compared() -> None:
    with pytest.raises(ValueError, match="not of one line"):
        growth([1, 2, 3], [1, 2], CLOCK_PS)
