"""The kernel of sift.c, its numpy version and an event-by-event twin say the same."""

from collections.abc import Sequence
from dataclasses import astuple
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hexkey.events import Events
from hexkey.gate import Gate, apply_gate, resolve
from hexkey.sift import Sifted, Sifter, gate_and_sift, sift_b92

Click = tuple[int, int, int]  # pulse, phase, mask


def as_events(clicks: Sequence[Click]) -> Events:
    pulse, phase, mask = zip(*clicks, strict=True) if clicks else ((), (), ())
    return Events(
        np.array(pulse, np.uint64),
        np.array(phase, np.uint32),
        np.array(mask, np.uint8),
        np.zeros(len(pulse), np.uint8),
    )


def twin(
    clicks: Sequence[Click], gates: Sequence[Gate], period: int, bits: Sequence[int]
) -> tuple[list[int], list[int], tuple[int, ...]]:
    """Sift click by click on the axis of absolute time, on which the gates open once a period."""
    seen: dict[int, set[int]] = {}
    outside = before_first = repeats = doubles = other = 0
    for pulse, phase, mask in clicks:
        for detector in (d for d in range(4) if mask >> d & 1):
            gate = gates[detector] if detector < len(gates) else Gate(0, 0)
            time = pulse * period + phase
            opened = [
                k
                for k in (pulse - 1, pulse)
                if k * period + gate.start_ticks <= time < k * period + gate.end_ticks
            ]
            assert len(opened) <= 1
            if not opened:
                outside += 1
            elif opened[0] < 0:
                before_first += 1
            elif detector in seen.setdefault(opened[0], set()):
                repeats += 1
            else:
                seen[opened[0]].add(detector)
    pulses, values = [], []
    for pulse in sorted(seen):
        detectors = seen[pulse]
        if len(detectors) > 1:
            doubles += 1
        elif min(detectors) >= len(bits):
            other += 1
        else:
            pulses.append(pulse)
            values.append(bits[min(detectors)])
    return pulses, values, (len(clicks), outside, before_first, repeats, doubles, other)


def in_numpy(
    events: Events, gates: Sequence[Gate], period: int, bits: Sequence[int]
) -> tuple[list[int], list[int], tuple[int, ...]]:
    gated = apply_gate(events, gates, period)
    resolved = resolve(gated.events)
    sifted = sift_b92(resolved.events, bits)
    counts = (len(events), gated.outside, gated.before_first, resolved.repeats)
    return (
        sifted.pulse.tolist(),
        sifted.bit.tolist(),
        (*counts, sifted.doubles, sifted.other),
    )


def plain(sifted: Sifted) -> tuple[list[int], list[int], tuple[int, ...]]:
    assert sifted.pulse.dtype == np.uint64
    assert sifted.bit.dtype == np.uint8
    return sifted.pulse.tolist(), sifted.bit.tolist(), astuple(sifted)[2:]


@st.composite
def cases(draw: st.DrawFn) -> tuple[list[Click], list[Gate], int, list[int]]:
    """Periods of a few ticks and pulses close together, so that every edge is met often."""
    period = draw(st.integers(1, 12))
    gate = st.builds(Gate, st.integers(0, period - 1), st.integers(0, period))
    click = st.tuples(st.integers(0, 3), st.integers(0, 2 * period), st.integers(0, 15))
    steps = draw(st.lists(click, max_size=30))
    base = draw(st.sampled_from([0, 1, 2**32 - 3, 2**40]))
    pulses = (base + np.cumsum([0, *(step for step, _, _ in steps)])[1:]).tolist()
    clicks = sorted((pulse, step[1], step[2]) for pulse, step in zip(pulses, steps, strict=True))
    bits = draw(st.lists(st.integers(0, 1), max_size=4))
    return clicks, draw(st.lists(gate, max_size=4)), period, bits


@settings(max_examples=500, deadline=None)
@given(cases())
def test_kernel_and_numpy_equal_the_twin(
    case: tuple[list[Click], list[Gate], int, list[int]],
) -> None:
    clicks, gates, period, bits = case
    expected = twin(clicks, gates, period, bits)
    assert in_numpy(as_events(clicks), gates, period, bits) == expected
    assert plain(gate_and_sift(as_events(clicks), gates, period, bits)) == expected


@settings(max_examples=300, deadline=None)
@given(cases(), st.lists(st.integers(0, 30), max_size=6), st.data())
def test_chunks_give_the_same_as_one_piece(
    case: tuple[list[Click], list[Gate], int, list[int]], cuts: list[int], data: st.DataObject
) -> None:
    clicks, gates, period, bits = case
    events = as_events(clicks)
    whole = gate_and_sift(events, gates, period, bits)
    sifter = Sifter(gates, period, bits)
    parts = []
    edges = [0, *sorted(min(cut, len(clicks)) for cut in cuts), len(clicks)]
    for start, end in pairwise(edges):
        following = clicks[end][0] if end < len(clicks) else 2**41
        watermark = max(0, following - data.draw(st.integers(0, 3)))
        parts.append(sifter.push(events.take(slice(start, end)), watermark))
        given_out = np.concatenate([part.pulse for part in parts])
        complete = whole.pulse[whole.pulse + np.uint64(2) <= watermark]
        assert len(given_out) >= len(complete)  # nothing waits longer than it must
    parts.append(sifter.flush())
    assert plain(Sifted.concatenate(parts)) == plain(whole)


def test_many_events_across_the_blocks_of_the_kernel() -> None:
    random = np.random.default_rng(5)
    count = 5000
    events = Events(
        np.cumsum(random.integers(0, 3, count)).astype(np.uint64),
        random.integers(0, 3500, count, dtype=np.uint32),
        random.integers(0, 16, count, dtype=np.uint8),
        np.zeros(count, np.uint8),
    )
    gates, bits = [Gate(2000, 1000), Gate(100, 1000), Gate(2499, 2500)], [1, 0]
    clicks = list(
        zip(events.pulse.tolist(), events.phase_ticks.tolist(), events.mask.tolist(), strict=True)
    )
    expected = twin(clicks, gates, 2500, bits)
    assert all(count > 50 for count in expected[2][3:])
    assert plain(gate_and_sift(events, gates, 2500, bits)) == expected


@pytest.mark.parametrize("steps", [(1, 2), (1, 4), (2, 3), (1, 1000)])
@pytest.mark.parametrize("wraps", [False, True])
@pytest.mark.parametrize("largest_chunk", [6, 700, 5000])
def test_events_with_a_pulse_each_in_chunks(
    steps: tuple[int, int], wraps: bool, largest_chunk: int
) -> None:
    """The short way through a block, and how it takes over from the long one and hands back."""
    random = np.random.default_rng(9)
    count = 5000
    taken = random.random(count) < 0.999 if steps == (1, 2) else np.ones(count, bool)
    events = Events(
        np.cumsum(random.integers(*steps, count)).astype(np.uint64),
        random.integers(0, 2500, count, dtype=np.uint32),
        random.choice(np.arange(16, dtype=np.uint8), count, p=[0.01, 0.4, 0.4] + [0.19 / 13] * 13),
        np.zeros(count, np.uint8),
    ).take(taken)
    gates = [Gate(50, 1250), Gate(1500, 1100 if wraps else 1000), Gate(0, 2500)]
    columns = (events.pulse.tolist(), events.phase_ticks.tolist(), events.mask.tolist())
    expected = twin(list(zip(*columns, strict=True)), gates, 2500, [1, 0])
    sifter, parts, at = Sifter(gates, 2500, [1, 0]), [], 0
    while at < len(events):
        end = at + int(random.integers(1, largest_chunk))
        parts.append(sifter.push(events.take(slice(at, end))))
        at = end
    parts.append(sifter.flush())
    assert plain(Sifted.concatenate(parts)) == expected


@pytest.mark.parametrize("at", [1, 511, 512, 513, 1999])
@pytest.mark.parametrize("what", ["disorder", "mask"])
def test_one_wrong_event_among_many_is_refused_and_changes_nothing(at: int, what: str) -> None:
    clicks = [(2 * place + 5, 1, 1) for place in range(2000)]
    right = as_events(clicks)
    clicks[at] = (3, 1, 1) if what == "disorder" else (2 * at + 5, 1, 16)
    sifter = Sifter([Gate(0, 10)], 10)
    with pytest.raises(ValueError, match=r"^(pulses|masks) must"):
        sifter.push(as_events(clicks))
    parts = [sifter.push(right), sifter.flush()]
    assert plain(Sifted.concatenate(parts)) == plain(gate_and_sift(right, [Gate(0, 10)], 10))


@pytest.mark.parametrize("pulse", [1, 2**62, 2**63 - 1])
def test_the_largest_values(pulse: int) -> None:
    period = 2**31
    gates = [Gate(period - 1, period), Gate(0, period)]
    clicks = [
        (pulse - 1, period - 1, 1),  # opens the gate of pulse - 1
        (pulse, period - 2, 1),  # the last tick of the same gate: a repeat
        (pulse, period - 1, 1),
        (pulse, 2**32 - 1, 3),  # beyond every gate
    ]
    expected = twin(clicks, gates, period, [1, 0])
    assert expected == ([pulse - 1, pulse], [1, 1], (4, 2, 0, 1, 0, 0))
    assert plain(gate_and_sift(as_events(clicks), gates, period, [1, 0])) == expected
    assert in_numpy(as_events(clicks), gates, period, [1, 0]) == expected


def test_every_event_can_become_two_sifted_pulses() -> None:
    """The outputs then are as full as they can be: two of every event and two held back."""
    clicks = [(3 * place + 1, 2, 3) for place in range(2000)]
    gates = [Gate(9, 4), Gate(0, 5)]
    sifted = gate_and_sift(as_events(clicks), gates, 10)
    assert len(sifted) == 4000
    assert plain(sifted) == twin(clicks, gates, 10, (1, 0))
    sifter = Sifter(gates, 10)
    assert len(sifter.push(as_events(clicks[:1]))) == 0
    assert len(sifter.push(as_events(clicks[1:2]), 10)) == 4


def test_a_refused_chunk_changes_nothing() -> None:
    sifter = Sifter([Gate(0, 10)] * 2, 10)
    sifter.push(as_events([(5, 1, 1)]), watermark=7)
    for wrong in ([(6, 1, 1)], [(8, 1, 1), (7, 1, 1)], [(9, 1, 16)], [(2**63, 1, 1)]):
        with pytest.raises(ValueError, match=r"^(pulses|masks) must"):
            sifter.push(as_events(wrong))
    sifter.push(as_events([(7, 1, 2)]))
    rest = sifter.flush()
    assert plain(rest) == ([7], [0], (0, 0, 0, 0, 0, 0))


def test_after_a_flush_a_new_epoch_begins() -> None:
    sifter = Sifter([Gate(0, 10)], 10)
    for _ in range(2):
        assert len(sifter.push(as_events([(3, 1, 1)]))) == 0
        assert plain(sifter.flush()) == ([3], [1], (0, 0, 0, 0, 0, 0))
    assert len(sifter.flush()) == 0


def test_arrays_of_other_types_are_refused_and_strided_ones_taken() -> None:
    events = as_events([(pulse, 1, 1) for pulse in range(20)])
    wrong = Events(events.pulse.astype(np.int64), *[events.phase_ticks, events.mask, events.flags])  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="uint64"):
        gate_and_sift(wrong, [Gate(0, 10)], 10)
    sparse = events.take(slice(None, None, 3))
    assert gate_and_sift(sparse, [Gate(0, 10)], 10).pulse.tolist() == list(range(0, 20, 3))
