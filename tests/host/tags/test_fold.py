"""Folding brings known clicks back: pulses exactly, phases to the jitter; no tag is lost."""

from dataclasses import asdict
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from tests.host.tags.clicks import PERIOD_PS, TRIGGER, Known, known, tag_file, written

from hexkey.errors import ConfigurationError, InputError
from hexkey.events import Events
from hexkey.tags.fold import Folded, Folder
from hexkey.tags.folding import Folding
from hexkey.tags.stream import TagFile, Tags

PULSES = 400_000


def folding(**changes: Any) -> Folding:
    usual: dict[str, Any] = {
        "channels": (3, 5),
        "period_ps": PERIOD_PS,
        "trigger_channel": TRIGGER,
        "holdoff_pulses": 0,
        "dead_time_ps": 0.0,
    }
    return Folding(**usual | changes)


def folded(file: TagFile, how: Folding) -> tuple[Folder, list[Folded]]:
    folder = Folder(file, how)
    pieces = [piece for tags in file.chunks() for piece in folder.push(tags)]
    pieces += folder.finish()
    counts = asdict(folder.counts)
    assert counts.pop("tags") == sum(counts.values())
    return folder, pieces


def joined(pieces: list[Folded], epoch: int = 0) -> Events:
    chosen = [piece.events for piece in pieces if piece.epoch == epoch]
    for one, two in pairwise(chosen):
        assert int(one.pulse[-1]) < int(two.pulse[0])  # no pulse goes on in the next piece
    return Events.concatenate(chosen)


def assert_same(events: Events, clicks: Known, offset: int, within_ps: float) -> None:
    """Times may round over a pulse's edge by as much as a phase may be off."""
    pulse = events.pulse.astype(np.int64) - offset
    order = np.lexsort((clicks.detector, clicks.phase_ps, clicks.pulse))
    true = clicks.pulse[order] * PERIOD_PS + clicks.phase_ps[order]
    found = pulse * PERIOD_PS + events.phase_ticks
    assert len(found) == len(true)
    assert np.abs(np.sort(found) - np.sort(true)).max() <= within_ps


@pytest.mark.parametrize("divider", [1, 8])
@pytest.mark.parametrize("piece", [977, 100_000])
def test_without_jitter_clicks_come_back_exactly(divider: int, piece: int) -> None:
    random = np.random.default_rng(1)
    clicks = known(random, 30_000, PULSES, PERIOD_PS)
    begins = (clicks.pulse + 5 * divider) * PERIOD_PS
    edges = np.arange(0, PULSES + 10 * divider, divider) * PERIOD_PS
    file = tag_file(written(clicks, edges, begins), piece)
    folder, pieces = folded(file, folding(trigger_divider=divider))
    events = joined(pieces)
    offset = 6 * divider  # the first edge is at pulse `divider`
    np.testing.assert_array_equal(events.pulse.astype(np.int64) - offset, clicks.pulse)
    np.testing.assert_array_equal(events.phase_ticks, clicks.phase_ps)
    assert set(events.mask.tolist()) == {1, 2}
    np.testing.assert_array_equal(folder.histogram, np.bincount(clicks.phase_ps, minlength=25_000))


@pytest.mark.parametrize("divider", [1, 8])
def test_divided_filtered_jittered_triggers_that_drift(divider: int) -> None:
    """A clock 300 ppm off that drifts, half of the edges gone, 2 % of them from elsewhere."""
    random = np.random.default_rng(2)
    clicks = known(random, 20_000, PULSES, PERIOD_PS)

    def begin(pulse: np.ndarray) -> np.ndarray:
        return 7e9 + PERIOD_PS * 1.0003 * (pulse + 1e-7 * pulse * (pulse / PULSES))

    comb = np.arange(-40 * divider, PULSES + 40 * divider, divider)
    edges = begin(comb) + random.normal(0, 120, len(comb))
    edges = edges[random.random(len(edges)) < 0.5]
    wild = random.uniform(edges[0], edges[-1], len(edges) // 50)
    tags = written(clicks, np.sort(np.concatenate([edges, wild])), begin(clicks.pulse))
    folder, pieces = folded(tag_file(tags), folding(trigger_divider=divider))
    events = joined(pieces)
    offset = round(float(np.median(events.pulse.astype(np.int64) - clicks.pulse)))
    assert offset % divider == 0
    assert_same(events, clicks, offset, within_ps=120)
    assert folder.tracker is not None
    trigger = folder.trigger_facts()
    assert trigger is not None
    assert trigger["epochs"] == 1
    assert trigger["jitter_ps"] == pytest.approx(120, rel=0.1)
    assert trigger["period_ps"] == pytest.approx(PERIOD_PS * 1.0003, rel=1e-6)
    assert trigger["spurious_edges"] == pytest.approx(len(wild), rel=0.15)


def test_only_edges_after_an_event() -> None:
    """As taggers filter them: one edge for each click, rarer than one pulse in a thousand."""
    random = np.random.default_rng(3)
    clicks = known(random, 20_000, 30_000_000, PERIOD_PS)
    edges = np.unique(clicks.pulse + 1) * PERIOD_PS
    edges = edges + random.normal(0, 50, len(edges))
    tags = written(clicks, edges, clicks.pulse * PERIOD_PS)
    folder, pieces = folded(tag_file(tags), folding(period_ps=PERIOD_PS * (1 - 4e-4)))
    events = joined(pieces)
    lost = folder.counts.untriggered
    assert 1 <= lost <= 3  # before the first edge
    seen = Known(clicks.pulse[lost:], clicks.phase_ps[lost:], clicks.detector[lost:])
    offset = int(np.median(events.pulse.astype(np.int64) - seen.pulse))
    assert_same(events, seen, offset, within_ps=60)


def test_a_trigger_that_was_away_begins_an_epoch() -> None:
    random = np.random.default_rng(4)
    clicks = known(random, 20_000, PULSES, PERIOD_PS)
    gap_ps = 40e9
    begins = clicks.pulse * PERIOD_PS + gap_ps * (clicks.pulse >= PULSES // 2)
    comb = np.arange(PULSES + 2)
    edges = comb * PERIOD_PS + gap_ps * (comb >= PULSES // 2)
    folder, pieces = folded(tag_file(written(clicks, edges, begins)), folding())
    assert {piece.epoch for piece in pieces} == {0, 1}
    first, second = joined(pieces, 0), joined(pieces, 1)
    before = clicks.pulse < PULSES // 2 - 1
    np.testing.assert_array_equal(first.pulse.astype(np.int64) - 1, clicks.pulse[before])
    later = clicks.pulse >= PULSES // 2
    np.testing.assert_array_equal(
        second.pulse.astype(np.int64) - 1, clicks.pulse[later] - PULSES // 2
    )
    assert folder.counts.untriggered == len(clicks.pulse) - before.sum() - later.sum()


def test_a_step_of_the_phase_begins_an_epoch() -> None:
    """By a third of a period: whether forth or back, and so the count, cannot be known."""
    comb = np.arange(PULSES)
    edges = comb * PERIOD_PS + PERIOD_PS / 3 * (comb >= PULSES // 2)
    nothing = Known(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.uint8))
    tags = written(nothing, edges, np.empty(0))
    folder, _ = folded(tag_file(tags), folding())
    assert folder.tracker is not None
    assert folder.tracker.counts.epochs == 2


def slow_holdoff(pulse: np.ndarray, holdoff: int, before: int) -> np.ndarray:
    last, alive = before, list[bool]()
    for i, one in enumerate(pulse):
        if i and one == pulse[i - 1]:
            alive.append(alive[-1])
            continue
        alive.append(one - last > holdoff)
        last = one
    return np.array(alive)


@pytest.mark.parametrize("piece", [501, 100_000])
def test_the_hold_off_is_restarted_by_every_click(piece: int) -> None:
    random = np.random.default_rng(5)
    clicks = known(random, 30_000, 100_000, PERIOD_PS)
    edges = np.arange(100_002) * PERIOD_PS
    tags = written(clicks, edges, clicks.pulse * PERIOD_PS)
    how = folding(holdoff_pulses=3, dead_time_ps=75_000.0)
    folder, pieces = folded(tag_file(tags, piece), how)
    alive = slow_holdoff(clicks.pulse, 3, -1)
    np.testing.assert_array_equal(joined(pieces).pulse.astype(np.int64) - 1, clicks.pulse[alive])
    assert folder.counts.held_off == np.count_nonzero(~alive) > 1_000


def test_files_with_pulse_numbers_need_no_trigger() -> None:
    """T3 in ticks of 16 ps: delays move clicks into the next pulse and the one before."""
    pulse = np.array([0, 4, 4, 9, 20], np.int64)
    tags = Tags(
        np.array([3, 3, 5, 5, 7], np.uint8), np.array([10, 1562, 1, 700, 3], np.int64), pulse
    )
    how = folding(trigger_channel=None, delay_ps=(16.0, -32.0))
    folder, pieces = folded(tag_file(tags, 2, Fraction(1, 1) * 16), how)
    events = joined(pieces)
    assert events.pulse.tolist() == [0, 3, 5, 9]
    assert events.phase_ticks.tolist() == [176, 24_984, 8, 11_168]
    assert events.mask.tolist() == [1, 2, 1, 2]
    assert folder.counts.unused == 1


def test_a_sync_divided_before_a_t3_tagger() -> None:
    tags = Tags(np.array([3, 5], np.uint8), np.array([30_000, 199_999]), np.array([2, 2], np.int64))
    _, pieces = folded(tag_file(tags), folding(trigger_channel=None, trigger_divider=8))
    events = joined(pieces)
    assert events.pulse.tolist() == [17, 23]
    assert events.phase_ticks.tolist() == [5_000, 24_999]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"channels": (3, 3)}, "must be on different channels"),
        ({"channels": (3, TRIGGER)}, "must be on different channels"),
        ({"channels": ()}, "one to 4 detectors, not 0"),
        ({"dead_time_ps": 30_000.0, "holdoff_pulses": 1}, "set it to at least 2 pulses"),
        ({"trigger_divider": 0}, "must be at least 1"),
        ({"delay_ps": (1.0,)}, "2 detectors need as many delays, not 1"),
    ],
)
def test_what_is_refused(changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ConfigurationError, match=sentence):
        folding(**changes)


def test_a_wrong_divider_is_found_out() -> None:
    comb = np.arange(0, PULSES, 8) * PERIOD_PS
    nothing = Known(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.uint8))
    file = tag_file(written(nothing, comb, np.empty(0)))
    folder = Folder(file, folding(trigger_divider=7))
    for tags in file.chunks():
        folder.push(tags)
    with pytest.raises(InputError, match="are no trigger of 7 pulse"):
        folder.finish()


def test_the_trigger_must_suit_the_file() -> None:
    free = tag_file(Tags(np.empty(0, np.uint8), np.empty(0, np.int64)))
    with pytest.raises(ConfigurationError, match="name the channel of the trigger's edges"):
        Folder(free, folding(trigger_channel=None))
    nothing = np.empty(0, np.int64)
    pulsed = tag_file(Tags(nothing.astype(np.uint8), nothing, nothing))
    with pytest.raises(ConfigurationError, match="leave the trigger's channel away"):
        Folder(pulsed, folding())
