"""Live maps of BB84 against the exact counts of the same clicks, and the session's own bound."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from numpy.typing import NDArray

from hexkey.events import Events
from hexkey.maps import Windows
from hexkey.maps.bb84 import Bb84Reading, Bb84WindowCounts, Kind
from hexkey.maps.bb84_rates import Bound, bb84_rate_map
from hexkey.maps.count import count_kinds
from hexkey.maps.live_bb84 import LiveBb84Map
from hexkey.placed import DisclosedClicks, Silent, SilentClicks
from hexkey.session.bb84 import Bb84Terms
from hexkey.session.parameters import SessionParameters

PERIOD, RATE_HZ = 2500, 40_000_000
TICK_PS = Fraction(10)
WINDOWS = Windows(np.arange(0, 2500, 130), np.array([0, 300, 990, 2500]), PERIOD)
GATE = (200, 1200)  # of the session, in ticks
TERMS = Bb84Terms(0.9, 0.88, 1e-6, 1e-15)
PARAMETERS = SessionParameters(
    protocol="bb84", estimate_bits=0, block_bits=100_000, refill_to_alice=0, refill_to_bob=0
)
TESTS = (Kind.TEST_RIGHT, Kind.TEST_WRONG)
COUNT, BLOCKS, PULSES = 200_000, 2, 60_000_000


class Clicks:
    """Lone clicks over the period, and what Alice sent; errors differ with the phase."""

    def __init__(self, seed: int = 1) -> None:
        rng = np.random.default_rng(seed)
        self.pulses = np.arange(1, 2 * COUNT, 2, dtype=np.uint64)
        self.phases = rng.integers(0, PERIOD, COUNT, dtype=np.uint32)
        self.hers = (rng.random(COUNT) < TERMS.alice_key_probability).astype(np.uint8)
        bits = rng.integers(0, 2, COUNT, dtype=np.uint8)
        self.sent = bits | self.hers << 1
        his = rng.random(COUNT) < TERMS.bob_key_probability
        wrong = rng.random(COUNT) < np.where(self.phases < 1500, 0.02, 0.09)
        same = his == (self.hers != 0)
        got = np.where(same, bits ^ wrong, rng.integers(0, 2, COUNT)).astype(np.uint8)
        self.masks = (1 << (got + np.where(his, 0, 2))).astype(np.uint8)
        self.masks[rng.random(COUNT) < 1e-4] = 0b0101
        reading = Bb84Reading(TERMS, PARAMETERS)
        self.kinds = reading.table.kind[self.masks, self.sent]
        self.inside = (self.phases >= GATE[0]) & (self.phases < GATE[1])
        events = Events(self.pulses, self.phases, self.masks, np.zeros(COUNT, np.uint8))
        self.exact = count_kinds(events, self.sent, WINDOWS, reading.table, self.sent)

    def told(self, part: NDArray[np.int64] | slice) -> DisclosedClicks:
        """What a session learns of some of them."""
        kinds, inside, mask = self.kinds[part], self.inside[part], self.masks[part]
        tested = (kinds == Kind.TEST_RIGHT) | (kinds == Kind.TEST_WRONG)
        silent = np.full(len(kinds), Silent.OTHER, np.uint8)
        silent[(kinds == Kind.KEY_RIGHT) | (kinds == Kind.KEY_WRONG)] = Silent.KEY
        silent[~inside & ((mask == 1) | (mask == 2))] = Silent.KEY_OF_BOB
        silent[kinds == Kind.CROSS] = Silent.CROSS
        phases = self.phases[part]
        share = len(kinds) / COUNT
        beside = SilentClicks(
            phases[~tested], silent[~tested], round(PULSES * share), BLOCKS * share
        )
        return DisclosedClicks(phases[tested], kinds[tested] == Kind.TEST_WRONG, beside)


@pytest.fixture(scope="module")
def clicks() -> Clicks:
    return Clicks()


def live_map(parameters: SessionParameters = PARAMETERS) -> LiveBb84Map:
    return LiveBb84Map(WINDOWS, TICK_PS, parameters)


def test_clicks_give_the_exact_maps_however_they_come(clicks: Clicks) -> None:
    live = live_map()
    for part in np.array_split(np.arange(COUNT), 4):
        live.add(clicks.told(part))
    found = live.rates(TERMS)
    assert found is not None
    reading, seconds = Bb84Reading(TERMS, PARAMETERS), PULSES / RATE_HZ
    exact = bb84_rate_map(WINDOWS, clicks.exact, seconds, TICK_PS, reading, seconds / BLOCKS)
    np.testing.assert_array_equal(found.qber, exact.test_qber)
    np.testing.assert_allclose(found.start_ns, exact.start_ns)
    np.testing.assert_allclose(found.width_ns, exact.width_ns)
    # Outside the gate Alice's bases of the key's clicks are a share of them.
    sigma = np.sqrt(clicks.exact.sum(axis=-1) * 0.09) / seconds
    assert (np.abs(found.sifted_hz - exact.sifted_hz) <= 5 * sigma).all()
    assert np.abs(found.sifted_hz - exact.sifted_hz).max() > 0
    assert (found.seconds, found.disclosed) == (seconds, np.isin(clicks.kinds, TESTS).sum())


def test_in_the_gate_the_key_bases_rate_is_exact(clicks: Clicks) -> None:
    live = live_map()
    live.add(clicks.told(np.flatnonzero(clicks.inside)))
    found = live.rates(TERMS)
    assert found is not None
    key = np.isin(clicks.kinds, (Kind.KEY_RIGHT, Kind.KEY_WRONG)) & clicks.inside
    whole = found.sifted_hz[0, -1] * found.seconds
    assert whole == np.count_nonzero(key)


def test_the_secret_rate_is_the_sessions_bound_with_the_test_bases_errors(clicks: Clicks) -> None:
    live = live_map()
    live.add(clicks.told(slice(None)))
    found = live.rates(TERMS)
    assert found is not None
    seconds = PULSES / RATE_HZ
    exact = Bb84WindowCounts.of_kinds(WINDOWS, clicks.exact)
    key_bits = np.rint(found.sifted_hz * seconds).astype(np.int64)
    test_qber = np.nan_to_num(found.qber, nan=0.5)
    taken = replace(exact, key_bits=key_bits, key_errors=found.sifted_hz * seconds * test_qber)
    keys = Bound(Bb84Reading(TERMS, PARAMETERS), seconds / BLOCKS).keys(taken, seconds)
    np.testing.assert_array_equal(found.secret_hz, keys.bits / (seconds / BLOCKS))
    assert found.secret_hz.max() > 1_000
    assert not found.unproven


def test_terms_and_parameters_count(clicks: Clicks) -> None:
    def secret(terms: Bb84Terms, parameters: SessionParameters = PARAMETERS) -> float:
        live = live_map(parameters)
        live.add(clicks.told(slice(None)))
        found = live.rates(terms)
        assert found is not None
        assert found.unproven == (not terms.multiphoton_upper)
        return float(found.secret_hz.max())

    usual = secret(TERMS)
    assert secret(replace(TERMS, multiphoton_upper=2e-6)) < usual
    assert secret(replace(TERMS, multiphoton_upper=0.0)) > usual
    assert secret(TERMS, replace(PARAMETERS, qber_abort=0.01)) == 0


def test_a_gate_past_the_periods_end_takes_clicks_from_its_beginning() -> None:
    live = live_map()
    phases, nothing = np.array([10, 2_499, 2_510], np.uint32), np.zeros(0, np.uint32)
    beside = SilentClicks(nothing, np.zeros(0, np.uint8), 40_000_000)
    live.add(DisclosedClicks(phases, np.array([True, False, False]), beside))
    found = live.rates(TERMS)
    assert found is not None
    assert found.qber[-1, 1] == pytest.approx(1 / 3)  # from 2470, 300 ticks
    assert found.qber[0, 1] == pytest.approx(1 / 2)


def test_before_the_first_block_there_are_none() -> None:
    assert live_map().rates(TERMS) is None


def test_clicks_of_b92_are_refused() -> None:
    clicks = DisclosedClicks(np.zeros(1, np.uint32), np.zeros(1, np.bool_))
    with pytest.raises(ValueError, match="need the clicks whose bits are not disclosed"):
        live_map().add(clicks)
