"""Verification tags: how often wrong strings pass, how many bits that takes."""

import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import binom

from hexkey.gf128 import degree
from hexkey.verify import tag_bits, verification_tag

VECTORS = json.loads((Path(__file__).parent.parent / "vectors" / "hashing.json").read_text())
FALSE_ALARM = 1e-6
TRIALS = 10_000


def random_bits(rng: np.random.Generator, n: int) -> NDArray[np.uint8]:
    return rng.integers(0, 2, n, dtype=np.uint8)


def wrong(rng: np.random.Generator, bits: NDArray[np.uint8], errors: int) -> NDArray[np.uint8]:
    other = bits.copy()
    other[rng.choice(bits.size, errors, replace=False)] ^= 1
    return other


@pytest.mark.parametrize("errors", [1, 40])
@pytest.mark.parametrize("k", [8, 12, 16])
def test_wrong_blocks_pass_as_rarely_as_the_bound_says(k: int, errors: int) -> None:
    """Fresh points on deliberately wrong blocks: below L/2^k, and near the typical 2^-k."""
    n = 1000
    rng = np.random.default_rng(100 * k + errors)
    bits = random_bits(rng, n)
    passed = 0
    for _ in range(TRIALS):
        seed = rng.bytes(16)
        other = wrong(rng, bits, errors)
        passed += verification_tag(bits, seed, k) == verification_tag(other, seed, k)
    bound = degree(n) / 2**k
    assert passed <= binom.isf(FALSE_ALARM, TRIALS, bound)
    assert passed <= binom.isf(FALSE_ALARM, TRIALS, 2.0**-k)
    assert passed >= binom.ppf(FALSE_ALARM, TRIALS, 2.0**-k)


def test_wrong_blocks_of_the_same_seed_differ_too() -> None:
    rng = np.random.default_rng(5)
    bits, seed = random_bits(rng, 3000), rng.bytes(16)
    good = verification_tag(bits, seed, 64)
    assert all(verification_tag(wrong(rng, bits, 1), seed, 64) != good for _ in range(3000))


@given(n=st.integers(0, 10**8), log_eps=st.floats(-30, -0.01))
def test_tag_bits_is_the_smallest_that_suffices(n: int, log_eps: float) -> None:
    eps = 10.0**log_eps
    k = tag_bits(n, eps)
    assert Fraction(degree(n), 2**k) <= Fraction(eps) < Fraction(degree(n), 2 ** (k - 1))


def test_tag_bits_at_an_exact_power_of_two() -> None:
    assert degree(7 * 128) == 8
    assert tag_bits(7 * 128, 2.0**-37) == 40
    assert tag_bits(7 * 128 + 1, 2.0**-37) == 41


@given(n=st.integers(0, 300), zeros=st.integers(1, 200), seed=st.binary(min_size=16, max_size=16))
def test_length_is_hashed(n: int, zeros: int, seed: bytes) -> None:
    if not any(seed):
        return
    bits = np.ones(n, np.uint8)
    longer = np.append(bits, np.zeros(zeros, np.uint8))
    assert verification_tag(bits, seed, 128) != verification_tag(longer, seed, 128)


@pytest.mark.parametrize("case", VECTORS["polynomial_hash"], ids=lambda case: f"{case['n_bits']}")
def test_tag_is_the_beginning_of_the_hash(case: dict[str, str]) -> None:
    packed = np.frombuffer(bytes.fromhex(case["packed"]), np.uint8)
    bits = np.unpackbits(packed, count=int(case["n_bits"]), bitorder="little")
    seed, digest = bytes.fromhex(case["point"]), bytes.fromhex(case["hash"])
    assert verification_tag(bits, seed, 128) == digest
    assert verification_tag(bits, seed, 48) == digest[:6]
    assert verification_tag(bits, seed, 11) == bytes([digest[0], digest[1] & 0b111])


def test_wrong_arguments_are_refused() -> None:
    bits = np.zeros(10, np.uint8)
    with pytest.raises(ValueError, match=r"^seed must be 16 bytes, not 8$"):
        verification_tag(bits, bytes(8), 40)
    with pytest.raises(ValueError, match=r"^n_tag_bits must be 1 to 128, not 129$"):
        verification_tag(bits, bytes(16), 129)
    with pytest.raises(ValueError, match=r"^bits must hold only 0 and 1$"):
        verification_tag(bits + np.uint8(2), bytes(16), 40)
    with pytest.raises(TypeError, match=r"^bits must be uint8, not int64$"):
        verification_tag(bits.astype(np.int64), bytes(16), 40)
    with pytest.raises(ValueError, match=r"one dimension, not 2$"):
        verification_tag(bits.reshape(2, 5), bytes(16), 40)


@pytest.mark.parametrize("eps", [0.0, 1.0, -1e-9, float("nan")])
def test_impossible_epsilon(eps: float) -> None:
    with pytest.raises(ValueError, match="eps_cor must be between 0 and 1"):
        tag_bits(1000, eps)


def test_hash_too_short_for_epsilon() -> None:
    with pytest.raises(ValueError, match=r"needs a tag of 13\d bits, the hash has 128"):
        tag_bits(10**6, 1e-36)
