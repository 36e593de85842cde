"""How sure the best gate is, against simulated runs whose truth is known."""

import numpy as np
import pytest

from hexkey.maps.optimum import FEWEST_SLICES, Optimum, find_optimum
from hexkey.maps.slices import Slice

TRUE = np.array([[0.30, 0.50, 0.495], [0.10, 0.48, 0.20]])  # of the clicks, right less wrong


def rate(kinds: np.ndarray, seconds: float) -> np.ndarray:
    """Right less wrong ones."""
    return np.asarray((kinds[..., 0] - 1.0 * kinds[..., 1]) / seconds)


def drawn(random: np.random.Generator, count: int, mean: float, drift: float = 0.0) -> list[Slice]:
    """Stretches of a second, in which all gates share most of their clicks."""
    slices = []
    for number in range(count):
        level = mean * (1 + drift * np.sin(number))
        common = random.poisson(level)
        sifted = random.binomial(common, TRUE + 0.1)
        errors = random.binomial(sifted, 0.1 / (2 * (TRUE + 0.1)))
        slices.append(Slice(np.stack([sifted - errors, errors], axis=-1), 1.0))
    return slices


def found(slices: list[Slice]) -> Optimum:
    together = rate(np.sum([one.kinds for one in slices], axis=0), 1.0)
    best = np.unravel_index(int(np.argmax(together)), together.shape)
    optimum = find_optimum(slices, rate, (int(best[0]), int(best[1])))
    assert optimum is not None
    return optimum


@pytest.mark.parametrize("drift", [0.0, 0.2])
def test_sigma_is_the_scatter_of_repeated_runs(drift: float) -> None:
    random = np.random.default_rng(1)
    runs = [found(drawn(random, 24, 2_000, drift)) for _ in range(200)]
    scatter = float(np.std([run.secret_hz for run in runs]))
    stated = float(np.median([run.sigma_hz for run in runs]))
    if drift:  # what drifts by a cycle in each run is the same in each: stated is an upper bound
        assert stated > scatter
    else:
        assert stated == pytest.approx(scatter, rel=0.2)  # 4 sigma of 200


def test_the_true_best_is_nearly_always_among_those_alike() -> None:
    random = np.random.default_rng(2)
    runs = [found(drawn(random, 24, 2_000)) for _ in range(200)]
    hits = sum(bool(run.alike[0, 1]) for run in runs)
    assert hits >= 185  # 95 % is 190; 3 sigma below
    assert not any(run.alike[1, 0] or run.alike[0, 0] for run in runs)
    assert all(run.alike[run.place] for run in runs)


def test_more_data_leave_fewer_gates_alike() -> None:
    random = np.random.default_rng(3)
    few = found(drawn(random, 24, 500))
    many = found(drawn(random, 24, 500_000))
    assert np.count_nonzero(many.alike) < np.count_nonzero(few.alike)
    assert many.place == (0, 1)


def test_the_rate_in_the_other_half_is_free_of_the_selection() -> None:
    """Forty gates equally good: the best of them looks better than it is, held out it does not."""
    random = np.random.default_rng(4)
    seen, held_out = [], []
    for _ in range(150):
        right = random.poisson(1_000, (16, 5, 8, 1))
        optimum = found([Slice(np.append(each, 0 * each, axis=-1), 1.0) for each in right])
        seen.append(optimum.secret_hz)
        held_out.append(optimum.held_out_hz)
    sigma = np.sqrt(1_000 / 16)
    assert np.mean(seen) - 1_000 > sigma
    assert abs(np.mean(held_out) - 1_000) < 5 * sigma / np.sqrt(150)


def stretches(*right: list[int], seconds: float = 1.0) -> list[Slice]:
    """Stretches of three gates without an error."""
    return [Slice(np.array([[[each, 0] for each in gates]]), seconds) for gates in right]


def test_by_hand() -> None:
    """Two gates that share their scatter, and one that has none of it."""
    level = [80, 120, 80, 120, 80, 120, 80, 120]
    slices = stretches(*([each, each - 1, 99] for each in level))
    optimum = find_optimum(slices, rate, (0, 0))
    assert optimum is not None
    # Of the mean of 8: the scatter of one stretch, by 8 - 1, over 8.
    assert optimum.sigma_hz == pytest.approx(np.std(level, ddof=1) / np.sqrt(8))
    assert optimum.secret_hz == 100
    # The second is worse by 1 in each stretch, which is sure; the third within what is not.
    assert optimum.alike.tolist() == [[True, False, True]]
    # Even stretches are the dark ones: their best, the third, is judged by the bright ones, whose
    # best, the first, is judged by them.
    assert optimum.held_out_hz == pytest.approx((99 + 80) / 2)


def test_a_rate_is_of_the_time_that_is_left() -> None:
    """Stretches as different as may be in length, with the same rate: nothing scatters."""
    slices = [Slice(np.array([[[100 * n, 0]]]), float(n)) for n in range(1, 9)]
    optimum = find_optimum(slices, rate, (0, 0))
    assert optimum is not None
    assert (optimum.secret_hz, optimum.held_out_hz) == (100, 100)
    assert optimum.sigma_hz == pytest.approx(0, abs=1e-9)


def test_gates_without_a_key_are_not_as_good() -> None:
    """However much the best scatters; but the best itself is among those alike."""
    level = [0, 0, 0, 400, 0, 0, 0, 0]
    optimum = find_optimum(stretches(*([each, 0, 1] for each in level)), rate, (0, 0))
    assert optimum is not None
    assert optimum.alike.tolist() == [[True, False, True]]
    nothing = find_optimum(stretches(*[[0, 0, 0]] * 8), rate, (0, 1))
    assert nothing is not None
    assert nothing.alike.tolist() == [[False, True, False]]


def test_too_few_stretches_say_nothing() -> None:
    slices = drawn(np.random.default_rng(5), FEWEST_SLICES - 1, 100)
    assert find_optimum(slices, rate, (0, 1)) is None


def test_facts_tell_the_range_of_those_alike() -> None:
    alike = np.array([[False, True, True], [False, True, False]])
    facts = Optimum((0, 1), 5.0, 1.0, 4.5, alike).facts(np.array([0.0, 0.5]), np.arange(3.0))
    assert facts["alike_start_ns"] == [0.0, 0.5]
    assert facts["alike_width_ns"] == [1.0, 2.0]
    assert (facts["start_ns"], facts["width_ns"], facts["alike_gates"]) == (0.0, 1.0, 3)
