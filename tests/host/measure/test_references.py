"""Histograms of recordings by others, beside those that the recordings' makers took of them."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from hexkey.measure.clicks import clicks_of
from hexkey.measure.correlate import Correlator
from hexkey.measure.report import measure_file
from hexkey.tags import open_tags

Recording = Callable[[str], Path]
BIN_PS, BINS = 16, 10_000


@pytest.mark.parametrize(
    ("name", "reference", "channels"),
    [
        ("200204_HH400_T2_320MHz_HBT.timeres", "200204_HH400_T2_320MHz_HBT_g2.npz", (0, 1)),
        ("200213_HH400_T3_80MHz_HBT.timeres", "200213_HH400_T3_80MHz_HBT.npz", (0, 1)),
        (
            "19_qutag_80MHz_HBT_sync_filtered.qutag",
            "19_qutag_80MHz_HBT_sync_filtered.npz",
            (1, 2),
        ),
    ],
)
def test_delays_are_those_of_the_reference(
    name: str, reference: str, channels: tuple[int, int], recording: Recording
) -> None:
    """Theirs ends a start at its first stops, so that a few pairs in a hundred are not in it."""
    file = open_tags(recording(f"eta/{name}"))
    both = [Correlator(*pair, BIN_PS * BINS, BIN_PS) for pair in (channels, channels[::-1])]
    to_clicks = clicks_of(file)
    for tags in file.chunks():
        clicks = to_clicks(tags)
        for correlator in both:
            correlator.push(clicks)
    with np.load(recording(f"eta/{reference}")) as found:
        theirs = [found["hist1"], found["hist2"]]
    for correlator, counts in zip(both, theirs, strict=True):
        ours = correlator.across().counts[BINS:]
        assert counts.sum() <= ours.sum() <= 1.02 * counts.sum()
        assert np.abs(ours - counts).sum() <= 0.06 * counts.sum()
        assert np.corrcoef(ours, counts)[0, 1] > 0.98


def test_arrivals_are_those_of_the_reference(recording: Recording) -> None:
    file = open_tags(recording("eta/200213_HH400_T3_80MHz_HBT.timeres"))
    with np.load(recording("eta/200213_HH400_T3_80MHz_lifetime.npz")) as found:
        theirs = found["hist1"]
    arrivals = measure_file(file).arrivals
    assert arrivals is not None
    assert arrivals.bin_ps == BIN_PS
    ours = arrivals.counts[0][: len(theirs)]
    assert np.abs(ours - theirs).sum() == 1  # the first click of all, which it takes for a start
