"""BB84 from photons to keys: live processes, their recording, and a simulation in closed form."""

import json
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from scipy.stats import binom
from tests.end_to_end.processes import Ended, Scene, hexkey, role

from hexkey.conditions import SIMULATED
from hexkey.errors import ConfigurationError, InputError
from hexkey.party.distill import distill, replay
from hexkey.randomness import OperatingSystem
from hexkey.recording import RecordingWriter, read_recording
from hexkey.store import Store, compare, create_pair
from hexkey_sim.link import preset
from hexkey_sim.link.profile import bb84
from hexkey_sim.link.theory_bb84 import key_shares
from hexkey_sim.roles import efficiencies, write_roles
from hexkey_sim.simulate import HOLDOFF_PULSES, run_simulation

BLOCK_CLICKS = 120_000
FALSE_ALARM = 1e-9
CLOSED_FORM = 0.01  # how well it is known what an honest link gives


@dataclass
class LiveBb84:
    scene: Scene
    alice: Ended
    bob: Ended
    recording: Path


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveBb84]:
    """A session over the simulated link, its bits and double clicks not from any seed."""
    folder = tmp_path_factory.mktemp("bb84")
    (folder / "alice").mkdir()
    (folder / "bob").mkdir()
    stage = Scene(folder)
    create_pair(stage.alice_store, stage.bob_store, 64, OperatingSystem())
    alice_toml, bob_toml = write_roles(preset("bb84"), BLOCK_CLICKS, folder)
    with role("virtual-board", "--preset", "bb84", "--record", stage.record) as board:
        stage.port = board.wait_for("port")["port"]
        with stage.alice("--config", alice_toml) as alice:
            address = alice.wait_for("listening")["address"]
            recording = folder / "bob" / "run.recording"
            words = ("--config", bob_toml, "--recording", recording)
            with role(
                *("bob", "--port", stage.port, "--peer", address, "--store", stage.bob_store),
                *words,
            ) as bob:
                bob.wait_for("block")
                bob.signal(signal.SIGINT)
                ended = bob.end()
            yield LiveBb84(stage, alice.end(), ended, recording)


def test_simulated_photons_are_all_that_is_wrong_with_the_keys(live: LiveBb84) -> None:
    assert (live.alice.code, live.bob.code) == (0, 0), live.bob.err
    for report in (live.alice.report, live.bob.report):
        assert report["protocol"] == "bb84"
        assert (report["label"], report["reasons"]) == ("demonstration", [SIMULATED])
        assert report["secret_bits"] > 5_000
    assert live.scene.equal_keys() >= 1


def test_both_reports_count_the_same(live: LiveBb84) -> None:
    alice, bob = live.alice.report, live.bob.report
    for name in ("sifted_bits", "errors", "disclosed_bits", "secret_bits", "epsilon", "bb84"):
        assert alice[name] == bob[name], name
    found = bob["bb84"]
    assert found["clicks"] == BLOCK_CLICKS * bob["blocks"]["ok"]
    assert found["key_clicks"] + found["test_clicks"] + found["cross_clicks"] == found["clicks"]
    assert found["key_bits"] == bob["sifted_bits"]
    assert found["test_bits"] <= bob["disclosed_bits"]["estimate"]
    assert bob["losses"]["clicks"] >= found["clicks"]
    assert bob["mismatch"] == {"efficiency_ratio": 1.0, "limit": 1.05}


def test_no_detector_is_told_apart_while_key_is_made(live: LiveBb84) -> None:
    """Reports hold sums over detectors, and of the bits only those of the test basis."""
    said = json.dumps([live.bob.report, live.alice.report])
    assert "mask" not in said
    assert {"key_ones", "ones"}.isdisjoint(live.bob.report["bb84"])


def test_replay_gives_the_live_keys_bit_for_bit(live: LiveBb84, tmp_path: Path) -> None:
    done = hexkey("distill", live.recording, "--out", tmp_path / "again", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    report = json.loads(done.stdout)
    found = compare(live.scene.bob_store, tmp_path / "again" / "bob.store")
    assert found.equal
    assert found.common == live.bob.report["blocks"]["ok"] >= 1
    for name in ("sifted_bits", "errors", "disclosed_bits", "reasons", "losses", "bb84"):
        assert report[name] == live.bob.report[name], name


def test_double_clicks_are_repeated_from_what_was_drawn(live: LiveBb84) -> None:
    recording = read_recording(live.recording)
    assert len(recording.drawn) == live.bob.report["losses"]["double_pulses"]


def test_a_recording_of_secret_keys_is_not_distilled_again(live: LiveBb84, tmp_path: Path) -> None:
    recording = read_recording(live.recording)
    secret = RecordingWriter(tmp_path / "secret.recording")
    secret.meta({**recording.meta, "secret": True, "reasons": []})
    for line in recording.transcript:
        secret.message(*line)
    secret.close({})
    with pytest.raises(InputError, match="are not made a second time"):
        replay(tmp_path / "secret.recording", tmp_path / "out", lambda event: None)
    assert not (tmp_path / "out").exists()


def test_fresh_distillation_has_the_live_sifted_key_and_another_key(
    live: LiveBb84, tmp_path: Path
) -> None:
    report = distill(live.recording, live.scene.record, tmp_path / "fresh", lambda event: None)
    assert report["equal"]
    assert len(report["reasons"]) == 2
    assert SIMULATED in report["reasons"]
    for fresh, lived in zip(report["history"], live.bob.report["history"], strict=True):
        for name in ("start_s", "end_s", "sifted_bits"):
            assert fresh[name] == lived[name], name
        for name in ("cross_clicks", "sent_key", "sent_test", "test_bits"):
            assert fresh["bb84"][name] == lived["bb84"][name], name
    ours, theirs = tmp_path / "fresh" / "bob.store", live.scene.bob_store
    with Store.open(ours, read_only=True) as one, Store.open(theirs, read_only=True) as other:
        assert {key.bits for key in one.keys()}.isdisjoint(key.bits for key in other.keys())


def test_a_record_of_another_protocol_is_refused(live: LiveBb84, tmp_path: Path) -> None:
    run_simulation(preset("table-ii"), tmp_path / "b92", 0.02, 1)
    with pytest.raises(ConfigurationError, match="is of b92, and the session of bb84"):
        distill(
            live.recording, tmp_path / "b92" / "alice.record", tmp_path / "out", lambda event: None
        )


def within(seen: int, of: int, share: float) -> bool:
    """Whether so many are as expected, but for the closed form's error and a rare chance."""
    low = binom.ppf(FALSE_ALARM / 2, of, share * (1 - CLOSED_FORM))
    return bool(low <= seen <= binom.isf(FALSE_ALARM / 2, of, share * (1 + CLOSED_FORM)))


def test_rates_and_errors_are_those_of_the_closed_forms(tmp_path: Path) -> None:
    """Photons through board, wire, sifting and session, against the link's own mathematics."""
    link = preset("bb84").with_channel_loss(3.0)
    run_simulation(link, tmp_path / "run", 2.6, 7)
    files = tmp_path / "run" / "run.recording", tmp_path / "run" / "alice.record"
    report = distill(*files, tmp_path / "out", lambda event: None)
    assert report["equal"]
    assert report["secret_bits"] > 20_000
    found, expected = report["bb84"], bb84(link.parameters, link.gate, HOLDOFF_PULSES)
    alice, bob = key_shares(link.parameters)
    assert (found["alice_key_probability"], found["bob_key_probability"]) == (alice, bob)
    in_key, in_test = expected.key.sifted_hz / alice, expected.test.sifted_hz / (1 - alice)
    all_hz = in_key + in_test
    [block] = report["history"]
    seconds = block["end_s"] - block["start_s"]
    # Clicks end the block: their number is fixed, and the pulses that it takes are not.
    pulses = round(seconds * link.parameters.pulse_rate_hz)
    assert within(found["clicks"], pulses, all_hz / link.parameters.pulse_rate_hz)
    assert within(found["key_clicks"], found["clicks"], in_key / all_hz)
    assert within(found["key_bits"], found["key_clicks"], alice)
    assert within(found["test_bits"], found["test_clicks"], 1 - alice)
    assert within(report["errors"], found["key_bits"], expected.key.qber)
    assert within(found["test_errors"], found["test_bits"], expected.test.qber)
    assert within(found["test_ones"], found["test_bits"], 0.5)
    sent = found["sent_key"] + found["sent_test"]
    assert sent == pytest.approx(pulses, abs=link.parameters.pulse_rate_hz * 0.02)
    assert within(found["sent_key"], sent, alice)


def test_detectors_that_see_light_at_other_times_are_told_by_bobs_configuration() -> None:
    ratios = []
    for name in ("bb84", "bb84-skewed"):
        values = efficiencies(preset(name))
        rows = [values[start : start + 4] for start in range(0, len(values), 4)]
        ratios.append(max(max(row) / max(min(row), 1e-9) for row in rows))
    assert ratios[0] == 1.0
    assert ratios[1] > 1.05
