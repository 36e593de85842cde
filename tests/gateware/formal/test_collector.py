"""No click is lost between the gates and the pulses that close, and none is made up.

Proved by induction, so for all time, part by part: the sorter puts each click into one open pulse;
an open pulse adds up what it gets, in counters of full width; and what goes into the collector is
in the pulses that have closed or in those that are open. The last is proved of sums modulo 2, as a
click that is lost or counted twice shows there, too.
"""

from functools import reduce
from operator import add
from pathlib import Path

import pytest
from amaranth.hdl import Assert, Assume, Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In
from tests.gateware.formal.conftest import needs_prover

from hexkey.events import DETECTORS
from hexkey_gateware.collector import Collector
from hexkey_gateware.open_pulse import OpenPulse
from hexkey_gateware.pipeline import count_ones, delayed
from hexkey_gateware.slot import CLICKS_BITS, OPEN_PULSES
from hexkey_gateware.sorter import Sorter
from hexkey_sim.formal import hold, prove

pytestmark = needs_prover
BACK = data.ArrayLayout(2, DETECTORS)
UNLOCKED_SLOTS = 6
BEHIND = Sorter.LATENCY + OpenPulse.LATENCY  # clocks from a slot to the sums that it is in, less 1


class EachClickHasOnePlace(wiring.Component):
    """The sorter counts a click at the place of its pulse and nowhere else."""

    valid: In(DETECTORS)
    inside: In(DETECTORS)
    back: In(BACK)
    latest: In(OPEN_PULSES)

    def __init__(self, sorter: Sorter) -> None:
        super().__init__()
        self._sorter = sorter

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.sorter = sorter = self._sorter
        m.d.comb += Assume(count_ones(self.latest) == 1)
        m.d.comb += sorter.latest.eq(self.latest)
        for detector, click in enumerate(sorter.clicks):
            m.d.comb += Assume(self.back[detector] < OPEN_PULSES)
            _connect(m, click, self.valid[detector], self.inside[detector], self.back[detector])
        for place, added in enumerate(sorter.added):
            here = self.valid & Cat(self._is_of(place, self.back[d]) for d in range(DETECTORS))
            clicks = delayed(m, here, Sorter.LATENCY)
            inside = delayed(m, here & self.inside, Sorter.LATENCY)
            m.d.comb += Assert(added.clicks == count_ones(clicks))
            m.d.comb += Assert(added.outside == count_ones(clicks & ~inside))
            m.d.comb += Assert(added.inside == inside)
        return m

    def _is_of(self, place: int, back: Value) -> Value:
        latest = Cat(self.latest[(place + n) % OPEN_PULSES] for n in range(OPEN_PULSES))
        return latest.bit_select(back, 1)


class ClicksAddUp(wiring.Component):
    """In an open pulse is what was added since its restart, each click of it once."""

    restart: In(1)
    outside: In(range(DETECTORS + 1))
    inside: In(DETECTORS)

    def __init__(self, pulse: OpenPulse) -> None:
        super().__init__()
        self._pulse = pulse

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.pulse = pulse = self._pulse
        clicks = (self.outside + count_ones(self.inside))[:3]
        m.d.comb += Assume(self.outside + count_ones(self.inside) <= DETECTORS)
        m.d.comb += Assume(~(self.restart & delayed(m, self.restart, 1)))
        m.d.comb += pulse.restart.eq(self.restart)
        m.d.comb += pulse.added.clicks.eq(clicks)
        m.d.comb += pulse.added.outside.eq(self.outside)
        m.d.comb += pulse.added.inside.eq(self.inside)

        mask = Signal(DETECTORS)
        kept = Mux(self.restart, 0, mask)
        m.d.sync += mask.eq(kept | self.inside)
        sums = {}
        for name, more in (
            ("clicks", clicks),
            ("outside", self.outside),
            ("repeats", count_ones(kept & self.inside)),
        ):
            sums[name] = total = Signal(CLICKS_BITS, name=f"sum_of_{name}")
            m.d.sync += total.eq(Mux(self.restart, 0, total) + more)
            there = pulse.closed[name] + _pending(m, self.restart, more)
            m.d.comb += Assert(there[:CLICKS_BITS] == delayed(m, total, OpenPulse.LATENCY - 1))
        m.d.comb += Assert(pulse.closed.mask == delayed(m, mask, OpenPulse.LATENCY - 1))
        all_of_them = sums["outside"] + sums["repeats"] + count_ones(mask)
        m.d.comb += Assert(sums["clicks"] == all_of_them[:CLICKS_BITS])
        return m


class ObservedCollector(Collector):
    """The collector with its parts in sight: the induction speaks of the open pulses."""

    def __init__(self) -> None:
        super().__init__()
        self.sorts = self.SORTER()
        self.parts = [self.OPEN_PULSE() for _ in range(OPEN_PULSES)]
        unused = iter(self.parts)
        self.SORTER = lambda: self.sorts  # type: ignore[assignment,misc]
        self.OPEN_PULSE = lambda: next(unused)  # type: ignore[assignment,misc]


class AnyClicks(wiring.Component):
    """Feeds a collector whatever there can be; phases play no part."""

    valid: In(DETECTORS)
    inside: In(DETECTORS)
    back: In(BACK)
    edge: In(1)
    locked: In(1)
    blind: In(1)

    def __init__(self, collector: ObservedCollector) -> None:
        super().__init__()
        self._collector = collector
        self.unlocked = Signal(4, init=15)  # slots since the last that was of a pulse, up to 15
        self.counting = Signal()  # this one is

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.collector = collector = self._collector
        begin = self.locked & self.edge & (self.unlocked != 0)
        m.d.comb += self.counting.eq(self.locked & ((self.unlocked == 0) | begin))
        longer = self.unlocked + (self.unlocked != 15)
        m.d.sync += self.unlocked.eq(Mux(self.counting, 0, longer))
        m.d.comb += [
            Assume(~(self.edge & delayed(m, self.edge, 1))),
            Assume(~begin | (self.unlocked >= UNLOCKED_SLOTS)),
            collector.slot.edge.eq(self.edge),
            collector.slot.locked.eq(self.locked),
            collector.slot.begin.eq(begin),
            collector.blind.eq(self.blind),
        ]
        for detector, click in enumerate(collector.clicks):
            m.d.comb += Assume(self.back[detector] < OPEN_PULSES)
            _connect(m, click, self.valid[detector], self.inside[detector], self.back[detector])
        return m


class ClicksAreKept(AnyClicks):
    """All clicks, and those outside their gate, are in closed pulses and in open ones."""

    def elaborate(self, platform: object) -> Module:
        m = super().elaborate(platform)
        collector = self._collector
        counted = self.valid & self.counting.replicate(DETECTORS)
        for name, bits in (("clicks", counted), ("outside", counted & ~self.inside)):
            went_in, came_out = Signal(), Signal()
            m.d.sync += went_in.eq(went_in ^ bits.xor())
            leaves = collector.closed.valid & collector.closed.payload[name][0]
            m.d.sync += came_out.eq(came_out ^ leaves)
            held = [
                part.closed[name][0] + _pending(m, part.restart, part.added[name])
                for part in collector.parts
            ]
            leaving = collector._leaving.valid & collector._leaving.payload[name][0]
            total = came_out + leaves + leaving + reduce(add, held)
            m.d.comb += Assert(delayed(m, went_in, BEHIND) == total[0])
        self._helped(m)
        return m

    def _helped(self, m: Module) -> None:
        """Say what the induction needs to know of the registers within."""
        collector, unlocked = self._collector, self.unlocked
        flushes = (unlocked != 0) & (unlocked < UNLOCKED_SLOTS)
        m.d.comb += Assert(count_ones(collector.sorts.latest) == 1)
        m.d.comb += Assert(collector._numbering == (unlocked == 0))
        m.d.comb += Assert(collector._flush == Mux(flushes, UNLOCKED_SLOTS - unlocked, 0))
        # After loss of lock, one pulse after the other is empty.
        unlocked = delayed(m, unlocked, BEHIND)
        latest = delayed(m, collector.sorts.latest, BEHIND)
        for place, part in enumerate(collector.parts):
            for back in range(OPEN_PULSES):
                here = latest[(place + back) % OPEN_PULSES]
                with m.If(here & (unlocked >= 2 * back + 2)):
                    m.d.comb += Assert((part.closed.clicks[0] | part.closed.outside[0]) == 0)


class SilentDetectorIsInNoMask(AnyClicks):
    """One detector, whichever, has no click inside its gate: it is in no pulse's mask."""

    silent: In(range(DETECTORS))

    def elaborate(self, platform: object) -> Module:
        m = super().elaborate(platform)
        hold(m, self.silent)
        m.d.comb += Assume(~(self.valid & self.inside).bit_select(self.silent, 1))
        masks = [part.closed.mask for part in self._collector.parts]
        for mask in (*masks, self._collector.closed.payload.mask):
            m.d.comb += Assert(~mask.bit_select(self.silent, 1))
        return m


def _connect(m: Module, click: wiring.PureInterface, *values: Value) -> None:
    valid, inside, back = values
    m.d.comb += [
        click.valid.eq(valid),
        click.payload.inside.eq(inside),
        click.payload.back.eq(back),
    ]


def _pending(m: Module, restart: Value, more: Value) -> Value:
    """Return what came with a restart; an open pulse adds it a clock later."""
    return delayed(m, Mux(restart, more, 0), OpenPulse.LATENCY)


def test_each_click_has_one_place(tmp_path: Path) -> None:
    proof = prove(EachClickHasOnePlace(Sorter()), tmp_path, depth=4)
    assert proof.holds, proof.log


def test_clicks_add_up(tmp_path: Path) -> None:
    proof = prove(ClicksAddUp(OpenPulse()), tmp_path, depth=5)
    assert proof.holds, proof.log


def test_clicks_are_kept(tmp_path: Path) -> None:
    proof = prove(ClicksAreKept(ObservedCollector()), tmp_path, depth=8)
    assert proof.holds, proof.log


def test_silent_detector_is_in_no_mask(tmp_path: Path) -> None:
    proof = prove(SilentDetectorIsInNoMask(ObservedCollector()), tmp_path, depth=8)
    assert proof.holds, proof.log


class ForgetsTheOldest(Sorter):
    def _is_of(self, back: Value, place: int) -> Value:
        return super()._is_of(back, place) & (back != OPEN_PULSES - 1)


class ForgetsTheRestart(OpenPulse):
    def _add_up(self, m: Module, name: str, restart: Value, more: Value) -> Value:
        more = Mux(self.restart, 0, more)
        return super()._add_up(m, name, restart, more)


class ForgetsTheBeginning(ObservedCollector):
    def _is_counted(self, valid: Value, counting: Value) -> Value:
        return valid & counting & ~self.slot.edge


class CallsAllInside(Sorter):
    def _is_inside(self, click: data.View) -> Value:
        return Const(1)


class SortsAllInside(ObservedCollector):
    SORTER = CallsAllInside


@pytest.mark.parametrize(
    "broken",
    [
        EachClickHasOnePlace(ForgetsTheOldest()),
        ClicksAddUp(ForgetsTheRestart()),
        ClicksAreKept(ForgetsTheBeginning()),
        SilentDetectorIsInNoMask(SortsAllInside()),
    ],
    ids=lambda broken: type(broken).__name__,
)
def test_proof_sees_a_click_that_is_lost(broken: wiring.Component, tmp_path: Path) -> None:
    proof = prove(broken, tmp_path, mode="bmc", depth=9)
    assert proof.refuted, proof.log
