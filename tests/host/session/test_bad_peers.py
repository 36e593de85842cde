"""A peer that holds the pool and misbehaves: a sentence, bounded cost, no key on either side.

Each case replaces what one party says at one place of a block. The lie is under the liar's own
tags, so no tag stops it. Whatever it is, the honest side ends in a `HexkeyError` of one sentence or
drops the block, both stores stay without a key, and the next session of the pair makes one.
"""

import re
import time
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.host.session.bad_peers import CASES, PARAMETERS
from tests.host.session.harness import (
    ALICE,
    BOB,
    Outcome,
    Parties,
    Traffic,
    make_parties,
    pools_agree,
    run_session,
)
from tests.host.session.lies import Case, Liar, mangled

from hexkey.errors import HexkeyError, ProtocolError
from hexkey.session import messages
from hexkey.session.conversation import LiveConversation
from hexkey.session.messages import Type
from hexkey.store import Store, compare

PULSES = 20_000
MOST_SECONDS = 8.0  # of a processor, for both parties
# Of both parties: either may hold a longest message three times, in parts, whole and as transcript.
MOST_BYTES = 8 * messages.MAX_BODY
MOST_MESSAGES = 500
LIES = 15
SAID = {
    ALICE: [
        *(Type.WELCOME, Type.OFFSET, Type.SAMPLE, Type.ESTIMATE, Type.ANSWER, Type.VERIFY),
        *(Type.AMPLIFY, Type.TAG, Type.CONFIRM),
    ],
    BOB: [
        *(Type.HELLO, Type.SETTLE, Type.ALIGN, Type.ANNOUNCE, Type.SAMPLE_BITS, Type.QUERY),
        *(Type.CORRECTED, Type.VERIFIED, Type.TAG, Type.CONFIRM, Type.COMMIT, Type.BYE),
    ],
}


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Parties:
    return make_parties(
        tmp_path_factory.mktemp("origin"), qber=(0.03,), parameters=PARAMETERS, pulses=PULSES
    )


def with_a_liar(parties: Parties, case: Case, traffic: Traffic, **how: Any) -> Outcome:
    def lying(*how: Any) -> LiveConversation:
        return Liar(case.place, case.lie, *how)

    honest = LiveConversation
    return run_session(
        parties,
        traffic=traffic,
        reply_timeout_s=case.reply_timeout_s,
        alice_talks=lying if case.liar == ALICE else honest,
        bob_talks=lying if case.liar == BOB else honest,
        **how,
    )


@pytest.mark.parametrize("name", CASES)
def test_a_peer_that_misbehaves_gets_no_key_and_costs_little(
    origin: Parties, tmp_path: Path, name: str
) -> None:
    check(CASES[name], origin.copy(tmp_path))


def check(case: Case, parties: Parties, **how: Any) -> None:
    """Let the liar lie; see to what it costs, to how it ends, and that the pair works again.

    `how` goes to `run_session` while he lies.
    """
    traffic = Traffic()
    tracemalloc.start()
    began = time.process_time()
    outcome = with_a_liar(parties, case, traffic, **how)
    seconds, (_, peak) = time.process_time() - began, tracemalloc.get_traced_memory()
    tracemalloc.stop()

    honest = outcome.bob_error if case.liar == ALICE else outcome.alice_error
    if case.sentence is None:
        tally = outcome.tallies[1 - case.liar]
        assert tally.dropped.total() == 1, repr(honest)
    else:
        assert isinstance(honest, HexkeyError), repr(honest)
        assert str(honest).isprintable()
        assert len(str(honest)) < 1_100
        assert re.search(case.sentence, str(honest)), str(honest)
    assert seconds < MOST_SECONDS
    assert peak < MOST_BYTES, f"{peak >> 20} MiB"
    assert sum(sender != case.liar for sender, *_ in traffic.sent) < MOST_MESSAGES

    assert compare(parties.alice_store, parties.bob_store).common == 0
    again = run_session(parties.later(), nonce=b"q" * 16)
    assert again.alice_error is again.bob_error is None
    found = compare(parties.alice_store, parties.bob_store)
    assert (found.equal, found.common) == (True, 1)
    assert pools_agree(parties)
    for path in (parties.alice_store, parties.bob_store):
        with Store.open(path, read_only=True) as store:
            assert store.pending_ids() == []


class Stubborn(LiveConversation):
    """Lies whenever it sends a type."""

    def __init__(self, kind: Type, change: Callable[[bytes], bytes], *how: Any) -> None:
        super().__init__(*how)
        self._kind = kind
        self._change = change

    def send(self, kind: Type, body: bytes = b"") -> None:
        super().send(kind, self._change(body) if kind is self._kind else body)


def random_parities(seed: int) -> Callable[[bytes], bytes]:
    """Parities from a coin, but for the padding, which a form check would find."""
    rng = np.random.default_rng(seed)
    return lambda body: rng.bytes(len(body) - 1) + bytes(bool(body))


PARITIES: dict[str, Callable[[bytes], bytes]] = {
    "zeros": lambda body: bytes(len(body)),
    "one more odd": lambda body: bytes((body[0] ^ 1,)) + body[1:],
    "coins": random_parities(1),
    "other coins": random_parities(2),
}


@pytest.mark.parametrize("estimate_bits", [0, 64])
@pytest.mark.parametrize("name", PARITIES)
def test_an_alice_who_lies_about_every_parity_ends_without_a_key(
    tmp_path: Path, name: str, estimate_bits: int
) -> None:
    parameters = replace(PARAMETERS, estimate_bits=estimate_bits)
    parties = make_parties(tmp_path, qber=(0.03,), parameters=parameters, pulses=PULSES)
    traffic, began = Traffic(), time.process_time()

    def lying(*how: Any) -> LiveConversation:
        return Stubborn(Type.ANSWER, PARITIES[name], *how)

    outcome = run_session(parties, traffic=traffic, alice_talks=lying)
    assert time.process_time() - began < MOST_SECONDS
    parities = 8 * sum(len(body) for body in traffic.bodies(ALICE, Type.ANSWER))
    assert parities <= 8 * (2 * parameters.block_bits + 64)
    assert len(traffic.sent) < 2 * 10_000 + 50
    if outcome.bob_error is None:
        for tally in outcome.tallies.values():
            assert set(tally.dropped) <= {"verification", "reconciliation", "qber", "length"}
            assert tally.dropped.total() == 1
    else:
        assert isinstance(outcome.bob_error, ProtocolError)
        assert "contradict" in str(outcome.bob_error)
    assert compare(parties.alice_store, parties.bob_store).common == 0
    assert run_session(parties.later(), nonce=b"q" * 16).alice_error is None
    assert compare(parties.alice_store, parties.bob_store).equal


@pytest.mark.parametrize("seed", range(LIES))
@pytest.mark.parametrize("liar", [ALICE, BOB], ids=["Alice", "Bob"])
def test_whatever_a_peer_makes_of_a_message_ends_in_a_sentence(
    origin: Parties, tmp_path: Path, liar: int, seed: int
) -> None:
    rng = np.random.default_rng([liar, seed])
    kinds = SAID[liar]
    kind = kinds[int(rng.integers(len(kinds)))]
    number = int(rng.integers(0, 20)) if kind in (Type.QUERY, Type.ANSWER) else 0

    def lie(talk: LiveConversation, body: bytes) -> list[tuple[Type, bytes]]:
        other = mangled(rng, body)[: messages.limit(kind)]
        what = kinds[int(rng.integers(len(kinds)))] if rng.random() < 0.1 else kind
        return [(what, other[: messages.limit(what)])]

    parties, traffic = origin.copy(tmp_path), Traffic()
    began = time.process_time()
    outcome = with_a_liar(parties, Case(liar, (kind, number), lie, None), traffic)
    assert time.process_time() - began < MOST_SECONDS
    honest = outcome.bob_error if liar == ALICE else outcome.alice_error
    assert honest is None or isinstance(honest, HexkeyError), repr(honest)
    assert honest is None or str(honest).isprintable(), str(honest)
    found = compare(parties.alice_store, parties.bob_store)
    # A liar may hash with one seed and send another: then he has a key that nobody shares.
    assert not found.differing or kind is Type.AMPLIFY
    assert pools_agree(parties)
