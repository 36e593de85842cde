"""Events through the packing: every boundary it has, over months of pulses."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hexkey.errors import InputError
from hexkey.events import Events
from hexkey.wire import (
    MAX_PULSE,
    MAX_RECORDS,
    NARROW,
    WIDE,
    Frame,
    Header,
    Kind,
    RecordLayout,
    encode_frame,
    pack_events,
    pack_frames,
    unpack_events,
    unpack_events_reference,
    unpack_frames,
)

MONTHS = 40_000_000 * 86400 * 180  # pulses in half a year at 40 MHz

# Distances on and beside every boundary: 13-bit advance, one and more 28-bit long advances.
BOUNDARIES = [2**13, 2**28, 2**28 + 2**13, 2 * 2**28, 3 * 2**28, 3 * 2**28 + 2**13, 2**32, 2**33]
distances = st.one_of(
    st.integers(1, 3000),
    st.sampled_from(BOUNDARIES).flatmap(lambda b: st.integers(b - 5, b + 5)),
    st.integers(1, 2**36),
)


def events_of(
    pulses: list[int], layout: RecordLayout, seed: int, masks: tuple[int, int] = (1, 16)
) -> Events:
    generator = np.random.default_rng(seed)
    count = len(pulses)
    return Events(
        np.array(pulses, np.uint64),
        generator.integers(0, layout.limit("phase_ticks") + 1, count).astype(np.uint32),
        generator.integers(*masks, count).astype(np.uint8),
        generator.integers(0, layout.limit("flags") + 1, count).astype(np.uint8),
    )


@st.composite
def packable(draw: st.DrawFn) -> tuple[Events, int, RecordLayout]:
    layout = draw(st.sampled_from([NARROW, WIDE]))
    base = draw(st.one_of(st.integers(0, 10), st.integers(0, MONTHS), st.just(MAX_PULSE - 2**42)))
    steps = draw(st.lists(distances, max_size=30))
    if steps:
        steps[0] -= draw(st.sampled_from([0, steps[0]]))
    pulses = (base + np.cumsum(np.array(steps, np.uint64))).tolist() if steps else []
    return events_of(pulses, layout, draw(st.integers(0, 99))), base, layout


def assert_equal(found: Events, expected: Events) -> None:
    for name in ("pulse", "phase_ticks", "mask", "flags"):
        a, b = getattr(found, name), getattr(expected, name)
        assert a.dtype == b.dtype
        np.testing.assert_array_equal(a, b)


@given(packable())
def test_round_trip_over_every_boundary(case: tuple[Events, int, RecordLayout]) -> None:
    events, base, layout = case
    records = pack_events(events, base, layout)
    assert_equal(unpack_events(records, base, layout), events)
    assert_equal(unpack_events_reference(records, base, layout.record_bytes), events)


@given(packable())
def test_frames_hold_few_enough_records_and_all_events(
    case: tuple[Events, int, RecordLayout],
) -> None:
    events, _, layout = case
    frames = []
    sent = 0
    for packed in pack_frames(events, layout):
        assert len(packed.body) // layout.record_bytes <= MAX_RECORDS
        assert packed.pulse == events.pulse[sent]
        sent += packed.events
        assert packed.last_pulse == events.pulse[sent - 1]
        header = Header(Kind.EVENTS, layout.record_bytes, 0, 0, 0, 0, packed.pulse, 0)
        frames.append(Frame(header, packed.body))
    assert_equal(unpack_frames(frames), events)


def test_frames_are_cut_at_240_records_not_events() -> None:
    paused = np.random.default_rng(1).random(1000) < 0.3
    pulses = np.cumsum(np.where(paused, 10_000, 5)).tolist()
    frames = pack_frames(events_of(pulses, NARROW, 1))
    sizes = [len(frame.body) // 4 for frame in frames]
    assert max(sizes) == MAX_RECORDS
    assert min(sizes[:-1]) >= MAX_RECORDS - 1  # a long advance and its event are not parted
    assert sum(frame.events for frame in frames) == 1000


def test_a_pause_too_long_for_a_frame_begins_a_new_one() -> None:
    pause = 300 * 2**28  # more than 240 long advances
    events = events_of([5, 5 + pause], NARROW, 2)
    assert [frame.pulse for frame in pack_frames(events)] == [5, 5 + pause]
    assert_equal(unpack_events(pack_events(events, 0), 0, 4), events)


def test_unpack_frames_takes_events_of_either_width_and_skips_the_rest() -> None:
    narrow, wide = events_of([1, 2], NARROW, 3), events_of([7], WIDE, 4)
    frames = [
        Frame(Header(Kind.EVENTS, 4, 0, 0, 0, 0, 1, 0), pack_events(narrow, 1, NARROW)),
        Frame(Header(Kind.STATUS, 0, 0, 0, 0, 1, 2, 2), bytes(12)),
        Frame(Header(Kind.EVENTS, 8, 0, 0, 0, 2, 2, 2), pack_events(wide, 2, WIDE)),
    ]
    assert_equal(unpack_frames(frames), Events.concatenate([narrow, wide]))
    assert len(unpack_frames(frames[1:2])) == 0


def test_the_first_record_may_stay_on_its_base_and_a_frame_may_end_in_a_skip() -> None:
    at_base, skip = 0x10000000, 5
    records = b"".join(r.to_bytes(4, "little") for r in (skip, at_base, skip))
    assert unpack_events(records, 100, NARROW).pulse.tolist() == [105]


@pytest.mark.parametrize("unpack", [unpack_events, unpack_events_reference])
def test_impossible_records_are_refused(unpack: Callable[..., Events]) -> None:
    event, same_pulse = 0x10008000, 0x10000000
    records = b"".join(r.to_bytes(4, "little") for r in (event, event, same_pulse))
    with pytest.raises(InputError, match="record 2 repeats"):
        unpack(records, 0, NARROW)
    with pytest.raises(InputError, match=r"record 0 .*passes pulse"):
        unpack(records, MAX_PULSE, NARROW)
    with pytest.raises(InputError, match="not whole records"):
        unpack(bytes(6), 0, NARROW)
    with pytest.raises(InputError, match="base pulse"):
        unpack(b"", MAX_PULSE + 1, NARROW)
    with pytest.raises(ValueError, match="4 or 8 bytes, not 6"):
        unpack(b"", 0, 6)


@pytest.mark.parametrize(
    ("pulses", "phase", "mask", "flags", "message"),
    [
        ([5, 5], 0, 1, 0, "ascend"),
        ([2], 0, 1, 0, "base_pulse"),
        ([2**63], 0, 1, 0, "pulses must be at most"),
        ([5], 8192, 1, 0, "phase_ticks must be at most 8191, not 8192"),
        ([5], 0, 16, 0, "mask"),
        ([5], 0, 1, 4, "flags"),
        ([5], 0, 0, 0, "at least one detector"),
    ],
)
def test_what_has_no_room_is_not_packed(
    pulses: list[int], phase: int, mask: int, flags: int, message: str
) -> None:
    n = len(pulses)
    events = Events(
        np.array(pulses, np.uint64),
        np.full(n, phase, np.uint32),
        np.full(n, mask, np.uint8),
        np.full(n, flags, np.uint8),
    )
    with pytest.raises(ValueError, match=message):
        pack_events(events, 3)


def test_bytes_per_event_at_35_000_a_second() -> None:
    """One second of a Poisson source at 40 MHz; a frame is sent when full or 10 ms old."""
    generator = np.random.default_rng(7)
    pulses = np.unique(generator.integers(0, 40_000_000, generator.poisson(35_000)))
    events = events_of(pulses.tolist(), NARROW, 8, masks=(1, 3))
    total, start = 0, 0
    while start < len(events):
        end = int(np.searchsorted(events.pulse, events.pulse[start] + np.uint64(400_000)))
        packed = pack_frames(events.take(slice(start, min(end, start + MAX_RECORDS))))[0]
        header = Header(Kind.EVENTS, 4, 3, 123456, 1, start, packed.pulse, start)
        total += len(encode_frame(header, packed.body))
        start += packed.events
    assert total / len(events) <= 4.5, f"{total / len(events):.3f} bytes an event"
