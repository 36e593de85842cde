"""`hexkey simulate` against the closed forms it prints, and against the host's own pipeline."""

import math
from pathlib import Path

import pytest

from hexkey.errors import StoreError
from hexkey.party.distill import distill
from hexkey.record import RecordReader
from hexkey.recording import read_recording
from hexkey_sim.link import PRESETS, preset
from hexkey_sim.simulate import Compared, run_simulation

SIGMAS = 5.0  # 6e-7 two-sided, for each of the two dozen comparisons
SECONDS = {"table-ii": 2.0, "as-reported": 3.0, "bench": 0.2}
BB84_SECONDS = {"bb84": 3.0, "bb84-skewed": 3.0, "bb84-improved": 2.0}


def check(found: Compared, seconds: float) -> None:
    expected = found.expected_sifted_hz * seconds
    assert abs(found.sifted_hz * seconds - expected) < SIGMAS * math.sqrt(expected)
    qber = found.expected_qber
    assert abs(found.qber - qber) < SIGMAS * math.sqrt(qber * (1 - qber) / expected)


@pytest.mark.parametrize("measurement", [False, True], ids=["random", "measurement"])
@pytest.mark.parametrize("name", SECONDS)
def test_rate_and_qber_are_those_of_the_closed_forms(
    name: str, measurement: bool, tmp_path: Path
) -> None:
    found = run_simulation(
        preset(name), tmp_path / "out", SECONDS[name], 5, measurement=measurement
    )
    check(found.key, found.seconds)
    assert found.test is None
    assert found.events >= found.key.sifted_hz * found.seconds


@pytest.mark.parametrize("name", BB84_SECONDS)
def test_both_bases_of_bb84_are_those_of_the_closed_forms(name: str, tmp_path: Path) -> None:
    found = run_simulation(preset(name), tmp_path / "out", BB84_SECONDS[name], 5)
    assert found.test is not None
    check(found.key, found.seconds)
    check(found.test, found.seconds)
    assert found.key.sifted_hz > 40 * found.test.sifted_hz  # (0.88/0.12)²


def test_every_preset_is_compared() -> None:
    assert set(SECONDS) | set(BB84_SECONDS) == set(PRESETS)


def test_files_are_a_complete_pair_that_distils(tmp_path: Path) -> None:
    found = run_simulation(preset("bench"), tmp_path / "out", 0.1, 6)
    recording = read_recording(tmp_path / "out" / "run.recording")
    assert recording.damage == []
    assert recording.report is not None
    assert recording.report["events"] == found.events
    with RecordReader(tmp_path / "out" / "alice.record") as record:
        assert record.closed
        assert record.damage is None
        assert record.pulses >= 4_000_000
    report = distill(
        recording.path, tmp_path / "out" / "alice.record", tmp_path / "keys", lambda event: None
    )
    assert report["equal"]
    (alignment,) = report["alignments"]
    assert alignment["offset"] == preset("bench").parameters.start_offset_pulses
    used = report["sifted_bits"] + report["unused_sifted_bits"] + alignment["disclosed_bits"]
    assert used == round(found.key.sifted_hz * found.seconds)
    assert report["qber"] == pytest.approx(found.key.qber, abs=0.005)


def test_same_seed_same_run(tmp_path: Path) -> None:
    runs = [run_simulation(preset("bench"), tmp_path / str(place), 0.05, 7) for place in range(2)]
    assert runs[0].events == runs[1].events
    wires = [b"".join(read_recording(tmp_path / f"{i}" / "run.recording").wire) for i in (0, 1)]
    assert len(wires[0]) == len(wires[1])


def test_existing_run_is_not_overwritten(tmp_path: Path) -> None:
    run_simulation(preset("bench"), tmp_path, 0.01, 7)
    before = (tmp_path / "run.recording").read_bytes()
    with pytest.raises(StoreError, match="exists already"):
        run_simulation(preset("bench"), tmp_path, 0.01, 7)
    assert (tmp_path / "run.recording").read_bytes() == before
