"""The whole system: photons at the RTL's pins, bytes at its serial port, a key at the host."""

from dataclasses import replace
from pathlib import Path

import pytest

from hexkey.party.distill import distill
from hexkey_sim.benches.verilator import MISSING_SIMULATOR, simulator_is_missing
from hexkey_sim.cosim.expected import expected_events
from hexkey_sim.cosim.run import DESIGN, CosimOutcome, CosimSettings, golden_settings, run_cosim
from hexkey_sim.cosim.simulator import started_ps

SHORT = CosimSettings(pulses=60_000)


def run(settings: CosimSettings, out: Path) -> CosimOutcome:
    if simulator_is_missing():
        pytest.skip(MISSING_SIMULATOR)
    return run_cosim(settings, out, lambda event: None)


@pytest.mark.timeout(600)  # a minute, if nothing else runs
def test_gateware_equals_its_models_one_for_one(tmp_path: Path) -> None:
    outcome = run(SHORT, tmp_path)
    assert outcome.differences() == []
    assert len(outcome.events) > 700
    # The comparison is of single ticks: it sees a delay that is off by one.
    delays = tuple(delay + 1 for delay in SHORT.delays_ticks)
    other = replace(golden_settings(SHORT), delay_ticks=delays)
    expected = expected_events(tmp_path / "edges.log", started_ps(tmp_path), other, DESIGN)
    assert expected.difference(outcome.events) is not None


@pytest.mark.long
def test_photons_become_a_key(tmp_path: Path) -> None:
    outcome = run(CosimSettings(), tmp_path)
    assert outcome.differences() == []
    report = distill(
        tmp_path / "run.recording", tmp_path / "alice.record", tmp_path / "keys", lambda event: None
    )
    assert report["equal"]
    assert report["secret_bits"] > 0


@pytest.mark.long
def test_serial_line_of_a_board(tmp_path: Path) -> None:
    outcome = run(CosimSettings(pulses=20_000, baud=3_000_000), tmp_path)
    assert outcome.differences() == []
