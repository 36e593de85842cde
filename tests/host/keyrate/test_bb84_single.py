"""Efficient BB84 with a single-photon source: order, edges and the table of largest losses."""

import math
import time
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hexkey.keyrate import bb84_single, bb84_single_finite, limits
from hexkey.keyrate.bb84_single import SinglePhotonLink
from hexkey.keyrate.bb84_single_observed import ObservedBlock, key_length, most_behind, most_of
from hexkey.keyrate.model_inputs import LINKS

BASE, IMPROVED = LINKS["base"], LINKS["impr"]


def test_attenuation_is_worth_what_the_theory_says() -> None:
    for link, decibels in ((BASE, 1.87), (IMPROVED, 8.59)):
        best = bb84_single.largest_loss_db(link)
        loss = np.linspace(0, best, 4001)
        without = loss[bb84_single.asymptotic_rate(link, loss).value > 0].max()
        assert best - without == pytest.approx(decibels, abs=0.02)


@pytest.mark.parametrize(("link", "block_s", "loss"), [("impr", 100, 29.5002)])
def test_largest_loss_of_the_long_block(link: str, block_s: float, loss: float) -> None:
    assert bb84_single_finite.largest_loss_db(LINKS[link], block_s) == pytest.approx(loss, abs=2e-4)


def test_rates_fall_with_loss_and_stay_below_the_channel() -> None:
    loss = np.linspace(0, 40, 161)
    for link in (BASE, IMPROVED):
        rate = bb84_single.best_asymptotic_rate(link, loss).value
        assert np.all(np.diff(rate) <= 0)
        assert np.all(rate <= 2 * limits.plob_bound(loss))
        blocks = [
            bb84_single_finite.best_planned_length(link, loss, t).value / (link.pulse_rate_hz * t)
            for t in (1, 10, 100)
        ]
        assert np.all(np.diff(blocks, axis=1) <= 1e-18)
        assert np.all(np.diff([*blocks, rate], axis=0) >= 0)


@settings(max_examples=60, deadline=None)
@given(
    loss=st.floats(0, 60),
    bias=st.floats(0.01, 0.99),
    attenuation=st.floats(0, 1),
    block_s=st.floats(1e-6, 1e4),
    worse=st.floats(0, 0.4),
)
def test_more_errors_never_make_more_key(
    loss: float, bias: float, attenuation: float, block_s: float, worse: float
) -> None:
    spoilt = replace(BASE, misalignment=BASE.misalignment + worse)
    lengths = [
        float(bb84_single_finite.planned_length(link, loss, block_s, bias, attenuation))
        for link in (BASE, spoilt)
    ]
    assert lengths[0] >= lengths[1] >= 0
    assert lengths[0] <= BASE.pulse_rate_hz * block_s


def test_a_whole_figure_takes_seconds() -> None:
    """Three sources, three blocks and the endless one, sixty losses: a minute at most."""
    started = time.process_time()
    loss = np.linspace(0, 40, 60)
    for link in (BASE, IMPROVED, replace(IMPROVED, mean_photons=0.5, g2=0.02)):
        bb84_single.best_asymptotic_rate(link, loss)
        bb84_single_finite.best_planned_length(link, loss, np.array([[1], [10], [100]]))
    assert time.process_time() - started < 60


def test_arrays_are_scalars_one_by_one() -> None:
    loss, bias = np.array([0.0, 12.5, 50.0])[:, None], np.array([0.5, 0.9])
    whole = bb84_single_finite.planned_length(IMPROVED, loss, 1, bias)
    best = bb84_single_finite.best_planned_length(IMPROVED, loss[:, 0], 1)
    for i, decibels in enumerate(loss[:, 0]):
        alone = bb84_single_finite.best_planned_length(IMPROVED, decibels, 1)
        assert float(alone) == pytest.approx(best.value[i], rel=1e-9)
        for j, share in enumerate(bias):
            one = bb84_single_finite.planned_length(IMPROVED, decibels, 1, share)
            assert float(one) == pytest.approx(whole.value[i, j], rel=1e-9)
            assert str(one.reason) == whole.reason[i, j]


def test_without_light_or_with_half_of_it_wrong_there_is_no_key_and_a_reason() -> None:
    for loss in (0.0, math.inf):
        dark = bb84_single.asymptotic_rate(BASE, loss, 0.0)
        assert (float(dark), str(dark.reason)) == (0, bb84_single.HALF_WRONG)
    silent = SinglePhotonLink(1e6, 0.0, 0.0, 0.0, 0.0, 0.0)
    assert str(bb84_single.asymptotic_rate(silent, 3).reason) == bb84_single.ALL_MULTIPHOTON
    swapped = replace(BASE, misalignment=1.0)
    assert float(bb84_single.best_asymptotic_rate(swapped, 0)) == 0
    perfect = SinglePhotonLink(1e6, 1.0, 0.0, 0.0, 0.0, 1.0)
    assert float(bb84_single.asymptotic_rate(perfect, 0)) == 1
    assert float(bb84_single_finite.planned_length(perfect, 0, 1, 0.9)) > 0.7e6


def test_the_larger_leak_costs_key() -> None:
    cheap = bb84_single_finite.planned_length(BASE, 10, 1, 0.8)
    dear = bb84_single_finite.planned_length(BASE, 10, 1, 0.8, leak="larger")
    assert 0 < float(dear) < float(cheap)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"misalignment": 1.2}, r"misalignment must be from 0 to 1, not 1\.2"),
        ({"g2": math.nan}, "g2 must be"),
        ({"pulse_rate_hz": 0}, "pulse_rate_hz must be"),
        ({"dark_probability": -1e-9}, "dark_probability must be"),
    ],
)
def test_links_that_cannot_be_are_refused(change: dict[str, float], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        replace(BASE, **change)


def test_settings_that_cannot_be_are_refused() -> None:
    with pytest.raises(ValueError, match=r"loss_db must be .* not -1\.0"):
        bb84_single.asymptotic_rate(BASE, -1)
    for bias in (0, 1, math.nan):
        with pytest.raises(ValueError, match="basis_bias"):
            bb84_single_finite.planned_length(BASE, 1, 1, bias)
    with pytest.raises(ValueError, match="leak must be one of"):
        bb84_single_finite.planned_length(BASE, 1, 1, 0.9, leak="none")  # type: ignore[arg-type]


BLOCK = ObservedBlock(
    sent_key=8 * 10**8,
    sent_test=10**7,
    clicks_key=10**7,
    clicks_test=10**6,
    errors_test=10_000,
    multiphoton_upper=1e-3,
)


def _bits(block: ObservedBlock) -> int:
    return key_length(block, 10**6, 128, 1e-11, 1e-10).bits


def test_a_block_as_observed() -> None:
    key = key_length(BLOCK, 10**6, 128, 1e-11, 1e-10)
    assert key.reason == ""
    assert key.single_lower == pytest.approx(10**7 - 8 * 10**5, rel=2e-3)
    assert 10_000 / (10**6 - 10**4) < key.phase_error_upper < 0.0115
    assert key.eps_secrecy == pytest.approx(2 * math.sqrt(3) * 1e-11 + 1e-10)
    assert 7.2e6 < key.bits < 7.6e6


def test_worse_counts_give_less() -> None:
    assert _bits(BLOCK) > _bits(replace(BLOCK, errors_test=10_100))
    assert _bits(BLOCK) > _bits(replace(BLOCK, clicks_key=BLOCK.clicks_key - 1000))
    assert _bits(BLOCK) > _bits(replace(BLOCK, multiphoton_upper=1.1e-3))
    assert _bits(BLOCK) < _bits(replace(BLOCK, bob_key_bias=0.9))


def test_no_errors_at_all_need_no_special_case() -> None:
    key = key_length(replace(BLOCK, errors_test=0), 0, 128, 1e-11, 1e-10)
    assert 0 < key.phase_error_upper < 1e-4


def test_a_block_that_eve_may_own_has_no_key() -> None:
    key = key_length(replace(BLOCK, multiphoton_upper=0.1), 0, 0, 1e-11, 1e-10)
    assert (key.bits, key.reason) == (0, bb84_single.ALL_MULTIPHOTON)
    key = key_length(replace(BLOCK, errors_test=BLOCK.clicks_test), 0, 0, 1e-11, 1e-10)
    assert (key.bits, key.reason) == (0, bb84_single.HALF_WRONG)
    empty = ObservedBlock(0, 0, 0, 0, 0, 0.0)
    assert key_length(empty, 0, 0, 1e-11, 1e-10).bits == 0


def test_counts_that_contradict_each_other_are_refused() -> None:
    with pytest.raises(ValueError, match="errors_test must be from 0 to 1000000, not 1000001"):
        replace(BLOCK, errors_test=10**6 + 1)
    with pytest.raises(ValueError, match="leak_bits"):
        key_length(BLOCK, math.nan, 0, 1e-11, 1e-10)


PASSIVE = replace(BLOCK, clicks=12 * 10**6, cross_clicks=1_000, splitter_upper=0.5)


def test_a_passive_receiver_pays_for_its_cross_clicks() -> None:
    """From the bits of both bases, and with a fourth bound that may fail."""
    alone, passive = (key_length(block, 10**6, 128, 1e-11, 1e-10) for block in (BLOCK, PASSIVE))
    taken = alone.single_lower - passive.single_lower
    assert 2_000 < taken < 2_700  # half of such pulses cross, and with confidence fewer did
    assert passive.phase_error_upper > alone.phase_error_upper
    assert passive.eps_secrecy == pytest.approx(4e-11 + 1e-10)
    assert 0 < alone.bits - passive.bits < 6_000
    assert _bits(PASSIVE) > _bits(replace(PASSIVE, cross_clicks=2_000))
    assert _bits(PASSIVE) > _bits(replace(PASSIVE, splitter_upper=0.9))
    none = replace(PASSIVE, cross_clicks=0)
    assert key_length(none, 0, 0, 1e-11, 1e-10).single_lower < alone.single_lower


def test_an_end_that_eve_chooses_costs_more_pulses_of_several_photons() -> None:
    chosen = replace(BLOCK, ranges=2.0**99)
    assert _bits(BLOCK) > _bits(chosen) > 0.98 * _bits(BLOCK)
    with pytest.raises(ValueError, match="ranges must be"):
        replace(BLOCK, ranges=0.5)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"cross_clicks": 12 * 10**6 + 1}, "cross_clicks must be from 0 to 12000000"),
        ({"splitter_upper": 0.4}, "splitter_upper must be from 0.5 to 1"),
    ],
)
def test_a_receiver_that_cannot_be_is_refused(change: dict[str, float], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        replace(PASSIVE, **change)  # type: ignore[arg-type]


def test_the_account_of_one_block_is_as_the_documentation_has_it() -> None:
    """docs/security.md, "How the bits were counted": a block of the demonstration."""
    block = ObservedBlock(
        sent_key=159_075_997,
        sent_test=21_693_385,
        clicks_key=154_365,
        clicks_test=2_950,
        errors_test=53,
        multiphoton_upper=2.114643163392506e-05,
        bob_key_bias=0.88,
        bob_test_bias=0.5,
        clicks=200_000,
        cross_clicks=5,
        splitter_upper=0.88,
        ranges=2.0**99,
    )
    failure = 1e-20
    assert most_behind(5, 2 * 0.88 * 0.12, block.clicks, failure) == 263
    sent = [
        most_of(block.sent_key, 0.88 * block.multiphoton_upper, failure / 2**99),
        most_of(block.sent_test, 0.5 * block.multiphoton_upper, failure / 2**99),
    ]
    assert sent == [3_807, 489]
    key = key_length(block, 21_106, 61, 1e-10, 1e-10)
    assert key.single_lower == 154_365 - 3_807 - 263 == 150_295
    assert key.phase_error_upper == pytest.approx(0.0682, abs=5e-5)
    assert key.bits == 75_086
    assert key.eps_secrecy == pytest.approx(5e-10)
