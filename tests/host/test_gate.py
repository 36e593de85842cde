"""Gate and resolver by hand-made examples; the property tests are in tests/cext/test_sift.py."""

import numpy as np
import pytest

from hexkey.errors import ConfigurationError
from hexkey.events import FLAG_HOLDOVER, FLAG_REPEAT, Events
from hexkey.gate import Gate, apply_gate, resolve

PERIOD = 2500
Row = tuple[int, int, int, int]  # pulse, phase, mask, flags


def as_events(*rows: Row) -> Events:
    columns = np.array(rows, np.int64).reshape(-1, 4).T
    return Events(
        columns[0].astype(np.uint64),
        columns[1].astype(np.uint32),
        columns[2].astype(np.uint8),
        columns[3].astype(np.uint8),
    )


def rows(events: Events) -> list[Row]:
    columns = (events.pulse, events.phase_ticks, events.mask, events.flags)
    return list(zip(*(column.tolist() for column in columns), strict=True))


def test_a_gate_is_half_open_to_the_tick() -> None:
    phases = [49, 50, 51, 1049, 1050, 1051]
    gated = apply_gate(
        as_events(*((p, phase, 1, 0) for p, phase in enumerate(phases))), [Gate(50, 1000)], PERIOD
    )
    assert gated.events.phase_ticks.tolist() == [50, 51, 1049]
    assert (gated.kept, gated.outside, gated.before_first) == (3, 3, 0)


def test_a_gate_past_the_end_takes_clicks_of_the_next_pulse() -> None:
    events = as_events(
        (7, 0, 1, 0),  # pulse 6's gate
        (8, 499, 1, 0),  # its last tick, of pulse 7's gate
        (9, 500, 1, 0),  # after it
        (10, 2399, 1, 0),  # before it opens
        (11, 2400, 1, 0),
        (12, 2499, 1, 0),
        (13, 2500, 1, 0),  # gated by the board: pulse 13 and a phase past its end
        (14, 2999, 1, 0),
        (15, 3000, 1, 0),
    )
    gated = apply_gate(events, [Gate(2400, 600)], PERIOD)
    assert rows(gated.events) == [
        (6, 2500, 1, 0),
        (7, 2999, 1, 0),
        (11, 2400, 1, 0),
        (12, 2499, 1, 0),
        (13, 2500, 1, 0),
        (14, 2999, 1, 0),
    ]
    assert gated.outside == 3


def test_a_click_in_a_gate_before_pulse_0_is_counted_and_dropped() -> None:
    gated = apply_gate(as_events((0, 10, 1, 0), (1, 10, 1, 0)), [Gate(2400, 200)], PERIOD)
    assert rows(gated.events) == [(0, 2510, 1, 0)]
    assert (gated.kept, gated.outside, gated.before_first) == (1, 0, 1)


def test_every_detector_has_its_own_gate() -> None:
    gates = [Gate(0, 100), Gate(100, 100), Gate(2490, 110)]
    events = as_events((1, 50, 0b1111, FLAG_HOLDOVER), (2, 150, 0b1111, 0), (4, 99, 0b0101, 0))
    gated = apply_gate(events, gates, PERIOD)
    assert rows(gated.events) == [
        (0, 2550, 0b0100, FLAG_HOLDOVER),
        (1, 50, 0b0001, FLAG_HOLDOVER),
        (2, 150, 0b0010, 0),
        (3, 2599, 0b0100, 0),
        (4, 99, 0b0001, 0),
    ]
    assert (gated.kept, gated.outside) == (5, 5)


def test_moved_clicks_are_sorted_in() -> None:
    events = as_events((4, 2450, 1, 0), (5, 3, 2, 0), (5, 2450, 1, 0))
    gated = apply_gate(events, [Gate(2400, 200)] * 2, PERIOD)
    assert rows(gated.events) == [(4, 2450, 1, 0), (4, 2503, 2, 0), (5, 2450, 1, 0)]
    assert rows(resolve(gated.events).events) == [(4, 2450, 3, 0), (5, 2450, 1, 0)]


def test_a_gate_of_a_whole_period_keeps_all_and_one_of_none_nothing() -> None:
    events = as_events(*((p, 250 * p, 1, 0) for p in range(1, 10)))
    assert rows(apply_gate(events, [Gate(0, PERIOD)], PERIOD).events) == rows(events)
    assert apply_gate(events, [Gate(1000, PERIOD)], PERIOD).kept == 9
    assert apply_gate(events, [Gate(1000, 0)], PERIOD).outside == 9
    assert apply_gate(events, [], PERIOD).outside == 9


def test_the_resolver_keeps_the_first_phase_and_flags_repeats() -> None:
    events = as_events(
        (3, 10, 0b0001, 0),
        (3, 20, 0b0010, FLAG_HOLDOVER),
        (4, 10, 0b0001, 0),
        (4, 30, 0b0011, 0),
        (4, 40, 0b0001, 0),
        (9, 1, 0b1000, FLAG_REPEAT),
    )
    resolved = resolve(events)
    assert rows(resolved.events) == [
        (3, 10, 0b0011, FLAG_HOLDOVER),
        (4, 10, 0b0011, FLAG_REPEAT),
        (9, 1, 0b1000, FLAG_REPEAT),
    ]
    assert resolved.repeats == 2


def test_no_events() -> None:
    gated = apply_gate(Events.empty(), [Gate(0, 1)], PERIOD)
    assert (len(gated.events), gated.kept, gated.outside) == (0, 0, 0)
    assert len(resolve(Events.empty()).events) == 0


@pytest.mark.parametrize(
    ("gates", "period", "message"),
    [
        ([Gate(0, 1)] * 5, PERIOD, "at most 4 gates, not 5"),
        ([Gate(0, 1), Gate(2500, 1)], PERIOD, "detector 1 must open before tick 2500"),
        ([Gate(-1, 1)], PERIOD, "detector 0 must open"),
        ([Gate(0, 2501)], PERIOD, "at most 2500 ticks, not open at 0 for 2501"),
        ([Gate(0, -1)], PERIOD, "detector 0"),
        ([], 0, "the period must be 1 to"),
        ([], 2**31 + 1, "the period must be 1 to"),
    ],
)
def test_gates_that_do_not_fit_the_period(gates: list[Gate], period: int, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        apply_gate(Events.empty(), gates, period)


def test_masks_of_detectors_that_cannot_exist() -> None:
    with pytest.raises(ValueError, match="not 16"):
        apply_gate(as_events((1, 1, 16, 0)), [Gate(0, 1)], PERIOD)
