"""BB84's counts of many gates at once equal the real sifter's, gate by gate."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.host.maps.test_count import random_events

from hexkey.events import DETECTORS, Events
from hexkey.gate import Gate
from hexkey.maps.bb84 import Bb84Reading, Bb84WindowCounts, Kind, Stated
from hexkey.maps.count import Windows, count_kinds
from hexkey.session.bb84 import Bb84Counts, Bb84Terms
from hexkey.session.bb84 import sift as match
from hexkey.session.parameters import SessionParameters
from hexkey.sift import Sifter
from hexkey.sift_bb84 import DoubleClicks, sift_bb84

PARAMETERS = SessionParameters(protocol="bb84", estimate_bits=0)
READING = Bb84Reading(Bb84Terms(0.8, 0.6, 0.001, 1e-9), PARAMETERS)
FACTS = ("clicks", "crosses", "key_bits", "key_errors", "test_bits", "test_errors", "doubles")


class Always:
    """Randomness of one byte."""

    reason_for_demonstration = "not random"

    def __init__(self, byte: int) -> None:
        self._byte = byte

    def bytes(self, count: int) -> bytes:
        return bytes([self._byte]) * count


def slow(
    events: Events,
    bits: np.ndarray,
    bases: np.ndarray,
    windows: Windows,
    rule: DoubleClicks,
) -> dict[str, np.ndarray]:
    """Sift as the session does, each gate anew. Whatever is drawn, it is wrong in one of two runs.

    Alice's bit of pulse p is ``bits[p]``, and ``bases[p]`` is 1 for the key's.
    """
    shape = len(windows.start_ticks), len(windows.width_ticks)
    found = {name: np.zeros(shape) for name in FACTS}
    for i, start in enumerate(windows.start_ticks):
        for j, width in enumerate(windows.width_ticks):
            gates = (Gate(int(start), int(width)),) * DETECTORS
            clicks = Sifter.of_masks(gates, windows.period_ticks).push_last(events)
            for drawn in (0, 1):
                bob = sift_bb84(clicks.pulse, clicks.bit, Always(drawn), rule)
                counts = Bb84Counts(len(bob.pulse))
                sifting = match(counts, bob.basis, bases[bob.pulse], 0, 0)
                wrong = bob.bit != bits[bob.pulse]
                for name, value in (
                    ("clicks", counts.clicks),
                    ("crosses", counts.cross_clicks),
                    ("key_bits", counts.key_bits),
                    ("key_errors", np.count_nonzero(wrong & sifting.key)),
                    ("test_bits", counts.test_bits),
                    ("test_errors", np.count_nonzero(wrong & sifting.test)),
                    ("doubles", bob.doubles),
                ):
                    found[name][i, j] += value / 2
    return found


def fast(
    events: Events, bits: np.ndarray, bases: np.ndarray, windows: Windows, *, discard: bool
) -> Bb84WindowCounts:
    sent = bits | bases << 1
    before = np.maximum(events.pulse, 1) - 1  # of pulse 0 it has no meaning
    kinds = count_kinds(events, sent[events.pulse], windows, READING.table, sent[before])
    return Bb84WindowCounts.of_kinds(windows, kinds, discard=discard)


@given(
    seed=st.integers(0, 2**32),
    period=st.integers(1, 24),
    density=st.sampled_from([0.01, 0.3, 1.0, 5.0]),
    rule=st.sampled_from(["random", "discard"]),
    beyond=st.booleans(),
)
@settings(max_examples=150, deadline=None)
def test_equal_to_the_sifter_gate_by_gate(
    seed: int, period: int, density: float, rule: DoubleClicks, beyond: bool
) -> None:
    """Small periods, so that ties, doubles, cross clicks and the period's end all meet."""
    random = np.random.default_rng(seed)
    count = int(random.integers(0, 200))
    pulses = int(count / density) + 1
    phases = period + period // 2 + 1 if beyond else period  # as gated before, past the period
    events = random_events(random, count, pulses, phases, 16)
    windows = Windows(
        np.unique(random.integers(0, period, 5)),
        np.unique(random.integers(0, period + 1, 6)),
        period,
    )
    bits, bases = random.integers(0, 2, (2, pulses + 1), dtype=np.uint8)
    expected = slow(events, bits, bases, windows, rule)
    found = fast(events, bits, bases, windows, discard=rule == "discard")
    for name in FACTS:
        np.testing.assert_array_equal(getattr(found, name), expected[name], name)


def test_a_gate_that_sees_one_of_two_clicks_keeps_its_bit() -> None:
    """Detector 0, then 1 (a double), then 2 (a cross click): of three gates in turn."""
    events = Events(
        np.array([3, 3, 3], np.uint64),
        np.array([1, 4, 7], np.uint32),
        np.array([1, 2, 4], np.uint8),
        np.zeros(3, np.uint8),
    )
    windows = Windows(np.array([0]), np.array([4, 7, 10]), 10)
    kinds = count_kinds(events, np.full(3, 2, np.uint8), windows, READING.table)  # 0 of the key's
    assert [int(np.flatnonzero(gate).item()) for gate in kinds[0]] == [
        Kind.KEY_RIGHT,
        Kind.KEY_DOUBLE,
        Kind.CROSS,
    ]


def test_the_sample_is_of_pulses_with_one_click() -> None:
    events = Events(
        np.arange(7, dtype=np.uint64),
        np.full(7, 5, np.uint32),
        np.array([1, 2, 4, 8, 3, 12, 5], np.uint8),
        np.zeros(7, np.uint8),
    )
    sample = READING.sample(events, Gate(0, 10), 10)
    assert sample.bases is not None
    found = zip(sample.pulses.tolist(), sample.bits.tolist(), sample.bases.tolist(), strict=True)
    assert list(found) == [(0, 0, 1), (1, 1, 1), (2, 0, 0), (3, 1, 0)]


def test_kinds_of_another_protocol_are_refused() -> None:
    windows = Windows(np.array([0]), np.array([4]), 10)
    with pytest.raises(ValueError, match="BB84 has 9 kinds of pulses, not 3"):
        Bb84WindowCounts.of_kinds(windows, np.zeros((1, 1, 3), np.int64))


def test_what_is_stated_besides_comes_first() -> None:
    assert READING.with_stated(Stated()) == READING
    other = SessionParameters(protocol="bb84", estimate_bits=0, qber_abort=0.07)
    stated = READING.with_stated(Stated(0.002, 1e-8, 0.7, True, other))
    assert stated == Bb84Reading(Bb84Terms(0.8, 0.7, 0.002, 1e-8), other, True)
