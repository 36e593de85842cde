"""The pulse-number offset is found, is refused when it is not certain, and its doubt is bounded."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mpmath import mp
from numpy.typing import NDArray
from scipy import stats

from hexkey.align import (
    MAX_SAMPLE_BITS,
    Alignment,
    _at_most,
    find_offset,
    find_offset_of_bases,
    log_false_match_bound,
    sample_size_for,
)
from hexkey.errors import InputError

FIRST_PULSE = 10**6
N = 120_000
Bits = NDArray[np.uint8]


def alice_record(seed: int = 0, n: int = N) -> Bits:
    return np.random.default_rng(seed).integers(0, 2, n, dtype=np.uint8)


def sample(
    record: Bits, offset: int, error_rate: float = 0.0, size: int = 256, first: int = FIRST_PULSE
) -> tuple[NDArray[np.uint64], Bits]:
    """Return Bob's pulse numbers and bits for a record whose first pulse is Alice's `first`."""
    generator = np.random.default_rng(abs(offset))
    low, high = max(0, first - offset), first + len(record) - offset
    pulses = generator.choice(np.arange(low, high)[-min(high - low, 20_000) :], size, replace=False)
    bits = record[pulses + offset - first]
    return pulses.astype(np.uint64), bits ^ (generator.random(size) < error_rate).astype(np.uint8)


def pack(bits: Bits) -> bytes:
    return np.packbits(bits, bitorder="little").tobytes()


@given(
    offset=st.integers(-(10**6), FIRST_PULSE + N - 300),
    error_rate=st.sampled_from([0.0, 0.065, 0.11]),
    shuffle_seed=st.integers(0, 100),
)
@settings(deadline=None, max_examples=40, derandomize=True)
def test_any_offset_is_found(offset: int, error_rate: float, shuffle_seed: int) -> None:
    record = alice_record()
    pulses, bits = sample(record, offset, error_rate)
    order = np.random.default_rng(shuffle_seed).permutation(len(bits))
    found = find_offset(pulses[order], bits[order], pack(record), FIRST_PULSE, N)
    at = pulses.astype(np.int64) + offset - FIRST_PULSE
    assert found.offset == offset
    assert found.mismatches == np.count_nonzero(record[at] != bits)
    assert (found.sample_bits, found.modulo) == (256, None)
    assert found.candidates <= N - int(np.ptp(pulses.astype(np.int64)))
    assert 0 < found.false_match_probability < 1e-9


@pytest.mark.parametrize("offset", [0, 1, -1, 7, 8, 9, 63, 64, 65, -64, 127, 128, 99_000])
def test_offsets_at_word_boundaries_with_a_record_that_starts_at_zero(offset: int) -> None:
    record = alice_record(1)
    pulses, bits = sample(record, offset, 0.11, first=0)
    packed = np.frombuffer(pack(record), np.uint8)
    assert find_offset(pulses, bits, packed, 0, N).offset == offset


def test_pulse_numbers_beyond_53_bits_and_a_sample_at_the_very_ends_of_the_record() -> None:
    record, big = alice_record(2, 1000), 2**63 + 12345
    pulses = np.concatenate([[0, 999], np.arange(100, 300)]).astype(np.uint64) + np.uint64(big)
    bits = record[(pulses - np.uint64(big)).astype(np.int64)]
    found = find_offset(pulses, bits, pack(record), 500, 1000, search=(-(2**64), 0))
    assert found == Alignment(500 - big, 0, 202, 1, found.false_match_probability, None)


def test_the_search_range_is_inclusive_and_kept_to() -> None:
    record = alice_record(3)
    pulses, bits = sample(record, 1000)
    assert find_offset(pulses, bits, pack(record), FIRST_PULSE, N, (1000, 1000)).candidates == 1
    for search in ((1001, 2000), (0, 999)):
        with pytest.raises(InputError, match="at no offset"):
            find_offset(pulses, bits, pack(record), FIRST_PULSE, N, search)


def test_unrelated_bits_match_nowhere_and_the_best_offset_is_reported() -> None:
    record = alice_record(4, 50_000)
    pulses = np.arange(0, 20_000, 100, dtype=np.uint64)
    bits = np.random.default_rng(5).integers(0, 2, len(pulses), dtype=np.uint8)
    shifts = range(50_000 - 19_900)
    best = min(int(np.count_nonzero(record[d : d + 19_901 : 100] != bits)) for d in shifts)
    with pytest.raises(InputError, match=rf"best: {100 * best / 200:.1f}% mismatches"):
        find_offset(pulses, bits, pack(record), 0, 50_000)


def test_a_repeated_record_is_ambiguous_unless_its_period_is_said() -> None:
    record = np.tile(alice_record(6, 5000), 6)
    pulses, bits = sample(record, 12_345, 0.05, first=12_345)
    with pytest.raises(InputError, match=r"at offset .* and again at"):
        find_offset(pulses, bits, pack(record), 12_345, len(record))
    found = find_offset(pulses, bits, pack(record), 12_345, len(record), period=5000)
    assert (found.offset, found.modulo, found.candidates) == (2345, 5000, 5000)


@pytest.mark.parametrize("offset", [0, 1, 2, 17])
@pytest.mark.parametrize("n", [9999, 10_000])
def test_the_public_pattern_fixes_the_offset_modulo_two(offset: int, n: int) -> None:
    record = (1 - np.arange(n) % 2).astype(np.uint8)
    pulses, bits = sample(record, offset, 0.08, first=0)
    found = find_offset(pulses, bits, pack(record), 0, n, period=2)
    assert (found.offset, found.modulo, found.candidates) == (offset % 2, 2, 2)


@pytest.mark.parametrize("wrong_bit", [0, 7, 4000, 9992, 9999, 10_002])
def test_a_record_without_the_period_is_refused(wrong_bit: int) -> None:
    record = np.tile(alice_record(7, 3), 3335)[:10_003]
    pulses, bits = sample(record, 0, first=0)
    assert find_offset(pulses, bits, pack(record), 0, len(record), period=3).offset == 0
    record[wrong_bit] ^= 1
    with pytest.raises(InputError, match="does not repeat after 3 pulses"):
        find_offset(pulses, bits, pack(record), 0, len(record), period=3)


def test_small_samples_are_refused_with_the_size_that_is_needed() -> None:
    record = alice_record(8)
    pulses, bits = sample(record, 5, size=40)
    with pytest.raises(InputError, match=r"sample of 40 bits is too small .* disclose \d+"):
        find_offset(pulses, bits, pack(record), FIRST_PULSE, N)


def test_a_sample_that_fits_nowhere_is_refused() -> None:
    record = alice_record(9, 100)
    pulses = np.array([0, 100], np.uint64)
    with pytest.raises(InputError, match=r"holds the whole sample .* at no offset"):
        find_offset(pulses, [0, 1], pack(record), 0, 100)
    with pytest.raises(InputError, match="holds the whole sample"):  # less than a period of room
        find_offset(pulses[:1], [0], pack(np.zeros(10, np.uint8)), 0, 10, period=11)


def test_pulses_named_twice_are_refused() -> None:
    with pytest.raises(InputError, match="names a pulse twice"):
        find_offset([3, 3], [0, 0], bytes(10), 0, 80)


@pytest.mark.parametrize(
    ("pulses", "bits", "packed", "n", "fraction"),
    [
        ([], [], bytes(10), 80, 0.25),
        (range(MAX_SAMPLE_BITS + 1), [0] * (MAX_SAMPLE_BITS + 1), bytes(2000), 16_000, 0.25),
        ([1], [0, 1], bytes(10), 80, 0.25),
        ([1], [2], bytes(10), 80, 0.25),
        ([1], [0], bytes(10), 81, 0.25),
        ([1], [0], bytes(10), 80, 0.5),
        ([1], [0], np.zeros(10, np.int64), 80, 0.25),
    ],
)
def test_wrong_shapes_are_programming_errors(pulses, bits, packed, n, fraction) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError, match=r"must|fraction"):
        find_offset(list(pulses), bits, packed, 0, n, max_mismatch_fraction=fraction)


@pytest.mark.parametrize(("samples", "limit"), [(1, 0), (10, 3), (512, 128), (8000, 100)])
def test_false_match_bound_against_exact_arithmetic(samples: int, limit: int) -> None:
    tail = sum(math.comb(samples, k) for k in range(limit + 1))
    exact = mp.log(8 * 10**8) + mp.log(tail) - samples * mp.log(2)
    assert log_false_match_bound(8 * 10**8, samples, limit) == pytest.approx(float(exact), rel=1e-9)


@pytest.mark.parametrize("fraction", [0.0, 0.11, 0.25, 0.4])
@pytest.mark.parametrize("candidates", [2, 10**6, 8 * 10**8 + 1])
def test_the_advised_size_and_every_larger_one_keep_the_bound(
    fraction: float, candidates: int
) -> None:
    size = sample_size_for(candidates, fraction, 1e-9)
    for samples in range(size, size + 30):
        bound = log_false_match_bound(candidates, samples, math.floor(fraction * samples))
        assert bound <= math.log(1e-9) + 1e-9
    smaller = size * 4 // 5  # and it is not wasteful
    assert log_false_match_bound(candidates, smaller, math.floor(fraction * smaller)) > math.log(
        1e-9
    )


def test_impossible_sizes_are_refused() -> None:
    with pytest.raises(ValueError, match="more than 8191"):
        sample_size_for(10**9, 0.49, 1e-9)


# ---- BB84: only bits of equal bases are compared ------------------------------------------------

SAMPLE_BB84 = 512


def bb84_sample(
    alice_key: float, offset: int, error_rate: float, seed: int = 3
) -> tuple[NDArray[np.uint64], Bits, Bits, Bits, Bits]:
    """Return Bob's pulses, bits and bases, then Alice's bits and bases."""
    rng = np.random.default_rng(seed)
    bits, bases = alice_record(seed), (rng.random(N) < alice_key).astype(np.uint8)
    pulses = np.sort(rng.choice(20_000, SAMPLE_BB84, replace=False)).astype(np.uint64)
    at = pulses.astype(np.int64) + offset - FIRST_PULSE
    chosen = rng.integers(0, 2, SAMPLE_BB84, dtype=np.uint8)
    seen = bits[at] ^ (rng.random(SAMPLE_BB84) < error_rate).astype(np.uint8)
    anything = rng.integers(0, 2, SAMPLE_BB84, dtype=np.uint8)
    return pulses, np.where(bases[at] == chosen, seen, anything), chosen, bits, bases


def packed(bits: Bits) -> NDArray[np.uint8]:
    return np.packbits(bits, bitorder="little")


@pytest.mark.parametrize("alice_key", [0.5, 0.7, 0.9, 0.98])
@pytest.mark.parametrize("error_rate", [0.0, 0.03, 0.11])
@pytest.mark.parametrize("offset", [FIRST_PULSE, FIRST_PULSE + 1, FIRST_PULSE + 77_777])
def test_the_offset_of_bb84_is_found_from_bits_of_equal_bases(
    alice_key: float, error_rate: float, offset: int
) -> None:
    pulses, seen, chosen, bits, bases = bb84_sample(alice_key, offset, error_rate)
    found = find_offset_of_bases(
        pulses, seen, chosen, packed(bits), packed(bases), FIRST_PULSE, N, alice_key, (0, 2 * 10**6)
    )
    at = pulses.astype(np.int64) + offset - FIRST_PULSE
    assert found.offset == offset
    assert found.mismatches == np.count_nonzero((bases[at] == chosen) & (bits[at] != seen))
    assert (found.sample_bits, found.modulo) == (SAMPLE_BB84, None)
    assert 0 < found.false_match_probability < 1e-6


def test_a_sample_of_other_bits_matches_nowhere() -> None:
    pulses, _, chosen, bits, bases = bb84_sample(0.7, FIRST_PULSE, 0.0)
    other = np.random.default_rng(9).integers(0, 2, SAMPLE_BB84, dtype=np.uint8)
    with pytest.raises(InputError, match="at no offset"):
        find_offset_of_bases(
            pulses, other, chosen, packed(bits), packed(bases), FIRST_PULSE, N, 0.7, (0, 2 * 10**6)
        )


def test_a_small_sample_with_bases_is_refused() -> None:
    pulses, seen, chosen, bits, bases = bb84_sample(0.5, FIRST_PULSE, 0.0)
    few = slice(0, 100)
    with pytest.raises(InputError, match=r"100 bits is too small .*\(offset_sample_bits\)"):
        find_offset_of_bases(
            pulses[few],
            seen[few],
            chosen[few],
            packed(bits),
            packed(bases),
            FIRST_PULSE,
            N,
            0.5,
            (0, 2 * 10**6),
        )


@settings(deadline=None, max_examples=40, derandomize=True)
@given(
    counts=st.tuples(st.integers(0, 40), st.integers(0, 40)),
    p=st.floats(0.05, 0.45),
    limit=st.integers(0, 30),
)
def test_the_chance_of_a_false_match_is_that_of_two_binomial_numbers(
    counts: tuple[int, int], p: float, limit: int
) -> None:
    first, second = (
        stats.binom.pmf(np.arange(n + 1), n, q) for n, q in zip(counts, (p, 0.5 - p), strict=True)
    )
    exact = float(np.convolve(first, second)[: limit + 1].sum())
    bound = _at_most([(counts[0], p), (counts[1], 0.5 - p)], limit)
    assert exact <= bound * (1 + 1e-12)
    assert bound <= min(1.0, exact * (1 + 1e-6) + 1e-300)
