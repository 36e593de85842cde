"""Clicks outside the gate: those that wait, those that are chosen, and what Alice looks at."""

from contextlib import suppress
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.host.session.harness import SMALL_BB84, TINY

from hexkey.errors import ProtocolError
from hexkey.placed import Outside
from hexkey.randomness import Seeded
from hexkey.session.messages import Type, limit
from hexkey.session.messages_maps import OutsideSample, Verdicts
from hexkey.session.outside import (
    OutsideWaiting,
    SentOutside,
    check_outside,
    choose_outside,
    with_a_bit,
)
from hexkey.session.parameters import MOST_BLOCK_BITS, MOST_OUTSIDE
from hexkey.sift_bb84 import CROSS, KEY, TEST

PARAMETERS = replace(TINY, maps=1)  # 64 of 1000


def clicks(*pulses: int) -> Outside:
    found = np.array(pulses, np.uint64)
    return Outside(found, (found % 2).astype(np.uint8), found.astype(np.uint32))


def upto(count: int) -> Outside:
    return clicks(*range(count))


# ---- the messages ------------------------------------------------------------------------------

outside_clicks = st.lists(
    st.tuples(st.integers(0, 2**63 - 1), st.integers(0, 1)), max_size=30, unique_by=lambda it: it[0]
).map(sorted)


@settings(deadline=None)
@given(outside_clicks)
def test_clicks_outside_come_back(found: list[tuple[int, int]]) -> None:
    pulses = np.array([pulse for pulse, _ in found], np.uint64)
    bits = np.array([bit for _, bit in found], np.uint8)
    back = OutsideSample.decode(OutsideSample(pulses, bits).encode(), len(found))
    assert back.pulses.tolist() == pulses.tolist()
    assert back.bits.tolist() == bits.tolist()
    assert "bits" not in repr(back)


@settings(deadline=None)
@given(st.lists(st.booleans(), max_size=40), st.lists(st.booleans(), max_size=40))
def test_verdicts_come_back(sample: list[bool], outside: list[bool]) -> None:
    body = Verdicts(np.array(sample, bool), np.array(outside, bool)).encode()
    found = Verdicts.decode(body, len(sample), sum(sample), len(outside))
    assert (found.sample.tolist(), found.outside.tolist()) == (sample, outside)
    assert found.matched is None
    with pytest.raises(ProtocolError, match="other than the errors that it counted"):
        Verdicts.decode(body, len(sample), sum(sample) + 1, len(outside))


@settings(deadline=None)
@given(
    st.lists(st.booleans(), max_size=40),
    st.lists(st.tuples(st.booleans(), st.booleans()), max_size=40),
)
def test_verdicts_of_bb84_come_back(sample: list[bool], outside: list[tuple[bool, bool]]) -> None:
    """Wrong in another basis than hers is nothing that Alice may say."""
    matched, wrong = (np.array([pair[i] for pair in outside], bool) for i in (0, 1))
    body = Verdicts(np.array(sample, bool), wrong, matched).encode()

    def decoded(count: int) -> Verdicts:
        return Verdicts.decode(body, len(sample), sum(sample), count, bases=True)

    if np.any(wrong & ~matched):
        with pytest.raises(ProtocolError, match="wrong in another basis than its own"):
            decoded(len(outside))
        return
    found = decoded(len(outside))
    assert found.matched is not None
    assert found.sample.tolist() == sample
    assert list(zip(found.matched.tolist(), found.outside.tolist(), strict=True)) == outside
    with pytest.raises(ProtocolError, match="VERDICTS message has"):
        decoded(len(outside) + 8)


def test_verdicts_of_bb84_are_written_as_by_hand() -> None:
    """Three of the test basis, four outside: the sample's, the bases, then the bits."""
    verdicts = Verdicts(*(np.array(each, bool) for each in ([0, 1, 0], [0, 0, 1, 0], [1, 0, 1, 1])))
    said = int.from_bytes(verdicts.encode(), "little")
    assert [said >> place & 1 for place in range(16)] == [
        0,
        1,
        0,
        *(1, 0, 1, 1),
        *(0, 0, 1, 0),
        *5 * [0],
    ]


@settings(deadline=None)
@given(st.binary(max_size=60))
def test_any_bytes_decode_or_raise_protocol_error(body: bytes) -> None:
    with suppress(ProtocolError):
        OutsideSample.decode(body, 5)
    with suppress(ProtocolError):
        Verdicts.decode(body, 9, 2, 4)
    with suppress(ProtocolError):
        Verdicts.decode(body, 9, 2, 4, bases=True)


GOOD = OutsideSample(np.array([3, 9, 40], np.uint64), np.array([1, 0, 1], np.uint8)).encode()


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"\3\0\0", "OUTSIDE message is cut"),
        (GOOD[:-1], "OUTSIDE message of 3 clicks has 28 bytes"),
        (GOOD + bytes(1), "OUTSIDE message of 3 clicks has 30 bytes"),
        (b"\xff" * 4 + GOOD[4:], "discloses 4294967295 clicks outside the gate where 3 are"),
        (GOOD[:4] + GOOD[12:20] + GOOD[4:12] + GOOD[20:], "pulses of an OUTSIDE .* do not rise"),
        (GOOD[:12] + GOOD[4:12] + GOOD[20:], "pulses of an OUTSIDE message do not rise"),
        (GOOD[:20] + b"\xff" * 8 + GOOD[28:], "pulses of an OUTSIDE message do not rise"),
        (GOOD[:-1] + b"\x0d", "set padding bits"),
    ],
)
def test_what_a_peer_may_not_say(body: bytes, sentence: str) -> None:
    with pytest.raises(ProtocolError, match=sentence):
        OutsideSample.decode(body, 3)


def test_the_largest_messages_fit() -> None:
    most = OutsideSample(np.arange(MOST_OUTSIDE, dtype=np.uint64), np.zeros(MOST_OUTSIDE, np.uint8))
    assert len(most.encode()) <= limit(Type.OUTSIDE)
    sample, outside = np.zeros(MOST_BLOCK_BITS, bool), np.zeros(MOST_OUTSIDE, bool)
    assert len(Verdicts(sample, outside, outside).encode()) <= limit(Type.VERDICTS)


# ---- what waits --------------------------------------------------------------------------------


def test_each_block_gets_the_clicks_of_its_time() -> None:
    waiting = OutsideWaiting()
    for part in (clicks(1, 5), clicks(), clicks(9, 30), clicks(31)):
        waiting.push(part)
    taken = [waiting.take(last) for last in (9, 10, 31, 80)]
    assert [[] if each is None else each.pulses.tolist() for each in taken] == [
        [1, 5],
        [9],
        [30],
        [31],
    ]


def test_too_many_clicks_are_forgotten_with_their_blocks() -> None:
    waiting = OutsideWaiting(most=3)
    waiting.push(clicks(1, 2))
    waiting.push(clicks(3, 20))  # one more than may wait: 1 to 20 are forgotten
    waiting.push(clicks(22, 23))
    assert waiting.take(10) is None
    assert waiting.take(21) is None  # 20 is missing
    whole = waiting.take(30)
    assert whole is not None
    assert whole.pulses.tolist() == [22, 23]


# ---- what is chosen ----------------------------------------------------------------------------


@pytest.mark.parametrize("count", [1, 7, 20, 1000])
def test_every_click_has_the_probability_of_a_bit_of_the_block(count: int) -> None:
    randomness, times, every = Seeded(5), 3_000, upto(count)
    chosen = np.zeros(count)
    for _ in range(times):
        found = choose_outside(every, PARAMETERS, randomness)
        assert found is not None
        assert found.bits.tolist() == (found.pulses % 2).tolist()
        chosen[found.phases] += 1
    share = PARAMETERS.estimate_bits / PARAMETERS.block_bits
    sigma = np.sqrt(share * (1 - share) / times)
    assert chosen.mean() / times == pytest.approx(share, abs=5 * sigma / np.sqrt(min(count, 20)))
    np.testing.assert_allclose(chosen / times, share, atol=5 * sigma)


def test_more_than_is_allowed_is_not_chosen() -> None:
    """16,000 clicks of which a share of 0.064 is more than the 1000 bits of a block."""
    assert choose_outside(upto(16_000), PARAMETERS, Seeded(1)) is None
    few = choose_outside(upto(15_600), PARAMETERS, Seeded(1))
    assert few is not None
    assert len(few) in {998, 999}
    assert choose_outside(None, PARAMETERS, Seeded(1)) is None


# ---- what Alice looks at -----------------------------------------------------------------------

ANNOUNCED = np.array([20, 30, 40], np.uint64)


def sample(*pulses: int) -> OutsideSample:
    return OutsideSample(np.array(pulses, np.uint64), np.zeros(len(pulses), np.uint8))


@pytest.mark.parametrize("pulses", [(), (11,), (11, 19, 21, 39)])
def test_clicks_between_the_ends_of_two_blocks_are_taken(pulses: tuple[int, ...]) -> None:
    check_outside(sample(*pulses), 10, ANNOUNCED)


@pytest.mark.parametrize(
    ("pulses", "sentence"),
    [
        ((10, 11), "in pulses 10 to 11 where those between 10 and 40"),
        ((11, 41), "in pulses 11 to 41 where those between 10 and 40"),
        ((11, 40), "in pulses 11 to 40 where those between 10 and 40"),
        ((11, 30, 31), "in pulses that it announces for the key"),
        ((20,), "in pulses that it announces for the key"),
    ],
)
def test_clicks_in_pulses_of_a_key_are_refused(pulses: tuple[int, ...], sentence: str) -> None:
    with pytest.raises(ProtocolError, match=sentence):
        check_outside(sample(*pulses), 10, ANNOUNCED)


# ---- BB84 --------------------------------------------------------------------------------------

BB84 = replace(SMALL_BB84, block_bits=1_000, maps=1)


def clicks_bb84(*bases: int) -> Outside:
    return replace(upto(len(bases)), bases=np.array(bases, np.uint8))


def test_of_bb84_all_clicks_are_taken_and_those_with_a_bit_disclosed() -> None:
    found = choose_outside(clicks_bb84(KEY, TEST, CROSS, TEST, KEY), BB84, Seeded(1))
    assert found is not None
    assert found.pulses.tolist() == [0, 1, 2, 3, 4]
    told = OutsideSample.of(with_a_bit(found))
    assert told.pulses.tolist() == [0, 1, 3, 4]
    assert told.bits.tolist() == [0, 1, 1, 0]
    assert np.asarray(told.bases).tolist() == [KEY, TEST, TEST, KEY]


def test_of_bb84_no_more_than_a_message_holds_are_chosen() -> None:
    """However many cross clicks there are, of which nothing is said."""
    bases = np.full(MOST_OUTSIDE + 2, KEY, np.uint8)
    bases[7] = CROSS
    every = np.arange(len(bases), dtype=np.uint64)
    many = Outside(every, np.zeros(len(bases), np.uint8), every.astype(np.uint32), bases)
    assert choose_outside(many, BB84, Seeded(1)) is None
    fitting = many.take(slice(MOST_OUTSIDE + 1))
    assert choose_outside(fitting, BB84, Seeded(1)) is fitting
    assert len(OutsideSample.of(with_a_bit(fitting)).encode()) <= limit(Type.OUTSIDE)


@settings(deadline=None)
@given(outside_clicks)
def test_clicks_outside_come_back_with_their_bases(found: list[tuple[int, int]]) -> None:
    pulses = np.array([pulse for pulse, _ in found], np.uint64)
    bits = np.array([bit for _, bit in found], np.uint8)
    body = OutsideSample(pulses, bits, bits[::-1]).encode()
    back = OutsideSample.decode(body, len(found), bases=True)
    assert back.pulses.tolist() == pulses.tolist()
    assert back.bits.tolist() == bits.tolist()
    assert np.asarray(back.bases).tolist() == bits[::-1].tolist()
    if found:
        with pytest.raises(ProtocolError, match="clicks has"):
            OutsideSample.decode(body, len(found))
        with pytest.raises(ProtocolError, match="clicks has"):
            OutsideSample.decode(OutsideSample(pulses, bits).encode(), len(found), bases=True)


def test_in_another_basis_than_hers_a_bit_is_neither_right_nor_wrong() -> None:
    bits, bases = np.array([0, 0, 1, 1, 0], np.uint8), np.array([KEY, TEST, KEY, TEST, TEST], "u1")
    every = np.arange(5, dtype=np.uint64)
    his = OutsideSample(every, np.ones(5, np.uint8), np.array([TEST, TEST, KEY, TEST, KEY], "u1"))
    said = SentOutside.of(bits, bases, his)
    assert said.matched.tolist() == [False, True, True, True, False]
    assert said.wrong.tolist() == [False, True, False, False, False]


def test_bases_stay_with_their_clicks() -> None:
    waiting = OutsideWaiting()
    waiting.push(clicks_bb84(KEY, TEST, CROSS))
    first, rest = waiting.take(1), waiting.take(9)
    assert first is not None
    assert rest is not None
    assert np.asarray(first.bases).tolist() == [KEY]
    assert np.asarray(rest.bases).tolist() == [TEST, CROSS]
    assert "bases" not in repr(rest)


def test_none_at_all_have_bases_too() -> None:
    """From the start, and after those that waited were forgotten."""
    waiting = OutsideWaiting(most=2)
    waiting.push(clicks_bb84())
    fresh = OutsideWaiting(most=2)
    fresh.push(clicks_bb84(KEY, TEST, CROSS))
    assert [fresh.take(1), fresh.take(9)] == [None, None]
    for each in (waiting.take(5), waiting.take(6), fresh.take(20)):
        assert each is not None
        assert (len(each), np.asarray(each.bases).tolist()) == (0, [])
