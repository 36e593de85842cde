"""Histograms: their bench passes, and sees a bin that is a tick wrong or of other settings."""

import pytest
from amaranth.hdl import Module, Signal, Value
from tests.gateware.conftest import Bench

from hexkey_gateware import histogram
from hexkey_gateware.bin_counts import BinCounts
from hexkey_gateware.binning import Binning
from hexkey_gateware.histogram import Histogram
from hexkey_sim.benches.histogram import BINS


def test_histogram_equals_its_model(bench: Bench) -> None:
    result = bench(Histogram(BINS))
    assert (result.tests, result.failures) == (3, 0), result.log


class NoSecondPeriod(Binning):
    def _since_offset(self, m: Module, period: Signal, offset: Signal) -> Signal:
        return super()._since_offset(m, Signal.like(period, init=-1), offset)


def test_bench_sees_a_wrong_bin(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(histogram, "Binning", NoSecondPeriod)
    result = bench(Histogram(BINS), "equals_the_golden_model")
    assert result.failures == 1
    assert "AssertionError: detector " in result.log


class MixesAcrossClear(BinCounts):
    def _is_void(self, void: Value) -> Value:
        return self._clearing


def test_bench_sees_counts_of_other_settings(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(histogram, "BinCounts", MixesAcrossClear)
    result = bench(Histogram(BINS), "mixes_no_settings")
    assert result.failures == 1
    assert "AssertionError: a histogram with bins of " in result.log
