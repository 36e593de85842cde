"""The code-density test on simulated lines: right within statistics, and what it refuses."""

from fractions import Fraction

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.host.calibration.lines import (
    CLOCK_PS,
    TAPS,
    VISIBLE,
    a_density,
    a_line,
    codes_of,
    widths,
)

from hexkey.calibration.line import (
    DISAGREEMENT,
    Line,
    calibrate,
    check_agreement,
    check_density,
    compare,
    merge,
)
from hexkey.errors import CalibrationError

TICK = Fraction(10)
HITS = 10_000_000


def measured(seed: int = 1, hits: int = HITS) -> tuple[Line, NDArray[np.float64]]:
    ends = a_line(seed)
    return calibrate(a_density(ends, hits, np.random.default_rng(seed)), CLOCK_PS), ends


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_widths_and_centres_are_those_of_the_line(seed: int) -> None:
    line, ends = measured(seed)
    true = widths(ends)
    # Binomial: a bin of share q has sqrt(q (1 - q) / hits); six sigma for some hundred bins.
    sigma = np.sqrt(true / CLOCK_PS * (1 - true / CLOCK_PS) / HITS) * CLOCK_PS
    assert np.all(np.abs(line.widths_ps - true) <= 6 * sigma)
    assert line.widths_ps.sum() == pytest.approx(CLOCK_PS)
    centres = np.cumsum(true) - true / 2
    assert np.abs(line.centres_ps - centres)[true > 0].max() < 6 * CLOCK_PS / 2 / np.sqrt(HITS)


def test_table_gives_the_time_of_edges_that_it_was_not_made_from() -> None:
    line, ends = measured()
    ages = np.random.default_rng(99).uniform(0, CLOCK_PS, 100_000)
    table = line.fine_ticks(TICK)
    error = (table[codes_of(ends, ages)] + 0.5) * 10 - ages  # it is rounded down
    assert abs(error.mean()) < 1.5  # what rounding leaves of some 140 bins
    # Bins and the rounding to ticks, each uniform in itself.
    expected = np.hypot(line.quantisation_ps, 10 / np.sqrt(12))
    assert error.std() == pytest.approx(expected, rel=0.05)
    assert error.std() < 15
    assert np.abs(error).max() <= line.widths_ps.max() / 2 + 6


def test_table_fills_the_clock_and_no_more() -> None:
    line, _ = measured()
    table = line.fine_ticks(TICK)
    assert len(table) == VISIBLE + 1
    assert (table[0], table[-1], table.max()) == (1, 499, 499)
    assert np.all(np.diff(table.astype(int)) >= 0)


def test_length_follows_the_temperature() -> None:
    cold = calibrate(a_density(a_line(), HITS, np.random.default_rng(1)), CLOCK_PS)
    warm = calibrate(a_density(1.01 * a_line(), HITS, np.random.default_rng(2)), CLOCK_PS)
    true = np.interp(CLOCK_PS, a_line(), np.arange(1, VISIBLE + 1))
    assert cold.length_ps(TAPS) == pytest.approx(TAPS * CLOCK_PS / true, rel=0.02)
    # What one code holds of the mismatch blurs it by some tenths of a tap of 140.
    assert warm.tap_ps / cold.tap_ps == pytest.approx(1.01, abs=0.004)


def test_non_linearity_of_equal_and_of_uneven_taps() -> None:
    even = calibrate(np.append(np.full(125, 10**5), np.zeros(100)), CLOCK_PS)
    assert even.taps_per_clock == pytest.approx(125)
    assert np.abs(even.dnl).max() < 1e-9
    assert np.abs(even.inl_ps).max() < 1e-6
    assert even.quantisation_ps == pytest.approx(40 / np.sqrt(12))
    uneven, ends = measured()
    assert 0.5 < np.abs(uneven.dnl).max() < 3
    straight = uneven.tap_ps * np.arange(1, len(uneven.inl_ps) + 1)
    assert np.abs(uneven.inl_ps - (ends[: len(straight)] - straight))[:-1].max() < 6


def test_samples_on_both_edges_of_a_clock_are_a_line_of_two_bins() -> None:
    line = calibrate([510_000, 490_000, 0], 10_000.0)
    assert line.fine_ticks(TICK).tolist() == [255, 755, 999]
    assert line.taps_per_clock == pytest.approx(2, abs=0.02)


def refusal(counts: NDArray[np.int64] | list[int]) -> CalibrationError:
    with pytest.raises(CalibrationError) as refused:
        check_density(counts)
    return refused.value


def locked(phases: int, hits: int = HITS) -> NDArray[np.int64]:
    """Return the density of hits that fall on so many places of the clock alone."""
    ages = (np.arange(phases) + 0.3) * CLOCK_PS / phases
    return np.bincount(codes_of(a_line(), ages), minlength=VISIBLE + 1) * (hits // phases)


@pytest.mark.parametrize("phases", [1, 2, 5, 31, 40, 80])
def test_locked_source_is_refused(phases: int) -> None:
    assert refusal(locked(phases)).reason == "locked"


def test_one_code_that_takes_too_much_is_refused() -> None:
    density = a_density(a_line(), HITS, np.random.default_rng(1))
    density[40] += HITS // 12
    assert "times the hits of the mean code" in str(refusal(density))


def test_too_few_hits_are_refused() -> None:
    density = a_density(a_line(), 10_000, np.random.default_rng(1))
    assert refusal(density).reason == "hits"
    assert refusal([0, 0, 0]).reason == "hits"
    assert "10,000 hits are too few" in str(refusal(density))


def test_line_shorter_than_a_clock_is_refused() -> None:
    short = a_line(tap_ps=20.0)
    error = refusal(a_density(short, HITS, np.random.default_rng(1)))
    assert error.reason == "short"
    assert "more taps" in str(error)


def test_uniform_densities_of_many_lines_are_taken() -> None:
    for seed in range(20):
        for tap_ps in (26.0, 35.5, 42.0):
            ends = a_line(seed, tap_ps)
            check_density(a_density(ends, 1_000_000, np.random.default_rng(seed)))


def test_agreement_has_the_confidence_that_it_states() -> None:
    """Without drift the chance is uniform from 0 to 1: Kolmogorov's test at 1e-4."""
    generator = np.random.default_rng(5)
    ends = a_line()
    chances = np.sort(
        [
            compare(
                a_density(ends, 1_000_000, generator),
                a_density(ends, 3_000_000, generator),
                CLOCK_PS,
                drift_ps=0.0,
            ).chance
            for _ in range(400)
        ]
    )
    distance = np.abs(chances - (np.arange(400) + 0.5) / 400).max()
    assert distance < 2.23 / np.sqrt(400)


def test_densities_that_differ_by_more_than_chance_are_refused() -> None:
    generator = np.random.default_rng(5)
    share = widths(a_line()) / CLOCK_PS
    # A source that nearly keeps its phase prefers some of it, and others a second later.
    phase = 2 * np.pi * np.cumsum(share)
    early = generator.multinomial(
        HITS, share * (1 + 0.1 * np.cos(phase)) / (share @ (1 + 0.1 * np.cos(phase)))
    )
    late = generator.multinomial(
        HITS, share * (1 - 0.1 * np.cos(phase)) / (share @ (1 - 0.1 * np.cos(phase)))
    )
    check_density(early)
    with pytest.raises(CalibrationError, match="disagree") as refused:
        check_agreement(early, late, CLOCK_PS)
    assert refused.value.reason == "drifting"
    check_agreement(early, generator.multinomial(HITS, early / early.sum()), CLOCK_PS)
    assert DISAGREEMENT == 1e-6


def test_drift_of_temperature_is_no_disagreement() -> None:
    """A tenth of a kelvin in a second: 1e-4 of the line."""
    generator = np.random.default_rng(5)
    first = a_density(a_line(), 100_000_000, generator)
    check_agreement(first, a_density(1.0001 * a_line(), 100_000_000, generator), CLOCK_PS)


def test_merging_forgets_exponentially() -> None:
    generator = np.random.default_rng(7)
    old, new = 1.02 * a_line(), a_line()
    density = a_density(old, HITS, generator).astype(float)
    for _ in range(10):
        density = merge(density, a_density(new, HITS, generator), keep=0.5)
    assert density.sum() == pytest.approx(2 * HITS, rel=0.01)
    found = calibrate(density, CLOCK_PS)
    direct = calibrate(a_density(new, HITS, generator), CLOCK_PS)
    assert np.abs(found.centres_ps - direct.centres_ps)[: VISIBLE // 2].max() < 6
    with pytest.raises(ValueError, match="keep must be"):
        merge(density, density, 1.0)
    with pytest.raises(ValueError, match="not of one line"):
        merge(density, density[:-1], 0.5)
