"""A whole session between two threads: equal keys, equal accounts, the order of the contract."""

from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
from tests.host.session.harness import OFFSET, SMALL, make_parties, run_session

from hexkey.errors import ChannelError, InputError, PoolError
from hexkey.session.messages import Type
from hexkey.store import compare


def test_both_sides_store_equal_keys_and_equal_accounts(tmp_path: Path) -> None:
    parties = make_parties(tmp_path, blocks=3)
    outcome = run_session(parties)
    assert outcome.alice_error is None
    assert outcome.bob_error is None
    found = compare(parties.alice_store, parties.bob_store)
    assert found.equal
    assert found.common == 3
    assert outcome.alice is not None
    assert outcome.bob is not None
    assert outcome.alice.disclosed == outcome.bob.disclosed
    assert outcome.alice.secret_bits == outcome.bob.secret_bits == found.bits
    assert outcome.bob.alignments[0].offset == OFFSET
    for hers, his in zip(outcome.alice.blocks, outcome.bob.blocks, strict=True):
        assert asdict(hers) == asdict(his)


def test_every_parity_on_the_wire_is_counted_once(tmp_path: Path) -> None:
    crossed: list[tuple[Type, bytes]] = []
    parties = make_parties(tmp_path)
    outcome = run_session(
        parties, witness=lambda direction, kind, body: crossed.append((kind, body))
    )
    assert outcome.bob is not None
    [block] = outcome.bob.blocks
    answers = sum(8 * len(body) for kind, body in crossed if kind is Type.ANSWER)
    padding = 7 * sum(kind is Type.ANSWER for kind, _ in crossed)
    assert answers - padding <= block.disclosed.reconcile <= answers
    assert block.disclosed.estimate == SMALL.estimate_bits
    assert block.disclosed.offset == 0
    assert outcome.bob.disclosed.offset == SMALL.offset_sample_bits


def test_messages_come_in_the_order_of_the_contract(tmp_path: Path) -> None:
    crossed: list[Type] = []
    parties = make_parties(tmp_path)
    run_session(parties, witness=lambda direction, kind, body: crossed.append(kind))
    order = [kind for kind in crossed if kind not in (Type.QUERY, Type.ANSWER)]
    assert order == [
        *(Type.HELLO, Type.TAG, Type.WELCOME, Type.TAG, Type.SETTLE, Type.TAG),
        *(Type.ALIGN, Type.TAG, Type.OFFSET, Type.TAG),
        *(Type.ANNOUNCE, Type.TAG, Type.SAMPLE, Type.SAMPLE_BITS, Type.ESTIMATE),
        *(Type.CORRECTED, Type.VERIFY, Type.VERIFIED, Type.AMPLIFY),
        *(Type.CONFIRM, Type.TAG, Type.CONFIRM, Type.TAG, Type.COMMIT, Type.TAG),
        Type.BYE,
    ]


def test_a_new_epoch_is_aligned_anew_and_drops_the_open_block(tmp_path: Path) -> None:
    parties = make_parties(tmp_path, blocks=2)
    pulses = np.concatenate([chunk.pulses for chunk in parties.chunks])
    bits = np.concatenate([chunk.bits for chunk in parties.chunks])
    cut = SMALL.offset_sample_bits + SMALL.block_bits // 2
    chunk = parties.chunks[0]
    second_start = int(pulses[cut])
    chunks = (
        replace(chunk, pulses=pulses[:cut], bits=bits[:cut]),
        replace(chunk, epoch=1, pulses=pulses[cut:] - np.uint64(second_start), bits=bits[cut:]),
    )
    outcome = run_session(replace(parties, chunks=chunks))
    assert outcome.bob is not None
    first, second = outcome.bob.alignments
    assert second.offset == first.offset + second_start
    assert len(outcome.bob.blocks) == 1
    assert outcome.bob.unused_sifted_bits >= SMALL.block_bits // 2
    assert compare(parties.alice_store, parties.bob_store).equal


def test_a_block_with_too_many_errors_is_dropped_on_both_sides(tmp_path: Path) -> None:
    strict = replace(SMALL, qber_abort=0.02)
    parties = make_parties(tmp_path, qber=0.08, parameters=strict)
    outcome = run_session(parties)
    assert outcome.alice is not None
    assert outcome.bob is not None
    assert outcome.alice.dropped == outcome.bob.dropped == {"qber": 1}
    assert compare(parties.alice_store, parties.bob_store).common == 0


def test_a_block_too_noisy_for_a_key_is_dropped_by_length(tmp_path: Path) -> None:
    parties = make_parties(
        tmp_path, qber=0.12, parameters=replace(SMALL, qber_abort=0.25, refill_to_bob=20)
    )
    outcome = run_session(parties)
    assert outcome.alice is not None
    assert outcome.bob is not None
    assert outcome.alice.dropped == outcome.bob.dropped == {"length": 1}


def test_parameters_that_differ_are_refused_by_name(tmp_path: Path) -> None:
    parties = make_parties(tmp_path)
    outcome = run_session(parties, alice_parameters=replace(SMALL, qber_abort=0.09))
    assert isinstance(outcome.bob_error, ChannelError)
    assert "qber_abort is 0.09 at Alice and 0.11 at Bob" in str(outcome.bob_error)


def test_pools_that_do_not_belong_together_are_refused(tmp_path: Path) -> None:
    parties = make_parties(tmp_path)
    (tmp_path / "other").mkdir()
    other = make_parties(tmp_path / "other", seed=2)
    parties.bob_store.unlink()
    other.bob_store.rename(parties.bob_store)
    outcome = run_session(parties)
    assert isinstance(outcome.bob_error, ChannelError)
    assert "pools do not belong together" in str(outcome.bob_error)


def test_an_exhausted_pool_ends_the_session_before_a_block_begins(tmp_path: Path) -> None:
    parties = make_parties(tmp_path, blocks=3, tag_keys=14)
    outcome = run_session(parties)
    assert isinstance(outcome.bob_error, PoolError)
    found = compare(parties.alice_store, parties.bob_store)
    assert found.common >= 1
    assert not found.differing


def test_refilled_pools_serve_further_blocks(tmp_path: Path) -> None:
    refilling = replace(SMALL, refill_to_alice=3, refill_to_bob=1)
    parties = make_parties(tmp_path, blocks=4, tag_keys=14, parameters=refilling)
    outcome = run_session(parties)
    assert outcome.bob_error is None
    assert outcome.bob is not None
    assert len(outcome.bob.blocks) == 4
    assert outcome.bob.auth_bits_made == 4 * 4 * 256
    assert compare(parties.alice_store, parties.bob_store).equal


def test_a_record_of_another_run_gives_no_offset(tmp_path: Path) -> None:
    parties = make_parties(tmp_path)
    (tmp_path / "other").mkdir()
    other = make_parties(tmp_path / "other", seed=2)
    other.record.rename(parties.record)
    outcome = run_session(parties)
    assert isinstance(outcome.alice_error, InputError)
    assert isinstance(outcome.bob_error, InputError)
    assert "does not match" in str(outcome.bob_error)


def test_the_same_pulses_are_not_distilled_twice(tmp_path: Path) -> None:
    parties = make_parties(tmp_path)
    assert run_session(parties).bob_error is None
    again = run_session(parties, nonce=b"m" * 16)
    assert isinstance(again.alice_error, InputError)
    assert compare(parties.alice_store, parties.bob_store).common == 1


def test_the_session_stops_at_its_epsilon_limit(tmp_path: Path) -> None:
    tight = replace(SMALL, epsilon_limit=1.5e-10)
    parties = make_parties(tmp_path, blocks=3, parameters=tight)
    outcome = run_session(parties)
    assert outcome.alice_error is None
    assert outcome.bob is not None
    assert len(outcome.bob.blocks) == 1
    assert sum(outcome.bob.epsilon.values()) <= 1.5e-10


@pytest.mark.parametrize("seed", [1, 2])
def test_no_key_bit_is_in_the_report(tmp_path: Path, seed: int) -> None:
    parties = make_parties(tmp_path, seed=seed)
    outcome = run_session(parties)
    assert outcome.bob is not None
    report = outcome.bob.report({})
    assert report["label"] == "demonstration"
    assert "bits" not in {key for key in report if report[key].__class__ is bytes}
    assert report["secret_bits"] > 0
    assert report["epsilon"]["total"] < 1.1e-10
