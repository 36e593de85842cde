"""Rates of a map of BB84 against the session's own bound, gate by gate."""

import math
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from hexkey.errors import BlockDropped, ConfigurationError
from hexkey.keyrate.entropy import binary_entropy
from hexkey.maps.bb84 import Bb84Reading, Bb84WindowCounts, Kind
from hexkey.maps.bb84_rates import Bb84RateMap, bb84_rate_map, secret_rate_of
from hexkey.maps.count import Kinds, Windows
from hexkey.reconcile.method import CASCADE_EFFICIENCY
from hexkey.session.bb84 import Bb84Counts, Bb84Terms, judge_test, observed_key
from hexkey.session.block import refill_bits
from hexkey.session.parameters import SessionParameters
from hexkey.verify import tag_bits

TICK_PS = Fraction(10)
WINDOWS = Windows(np.array([0, 50]), np.array([300, 1000, 1050]), 2500)
PARAMETERS = SessionParameters(protocol="bb84", pulse_rate_hz=40_000_000, estimate_bits=0)
TERMS = Bb84Terms(0.88, 0.88, 1.2e-5, 1e-15)  # nearly that of `hexkey demo --protocol bb84`
READING = Bb84Reading(TERMS, PARAMETERS)
BLOCK_S = 4.5


def kinds() -> Kinds:
    """A good gate, and others: of no test bits, of many errors in either basis, of few bits."""
    found = np.zeros((2, 3, len(Kind)), np.int64)
    rows = {
        (0, 0): (151_400, 2_900, 20, 2_890, 53, 2, 5, 42_000, 4),
        (0, 1): (101_400, 1_900, 12, 2_000, 30, 0, 0, 28_000, 2),
        (0, 2): (151_400, 2_900, 20, 0, 0, 0, 5, 42_000, 4),
        (1, 0): (151_400, 22_900, 20, 2_890, 53, 2, 5, 42_000, 4),
        (1, 1): (151_400, 2_900, 20, 2_390, 353, 2, 5, 42_000, 4),
        (1, 2): (1_500, 20, 0, 29, 1, 0, 1, 400, 0),
    }
    for place, row in rows.items():
        found[place] = row
    return found


def made(
    found: Kinds, seconds: float = BLOCK_S, block_s: float = BLOCK_S, reading: Bb84Reading = READING
) -> Bb84RateMap:
    return bb84_rate_map(WINDOWS, found, seconds, TICK_PS, reading, block_s)


def by_the_session(
    counts: Bb84WindowCounts, place: tuple[int, int], reading: Bb84Reading = READING
) -> int:
    """Take a block through the session's own judgement and bound, with what Cascade discloses."""
    sent = round(BLOCK_S * PARAMETERS.pulse_rate_hz)
    sent_key = round(sent * reading.terms.alice_key_probability)
    bits, errors = int(counts.key_bits[place]), float(counts.key_errors[place])
    block = Bb84Counts(
        int(counts.clicks[place]),
        cross_clicks=int(counts.crosses[place]),
        sent_key=sent_key,
        sent_test=sent - sent_key,
        key_bits=bits,
        test_bits=int(counts.test_bits[place]),
        test_errors=int(counts.test_errors[place]),
    )
    least = refill_bits(reading.parameters)
    try:
        judge_test(reading.terms, reading.parameters, block, least)
    except BlockDropped:
        return 0
    if errors > reading.parameters.qber_abort * bits:
        return 0
    leak = math.ceil(CASCADE_EFFICIENCY * bits * binary_entropy(errors / bits))
    tag = tag_bits(int(counts.key_bits.max()), reading.parameters.eps_cor)
    length = observed_key(reading.terms, reading.parameters, block, leak, tag).bits
    return length if length > least else 0


@pytest.mark.parametrize("discard", [False, True])
def test_gate_by_gate_as_the_session_has_it(discard: bool) -> None:
    reading = replace(READING, discard=discard)
    found = made(kinds(), reading=reading)
    for place in np.ndindex(2, 3):
        expected = by_the_session(found.counts, place, reading)
        assert found.keys.bits[place] == expected
        assert found.secret_hz[place] == expected / BLOCK_S
        assert (expected > 0) == (place in {(0, 0), (0, 1)})
    assert 70_000 < found.keys.bits[0, 0] < 80_000  # as docs/security.md has it


def test_the_terms_and_the_parameters_are_heeded() -> None:
    for changed in (
        replace(READING, terms=Bb84Terms(0.88, 0.88, 2.4e-5, 1e-15)),
        replace(READING, terms=Bb84Terms(0.88, 0.95, 1.2e-5, 1e-15)),
        replace(READING, terms=Bb84Terms(0.80, 0.88, 1.2e-5, 1e-15)),
        replace(READING, parameters=replace(PARAMETERS, eps_smoothing=1e-6)),
        replace(READING, parameters=replace(PARAMETERS, eps_pa=1e-4)),
        replace(READING, parameters=replace(PARAMETERS, eps_cor=1e-9)),
        replace(READING, parameters=replace(PARAMETERS, refill_to_alice=400)),
        replace(READING, parameters=replace(PARAMETERS, qber_abort=0.017)),
    ):
        found = made(kinds(), reading=changed)
        for place in np.ndindex(2, 3):
            assert found.keys.bits[place] == by_the_session(found.counts, place, changed)
        unchanged = made(kinds())
        assert np.any(found.keys.bits != unchanged.keys.bits)


def test_blocks_are_scaled_to_their_time() -> None:
    """Three blocks' counts make the same blocks; of longer ones a larger share is left."""
    one, three = made(kinds()), made(3 * kinds(), 3 * BLOCK_S)
    np.testing.assert_array_equal(one.keys.bits, three.keys.bits)
    np.testing.assert_allclose(one.sifted_hz, three.sifted_hz)
    np.testing.assert_allclose(one.test_hz, three.test_hz)
    long = made(kinds(), BLOCK_S, 10 * BLOCK_S)
    assert long.secret_hz[0, 0] > 1.2 * one.secret_hz[0, 0]
    assert long.block_s == 10 * BLOCK_S


def test_between_whole_numbers_it_is_interpolated() -> None:
    """A double click is half an error; so is half an error of two blocks."""
    base = kinds()
    odd = base.copy()
    odd[0, 0, Kind.TEST_DOUBLE] += 1
    odd[0, 0, Kind.TEST_RIGHT] -= 1
    more = base.copy()
    more[0, 0, Kind.TEST_WRONG] += 1
    more[0, 0, Kind.TEST_RIGHT] -= 1
    low, middle, high = (made(each).keys.phase_error_upper[0, 0] for each in (base, odd, more))
    assert low < middle < high
    assert middle == pytest.approx((low + high) / 2, rel=1e-12)
    crossed = base.copy()
    crossed[0, 0, Kind.CROSS] += 1
    crossed[0, 0, Kind.OTHER] -= 1
    of_two = made(base + crossed, 2 * BLOCK_S).keys.single_lower[0, 0]
    few, many = (made(each).keys.single_lower[0, 0] for each in (crossed, base))
    assert few < of_two < many
    assert abs(of_two - (few + many) / 2) <= 0.5


def test_rates_and_facts() -> None:
    found = made(kinds())
    facts = found.gate_facts((0, 0))
    assert (facts["start_ns"], facts["width_ns"]) == (0.0, 3.0)
    assert (facts["key_bits"], facts["key_errors"]) == (154_320, 2_910.0)
    assert (facts["test_bits"], facts["test_errors"]) == (2_945, 54.0)
    assert (facts["clicks"], facts["cross_clicks"], facts["double_pulses"]) == (199_274, 5, 26)
    assert facts["qber"] == 2_910 / 154_320
    assert facts["test_qber"] == 54 / 2_945
    assert facts["sifted_hz"] == pytest.approx(154_320 / BLOCK_S)
    assert facts["test_hz"] == pytest.approx(2_945 / BLOCK_S)
    assert facts["phase_error_upper"] == found.keys.phase_error_upper[0, 0] > 0.05
    assert math.isnan(found.test_qber[0, 2])
    assert found.gate_facts((0, 2))["test_qber"] is None


def test_what_a_jackknife_asks_is_the_map() -> None:
    rate = secret_rate_of(WINDOWS, READING, BLOCK_S)
    np.testing.assert_array_equal(rate(kinds(), BLOCK_S), made(kinds()).secret_hz)
    nothing = rate(0 * kinds(), BLOCK_S)
    assert not nothing.any()


def test_times_must_make_sense() -> None:
    with pytest.raises(ConfigurationError, match="block_s of a map must be positive, not 0"):
        made(kinds(), block_s=0.0)
    with pytest.raises(ConfigurationError, match="too many pulses to count"):
        made(kinds(), block_s=1e9)
