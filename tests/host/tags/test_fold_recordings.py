"""Folding of recordings by others, against what is known of them."""

from collections.abc import Callable
from pathlib import Path

import pytest

from hexkey.tags import open_tags
from hexkey.tags.fold import Folder
from hexkey.tags.folding import Folding

PERIOD_PS = 12_495.52  # of the laser, by a T3 recording's header


def folded(path: Path, folding: Folding) -> Folder:
    file = open_tags(path)
    folder = Folder(file, folding)
    for tags in file.chunks():
        folder.push(tags)
    folder.finish()
    return folder


def test_real_filtered_sync_is_followed(recording: Callable[[str], Path]) -> None:
    """Of a quTAG, the laser's edges only after events: all of them in one epoch."""
    path = recording("eta/19_qutag_80MHz_HBT_sync_filtered.qutag")
    folder = folded(
        path,
        Folding(
            channels=(1, 2),
            period_ps=12_500.0,
            trigger_channel=5,
            holdoff_pulses=0,
            dead_time_ps=0.0,
        ),
    )
    assert folder.counts.clicks + folder.counts.edges == folder.counts.tags == 267_801
    trigger = folder.trigger_facts()
    assert trigger is not None
    assert (trigger["epochs"], trigger["unlocked_edges"], trigger["spurious_edges"]) == (1, 0, 0)
    assert trigger["period_ps"] == pytest.approx(PERIOD_PS, rel=2e-5)  # by another clock
    assert trigger["jitter_ps"] < 20
    assert_pulsed(folder)


def test_real_pulse_numbers_need_no_trigger(recording: Callable[[str], Path]) -> None:
    folder = folded(
        recording("eta/200213_HH400_T3_80MHz_HBT.timeres"),
        Folding(channels=(0, 1), period_ps=PERIOD_PS, holdoff_pulses=0, dead_time_ps=0.0),
    )
    assert folder.counts.clicks == folder.counts.tags == 396_326
    assert_pulsed(folder)


def assert_pulsed(folder: Folder) -> None:
    """Of an emitter of 0.13 ns, two detectors' delays apart: nearly all lies in a fifth."""
    counts = folder.histogram
    fifth = len(counts) // 5
    until = counts.cumsum()
    densest = (until[fifth:] - until[:-fifth]).max()
    assert densest > 0.98 * counts.sum()
