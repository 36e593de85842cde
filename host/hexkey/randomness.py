"""All randomness of a session, as one injected object.

Only the operating system's source may stand behind a secret key; a seeded one makes every run
reproducible and labels its keys as demonstrations.
"""

import os
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from hexkey.bits import packed_bytes, unpack_bits


class Randomness(Protocol):
    """Where random bytes come from."""

    @property
    def reason_for_demonstration(self) -> str | None:
        """Why keys made with this source are demonstrations; None if it may make secret keys."""

    def bytes(self, count: int) -> bytes:
        """Return `count` independent, uniform bytes."""


class OperatingSystem:
    """The kernel's generator: a listed assumption of the security argument."""

    reason_for_demonstration = None

    def bytes(self, count: int) -> bytes:
        return os.urandom(count)


class Seeded:
    """Reproducible randomness for simulations and tests. Never secret."""

    reason_for_demonstration = "the session's randomness was expanded from a seed"

    def __init__(self, seed: int) -> None:
        self._generator = np.random.default_rng(seed)

    def bytes(self, count: int) -> bytes:
        return self._generator.bytes(count)


def choose_randomness(seed: int | None) -> Randomness:
    """Return the operating system's randomness, or a seed's where one is given."""
    return OperatingSystem() if seed is None else Seeded(seed)


def random_bits(source: Randomness, count: int) -> NDArray[np.uint8]:
    """Return `count` uniform bits, shape ``(count,)``, one per byte."""
    return unpack_bits(source.bytes(packed_bytes(count)), count)


def random_subset(source: Randomness, population: int, size: int) -> NDArray[np.int64]:
    """Return `size` distinct indices below `population`, ascending, every subset equally likely.

    Sorting independent 64-bit keys is a uniform shuffle unless two keys collide, which for a
    million positions happens with probability 3e-8; then the draw is repeated.
    """
    if not 0 <= size <= population:
        raise ValueError(f"size must be between 0 and {population}, not {size}")
    while True:
        keys = np.frombuffer(source.bytes(8 * population), dtype=np.uint64)
        order = np.argsort(keys)
        ranked = keys[order]
        if not np.any(ranked[1:] == ranked[:-1]):
            return np.sort(order[:size]).astype(np.int64)
