"""Stretches of a map's counts add up to the whole, click for click."""

import numpy as np
import pytest

from hexkey.events import Events
from hexkey.maps import WindowCounts, Windows, count_windows
from hexkey.maps.slices import FEWEST, MOST, Slices

PERIOD = 20
WINDOWS = Windows(np.array([0, 5, 18]), np.array([4, 20]), PERIOD)


def counted(events: Events, alice: np.ndarray) -> WindowCounts:
    pulse = events.pulse.astype(np.int64)
    return count_windows(events, alice[pulse], WINDOWS, alice[np.maximum(pulse, 1) - 1])


@pytest.mark.parametrize("density", [0.02, 0.5, 3.0])
def test_stretches_add_up(density: float) -> None:
    """Gates past the period's end among them: cuts are where no gate reaches over."""
    random = np.random.default_rng(1)
    pulses = 20_000
    count = int(density * pulses)
    alice = random.integers(0, 2, pulses, dtype=np.uint8)
    events = Events(
        np.sort(random.integers(0, pulses, count)).astype(np.uint64),
        random.integers(0, PERIOD, count, dtype=np.uint32),
        random.integers(1, 4, count, dtype=np.uint8),
        np.zeros(count, np.uint8),
    )
    slices = Slices(1e6)
    for part, length in slices.cut(events, 0, pulses):
        slices.add([counted(part, alice)] * 3, length)
    shift = np.zeros((3, 2), np.int64)
    found = slices.of_shifts(shift, (0, -1, 1))
    whole = counted(events, alice)
    np.testing.assert_array_equal(sum(one.sifted for one in found), whole.sifted)
    np.testing.assert_array_equal(sum(one.errors for one in found), whole.errors)
    assert sum(one.seconds for one in found) == pytest.approx(pulses / 1e6)
    assert len(found) <= FEWEST
    if density < 3:
        assert len(found) >= FEWEST - 1


def test_their_number_stays_bounded() -> None:
    slices = Slices(1e6)
    one = WindowCounts(WINDOWS, *(np.ones((3, 2), np.int64) for _ in range(3)))
    events = Events.empty()
    for _ in range(1_000):
        for _, length in slices.cut(events, 0, 1_600):
            slices.add([one] * 3, length)
    found = slices.of_shifts(np.zeros((3, 2), np.int64), (0, -1, 1))
    assert len(found) < MOST
    assert sum(part.sifted[0, 0] for part in found) == 1_000


def test_each_gate_has_the_errors_of_its_shift() -> None:
    slices = Slices(1.0)
    counts = [
        WindowCounts(WINDOWS, *(np.full((3, 2), value, np.int64) for _ in range(3)))
        for value in (10, 20, 30)  # at the shifts 0, -1, 1
    ]
    slices.add(counts, 5)
    shift = np.array([[0, -1], [1, 0], [-1, 1]])
    (part,) = slices.of_shifts(shift, (0, -1, 1))
    assert part.errors.tolist() == [[10, 20], [30, 10], [20, 30]]
    assert part.seconds == 5
