"""The golden tracker, which jumps from event to event, equals its twin that steps every clock."""

import random
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from tests.sim.stepping_tracker import SteppingTracker

from hexkey.wire.registers import TrackerState
from hexkey_gateware.tracking.constants import DECISION_LATENCY
from hexkey_sim.benches.tracker_stimulus import Scene, Tags, Trigger, random_scene
from hexkey_sim.golden.tracker import Tracker
from hexkey_sim.golden.tracker_values import TrackerSettings, View

Counts = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Life:
    """What the twin said of every slot, and had decided up to it."""

    scene: Scene
    tags: Tags
    views: list[View]
    counts: list[Counts]
    ticks_per_clock: int
    silence_bits: int

    def golden(self) -> Tracker:
        return Tracker(self.scene.settings, self.ticks_per_clock, self.silence_bits)


def comparable(view: View) -> View:
    return view if view.locked else view._replace(since=0, since_before=0)


def live(scene: Scene, seed: int, ticks_per_clock: int = 500, silence_bits: int = 10) -> Life:
    tags = scene.tags(random.Random(seed), ticks_per_clock)
    twin = SteppingTracker(scene.settings, ticks_per_clock, silence_bits)
    views, counts, settings = [], [], scene.settings
    for slot in range(scene.slots + DECISION_LATENCY):
        settings = scene.changes.get(slot, settings)
        view = twin.step(tags.get(slot), settings)
        if slot < scene.slots:
            views.append(comparable(view))
        if slot >= DECISION_LATENCY:
            counts.append((twin.counts["taken"], twin.counts["outlier"], twin.counts["missing"]))
    return Life(scene, tags, views, counts, ticks_per_clock, silence_bits)


def lives(count: int, slots: int = 2000) -> Iterator[Life]:
    """Return lives in random scenes, the same ones in each run."""
    for seed in range(count):
        generator = random.Random(seed)
        ticks_per_clock = generator.choice((500, 500, 625, 1000))
        silence_bits = generator.choice((8, 9, 11))
        yield live(random_scene(generator, slots), seed, ticks_per_clock, silence_bits)


def counts_of(golden: Tracker) -> Counts:
    return golden.edges, golden.outliers, golden.missing


def test_says_of_every_slot_what_its_twin_says() -> None:
    for seed, life in enumerate(lives(150)):
        compare_slots(life, f"life {seed}")


def compare_slots(life: Life, name: str) -> None:
    golden = life.golden()
    for slot, wanted in enumerate(life.views):
        if slot in life.scene.changes:
            golden.configure(slot, life.scene.changes[slot])
        got = comparable(golden.view(slot))
        assert got == wanted, f"{name}, slot {slot}"
        if slot:
            assert counts_of(golden) == life.counts[slot - 1], f"{name}, up to slot {slot - 1}"
        if slot in life.tags:
            golden.trigger(slot, life.tags[slot])


def test_places_a_tag_where_its_twin_does_however_long_nobody_asked() -> None:
    for seed, life in enumerate(lives(150)):
        compare_places(life, random.Random(seed), f"life {seed}")


def compare_places(life: Life, generator: random.Random, name: str) -> None:
    golden = life.golden()
    pulses = Pulses(life.views)
    for slot, view in enumerate(life.views):
        if slot in life.scene.changes:
            golden.configure(slot, life.scene.changes[slot])
        if generator.random() < 0.02:
            fine = generator.randrange(life.ticks_per_clock)
            place = golden.locate(slot, fine)
            assert (place and tuple(place)) == pulses.place(slot, fine), f"{name}, slot {slot}"
            assert comparable(golden.view(slot)) == view, f"{name}, slot {slot}"
        if slot in life.tags:
            golden.trigger(slot, life.tags[slot])
    golden.view(len(life.views))
    assert counts_of(golden) == life.counts[-1], name


class Pulses:
    """Numbers pulses by counting their edges slot by slot."""

    def __init__(self, views: list[View]) -> None:
        self._views = views
        self._numbers = list(self._count(views))

    @staticmethod
    def _count(views: list[View]) -> Iterator[tuple[int, int]]:
        epoch = pulse = 0
        for view in views:
            epoch += view.begin
            pulse = 0 if view.begin else pulse + view.edge
            yield epoch, pulse

    def place(self, slot: int, fine: int) -> tuple[int, int, int, bool] | None:
        view, (epoch, pulse) = self._views[slot], self._numbers[slot]
        if not view.locked:
            return None
        before = fine > view.since
        since = view.since_before if before else view.since
        return epoch, pulse - before, since - fine, view.holdover


def test_jumps_over_a_long_holdover_and_goes_on_counting() -> None:
    settings = TrackerSettings(2500, 4, 4, 0)
    train = Trigger(2500.3, 4)
    tags = train.tags(random.Random(1), 60_000, 500)
    tags = {slot: fine for slot, fine in tags.items() if not 5000 < slot < 50_000}
    golden, twin = Tracker(settings, 500), SteppingTracker(settings, 500, 20)
    pulse = -1
    for slot in range(60_000):
        view = twin.step(tags.get(slot), settings)
        pulse = 0 if view.begin else pulse + view.edge
        if slot in tags:
            golden.trigger(slot, tags[slot])
    place = golden.locate(59_999, 0)
    assert place is not None
    assert (place.epoch, place.pulse, golden.missing) == (1, pulse, twin.counts["missing"])
    assert golden.missing > 2000


def test_lock_is_found_lost_and_found_again() -> None:
    """What the property tests compare is worth comparing: all states come up in them."""
    seen: set[TrackerState] = set()
    locked = epochs = 0
    for life in lives(100):
        seen |= {view.state for view in life.views}
        locked += sum(view.locked for view in life.views)
        epochs += sum(view.begin for view in life.views)
    assert seen == set(TrackerState)
    assert locked > 4000
    assert epochs > 10


@pytest.mark.long
def test_equals_its_twin_for_long() -> None:
    for seed, life in enumerate(lives(400, 6000)):
        compare_slots(life, f"life {seed}")
        compare_places(life, random.Random(seed), f"life {seed}")
