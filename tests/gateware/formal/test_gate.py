"""What the gate says of every click, and under any settings, is what its definition says.

Proved by induction, so for all time, for full widths.
"""

from pathlib import Path

import pytest
from amaranth.hdl import Assert, Assume, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In
from tests.gateware.formal.conftest import needs_prover

from hexkey_gateware.gate import Gate
from hexkey_gateware.pipeline import delayed
from hexkey_gateware.settings import setting_shape
from hexkey_gateware.slot import CLICK, MAX_PERIOD_TICKS
from hexkey_sim.formal import hold, prove

pytestmark = needs_prover
TICKS = setting_shape("period_ticks")
SETTLED = Gate.LATENCY + Gate.SETTINGS_LATENCY


class GateIsHalfOpen(wiring.Component):
    """Each click leaves with its pulse, its phase and whether its gate was open."""

    valid: In(1)
    click: In(CLICK)
    period_ticks: In(TICKS)
    gate_start_ticks: In(TICKS)
    gate_width_ticks: In(TICKS)

    def __init__(self, gate: Gate) -> None:
        super().__init__()
        self._gate = gate

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.gate = gate = self._gate
        m.d.comb += [gate.i.valid.eq(self.valid), gate.i.payload.eq(self.click)]
        for name in ("period_ticks", "gate_start_ticks", "gate_width_ticks"):
            hold(m, getattr(self, name))
            m.d.comb += getattr(gate, name).eq(getattr(self, name))
        period, opens, width = self.period_ticks, self.gate_start_ticks, self.gate_width_ticks
        m.d.comb += Assume((period <= MAX_PERIOD_TICKS) & (opens < period) & (width <= period))

        valid = delayed(m, self.valid, Gate.LATENCY)
        click = delayed(m, self.click, Gate.LATENCY)
        m.d.comb += Assume(self.click.phase_ticks <= period)  # a tick more than the period
        wrapped = click.phase_ticks + period < opens + width
        phase_ticks = click.phase_ticks + Mux(wrapped, period, 0)
        settled = self._settled(m)
        with m.If(settled):
            m.d.comb += Assert(gate.o.valid == valid)
            m.d.comb += Assert(gate.o.payload.back == click.before + wrapped)
            m.d.comb += Assert(gate.o.payload.phase_ticks == phase_ticks)
            inside = (opens <= phase_ticks) & (phase_ticks < opens + width)
            m.d.comb += Assert(gate.o.payload.inside == inside)
        return m

    def _settled(self, m: Module) -> Value:
        clocks = Signal(range(SETTLED + 1))
        with m.If(clocks != SETTLED):
            m.d.sync += clocks.eq(clocks + 1)
        return clocks == SETTLED


def test_no_click_outside_is_called_inside_nor_one_inside_outside(tmp_path: Path) -> None:
    proof = prove(GateIsHalfOpen(Gate()), tmp_path, depth=2 * SETTLED)
    assert proof.holds, proof.log


class InclusiveEnd(Gate):
    def _open_still(self, phase_ticks: Value, end: Value) -> Value:
        return phase_ticks <= end


class ExclusiveStart(Gate):
    def _too_early(self, phase_ticks: Value) -> Value:
        return phase_ticks <= self.gate_start_ticks


@pytest.mark.parametrize("mutant", [InclusiveEnd, ExclusiveStart])
def test_gate_that_is_a_tick_wrong_is_refuted(tmp_path: Path, mutant: type[Gate]) -> None:
    proof = prove(GateIsHalfOpen(mutant()), tmp_path, mode="bmc", depth=2 * SETTLED)
    assert proof.refuted, proof.log
