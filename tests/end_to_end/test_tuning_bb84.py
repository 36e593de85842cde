"""`hexkey tune` of BB84: counts as the session's own sifting, rates as distillation gets them."""

import json
import tomllib
from dataclasses import replace
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.end_to_end.test_tuning import TAGGER, WIRED
from tests.host.cli.conftest import Run, run
from tests.host.test_plot import size_of

from hexkey.errors import InputError
from hexkey.events import DETECTORS
from hexkey.gate import Gate
from hexkey.maps import Windows
from hexkey.maps.bb84 import Bb84Reading, Bb84WindowCounts
from hexkey.maps.recorded import count_recording
from hexkey.party.distill import distill, distill_tags
from hexkey.randomness import OperatingSystem
from hexkey.receiver import Receiver
from hexkey.record import RecordReader
from hexkey.recording import RecordingWriter, describe_run, read_recording
from hexkey.rule import Bb84Rule
from hexkey.session.bb84 import Bb84Counts
from hexkey.session.bb84 import sift as match
from hexkey.tags import open_tags
from hexkey.window import Window
from hexkey.wire import StreamParser
from hexkey_sim.link import preset, whole_period
from hexkey_sim.roles import write_roles
from hexkey_sim.simulate import run_simulation

__all__ = ["run"]  # the fixture

SECONDS, OFFSET, PERIOD = 2.5, 4_321, 2500
LINK = preset("bb84").with_channel_loss(0.0)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The link over the whole period, bright enough for cross clicks, with a pulse offset."""
    out = tmp_path_factory.mktemp("tuning") / "out"
    link = whole_period(LINK)
    link = replace(link, parameters=replace(link.parameters, start_offset_pulses=OFFSET))
    run_simulation(link, out, SECONDS, 8, tags=True)
    write_roles(LINK, None, out)
    return out


@pytest.fixture(scope="module")
def captured(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same wire as `hexkey capture` describes it: nothing is said of a session."""
    recording = read_recording(folder / "run.recording")
    path = tmp_path_factory.mktemp("captured") / "run.recording"
    writer = RecordingWriter(path)
    window = Window(Gate(0, PERIOD), PERIOD, Fraction(10))
    writer.meta({**describe_run(recording.meta["run"], window, (1, 0)), "reasons": []})
    for data in recording.wire:
        writer.wire(data)
    writer.close({})
    return path


def tuned(run: Run, file: Path, record: Path, *words: Any) -> dict[str, Any]:
    done = run("tune", file, "--alice", record, "--json", *words)
    assert done.code == 0, done
    found: dict[str, Any] = json.loads(done.out)
    return found


def by_the_receiver(folder: Path, gate: Gate, offset: int) -> tuple[Bb84Counts, int]:
    """Sift as `hexkey distill` does and count as a session; return the key's errors, too."""
    recording = read_recording(folder / "run.recording")
    meta, parser = recording.meta, StreamParser()
    rule = Bb84Rule(OperatingSystem())
    receiver = Receiver(meta["run"], (gate,) * DETECTORS, meta["period_ticks"], rule)
    chunks = []
    for data in recording.wire:
        chunks += receiver.push(parser.feed_decoded(data))
    chunks += receiver.finish()
    pulses = np.concatenate([chunk.pulses for chunk in chunks]) + np.uint64(offset)
    bits = np.concatenate([chunk.bits for chunk in chunks])
    bases = np.concatenate([chunk.bases for chunk in chunks if chunk.bases is not None])
    counts = Bb84Counts(len(pulses))
    with RecordReader(folder / "alice.record") as record:
        sifting = match(counts, bases, record.bases_at(pulses), 0, 0)
        wrong = record.bits_at(pulses) != bits
    counts.test_errors = int(np.count_nonzero(wrong & sifting.test))
    return counts, int(np.count_nonzero(wrong & sifting.key))


def test_every_gate_is_as_the_receiver_finds_it(folder: Path) -> None:
    """Gates past the period's end and those of the whole period among them."""
    starts, widths = np.array([0, 50, 2400]), np.array([300, 1000, 2500])
    found = count_recording(
        folder / "run.recording",
        folder / "alice.record",
        lambda tick_ps, period: Windows(starts, widths, period),
    )
    assert [alignment.offset for alignment in found.alignments] == [OFFSET]
    assert isinstance(found.reading, Bb84Reading)
    counts = Bb84WindowCounts.of_kinds(found.windows, found.kinds)
    for place in np.ndindex(3, 3):
        gate = Gate(int(starts[place[0]]), int(widths[place[1]]))
        expected, key_errors = by_the_receiver(folder, gate, OFFSET + int(found.shift[place]))
        assert counts.clicks[place] == expected.clicks
        assert counts.crosses[place] == expected.cross_clicks
        assert counts.key_bits[place] == expected.key_bits
        assert counts.test_bits[place] == expected.test_bits
        # Random bits of double clicks: each is wrong, or is not.
        drawn = counts.doubles[place] / 2
        assert abs(counts.test_errors[place] - expected.test_errors) <= drawn
        assert abs(counts.key_errors[place] - key_errors) <= drawn
    assert found.shift[1].tolist() == [0, 0, 0]
    assert counts.key_errors[1, 1] < 0.03 * counts.key_bits[1, 1]
    assert counts.crosses[0, 2] > 20
    assert counts.doubles[0, 2] > 10


def test_the_rate_is_what_distillation_gets(folder: Path, tmp_path: Path, run: Run) -> None:
    files = folder / "run.recording", folder / "alice.record"
    report = tuned(run, *files, "--start-ns", "0", "--width-ns", "25")
    (best,) = report["best"]
    distilled = distill(*files, tmp_path / "keys", lambda event: None)
    blocks = distilled["history"]
    assert len(blocks) == distilled["blocks"]["ok"] >= 2
    made = sum(block["secret_bits"] + block["refill_bits"] for block in blocks)
    hz = made / sum(block["end_s"] - block["start_s"] for block in blocks)
    # Blocks differ by their test bases' errors, and one in LDPC's code leaks more than in Cascade.
    assert best["secret_hz"] == pytest.approx(hz, rel=0.1)
    bits = sum(block["sifted_bits"] for block in blocks)
    assert best["qber"] == pytest.approx(sum(b["errors"] for b in blocks) / bits, rel=0.02)
    seen = [block["bb84"] for block in blocks]
    assert best["phase_error_upper"] == pytest.approx(
        np.mean([block["phase_error_upper"] for block in seen]), rel=0.05
    )
    assert best["single_lower"] == pytest.approx(
        np.mean([block["single_lower"] for block in seen]), rel=0.01
    )
    # The block of the session, in the time that it took.
    assert report["block_seconds"] == pytest.approx(
        np.mean([block["end_s"] - block["start_s"] for block in blocks]), rel=0.01
    )


def test_the_best_gate_its_uncertainty_and_the_maps(folder: Path, run: Run) -> None:
    report = tuned(
        run, folder / "run.recording", folder / "alice.record",
        "--start-ns", "0:2:1", "--width-ns", "4:16:4", "--block-seconds", "2",
    )  # fmt: skip
    assert (report["protocol"], report["block_seconds"], report["double_clicks"]) == (
        "bb84",
        2.0,
        "random",
    )
    shape = 3, 4
    for name in ("sifted_hz", "qber", "test_hz", "test_qber", "secret_hz", "shift"):
        assert np.shape(report[name]) == shape
    best, optimum = report["best"][0], report["optimum"]
    assert best["secret_hz"] == np.max(report["secret_hz"]) == optimum["secret_hz"] > 0
    assert 0.002 < optimum["sigma_hz"] / optimum["secret_hz"] < 0.1
    assert optimum["held_out_hz"] == pytest.approx(optimum["secret_hz"], rel=0.1)
    place = report["start_ns"].index(best["start_ns"]), report["width_ns"].index(best["width_ns"])
    assert report["test_qber"][place[0]][place[1]] == best["test_qber"]
    assert best["test_qber"] == pytest.approx(best["test_errors"] / best["test_bits"])
    assert "union_secret_hz_unproven" not in report
    assert any("session's bound" in sentence for sentence in report["cautions"])
    assert not any("Nothing is stated" in sentence for sentence in report["cautions"])


def test_a_capture_takes_the_source_from_the_roles_configurations(
    folder: Path, captured: Path, run: Run
) -> None:
    grid = ("--start-ns", "0:2:1", "--width-ns", "4:16:4", "--block-seconds", "2")
    record = folder / "alice.record"
    of_session = tuned(run, folder / "run.recording", record, *grid)
    bare = tuned(run, captured, record, *grid)
    assert bare["terms"] == {
        "alice_key_probability": 0.88,
        "bob_key_probability": 0.5,
        "multiphoton_upper": 0.0,
        "source_epsilon": 0.0,
    }
    assert any("Nothing is stated of Alice's source" in each for each in bare["cautions"])
    assert bare["sifted_hz"] == of_session["sifted_hz"]
    assert bare["optimum"]["secret_hz"] > of_session["optimum"]["secret_hz"]
    stated = tuned(
        run, captured, record, *grid,
        "--alice-config", folder / "alice.toml", "--bob-config", folder / "bob.toml",
    )  # fmt: skip
    assert stated["terms"] == pytest.approx(of_session["terms"])
    np.testing.assert_allclose(stated["secret_hz"], of_session["secret_hz"])
    assert not any("Nothing is stated" in sentence for sentence in stated["cautions"])


def test_a_taggers_file_gives_the_boards_maps(folder: Path, run: Run) -> None:
    """But for clicks that the trigger's jitter moves over a gate's edge, and merged doubles."""
    grid = ("--start-ns", "0:4:2", "--width-ns", "4:12:4")
    wired = ("--detectors", "0=1,1=2,2=3,3=4", *WIRED[2:])
    record = folder / "alice.record"
    board = tuned(run, folder / "run.recording", record, *grid)
    tagger = tuned(run, folder / "run.qutag", record, *grid, *wired)
    for name in ("sifted_hz", "test_hz"):
        np.testing.assert_allclose(board[name], tagger[name], rtol=0.01)
    for name in ("qber", "test_qber"):
        np.testing.assert_allclose(board[name], tagger[name], atol=3e-3)
    assert tagger["terms"]["multiphoton_upper"] == 0


def test_keys_from_a_taggers_file(folder: Path, tmp_path: Path) -> None:
    tagger = replace(TAGGER, channels=(1, 2, 3, 4), gate_start_ns=0.0, gate_width_ns=24.0)
    file, record = open_tags(folder / "run.qutag"), folder / "alice.record"
    report = distill_tags(file, tagger, record, tmp_path / "keys", lambda event: None)
    assert report["protocol"] == "bb84"
    assert report["label"] == "demonstration"
    assert report["blocks"]["ok"] + sum(report["blocks"]["dropped"].values()) >= 1
    assert report["equal"]


def test_the_command_draws_names_the_best_and_writes(
    folder: Path, tmp_path: Path, run: Run
) -> None:
    picture, config = tmp_path / "map.png", tmp_path / "bob.toml"
    config.write_text("gate_start_ns = 0.5\n")
    done = run(
        *("tune", folder / "run.recording", "--alice", folder / "alice.record"),
        *("--plot", picture, "--write", config, "--best", 2),
        *("--start-ns", "0:1:0.5", "--width-ns", "8:12:1"),
    )
    assert done.code == 0
    for words in ("test", "phase ≤", "session's bound", "chosen by one half", "measure those"):
        assert words in done.out
    assert "union bound ┃" not in done.out
    assert size_of(picture) == (1680, 960)
    assert tomllib.loads(config.read_text()).keys() == {"gate_start_ns", "gate_width_ns"}


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (("--protocol", "b92"), 2, "'b92' is not that of the recording: use bb84"),
        (("--protocol", "e91"), 2, "--protocol 'e91' is unknown to maps"),
        (("--block-seconds", "0"), 2, "block_s of a map must be positive, not 0"),
        (("--bob-config", "none.toml"), 2, "configuration none.toml cannot be read"),
    ],
)
def test_what_the_command_refuses(
    words: tuple[str, str], code: int, sentence: str, folder: Path, run: Run
) -> None:
    files = ("tune", folder / "run.recording", "--alice", folder / "alice.record")
    done = run(*files, "--width-ns", "10", "--start-ns", "0", *words)
    assert done.code == code
    assert sentence in done.sentence


def test_configurations_of_b92_are_refused(folder: Path, tmp_path: Path, run: Run) -> None:
    write_roles(preset("bench"), None, tmp_path)
    for option, name in (("--alice-config", "alice.toml"), ("--bob-config", "bob.toml")):
        done = run(
            *("tune", folder / "run.recording", "--alice", folder / "alice.record"),
            *(option, tmp_path / name),
        )
        assert done.code == 2
        assert f"{name} is of b92: give one of bb84" in done.sentence


def test_protocols_of_the_two_files_must_agree(folder: Path, tmp_path: Path, run: Run) -> None:
    run_simulation(preset("bench"), tmp_path / "b92", 0.02, 1)
    b92 = tmp_path / "b92"
    done = run("tune", folder / "run.recording", "--alice", b92 / "alice.record")
    assert done.code == 3
    assert "is of BB84 and Alice's record" in done.sentence
    configured = ("--bob-config", folder / "bob.toml")
    done = run("tune", b92 / "run.recording", "--alice", b92 / "alice.record", *configured)
    assert done.code == 2
    assert "leave --alice-config and --bob-config away" in done.sentence


def test_secret_keys_are_not_looked_at_again(folder: Path, tmp_path: Path) -> None:
    recording = read_recording(folder / "run.recording")
    path = tmp_path / "secret.recording"
    writer = RecordingWriter(path)
    writer.meta({**recording.meta, "secret": True})
    writer.close({})
    windows = partial(Windows, np.array([0]), np.array([300]))
    with pytest.raises(InputError, match="made secret keys"):
        count_recording(path, folder / "alice.record", lambda tick_ps, period: windows(period))
