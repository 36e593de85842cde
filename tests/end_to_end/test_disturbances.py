"""Processes that are interrupted, killed, set differently, or run out of disk."""

import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from tests.end_to_end.processes import ROLE_BLOCK_BITS, Ended, Role, Scene, hexkey, scene

from hexkey.record import RecordWriter, Statement
from hexkey.store import Store

GONE = ("hexkey: the peer closed", "hexkey: the connection to the peer", "hexkey: the peer could")


@contextmanager
def both(stage: Scene, *bob_words: object) -> Iterator[tuple[Role, Role]]:
    """Run a session without end, and go on once it has made two keys."""
    with stage.alice() as alice:
        address = alice.wait_for("listening")["address"]
        with stage.bob(address, "--seconds", 0, *bob_words) as bob:
            bob.wait_for("block", 2)
            yield alice, bob


def assert_left_alone(survivor: Ended) -> None:
    assert survivor.code == 5
    assert survivor.sentence.startswith(GONE)


def settle(stage: Scene, at_least: int) -> None:
    """Whatever was left open, the next session on the same stores settles it."""
    alice, bob = stage.session()
    assert (alice.code, bob.code) == (0, 0), alice.err + bob.err
    for path in (stage.alice_store, stage.bob_store):
        with Store.open(path, read_only=True) as store:
            assert store.pending_ids() == []
    assert stage.equal_keys() >= at_least + bob.report["blocks"]["ok"] > at_least


def test_interrupted_alice_says_so_and_leaves_stores_that_settle(tmp_path: Path) -> None:
    with scene(tmp_path) as stage:
        with both(stage) as (alice, bob):
            alice.signal(signal.SIGINT)
            ended = alice.end()
            left = bob.end()
            assert_left_alone(left)
        assert left.report["blocks"]["ok"] >= 2  # whatever ended it, what was done is told
        assert left.report["ended"]
        assert ended.code == 130
        assert ended.sentence == "hexkey: interrupted; what was final is stored."
        settle(stage, 2)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_bob_finishes_the_block_and_says_goodbye(
    tmp_path: Path, number: signal.Signals
) -> None:
    with scene(tmp_path) as stage:
        with both(stage) as (alice, bob):
            bob.signal(number)
            ended, left = bob.end(), alice.end()
        assert (ended.code, left.code) == (0, 0)
        assert "stopping after the block at hand" in ended.err
        assert ended.report["blocks"]["ok"] == left.report["blocks"]["ok"] >= 2
        assert stage.equal_keys() == ended.report["blocks"]["ok"]


def test_killed_alice_leaves_stores_that_settle(tmp_path: Path) -> None:
    with scene(tmp_path) as stage:
        with both(stage) as (alice, bob):
            alice.signal(signal.SIGKILL)
            assert_left_alone(bob.end())
        settle(stage, 2)


def test_alice_outlives_a_killed_bob_and_serves_the_next(tmp_path: Path) -> None:
    with scene(tmp_path) as stage:
        with stage.alice("--sessions", 0, "--block-bits", ROLE_BLOCK_BITS) as alice:
            address = alice.wait_for("listening")["address"]
            with stage.bob(address, "--seconds", 0) as bob:
                bob.wait_for("block")
                bob.signal(signal.SIGKILL)
                bob.end()
            alice.wait_for("failed")
            with stage.bob(address, "--seconds", 1) as bob:
                assert bob.end().code == 0
            alice.wait_for("report")
            alice.signal(signal.SIGINT)
            assert alice.end().code == 130
        assert stage.equal_keys() >= 2


def test_settings_that_differ_are_refused_by_name(tmp_path: Path) -> None:
    with scene(tmp_path) as stage:
        alice, bob = stage.session(alice_words=("--block-bits", 9_000))
    assert (alice.code, bob.code) == (5, 5)
    assert "block_bits is 9000 at Alice and 8000 at Bob" in alice.sentence
    assert "block_bits is 9000 at Alice and 8000 at Bob" in bob.sentence


def test_public_pattern_makes_a_demonstration_with_its_offset_modulo_two(tmp_path: Path) -> None:
    with scene(tmp_path, "--measurement") as stage:
        alice, bob = stage.session()
        assert (alice.code, bob.code) == (0, 0), alice.err + bob.err
        assert stage.equal_keys() == bob.report["blocks"]["ok"] >= 1
    (alignment,) = bob.report["alignments"]
    assert alignment["modulo"] == 2
    assert alignment["offset"] in (0, 1)
    assert bob.report["label"] == "demonstration"
    assert any("public, not random" in reason for reason in bob.report["reasons"])


def test_record_of_another_run_ends_both_sides_with_a_reason(tmp_path: Path) -> None:
    with scene(tmp_path) as stage:
        stage.record.unlink()  # the board writes on in the old file, which has no name any more
        with RecordWriter(stage.record, Statement(40_000_000, "random", "test", True)) as writer:
            writer.append(np.random.default_rng(3).bytes(1_000_000), 8_000_000)
        alice, bob = stage.session()
    assert (alice.code, bob.code) == (3, 3)
    assert str(stage.record) in alice.sentence
    assert "of another run" in bob.sentence


def fill_disk(process: Role, size: int) -> None:
    """Let no file of a running process grow beyond `size`."""
    resource.prlimit(process.process.pid, resource.RLIMIT_FSIZE, (size, size))


def test_full_disks_end_with_the_name_of_the_file_and_keep_the_keys(tmp_path: Path) -> None:
    with scene(tmp_path) as stage:
        recording = stage.bob_store.parent / "run.recording"
        with both(stage, "--recording", recording.name) as (alice, bob):
            fill_disk(bob, recording.stat().st_size + 1_000)
            ended = bob.end()
            assert_left_alone(alice.end())
        assert ended.code == 7
        assert "run.recording cannot be written" in ended.sentence
        for victim, store in enumerate((stage.alice_store, stage.bob_store)):
            with both(stage) as roles:
                fill_disk(roles[victim], 4096)
                ended = roles[victim].end()
                assert_left_alone(roles[1 - victim].end())
            assert ended.code == 7
            assert str(store) in ended.sentence
        settle(stage, 6)
    cut = hexkey("distill", recording, "--out", tmp_path / "again")
    assert cut.returncode == 0, cut.stderr
    assert "the end is missing" in cut.stderr
