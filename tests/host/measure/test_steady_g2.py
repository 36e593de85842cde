"""g² of steady light, with a dip wherever cables put it."""

import numpy as np
import pytest

from hexkey.errors import InputError
from hexkey.measure.correlate import Delays
from hexkey.measure.steady_g2 import steady_g2

BIN_PS = 100
CENTRE = (np.arange(-10_000, 10_000) + 0.5) * BIN_PS


def delays(
    seed: int,
    *,
    g2: float,
    dip_ps: float,
    width_ps: float,
    mean: float = 20.0,
    floor: bool = False,
    half: int = 10_000,
) -> Delays:
    away = np.abs(CENTRE[10_000 - half : 10_000 + half] - dip_ps)
    shape = (away < width_ps).astype(float) if floor else np.exp(-away / width_ps)
    expected = mean * (1 - (1 - g2) * shape)
    return Delays(np.random.default_rng(seed).poisson(expected), BIN_PS)


@pytest.mark.parametrize("seed", range(6))
def test_the_dip_is_found_and_measured(seed: int) -> None:
    rng = np.random.default_rng(50 + seed)
    dip, width, g2 = rng.uniform(-8e5, 8e5), rng.uniform(1500, 8000), rng.uniform(0.05, 0.5)
    found = steady_g2(delays(seed, g2=g2, dip_ps=dip, width_ps=width), confidence=0.999)
    assert found.dip_ps == pytest.approx(dip, abs=5 * found.dip_sigma_ps + BIN_PS)
    assert found.antibunching_ps == pytest.approx(width, abs=4.5 * found.antibunching_sigma_ps)
    assert found.low <= g2 <= found.high
    assert found.high - found.low < 0.6
    assert found.chance < 1e-6
    assert found.chi2 / found.dof < 1.2


def test_the_band_holds_the_truth_as_often_as_it_says() -> None:
    held = 0
    for seed in range(30):
        found = steady_g2(
            delays(seed, g2=0.3, dip_ps=2e4, width_ps=4000, half=1000), confidence=0.9
        )
        held += found.low <= 0.3 <= found.high
    assert held >= 22  # 27 are expected; fewer than 22 have a chance below 10⁻²·⁵


def test_a_perfect_dip_has_no_lower_bound() -> None:
    found = steady_g2(delays(1, g2=0.0, dip_ps=0, width_ps=3000))
    assert found.low < 0.02
    assert found.high < 0.2


def test_light_without_a_dip_has_none() -> None:
    """The deepest of ten thousands of places fits by chance: in 20 files none is taken for one."""
    for seed in range(20):
        with pytest.raises(InputError, match="more than chance makes"):
            steady_g2(delays(seed, g2=1.0, dip_ps=0, width_ps=3000))


def test_a_dead_time_is_no_dip() -> None:
    with pytest.raises(InputError, match="between steep walls, which is a dead time"):
        steady_g2(delays(3, g2=0.0, dip_ps=0, width_ps=40_000, floor=True))


def test_a_test_signal_on_both_inputs_is_no_light() -> None:
    """Beside the one delay of all its pulses, all others look like a dip."""
    counts = delays(5, g2=1.0, dip_ps=0, width_ps=3000, mean=0.01).counts
    counts[11_430] += 400
    with pytest.raises(InputError, match=r"400 of \d+ coincidences have one delay, 143 ns"):
        steady_g2(Delays(counts, BIN_PS))


def test_too_few_coincidences_are_refused() -> None:
    with pytest.raises(InputError, match="g² needs 100 coincidences within 1000 ns, not"):
        steady_g2(delays(4, g2=0.1, dip_ps=0, width_ps=3000, mean=0.001))
