"""All randomness of a session, as one injected object.

Only the operating system's source, alone or with a hardware generator's added, may stand behind a
secret key; a seeded one makes every run reproducible and labels its keys as demonstrations.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from hexkey.bits import packed_bytes
from hexkey.errors import InputError
from hexkey.random_device import RandomDevice


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


class Witnessed:
    """Another source, of which somebody sees every byte: a recording, that repeats a run by it."""

    def __init__(self, source: Randomness, witness: Callable[[bytes], None]) -> None:
        self._source = source
        self._witness = witness

    @property
    def reason_for_demonstration(self) -> str | None:
        return self._source.reason_for_demonstration

    def bytes(self, count: int) -> bytes:
        drawn = self._source.bytes(count)
        if drawn:
            self._witness(drawn)
        return drawn


class Recorded:
    """Bytes that were drawn once, given out again in the same order."""

    reason_for_demonstration = "the session's randomness was read from a recording"

    def __init__(self, drawn: bytes) -> None:
        self._left = memoryview(drawn)

    def bytes(self, count: int) -> bytes:
        if count > len(self._left):
            raise InputError(
                "the recording lacks random bits that Bob drew: it is damaged or of another version"
            )
        given, self._left = self._left[:count], self._left[count:]
        return bytes(given)


def choose_randomness(seed: int | None, device: Path | None = None) -> Randomness:
    """Return the operating system's randomness, with a device's added, or a seed's where given."""
    if seed is not None:
        return Seeded(seed)
    return OperatingSystem() if device is None else RandomDevice(device)


def random_packed_bits(source: Randomness, count: int) -> bytes:
    """Return `count` uniform bits, packed."""
    drawn = source.bytes(packed_bytes(count))
    return drawn if count % 8 == 0 else drawn[:-1] + bytes([drawn[-1] & (1 << count % 8) - 1])


def random_subset(source: Randomness, population: int, size: int) -> NDArray[np.int64]:
    """Return `size` distinct indices below `population`, ascending, every subset equally likely.

    They are the first distinct ones of a sequence of independent, uniform indices; of the smaller
    half, where that is the rest.
    """
    if not 0 <= size <= population:
        raise ValueError(f"size must be between 0 and {population}, not {size}")
    if 2 * size > population:
        rest = np.ones(population, bool)
        rest[random_subset(source, population, population - size)] = False
        return np.flatnonzero(rest)
    drawn = np.empty(0, np.int64)
    while True:
        distinct, when = np.unique(drawn, return_index=True)
        if len(distinct) >= size:
            return np.sort(distinct[np.argsort(when)[:size]])
        drawn = np.concatenate((drawn, _indices(source, population, size)))


def _indices(source: Randomness, population: int, count: int) -> NDArray[np.int64]:
    """Return up to `count` uniform indices: words that would favour the low ones are left out."""
    words = np.frombuffer(source.bytes(8 * count), dtype="<u8")
    fair = words[words <= np.uint64((1 << 64) // population * population - 1)]
    return (fair % np.uint64(population)).astype(np.int64)
