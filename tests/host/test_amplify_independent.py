"""`amplify` bit for bit against an independent extractor library, randextract (MIT)."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from hexkey.amplify import amplify, seed_bits

Extract = Callable[[NDArray[np.uint8], NDArray[np.uint8], int], NDArray[np.uint8]]


@pytest.fixture(scope="module")
def extract() -> Extract:
    galois = pytest.importorskip("galois")
    randextract = pytest.importorskip("randextract")

    def by_library(
        bits: NDArray[np.uint8], seed: NDArray[np.uint8], length: int
    ) -> NDArray[np.uint8]:
        # Its matrix is seed[(i - j) mod m], ours seed[i - j + n - 1].
        turned = np.roll(seed, 1 - bits.size)
        extractor = randextract.ToeplitzHashing(bits.size, length)
        out = extractor.extract(galois.GF2(bits), galois.GF2(turned))
        return np.asarray(out).astype(np.uint8)

    return by_library


@pytest.mark.parametrize(
    ("n", "length"),
    [
        (2, 1),
        (64, 64),
        (999, 300),
        (4_096, 4_095),
        (10_007, 3_001),
        (32_768, 9_830),
        (100_000, 30_000),
        (131_071, 131_071),
        (300_001, 90_000),
        (1_000_000, 300_000),
    ],
)
def test_equals_randextract(extract: Extract, n: int, length: int) -> None:
    rng = np.random.default_rng(n)
    bits = rng.integers(0, 2, n, dtype=np.uint8)
    seed = rng.integers(0, 2, seed_bits(n, length), dtype=np.uint8)
    assert np.array_equal(amplify(bits, seed, length), extract(bits, seed, length))
