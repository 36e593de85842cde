"""From frames to sifted bits: what is counted, what begins anew, what is held back."""

from dataclasses import replace

import numpy as np
import pytest

from hexkey.errors import InputError
from hexkey.events import DETECTORS, Events
from hexkey.gate import Gate
from hexkey.receiver import Receiver, SiftedChunk
from hexkey.wire import (
    G2,
    NARROW,
    Counters,
    Frame,
    Header,
    Histogram,
    Kind,
    Loss,
    LossCause,
    Marker,
    SettingsChange,
    Status,
    pack_events,
)

RUN = 9
PERIOD_TICKS = 2500
GATE = Gate(50, 1000)


def a_receiver(gate: Gate = GATE) -> Receiver:
    return Receiver(RUN, (gate,) * DETECTORS, PERIOD_TICKS)


def a_frame(kind: Kind, body: bytes, pulse: int = 0, epoch: int = 0, run: int = RUN) -> Frame:
    record_bytes = NARROW.record_bytes if kind is Kind.EVENTS else 0
    return Frame(Header(kind, record_bytes, 0, run, epoch, 0, pulse, 0), body)


def events_frame(clicks: list[tuple[int, int, int]], epoch: int = 0, run: int = RUN) -> Frame:
    """Clicks as (pulse, phase, mask), in order."""
    pulse, phase, mask = (np.array(column) for column in zip(*clicks, strict=True))
    events = Events(
        pulse.astype(np.uint64),
        phase.astype(np.uint32),
        mask.astype(np.uint8),
        np.zeros(len(clicks), np.uint8),
    )
    first = int(pulse[0])
    return a_frame(Kind.EVENTS, pack_events(events, first), first, epoch, run)


def bits_of(chunks: list[SiftedChunk]) -> list[tuple[int, int, int]]:
    return [
        (chunk.epoch, pulse, bit)
        for chunk in chunks
        for pulse, bit in zip(chunk.pulses.tolist(), chunk.bits.tolist(), strict=True)
    ]


def test_clicks_become_bits_by_detector() -> None:
    receiver = a_receiver()
    chunks = receiver.push([events_frame([(3, 100, 1), (7, 1049, 2), (9, 50, 1)])])
    chunks += receiver.finish()
    assert bits_of(chunks) == [(0, 3, 1), (0, 7, 0), (0, 9, 1)]
    assert receiver.counts.sifted_bits == receiver.counts.events == 3


def test_every_event_is_accounted_for() -> None:
    receiver = a_receiver()
    clicks = [(1, 49, 1), (2, 50, 1), (3, 1050, 2), (4, 200, 3), (5, 200, 4), (6, 999, 2)]
    chunks = receiver.push([events_frame(clicks)]) + receiver.finish()
    counts = receiver.counts
    assert bits_of(chunks) == [(0, 2, 1), (0, 6, 0)]
    assert (counts.outside_gate, counts.double_pulses, counts.other_detectors) == (2, 1, 1)
    assert counts.events == 6


def test_bits_do_not_depend_on_how_frames_arrive() -> None:
    generator = np.random.default_rng(4)
    pulses = np.sort(generator.choice(5000, 600, replace=False)).tolist()
    clicks = [
        (pulse, int(generator.integers(2500)), int(generator.integers(1, 4))) for pulse in pulses
    ]
    frames = [events_frame(clicks[at : at + 50]) for at in range(0, 600, 50)]
    together, apart = a_receiver(), a_receiver()
    at_once = together.push(frames) + together.finish()
    one_by_one = [chunk for frame in frames for chunk in apart.push([frame])] + apart.finish()
    assert bits_of(at_once) == bits_of(one_by_one) != []
    assert together.facts() == apart.facts()


def test_frames_of_other_runs_are_left_alone() -> None:
    receiver = a_receiver()
    loss = Loss(LossCause.FIFO_FULL, 1, 2, 5).encode()
    frames = [events_frame([(3, 100, 1)], run=RUN - 1), a_frame(Kind.LOSS, loss, run=0)]
    assert receiver.push(frames) + receiver.finish() == []
    assert (receiver.counts.events, receiver.counts.board_lost, receiver.counts.epochs) == (0, 0, 0)


def test_new_epoch_starts_its_numbers_anew() -> None:
    receiver = a_receiver()
    frames = [events_frame([(900, 100, 1), (901, 100, 2)]), events_frame([(2, 100, 1)], epoch=3)]
    chunks = receiver.push(frames) + receiver.finish()
    assert bits_of(chunks) == [(0, 900, 1), (0, 901, 0), (3, 2, 1)]
    assert receiver.counts.epochs == 2


def test_pulses_are_those_of_the_run_alone() -> None:
    receiver = a_receiver()
    counters = Counters(*[0] * 12).encode()
    seen = []
    # A run that begins late in an epoch, then loses the trigger: numbers begin at 0 again.
    for pulse, epoch in ((1_000, 3), (1_400, 3), (1_400, 3), (50, 4), (300, 4)):
        receiver.push([a_frame(Kind.COUNTERS, counters, pulse, epoch)])
        seen.append(receiver.pulses)
    assert seen == [0, 400, 400, 450, 700]


def test_a_histogram_is_over_the_pulses_in_which_it_was_filled() -> None:
    """Once a second it comes; what it had when settings changed is lost."""
    receiver = a_receiver()
    counters = Counters(*[0] * 12).encode()
    histograms = [Histogram(one, 0, 10, np.ones(4, np.uint32)).encode() for one in (0, 1)]
    seen = []
    for pulse, kind, bodies in (
        (1_000, Kind.COUNTERS, [counters]),
        (2_000, Kind.HISTOGRAM, histograms),
        (2_900, Kind.COUNTERS, [counters]),
        (3_000, Kind.HISTOGRAM, histograms),
        (3_600, Kind.SETTINGS, [SettingsChange(3_600, 2).encode()]),
        (4_600, Kind.HISTOGRAM, histograms),
        (5_100, Kind.COUNTERS, [counters]),
    ):
        receiver.push([a_frame(kind, body, pulse) for body in bodies])
        seen.append(receiver.histogram_pulses)
    assert receiver.pulses == 4_100
    assert seen == [0, 1_000, 1_000, 2_000, 2_000, 3_000, 3_000]


def test_what_is_accepted_is_what_no_click_before_it_hides() -> None:
    receiver = a_receiver()
    assert receiver.accepted == 1.0
    counters = Counters(*[0] * 12)
    receiver.push([a_frame(Kind.COUNTERS, counters.encode(), 1_000)])
    assert receiver.accepted == 1.0
    counted = replace(counters, clicks_0=60, clicks_1=40, ignored_holdoff=7, repeats=3)
    receiver.push([a_frame(Kind.COUNTERS, counted.encode(), 2_000)])
    assert receiver.accepted == pytest.approx(0.9)


def test_board_that_goes_back_is_refused() -> None:
    receiver = a_receiver()
    receiver.push([events_frame([(1, 100, 1)], epoch=2)])
    with pytest.raises(InputError, match="back from epoch 2 to 1"):
        receiver.push([events_frame([(2, 100, 1)], epoch=1)])
    receiver = a_receiver()
    receiver.push([events_frame([(10, 100, 1)])])
    with pytest.raises(InputError, match="epoch 0 make no sense"):
        receiver.push([events_frame([(4, 100, 1)])])


def test_losses_counters_and_histograms_are_kept() -> None:
    receiver = a_receiver()
    numbers = {name: 10 * place for place, name in enumerate(Counters.__slots__)}
    counts = np.arange(5, dtype=np.uint32)
    receiver.push(
        [
            a_frame(Kind.LOSS, Loss(LossCause.FIFO_FULL, 1, 2, 5).encode()),
            a_frame(Kind.LOSS, Loss(LossCause.FIFO_FULL, 3, 4, 7).encode()),
            a_frame(Kind.COUNTERS, Counters(**numbers).encode()),
            a_frame(Kind.HISTOGRAM, Histogram(0, 0, 10, counts).encode()),
            a_frame(Kind.HISTOGRAM, Histogram(1, 0, 10, counts).encode()),
        ]
    )
    assert receiver.counts.board_lost == 12
    assert receiver.counters == Counters(**numbers)
    assert receiver.histogram_facts() == {
        "offset_ticks": 0,
        "bin_ticks": 10,
        "counts": [0, 2, 4, 6, 8],
    }


def test_markers_losses_of_the_trigger_status_and_g2_are_kept() -> None:
    receiver = a_receiver()
    coincidences = np.full(33, 50, np.uint64)
    coincidences[16] = 5
    status = Status(3, 16, trigger_locked=True, running=True, stuck=2)
    frames = [
        a_frame(Kind.MARKER, Marker(77, 1).encode(), pulse=77),
        a_frame(Kind.LOSS, Loss(LossCause.TRIGGER_LOST, 80, 80, 0).encode(), pulse=80),
        a_frame(Kind.MARKER, Marker(4, 2).encode(), pulse=4, epoch=1),
        a_frame(Kind.STATUS, status.encode(), epoch=1),
        a_frame(Kind.G2, G2(0, 1, 1000, coincidences).encode(), epoch=1),
    ]
    receiver.push(frames)
    assert receiver.markers == [(0, 77), (1, 4)]
    counts = receiver.counts
    assert (counts.markers, counts.trigger_losses, counts.board_lost) == (2, 1, 0)
    assert receiver.status == status
    assert receiver.g2_facts() == {"pulses": 1000, "coincidences": 5, "g2": 0.1}


def test_g2_without_coincidences_has_no_value() -> None:
    receiver = a_receiver()
    assert receiver.g2_facts() is None
    receiver.push([a_frame(Kind.G2, G2(0, 1, 9, np.zeros(33, np.uint64)).encode())])
    assert receiver.g2_facts() == {"pulses": 9, "coincidences": 0, "g2": None}


def test_histogram_of_another_shape_replaces_the_old() -> None:
    receiver = a_receiver()
    for width in (10, 20):
        body = Histogram(0, 0, width, np.ones(4, np.uint32)).encode()
        receiver.push([a_frame(Kind.HISTOGRAM, body)])
    facts = receiver.histogram_facts()
    assert facts is not None
    assert (facts["bin_ticks"], facts["counts"]) == (20, [1, 1, 1, 1])


def test_nothing_in_nothing_out() -> None:
    receiver = a_receiver()
    assert receiver.push([]) == receiver.finish() == []
    assert receiver.histogram_facts() is None
