"""Blocks of every error rate, of no bits and of one; units that never come to an end."""

import time
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from tests.host.session.harness import (
    ALICE,
    TINY,
    Traffic,
    make_parties,
    pools_agree,
    run_session,
)

from hexkey.errors import BlockDropped, ChannelError, ConfigurationError, InputError, ProtocolError
from hexkey.party import detections_csv
from hexkey.record import RecordReader, RecordWriter, Statement
from hexkey.session import align, conversation
from hexkey.session.align import Sample
from hexkey.session.channel import Channel
from hexkey.session.conversation import LiveConversation
from hexkey.session.messages import Type
from hexkey.session.parameters import MOST_BLOCK_BITS, SessionParameters
from hexkey.store import compare

PULSES = 20_000
BLOCK = replace(TINY, block_bits=2_000)


@pytest.mark.parametrize("estimate_bits", [0, 64])
@pytest.mark.parametrize(
    ("qber", "abort", "reasons"),
    [
        (0.0, 0.11, set()),
        (0.11, 0.25, {"length"}),
        (0.11, 0.11, {"length", "qber"}),
        (0.11, 0.03, {"qber"}),
        (0.5, 0.11, {"qber", "reconciliation"}),
        (0.5, 0.25, {"qber", "reconciliation"}),
        (1.0, 0.25, {"qber", "reconciliation"}),
    ],
)
def test_every_error_rate_ends_alike_on_both_sides(
    tmp_path: Path, qber: float, abort: float, reasons: set[str], estimate_bits: int
) -> None:
    parameters = replace(BLOCK, estimate_bits=estimate_bits, qber_abort=abort)
    parties = make_parties(
        tmp_path, blocks=3, qber=(qber,) * 3, parameters=parameters, pulses=PULSES
    )
    traffic = Traffic()
    outcome = run_session(parties, traffic=traffic)
    assert outcome.alice_error is outcome.bob_error is None
    assert outcome.alice is not None
    assert outcome.bob is not None
    assert outcome.alice.dropped == outcome.bob.dropped
    assert outcome.alice.disclosed == outcome.bob.disclosed
    assert set(outcome.bob.dropped) <= reasons
    found = compare(parties.alice_store, parties.bob_store)
    assert found.equal
    assert found.common + outcome.bob.dropped.total() == 3
    if qber in (0.0, 0.5, 1.0):
        assert found.common == (3 if qber == 0.0 else 0)
    assert pools_agree(parties)
    answered = 8 * sum(len(body) for body in traffic.bodies(ALICE, Type.ANSWER))
    assert answered < 3 * 8 * (2 * parameters.block_bits + 64)


@pytest.mark.parametrize("size", [-1, 0, 1, 999, MOST_BLOCK_BITS + 1])
def test_blocks_of_a_size_that_makes_no_sense_are_refused_by_name(size: int) -> None:
    sentence = f"block_bits must be between 1000 and {MOST_BLOCK_BITS}, not {size}"
    with pytest.raises(ConfigurationError, match=f"^{sentence}$"):
        SessionParameters(block_bits=size)


HEADER = "qubit_id,tx_state,tx_basis,decoy_level,rx_state,rx_basis,matching_basis\n"


def detections(path: Path, wrong: list[bool]) -> Path:
    rows = (f"{n},1,0,1,{0 if bad else 1},0,True\n" for n, bad in enumerate(wrong))
    path.write_text(HEADER + "".join(rows))
    return path


@pytest.mark.parametrize(("bits", "sentence"), [(0, "holds no detections"), (1, "holds 1 sifted")])
@pytest.mark.parametrize("estimate_bits", [0, 64])
def test_a_file_of_no_bit_or_of_one_is_refused(
    tmp_path: Path, bits: int, sentence: str, estimate_bits: int
) -> None:
    path = detections(tmp_path / "few.csv", [False] * bits)
    parameters = replace(TINY, estimate_bits=estimate_bits)
    with pytest.raises(InputError, match=sentence):
        detections_csv.distill_csv(path, parameters, lambda event: None)


def test_a_file_of_more_bits_than_a_block_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(detections_csv, "MOST_BLOCK_BITS", 300)
    path = detections(tmp_path / "many.csv", [False] * 365)
    with pytest.raises(InputError, match="holds 365 sifted bits, more than the 300 of a block"):
        detections_csv.distill_csv(path, TINY, lambda event: None)


@pytest.mark.parametrize("estimate_bits", [0, 64])
def test_a_file_of_unrelated_bits_drops_its_block(tmp_path: Path, estimate_bits: int) -> None:
    wrong = (np.random.default_rng(1).random(2_000) < 0.5).tolist()
    path = detections(tmp_path / "unrelated.csv", wrong)
    with pytest.raises(BlockDropped, match=r"QBER|parities|round trips"):
        detections_csv.distill_csv(
            path, replace(TINY, estimate_bits=estimate_bits), lambda event: None
        )


class Slow:
    """A channel whose every message takes its time, but none too long."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel

    def send(self, kind: Type, body: bytes) -> None:
        self._channel.send(kind, body)

    def receive(self, timeout_s: float) -> tuple[Type, bytes]:
        time.sleep(0.02)
        return self._channel.receive(timeout_s)

    def close(self) -> None:
        self._channel.close()


def test_a_peer_that_answers_just_in_time_does_not_hold_a_block_for_ever(tmp_path: Path) -> None:
    parties = make_parties(tmp_path, qber=(0.05,), parameters=BLOCK, pulses=PULSES)
    began = time.monotonic()
    outcome = run_session(
        parties,
        wrap_bob=Slow,
        reply_timeout_s=5.0,
        alice_talks=partial(LiveConversation, unit_timeout_s=0.4),
    )
    assert time.monotonic() - began < 3.0
    assert isinstance(outcome.alice_error, ChannelError)
    assert "longer than 0.4 s for one unit" in str(outcome.alice_error)
    assert isinstance(outcome.bob_error, ChannelError)
    assert compare(parties.alice_store, parties.bob_store).common == 0


def test_waiting_for_a_block_is_not_in_its_time(tmp_path: Path) -> None:
    parties = make_parties(tmp_path, blocks=3, qber=(0.02,) * 3, parameters=TINY, pulses=PULSES)
    patient = partial(LiveConversation, unit_timeout_s=5.0)
    assert run_session(parties, alice_talks=patient, bob_talks=patient).alice_error is None
    assert compare(parties.alice_store, parties.bob_store).common == 3


def test_a_unit_of_too_many_messages_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parties = make_parties(tmp_path, qber=(0.05,), parameters=BLOCK, pulses=PULSES)
    monkeypatch.setattr(conversation, "UNIT_LIMIT_MESSAGES", 40)
    traffic = Traffic()
    outcome = run_session(parties, traffic=traffic, reply_timeout_s=0.5)
    errors = [outcome.alice_error, outcome.bob_error]
    assert any(isinstance(error, ProtocolError) for error in errors)
    assert any("more than 40 messages" in str(error) for error in errors)
    assert compare(parties.alice_store, parties.bob_store).common == 0


def test_a_sample_that_spans_years_takes_no_memory(tmp_path: Path) -> None:
    """Of a public pattern only the place in it counts, however far apart the pulses are."""
    path = tmp_path / "pattern.record"
    with RecordWriter(path, Statement(40_000_000, "public", "10", False, pattern="10")):
        pass
    rng = np.random.default_rng(3)
    pulses = np.cumsum(rng.integers(1, 2**32, 256)).astype(np.uint64)
    bits = ((pulses + np.uint64(1)) % np.uint64(2)).astype(np.uint8)  # the pattern's, one later
    with RecordReader(path) as record:
        found = align._search(Sample(0, pulses, bits ^ np.uint8(1)), record, 10**6)
        assert (found.offset, found.modulo, found.mismatches) == (1, 2, 0)
        found = align._search(Sample(0, pulses, bits), record, 10**6)
        assert (found.offset, found.modulo, found.mismatches) == (0, 2, 0)
