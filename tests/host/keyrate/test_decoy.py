"""Decoy states: finite bounds against what the channel really did, limits, order and edges."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hexkey.keyrate import decoy, decoy_one, decoy_two
from hexkey.keyrate.bb84_single import best_asymptotic_rate
from hexkey.keyrate.decoy import Receiver
from hexkey.keyrate.decoy_finite import (
    Bound,
    Counts,
    Intensities,
    expected_counts,
    wrong_single_photons,
)
from hexkey.keyrate.model_inputs import LINKS

RECEIVER = Receiver(0.42, 0.01, 8e-7)
TWO = Intensities((0.5, 0.1, 0.0), (0.9, 0.07, 0.03))
ONE = Intensities((0.5, 0.1), (0.8, 0.2))
BOUNDS: tuple[Bound, ...] = ("hoeffding", "chernoff")


def _single_clicks(loss_db: float, pulses: float, bias: float, given_by: Intensities) -> float:
    one = 8e-7 + (1 - 8e-7) * 0.42 * 10 ** (-loss_db / 10)
    return pulses * bias**2 * float(given_by.emission(1)) * one


@pytest.mark.parametrize("bound", BOUNDS)
@pytest.mark.parametrize("loss", [0.0, 10.0, 20.0])
def test_bounds_are_below_what_single_photons_did(loss: float, bound: Bound) -> None:
    counts, _ = expected_counts(RECEIVER, TWO, loss, 1e11, 0.9)
    true = _single_clicks(loss, 1e11, 0.9, TWO)
    two = decoy_two.single_photons(TWO, counts, 1e-9, bound)
    assert 0.6 * true < float(two.single_lower) < true
    assert 0.01 < float(two.phase_error_upper) < 0.15
    counts, _ = expected_counts(RECEIVER, ONE, loss, 1e11, 0.9)
    key_errors = counts.test_errors * 81
    one = decoy_one.single_photons(ONE, counts, key_errors, 1e-9, bound)
    true = _single_clicks(loss, 1e11, 0.9, ONE)
    assert 0.5 * true < float(one.single_lower) < true
    assert 0.01 < float(one.phase_error_upper) < 0.08


def test_endless_blocks_with_weak_decoys_approach_infinite_decoys() -> None:
    weak = Intensities((0.5, 1e-3, 0.0), (0.999998, 1e-6, 1e-6))
    length = decoy_two.planned_length(
        RECEIVER, weak, 10, 1e26, 0.999, error_correction=1.0, bound="chernoff"
    )
    limit = float(decoy.asymptotic_rate(RECEIVER, 10, 0.5))
    assert float(length) / 1e26 / 0.999**2 == pytest.approx(limit, rel=2e-3)


def test_the_bounds_hold_for_simulated_photons() -> None:
    """Monte Carlo with known photon numbers: no bound is above what happened."""
    random = np.random.default_rng(7)
    receiver = Receiver(0.3, 0.02, 1e-4)
    yields = [1e-4, 1e-4 + (1 - 1e-4) * 0.3]
    for _ in range(200):
        single = wrong_single = 0
        rows = []
        for mu, share in zip(TWO.mean_photons, TWO.probabilities, strict=True):
            sent = random.multinomial(
                round(1e7 * float(share)),
                [np.exp(-mu), mu * np.exp(-mu), 1 - np.exp(-mu) * (1 + mu)],
            )
            many = 1e-4 + (1 - 1e-4) * (1 - 0.7**2)
            clicks = [random.binomial(sent[n], p) for n, p in enumerate([*yields, many])]
            single += clicks[1]
            wrong = [random.binomial(n, q) for n, q in zip(clicks, (0.5, 0.02, 0.02), strict=True)]
            wrong_single += wrong[1]
            rows.append((sum(clicks), sum(wrong)))
        table = np.array(rows, float)
        counts = Counts(table[:, 0], table[:, 0], table[:, 1])
        for bound in BOUNDS:
            assert float(decoy_two.single_photons(TWO, counts, 1e-3, bound).single_lower) <= single
            most = wrong_single_photons(TWO, counts.test_errors, (1, 2), 1e-3 / 21, bound)
            assert wrong_single <= float(most) <= table[:, 1].sum()
    assert receiver.efficiency == 0.3


def test_wrong_single_photons_are_no_more_than_wrong_clicks() -> None:
    """With few errors in a class its deviation alone is above all errors that there were."""
    few = np.array([30.0, 2.0, 1.0])
    for bound in BOUNDS:
        assert float(wrong_single_photons(TWO, few, (1, 2), 1e-10, bound)) == 33.0
        assert float(wrong_single_photons(TWO, 1e9 * few, (1, 2), 1e-10, bound)) < 33e9


@settings(max_examples=25, deadline=None)
@given(st.floats(0, 60), st.floats(1e3, 1e15), st.floats(0.05, 0.95), st.sampled_from(BOUNDS))
def test_lengths_fall_with_loss_and_errors(
    loss: float, pulses: float, bias: float, bound: Bound
) -> None:
    spoilt = Receiver(0.42, 0.05, 8e-7)
    for module, intensities in ((decoy_two, TWO), (decoy_one, ONE)):
        here, farther = module.planned_length(
            RECEIVER, intensities, np.array([loss, loss + 1]), pulses, bias, bound=bound
        ).value
        worse = float(module.planned_length(spoilt, intensities, loss, pulses, bias, bound=bound))
        assert pulses >= here >= max(farther, worse)
        alone = module.planned_length(RECEIVER, intensities, loss, pulses, bias, bound=bound)
        assert float(alone) == pytest.approx(here, rel=1e-9, abs=1e-3)


def test_neither_single_photon_source_beats_decoys_without_end() -> None:
    loss = np.linspace(0, 40, 41)
    for name, link in LINKS.items():
        receiver = Receiver(0.42, link.misalignment, 8e-7)
        coherent = decoy.best_asymptotic_rate(receiver, loss).value
        single = best_asymptotic_rate(link, loss).value
        assert np.all(single <= coherent)
        if name == "impr":
            assert single[0] / coherent[0] == pytest.approx(0.80, abs=0.005)


def test_reasons() -> None:
    assert str(decoy.asymptotic_rate(RECEIVER, 0, 0.0).reason) == "nothing is sent"
    swapped = Receiver(0.42, 1.0, 0.0)
    assert str(decoy.best_asymptotic_rate(swapped, 0).reason) == "the error rate of single " + (
        "photons may be 1/2"
    )
    short = decoy_two.planned_length(RECEIVER, TWO, 20, 1e4, 0.9)
    assert (float(short), bool(str(short.reason))) == (0, True)
    none = decoy_two.key_length_unproven(TWO, Counts(*np.zeros((3, 3))), 0, 1e-9, 1e-15)
    assert float(none) == 0


@pytest.mark.parametrize(
    ("mu", "shares", "problem"),
    [
        ((0.5, 0.1), (0.5, 0.5), "mean_photons must be 3"),
        ((0.1, 0.5, 0.0), (0.3, 0.3, 0.4), "μ1 > μ2"),
        ((0.5, 0.1, 0.0), (0.3, 0.3, 0.3), "add to 1"),
        ((0.5, 0.1, 0.0), (1.0, 0.0, 0.0), "probabilities must be"),
        ((0.5, math.nan, 0.0), (0.3, 0.3, 0.4), "mean_photons must be"),
    ],
)
def test_intensities_that_the_bound_is_not_for_are_refused(
    mu: tuple[float, ...], shares: tuple[float, ...], problem: str
) -> None:
    with pytest.raises(ValueError, match=problem):
        decoy_two.planned_length(RECEIVER, Intensities(mu, shares), 10, 1e9, 0.9)


def test_unknown_bounds_and_impossible_counts_are_refused() -> None:
    with pytest.raises(ValueError, match="bound must be one of"):
        decoy_two.planned_length(RECEIVER, TWO, 1, 1e9, 0.9, bound="?")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="test_errors"):
        Counts(np.ones(3), np.ones(3), 2 * np.ones(3))
