"""Counts of many gates at once equal the pipeline's, gate by gate, on data made to trip them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hexkey.errors import ConfigurationError
from hexkey.events import Events
from hexkey.gate import Gate, apply_gate, resolve
from hexkey.maps import WindowCounts, Windows, count_windows
from hexkey.maps import count as module
from hexkey.sift import BIT_OF_DETECTOR, gate_and_sift, sift_b92


def slow(
    events: Events, alice: np.ndarray, windows: Windows, bit_of_detector: tuple[int, ...]
) -> WindowCounts:
    """Run gate, resolver and sifting for each window. Alice's bit of pulse p is ``alice[p]``."""
    found = np.zeros((3, len(windows.start_ticks), len(windows.width_ticks)), np.int64)
    for i, start in enumerate(windows.start_ticks):
        for j, width in enumerate(windows.width_ticks):
            gates = [Gate(int(start), int(width))] * 4
            sifted = gate_and_sift(events, gates, windows.period_ticks, bit_of_detector)
            errors = np.count_nonzero(sifted.bit != alice[sifted.pulse])
            found[:, i, j] = len(sifted), errors, sifted.doubles
    return WindowCounts(windows, *found)


def fast(
    events: Events,
    alice: np.ndarray,
    windows: Windows,
    bit_of_detector: tuple[int, ...] = BIT_OF_DETECTOR,
) -> WindowCounts:
    before = np.maximum(events.pulse, 1) - 1  # of pulse 0 it has no meaning
    return count_windows(
        events, alice[events.pulse], windows, alice[before.astype(np.int64)], bit_of_detector
    )


def assert_equal(found: WindowCounts, expected: WindowCounts) -> None:
    for name in ("sifted", "errors", "doubles"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name), name)


def random_events(
    random: np.random.Generator, count: int, pulses: int, phases: int, masks: int
) -> Events:
    return Events(
        np.sort(random.integers(0, pulses, count)).astype(np.uint64),
        random.integers(0, phases, count, dtype=np.uint32),  # not sorted within a pulse
        random.integers(0, masks, count, dtype=np.uint8),  # 0 and several detectors among them
        np.zeros(count, np.uint8),
    )


@given(
    seed=st.integers(0, 2**32),
    period=st.integers(1, 24),
    density=st.sampled_from([0.01, 0.3, 1.0, 5.0]),
    masks=st.sampled_from([3, 4, 16]),
    bits=st.sampled_from([(1, 0), (0, 1), (1,), (0, 0, 1, 1), ()]),
    beyond=st.booleans(),
    table=st.booleans(),
)
@settings(max_examples=250, deadline=None)
def test_equal_to_the_pipeline_gate_by_gate(
    seed: int,
    period: int,
    density: float,
    masks: int,
    bits: tuple[int, ...],
    beyond: bool,
    table: bool,
) -> None:
    """Small periods, so that ties, repeats, doubles and the period's end all meet."""
    random = np.random.default_rng(seed)
    count = int(random.integers(0, 200))
    pulses = int(count / density) + 1
    phases = period + period // 2 + 1 if beyond else period  # as gated before, past the period
    events = random_events(random, count, pulses, phases, masks)
    windows = Windows(
        np.unique(random.integers(0, period, 5)),
        np.unique(random.integers(0, period + 1, 6)),
        period,
    )
    alice = random.integers(0, 2, pulses + 1, dtype=np.uint8)
    expected = slow(events, alice, windows, bits)
    with pytest.MonkeyPatch.context() as patch:
        if not table:
            patch.setattr(module, "_LONGEST_TABLE_TICKS", 0)
        assert_equal(fast(events, alice, windows, bits), expected)


def test_equal_to_the_readable_pipeline_on_the_papers_grid() -> None:
    """41 × 91 gates, some past the period's end, and the three readable steps for some of them."""
    random = np.random.default_rng(5)
    events = random_events(random, 20_000, 300_000, 2500, 4)
    alice = random.integers(0, 2, 300_001, dtype=np.uint8)
    windows = Windows(np.arange(1500, 1901, 10), np.arange(300, 1201, 10), 2500)
    found = fast(events, alice, windows)
    assert found.sifted.shape == (41, 91)
    for i, j in ((0, 0), (0, 90), (13, 70), (40, 0), (40, 90)):
        gate = Gate(int(windows.start_ticks[i]), int(windows.width_ticks[j]))
        sifted = sift_b92(resolve(apply_gate(events, [gate] * 4, 2500).events).events)
        assert found.sifted[i, j] == len(sifted.pulse)
        assert found.errors[i, j] == np.count_nonzero(sifted.bit != alice[sifted.pulse])
        assert found.doubles[i, j] == sifted.doubles > 0


def by_hand(*clicks: tuple[int, int, int]) -> Events:
    pulse, phase, mask = zip(*clicks, strict=True)
    return Events(
        np.array(pulse, np.uint64),
        np.array(phase, np.uint32),
        np.array(mask, np.uint8),
        np.zeros(len(clicks), np.uint8),
    )


def test_a_double_is_sifted_by_the_gate_that_sees_one_of_its_clicks() -> None:
    events = by_hand((3, 2, 1), (3, 7, 2))
    windows = Windows(np.array([0, 3]), np.array([4, 7]), 10)
    found = count_windows(events, np.array([1, 1], np.uint8), windows)
    assert found.sifted.tolist() == [[1, 1], [0, 1]]  # [0, 4), [0, 7), [3, 7), [3, 10)
    assert found.errors.tolist() == [[0, 0], [0, 1]]
    assert found.doubles.tolist() == [[0, 0], [0, 0]]
    wide = count_windows(
        events, np.array([1, 1], np.uint8), Windows(np.array([0]), np.array([8]), 10)
    )
    assert (wide.sifted.item(), wide.doubles.item()) == (0, 1)


def test_a_repeat_counts_once() -> None:
    events = by_hand((3, 2, 1), (3, 7, 1))
    windows = Windows(np.array([0, 2, 3]), np.array([5, 8]), 10)
    found = count_windows(events, np.array([1, 1], np.uint8), windows, np.array([0, 0], np.uint8))
    assert found.sifted.tolist() == [[1, 1], [1, 1], [1, 1]]


def test_past_the_end_a_click_is_of_the_pulse_before() -> None:
    events = by_hand((0, 1, 1), (4, 1, 1))
    windows = Windows(np.array([8]), np.array([3, 4]), 10)
    sent, before = np.array([1, 1], np.uint8), np.array([0, 0], np.uint8)
    found = count_windows(events, sent, windows, before)
    assert found.sifted.tolist() == [[0, 1]]  # pulse 0 has none before it
    assert found.errors.tolist() == [[0, 1]]


def test_no_events() -> None:
    windows = Windows(np.array([0, 5]), np.array([3, 4, 10]), 10)
    empty = np.empty(0, np.uint8)
    found = count_windows(Events.empty(), empty, windows, empty)
    assert not found.sifted.any()
    assert found.sifted.shape == (2, 3)


@pytest.mark.parametrize(
    ("starts", "widths", "message"),
    [
        ([0, 0], [1], "the starts of a grid of gates must ascend"),
        ([], [1], "the starts of a grid of gates must ascend"),
        ([0], [2, 1], "the widths of a grid of gates must ascend"),
        ([10], [1], "must open before tick 10"),
        ([-1], [1], "must open before tick 10"),
        ([0], [11], "last at most 10 ticks"),
        ([0], [-1], "last at most 10 ticks"),
    ],
)
def test_a_grid_that_fits_no_gate_is_refused(
    starts: list[int], widths: list[int], message: str
) -> None:
    with pytest.raises(ConfigurationError, match=message):
        Windows(np.array(starts, np.int64), np.array(widths, np.int64), 10)


def test_what_does_not_fit_is_refused() -> None:
    windows = Windows(np.array([8]), np.array([3]), 10)
    within = Windows(np.array([0]), np.array([3]), 10)
    events = by_hand((3, 2, 1), (4, 7, 2))
    bits = np.zeros(2, np.uint8)
    with pytest.raises(ValueError, match="sent_before is needed"):
        count_windows(events, bits, windows)
    with pytest.raises(ValueError, match="2 events need as many of Alice's bits, not 1"):
        count_windows(events, bits[:1], within)
    with pytest.raises(ValueError, match="what Alice sent must be below 2"):
        count_windows(events, bits + np.uint8(2), within)
    with pytest.raises(ConfigurationError, match="bit_of_detector must"):
        count_windows(events, bits, within, None, (0, 2))
    with pytest.raises(ValueError, match="pulses must ascend"):
        count_windows(by_hand((4, 2, 1), (3, 7, 2)), bits, within)
    with pytest.raises(ValueError, match="masks must name detectors"):
        count_windows(by_hand((3, 2, 16), (4, 7, 2)), bits, within)
