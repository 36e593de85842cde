"""LDPC reconciliation corrects, counts what it discloses, and ends whatever its peer says."""

import math
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from hexkey._native import lib
from hexkey.errors import BlockDropped, ProtocolError
from hexkey.keyrate.entropy import binary_entropy
from hexkey.reconcile import Answering, Asking
from hexkey.reconcile.ldpc import LdpcAlice, LdpcBob, plan, reconcile, wire

SEED = bytes(range(32))
Bits = NDArray[np.uint8]


def block(n: int, error_rate: float, seed: int) -> tuple[Bits, Bits]:
    generator = np.random.default_rng(seed)
    alice = generator.integers(0, 2, n, dtype=np.uint8)
    return alice, alice ^ (generator.random(n) < error_rate).astype(np.uint8)


def query(code: int, disclosed: int, version: int = 1) -> bytes:
    return struct.pack("<BBI", version, code, disclosed)


def test_the_roles_are_reconcilers() -> None:
    bits = np.zeros(10, np.uint8)
    answering: Answering = LdpcAlice(bits, 0.1, SEED)
    asking: Asking = LdpcBob(bits, 0.1, SEED)
    assert asking.receive(answering.answer(asking.start())) is None


@pytest.mark.parametrize("n", [1, 2, 63, 100, 2047])
@pytest.mark.parametrize("qber", [0, 0.05, 0.25, 0.5])
def test_small_blocks_are_disclosed_whole(n: int, qber: float) -> None:
    alice, bob = block(n, qber, n)
    result = reconcile(alice, bob, qber, SEED)
    assert np.array_equal(result.bits, alice)
    assert result.disclosed_bits == n
    assert result.corrected == np.count_nonzero(alice != bob)


@pytest.mark.parametrize("qber", [0, 0.001, 0.005, 0.01, 0.03, 0.0649, 0.1, 0.11, 0.15, 0.25])
@pytest.mark.parametrize("n", [2048, 5000, 20_001])
def test_every_error_rate_is_corrected(n: int, qber: float) -> None:
    """One block each, of lengths that no lifting fits: errors are found or the block is dropped."""
    alice, bob = block(n, qber, 3)
    result = reconcile(alice, bob, qber, SEED)
    assert np.array_equal(result.bits, alice)
    assert result.corrected == np.count_nonzero(alice != bob)
    assert result.disclosed_bits <= n


def test_where_all_would_be_disclosed_it_is() -> None:
    alice, bob = block(5000, 0.5, 1)
    result = reconcile(alice, bob, 0.5, SEED)
    assert np.array_equal(result.bits, alice)
    assert result.disclosed_bits == 5000


@pytest.mark.parametrize(("qber", "most"), [(0.0649, 1.09), (0.1, 1.09), (0.03, 1.12)])
def test_efficiency_and_failures(qber: float, most: float) -> None:
    """The mean of 20 blocks, whose standard error is about 0.003 (docs/ldpc-codes.md: 200 blocks).

    Without wrong blocks: a rate above 0.14 would show one with probability 0.95.
    """
    n, disclosed, limit = 65_536, 0, 0.0
    for seed in range(20):
        alice, bob = block(n, qber, seed)
        result = reconcile(alice, bob, qber, SEED)
        assert np.array_equal(result.bits, alice)
        disclosed += result.disclosed_bits
        limit += n * binary_entropy(result.corrected / n)
    assert disclosed / limit < most


def test_errors_in_bursts_cost_no_more_than_others() -> None:
    """64 bursts of 128 bits, half of them wrong: 6.25 % in all, as so many single errors."""
    generator = np.random.default_rng(7)
    n = 65_536
    alice = generator.integers(0, 2, n, dtype=np.uint8)
    errors = np.zeros((n // 128, 128), np.uint8)
    errors[generator.choice(n // 128, 64, replace=False)] = 1
    errors &= generator.integers(0, 2, errors.shape, dtype=np.uint8)
    result = reconcile(alice, alice ^ errors.ravel(), 0.0649, SEED)
    assert np.array_equal(result.bits, alice)
    assert result.efficiency < 1.15


def test_a_low_estimate_costs_queries_and_a_high_one_bits() -> None:
    alice, bob = block(65_536, 0.06, 5)
    low, right, high = (reconcile(alice, bob, qber, SEED) for qber in (0.055, 0.06, 0.07))
    assert low.round_trips > right.round_trips
    assert high.disclosed_bits > 1.1 * right.disclosed_bits
    assert all(np.array_equal(result.bits, alice) for result in (low, right, high))


def test_what_is_disclosed_is_what_is_counted() -> None:
    """Of a block that takes several queries: each answer's bits, none twice."""
    alice_bits, bob_bits = block(65_536, 0.07, 5)
    alice, bob = LdpcAlice(alice_bits, 0.06, SEED), LdpcBob(bob_bits, 0.06, SEED)
    message: bytes | None = bob.start()
    total = 0
    while message is not None:
        _, _, wanted = struct.unpack("<BBI", message)
        answer = alice.answer(message)
        assert len(answer) == -(-(wanted - total) // 8)
        total = wanted
        assert alice.disclosed_bits == total
        message = bob.receive(answer)
    assert bob.round_trips > 2
    assert np.array_equal(bob.bits, alice_bits)


def test_a_dropped_block_is_counted_too() -> None:
    alice_bits, bob_bits = block(65_536, 0.08, 5)
    alice, bob = LdpcAlice(alice_bits, 0.06, SEED), LdpcBob(bob_bits, 0.06, SEED, queries=1)
    answer = alice.answer(bob.start())
    with pytest.raises(BlockDropped):
        bob.receive(answer)
    assert alice.disclosed_bits > 65_536 * binary_entropy(0.06)
    assert np.array_equal(bob.bits, bob_bits)


@given(st.integers(1, 1 << 20), st.floats(0, 0.5), st.integers(1, 12))
def test_plans_are_within_what_alice_answers(n: int, qber: float, queries: int) -> None:
    number, wanted = plan.first(n, qber)
    if number == wire.NO_CODE:
        assert wanted == n
        return
    checks = plan.checks(number, n)
    assert checks <= wanted <= plan.most(n, checks) <= n
    assert plan.more(n, qber, wanted, queries) > wanted
    if 0.001 <= qber <= 0.5:
        assert wanted > n * binary_entropy(qber)


def test_answers_are_sums_of_the_bits_at_the_places_documented() -> None:
    """Recomputed bit by bit from the code's edges."""
    n, number = 3001, 5
    bits, _ = block(n, 0, 9)
    code, lifting = plan.code(number), -(-n // plan.code(number).columns)
    checks, asked = code.rows * lifting, code.rows * lifting + 2 * lifting + 3
    alice = LdpcAlice(bits, 0.1, SEED)
    answer = alice.answer(query(number, checks + 3)) + b""
    more = alice.answer(query(number, asked))
    found = [
        *np.unpackbits(np.frombuffer(answer, np.uint8), bitorder="little")[: checks + 3],
        *np.unpackbits(np.frombuffer(more, np.uint8), bitorder="little")[: asked - checks - 3],
    ]
    ends = [0, *np.cumsum(code.sizes).tolist()]

    def expected(row: int, lane: int, count: int) -> int:
        total = 0
        for column, shift in code.edges[ends[row] : ends[row] + count]:
            place = int((lane + shift) % lifting) * code.columns + int(column)
            total ^= int(bits[place]) if place < n else 0
        return total

    whole = [
        expected(r, t, ends[r + 1] - ends[r]) for r in range(code.rows) for t in range(lifting)
    ]
    first = [
        expected(u // lifting, u % lifting, code.halves[u // lifting, 0])
        for u in range(asked - checks)
    ]
    assert found == whole + first


MALFORMED = [b"", b"\x01", query(0, 300) + b"\x00", query(0, 300)[:-1], query(0, 300, version=2)]


@pytest.mark.parametrize("message", MALFORMED)
def test_malformed_queries_are_refused(message: bytes) -> None:
    alice = LdpcAlice(np.zeros(5000, np.uint8), 0.05, SEED)
    with pytest.raises(ProtocolError, match="malformed"):
        alice.answer(message)
    assert alice.disclosed_bits == 0


def test_queries_beyond_the_rules_are_refused() -> None:
    alice = LdpcAlice(np.zeros(5000, np.uint8), 0.05, SEED)
    for code in (200, 254):
        with pytest.raises(ProtocolError, match="names a code"):
            alice.answer(query(code, 1000))
    for wanted in (0, plan.checks(0, 5000) - 1, 5001, 2**32 - 1):
        with pytest.raises(ProtocolError, match="may be"):
            alice.answer(query(0, wanted))
    with pytest.raises(ProtocolError, match="4999 bits where 5000 to 5000"):
        LdpcAlice(np.zeros(5000, np.uint8), 0.05, SEED).answer(query(wire.NO_CODE, 4999))
    assert alice.disclosed_bits == 0
    alice = LdpcAlice(np.zeros(5000, np.uint8), 0.05, SEED)
    alice.answer(query(0, 300))
    for other in (1, wire.NO_CODE):
        with pytest.raises(ProtocolError, match="names a code"):
            alice.answer(query(other, 1000))
    for wanted in (0, 299, 300, 5000):
        with pytest.raises(ProtocolError, match="may be"):
            alice.answer(query(0, wanted))
    assert alice.disclosed_bits == 300


@given(st.lists(st.binary(max_size=8), max_size=20), st.integers(1, 3000))
@settings(deadline=None, max_examples=60)
def test_no_flood_discloses_more_than_the_block(messages: list[bytes], n: int) -> None:
    alice = LdpcAlice(np.ones(n, np.uint8), 0.05, SEED)
    told = 0
    for message in messages:
        tried = message if len(message) != 6 else b"\x01" + message[1:3] + bytes(3)
        try:
            told += 8 * len(alice.answer(tried))
        except ProtocolError:
            continue
    assert alice.disclosed_bits <= n
    assert told < alice.disclosed_bits + 8 * len(messages) + 8


def test_answers_of_a_wrong_form_are_refused() -> None:
    alice_bits, bob_bits = block(5000, 0.05, 1)
    for spoil in (lambda a: a[:-1], lambda a: a + b"\x00", lambda _: b""):
        bob = LdpcBob(bob_bits, 0.05, SEED)
        answer = LdpcAlice(alice_bits, 0.05, SEED).answer(bob.start())
        with pytest.raises(ProtocolError, match="bytes where"):
            bob.receive(spoil(answer))
    bob = LdpcBob(np.zeros(3, np.uint8), 0.05, SEED)
    bob.start()
    with pytest.raises(ProtocolError, match="padding"):
        bob.receive(b"\x08")


def lies(bob: LdpcBob, message: bytes, generator: np.random.Generator) -> bytes:
    """Return random bits, as many as a query asks for."""
    count = struct.unpack("<BBI", message)[2] - len(bob._answered)
    return np.packbits(generator.integers(0, 2, count, dtype=np.uint8), bitorder="little").tobytes()


def test_lies_end_in_a_dropped_block() -> None:
    """Random bits instead of a syndrome: no errors of about the right number explain them."""
    _, bob_bits = block(20_000, 0.05, 1)
    bob = LdpcBob(bob_bits, 0.05, SEED)
    generator = np.random.default_rng(1)
    message: bytes | None = bob.start()
    for _ in range(plan.QUERIES - 1):
        assert message is not None
        message = bob.receive(lies(bob, message, generator))
    assert message is not None
    last = lies(bob, message, generator)
    with pytest.raises(BlockDropped, match="did not find"):
        bob.receive(last)
    assert bob.round_trips == plan.QUERIES
    assert np.array_equal(bob.bits, bob_bits)


def test_one_wrong_bit_in_an_answer_never_goes_unnoticed_by_the_syndrome() -> None:
    """Bob ends with a block that has the syndrome he was told, or with none."""
    alice_bits, bob_bits = block(20_000, 0.05, 1)
    bob = LdpcBob(bob_bits, 0.05, SEED)
    answer = bytearray(LdpcAlice(alice_bits, 0.05, SEED).answer(bob.start()))
    answer[100] ^= 1
    try:
        finished = bob.receive(bytes(answer)) is None
    except BlockDropped:
        finished = False
    assert not (finished and np.array_equal(bob.bits, alice_bits))


def test_paths_find_the_same() -> None:
    alice_bits, bob_bits = block(20_000, 0.0649, 4)
    found = set()
    for path in range(1, lib.hexkey_ldpc_fastest() + 1):
        alice, bob = LdpcAlice(alice_bits, 0.0649, SEED), LdpcBob(bob_bits, 0.0649, SEED, path=path)
        message: bytes | None = bob.start()
        while message is not None:
            message = bob.receive(alice.answer(message))
        found.add((bob.bits.tobytes(), bob.sweeps, alice.disclosed_bits))
    assert len(found) == 1


def test_calls_out_of_turn_are_refused() -> None:
    bob = LdpcBob(np.zeros(10, np.uint8), 0.1, SEED)
    with pytest.raises(ValueError, match="no query"):
        bob.receive(b"")
    bob.start()
    with pytest.raises(ValueError, match="already started"):
        bob.start()
    bob.receive(b"\x00\x00")
    with pytest.raises(ValueError, match="no query"):
        bob.receive(b"\x00\x00")


@pytest.mark.parametrize(
    ("bits", "qber", "seed", "message"),
    [
        ([], 0.1, SEED, "bits must have shape"),
        ([[0]], 0.1, SEED, "bits must have shape"),
        (np.zeros(wire.MAX_BITS + 1, np.uint8), 0.1, SEED, "bits must have shape"),
        ([0, 2], 0.1, SEED, "integers 0 and 1"),
        ([0.0, 1.0], 0.1, SEED, "integers 0 and 1"),
        ([0, 1], 0.6, SEED, "qber must be"),
        ([0, 1], math.nan, SEED, "qber must be"),
        ([0, 1], 0.1, b"short", "seed must be 32 bytes"),
    ],
)
def test_arguments_are_checked(bits: list[int], qber: float, seed: bytes, message: str) -> None:
    for role in (LdpcAlice, LdpcBob):
        with pytest.raises(ValueError, match=message):
            role(bits, qber, seed)


def test_other_bad_arguments() -> None:
    with pytest.raises(ValueError, match="same length"):
        reconcile([0, 1], [0], 0.1, SEED)
    with pytest.raises(ValueError, match="queries must be"):
        LdpcBob([0], 0.1, SEED, queries=0)


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize(
    ("n", "qber", "blocks", "most"), [(65_536, 0.0649, 3000, 15), (1 << 20, 0.0649, 20, 0)]
)
def test_failures_in_many_blocks(n: int, qber: float, blocks: int, most: int) -> None:
    """Wrong blocks: a rate of 1 % would show 15 or fewer in 3000 with a probability of 0.002."""
    wrong = 0
    for seed in range(blocks):
        alice, bob = block(n, qber, 1000 + seed)
        wrong += not np.array_equal(reconcile(alice, bob, qber, SEED).bits, alice)
    assert wrong <= most
