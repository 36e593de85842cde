"""Randomness: uniform bits and subsets, and honest labels."""

import math
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from hexkey.bits import unpack_bits
from hexkey.random_device import RandomDevice
from hexkey.randomness import (
    OperatingSystem,
    Seeded,
    choose_randomness,
    random_packed_bits,
    random_subset,
)


class Given:
    """Randomness that was laid out beforehand."""

    reason_for_demonstration = None

    def __init__(self, *blocks: bytes) -> None:
        self._blocks = list(blocks)

    def bytes(self, count: int) -> bytes:
        block = self._blocks.pop(0)
        assert len(block) == count
        return block


def test_only_the_operating_system_may_make_secrets() -> None:
    assert OperatingSystem().reason_for_demonstration is None
    assert "seed" in Seeded(1).reason_for_demonstration


def test_seeds_repeat_and_the_operating_system_does_not() -> None:
    assert Seeded(5).bytes(32) == Seeded(5).bytes(32) != Seeded(6).bytes(32)
    assert OperatingSystem().bytes(32) != OperatingSystem().bytes(32)


def test_packed_bits_end_with_zeros() -> None:
    assert random_packed_bits(Given(b"\x0d\xfe"), 10) == b"\x0d\x02"
    assert random_packed_bits(Given(b"\x0d\xfe"), 16) == b"\x0d\xfe"
    assert random_packed_bits(Given(b""), 0) == b""


def test_bits_are_balanced() -> None:
    ones = int(unpack_bits(random_packed_bits(Seeded(2), 100_000), 100_000).sum())
    assert abs(ones - 50_000) < 5 * math.sqrt(25_000)  # 5 standard deviations: 6e-7


def test_subset_has_its_size_and_ascends() -> None:
    for size in (0, 1, 7, 100):
        chosen = random_subset(Seeded(3), 100, size)
        assert len(chosen) == size
        assert np.all(np.diff(chosen) > 0)
        assert not size or (chosen[0] >= 0 and chosen[-1] < 100)


@pytest.mark.parametrize("size", [2, 3])
def test_every_subset_is_equally_likely(size: int) -> None:
    """Chi-square over the 10 subsets of 2 or 3 out of 5; 9 degrees of freedom, above 46 by 6e-7."""
    source, draws = Seeded(4), 5_000
    seen = Counter(tuple(random_subset(source, 5, size).tolist()) for _ in range(draws))
    assert len(seen) == 10
    expected = draws / 10
    assert sum((count - expected) ** 2 / expected for count in seen.values()) < 46


def words(*each: int) -> bytes:
    return np.array(each, np.uint64).tobytes()


def test_subset_is_the_first_distinct_indices_and_words_that_favour_some_are_left_out() -> None:
    most = 2**64 - 1  # among the last six, which would favour 0 to 5
    assert random_subset(Given(words(17, most, 17), words(3, 2, 5)), 10, 3).tolist() == [2, 3, 7]


@pytest.mark.parametrize("size", [-1, 11])
def test_impossible_sizes_are_refused(size: int) -> None:
    with pytest.raises(ValueError, match="between 0 and 10"):
        random_subset(Seeded(1), 10, size)


def test_seed_or_device() -> None:
    assert isinstance(choose_randomness(None, Path("/dev/zero")), RandomDevice)
    assert isinstance(choose_randomness(None), OperatingSystem)
    assert isinstance(choose_randomness(3), Seeded)
