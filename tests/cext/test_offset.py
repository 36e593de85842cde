"""The offset kernel counts mismatches as its slow twin does, in whole tiles and at their edges."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from tests.cext.reference_offset import plain_search

from hexkey._native import ffi, lib

TILE = 8192  # offsets; shorter searches are done one by one


def search(
    record: NDArray[np.uint8],
    position: NDArray[np.uint64],
    bits: NDArray[np.uint8],
    candidates: int,
    limit: int,
    capacity: int = 1000,
) -> list[tuple[int, int]]:
    packed = np.packbits(record, bitorder="little")
    match, mismatches = np.zeros(capacity, np.uint64), np.zeros(capacity, np.uint32)
    found = lib.hexkey_offset_search(
        ffi.from_buffer("uint8_t[]", packed),
        len(packed),
        ffi.from_buffer("uint64_t[]", position),
        ffi.from_buffer("uint8_t[]", bits),
        len(position),
        candidates,
        limit,
        ffi.from_buffer("uint64_t[]", match),
        ffi.from_buffer("uint32_t[]", mismatches),
        capacity,
    )
    return list(zip(match[:found].tolist(), mismatches[:found].tolist(), strict=True))


@given(
    samples=st.integers(1, 40),
    span=st.integers(1, 3000),
    candidates=st.integers(TILE - 1, 2 * TILE + 200),
    share=st.floats(0, 0.35),
    seed=st.integers(0, 2**32 - 1),
)
@settings(deadline=None, max_examples=25, derandomize=True)
def test_same_counts_as_the_slow_twin(
    samples: int, span: int, candidates: int, share: float, seed: int
) -> None:
    generator = np.random.default_rng(seed)
    record = generator.integers(0, 2, span + candidates - 1, dtype=np.uint8)
    position = generator.integers(0, span, samples, dtype=np.uint64)
    bits = generator.integers(0, 2, samples, dtype=np.uint8)
    limit = int(share * samples)
    slow = plain_search(record.tolist(), position.tolist(), bits.tolist(), candidates, limit)
    assert search(record, position, bits, candidates, limit, 20_000) == slow


@pytest.mark.parametrize("samples", [15, 16, 17, 511, 512, 8191])
def test_counts_at_every_offset_of_a_tile(samples: int) -> None:
    """With a limit that nothing exceeds, all counts come back: all planes, padding of groups."""
    generator = np.random.default_rng(samples)
    record = generator.integers(0, 2, 3 * TILE, dtype=np.uint8)
    position = generator.choice(TILE, samples, replace=False).astype(np.uint64)
    bits = generator.integers(0, 2, samples, dtype=np.uint8)
    counts = np.zeros(2 * TILE, np.int64)
    for at, bit in zip(position.astype(np.int64), bits, strict=True):
        counts += record[at : at + 2 * TILE] != bit
    found = search(record, position, bits, 2 * TILE, samples - 1, 2 * TILE)
    assert found == [(i, c) for i, c in enumerate(counts.tolist()) if c < samples]


@pytest.mark.parametrize("shift", [0, 1, 63, 64, 65, TILE - 1, TILE, 2 * TILE, 20_000])
@pytest.mark.parametrize("wrong", [0, 7, 8])
def test_a_planted_match_is_found_up_to_the_limit(shift: int, wrong: int) -> None:
    generator = np.random.default_rng(shift)
    candidates, samples = 20_001, 100
    position = np.sort(generator.choice(5000, samples, replace=False)).astype(np.uint64)
    record = generator.integers(0, 2, candidates + 5000, dtype=np.uint8)
    bits = record[position.astype(np.int64) + shift]
    bits[:wrong] ^= 1
    assert search(record, position, bits, candidates, 7) == ([(shift, wrong)] if wrong <= 7 else [])


def test_stops_when_full() -> None:
    record, position = np.zeros(3 * TILE, np.uint8), np.arange(10, dtype=np.uint64)
    bits = np.zeros(10, np.uint8)
    assert search(record, position, bits, 2 * TILE, 0, 3) == [(0, 0), (1, 0), (2, 0)]
