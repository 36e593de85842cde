"""`hexkey tune` on a simulated recording, and on the same clicks as a tagger's file."""

import json
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.host.cli.conftest import Run, run
from tests.host.test_plot import size_of

from hexkey.party.distill import distill, distill_tags
from hexkey.party.tag_source import Tagger
from hexkey.tags import open_tags
from hexkey_sim.board_runner import VirtualBoardThread
from hexkey_sim.link import preset, whole_period
from hexkey_sim.simulate import run_simulation
from hexkey_sim.virtual_board import VirtualBoard

__all__ = ["run"]  # the fixture

SECONDS, OFFSET = 0.6, 4_321
WIRED = ("--detectors", "0=1,1=2", "--trigger-channel", "5", "--trigger-divider", "8")
TAGGER = Tagger(channels=(1, 2), trigger_channel=5, trigger_divider=8)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bright link over the whole period, with a pulse offset."""
    out = tmp_path_factory.mktemp("tuning") / "out"
    chosen = whole_period(preset("bench"))
    chosen = replace(chosen, parameters=replace(chosen.parameters, start_offset_pulses=OFFSET))
    run_simulation(chosen, out, SECONDS, 8, tags=True)
    return out


def tuned(run: Run, file: Path, *words: Any) -> dict[str, Any]:
    record = file.parent / "alice.record"
    done = run("tune", file, "--alice", record, "--json", *words)
    assert done.code == 0, done
    found: dict[str, Any] = json.loads(done.out)
    return found


def test_a_taggers_file_gives_the_boards_maps(folder: Path, run: Run) -> None:
    """But for clicks that the trigger's jitter moves over a gate's edge, and merged doubles."""
    grid = ("--start-ns", "0:4:1", "--width-ns", "3:12:1")
    board = tuned(run, folder / "run.recording", *grid)
    tagger = tuned(run, folder / "run.qutag", *grid, *WIRED)
    one, two = np.array(board["sifted_hz"]), np.array(tagger["sifted_hz"])
    np.testing.assert_allclose(one, two, rtol=5e-3)
    np.testing.assert_allclose(board["qber"], tagger["qber"], atol=2e-3)
    assert board["offsets"] == [OFFSET]
    assert tagger["optimum"]["secret_hz"] == pytest.approx(board["optimum"]["secret_hz"], rel=0.02)
    assert tagger["damage"] == []


def test_keys_from_a_taggers_file(folder: Path, tmp_path: Path) -> None:
    """The same sifted bits as from the board's recording, and equal keys of both roles."""
    file, record = folder / "run.qutag", folder / "alice.record"
    report = distill_tags(open_tags(file), TAGGER, record, tmp_path / "keys", lambda event: None)
    assert report["equal"]
    assert report["blocks"]["ok"] >= 1
    assert report["label"] == "demonstration"
    assert "the untrusted transmission is not stated" in report["reasons"]
    assert any("between two local roles" in reason for reason in report["reasons"])
    of_board = distill(folder / "run.recording", record, tmp_path / "board", lambda event: None)
    # The board's gate is the whole period: its events are those that passed the hold-off.
    assert report["losses"]["events"] >= of_board["losses"]["events"]
    assert report["losses"]["held_off"] > 1_000
    assert report["losses"]["untriggered"] <= 2
    trigger = report["trigger"]
    assert (trigger["epochs"], trigger["unlocked_edges"], trigger["late_edges"]) == (1, 0, 0)
    assert trigger["jitter_ps"] == pytest.approx(30, rel=0.1)
    assert trigger["period_ps"] == pytest.approx(25_000 * (1 + 20e-6), rel=1e-7)
    assert sum(report["histogram"]["counts"]) == (
        report["losses"]["events"] + report["losses"]["held_off"]
    )


def test_the_command_distils_a_taggers_file(folder: Path, tmp_path: Path, run: Run) -> None:
    words = ("--record", folder / "alice.record", "--out", tmp_path / "keys", "--json")
    done = run("distill", folder / "run.qutag", *words, *WIRED, "--gate-width-ns", "8")
    assert done.code == 0
    report = json.loads(done.out)
    assert report["window"] == {"start_ticks": 500, "width_ticks": 8_000, "tick_ps": "1"}


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (WIRED[:2], 2, "name the channel of the trigger's edges"),
        (("--detectors", "0=1,2=3", *WIRED[2:]), 2, "--detectors '0=1,2=3' cannot be read"),
        ((*WIRED, "--delay-ns", "a"), 2, "--delay-ns 'a' cannot be read"),
        ((*WIRED, "--holdoff-pulses", "0"), 2, "shorter than the longest dead time of 24000 ps"),
        ((*WIRED[:-1], "7"), 3, "are no trigger of 7 pulse"),
        ((*WIRED, "--pulse-rate-hz", "0"), 2, "pulse_rate_hz must be positive"),
    ],
)
def test_what_is_refused_of_a_taggers_file(
    words: tuple[str, ...], code: int, sentence: str, folder: Path, tmp_path: Path, run: Run
) -> None:
    files = ("--record", folder / "alice.record", "--out", tmp_path / "keys")
    done = run("distill", folder / "run.qutag", *files, *words)
    assert done.code == code
    assert sentence in done.sentence


def test_a_taggers_file_alone_makes_no_key(folder: Path, run: Run) -> None:
    done = run("distill", folder / "run.qutag", *WIRED)
    assert done.code == 2
    assert "is a time tagger's file (qutools binary (quTAG)): give Alice's record" in done.sentence


def test_a_recording_says_itself_how_it_was_wired(folder: Path, run: Run) -> None:
    for command, option in (("tune", "--alice"), ("distill", "--record")):
        done = run(command, folder / "run.recording", option, folder / "alice.record", *WIRED)
        assert done.code == 2
        assert "says itself how it was recorded" in done.sentence


def test_the_command_draws_names_the_best_and_cautions(
    folder: Path, tmp_path: Path, run: Run
) -> None:
    picture = tmp_path / "map.png"
    done = run(
        *("tune", folder / "run.recording", "--alice", folder / "alice.record"),
        *("--plot", picture, "--best", 2, "--start-ns", "0:1:0.5", "--width-ns", "8:12:1"),
    )
    assert done.code == 0
    assert "15 gates, " in done.out
    for words in (
        "no security proof of B92",
        "fixed beforehand, by data of an earlier time",
        "Monitor g2 inside Alice",
        "edge of the grid",
        "chosen by one half of the data",
        "Within two standard deviations",
    ):
        assert words in done.out
    assert size_of(picture) == (1380, 960)


def test_one_gate_is_what_the_report_says_of_it(folder: Path, run: Run) -> None:
    report = tuned(run, folder / "run.recording", "--start-ns", "0.5", "--width-ns", "10")
    (best,) = report["best"]
    assert report["sifted_hz"] == [[best["sifted_hz"]]]
    assert best["sifted_hz"] == pytest.approx(best["sifted_bits"] / report["seconds"])
    assert report["qber"] == [[best["errors"] / best["sifted_bits"]]]
    assert best["secret_hz"] == best["union_secret_hz_unproven"] > 0  # one gate: no choice
    optimum = report["optimum"]
    assert (optimum["start_ns"], optimum["width_ns"], optimum["alike_gates"]) == (0.5, 10.0, 1)
    assert optimum["secret_hz"] == pytest.approx(best["secret_hz"], abs=2)


def test_the_best_gate_goes_into_configuration_and_board(
    folder: Path, tmp_path: Path, run: Run
) -> None:
    config = tmp_path / "bob.toml"
    config.write_text('peer = "alice:1"  # the lab\ngate_start_ns = 0.5\n[session]\n')
    link = preset("bench").link(1)
    with VirtualBoardThread(VirtualBoard(link, period_ps=25_000)) as board:
        report = tuned(
            run, folder / "run.recording", "--start-ns", "0:1:0.5", "--width-ns", "8:12:1",
            "--write", config, "--port", board.name,
        )  # fmt: skip
    best = report["best"][0]
    assert tomllib.loads(config.read_text()) == {
        "peer": "alice:1",
        "gate_start_ns": best["start_ns"],
        "gate_width_ns": best["width_ns"],
        "session": {},
    }
    written, held = report["written"]
    assert written["where"] == str(config)
    registers = held["registers"]
    assert (registers["start_ticks"], registers["width_ticks"]) == (
        round(100 * best["start_ns"]),
        round(100 * best["width_ns"]),
    )


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--start-ns", "a:b"), "--start-ns 'a:b' is no grid"),
        (("--width-ns", "3:12:0"), "--width-ns '3:12:0' is no grid"),
        (("--width-ns", "3:12:0.0001"), "has 90001 values"),
        (("--width-ns", "3:12:0.005"), "width_ns = 3.005 is no whole number of the board's ticks"),
        (("--start-ns", "0:26:1"), "must open before tick 2500"),
        (("--plot", "map.gif"), "map.gif must end in .png, .pdf or .svg"),
        (("--block-seconds", "0"), "block_s of a map must be positive, not 0"),
        (("--protocol", "e91"), "--protocol 'e91' is unknown to maps"),
        (("--protocol", "b92-certified"), "needs --untrusted-transmission, above 0"),
    ],
)
def test_what_the_command_refuses(
    words: tuple[str, str], sentence: str, folder: Path, run: Run
) -> None:
    done = run("tune", folder / "run.recording", "--alice", folder / "alice.record", *words)
    assert done.code == 2
    assert sentence in done.sentence


def test_nothing_is_written_where_no_gate_gives_a_key(
    folder: Path, tmp_path: Path, run: Run
) -> None:
    config = tmp_path / "bob.toml"
    config.write_text("gate_start_ns = 0.5\n")
    done = run(
        *("tune", folder / "run.recording", "--alice", folder / "alice.record", "--write", config),
        *("--block-seconds", "0.00001", "--start-ns", "0", "--width-ns", "10"),
    )
    assert done.code == 1
    assert "no gate of the grid gives a key" in done.err
    assert config.read_text() == "gate_start_ns = 0.5\n"
