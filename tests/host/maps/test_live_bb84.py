"""Live maps of BB84 against the exact ones of the same clicks, secret rate and all."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from numpy.typing import NDArray

from hexkey.events import Events
from hexkey.maps import Windows
from hexkey.maps.bb84 import Bb84Reading
from hexkey.maps.bb84_rates import bb84_rate_map
from hexkey.maps.count import count_kinds
from hexkey.maps.live_bb84 import LiveBb84Map
from hexkey.placed import Bb84Clicks
from hexkey.session.bb84 import Bb84Terms
from hexkey.session.parameters import SessionParameters
from hexkey.sift_bb84 import CROSS, KEY, TEST

PERIOD, RATE_HZ = 2500, 40_000_000
TICK_PS = Fraction(10)
WINDOWS = Windows(np.arange(0, 2500, 130), np.array([0, 300, 990, 2500]), PERIOD)
TERMS = Bb84Terms(0.9, 0.88, 1e-6, 1e-15)
PARAMETERS = SessionParameters(
    protocol="bb84", estimate_bits=0, block_bits=100_000, refill_to_alice=0, refill_to_bob=0
)
COUNT, BLOCKS, PULSES = 200_000, 2, 60_000_000


class Clicks:
    """Lone clicks over the period, and what Alice sent; errors differ with the phase."""

    def __init__(self) -> None:
        rng = np.random.default_rng(1)
        pulses = np.arange(1, 2 * COUNT, 2, dtype=np.uint64)
        self.phases = rng.integers(0, PERIOD, COUNT, dtype=np.uint32)
        hers = np.where(rng.random(COUNT) < TERMS.alice_key_probability, KEY, TEST)
        self.bases = np.where(rng.random(COUNT) < TERMS.bob_key_probability, KEY, TEST)
        bits = rng.integers(0, 2, COUNT, dtype=np.uint8)
        errors = rng.random(COUNT) < np.where(self.phases < 1500, 0.02, 0.09)
        got = np.where(self.bases == hers, bits ^ errors, rng.integers(0, 2, COUNT))
        masks = (1 << (got + np.where(self.bases == KEY, 0, 2))).astype(np.uint8)
        crosses = rng.random(COUNT) < 1e-4
        masks[crosses], self.bases[crosses] = 0b0101, CROSS
        self.matched = self.bases == hers
        self.wrong = self.matched & errors
        table = Bb84Reading(TERMS, PARAMETERS).table
        events = Events(pulses, self.phases, masks, np.zeros(COUNT, np.uint8))
        sent = (bits | hers << 1).astype(np.uint8)
        self.kinds = count_kinds(events, sent, WINDOWS, table, sent)

    def block(self, part: NDArray[np.int64]) -> Bb84Clicks:
        return Bb84Clicks(
            self.phases[part],
            self.bases[part].astype(np.uint8),
            self.matched[part],
            self.wrong[part],
            PULSES // BLOCKS,
        )


@pytest.fixture(scope="module")
def live() -> LiveBb84Map:
    return made(PARAMETERS)


@pytest.fixture(scope="module")
def clicks() -> Clicks:
    return Clicks()


def made(parameters: SessionParameters) -> LiveBb84Map:
    live, clicks = LiveBb84Map(WINDOWS, TICK_PS, parameters), Clicks()
    for part in np.array_split(np.random.default_rng(2).permutation(COUNT), BLOCKS):
        live.add(clicks.block(part))
    return live


def test_blocks_give_the_exact_maps(live: LiveBb84Map, clicks: Clicks) -> None:
    """One click a pulse and another pulse between: nothing is merged."""
    found = live.rates(TERMS)
    assert found is not None
    seconds = PULSES / RATE_HZ
    exact = bb84_rate_map(
        WINDOWS, clicks.kinds, seconds, TICK_PS, Bb84Reading(TERMS, PARAMETERS), seconds / BLOCKS
    )
    np.testing.assert_array_equal(found.sifted_hz, exact.sifted_hz)
    np.testing.assert_array_equal(found.qber, exact.qber)
    np.testing.assert_array_equal(found.secret_hz, exact.secret_hz)
    np.testing.assert_allclose(found.start_ns, exact.start_ns)
    np.testing.assert_allclose(found.width_ns, exact.width_ns)
    assert found.secret_hz.max() > 1_000
    sigma = np.sqrt(exact.qber * (1 - exact.qber) / exact.counts.key_bits)
    np.testing.assert_allclose(found.sigma_qber[:, 1:], sigma[:, 1:], rtol=0.02)
    assert np.isnan(found.sigma_qber[:, 0]).all()
    key = clicks.matched & (clicks.bases == KEY)
    assert (found.seconds, found.disclosed) == (seconds, int(np.count_nonzero(key)))


def test_terms_and_parameters_count(live: LiveBb84Map) -> None:
    def secret(terms: Bb84Terms, live: LiveBb84Map = live) -> float:
        found = live.rates(terms)
        assert found is not None
        assert found.unproven == (not terms.multiphoton_upper)
        return float(found.secret_hz.max())

    usual = secret(TERMS)
    assert secret(replace(TERMS, multiphoton_upper=2e-6)) < usual
    assert secret(replace(TERMS, multiphoton_upper=0.0)) > usual
    assert secret(TERMS, made(replace(PARAMETERS, qber_abort=0.01))) == 0


def test_a_gate_past_the_periods_end_takes_clicks_from_its_beginning() -> None:
    live = LiveBb84Map(WINDOWS, TICK_PS, PARAMETERS)
    phases, bases = np.array([10, 2_499, 2_510], np.uint32), np.full(3, KEY, np.uint8)
    matched, wrong = np.ones(3, np.bool_), np.array([True, False, False])
    live.add(Bb84Clicks(phases, bases, matched, wrong, 40_000_000))
    found = live.rates(TERMS)
    assert found is not None
    assert found.qber[-1, 1] == pytest.approx(1 / 3)  # from 2470, 300 ticks
    assert found.qber[0, 1] == pytest.approx(1 / 2)


def test_before_the_first_block_there_are_none() -> None:
    assert LiveBb84Map(WINDOWS, TICK_PS, PARAMETERS).rates(TERMS) is None
