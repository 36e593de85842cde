"""What a session says it disclosed and spent is what crossed, however it ended."""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.host.session.harness import (
    ALICE,
    BOB,
    TINY,
    Parties,
    Traffic,
    make_parties,
    run_session,
)

from hexkey.errors import ChannelError, ConfigurationError
from hexkey.reconcile import cascade
from hexkey.session.block import Harvest
from hexkey.session.block_bob import SiftedBlock
from hexkey.session.channel import Channel
from hexkey.session.conversation import EPSILON_TAG
from hexkey.session.messages import Type, Verify
from hexkey.session.parameters import SessionParameters
from hexkey.store import DemonstrationKey, Store, compare

PULSES = 20_000
CLOSING_MARKER_BYTES = 16


@pytest.fixture
def parties(tmp_path: Path) -> Parties:
    return make_parties(tmp_path, blocks=2, parameters=TINY, pulses=PULSES)


def parities(traffic: Traffic) -> range:
    """The number of parities answered, as far as the answers' bytes tell."""
    answers = traffic.bodies(ALICE, Type.ANSWER)
    most = 8 * sum(len(body) for body in answers)
    return range(most - 7 * len(answers), most + 1)


class CutBefore:
    """A channel that breaks when its user would receive a message of some type."""

    def __init__(self, channel: Channel, kind: Type) -> None:
        self._channel = channel
        self._kind = kind

    def send(self, kind: Type, body: bytes) -> None:
        self._channel.send(kind, body)

    def receive(self, timeout_s: float) -> tuple[Type, bytes]:
        kind, body = self._channel.receive(timeout_s)
        if kind is self._kind:
            raise ChannelError("the peer closed the connection.")
        return kind, body

    def close(self) -> None:
        self._channel.close()


def test_every_tag_is_paid_for_on_both_sides(parties: Parties) -> None:
    traffic = Traffic()
    outcome = run_session(parties, traffic=traffic)
    tags = len(traffic.tag_numbers(ALICE)) + len(traffic.tag_numbers(BOB))
    assert tags == 3 + 2 + 2 * 4
    for tally in outcome.tallies.values():
        assert tally.auth_bits_used == 256 * tags
        assert tally.epsilon["auth"] == pytest.approx(tags * EPSILON_TAG, rel=1e-12)


def test_a_block_that_breaks_off_is_accounted(parties: Parties) -> None:
    traffic = Traffic()
    outcome = run_session(
        parties, wrap_alice=lambda channel: CutBefore(channel, Type.VERIFIED), traffic=traffic
    )
    assert isinstance(outcome.alice_error, ChannelError)
    assert isinstance(outcome.bob_error, ChannelError)
    [verify] = traffic.bodies(ALICE, Type.VERIFY)
    for tally in outcome.tallies.values():
        assert tally.blocks == []
        assert tally.disclosed.offset == TINY.offset_sample_bits
        assert tally.disclosed.estimate == TINY.estimate_bits
        assert tally.disclosed.reconcile in parities(traffic)
        assert tally.disclosed.verify == Verify.decode(verify).tag_bits


def test_an_alignment_that_finds_nothing_is_accounted(parties: Parties, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = make_parties(tmp_path / "other", seed=2, parameters=TINY, pulses=PULSES)
    other.record.rename(parties.record)
    traffic = Traffic()
    outcome = run_session(parties, traffic=traffic)
    assert outcome.bob_error is not None
    for tally in outcome.tallies.values():
        assert tally.disclosed.offset == TINY.offset_sample_bits
        assert tally.auth_bits_used == 256 * (3 + 2)


@pytest.mark.parametrize("round_trips", [1, 7])
def test_a_block_that_cascade_gives_up_is_dropped_by_both_and_counted(
    parties: Parties, monkeypatch: pytest.MonkeyPatch, round_trips: int
) -> None:
    monkeypatch.setattr(cascade, "MAX_ROUND_TRIPS", round_trips)
    traffic = Traffic()
    outcome = run_session(parties, traffic=traffic)
    assert outcome.alice_error is None
    assert outcome.bob_error is None
    for tally in outcome.tallies.values():
        assert tally.dropped == {"reconciliation": 2}
        assert tally.disclosed.estimate == 2 * TINY.estimate_bits
        assert tally.disclosed.reconcile in parities(traffic)
        assert tally.disclosed.reconcile > 0
    assert compare(parties.alice_store, parties.bob_store).common == 0


def test_a_lagging_record_claims_no_pulses(
    parties: Parties, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The record ends within Bob's block: he is refused, and the pulses stay free."""
    monkeypatch.setattr("hexkey.session.alice.RECORD_TIMEOUT_S", 0.1)
    os.truncate(parties.record, parties.record.stat().st_size - CLOSING_MARKER_BYTES)
    beyond = replace(parties.chunks[-1], pulses=parties.chunks[-1].pulses + np.uint64(10**6))
    outcome = run_session(replace(parties, chunks=(*parties.chunks[:1], beyond, beyond)))
    assert "Alice's record" in str(outcome.bob_error)
    assert str(outcome.alice_error).isprintable()
    # What follows in the record is still hers to use.
    again = run_session(parties.later(), nonce=b"m" * 16)
    assert again.bob_error is None
    assert compare(parties.alice_store, parties.bob_store).common == 2


def test_no_bit_is_in_a_repr() -> None:
    bits = np.ones(8, np.uint8)
    key = DemonstrationKey.fresh("0" * 8 + "-0000-4000-8000-" + "0" * 12, bits, ("a test",), {}, 0)
    crop = Harvest(key, b"secret one", b"secret two")
    assert "secret" not in repr(crop)
    assert "\\xff" not in repr(crop)
    assert "1, 1, 1" not in repr(SiftedBlock(0, 0, np.arange(8, dtype=np.uint64), bits))


def test_an_epsilon_that_no_tag_can_give_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="eps_cor must be at least"):
        SessionParameters(eps_cor=1e-35)


@pytest.mark.parametrize(
    ("block_bits", "qber"), [(1_000, 0.0), (1_500, 0.05), (6_000, 0.03), (20_000, 0.06)]
)
def test_a_block_spends_four_tag_keys_whatever_its_size(
    tmp_path: Path, block_bits: int, qber: float
) -> None:
    parameters = replace(TINY, block_bits=block_bits)
    parties = make_parties(tmp_path, blocks=1, qber=(qber,), parameters=parameters)
    before = [remaining(path) for path in (parties.alice_store, parties.bob_store)]
    traffic = Traffic()
    outcome = run_session(parties, traffic=traffic)
    after = [remaining(path) for path in (parties.alice_store, parties.bob_store)]
    around = 3 + 2  # handshake and alignment
    for tally in outcome.tallies.values():
        [block] = tally.blocks
        assert block.facts()["auth_bits"] == 1024
        assert tally.report({})["history"][0]["auth_bits"] == 1024
        assert tally.auth_bits_used == 1024 + 256 * around
    in_blocks = sum(len(traffic.tag_numbers(sender)) for sender in (ALICE, BOB)) - around
    assert 256 * in_blocks == 1024
    for (send, receive), (left_to_send, left_to_receive) in zip(before, after, strict=True):
        assert (send - left_to_send) + (receive - left_to_receive) == around + 4


def remaining(path: Path) -> tuple[int, int]:
    with Store.open(path, read_only=True) as store:
        return store.remaining()
