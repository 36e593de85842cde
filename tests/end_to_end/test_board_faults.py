"""A board with faults between real processes: losses are counted, keys stay equal."""

from pathlib import Path

import pytest
from tests.end_to_end.processes import hexkey, role, scene

from hexkey.randomness import Seeded
from hexkey.store import create_pair

COUNTED = {
    ("lose-bytes:rate=1e-4", "overflow:at=0.3s,for=0.1s"): ("frames_missed", "board_lost"),
    ("flip-bits:rate=1e-5", "drop-reply:count=3"): ("frames_missed", "bad_frames"),
}


@pytest.mark.parametrize("faults", COUNTED)
def test_losses_are_counted_and_keys_are_equal(faults: tuple[str, str], tmp_path: Path) -> None:
    with scene(tmp_path, "--fault", faults[0], "--fault", faults[1]) as stage:
        alice, bob = stage.session("--seconds", 1.2)
        assert (alice.code, bob.code) == (0, 0), alice.err + bob.err
        assert stage.equal_keys() == bob.report["blocks"]["ok"] >= 1
    for name in COUNTED[faults]:
        assert bob.report["losses"][name] > 0, name
    assert bob.report["qber"] < 0.05  # a lost frame never shifts the pulses after it


def test_lost_trigger_begins_an_epoch_that_is_aligned_anew(tmp_path: Path) -> None:
    with scene(tmp_path, "--fault", "lose-trigger:at=0.5s,for=50ms", "--port", "tcp") as stage:
        alice, bob = stage.session("--seconds", 2)
        assert (alice.code, bob.code) == (0, 0), alice.err + bob.err
        assert stage.equal_keys() == bob.report["blocks"]["ok"] >= 1
    assert bob.report["losses"]["epochs"] == 2
    first, second = bob.report["alignments"]
    assert [first["epoch"], second["epoch"]] == [0, 1]
    assert first["offset"] < second["offset"]  # the new count starts at 0, later in her record
    assert bob.report["disclosed_bits"]["offset"] == 1024
    assert bob.report["qber"] < 0.05


def test_vanished_board_ends_with_its_name_and_keeps_the_keys(tmp_path: Path) -> None:
    with scene(tmp_path, "--fault", "vanish:at=0.8s") as stage:
        alice, bob = stage.session("--seconds", 60)
        assert bob.code == 4
        assert bob.sentence.startswith(f"hexkey: the device at {stage.port} is gone")
        assert alice.code == 5
        assert alice.sentence == "hexkey: the peer closed the connection."
        assert stage.equal_keys() == len(bob.of("block")) >= 1


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [("garbage", "sends bytes but no hexkey frame"), ("wrong-version", "version 254")],
)
def test_board_that_cannot_be_understood_is_named(
    fault: str, sentence: str, tmp_path: Path
) -> None:
    create_pair(tmp_path / "alice.store", tmp_path / "bob.store", 40, Seeded(1))
    with role("virtual-board", "--fault", fault) as board:
        port = board.wait_for("port")["port"]
        words = ("--peer", "127.0.0.1:9", "--store", tmp_path / "bob.store")
        done = hexkey("bob", "--port", port, *words)
    assert done.returncode == 4
    assert sentence in done.stderr
    assert port in done.stderr
    assert len(done.stderr.splitlines()) == 1
