"""The sync tracker: its bench passes, and fails for one that is a clock or a bit wrong."""

import pytest
from amaranth.hdl import Module, Signal, Value
from tests.gateware.conftest import Bench

from hexkey_gateware import tracker
from hexkey_gateware.pipeline import delayed
from hexkey_gateware.tracker import Tracker
from hexkey_gateware.tracking.loop_filter import LoopFilter
from hexkey_gateware.tracking.nco import Nco
from hexkey_gateware.tracking.phase_detector import PhaseDetector
from hexkey_sim.benches.tracker import SILENCE_BITS
from hexkey_sim.benches.tracker_batch import Batch


def test_tracker_equals_its_model(bench: Bench) -> None:
    result = bench(Batch(Tracker(silence_bits=SILENCE_BITS)))
    assert (result.tests, result.failures) == (1, 0), result.log


class ChecksLate(PhaseDetector):
    def _check(self, m: Module, since: Signal) -> Value:
        return delayed(m, super()._check(m, since), 1)


class RoundsCorrections(LoopFilter):
    def _shift_phase(self, m: Module) -> Value:
        phase = super()._shift_phase(m)
        return phase & ~(1 << 28)


class IsCoarse(Nco):
    def _prepare_step(self, m: Module) -> None:
        super()._prepare_step(m)
        m.d.comb += self.fraction_next[0].eq(0)


@pytest.mark.parametrize(
    "mutant",
    [ChecksLate, RoundsCorrections, IsCoarse],
)
def test_bench_sees_a_clock_and_a_bit(
    bench: Bench, mutant: type, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tracker, mutant.__mro__[1].__name__, mutant)
    result = bench(Batch(Tracker(silence_bits=SILENCE_BITS)))
    assert result.failures == 1
    assert "AssertionError: of slot " in result.log
