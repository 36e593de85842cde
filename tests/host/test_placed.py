"""Phases of sifted pulses, and clicks outside the gate, against loops over clicks one by one."""

from collections import Counter, defaultdict
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hexkey.events import DETECTORS, Events
from hexkey.gate import Gate
from hexkey.placed import Outside, Placer
from hexkey.randomness import Seeded
from hexkey.receiver import Receiver
from hexkey.rule import B92Rule, Bb84Rule
from hexkey.sift import Sifter, bits_of_masks
from hexkey.sift_bb84 import CROSS, KEY, TEST
from hexkey.wire import Burst, Header, Kind

PERIOD = 20
Click = tuple[int, int, int]  # pulse, phase, mask
Bit = tuple[int, int, int]  # pulse, bit, phase


def slowly(clicks: list[Click], gate: Gate) -> tuple[list[Bit], list[Bit]]:
    """Return what the gate sifts, and what lies outside alone."""
    inside: dict[int, list[tuple[int, int]]] = defaultdict(list)
    outside = []
    for pulse, phase, mask in clicks:
        for detector in range(DETECTORS):
            if not mask >> detector & 1:
                continue
            if gate.start_ticks <= phase < gate.end_ticks:
                inside[pulse].append((phase, detector))
            elif phase < gate.end_ticks - PERIOD:
                inside[pulse - 1].append((phase + PERIOD, detector))
            elif mask == 1 << detector:
                outside.append((pulse, phase, detector))
    bits = []
    for pulse, found in sorted(inside.items()):
        detectors = {detector for _, detector in found}
        if pulse >= 0 and len(detectors) == 1 and max(detectors) < 2:
            bits.append((pulse, 1 - max(detectors), min(phase for phase, _ in found)))
    taken = {pulse for pulse, *_ in bits}
    events = Counter(pulse for pulse, *_ in clicks)
    return bits, [
        (pulse, 1 - detector, phase)
        for pulse, phase, detector in outside
        if detector < 2 and events[pulse] == 1 and pulse not in taken
    ]


def events_of(clicks: list[Click]) -> Events:
    columns = np.array(clicks, np.int64).reshape(-1, 3).T
    pulse, phase, mask = columns
    return Events(
        pulse.astype(np.uint64),
        phase.astype(np.uint32),
        mask.astype(np.uint8),
        np.zeros(len(clicks), np.uint8),
    )


def triples(pulses: object, bits: object, phases: object) -> list[Bit]:
    return list(zip(*(np.asarray(each).tolist() for each in (pulses, bits, phases)), strict=True))


clicks_of = st.lists(
    st.tuples(st.integers(0, 30), st.integers(0, PERIOD - 1), st.integers(1, 15)), max_size=40
).map(lambda clicks: sorted(clicks, key=lambda click: click[0]))
gates = st.builds(Gate, st.integers(0, PERIOD - 1), st.integers(0, PERIOD))


OVER_THE_END = Gate(15, 10)  # of the period: clicks before 5 are of the pulse before


@settings(deadline=None)
@example([(4, 10, 1), (5, 2, 1), (9, 16, 2)], OVER_THE_END, [], 0)  # outside, in a sifted pulse
@example([(0, 2, 1), (3, 16, 1), (9, 16, 1)], OVER_THE_END, [], 0)  # of a pulse before the first
@example([(6, 16, 2), (6, 2, 1), (9, 16, 1)], OVER_THE_END, [], 0)  # phases out of order
@given(clicks_of, gates, st.lists(st.integers(0, 40), max_size=5), st.integers(0, 2))
def test_chunks_give_what_loops_give(
    clicks: list[Click], gate: Gate, cuts: list[int], ahead: int
) -> None:
    """Cut anywhere, within a pulse too, and with watermarks as far as events allow."""
    same = (gate,) * DETECTORS
    sifter, placer = Sifter(same, PERIOD), Placer(gate, PERIOD, bits_of_masks())
    bits: list[Bit] = []
    outside: list[Outside] = []
    edges = [0, *sorted(min(cut, len(clicks)) for cut in cuts), len(clicks)]
    for start, stop in pairwise(edges):
        part = events_of(clicks[start:stop])
        watermark = clicks[stop][0] if stop < len(clicks) else 0
        watermark = max(0, watermark - ahead)
        sifted = sifter.push(part, watermark)
        phases, beside = placer.push(part, sifted.pulse, watermark)
        bits += triples(sifted.pulse, sifted.bit, phases)
        outside.append(beside)
        # A block may end with any sifted pulse: what lies before it is there with it.
        here = Outside.concatenate(outside)
        if bits:
            _, every = slowly(clicks, gate)
            due = [each for each in every if each[0] < bits[-1][0]]
            assert triples(here.pulses, here.bits, here.phases)[: len(due)] == due
    rest = sifter.flush()
    phases, beside = placer.push(Events.empty(), rest.pulse, None)
    bits += triples(rest.pulse, rest.bit, phases)
    whole = Outside.concatenate([*outside, beside])
    expected = slowly(clicks, gate)
    assert bits == expected[0]
    assert triples(whole.pulses, whole.bits, whole.phases) == expected[1]


def slowly_bb84(
    clicks: list[Click], gate: Gate
) -> tuple[list[tuple[int, int]], list[tuple[int, int, int, int]]]:
    """Return pulse and phase of what the gate lets through, and what lies outside alone."""
    inside: dict[int, list[int]] = defaultdict(list)
    outside = []
    for pulse, phase, mask in clicks:
        if gate.start_ticks <= phase < gate.end_ticks:
            inside[pulse].append(phase)
        elif phase < gate.end_ticks - PERIOD:
            inside[pulse - 1].append(phase + PERIOD)
        else:
            outside.append((pulse, phase, mask))
    sifted = [(pulse, min(found)) for pulse, found in sorted(inside.items()) if pulse >= 0]
    taken, events = {pulse for pulse, _ in sifted}, Counter(pulse for pulse, *_ in clicks)
    meaning = {1: (0, KEY), 2: (1, KEY), 4: (0, TEST), 8: (1, TEST)}
    meaning |= dict.fromkeys((5, 6, 7, 9, 10, 11, 13, 14, 15), (0, CROSS))
    return sifted, [
        (pulse, *meaning[mask], phase)
        for pulse, phase, mask in outside
        if mask in meaning and events[pulse] == 1 and pulse not in taken
    ]


@settings(deadline=None)
@given(clicks_of, gates, st.lists(st.integers(0, 40), max_size=5))
def test_bb84_is_placed_as_loops_place_it(clicks: list[Click], gate: Gate, cuts: list[int]) -> None:
    """Bases beside bits, cross clicks kept, double clicks outside left out."""
    rule, gates_of_all = Bb84Rule(Seeded(1), places=True), (gate,) * DETECTORS
    sifter, placer = rule.sifter(gates_of_all, PERIOD), rule.placer(gates_of_all, PERIOD)
    assert placer is not None
    sifted: list[tuple[int, int]] = []
    outside: list[Outside] = []
    edges = [0, *sorted(min(cut, len(clicks)) for cut in cuts), len(clicks)]
    for start, stop in pairwise(edges):
        part = events_of(clicks[start:stop])
        watermark = clicks[stop][0] if stop < len(clicks) else 0
        found = rule.read(sifter.push(part, watermark)).pulse
        phases, beside = placer.push(part, found, watermark)
        sifted += zip(found.tolist(), phases.tolist(), strict=True)
        outside.append(beside)
        # A block may end with any sifted pulse: what lies before it is there with it.
        if sifted:
            _, expected = slowly_bb84(clicks, gate)
            due = [each for each in expected if each[0] < sifted[-1][0]]
            assert every_of(outside)[: len(due)] == due
    found = rule.read(sifter.flush()).pulse
    phases, beside = placer.push(Events.empty(), found, None)
    sifted += zip(found.tolist(), phases.tolist(), strict=True)
    assert (sifted, every_of([*outside, beside])) == slowly_bb84(clicks, gate)


def every_of(outside: list[Outside]) -> list[tuple[int, ...]]:
    whole = Outside.concatenate(outside)
    columns = (whole.pulses, whole.bits, np.asarray(whole.bases), whole.phases)
    return list(zip(*(column.tolist() for column in columns), strict=True))


def test_phases_are_of_the_pulses_that_a_rule_keeps() -> None:
    """A rule that discards double clicks has fewer pulses than its sifter."""
    clicks = [(1, 3, 1), (3, 4, 3), (5, 5, 8), (9, 6, 5)]
    rule = Bb84Rule(Seeded(1), "discard", places=True)
    receiver = Receiver(9, (Gate(2, 5),) * DETECTORS, PERIOD, rule)
    chunks = receiver.push([burst(clicks)]) + receiver.finish()
    found = [
        pair
        for chunk in chunks
        for pair in zip(chunk.pulses.tolist(), np.asarray(chunk.phases).tolist(), strict=True)
    ]
    assert found == [(1, 3), (5, 5), (9, 6)]


def burst(clicks: list[Click], epoch: int = 0) -> Burst:
    header = Header(Kind.EVENTS, 0, 0, 9, epoch, 0, clicks[0][0], 0)
    return Burst(header, 1, events_of(clicks))


def test_a_receiver_places_clicks_only_where_it_is_asked_to() -> None:
    clicks = [(1, 3, 1), (3, 15, 2), (5, 4, 2), (9, 16, 1)]
    gates_of_all = (Gate(2, 5),) * DETECTORS
    plain = Receiver(9, gates_of_all, PERIOD)
    placing = Receiver(9, gates_of_all, PERIOD, B92Rule(places=True))
    for chunk in plain.push([burst(clicks)]) + plain.finish():
        assert chunk.phases is None
        assert chunk.outside is None
    chunks = placing.push([burst(clicks)]) + placing.finish()
    assert [phase for chunk in chunks for phase in np.asarray(chunk.phases).tolist()] == [3, 4]
    found = Outside.concatenate([chunk.outside for chunk in chunks if chunk.outside is not None])
    assert triples(found.pulses, found.bits, found.phases) == [(3, 0, 15), (9, 1, 16)]
    assert placing.facts() == plain.facts()
    assert Bb84Rule(Seeded(1)).placer(gates_of_all, PERIOD) is None


def test_an_epoch_begins_without_what_waited() -> None:
    placing = Receiver(9, (Gate(2, 5),) * DETECTORS, PERIOD, B92Rule(places=True))
    chunks = placing.push([burst([(50, 3, 1), (52, 15, 2)]), burst([(1, 4, 2), (2, 9, 1)], 1)])
    chunks += placing.finish()
    found: dict[int, tuple[list[int], list[int]]] = {0: ([], []), 1: ([], [])}
    for chunk in chunks:
        assert chunk.outside is not None
        found[chunk.epoch][0].extend(chunk.pulses.tolist())
        found[chunk.epoch][1].extend(chunk.outside.pulses.tolist())
    assert found == {0: ([50], [52]), 1: ([1], [2])}


def test_chunks_of_clicks_outside_alone_are_not_lost() -> None:
    placing = Receiver(9, (Gate(2, 5),) * DETECTORS, PERIOD, B92Rule(places=True))
    chunks = placing.push([burst([(3, 15, 2), (7, 16, 1), (12, 12, 1)])])
    outside = [chunk.outside for chunk in chunks]
    assert sum(len(part) for part in outside if part is not None) == 2
    assert "15" not in repr(chunks)  # phases tell detectors apart


@pytest.mark.parametrize("mask", [4, 8, 3, 15])
def test_detectors_without_a_bit_and_doubles_are_not_clicks_of_a_map(mask: int) -> None:
    placer = Placer(Gate(2, 5), PERIOD, bits_of_masks())
    sifter = Sifter((Gate(2, 5),) * DETECTORS, PERIOD)
    events = events_of([(3, 15, mask)])
    _, outside = placer.push(events, sifter.push_last(events).pulse, None)
    assert len(outside) == 0


def test_one_gate_of_all_detectors_is_needed() -> None:
    gates = (Gate(2, 5), Gate(2, 6), Gate(2, 5), Gate(2, 5))
    with pytest.raises(ValueError, match="maps take one gate for all detectors"):
        Receiver(9, gates, PERIOD, B92Rule(places=True))
    with pytest.raises(ValueError, match="maps take one gate for all detectors"):
        Receiver(9, gates, PERIOD, Bb84Rule(Seeded(1), places=True))
