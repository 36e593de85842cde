"""Behind the collector each click of a pulse is counted once, or is a detector in an event's mask.

Proved by induction, so for all time, for counters of full width and any state of the hold-off.
"""

from functools import reduce
from operator import add
from pathlib import Path

import pytest
from amaranth.hdl import Assert, Assume, Module, Mux, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In
from tests.gateware.formal.conftest import needs_prover

from hexkey_gateware.hold_off import DISTANCE_BITS, HoldOff
from hexkey_gateware.pipeline import count_ones, delayed
from hexkey_gateware.resolver import Resolver
from hexkey_gateware.slot import CLICKS_BITS, CLOSED
from hexkey_sim.formal import prove

pytestmark = needs_prover


class ClicksAreCounted(wiring.Component):
    """The sum of what is counted of a pulse is its clicks; none of a blind pulse passes."""

    valid: In(1)
    pulse: In(CLOSED)
    holdoff_pulses: In(DISTANCE_BITS)
    double_click: In(1)

    def __init__(self, hold_off: HoldOff, resolver: Resolver) -> None:
        super().__init__()
        self._hold_off, self._resolver = hold_off, resolver

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.hold_off = hold_off = self._hold_off
        m.submodules.resolver = resolver = self._resolver
        m.d.comb += [
            Assume(~(self.valid & delayed(m, self.valid, 1))),
            Assume(self.pulse.clicks == _clicks(self.pulse.outside, self.pulse)),
            hold_off.holdoff_pulses.eq(self.holdoff_pulses),
            hold_off.i.valid.eq(self.valid),
            hold_off.i.payload.eq(self.pulse),
            resolver.i.valid.eq(hold_off.o.valid),
            resolver.i.payload.eq(hold_off.o.payload),
            resolver.double_click.eq(self.double_click),
        ]
        latency = HoldOff.LATENCY + Resolver.LATENCY
        clicks = delayed(m, Mux(self.valid, self.pulse.clicks, 0), latency)
        dropped = delayed(m, hold_off.ignored_holdoff + hold_off.outside_gate, 1)
        mask = delayed(m, Mux(hold_off.o.valid, hold_off.o.payload.mask, 0), 1)
        counted = dropped + resolver.repeats + count_ones(mask)
        m.d.comb += Assert(clicks == counted[:CLICKS_BITS])

        event = Mux(resolver.o.valid, resolver.o.payload.mask, 0)
        m.d.comb += Assert((event == mask) | ((event == 0) & (count_ones(mask) > 1)))
        pairs = reduce(add, (getattr(resolver, f"pairs_{n}") for n in range(6)))
        detectors = count_ones(mask)
        m.d.comb += Assert(2 * pairs == detectors * (detectors - 1))
        m.d.comb += Assert(resolver.double_pulses == (detectors > 1))
        m.d.comb += Assert(resolver.events == (event != 0))
        unseen = self.pulse.blind | ~self.pulse.numbered
        with m.If(delayed(m, unseen, latency)):
            m.d.comb += Assert(event == 0)
        return m


def _clicks(outside: Value, pulse: data.View) -> Value:
    return (outside + pulse.repeats + count_ones(pulse.mask))[:CLICKS_BITS]


def test_clicks_are_counted(tmp_path: Path) -> None:
    # The resolver has a table: as a memory, the induction could begin with another.
    proof = prove(ClicksAreCounted(HoldOff(), Resolver()), tmp_path, depth=7, registers=True)
    assert proof.holds, proof.log


class LosesBlindClicks(HoldOff):
    def _outside(self, pulse: data.View) -> Value:
        return pulse.outside


class PassesBlindClicks(HoldOff):
    def _outside(self, pulse: data.View) -> Value:
        return pulse.outside

    def _is_seen(self, pulse: data.View, accepted: Value) -> Value:
        return accepted


@pytest.mark.parametrize("mutant", [LosesBlindClicks, PassesBlindClicks])
def test_proof_sees_blind_clicks_go_wrong(mutant: type[HoldOff], tmp_path: Path) -> None:
    proof = prove(ClicksAreCounted(mutant(), Resolver()), tmp_path, mode="bmc", depth=8)
    assert proof.refuted, proof.log
