"""Eavesdroppers against the whole chain: what Bob is told, and what becomes of the key.

Runs are simulated and distilled as `hexkey simulate` and `hexkey distill` do, and her notes are
compared with the truth. Where she shows, blocks are dropped or shortened below what she leaves
secret; where she cannot show, the label and the assumptions say so before there is a key.
"""

from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from tests.end_to_end.conftest import Live
from tests.end_to_end.live_roles import live_session
from tests.sim.eve.runs import attacked, brighter

from hexkey.errors import InputError
from hexkey.keyrate.entropy import binary_entropy
from hexkey.party.distill import distill
from hexkey_sim.link.presets import Preset, preset
from hexkey_sim.simulate import Simulation

B92 = preset("bench")
BB84 = brighter("bb84", mean_photons=0.05)
SECONDS = {"b92": 0.12, "bb84": 0.42}  # for a block each


def distilled(folder: Path) -> dict[str, Any]:
    files = folder / "run"
    return distill(
        files / "run.recording", files / "alice.record", folder / "keys", lambda event: None
    )


def run(
    chosen: Preset, spec: str, folder: Path, seconds: float | None = None
) -> tuple[Simulation, dict[str, Any]]:
    """Simulate and distil; return the truth and Bob's report."""
    seconds = seconds or SECONDS[chosen.parameters.protocol]
    return attacked(chosen, spec, folder, seconds), distilled(folder)


def left_secret(found: Simulation, report: dict[str, Any]) -> float:
    """Return how many bits Eve leaves of what was corrected: n (1 - I) less what was disclosed."""
    assert found.knowledge is not None
    disclosed = report["disclosed_bits"]
    left: float = report["sifted_bits"] * (1 - found.knowledge.information)
    return left - float(disclosed["reconcile"] + disclosed["verify"])


@pytest.mark.parametrize("chosen", [B92, BB84], ids=["b92", "bb84"])
def test_full_intercept_resend_never_makes_a_key(chosen: Preset, tmp_path: Path) -> None:
    found = attacked(chosen, "intercept-resend", tmp_path, SECONDS[chosen.parameters.protocol])
    assert found.key.qber > 0.25
    report = None
    with suppress(InputError):  # nearly always: so many errors that no offset can be told
        report = distilled(tmp_path)
    assert report is None or (report["blocks"]["ok"], report["secret_bits"]) == (0, 0)


def test_intercept_resend_of_b92_is_dropped_by_its_errors(tmp_path: Path) -> None:
    found, report = run(B92, "intercept-resend:share=0.6", tmp_path)
    assert found.key.qber == pytest.approx(0.165, abs=0.01)
    assert report["blocks"] == {"ok": 0, "dropped": {"qber": 1}}
    assert report["secret_bits"] == 0


def test_a_quarter_of_bb84_measured_leaves_no_key(tmp_path: Path) -> None:
    found, report = run(BB84, "intercept-resend:share=0.25", tmp_path)
    assert found.key.qber == pytest.approx(0.079, abs=0.01)  # below the limit of the abort rule
    assert (report["blocks"]["ok"], report["secret_bits"]) == (0, 0)


def test_the_test_basis_sees_who_measures_in_the_key_basis_alone(tmp_path: Path) -> None:
    found, report = run(BB84, "intercept-resend:share=1,key=1", tmp_path)
    assert found.knowledge is not None
    assert found.knowledge.information > 0.97
    assert found.key.qber < 0.03
    assert found.test is not None
    assert found.test.qber == pytest.approx(0.5, abs=0.05)
    assert report["blocks"] == {"ok": 0, "dropped": {"qber": 1}}


@pytest.mark.parametrize(
    ("chosen", "spec"),
    [
        (B92, "intercept-resend:share=0.1"),
        (BB84, "intercept-resend:share=0.02"),
        (B92, "photon-number-splitting"),
        (BB84, "photon-number-splitting"),
    ],
    ids=["b92-resend", "bb84-resend", "b92-pairs", "bb84-pairs"],
)
def test_the_key_is_shorter_than_what_she_leaves(chosen: Preset, spec: str, tmp_path: Path) -> None:
    found, report = run(chosen, spec, tmp_path)
    assert report["equal"]
    assert 0 < report["secret_bits"] < left_secret(found, report)


def test_no_key_of_pairs_alone(tmp_path: Path) -> None:
    # She knows a third of the bits and has caused no error; the bound gives all clicks to her.
    chosen = brighter("bb84", mean_photons=0.4, channel_loss_db=9.0)
    found, report = run(chosen, "photon-number-splitting", tmp_path, 0.35)
    assert found.knowledge is not None
    assert found.knowledge.information > 0.33
    assert found.key.qber < 0.02
    assert report["blocks"] == {"ok": 0, "dropped": {"length": 1}}


@pytest.mark.parametrize(
    ("chosen", "spec"),
    [
        (brighter("bench", channel_loss_db=6.0), "usd"),
        (B92, "faked-states"),
        (BB84, "faked-states"),
    ],
    ids=["usd", "b92-faked", "bb84-faked"],
)
def test_what_cannot_be_seen_makes_keys_and_they_are_hers(
    chosen: Preset, spec: str, tmp_path: Path
) -> None:
    found, report = run(chosen, spec, tmp_path, 0.4 if spec == "usd" else None)
    assert report["blocks"]["ok"] > 0
    assert report["secret_bits"] > 0
    assert report["qber"] == pytest.approx(found.key.expected_qber, abs=0.005)
    assert found.knowledge is not None
    known = found.knowledge.information + float(binary_entropy(found.key.qber))
    assert known > 0.97  # what she has and what correction tells her are the whole key
    # Nothing that was counted could tell; so it is assumed, and said.
    assert report["label"] == "demonstration"
    assert any("faked states" in sentence for sentence in report["assumptions"])
    if spec == "usd":
        assert any("tells the two states apart" in said for said in report["assumptions"])


def test_label_and_assumptions_come_before_the_first_block(live: Live) -> None:
    for role in (live.alice, live.bob):
        names = [event["event"] for event in role.events]
        assert names.index("session") < names.index("block")
        (session,) = role.of("session")
        assert session["reasons"] == role.report["reasons"] != []
        assert session["assumptions"] == role.report["assumptions"] != []
        assert session["label"] == "demonstration"


def test_beyond_the_threshold_the_reason_comes_before_the_first_block(tmp_path: Path) -> None:
    session = live_session(preset("as-reported"), "usd:photons=2", tmp_path, 8_000, "block")
    assert session.place("session") < session.place("block")
    said = session.events[session.place("session")]
    assert any("two states of B92 can be told apart" in reason for reason in said["reasons"])
    assert any("tells the two states apart" in sentence for sentence in said["assumptions"])
    assert session.report["secret_bits"] > 0  # a demonstration: she knows all of it
    assert session.report["label"] == "demonstration"


def test_a_skewed_receiver_is_told_from_what_is_known_and_from_what_is_seen(tmp_path: Path) -> None:
    session = live_session(preset("bb84-skewed"), "time-shift", tmp_path, 40_000, "skew")
    known = session.events[session.place("session")]["reasons"]
    assert any("efficiencies differ by a factor" in reason for reason in known)
    assert "detector 1 come" in session.events[session.place("skew")]["message"]
    assert session.report["skew"][0]["alarm"]
    assert session.report["skew"][0]["skew_ps"] == pytest.approx(500, abs=150)


def test_aligned_detectors_raise_no_alarm(tmp_path: Path) -> None:
    session = live_session(preset("bb84"), "faked-states", tmp_path, 120_000, "block")
    assert "skew" not in [event["event"] for event in session.events]
    assert not any(skew["alarm"] for skew in session.report["skew"])
    assert not any("efficiencies" in reason for reason in session.report["reasons"])
