"""Delays, against all pairs one by one."""

import numpy as np
import pytest
from numpy.typing import NDArray

from hexkey.measure import correlate
from hexkey.measure.clicks import Clicks
from hexkey.measure.correlate import Correlator, Delays


@pytest.mark.parametrize("chunk", [1, 7, 100, 1000])
@pytest.mark.parametrize(("first", "second"), [(0, 1), (1, 0)])
def test_delays_are_those_of_all_pairs(
    chunk: int, first: int, second: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(correlate, "_HELD", 100)
    rng = np.random.default_rng(4)
    time = np.sort(rng.integers(0, 20_000, 600)) + rng.integers(-40, 40, 600)  # a little unsorted
    channel = rng.integers(0, 3, 600).astype(np.uint8)
    reach, bin_ps = 500, 7
    correlator = Correlator(first, second, reach, bin_ps)
    for start in range(0, 600, chunk):
        part = slice(start, start + chunk)
        correlator.push(Clicks(channel[part], time[part]))
    found = correlator.across()
    half = len(found.counts) // 2
    _are(found, _all_pairs(time, channel, first, second, half, bin_ps))
    for one in (first, second):
        _are(correlator.within(one), _all_pairs(time, channel, one, one, half, bin_ps))


def _are(found: Delays, expected: list[int]) -> None:
    assert found.counts.sum() > 500
    np.testing.assert_array_equal(found.counts, np.bincount(expected, minlength=len(found.counts)))


def _all_pairs(
    time: NDArray[np.int64],
    channel: NDArray[np.uint8],
    first: int,
    second: int,
    half: int,
    bin_ps: int,
) -> list[int]:
    """Return the bin of each pair, one by one; within a channel each pair once."""
    places = []
    for i in np.flatnonzero(channel == first):
        for j in np.flatnonzero(channel == second):
            delay = int(time[j] - time[i])
            if first == second and (delay < 0 or i == j or (delay == 0 and i > j)):
                continue
            if 0 <= delay // bin_ps + half < 2 * half:
                places.append(delay // bin_ps + half)
    return places


def test_a_bin_is_where_its_centre_says() -> None:
    correlator = Correlator(0, 1, 100, 10)
    correlator.push(Clicks(np.array([0, 1], np.uint8), np.array([0, 33])))
    found = correlator.across()
    assert found.centre_ps[np.flatnonzero(found.counts)[0]] == 34.5
    assert found.reach_ps == 100
