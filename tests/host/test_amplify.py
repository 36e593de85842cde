"""Privacy amplification: the convention, known answers, what is refused."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import binom

from hexkey.amplify import (
    amplify,
    amplify_modified,
    amplify_reference,
    modified_seed_bits,
    seed_bits,
)
from hexkey.bits import pack_bits

VECTORS = json.loads((Path(__file__).parent.parent / "vectors" / "hashing.json").read_text())


def from_text(digits: str) -> NDArray[np.uint8]:
    return np.array(list(digits), dtype=np.uint8)


@pytest.mark.parametrize("case", VECTORS["toeplitz"], ids=lambda case: f"{case['n']}")
def test_known_answers(case: dict[str, str]) -> None:
    bits, seed, out = (from_text(case[name]) for name in ("bits", "seed", "out"))
    assert np.array_equal(amplify(bits, seed, out.size), out)
    assert np.array_equal(amplify_reference(bits, seed, out.size), out)
    packed = np.packbits(seed, bitorder="little").tobytes()
    assert np.array_equal(amplify(bits, packed, out.size), out)


@pytest.mark.parametrize("case", VECTORS["modified_toeplitz"], ids=lambda case: f"{case['n']}")
def test_known_answers_of_the_modified_matrix(case: dict[str, str]) -> None:
    bits, seed, out = (from_text(case[name]) for name in ("bits", "seed", "out"))
    assert np.array_equal(amplify_modified(bits, pack_bits(seed), out.size), out)


def test_one_input_bit_reads_one_column() -> None:
    # x = e_j gives T[i, j] = seed[i - j + n - 1]: the convention, bit by bit.
    n, length = 200, 130
    seed = np.random.default_rng(3).integers(0, 2, seed_bits(n, length), dtype=np.uint8)
    for j in range(n):
        one = np.zeros(n, np.uint8)
        one[j] = 1
        assert np.array_equal(amplify(one, seed, length), seed[n - 1 - j : n - 1 - j + length])


@given(n=st.integers(1, 900), number=st.integers(0, 2**32))
def test_linear_in_bits_and_in_seed(n: int, number: int) -> None:
    rng = np.random.default_rng(number)
    length = int(rng.integers(1, n + 1))
    a, b = rng.integers(0, 2, (2, n), dtype=np.uint8)
    s, t = rng.integers(0, 2, (2, seed_bits(n, length)), dtype=np.uint8)
    assert np.array_equal(amplify(a ^ b, s, length), amplify(a, s, length) ^ amplify(b, s, length))
    assert np.array_equal(amplify(a, s ^ t, length), amplify(a, s, length) ^ amplify(a, t, length))


def test_two_universal() -> None:
    """Two different strings collide with probability 2^-length over uniform seeds."""
    rng = np.random.default_rng(11)
    length, trials = 6, 10_000
    difference = rng.integers(0, 2, 90, dtype=np.uint8)
    seeds = rng.integers(0, 2, (trials, seed_bits(90, length)), dtype=np.uint8)
    collisions = sum(not amplify(difference, seed, length).any() for seed in seeds)
    assert binom.ppf(1e-6, trials, 2.0**-length) <= collisions
    assert collisions <= binom.isf(1e-6, trials, 2.0**-length)


@given(n=st.integers(0, 400), share=st.floats(0, 1), number=st.integers(0, 2**32))
def test_modified_is_the_identity_beside_a_toeplitz_matrix(
    n: int, share: float, number: int
) -> None:
    rng, length = np.random.default_rng(number), round(share * n)
    bits = rng.integers(0, 2, n, dtype=np.uint8)
    seed = rng.integers(0, 2, modified_seed_bits(n, length), dtype=np.uint8)
    out = amplify_modified(bits, pack_bits(seed), length)
    rest = n - length
    matrix = np.eye(length, n, dtype=np.int64)
    if length and rest:
        row, column = np.arange(length)[:, np.newaxis], np.arange(rest)
        matrix[:, length:] = seed[row - column + rest - 1]
    assert out.tolist() == (matrix @ bits % 2).tolist()


@pytest.mark.parametrize(("n", "length"), [(2, 1), (5, 1), (5, 2), (6, 3), (6, 5), (7, 4)])
def test_modified_is_two_universal(n: int, length: int) -> None:
    """Over all seeds no difference of two inputs is lost more often than 2^-length."""
    seeds = 1 << modified_seed_bits(n, length)
    for number in range(1, 1 << n):
        difference = np.array([number >> i & 1 for i in range(n)], np.uint8)
        lost = sum(not amplify_modified(difference, bytes([s]), length).any() for s in range(seeds))
        assert lost <= seeds >> length
        assert lost == 0 or difference[length:].any()


def test_modified_of_all_and_of_nothing_needs_no_seed() -> None:
    bits = np.array([1, 0, 1], np.uint8)
    assert modified_seed_bits(3, 3) == modified_seed_bits(3, 0) == 0
    assert amplify_modified(bits, b"", 3).tolist() == [1, 0, 1]
    assert amplify_modified(bits, b"", 0).shape == (0,)


def test_modified_refuses_wrong_lengths_and_other_digits() -> None:
    bits = np.zeros(10, np.uint8)
    with pytest.raises(ValueError, match=r"^length must be between 0 and the 10 bits .*, not 11$"):
        amplify_modified(bits, bytes(2), 11)
    with pytest.raises(ValueError, match=r"^seed must be 2 bytes, not 3$"):
        amplify_modified(bits, bytes(3), 5)
    with pytest.raises(ValueError, match=r"^bits must hold only 0 and 1$"):
        amplify_modified(bits + np.uint8(2), bytes(2), 5)


def test_surplus_bits_of_packed_seed_do_not_matter() -> None:
    bits = np.ones(20, np.uint8)
    assert seed_bits(20, 10) == 29
    assert np.array_equal(amplify(bits, b"abc\x1f", 10), amplify(bits, b"abc\xff", 10))


@pytest.mark.parametrize("n", [0, 1, 100])
def test_nothing_out_needs_no_seed(n: int) -> None:
    assert seed_bits(n, 0) == 0
    empty = np.zeros(0, np.uint8)
    assert amplify(np.ones(n, np.uint8), b"", 0).shape == (0,)
    assert amplify(np.ones(n, np.uint8), empty, 0).shape == (0,)
    assert amplify_reference(np.ones(n, np.uint8), empty, 0).shape == (0,)


def test_input_that_is_not_contiguous() -> None:
    rng = np.random.default_rng(4)
    wide, seed = rng.integers(0, 2, 300, dtype=np.uint8), rng.integers(0, 2, 124, dtype=np.uint8)
    assert np.array_equal(amplify(wide[::3], seed, 25), amplify(wide[::3].copy(), seed, 25))


def test_wrong_lengths_name_both() -> None:
    bits = np.zeros(10, np.uint8)
    with pytest.raises(ValueError, match=r"^length must be between 0 and the 10 bits .*, not 11$"):
        amplify(bits, bytes(3), 11)
    with pytest.raises(ValueError, match=r", not -1$"):
        amplify(bits, bytes(3), -1)
    with pytest.raises(ValueError, match=r"^seed must be 14 bits, not 15$"):
        amplify(bits, np.zeros(15, np.uint8), 5)
    with pytest.raises(ValueError, match=r"^seed must be 2 bytes, not 3$"):
        amplify(bits, bytes(3), 5)
    with pytest.raises(ValueError, match=r"^seed must be 14 bits, not 13$"):
        amplify_reference(bits, np.zeros(13, np.uint8), 5)


def test_only_bits() -> None:
    with pytest.raises(ValueError, match=r"^bits must hold only 0 and 1$"):
        amplify(np.full(10, 2, np.uint8), bytes(2), 5)
    with pytest.raises(ValueError, match=r"^seed must hold only 0 and 1$"):
        amplify(np.zeros(10, np.uint8), np.full(14, 255, np.uint8), 5)
    with pytest.raises(TypeError, match=r"^bits must be uint8, not bool$"):
        amplify(np.zeros(10, np.bool_), bytes(2), 5)
