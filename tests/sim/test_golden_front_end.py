"""The exact front end at the corners, and the fast one equal to it event for event."""

from collections.abc import Callable
from dataclasses import asdict
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hexkey.events import FLAG_REPEAT, Events
from hexkey_sim.golden.fast import FastFrontEnd
from hexkey_sim.golden.front_end import AnyFrontEnd, FrontEnd
from hexkey_sim.golden.settings import FrontEndSettings

PERIOD = 2500  # ticks


Row = tuple[int, int, int, int]
Clicks = list[tuple[int, int]]  # (ticks, detector)
Make = Callable[..., AnyFrontEnd]


def rows(events: Events) -> list[Row]:
    columns = (events.pulse, events.phase_ticks, events.mask, events.flags)
    return list(zip(*(column.tolist() for column in columns), strict=True))


def run(front_end: AnyFrontEnd, clicks: Clicks, horizon_ticks: int = 10**9) -> list[Row]:
    """Push (ticks, detector) pairs at once; return rows of the events."""
    ticks, detectors = zip(*clicks, strict=True) if clicks else ((), ())
    times = np.array(ticks, np.int64) * 10
    return rows(front_end.push(times, np.array(detectors, np.int64), horizon_ticks * 10))


@pytest.fixture(params=[FrontEnd, FastFrontEnd], ids=["exact", "fast"])
def make(request: pytest.FixtureRequest) -> Make:
    chosen: Make = request.param
    return chosen


def gated(start: int, width: int, **others: Any) -> FrontEndSettings:
    return FrontEndSettings(gate_start_ticks=(start,) * 4, gate_width_ticks=(width,) * 4, **others)


def test_gate_is_half_open_to_the_tick(make: Make) -> None:
    front_end = make(gated(100, 900, holdoff_pulses=0))
    clicks = [(99, 0), (PERIOD + 100, 0), (2 * PERIOD + 999, 1), (3 * PERIOD + 1000, 1)]
    assert run(front_end, clicks) == [(1, 100, 1, 0), (2, 999, 2, 0)]
    assert front_end.counters.outside_gate == 2


def test_picoseconds_are_cut_to_the_tick_they_fall_in(make: Make) -> None:
    events = make(gated(100, 1, holdoff_pulses=0)).push([1009], [0], 10**9)
    assert rows(events) == [(0, 100, 1, 0)]


def test_click_in_the_wrapped_part_belongs_to_the_pulse_in_which_the_gate_opened(
    make: Make,
) -> None:
    front_end = make(gated(2400, 300, holdoff_pulses=0))  # [2400, 2500) and [0, 200) of the next
    clicks = [
        (5 * PERIOD + 199, 0),
        (7 * PERIOD + 200, 0),
        (9 * PERIOD + 2399, 0),
        (11 * PERIOD + 2400, 0),
        (12 * PERIOD + 2499, 1),
        (14 * PERIOD, 1),
    ]
    assert run(front_end, clicks) == [
        (4, PERIOD + 199, 1, 0),
        (11, 2400, 1, 0),
        (12, 2499, 2, 0),
        (13, PERIOD, 2, 0),
    ]


def test_nothing_belongs_to_a_pulse_before_the_first(make: Make) -> None:
    front_end = make(gated(2400, 300, holdoff_pulses=0))
    assert run(front_end, [(100, 0)]) == []
    assert front_end.counters.ignored_holdoff == 1


def test_click_on_the_edge_belongs_to_the_pulse_that_begins(make: Make) -> None:
    assert run(
        make(FrontEndSettings(holdoff_pulses=0)), [(3 * PERIOD - 1, 0), (3 * PERIOD, 0)]
    ) == [
        (2, PERIOD - 1, 1, 0),
        (3, 0, 1, 0),
    ]


def test_two_detectors_in_a_pulse_are_one_event_with_the_first_phase(make: Make) -> None:
    front_end = make(FrontEndSettings(holdoff_pulses=1))
    assert run(front_end, [(PERIOD + 70, 2), (PERIOD + 900, 1)]) == [(1, 70, 0b110, 0)]
    assert front_end.counters.double_pulses == 1
    assert front_end.counters.pairs == [0, 0, 0, 1, 0, 0]


def test_double_clicks_can_be_discarded_and_are_still_counted(make: Make) -> None:
    front_end = make(FrontEndSettings(discard_double=True, holdoff_pulses=0))
    clicks = [(70, 0), (80, 1), (90, 3), (10 * PERIOD, 1)]
    assert run(front_end, clicks) == [(10, 0, 0b10, 0)]
    assert front_end.counters.pairs == [1, 0, 1, 0, 1, 0]
    assert front_end.counters.events == 1


def test_second_click_of_a_detector_is_dropped_counted_and_flagged(make: Make) -> None:
    front_end = make(FrontEndSettings(holdoff_pulses=0))
    assert run(front_end, [(5, 0), (50, 0), (60, 1), (70, 0)]) == [(0, 5, 0b11, FLAG_REPEAT)]
    assert front_end.counters.repeats == 2


def test_repeat_outside_the_gate_is_no_repeat(make: Make) -> None:
    front_end = make(gated(0, 1000, holdoff_pulses=0))
    assert run(front_end, [(5, 0), (1500, 0)]) == [(0, 5, 1, 0)]
    assert (front_end.counters.repeats, front_end.counters.outside_gate) == (0, 1)


def test_hold_off_covers_the_pulses_after_the_click_and_not_one_more(make: Make) -> None:
    for distance, accepted in ((1, False), (2, False), (3, True)):
        clicks = [(5 * PERIOD, 0), ((5 + distance) * PERIOD, 1)]
        events = run(make(FrontEndSettings(holdoff_pulses=2)), clicks)
        assert (len(events) == 2) is accepted


def test_ignored_click_restarts_the_hold_off(make: Make) -> None:
    front_end = make(FrontEndSettings(holdoff_pulses=2))
    clicks = [(pulse * PERIOD, 0) for pulse in (2, 4, 6, 8, 11)]
    assert [pulse for pulse, *_ in run(front_end, clicks)] == [2, 11]
    assert front_end.counters.ignored_holdoff == 3


def test_click_outside_the_gate_starts_the_hold_off(make: Make) -> None:
    front_end = make(gated(0, 100, holdoff_pulses=2))
    assert run(front_end, [(2000, 0), (2 * PERIOD, 1), (5 * PERIOD, 1)]) == [(5, 0, 2, 0)]


def test_click_late_in_a_wrapped_gate_holds_off_the_next_pulse_of_the_other_detector(
    make: Make,
) -> None:
    """Detector 0 is dead in pulse 5's gate because of its click in pulse 4's."""
    front_end = make(gated(2400, 300, holdoff_pulses=1))
    assert run(front_end, [(5 * PERIOD + 100, 0), (5 * PERIOD + 2450, 1)]) == [
        (4, PERIOD + 100, 1, 0)
    ]


@pytest.mark.parametrize("delay", [-5000, -1, 1, 5000])
def test_delay_moves_a_click_and_merges_it_with_another_detector(make: Make, delay: int) -> None:
    front_end = make(FrontEndSettings(delay_ticks=(delay, 0, 0, 0)))
    at = 40 * PERIOD + 10
    assert run(front_end, [(at - delay, 0), (at, 1)]) == [(40, 10, 0b11, 0)]


def test_pulse_stays_open_while_a_slower_channel_can_still_deliver_into_it(make: Make) -> None:
    front_end = make(FrontEndSettings(delay_ticks=(0, -5000, 0, 0)))
    late = 10 * PERIOD + 5000  # detector 1's pulse 10 arrives two periods later
    assert run(front_end, [(10 * PERIOD, 0)], late) == []
    assert front_end.next_pulse == 10
    assert run(front_end, [(late, 1)], late + 2500) == [(10, 0, 0b11, 0)]
    assert front_end.next_pulse == 11


def test_disabled_detector_is_not_seen_at_all(make: Make) -> None:
    front_end = make(FrontEndSettings(enable=(True, False, True, True), holdoff_pulses=1))
    assert run(front_end, [(0, 1), (PERIOD, 0)]) == [(1, 0, 1, 0)]
    assert front_end.counters.clicks == [1, 0, 0, 0]
    assert front_end.take_histogram().sum() == 1


def test_histogram_shows_every_click_and_starts_at_its_offset(make: Make) -> None:
    chosen = gated(0, 1, histogram_offset_ticks=2000, histogram_bin_ticks=100, histogram_bins=20)
    front_end = make(chosen)
    run(front_end, [(2000, 0), (2099, 0), (PERIOD + 50, 1), (PERIOD + 1500, 2)])
    histogram = front_end.take_histogram()
    assert histogram.shape == (4, 20)
    assert (histogram[0, 0], histogram[1, 5]) == (2, 1)
    assert histogram.sum() == 3  # phase 1500 is 2000 after the offset: past the last bin
    assert front_end.take_histogram().sum() == 0


def test_months_of_pulses(make: Make) -> None:
    months = 40_000_000 * 86400 * 100
    at = months * PERIOD + 17
    front_end = make(FrontEndSettings())
    assert run(front_end, [(at, 0)], at + 10**6) == [(months, 17, 1, 0)]


def test_settings_change_between_pulses_and_hold_off_goes_on(make: Make) -> None:
    front_end = make(FrontEndSettings(holdoff_pulses=2))
    assert run(front_end, [(10 * PERIOD, 0)], 11 * PERIOD) == [(10, 0, 1, 0)]
    assert len(front_end.reconfigure(gated(0, 5))) == 0
    assert front_end.next_pulse == 11
    clicks = [(12 * PERIOD, 0), (15 * PERIOD + 5, 0), (18 * PERIOD + 4, 0)]
    assert run(front_end, clicks) == [(18, 4, 1, 0)]


def test_after_a_change_no_event_is_of_a_pulse_that_was_closed_before(make: Make) -> None:
    front_end = make(FrontEndSettings())
    run(front_end, [], 20 * PERIOD)
    front_end.reconfigure(FrontEndSettings(delay_ticks=(-5000,) * 4))
    assert run(front_end, [(20 * PERIOD + 1, 0), (25 * PERIOD, 0)]) == [(23, 0, 1, 0)]
    assert front_end.counters.outside_gate == 1


def test_epoch_begins_in_hold_off(make: Make) -> None:
    for first, accepted in ((0, False), (1, False), (2, True)):
        front_end = make(FrontEndSettings(holdoff_pulses=2))
        assert bool(run(front_end, [(first * PERIOD, 0)])) is accepted
        assert front_end.counters.ignored_holdoff == 1 - accepted


def test_period_of_the_source_may_be_no_whole_number_of_ticks() -> None:
    chosen = gated(2400, 300, holdoff_pulses=0)
    front_end = FrontEnd(chosen, period_ticks=Fraction(5001, 2))
    clicks = [(3 * 5001, 0), (9 * 5001 // 2 + 1, 1), (5 * 5001 - 1, 1)]
    assert run(front_end, clicks) == [(5, 2500, 1, 0), (8, 2500, 2, 0), (9, 2499, 2, 0)]
    assert front_end.counters.outside_gate == 0


def test_no_gate_opens_in_a_blind_pulse_and_its_clicks_count() -> None:
    front_end = FrontEnd(FrontEndSettings(holdoff_pulses=1), blind=range(5, 8))
    clicks = [(pulse * PERIOD + 7, 0) for pulse in (3, 5, 6, 7, 9)]
    assert run(front_end, clicks) == [(3, 7, 1, 0), (9, 7, 1, 0)]
    assert (front_end.counters.outside_gate, front_end.counters.ignored_holdoff) == (1, 2)


def test_click_that_comes_too_late_is_a_programmer_error(make: Make) -> None:
    front_end = make(FrontEndSettings())
    run(front_end, [], 100)
    with pytest.raises(ValueError, match="before the horizon"):
        run(front_end, [(99, 0)])


@pytest.mark.parametrize(
    "wrong",
    [
        {"enable": (True,)},
        {"gate_start_ticks": (2500,) * 4},
        {"gate_width_ticks": (2501,) * 4},
        {"delay_ticks": (5001, 0, 0, 0)},
        {"holdoff_pulses": -1},
        {"histogram_bins": 2049},
        {"period_ticks": 0},
    ],
)
def test_settings_that_no_gateware_has_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"must be|must hold|at most"):
        FrontEndSettings(**wrong)


PERIOD_SMALL = 20


def fours(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.tuples(values, values, values, values)


some_settings = st.builds(
    FrontEndSettings,
    period_ticks=st.just(PERIOD_SMALL),
    enable=fours(st.sampled_from([True, True, True, False])),
    gate_start_ticks=fours(st.integers(0, PERIOD_SMALL - 1)),
    gate_width_ticks=fours(st.integers(0, PERIOD_SMALL)),
    delay_ticks=fours(st.integers(-50, 50)),
    holdoff_pulses=st.integers(0, 5),
    discard_double=st.booleans(),
    histogram_offset_ticks=st.integers(0, 19),
    histogram_bin_ticks=st.integers(1, 7),
    histogram_bins=st.integers(1, 12),
)
some_clicks = st.lists(st.tuples(st.integers(0, 600), st.integers(0, 3)), max_size=60, unique=True)


def by_definition(chosen: FrontEndSettings, clicks: Clicks) -> list[Row]:
    """The contract read literally, on all clicks at once: nothing open, nothing carried."""
    pulses: dict[int, list[tuple[int, int, bool]]] = {}
    for ticks, d in clicks:
        if chosen.enable[d]:
            pulse, phase = divmod(ticks + chosen.delay_ticks[d], chosen.period_ticks)
            opened = chosen.gate_start_ticks[d]
            if phase + chosen.period_ticks < opened + chosen.gate_width_ticks[d]:
                pulse, phase = pulse - 1, phase + chosen.period_ticks
            inside = 0 <= phase - opened < chosen.gate_width_ticks[d]
            pulses.setdefault(pulse, []).append((phase, d, inside))
    events = []
    for pulse, here in sorted(pulses.items()):
        before = range(pulse - chosen.holdoff_pulses, pulse)
        alive = -1 not in before and not any(each in pulses for each in before)
        good = sorted((phase, d) for phase, d, inside in here if inside)
        mask = sum({1 << d for _, d in good})
        if pulse < 0 or not alive or not good or (mask.bit_count() > 1 and chosen.discard_double):
            continue
        events.append((pulse, good[0][0], mask, int(len(good) > mask.bit_count())))
    return events


@settings(max_examples=150, deadline=None)
@given(
    before=some_settings,
    after=st.none() | some_settings,
    clicks=some_clicks,
    cuts=st.lists(st.integers(0, 600), max_size=6),
)
def test_fast_equals_exact_equals_definition(
    before: FrontEndSettings, after: FrontEndSettings | None, clicks: Clicks, cuts: list[int]
) -> None:
    exact, fast = FrontEnd(before), FastFrontEnd(before)
    both: tuple[AnyFrontEnd, ...] = (exact, fast)
    collected: list[Row] = []
    horizon = 0
    for index, cut in enumerate([*sorted(cuts), 601]):
        chunk = [click for click in clicks if horizon <= click[0] < cut]
        horizon = max(horizon, cut)
        parts = [run(front_end, chunk, horizon) for front_end in both]
        if after is not None and index == 2:
            for part, front_end in zip(parts, both, strict=True):
                part.extend(rows(front_end.reconfigure(after)))
        assert parts[0] == parts[1]
        assert exact.next_pulse == fast.next_pulse
        assert all(row[0] < exact.next_pulse for row in parts[0])
        collected += parts[0]
    assert (exact.take_histogram() == fast.take_histogram()).all()
    last = rows(exact.reconfigure(before))
    assert last == rows(fast.reconfigure(before))
    collected += last
    assert asdict(exact.counters) == asdict(fast.counters)
    assert all(a[0] < b[0] for a, b in pairwise(collected))
    counts = exact.counters
    if not before.discard_double and (after is None or not after.discard_double):
        seen = sum(mask.bit_count() for _, _, mask, _ in collected)
        dropped = counts.ignored_holdoff + counts.outside_gate + counts.repeats
        assert sum(counts.clicks) == dropped + seen
    if after is None or len(cuts) < 2:
        assert collected == by_definition(before, clicks)


def test_empty_push_is_empty(make: Make) -> None:
    assert isinstance(make(FrontEndSettings()).push([], [], 0), Events)
