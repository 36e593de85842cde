"""The framer: where frames end, and what their headers say."""

from itertools import chain, pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hexkey.events import Events
from hexkey.wire import MAX_RECORDS, NARROW, Frame, Kind, decode_frame, unpack_events
from hexkey_sim.golden.fifo import EventFifo
from hexkey_sim.golden.framer import Framer

FLUSH = 1000


def events(pulses: list[int]) -> Events:
    ones = np.ones(len(pulses), np.uint8)
    return Events(np.array(pulses, np.uint64), ones.astype(np.uint32), ones, ones - 1)


def framer_with(pulses: list[int], next_pulse: int = 0) -> Framer:
    fifo = EventFifo(10_000)
    fifo.push(events(pulses))
    framer = Framer(fifo, NARROW, FLUSH)
    framer.next_pulse = next_pulse or (pulses[-1] + 1 if pulses else 0)
    return framer


def all_frames(framer: Framer) -> list[Frame]:
    frames = []
    while (encoded := framer.next_events()) is not None:
        frames.append(decode_frame(encoded))
    return frames


def pulses_of(frame: Frame) -> list[int]:
    pulses: list[int] = unpack_events(frame.body, frame.header.pulse, NARROW).pulse.tolist()
    return pulses


def test_full_frame_goes_at_once_and_the_rest_waits() -> None:
    framer = framer_with(list(range(5, 5 + MAX_RECORDS + 1)))
    (frame,) = all_frames(framer)
    assert len(pulses_of(frame)) == MAX_RECORDS
    assert frame.header.pulse == 5


def test_frame_short_of_one_record_waits_for_it_or_for_its_time() -> None:
    framer = framer_with(list(range(MAX_RECORDS - 1)))
    assert all_frames(framer) == []
    framer.next_pulse = FLUSH - 1
    assert all_frames(framer) == []
    framer.next_pulse = FLUSH
    (frame,) = all_frames(framer)
    assert len(pulses_of(frame)) == MAX_RECORDS - 1


def test_event_after_the_time_of_a_frame_is_in_the_next() -> None:
    framer = framer_with([7, 7 + FLUSH - 1, 7 + FLUSH])
    assert [pulses_of(frame) for frame in all_frames(framer)] == [[7, 7 + FLUSH - 1]]
    assert framer.next_events(flush=True) is not None
    assert framer.next_events(flush=True) is None


def test_headers_number_frames_and_tally_events() -> None:
    framer = framer_with([1, 2], next_pulse=5000)
    framer.run, framer.epoch, framer.settings_id = 9, 3, 258
    first = decode_frame(framer.next_events() or b"")
    second = decode_frame(framer.frame(Kind.STATUS, b""))
    assert (first.header.sequence, second.header.sequence) == (0, 1)
    assert (first.header.event_tally, second.header.event_tally) == (0, 2)
    assert (first.header.run, first.header.epoch, first.header.settings) == (9, 3, 2)
    framer.begin_run(10)
    third = decode_frame(framer.frame(Kind.STATUS, b""))
    assert (third.header.run, third.header.sequence, third.header.event_tally) == (10, 2, 0)


@pytest.mark.parametrize(("waiting", "watermark"), [([], 50), ([20, 30], 20)])
def test_watermark_is_not_above_what_may_still_come(waiting: list[int], watermark: int) -> None:
    framer = framer_with(waiting, next_pulse=50)
    assert decode_frame(framer.frame(Kind.STATUS, b"")).header.pulse == watermark


@settings(max_examples=60, deadline=None)
@given(
    gaps=st.lists(st.sampled_from([1, 2, 3, 500, 999, 9000, 300_000_000]), max_size=700),
    cuts=st.lists(st.integers(0, 700), max_size=4),
)
def test_frames_do_not_depend_on_how_events_arrived(gaps: list[int], cuts: list[int]) -> None:
    pulses = np.cumsum(gaps, dtype=np.int64).tolist()
    whole = [pulses_of(frame) for frame in all_frames(framer_with(pulses))]
    fifo = EventFifo(10_000)
    framer = Framer(fifo, NARROW, FLUSH)
    pieces = []
    edges = [0, *sorted(min(cut, len(pulses)) for cut in cuts), len(pulses)]
    for start, end in pairwise(edges):
        part = pulses[start:end]
        fifo.push(events(part))
        framer.next_pulse = part[-1] + 1 if part else framer.next_pulse
        pieces += [pulses_of(frame) for frame in all_frames(framer)]
    assert pieces == whole
    sent = list(chain.from_iterable(whole))
    assert sent == pulses[: len(sent)]
