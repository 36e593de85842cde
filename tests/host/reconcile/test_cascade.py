"""Cascade on keys of many blocks: the blocks talk as they would alone, in fewer round trips."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from hexkey.errors import BlockDropped, ProtocolError
from hexkey.reconcile import Answering, Asking
from hexkey.reconcile.cascade import MAX_KEY_BITS, CascadeAlice, CascadeBob, _pieces, reconcile
from hexkey.reconcile.cascade_block import BlockAlice, BlockBob
from hexkey.reconcile.cascade_wire import parity_limit

SEED = bytes(range(32))
Bits = NDArray[np.uint8]


def key(n: int, error_rate: float, seed: int) -> tuple[Bits, Bits]:
    generator = np.random.default_rng(seed)
    alice = generator.integers(0, 2, n, dtype=np.uint8)
    return alice, alice ^ (generator.random(n) < error_rate).astype(np.uint8)


def number(message: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while message[at] & 128:
        value |= (message[at] & 127) << shift
        shift, at = shift + 7, at + 1
    return value | message[at] << shift, at + 1


def entries(query: bytes) -> list[tuple[int, bytes]]:
    at, found = 0, []
    while at < len(query):
        block, at = number(query, at)
        size, at = number(query, at)
        found.append((block, query[at : at + size]))
        at += size
    return found


@given(
    n=st.integers(1, 900),
    block_bits=st.sampled_from([50, 64, 333, 1000]),
    qber=st.floats(0, 0.5),
    error_rate=st.sampled_from([0, 0.01, 0.065, 0.25, 1]),
    seed=st.integers(0, 2**32 - 1),
)
@settings(deadline=None, max_examples=100, derandomize=True)
def test_every_block_says_what_it_would_say_alone(
    n: int, block_bits: int, qber: float, error_rate: float, seed: int
) -> None:
    alice_bits, bob_bits = key(n, error_rate, seed)
    alice = CascadeAlice(alice_bits, qber, SEED, block_bits)
    bob = CascadeBob(bob_bits, qber, SEED, block_bits)
    apart = [
        (BlockAlice(a, qber, block_seed), BlockBob(b, qber, block_seed))
        for (a, block_seed), (b, _) in zip(
            _pieces(alice_bits, qber, SEED, block_bits),
            _pieces(bob_bits, qber, SEED, block_bits),
            strict=True,
        )
    ]
    due: list[bytes | None] = [block_bob.start() for _, block_bob in apart]
    query: bytes | None = bob.start()
    while query is not None:
        said = entries(query)
        assert dict(said) == {k: each for k, each in enumerate(due) if each is not None}
        answer, parts = alice.answer(query), []
        for k, each in said:
            parts.append(apart[k][0].answer(each))
            due[k] = apart[k][1].receive(parts[-1])
        assert answer == b"".join(parts)
        query = bob.receive(answer)
    assert not any(due)
    assert np.array_equal(bob.bits, alice_bits)
    assert bob.corrected == np.count_nonzero(alice_bits != bob_bits)
    disclosed = sum(block_alice.disclosed_bits for block_alice, _ in apart)
    assert alice.disclosed_bits == bob.asked_bits == disclosed
    assert bob.round_trips == max(block_bob.round_trips for _, block_bob in apart)


def test_the_roles_are_reconcilers() -> None:
    answering: Answering = CascadeAlice([0], 0.1, SEED)
    asking: Asking = CascadeBob([1], 0.1, SEED)
    assert asking.receive(answering.answer(asking.start())) is None
    assert asking.bits.tolist() == [0]
    assert (answering.disclosed_bits, asking.corrected, asking.round_trips) == (1, 1, 1)


def test_blocks_share_their_round_trips() -> None:
    alice, bob = key(1 << 20, 0.0649, 1)
    result = reconcile(alice, bob, 0.0649, SEED)
    assert np.array_equal(result.bits, alice)
    assert result.efficiency < 1.05
    assert result.round_trips < 600


def test_blocks_differ_in_their_shuffles() -> None:
    alice, bob = key(4000, 0.05, 2)
    alice, bob = np.tile(alice, 2), np.tile(bob, 2)
    one, other = CascadeBob(bob, 0.05, SEED, 4000)._blocks
    assert np.array_equal(one.bits, other.bits)
    assert one._seed != other._seed
    assert np.array_equal(reconcile(alice, bob, 0.05, SEED, 4000).bits, alice)


@pytest.mark.parametrize(
    "query",
    [
        b"",
        b"\x00",
        b"\x00\x00",  # no section
        b"\x02\x04\x00\x01\x00\x05",  # two blocks only
        b"\x00\x05\x00\x01\x00\x05",  # shorter than it says
        b"\x00\x03\x00\x01\x00\x05",  # longer than it says
        b"\x80\x80\x80\x80\x00\x04\x00\x01\x00\x05",
        b"\x00\x04\x00\x01\x00\x05\x01",
    ],
)
def test_malformed_queries_are_refused(query: bytes) -> None:
    alice = CascadeAlice(key(200, 0, 1)[0], 0.05, SEED, 100)
    with pytest.raises(ProtocolError, match="malformed"):
        alice.answer(query)


def test_a_flood_of_questions_is_refused() -> None:
    alice = CascadeAlice(key(200, 0, 1)[0], 0.05, SEED, 100)
    with pytest.raises(ProtocolError, match="more than the 528 parities left"):
        alice.answer(bytes(10_000))
    question = b"\x01\x04\x00\x01\x00\x01"
    for _ in range(parity_limit(100)):
        alice.answer(question)
    with pytest.raises(ProtocolError, match="more than the 0 parities left"):
        alice.answer(question)
    assert alice.disclosed_bits == parity_limit(100)


@pytest.mark.parametrize("change", ["longer", "shorter", "padding"])
@pytest.mark.parametrize("round_", [1, 4])
def test_answers_of_another_form_are_refused(change: str, round_: int) -> None:
    alice_bits, bob_bits = key(1000, 0.06, 6)
    alice = CascadeAlice(alice_bits, 0.06, SEED, 500)
    bob = CascadeBob(bob_bits, 0.06, SEED, 500)
    answer = alice.answer(bob.start())
    for _ in range(round_ - 1):
        query = bob.receive(answer)
        assert query is not None
        answer = alice.answer(query)
    assert bob._asked[bob._turns.going - 1] % 8  # there is padding
    spoilt = {
        "longer": answer + b"\x00",
        "shorter": answer[:-1],
        "padding": answer[:-1] + bytes([answer[-1] | 128]),
    }
    with pytest.raises(ProtocolError, match="one bit for each parity"):
        bob.receive(spoilt[change])


def test_a_block_that_cannot_be_corrected_drops_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hexkey.reconcile.cascade.MAX_ROUND_TRIPS", 30)
    alice, bob = key(3000, 0.05, 8)
    with pytest.raises(BlockDropped, match="30 round trips"):
        reconcile(alice, bob, 0.05, SEED, 1000)


def test_lies_end_in_bounded_time() -> None:
    bits = key(3000, 0, 3)[0]
    alice, bob = CascadeAlice(bits, 0.05, SEED, 500), CascadeBob(bits, 0.05, SEED, 500)
    with pytest.raises((ProtocolError, BlockDropped), match=r"contradict|parities"):
        talk_at_random(alice, bob)
    assert bob.asked_bits <= 6 * parity_limit(500)


def talk_at_random(alice: CascadeAlice, bob: CascadeBob) -> None:
    generator = np.random.default_rng(3)
    query: bytes | None = bob.start()
    while query is not None:
        alice.answer(query)
        asked = bob._asked[: bob._turns.going].tolist()
        bits = [generator.integers(0, 2, count, dtype=np.uint8) for count in asked]
        query = bob.receive(b"".join(np.packbits(b, bitorder="little").tobytes() for b in bits))


def test_a_call_before_its_turn_is_refused() -> None:
    bob = CascadeBob([0, 1], 0.1, SEED)
    with pytest.raises(ValueError, match="no query is waiting"):
        bob.receive(b"")
    bob.start()
    with pytest.raises(ValueError, match="already started"):
        bob.start()


@pytest.mark.parametrize(
    ("bits", "block_bits", "message"),
    [
        ([], 100, f"n from 1 to {MAX_KEY_BITS}"),
        ([0, 2], 100, "integers 0 and 1"),
        ([0, 1], 0, "block_bits must be from 1"),
        ([0, 1], (1 << 20) + 1, "block_bits must be from 1"),
    ],
)
def test_arguments_are_checked(bits: list[int], block_bits: int, message: str) -> None:
    for role in (CascadeAlice, CascadeBob):
        with pytest.raises(ValueError, match=message):
            role(bits, 0.1, SEED, block_bits)
    with pytest.raises(ValueError, match="same length, not 2 and 1"):
        reconcile([0, 1], [0], 0.1, SEED)
    assert math.isnan(reconcile([0, 1], [0, 1], 0.1, SEED).efficiency)


@pytest.mark.long
@pytest.mark.parametrize(("n", "qber", "blocks"), [(65536, 0.0649, 3000), (1 << 20, 0.0649, 20)])
def test_no_residual_errors_in_many_blocks(n: int, qber: float, blocks: int) -> None:
    """A rate of 1e-3 would show in 3000 blocks with probability 0.95; 0 are allowed."""
    for seed in range(blocks):
        alice, bob = key(n, qber, 1000 + seed)
        assert np.array_equal(reconcile(alice, bob, qber, seed.to_bytes(32), n).bits, alice)
