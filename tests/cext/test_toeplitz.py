"""toeplitz*.c against the dense matrix, and against an FFT where that is too large."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.signal import fftconvolve

from hexkey._native import ffi, lib
from hexkey.amplify import amplify_reference, seed_bits, toeplitz

PATHS = range(lib.HEXKEY_CLMUL_FASTEST, lib.HEXKEY_CLMUL_PORTABLE + 1)


def draw(n: int, length: int, seed: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    rng = np.random.default_rng(seed)
    bits = rng.integers(0, 2, n, dtype=np.uint8)
    return bits, rng.integers(0, 2, seed_bits(n, length), dtype=np.uint8)


def pack(bits: NDArray[np.uint8]) -> bytes:
    return np.packbits(bits, bitorder="little").tobytes()


def by_integers(bits: NDArray[np.uint8], seed: NDArray[np.uint8], length: int) -> NDArray[np.uint8]:
    """One long integer for each bit of input that is 1: shifted seeds, added."""
    whole, total = int.from_bytes(pack(seed), "little"), 0
    for j in np.flatnonzero(bits):
        total ^= whole >> int(bits.size - 1 - j)
    packed = (total % (1 << length)).to_bytes((length + 7) // 8, "little")
    return np.unpackbits(np.frombuffer(packed, np.uint8), count=length, bitorder="little")


@st.composite
def sizes(draw: st.DrawFn) -> tuple[int, int]:
    n = draw(st.integers(1, 1400))
    return n, draw(st.integers(1, n))


@pytest.mark.parametrize("path", PATHS)
@given(size=sizes(), seed=st.integers(0, 2**32))
@example(size=(64, 64), seed=1)
@example(size=(65, 64), seed=2)
@example(size=(63, 1), seed=3)
@example(size=(513, 513), seed=4)  # one bit more than a leaf
@example(size=(1025, 1024), seed=5)
def test_equals_dense_matrix(path: int, size: tuple[int, int], seed: int) -> None:
    n, length = size
    bits, seed_array = draw(n, length, seed)
    fast = toeplitz(bits, pack(seed_array), length, path)
    assert np.array_equal(fast, amplify_reference(bits, seed_array, length))


@pytest.mark.parametrize("path", PATHS)
def test_equals_dense_matrix_at_every_small_size(path: int) -> None:
    for n in range(1, 71):
        bits, seed = draw(n, n, n)
        square = seed[np.arange(n)[:, np.newaxis] - np.arange(n) + n - 1].astype(np.int64)
        expected = square @ bits % 2  # `length` rows of it need the first n + length - 1 bits
        for length in range(1, n + 1):
            out = toeplitz(bits, pack(seed[: n + length - 1]), length, path)
            assert np.array_equal(out, expected[:length])


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    ("n", "length"), [(60_000, 16_000), (100_003, 100_003), (131_072, 65_537), (250_000, 1)]
)
def test_equals_fourier_transform(n: int, length: int, path: int) -> None:
    bits, seed = draw(n, length, n)
    counts = fftconvolve(seed.astype(float), bits.astype(float))[n - 1 : n - 1 + length]
    assert np.abs(counts - np.rint(counts)).max() < 0.01
    expected = np.rint(counts).astype(np.int64) % 2
    assert np.array_equal(toeplitz(bits, pack(seed), length, path), expected)


@given(n=st.integers(3_000, 120_000), share=st.floats(0.001, 1), number=st.integers(0, 2**32))
@settings(max_examples=60, deadline=None)
def test_paths_agree_around_their_cut_overs(n: int, share: float, number: int) -> None:
    # From one multiplication to the other, from one length of transform, or one tile, to the next.
    length = max(1, int(share * n))
    bits, seed = draw(n, length, number)
    first, *others = (toeplitz(bits, pack(seed), length, path) for path in PATHS)
    assert all(np.array_equal(first, other) for other in others)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("digits", [255, 256, 257, 511, 512, 513, 1024, 1025])
@pytest.mark.parametrize("share", [0.3, 1])
def test_around_powers_of_two(digits: int, share: float, path: int) -> None:
    # Transforms have 2^k places, for digits of 32 bits of input and output together.
    for surplus in (-1, 0, 1):
        n = int(32 * digits / (1 + share)) + surplus
        length = int(n * share)
        bits, seed = draw(n, length, n)
        out = toeplitz(bits, pack(seed), length, path)
        assert np.array_equal(out, by_integers(bits, seed, length))


@pytest.mark.parametrize(
    ("n", "length"),
    [
        (10_000_000, 3_000_000),
        (4_000_000, 4_000_000),
        pytest.param(100_000_000, 30_000_000, marks=pytest.mark.long),
        pytest.param(70_000_000, 70_000_000, marks=pytest.mark.long),  # two rows of transforms
    ],
)
def test_rows_of_large_matrices(n: int, length: int) -> None:
    rng = np.random.default_rng(n)
    bits = np.unpackbits(np.frombuffer(rng.bytes(n // 8), np.uint8))
    packed = rng.bytes((seed_bits(n, length) + 7) // 8)
    out = toeplitz(bits, packed, length, lib.HEXKEY_CLMUL_FASTEST)
    seed = np.unpackbits(np.frombuffer(packed, np.uint8), bitorder="little")
    for row in [0, 31, 32, *rng.integers(0, length, 10).tolist(), length - 2, length - 1]:
        ones = np.count_nonzero(bits & seed[row : row + n][::-1])
        assert out[row] == ones % 2


@pytest.mark.parametrize("path", PATHS)
def test_all_ones_carry_nowhere(path: int) -> None:
    # Every sum is n ones; the densest operands are the hardest for multiplication with holes.
    for n in (4095, 4096):
        out = toeplitz(np.ones(n, np.uint8), pack(np.ones(2 * n - 1, np.uint8)), n, path)
        assert np.all(out == n % 2)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    ("n", "length"), [(1, 1), (64, 63), (1000, 999), (5000, 700), (9001, 9001), (150_001, 39_999)]
)
def test_stays_inside_its_buffers(n: int, length: int, path: int) -> None:
    bits, seed = draw(n, length, 7)
    words = lib.hexkey_toeplitz_scratch_words(n, length)
    scratch, out = np.full(words + 8, 0xA5, np.uint64), np.full(length + 64, 7, np.uint8)
    surplus = pack(np.append(seed, np.ones(-seed.size % 8, np.uint8)))
    code = lib.hexkey_toeplitz(
        ffi.from_buffer("uint8_t[]", out, require_writable=True),
        ffi.from_buffer("uint8_t[]", bits),
        n,
        ffi.from_buffer("uint8_t[]", surplus),
        length,
        ffi.from_buffer("uint64_t[]", scratch, require_writable=True),
        path,
    )
    assert code == 0
    assert np.all(scratch[words:] == 0xA5)
    assert np.all(out[length:] == 7)
    assert np.array_equal(out[:length], toeplitz(bits, pack(seed), length, path))


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    ("n", "length"),
    [(1, 2), (1, 1000), (63, 64), (64, 700), (1000, 5000), (3000, 90_000), (12_000, 250_000)],
)
def test_more_rows_than_columns(n: int, length: int, path: int) -> None:
    """As sessions need them: short input, long output, in the same transform."""
    rng = np.random.default_rng(n)
    bits, seed = (rng.integers(0, 2, size, dtype=np.uint8) for size in (n, n + length - 1))
    assert np.array_equal(toeplitz(bits, pack(seed), length, path), by_integers(bits, seed, length))


def test_nothing_in_makes_zeros() -> None:
    assert toeplitz(np.zeros(0, np.uint8), b"\xff", 3, PATHS[0]).tolist() == [0, 0, 0]


@pytest.mark.parametrize("size", [(10, 1 << 58), (1 << 58, 10)])
def test_refuses_what_is_too_large(size: tuple[int, int]) -> None:
    assert lib.hexkey_toeplitz_scratch_words(*size) == 0
    code = lib.hexkey_toeplitz(ffi.NULL, ffi.NULL, size[0], ffi.NULL, size[1], ffi.NULL, PATHS[0])
    assert code == -1
