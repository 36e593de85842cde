"""A block of Cascade is corrected, all it costs counted, and it ends whatever the peer says."""

import hashlib
import itertools
import math
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from tests.host.reconcile.reference_cascade import (
    Ledger,
    PlainAlice,
    plain_number,
    plain_order,
    plain_parse,
    plain_section,
    plain_table,
    textbook_cascade,
)

from hexkey.errors import BlockDropped, ProtocolError
from hexkey.reconcile.cascade import reconcile
from hexkey.reconcile.cascade_block import BlockAlice, BlockBob
from hexkey.reconcile.cascade_wire import MAX_BITS, parity_limit, rotations_of_pass, subset_stream

SEED = bytes(range(32))
Bits = NDArray[np.uint8]


def block(n: int, error_rate: float, seed: int) -> tuple[Bits, Bits]:
    generator = np.random.default_rng(seed)
    alice = generator.integers(0, 2, n, dtype=np.uint8)
    return alice, alice ^ (generator.random(n) < error_rate).astype(np.uint8)


def entropy(q: float) -> float:
    return -q * math.log2(q) - (1 - q) * math.log2(1 - q)


@given(
    n=st.integers(1, 400),
    qber=st.floats(0, 0.5),
    error_rate=st.sampled_from([0, 0.01, 0.065, 0.11, 0.25, 0.5, 1]),
    seed=st.integers(0, 2**32 - 1),
)
@settings(deadline=None, max_examples=150, derandomize=True)
def test_any_error_pattern_is_corrected_and_every_parity_counted_once(
    n: int, qber: float, error_rate: float, seed: int
) -> None:
    alice_bits, bob_bits = block(n, error_rate, seed)
    key = hashlib.sha256(struct.pack("<Q", seed)).digest()
    alice, bob = BlockAlice(alice_bits, qber, key), BlockBob(bob_bits, qber, key)
    plain, ledger = PlainAlice(alice_bits.tolist(), key), Ledger(n)
    query: bytes | None = bob.start()
    while query is not None:
        ledger.note(query)
        answer = alice.answer(query)
        assert answer == plain.answer(query)
        query = bob.receive(answer)
    assert np.array_equal(bob.bits, alice_bits)
    assert bob.corrected == np.count_nonzero(alice_bits != bob_bits)  # none flipped twice
    assert alice.disclosed_bits == bob.parities_asked == plain.disclosed == ledger.asked
    assert ledger.new == ledger.asked


@pytest.mark.parametrize(
    ("qber", "n", "at_most"),
    [(0.01, 65536, 1.055), (0.0649, 16384, 1.06), (0.0649, 65536, 1.05), (0.11, 65536, 1.06)],
)
def test_efficiency_on_independent_errors(qber: float, n: int, at_most: float) -> None:
    results, limit = [], 0.0
    for seed in range(4):
        alice, bob = block(n, qber, seed)
        results.append(reconcile(alice, bob, qber, seed.to_bytes(32)))
        assert np.array_equal(results[-1].bits, alice)
        limit += n * entropy(results[-1].corrected / n)
    f = sum(result.disclosed_bits for result in results) / limit
    assert 1 < f < at_most
    assert all(1 < result.efficiency < at_most + 0.05 for result in results)
    assert max(result.round_trips for result in results) < 1000


def test_better_than_the_textbook() -> None:
    alice, bob = block(4096, 0.05, 1)
    corrected, asked = textbook_cascade(alice.tolist(), bob.tolist(), 0.05, 1)
    result = reconcile(alice, bob, 0.05, SEED)
    assert corrected == alice.tolist() == result.bits.tolist()
    assert result.disclosed_bits < asked


def test_what_bob_says_depends_on_the_error_pattern_alone() -> None:
    said = []
    for seed in range(2):
        alice_bits = block(2000, 0, seed)[0]
        alice = BlockAlice(alice_bits, 0.05, SEED)
        bob = BlockBob(alice_bits ^ (np.arange(2000) % 19 == 0), 0.05, SEED)
        queries: list[bytes] = []
        query: bytes | None = bob.start()
        while query is not None:
            queries.append(query)
            query = bob.receive(alice.answer(query))
        said.append(queries)
    assert said[0] == said[1]


@pytest.mark.parametrize("estimate", [0, 0.001, 0.005, 0.02, 0.25])
@pytest.mark.parametrize("n", [4000, 20_000, 65_536])
def test_a_wrong_estimate_costs_efficiency_only(n: int, estimate: float) -> None:
    alice, bob = block(n, 0.06, 2)
    result = reconcile(alice, bob, estimate, SEED)
    assert np.array_equal(result.bits, alice)
    assert result.efficiency < 1.6
    assert result.round_trips < 3000


def test_equal_blocks_cost_little_and_have_no_efficiency() -> None:
    alice, _ = block(10_000, 0, 3)
    result = reconcile(alice, alice, 0, SEED)
    assert result.disclosed_bits <= 15
    assert result.corrected == 0
    assert math.isnan(result.efficiency)


def test_bursts_are_corrected() -> None:
    alice, _ = block(8192, 0, 4)
    bob = alice.copy()
    bob[1000:1500] ^= 1
    result = reconcile(alice, bob, 500 / 8192, SEED)
    assert np.array_equal(result.bits, alice)
    assert result.efficiency < 1.15


# 100 bits are a table of 7 rows of 16.
@pytest.mark.parametrize(
    "query",
    [
        b"",
        b"\x00",
        plain_section(0),
        plain_section(64, (0, 1)),
        plain_section(255, (0, 1)),
        plain_section(0, (0, 113)),
        plain_section(0, (113, 1)),
        plain_section(0, (0, 112), (0, 1)),
        plain_section(3, (2**27, 1)),
        plain_section(0, (3, 0)),
        plain_section(0, (0, 1))[:-1],
        plain_section(0, (0, 1)) + b"\x00",
        plain_section(0, (0, 1)) + plain_section(9, (112, 1)),
        b"\x00\x01\x80\x80\x80\x80\x00\x01",
        b"\x00" + plain_number(2**28 - 1),
        plain_section(0, *[(0, 1)] * 112, (1, 1)),
        b"".join(plain_section(k % 8, *[(0, 1)] * 100) for k in range(3)),
        bytes(10_000),
    ],
)
def test_alice_refuses_malformed_queries_and_discloses_nothing(query: bytes) -> None:
    alice = BlockAlice(block(100, 0, 5)[0], 0.05, SEED)
    with pytest.raises(ProtocolError, match="drop the block"):
        alice.answer(query)
    assert alice.disclosed_bits == 0


def test_alice_cannot_be_drained() -> None:
    alice = BlockAlice(block(100, 0, 6)[0], 0.05, SEED)
    alice.answer(b"".join(plain_section(number, *[(0, 1)] * 66) for number in (0, 1, 8, 63)))
    assert alice.disclosed_bits == parity_limit(100) == 264
    with pytest.raises(ProtocolError, match="0 parities left"):
        alice.answer(plain_section(0, (0, 1)))


@pytest.mark.parametrize("change", [lambda a: a + b"\x00", lambda a: a[:-1], lambda a: b""])
def test_bob_refuses_answers_of_a_wrong_length(change) -> None:  # type: ignore[no-untyped-def]
    bits = block(100, 0, 7)[0]
    bob = BlockBob(bits, 0.05, SEED)
    answer = BlockAlice(bits, 0.05, SEED).answer(bob.start())
    with pytest.raises(ProtocolError, match="Cascade answer"):
        bob.receive(change(answer))


def test_bob_refuses_set_padding() -> None:
    bob = BlockBob([1], 0.1, SEED)
    bob.start()
    with pytest.raises(ProtocolError, match="padding"):
        bob.receive(b"\xff")


def converse_with_a_liar(bits: Bits, lies: float, seed: int) -> BlockBob:
    """Let Bob, who has no errors, talk to an Alice who inverts a share of her answers."""
    bob, generator = BlockBob(bits, 0.05, SEED), np.random.default_rng(seed)
    alice = BlockAlice(bits, 0.05, SEED)
    query: bytes | None = bob.start()
    try:
        while query is not None:
            truth = np.frombuffer(alice.answer(query), np.uint8)
            flips = (generator.random(len(plain_parse(query))) < lies).astype(np.uint8)
            query = bob.receive((truth ^ np.packbits(flips, bitorder="little")).tobytes())
    finally:
        assert bob.parities_asked <= parity_limit(len(bits))
        assert bob.corrected <= len(bits)
    return bob


@pytest.mark.parametrize("seed", range(8))
def test_a_lying_peer_ends_in_bounded_time(seed: int) -> None:
    try:
        converse_with_a_liar(block(500, 0, seed)[0], [0.002, 0.02, 0.5, 1][seed % 4], seed)
    except (ProtocolError, BlockDropped):
        pass


def test_contradicting_answers_are_noticed() -> None:
    with pytest.raises(ProtocolError, match="contradict"):
        converse_with_a_liar(block(500, 0, 0)[0], 0.5, 0)


def test_round_trips_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("cascade", "cascade_block"):
        monkeypatch.setattr(f"hexkey.reconcile.{module}.MAX_ROUND_TRIPS", 3)
    with pytest.raises(BlockDropped, match="3 round trips"):
        reconcile(*block(1000, 0.05, 8), 0.05, SEED)
    alice_bits, bob_bits = block(1000, 0.05, 8)
    alice, bob = BlockAlice(alice_bits, 0.05, SEED), BlockBob(bob_bits, 0.05, SEED)
    query: bytes | None = bob.start()
    for _ in range(2):
        assert query is not None
        query = bob.receive(alice.answer(query))
    assert query is not None
    with pytest.raises(BlockDropped, match="3 round trips"):
        bob.receive(alice.answer(query))


def test_the_expansion_never_changes() -> None:
    seen = rotations_of_pass(SEED, 1, 1000).astype("<u4").tobytes()
    seen += rotations_of_pass(SEED, 7, 70_000).astype("<u4").tobytes()
    seen += subset_stream(SEED, 3, 1000).astype("<u8").tobytes()
    assert hashlib.sha256(seen).hexdigest()[:16] == "3ba2b8e8aff40baa"


@pytest.mark.parametrize("n", [1, 2, 3, 64, 65, 1000, 4097, 5000, 9000])
@pytest.mark.parametrize("number", [1, 7])
def test_a_shuffle_is_a_permutation_that_parts_neighbours(n: int, number: int) -> None:
    order = plain_order(SEED, number, n)
    rows, columns = plain_table(n)
    assert sorted(order) == list(range(rows * columns))
    place = np.argsort(order)
    row = place.reshape(rows, columns) // columns
    if rows == columns:
        assert all(len(set(each)) == columns for each in row.tolist())


@pytest.mark.parametrize("n", [1, 5, 63, 64, 100, 1000, 4096, 4097, 5000, 20_000])
def test_alice_answers_as_it_is_written(n: int) -> None:
    """Wide tables are permuted 64 columns at a time, narrow ones bit by bit."""
    bits = block(n, 0, n)[0]
    alice, plain = BlockAlice(bits, 0.05, SEED), PlainAlice(bits.tolist(), SEED)
    rows, columns = plain_table(n)
    places = rows * columns
    generator = np.random.default_rng(n)
    for number in (0, 1, 7, 8, 21, 22, 63):
        bounds = np.unique(generator.integers(0, places + 1, 20)).tolist()
        ranges = [(0, b - a) for a, b in itertools.pairwise([0, *bounds]) if b > a]
        query = plain_section(number, *ranges[: (parity_limit(n) - alice.disclosed_bits)])
        if ranges:
            assert alice.answer(query) == plain.answer(query)


@pytest.mark.parametrize("n", [1, 50, 1000, 5000])
@pytest.mark.parametrize("number", [8, 21, 22, 36, 50, 63])
def test_alice_answers_about_whole_subsets(n: int, number: int) -> None:
    """They need no table; a question about a part makes one, and nothing changes by it."""
    bits = block(n, 0, n)[0]
    rows, columns = plain_table(n)
    for before in ([], [(number, 1)], [(number, max(1, n - 1))], [(8 + (number - 7) % 56, 1)]):
        alice, plain = BlockAlice(bits, 0.05, SEED), PlainAlice(bits.tolist(), SEED)
        whole = [(number, n), (number, rows * columns), *before, (number, n)]
        for each, length in [*before, *whole]:
            query = plain_section(each, (0, length))
            assert alice.answer(query) == plain.answer(query)


@pytest.mark.parametrize(
    ("bits", "qber", "seed", "message"),
    [
        ([], 0.1, SEED, "bits must have shape"),
        ([[0]], 0.1, SEED, "bits must have shape"),
        (np.zeros(MAX_BITS + 1, np.uint8), 0.1, SEED, "bits must have shape"),
        ([0, 2], 0.1, SEED, "integers 0 and 1"),
        ([0.0, 1.0], 0.1, SEED, "integers 0 and 1"),
        ([0, 1], 0.6, SEED, "qber must be"),
        ([0, 1], math.nan, SEED, "qber must be"),
        ([0, 1], 0.1, b"short", "seed must be 32 bytes"),
    ],
)
def test_arguments_are_checked(bits: list[int], qber: float, seed: bytes, message: str) -> None:
    for role in (BlockAlice, BlockBob):
        with pytest.raises(ValueError, match=message):
            role(bits, qber, seed)


@pytest.mark.parametrize("estimate", [0.8, 0.9, 1.1, 1.25])
@pytest.mark.parametrize("qber", [0.01, 0.0649])
def test_an_estimate_from_a_small_sample_costs_little(qber: float, estimate: float) -> None:
    """Later passes go by the first one: a sample of 1600 bits is off by more than that."""
    disclosed = limit = 0.0
    for seed in range(3):
        alice, bob = block(1 << 18, qber, seed)
        result = reconcile(alice, bob, estimate * qber, seed.to_bytes(32), 1 << 18)
        assert np.array_equal(result.bits, alice)
        disclosed += result.disclosed_bits
        limit += len(alice) * entropy(result.corrected / len(alice))
    assert disclosed / limit < 1.05
