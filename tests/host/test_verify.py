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
from tests.host.verification_patterns import CARELESS, Pattern, malicious

from hexkey.gf128 import degree
from hexkey.verify import tag_bits, verification_tag

VECTORS = json.loads((Path(__file__).parent.parent / "vectors" / "hashing.json").read_text())
FALSE_ALARM = 1e-6
TRIALS = 10_000


def random_bits(rng: np.random.Generator, n: int) -> NDArray[np.uint8]:
    return rng.integers(0, 2, n, dtype=np.uint8)


def collisions(rng: np.random.Generator, pattern: Pattern, n: int, k: int, trials: int) -> int:
    """Count the wrong strings that pass; each difference is there before its point is drawn."""
    passed = 0
    for _ in range(trials):
        bits = random_bits(rng, n)
        wrong = bits ^ pattern(rng, n)
        seed = rng.bytes(16)
        passed += verification_tag(bits, seed, k) == verification_tag(wrong, seed, k)
    return passed


@pytest.mark.parametrize("name", CARELESS)
@pytest.mark.parametrize(("k", "n"), [(8, 300), (8, 1000), (12, 1000), (16, 4001)])
def test_wrong_blocks_pass_as_rarely_as_the_bound_says(k: int, n: int, name: str) -> None:
    """Below the bound L/2^k, and at the 2^-k of differences that nobody chose for the hash.

    Each limit is the closed form at which a hash as good as that fails once in a million.
    """
    rng = np.random.default_rng([k, n, list(CARELESS).index(name)])
    passed = collisions(rng, CARELESS[name], n, k, TRIALS)
    assert passed <= binom.isf(FALSE_ALARM, TRIALS, degree(n) / 2**k)
    assert passed <= binom.isf(FALSE_ALARM, TRIALS, 2.0**-k)
    assert passed >= binom.ppf(FALSE_ALARM, TRIALS, 2.0**-k)


@pytest.mark.parametrize(("k", "m"), [(8, 2), (8, 3), (10, 4), (12, 4), (16, 5)])
def test_differences_chosen_for_the_hash_reach_half_the_bound_and_not_more(k: int, m: int) -> None:
    """The bound is no caution: 2^-k would be wrong by the factor 2^(m-1), up to 16 here."""
    difference = malicious(m)
    bound = degree(difference.size) / 2**k
    assert bound == 2.0 ** (m - k)
    rng = np.random.default_rng([k, m])
    trials = 8_000 if k < 16 else 60_000
    passed = collisions(rng, lambda *_: difference, difference.size, k, trials)
    assert passed <= binom.isf(FALSE_ALARM, trials, bound)
    assert binom.ppf(FALSE_ALARM, trials, bound / 2) <= passed
    assert passed <= binom.isf(FALSE_ALARM, trials, bound / 2)
    assert passed > binom.isf(FALSE_ALARM, trials, 2.0**-k)


def test_the_tag_that_the_budget_asks_for_stops_chosen_differences_too() -> None:
    """`tag_bits` pays for the degree: at its length even these pass with at most eps_cor."""
    difference, eps = malicious(4), 2.0**-7
    k = tag_bits(difference.size, eps)
    assert k == 7 + 4
    rng = np.random.default_rng(9)
    passed = collisions(rng, lambda *_: difference, difference.size, k, TRIALS)
    assert binom.ppf(FALSE_ALARM, TRIALS, eps / 2) <= passed
    assert passed <= binom.isf(FALSE_ALARM, TRIALS, eps)


def test_wrong_blocks_of_the_same_seed_differ_too() -> None:
    rng = np.random.default_rng(5)
    bits, seed = random_bits(rng, 3000), rng.bytes(16)
    good = verification_tag(bits, seed, 64)
    one = CARELESS["one bit"]
    assert all(verification_tag(bits ^ one(rng, 3000), seed, 64) != good for _ in range(3000))


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
