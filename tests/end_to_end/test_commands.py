"""Commands that are whole stories: the demonstration, and a capture without a peer."""

import json
import signal
from pathlib import Path

import pytest
from tests.end_to_end.processes import hexkey, role, scene

from hexkey.recording import read_recording
from hexkey.store import compare


def test_demo_makes_equal_keys_and_everything_around_them(tmp_path: Path) -> None:
    out = tmp_path / "demo"
    words = ("--preset", "table-ii", "--seconds", 1.5, "--block-bits", 8_000, "--out", out)
    done = hexkey("demo", *words, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "equal: " in done.stdout
    assert "demonstration" in done.stdout
    assert "because" in done.stdout
    assert "block 0: 8,000 sifted" in done.stderr
    made = {path.name for path in out.iterdir()}
    assert {"alice.store", "bob.store", "alice.record", "run.recording"} <= made
    assert {"histogram.png", "rates.png", "alice.json", "bob.json"} <= made
    assert json.loads((out / "bob.json").read_text())["secret_bits"] > 0


def test_demo_passes_on_why_a_process_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEXKEY_SEED", "-1")
    done = hexkey("demo", "--out", tmp_path / "demo")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "alice ended with code 2" in done.stderr
    assert "seed must not be negative" in done.stderr


def test_demo_refuses_settings_before_it_starts_a_process(tmp_path: Path) -> None:
    done = hexkey("demo", "--block-bits", 10, "--out", tmp_path / "demo")
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert "block_bits must be between 1000 and 4000000" in done.stderr
    assert "alice" not in done.stderr


def test_capture_is_distilled_later(tmp_path: Path) -> None:
    recording = tmp_path / "run.recording"
    with scene(tmp_path) as stage:
        done = hexkey("capture", stage.port, recording, "--seconds", 1)
        assert done.returncode == 0, done.stderr
        found = read_recording(recording)
        assert found.damage == []
        assert found.transcript == []
        assert found.report is not None
        assert f"{found.report['sifted_bits']:,} sifted bits" in done.stdout
        words = ("--record", stage.record, "--out", tmp_path / "keys", "--json")
        keys = hexkey("distill", recording, *words)
    # 45 kbit/s for a second: too few for a block of 40 000 only on a very slow machine.
    assert keys.returncode in (0, 1), keys.stderr
    report = json.loads(keys.stdout)
    assert report["equal"]
    used = report["sifted_bits"] + report["unused_sifted_bits"] + 512
    assert used == found.report["sifted_bits"]


def test_interrupted_capture_is_complete(tmp_path: Path) -> None:
    recording = tmp_path / "run.recording"
    with scene(tmp_path) as stage, role("capture", stage.port, recording, "--seconds", 60) as run:
        run.wait_for("receiving")
        run.signal(signal.SIGINT)
        ended = run.end()
    assert ended.code == 0
    assert "stopping" in ended.sentence
    found = read_recording(recording)
    assert found.damage == []
    assert found.wire != []
    assert found.report == ended.report


def test_captured_session_is_replayed(tmp_path: Path) -> None:
    recording = tmp_path / "run.recording"
    with scene(tmp_path) as stage:
        with stage.alice("--block-bits", 40_000) as alice:
            words = ("--peer", alice.wait_for("listening")["address"], "--store", stage.bob_store)
            with role("capture", stage.port, recording, *words, "--seconds", 60) as run:
                run.wait_for("block")
                run.signal(signal.SIGINT)
                assert run.end().code == 0
            assert alice.end().code == 0
        assert hexkey("distill", recording, "--out", tmp_path / "again").returncode == 0
        assert compare(stage.bob_store, tmp_path / "again" / "bob.store").equal
