"""Stretches of a map's counts add up to the whole, click for click."""

import numpy as np
import pytest

from hexkey.events import Events
from hexkey.maps import Windows
from hexkey.maps.b92 import B92Reading
from hexkey.maps.count import Kinds, count_kinds
from hexkey.maps.slices import FEWEST, MOST, Slices

PERIOD = 20
WINDOWS = Windows(np.array([0, 5, 18]), np.array([4, 20]), PERIOD)


SHIFTS, SHAPE = 3, (3, 2)


def counted(events: Events, alice: np.ndarray) -> Kinds:
    pulse = events.pulse.astype(np.int64)
    table = B92Reading().table
    return count_kinds(events, alice[pulse], WINDOWS, table, alice[np.maximum(pulse, 1) - 1])


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
        slices.add(np.stack([counted(part, alice)] * SHIFTS), length)
    found = slices.at(np.zeros(SHAPE, np.int64))
    np.testing.assert_array_equal(sum(one.kinds for one in found), counted(events, alice))
    assert sum(one.seconds for one in found) == pytest.approx(pulses / 1e6)
    assert len(found) <= FEWEST
    if density < 3:
        assert len(found) >= FEWEST - 1


def test_their_number_stays_bounded() -> None:
    slices = Slices(1e6)
    one = np.ones((SHIFTS, *SHAPE, 1), np.int64)
    events = Events.empty()
    for _ in range(1_000):
        for _, length in slices.cut(events, 0, 1_600):
            slices.add(one, length)
    found = slices.at(np.zeros(SHAPE, np.int64))
    assert MOST // 2 <= len(found) < MOST
    assert sum(part.kinds[0, 0, 0] for part in found) == 1_000
    assert sum(part.seconds for part in found) == pytest.approx(1.6)


def spaced(pulses: int, step: int) -> Events:
    """An event every `step` pulses."""
    pulse = np.arange(0, pulses, step, dtype=np.uint64)
    return Events(pulse, np.zeros(len(pulse), np.uint32), *np.ones((2, len(pulse)), np.uint8))


def cut_lengths(slices: Slices, pulses: int) -> list[int]:
    """Cut an epoch, add what is cut, and return the stretches' lengths."""
    lengths = []
    for _, length in slices.cut(spaced(pulses, 2), 0, pulses):
        slices.add(np.zeros((SHIFTS, *SHAPE, 1), np.int64), length)
        lengths.append(length)
    return lengths


def test_stretches_are_alike_in_length() -> None:
    """That of the first epoch, then the same; the last one from a half of it to one and a half."""
    slices = Slices(1e6)
    assert cut_lengths(slices, 1_600) == [100] * FEWEST
    assert cut_lengths(slices, 340) == [100, 100, 140]
    assert cut_lengths(slices, 360) == [100, 100, 100, 60]
    assert cut_lengths(slices, 30) == [30]


def test_where_two_become_one_the_next_are_twice_as_long() -> None:
    slices = Slices(1e6)
    for _ in range(4):
        assert cut_lengths(slices, 1_600) == [100] * FEWEST
    assert [part.seconds for part in slices.at(np.zeros(SHAPE, np.int64))] == [2e-4] * (MOST // 2)
    assert cut_lengths(slices, 1_600) == [200] * (FEWEST // 2)


def test_each_gate_has_the_counts_of_its_shift() -> None:
    slices = Slices(1.0)
    kinds = np.arange(SHIFTS)[:, None, None, None] * np.ones((*SHAPE, 2), np.int64)
    slices.add(kinds + np.array([10, 20]), 5)
    chosen = np.array([[0, 1], [2, 0], [1, 2]])
    (part,) = slices.at(chosen)
    assert part.kinds[..., 0].tolist() == [[10, 11], [12, 10], [11, 12]]
    assert part.kinds[..., 1].tolist() == [[20, 21], [22, 20], [21, 22]]
    assert part.seconds == 5
