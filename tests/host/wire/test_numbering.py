"""Losses known from the numbering: exact within a run, bounded at every boundary."""

from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hexkey.wire import MAX_PULSE, Gap, Header, Kind
from hexkey.wire.numbering import Numbering

U32 = 2**32


@dataclass(frozen=True)
class Sent:
    """A frame as the numbering sees it, and the pulses of its events."""

    header: Header
    pulses: tuple[int, ...]

    @property
    def last_pulse(self) -> int:
        return self.pulses[-1] if self.pulses else self.header.pulse


@st.composite
def board(draw: st.DrawFn) -> list[Sent]:
    """One run of a board: sequence and tally start where they may wrap, epochs change."""
    sequence = draw(st.sampled_from([0, 7, U32 - 3]))
    tally = draw(st.sampled_from([0, 7, U32 - 5]))
    pulse, epoch, frames = draw(st.integers(0, 2**40)), 0, []
    for _ in range(draw(st.integers(2, 25))):
        if draw(st.integers(0, 9)) == 0:
            epoch, pulse = epoch + 1, draw(st.integers(0, 100))
        steps = draw(st.lists(st.integers(1, 50), max_size=6))
        kind = Kind.EVENTS if steps else draw(st.sampled_from([Kind.EVENTS, Kind.COUNTERS]))
        pulses = tuple(pulse + sum(steps[: i + 1]) - 1 for i in range(len(steps)))
        watermark = draw(st.integers(pulse, pulses[0])) if pulses else pulse
        header = Header(kind, 4 if kind is Kind.EVENTS else 0, 0, 1, epoch, sequence, watermark, 0)
        frames.append(Sent(replace(header, event_tally=tally), pulses))
        sequence, tally = (sequence + 1) % U32, (tally + len(pulses)) % U32
        pulse = pulses[-1] + 1 if pulses else pulse
    return frames


def feed(frames: list[Sent]) -> Numbering:
    numbering = Numbering()
    for frame in frames:
        assert numbering.accept(frame.header, len(frame.pulses), frame.last_pulse)
    return numbering


@given(board(), st.data())
def test_every_lost_frame_and_event_is_counted_and_lies_in_a_gap(
    frames: list[Sent], data: st.DataObject
) -> None:
    keep = [0, *sorted(data.draw(st.sets(st.integers(1, len(frames) - 1)))), len(frames) - 1]
    lost = [frame for i, frame in enumerate(frames) if i not in keep]
    numbering = feed([frames[i] for i in sorted(set(keep))])
    assert numbering.frames_missed == len(lost)
    assert numbering.events_missed == sum(len(frame.pulses) for frame in lost)
    assert numbering.restarts == 0
    seen_epochs = {frames[i].header.epoch for i in keep}
    for frame in lost:
        if frame.header.epoch not in seen_epochs:
            continue  # nothing was seen of this epoch, so that no block can be made of it
        for pulse in frame.pulses:
            assert any(
                gap.epoch == frame.header.epoch
                and gap.first_pulse <= pulse <= gap.last_pulse
                and gap.events
                for gap in numbering.gaps
            )
    kept = [(frames[i].header.epoch, pulse) for i in set(keep) for pulse in frames[i].pulses]
    for gap in numbering.gaps:  # no wider than it must be: at most the event at a watermark
        within = [p for e, p in kept if e == gap.epoch and gap.first_pulse <= p < gap.last_pulse]
        assert gap.last_pulse == MAX_PULSE or not within


def header(sequence: int, tally: int = 0, **changes: int) -> Header:
    base = Header(Kind.EVENTS, 4, 0, 1, 0, sequence, 100, tally)
    return replace(base, **changes)  # type: ignore[arg-type]


def test_the_range_of_a_gap() -> None:
    numbering = feed([Sent(header(4, 10, pulse=100), (105, 110))])
    numbering.accept(header(7, 15, pulse=400), 0, 400)
    assert numbering.gaps == [Gap(0, 111, 400, 2, 3, 1)]
    assert numbering.events_before == 10


def test_a_gap_across_epochs_stands_on_both_sides() -> None:
    numbering = feed([Sent(header(4), (105,)), Sent(header(6, 3, epoch=1, pulse=30), ())])
    assert numbering.gaps == [Gap(0, 106, MAX_PULSE, 1, 2, 1), Gap(1, 0, 30, 1, 2, 1)]
    assert (numbering.frames_missed, numbering.events_missed) == (1, 2)


def test_a_new_epoch_without_a_missing_frame_is_no_gap() -> None:
    numbering = feed([Sent(header(4), (105,)), Sent(header(5, 1, epoch=1, pulse=0), ())])
    assert numbering.gaps == []


def test_a_new_run_counts_from_zero() -> None:
    numbering = feed([Sent(header(4, 50), (105,)), Sent(header(5, 0, run=2, pulse=0), ())])
    assert (numbering.gaps, numbering.events_missed, numbering.restarts) == ([], 0, 0)
    numbering = feed([Sent(header(4, 50), (105,)), Sent(header(7, 9, run=2, pulse=20), ())])
    assert numbering.gaps == [Gap(0, 106, MAX_PULSE, 2, None, 1), Gap(0, 0, 20, 2, 9, 2)]
    assert (numbering.frames_missed, numbering.events_missed, numbering.restarts) == (2, 9, 0)


@pytest.mark.parametrize(
    "after",
    [
        header(3, 2, run=0, pulse=50),  # the board was reset
        header(3, 2, pulse=50),  # … or its stream repeats itself
    ],
)
def test_a_jump_back_is_a_restart_that_counts_from_zero(after: Header) -> None:
    numbering = feed([Sent(header(900, 77), (105,)), Sent(after, ())])
    assert (numbering.restarts, numbering.frames_missed, numbering.events_missed) == (1, 3, 2)
    assert numbering.gaps[0] == Gap(0, 106, MAX_PULSE, 3, None, 1)
    assert numbering.gaps[1] == Gap(0, 0, 50, 3, 2, after.run)
    assert numbering.accept(replace(after, sequence=4), 0, 50)
    assert numbering.restarts == 1


@pytest.mark.parametrize(
    "after",
    [
        header(902, 0, pulse=200),  # the tally fell back to 0
        header(902, 78 + 241, pulse=200),  # one frame cannot have held 241 events
        header(901, 78, pulse=50),  # events come again from pulses that were over
        header(901, 78, pulse=200, epoch=0),
    ],
)
def test_numbers_that_contradict_each_other_are_a_restart(after: Header) -> None:
    first = header(900, 77, epoch=1 if after.sequence == 901 and after.pulse == 200 else 0)
    numbering = feed([Sent(first, (105,)), Sent(after, ())])
    assert numbering.restarts == 1


def test_a_frame_that_comes_twice_is_taken_once() -> None:
    numbering = feed([Sent(header(4), (105,))])
    assert not numbering.accept(header(4), 1, 105)
    assert numbering.duplicates == 1
    assert numbering.accept(header(5, 1, pulse=106), 0, 106)
    assert (numbering.restarts, numbering.frames_missed) == (0, 0)
