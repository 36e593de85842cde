"""What commands print for people and for programs."""

import json
import logging
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from tests.host.cli.conftest import Run, Stores

from hexkey.cli import display
from hexkey.cli.display import describe, print_report
from hexkey.conditions import CIRCUMSTANCES, Circumstances, unmet
from hexkey.session.bb84 import Bb84Counts, Bb84Terms
from hexkey.session.block import BlockCounts, Session
from hexkey.session.parameters import SessionParameters
from hexkey.session.tally import Tally

FIELDS = {
    "schema": int,
    "protocol": str,
    "label": str,
    "sifted_bits": int,
    "errors": int,
    "disclosed_bits": dict,
    "auth_bits": dict,
    "epsilon": dict,
    "blocks": dict,
    "losses": dict,
    "seconds": float,
}


@pytest.fixture(autouse=True)
def _logger_as_it_was() -> Iterator[None]:
    logger = logging.getLogger("hexkey")
    before = logger.handlers[:], logger.level, logger.propagate
    yield
    logger.handlers[:], logger.propagate = before[0], before[2]
    logger.setLevel(before[1])


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from hexkey_sim.link import preset
    from hexkey_sim.simulate import run_simulation

    folder = tmp_path_factory.mktemp("simulated") / "run"
    run_simulation(preset("bench"), folder, 0.1, 1)
    return folder


def detections(folder: Path, count: int = 4_000) -> Path:
    """Detections with 2 % errors, all of them in one basis."""
    generator = np.random.default_rng(2)
    sent = generator.integers(0, 2, count)
    received = sent ^ (generator.random(count) < 0.02)
    lines = ["tx_state,tx_basis,decoy_level,rx_state,rx_basis,matching_basis"]
    lines += [f"{a},0,1,{b},0,True" for a, b in zip(sent, received, strict=True)]
    file = folder / "detections.csv"
    file.write_text("\n".join(lines) + "\n")
    return file


def check_fields(report: dict[str, object]) -> None:
    for name, kind in FIELDS.items():
        assert isinstance(report[name], kind), name
    assert set(report["disclosed_bits"]) == {"offset", "estimate", "reconcile", "verify", "outside"}  # type: ignore[call-overload]
    assert set(report["auth_bits"]) == {"used", "made"}  # type: ignore[call-overload]
    assert set(report["blocks"]) == {"ok", "dropped"}  # type: ignore[call-overload]
    assert {"qber", "secret_bits"} <= set(report)


def test_json_report_of_a_recording_has_the_fields(
    simulated: Path, run: Run, tmp_path: Path
) -> None:
    words = ("--record", simulated / "alice.record", "--out", tmp_path / "out", "--json")
    done = run("distill", simulated / "run.recording", *words)
    assert (done.code, done.err) == (0, "")
    report = json.loads(done.out)
    check_fields(report)
    assert report["label"] == "demonstration"
    assert report["protocol"] == "b92"
    assert report["secret_bits"] > 0
    assert report["equal"]
    assert report["qber"] == report["errors"] / report["sifted_bits"]


def test_fresh_distillation_says_that_both_stores_are_equal(
    simulated: Path, run: Run, tmp_path: Path
) -> None:
    words = ("--record", simulated / "alice.record", "--out", tmp_path / "out")
    done = run("distill", simulated / "run.recording", *words)
    assert done.code == 0
    assert "keys of both roles" in done.out
    assert "equal" in done.out
    assert "NOT" not in done.out
    listed = run("keys", "list", tmp_path / "out" / "bob.store", "--json")
    keys = json.loads(listed.out)["keys"]
    assert keys
    assert all(key["label"] == "demonstration" and key["reasons"] for key in keys)
    assert not any("bits" in key for key in keys)


def test_recording_without_session_asks_for_the_record(simulated: Path, run: Run) -> None:
    done = run("distill", simulated / "run.recording")
    assert done.code == 3
    assert "give Alice's record" in done.sentence


def test_csv_report_counts_errors_and_claims_no_length(run: Run, tmp_path: Path) -> None:
    file = detections(tmp_path)
    report = json.loads(run("distill", file, "--json").out)
    check_fields(report)
    assert report["protocol"] == "bb84"
    assert report["secret_bits"] is None
    assert report["equal"]
    shown = run("distill", file)
    assert shown.code == 0
    assert f"({report['errors']:,} errors)" in shown.out
    assert "strings of both roles equal" in " ".join(shown.out.split())
    assert "no secret length is claimed" in shown.out
    assert "key bits" not in shown.out + shown.err


def test_pictures_of_a_file_without_times_are_not_drawn(run: Run, tmp_path: Path) -> None:
    done = run("distill", detections(tmp_path), "--figures", tmp_path / "pictures")
    assert done.code == 0
    assert list((tmp_path / "pictures").iterdir()) == []


def test_lines_are_not_wrapped_where_there_is_no_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    reason = "a long reason " * 10
    tally = Tally(Session("00" * 32, SessionParameters(), (reason,)))
    print_report(tally.report({"frames_missed": 0}), as_json=False)
    lines = capsys.readouterr().out.splitlines()
    assert any(reason.strip() in line for line in lines)
    assert any(line.split() == ["counts", "none"] for line in lines)


def test_report_tells_of_delay_lines_and_why_a_table_was_kept(
    capsys: pytest.CaptureFixture[str],
) -> None:
    tally = Tally(Session("00" * 32, SessionParameters(), ()))
    calibration = {
        "refreshed": 5,
        "tap_ps": {"detector 0": 35.0, "trigger": 36.0},
        "growth": {"detector 0": 0.01, "trigger": 0.02},
        "refused": {"detector 0": ["locked", "shaped"]},
    }
    print_report({**tally.report({}), "calibration": calibration}, as_json=False)
    assert (
        "mean tap 35.50 ps, +1.50% since calibrated; refreshed 5 table(s); "
        "detector 0 kept: locked, shaped"
    ) in capsys.readouterr().out
    print_report({**tally.report({}), "calibration": None}, as_json=False)
    assert "delay lines" not in capsys.readouterr().out


def test_every_event_of_a_session_is_a_sentence_or_nothing() -> None:
    counts = BlockCounts(3, 1_000)
    counts.errors = 17
    assert describe({"event": "block", **counts.facts()}).startswith(
        "block 3: 1,000 sifted, QBER 1.7"
    )
    assert "17 errors" in describe({"event": "corrected", **counts.facts()})
    assert describe(
        {"event": "table-kept", "channel": "trigger", "reason": "far", "message": "too warm"}
    ) == ("the table of the trigger stays as it is: too warm")
    assert "any more: deaf" in describe({"event": "refresh-ended", "message": "deaf"})
    assert describe({"event": "dropped", "block": 3, "reason": "qber"}) == "block 3 dropped: qber"
    assert describe({"event": "report"}) == ""


def test_doctor_names_versions_extras_and_ports(run: Run) -> None:
    done = run("doctor", "--json")
    facts = json.loads(done.out)
    assert facts["kernels"] == "ok"
    assert set(facts["packages"]) == {"numpy", "scipy", "cffi", "pyserial", "typer", "rich"}
    assert set(facts["extras"]) == {"plot", "gateware", "cosim"}
    assert isinstance(facts["ports"], list)
    assert done.code == (1 if facts["missing"] else 0)
    shown = run("doctor")
    assert shown.code == done.code
    assert "C kernels" in shown.out


def test_doctor_ends_with_1_when_a_package_is_missing(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hexkey.cli.doctor.CORE", ("numpy", "no-such-package"))
    done = run("doctor", "--json")
    assert done.code == 1
    assert json.loads(done.out)["missing"] == ["no-such-package"]
    assert "MISSING" in run("doctor").out


def test_keys_are_created_listed_and_compared(run: Run, tmp_path: Path) -> None:
    alice, bob = tmp_path / "a.store", tmp_path / "b.store"
    assert run("keys", "create", alice, bob, "--tag-keys", 20).code == 0
    listed = run("keys", "list", alice)
    assert "20 to send, 20 to receive" in listed.out
    facts = json.loads(run("keys", "list", bob, "--json").out)
    assert facts["role"] == "bob"
    assert facts["tag_keys"] == {"send": 20, "receive": 20}
    compared = run("keys", "compare", alice, bob)
    assert (compared.code, compared.out.startswith("equal: 0 key(s)")) == (0, True)


def test_stores_for_secret_keys_are_made_by_name_alone(run: Run, tmp_path: Path) -> None:
    for words, kind in (([], "demonstration"), (["--secret"], "secret")):
        paths = tmp_path / f"{kind}.alice", tmp_path / f"{kind}.bob"
        made = run("keys", "create", *paths, "--tag-keys", 10, *words)
        assert made.code == 0
        assert ("for secret keys" in made.out) == (kind == "secret")
        listed = run("keys", "list", paths[0], "--json")
        assert json.loads(listed.out)["kind"] == kind


def test_one_store_is_not_compared_with_itself(run: Run, stores: Stores) -> None:
    done = run("keys", "compare", stores.bob, stores.bob)
    assert done.code == 3
    assert "one file" in done.sentence


def test_debug_log_is_lines_of_json(run: Run, tmp_path: Path) -> None:
    done = run("--log-level", "debug", "distill", detections(tmp_path), "--json")
    lines = [json.loads(line) for line in done.err.splitlines()]
    assert [line["event"] for line in lines] == ["corrected"]
    assert {"time", "level", "errors"} <= set(lines[0])
    assert run("distill", detections(tmp_path), "--json").err == ""


def test_every_key_carries_what_the_protocol_says_of_itself(
    simulated: Path, run: Run, tmp_path: Path
) -> None:
    words = ("--record", simulated / "alice.record", "--out", tmp_path / "out", "--json")
    report = json.loads(run("distill", simulated / "run.recording", *words).out)
    assert set(unmet("b92", CIRCUMSTANCES, Circumstances("b92"))) <= set(report["reasons"])


def test_a_recording_too_short_for_a_block_says_so(run: Run, tmp_path: Path) -> None:
    short = tmp_path / "short"
    assert run("simulate", short, "--seconds", 0.5, "--seed", 1).code == 0
    words = ("--record", short / "alice.record", "--out", tmp_path / "out")
    done = run("distill", short / "run.recording", *words)
    assert done.code == 1
    assert "no block was filled" in done.err


def test_rates_and_efficiency_are_in_the_report(simulated: Path, run: Run, tmp_path: Path) -> None:
    words = ("--record", simulated / "alice.record", "--out", tmp_path / "out", "--json")
    report = json.loads(run("distill", simulated / "run.recording", *words).out)
    assert 1.0 < report["efficiency"] < 1.2
    assert report["history"][0]["end_s"] > report["history"][0]["start_s"]


def test_a_summary_says_what_authentication_costs() -> None:
    auth = {"used": 7_424, "made": 9_216}
    line = display._authentication(auth, secret_bits=55_967)
    assert line == "7,424 used, 9,216 made: 8.8 secret bits out for each used"
    assert display._authentication({"used": 0, "made": 0}, 0) == "0 used, 0 made"


def test_a_summary_of_bb84_says_what_is_known_of_source_and_splitter() -> None:
    terms = Bb84Terms(0.9, 0.88, 2e-5, 1e-10)
    parameters = SessionParameters(protocol="bb84", estimate_bits=0)
    tally = Tally(Session("00" * 32, parameters, ("a test",), terms))
    report = {**tally.report({}), "mismatch": {"efficiency_ratio": None, "limit": 1.05}}
    lines = dict(display.summary(report))
    assert lines["key basis"] == "chosen with 0.9 by Alice, with 0.88 at most by Bob's splitter"
    assert (
        "2.00e-05 of the pulses at most; the chance that this is too low is 1e-10"
        in (lines["several photons"])
    )
    assert lines["efficiencies"] == "ratio of best to worst not stated, limit 1.05"
    assert "test basis" not in lines  # no block yet
    unknown = Tally(Session("00" * 32, parameters, ("a test",), Bb84Terms(0.9, 0.88, 0.0, 0.0)))
    assert "no measurement" in dict(display.summary(unknown.report({})))["several photons"]
    assert unknown.report({})["epsilon"]["source"] == 0


def test_a_block_of_bb84_is_a_sentence() -> None:
    counts = BlockCounts(3, 900, errors=18)
    counts.bb84 = Bb84Counts(2_000, test_bits=100, test_errors=3)
    said = describe({"event": "block", **counts.facts()})
    assert "QBER 2.00%, in the test basis 3.00% of 100, " in said
