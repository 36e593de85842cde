"""GLLP, entangled pairs, the repeater node, limits, the experiment: order, edges, identities."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hexkey.keyrate import b92_experiment, entanglement, gllp, limits, repeater
from hexkey.keyrate.b92 import key_length_planned_unproven
from hexkey.keyrate.b92_planned import planned_length_unproven

NODE = repeater.Node(0.005)


def test_the_reviews_claims() -> None:
    rate = gllp.rate_bps([0, 200]).value
    assert rate[0] > 3e6
    assert rate[1] > 1e3
    assert gllp.largest_distance_km() > 250
    assert np.all(np.diff(gllp.rate_bps(np.linspace(0, 400, 100)).value) <= 0)
    assert float(gllp.rate_bps(300)) == 0
    with pytest.raises(ValueError, match="distance_km"):
        gllp.rate_bps(math.nan)
    with pytest.raises(ValueError, match="detection_error must be"):
        gllp.Extrapolation(detection_error=2)


@given(st.floats(0, 1), st.floats(0, 1))
def test_entangled_pairs(one: float, other: float) -> None:
    better, worse = sorted((one, other))
    fractions = entanglement.bbm92_fraction([better, worse]).value
    assert 1 >= fractions[0] >= fractions[1] >= 0
    if worse > 0.1101:
        assert fractions[1] == 0
    visibility = abs(1 - 2 * better) if better <= 0.5 else 0.0
    certified = entanglement.e91_device_independent_fraction(
        better, entanglement.chsh_of_visibility(visibility)
    )
    assert float(certified) <= float(fractions[0]) + 1e-9


def test_the_device_independent_threshold_is_seven_percent() -> None:
    for qber, key in ((0.071, True), (0.072, False)):
        chsh = entanglement.chsh_of_visibility(1 - 2 * qber)
        assert (float(entanglement.e91_device_independent_fraction(qber, chsh)) > 0) is key
    local = entanglement.e91_device_independent_fraction(0, 2)
    assert (float(local), str(local.reason)) == (0, entanglement.LOCAL)
    assert float(entanglement.e91_device_independent_fraction(0, 2 * math.sqrt(2))) > 1 - 1e-6
    with pytest.raises(ValueError, match=r"chsh must be .* not 2\.9"):
        entanglement.e91_device_independent_fraction(0, 2.9)


def test_waiting_for_the_slower_memory_against_a_simulation() -> None:
    random = np.random.default_rng(3)
    first, second = random.geometric(0.3, 10**6), random.geometric(0.1, 10**6)
    decay = repeater._difference_decay(np.array(0.3), np.array(0.1), np.array(0.9))
    assert np.mean(0.9 ** abs(first - second)) == pytest.approx(float(decay), abs=2e-3)


@pytest.mark.parametrize("order", ["sequential", "parallel"])
def test_the_node(order: repeater.Order) -> None:
    loss = np.linspace(0, 60, 61)
    rates = repeater.best_rates(NODE, loss, order)
    assert np.all(np.diff(rates.per_use.value) <= 0)
    assert np.all((rates.error_x >= rates.error_z - 1e-15) & (rates.error_x <= 0.5))
    longer = repeater.best_rates(replace(NODE, memory_s=0.01), loss, order)
    assert np.all(longer.per_use.value >= rates.per_use.value)
    alone = repeater.best_rates(NODE, 20.0, order)
    assert float(alone.per_use) == pytest.approx(rates.per_use.value[20], rel=1e-9)
    blind = repeater.node_rates(replace(NODE, detection_efficiency=0.0), 1, 1, order)
    assert (float(blind.per_use), str(blind.per_use.reason)) == (0, repeater.DEPHASED)


def test_parallel_loading_is_faster_with_equal_arms() -> None:
    both, one = (repeater.node_rates(NODE, 10, 10, order) for order in ("parallel", "sequential"))
    assert float(both.per_second) > float(one.per_second)


def test_nodes_that_cannot_be_are_refused() -> None:
    with pytest.raises(ValueError, match="memory_s must be finite and above 0, not 0"):
        repeater.Node(0)
    with pytest.raises(ValueError, match="alice_km"):
        repeater.node_rates(NODE, -1, 1)
    with pytest.raises(ValueError, match="order must be one of"):
        repeater.node_rates(NODE, 1, 1, "first")  # type: ignore[arg-type]


def test_limits() -> None:
    bound = limits.plob_bound([0, 3.0102999566, 200, math.inf])
    assert bound[0] == math.inf
    assert bound[1] == pytest.approx(1, rel=1e-9)
    assert bound[2] == pytest.approx(1e-20 / math.log(2), rel=1e-6)
    assert bound[3] == 0
    with pytest.raises(ValueError, match="loss_db"):
        limits.plob_bound(math.nan)
    found = limits.one_way_efficiency([2**14, 2**16, 2**20], 0.0649, [[1e-2], [1e-10]])
    expected = [[1.048, 1.024, 1.006], [1.133, 1.067, 1.017]]
    np.testing.assert_allclose(found, expected, atol=6e-4)
    np.testing.assert_array_equal(limits.one_way_efficiency([1, 10], [0.0, 1.0], 0.1), 1)


def test_the_experiment_without_light_and_out_of_its_period() -> None:
    dark = b92_experiment.expected(0.5, 10, replace(b92_experiment.TABLE_II, mean_photons=0))
    assert float(dark.sifted_hz) == pytest.approx(32)
    assert float(dark.qber) == 0.5
    assert float(b92_experiment.window_fraction(0, 25, 4.58, 25)) == pytest.approx(1, rel=1e-15)
    assert float(b92_experiment.expected(3, 0).qber) == 0.5
    with pytest.raises(ValueError, match="within the period"):
        b92_experiment.window_fraction(20, 10, 4.58, 25)


@given(st.integers(0, 10**9), st.floats(0, 1))
def test_planned_b92_lengths_are_those_of_the_scalar_function(n: int, qber: float) -> None:
    whole = planned_length_unproven([n], [qber], 1e-10, 1e-15).value[0]
    assert whole == pytest.approx(key_length_planned_unproven(n, qber, 1e-10, 1e-15), rel=1e-9)


def test_counted_leaks_and_reasons_of_b92() -> None:
    found = planned_length_unproven(10_000, [0.0, 0.05, 0.2, 0.9], 1e-10, 1e-15, leak=4000)
    assert found.value[0] == pytest.approx(10_000 - 4000 - 115.267483, abs=1e-5)
    assert list(found.reason == "") == [True, True, False, False]
    with pytest.raises(ValueError, match="leak"):
        planned_length_unproven(10, 0.1, 0.1, 0.1, leak=-1)
