"""Thousands of blocks that a wrong reconciler left unequal: dropped on both sides, never two keys.

Both halves of a block talk over sockets with real tags. The pool and the store are dictionaries, as
nothing is asked of them here but to be fast.
"""

import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import binom
from tests.host.session.harness import ALICE, BOB, TINY
from tests.host.verification_patterns import CARELESS

from hexkey.errors import BlockDropped
from hexkey.randomness import Seeded
from hexkey.session import block_bob
from hexkey.session.block import BlockCounts, Session, Uncorrected
from hexkey.session.block_alice import alice_block, receive_announcement
from hexkey.session.block_bob import SiftedBlock, bob_block
from hexkey.session.channel import SocketChannel, local_pair
from hexkey.session.conversation import LiveConversation
from hexkey.session.messages import Type
from hexkey.session.parameters import SessionParameters
from hexkey.store import Key
from hexkey.verify import tag_bits

Bits = NDArray[np.uint8]
FALSE_ALARM = 1e-6


@dataclass
class Party:
    """A pool whose key for a number is the number, a store, and how each block ended."""

    used: int = 0
    pending: dict[str, bytes] = field(default_factory=dict)
    final: list[str] = field(default_factory=list)
    dropped: Counter[str] = field(default_factory=Counter)

    def draw_send_key(self, use_reserve: bool = False) -> tuple[int, bytes]:
        self.used += 1
        return self.used, self.used.to_bytes(32, "little")

    def receive_key(self, index: int) -> bytes:
        return index.to_bytes(32, "little")

    def accept(self, index: int) -> None: ...

    def put_pending(self, key: Key, refill_alice_to_bob: bytes, refill_bob_to_alice: bytes) -> None:
        self.pending[key.key_id] = key.bits

    def commit(self, key_id: str) -> None:
        self.final.append(key_id)


@pytest.fixture
def residual(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Bits]]:
    """Bob's reconciler asks nothing and adds the next of these errors to his bits."""
    errors: list[Bits] = []

    def wrong(talk: LiveConversation, start: Uncorrected, *rest: Any) -> Bits:
        talk.send(Type.CORRECTED)
        return start.bits ^ errors.pop()

    monkeypatch.setattr(block_bob, "_reconcile", wrong)
    yield errors
    assert not errors, "some blocks were never corrected"


def converse(parameters: SessionParameters, blocks: int) -> tuple[Party, Party]:
    """Distil blocks whose strings are equal until Bob's reconciler has seen his."""
    session = Session("5e55", parameters, ("a test",))
    alice, bob = Party(), Party()
    rng = np.random.default_rng(4)
    bits = rng.integers(0, 2, (blocks, parameters.block_bits), dtype=np.uint8)
    pulses = np.arange(parameters.block_bits, dtype=np.uint64)
    ours, theirs = local_pair()

    def serve(channel: SocketChannel) -> None:
        with channel:
            talk = LiveConversation(channel, alice, ALICE)
            for number in range(blocks):
                counts = BlockCounts(number, parameters.block_bits)
                talk.begin("5e55")
                _, body = talk.expect(Type.ANNOUNCE)
                receive_announcement(talk, session, number, body, -1)
                try:
                    alice_block(talk, session, bits[number], Seeded(number), alice, counts)
                except BlockDropped as drop:
                    alice.dropped[drop.reason] += 1

    thread = threading.Thread(target=serve, args=(theirs,))
    thread.start()
    with ours:
        talk = LiveConversation(ours, bob, BOB)
        for number in range(blocks):
            counts = BlockCounts(number, parameters.block_bits)
            try:
                bob_block(talk, session, SiftedBlock(number, 0, pulses, bits[number]), bob, counts)
            except BlockDropped as drop:
                bob.dropped[drop.reason] += 1
    thread.join()
    return alice, bob


@pytest.mark.parametrize("estimate_bits", [0, 64])
def test_thousands_of_wrong_blocks_end_without_a_key(
    residual: list[Bits], estimate_bits: int
) -> None:
    parameters = replace(TINY, estimate_bits=estimate_bits)
    rng = np.random.default_rng(5)
    rest = parameters.block_bits - estimate_bits
    residual += [pattern(rng, rest) for pattern in CARELESS.values() for _ in range(200)]
    blocks = len(residual)
    assert blocks == 1_600
    for party in converse(parameters, blocks):
        assert party.dropped == {"verification": blocks}
        assert party.pending == {}
        assert party.final == []


def test_unequal_keys_are_as_rare_as_eps_cor_says(residual: list[Bits]) -> None:
    """With tags of ten bits some wrong blocks do pass: no more of them than the budget has."""
    parameters = replace(TINY, eps_cor=2.0**-6)
    rest = parameters.block_bits - parameters.estimate_bits
    assert tag_bits(rest, parameters.eps_cor) == 10
    rng = np.random.default_rng(6)
    blocks = 3_000
    residual += [CARELESS["one bit"](rng, rest) for _ in range(blocks)]
    alice, bob = converse(parameters, blocks)
    unequal = [name for name in bob.final if alice.pending[name] != bob.pending[name]]
    assert alice.final == bob.final == unequal
    assert alice.dropped == bob.dropped == {"verification": blocks - len(unequal)}
    assert len(unequal) <= binom.isf(FALSE_ALARM, blocks, parameters.eps_cor)
    assert unequal, "a tag that never fails was not put to the test"


def test_blocks_that_are_equal_make_equal_keys(residual: list[Bits]) -> None:
    rest = TINY.block_bits - TINY.estimate_bits
    residual += [np.zeros(rest, np.uint8) for _ in range(20)]
    alice, bob = converse(TINY, 20)
    assert alice.dropped == bob.dropped == {}
    assert len(bob.final) == 20
    assert alice.pending == bob.pending
