"""Clicks outside the gate: those that wait, those that are chosen, and what Alice looks at."""

from contextlib import suppress
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.host.session.harness import TINY

from hexkey.errors import ProtocolError
from hexkey.placed import Outside
from hexkey.randomness import Seeded
from hexkey.session.messages import Type, limit
from hexkey.session.messages_maps import OutsideSample, decode_verdicts, encode_verdicts
from hexkey.session.outside import OutsideWaiting, check_outside, choose_outside
from hexkey.session.parameters import MOST_BLOCK_BITS, MOST_OUTSIDE

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
    body = encode_verdicts(np.array(sample, bool), np.array(outside, bool))
    found = decode_verdicts(body, len(sample), sum(sample), len(outside))
    assert found.tolist() == sample + outside
    with pytest.raises(ProtocolError, match="other than the errors that it counted"):
        decode_verdicts(body, len(sample), sum(sample) + 1, len(outside))


@settings(deadline=None)
@given(st.binary(max_size=60))
def test_any_bytes_decode_or_raise_protocol_error(body: bytes) -> None:
    with suppress(ProtocolError):
        OutsideSample.decode(body, 5)
    with suppress(ProtocolError):
        decode_verdicts(body, 9, 2, 4)


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
    sample = np.zeros(MOST_BLOCK_BITS // 2, bool)
    assert len(encode_verdicts(sample, np.zeros(MOST_OUTSIDE, bool))) <= limit(Type.VERDICTS)


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

KEY = np.array([20, 30, 40], np.uint64)


def sample(*pulses: int) -> OutsideSample:
    return OutsideSample(np.array(pulses, np.uint64), np.zeros(len(pulses), np.uint8))


@pytest.mark.parametrize("pulses", [(), (11,), (11, 19, 21, 39)])
def test_clicks_between_the_ends_of_two_blocks_are_taken(pulses: tuple[int, ...]) -> None:
    check_outside(sample(*pulses), 10, KEY)


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
        check_outside(sample(*pulses), 10, KEY)
