"""Write hashing.json by routes that share nothing with the kernels or their Python twins.

GF(2^128): polynomials as arrays of coefficients, products by `numpy.convolve`, reduction by long
division, the hash as a sum of explicit powers of the point. Toeplitz: the matrix by
`scipy.linalg.toeplitz` from its first column and row, the modified one put together. Run from any
folder; needs numpy and scipy.
"""

import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import toeplitz

FIELD = np.zeros(129, dtype=np.int64)
FIELD[[128, 7, 2, 1, 0]] = 1


def coefficients(element: bytes) -> NDArray[np.int64]:
    return np.unpackbits(np.frombuffer(element, np.uint8), bitorder="little").astype(np.int64)


def times(a: NDArray[np.int64], b: NDArray[np.int64]) -> NDArray[np.int64]:
    product = np.convolve(a, b) % 2
    for top in range(product.size - 1, 127, -1):
        if product[top]:
            product[top - 128 : top + 1] ^= FIELD
    return product[:128]


def polynomial_hash(packed: bytes, n_bits: int, point: bytes) -> bytes:
    padded = packed + bytes(-len(packed) % 16) + n_bits.to_bytes(16, "little")
    blocks = [coefficients(padded[k : k + 16]) for k in range(0, len(padded), 16)]
    total = np.zeros(128, dtype=np.int64)
    power = coefficients(point)
    for block in reversed(blocks):  # the last block meets r, the one before it r^2, …
        total ^= times(block, power)
        power = times(power, coefficients(point))
    return np.packbits(total.astype(np.uint8), bitorder="little").tobytes()


def hash_case(rng: np.random.Generator, n_bits: int) -> dict[str, object]:
    bits = rng.integers(0, 2, n_bits, dtype=np.uint8)
    packed = np.packbits(bits, bitorder="little").tobytes()
    point = rng.bytes(16)
    return {
        "n_bits": n_bits,
        "packed": packed.hex(),
        "point": point.hex(),
        "hash": polynomial_hash(packed, n_bits, point).hex(),
    }


def toeplitz_case(rng: np.random.Generator, n: int, length: int) -> dict[str, object]:
    bits = rng.integers(0, 2, n, dtype=np.int64)
    seed = rng.integers(0, 2, n + length - 1, dtype=np.int64)
    matrix = toeplitz(seed[n - 1 :], seed[n - 1 :: -1])  # first column, first row
    return {
        "n": n,
        "bits": "".join(map(str, bits)),
        "seed": "".join(map(str, seed)),
        "out": "".join(map(str, matrix @ bits % 2)),
    }


def modified_case(rng: np.random.Generator, n: int, length: int) -> dict[str, object]:
    """The identity beside a Toeplitz matrix of n - length columns."""
    bits = rng.integers(0, 2, n, dtype=np.int64)
    seed = rng.integers(0, 2, n - 1, dtype=np.int64)
    rest = n - length
    right = toeplitz(seed[rest - 1 :], seed[rest - 1 :: -1])  # first column, first row
    matrix = np.hstack([np.eye(length, dtype=np.int64), right])
    return {
        "n": n,
        "bits": "".join(map(str, bits)),
        "seed": "".join(map(str, seed)),
        "out": "".join(map(str, matrix @ bits % 2)),
    }


def main() -> None:
    rng = np.random.default_rng(20240607)
    document = {
        "polynomial_hash": [hash_case(rng, n) for n in (0, 1, 8, 127, 128, 129, 512, 641, 1000)],
        "toeplitz": [
            toeplitz_case(rng, n, length)
            for n, length in ((1, 1), (7, 3), (64, 64), (65, 1), (129, 100), (300, 190))
        ],
        "modified_toeplitz": [
            modified_case(rng, n, length)
            for n, length in ((2, 1), (7, 3), (64, 63), (65, 1), (129, 100), (300, 190))
        ],
    }
    text = json.dumps(document, indent=1) + "\n"
    Path(__file__).with_name("hashing.json").write_text(text)


if __name__ == "__main__":
    main()
