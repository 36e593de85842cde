"""Alice's bits and bases: any pulse's, at any time, without keeping them.

A link at 40 MHz sends 5 MB of bits a second, of which the simulation looks at a few thousand and
the record at all. Bits are therefore a function of the pulse number: random ones come from a
generator seeded for each block of 8 Mibit. Bases are bits like them, 1 for the key basis, but not
of even odds. Those of the operating system are drawn once for a block, which is kept for a while.
"""

import os
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from hexkey.bits import Packed, bits_at, packed_bytes, take, tile
from hexkey.statement import Kind

BLOCK_BYTES = 1 << 20
BLOCKS_KEPT = 3  # of seeded bits: the link looks ahead of what the record has


class AliceBits(Protocol):
    """Where Alice's bits come from, with what her record has to state about them."""

    @property
    def randomness(self) -> Kind: ...

    @property
    def source(self) -> str: ...

    @property
    def pattern(self) -> str | None: ...

    def packed(self, first_pulse: int, count: int) -> Packed:
        """Return `count` bits from `first_pulse` on, packed, the first in bit 0."""


class BlockwiseBits:
    """Random bits that come in blocks: what both kinds below have in common."""

    randomness: Kind = "random"
    pattern = None

    def packed(self, first_pulse: int, count: int) -> Packed:
        first_byte = first_pulse // 8
        end_byte = packed_bytes(first_pulse + count)
        parts = []
        for block in range(first_byte // BLOCK_BYTES, -(-end_byte // BLOCK_BYTES)):
            start = block * BLOCK_BYTES
            parts.append(self._block(block)[max(first_byte - start, 0) : end_byte - start])
        joined = np.concatenate(parts) if parts else np.empty(0, np.uint8)
        return take(joined, first_pulse % 8, count)

    def _block(self, block: int) -> Packed:
        raise NotImplementedError


class SystemBits(BlockwiseBits):
    """Independent bits of the operating system, each drawn once: as Alice's real ones.

    Parameters
    ----------
    ones : float
        Probability of a one, to 2^-24.
    kept : int
        Blocks that are kept, the last ones that were asked for. A pulse further back than that
        cannot be asked for again.
    """

    source = "operating system"

    def __init__(self, ones: float = 0.5, kept: int = 64) -> None:
        self._ones = round(ones * 2**24)
        self._kept = kept
        self._blocks: dict[int, Packed] = {}
        self._drawn: set[int] = set()

    def _block(self, block: int) -> Packed:
        if block in self._blocks:
            self._blocks[block] = self._blocks.pop(block)  # the newest again
            return self._blocks[block]
        if block in self._drawn:
            raise ValueError(f"the bits of pulse {8 * BLOCK_BYTES * block} are not kept any more")
        self._drawn.add(block)
        self._blocks[block] = self._draw()
        if len(self._blocks) > self._kept:
            del self._blocks[next(iter(self._blocks))]
        return self._blocks[block]

    def _draw(self) -> Packed:
        """A byte decides, or where it is on the edge (1 of 256) two more."""
        if self._ones == 2**23:
            return np.frombuffer(os.urandom(BLOCK_BYTES), np.uint8)
        first = np.frombuffer(os.urandom(8 * BLOCK_BYTES), np.uint8)
        ones = first < self._ones >> 16
        edge = np.flatnonzero(first == self._ones >> 16)
        more = np.frombuffer(os.urandom(2 * len(edge)), "<u2")
        ones[edge] = more < (self._ones & 0xFFFF)
        return np.packbits(ones, bitorder="little")


class SeededBits(BlockwiseBits):
    """Independent bits, expanded from a seed: a simulation's, never secret.

    Parameters
    ----------
    seed : SeedSequence
    ones : float
        Probability of a one, to 2^-24.
    """

    source = "seeded simulation"

    def __init__(self, seed: np.random.SeedSequence, ones: float = 0.5) -> None:
        self._seed = seed
        self._ones = ones
        self._kept: dict[int, Packed] = {}

    def _block(self, block: int) -> Packed:
        if block not in self._kept:
            key = (*self._seed.spawn_key, block)
            seed = np.random.SeedSequence(self._seed.entropy, spawn_key=key)
            while len(self._kept) >= BLOCKS_KEPT:
                del self._kept[next(iter(self._kept))]
            self._kept[block] = self._draw(np.random.Generator(np.random.PCG64(seed)))
        return self._kept[block]

    def _draw(self, generator: np.random.Generator) -> Packed:
        if self._ones == 0.5:  # fair bits are the generator's own
            return np.frombuffer(generator.bytes(BLOCK_BYTES), np.uint8)
        ones = generator.random(8 * BLOCK_BYTES, np.float32) < np.float32(self._ones)
        return np.packbits(ones, bitorder="little")


class PatternBits:
    """A pattern repeated without end: the experiment's public "10", or any other."""

    source = "pattern"

    def __init__(self, pattern: str = "10", randomness: Kind = "public") -> None:
        if not pattern or set(pattern) - {"0", "1"}:
            raise ValueError(f"a pattern must be zeros and ones, not {pattern!r}")
        self.pattern = pattern
        self.randomness: Kind = randomness

    def packed(self, first_pulse: int, count: int) -> Packed:
        return tile(self.pattern, first_pulse, count)


def neighbours(
    bits: AliceBits, bases: AliceBits | None, pulses: NDArray[np.int64]
) -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint8]]:
    """Return the states of the pulses before, of, and after each of `pulses` (nearly ascending).

    A state is the bit in the key basis (and where there is but one), the bit + 2 in the test basis.
    Before her pulse 0 Alice's modulator rests in the state of that pulse.
    """
    first = max(int(pulses.min()) - 1, 0) & ~7
    count = int(pulses.max()) + 2 - first
    local = pulses - first
    places = np.maximum(local - 1, -first), local, local + 1
    packed = bits.packed(first, count)
    if bases is None:
        before, now, after = (bits_at(packed, place) for place in places)
        return before, now, after
    key = bases.packed(first, count)
    before, now, after = (
        bits_at(packed, place) | (bits_at(key, place) ^ np.uint8(1)) << np.uint8(1)
        for place in places
    )
    return before, now, after
