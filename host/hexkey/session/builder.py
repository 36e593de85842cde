"""Cuts a stream of sifted bits into blocks."""

import numpy as np
from numpy.typing import NDArray

from hexkey.receiver import SiftedChunk
from hexkey.session.block_bob import SiftedBlock
from hexkey.session.outside import OutsideWaiting


class BlockBuilder:
    """Cuts the stream of sifted bits into pieces of exact size.

    A new epoch throws the open piece away: its pulses cannot be numbered together with later ones.
    """

    def __init__(self) -> None:
        self.epoch: int | None = None
        self.discarded_bits = 0
        self._pulses = np.empty(0, np.uint64)
        self._bits = np.empty(0, np.uint8)
        self._bases: NDArray[np.uint8] | None = None
        self._phases: NDArray[np.uint32] | None = None
        self._outside = OutsideWaiting()

    def push(self, chunk: SiftedChunk) -> bool:
        """Add a chunk; True if it began a new epoch."""
        renewed = chunk.epoch != self.epoch
        if renewed:
            self.discarded_bits += len(self._bits)
            self.epoch, self._pulses, self._bits = chunk.epoch, chunk.pulses, chunk.bits
            self._bases, self._phases = chunk.bases, chunk.phases
            self._outside = OutsideWaiting()
        else:
            self._pulses = np.concatenate((self._pulses, chunk.pulses))
            self._bits = np.concatenate((self._bits, chunk.bits))
            if self._bases is not None and chunk.bases is not None:
                self._bases = np.concatenate((self._bases, chunk.bases))
            if self._phases is not None and chunk.phases is not None:
                self._phases = np.concatenate((self._phases, chunk.phases))
        if chunk.outside is not None:
            self._outside.push(chunk.outside)
        return renewed

    def take(self, count: int, number: int) -> SiftedBlock | None:
        """Return the oldest `count` bits as a block, or None while there are fewer."""
        if self.epoch is None or len(self._bits) < count:
            return None
        bases = None if self._bases is None else self._bases[:count]
        pulses, bits, phases, outside = self._pulses[:count], self._bits[:count], None, None
        if self._phases is not None:
            phases, self._phases = self._phases[:count], self._phases[count:]
            outside = self._outside.take(int(pulses[-1]))
        block = SiftedBlock(number, self.epoch, pulses, bits, bases, phases, outside)
        self._pulses, self._bits = self._pulses[count:], self._bits[count:]
        if self._bases is not None:
            self._bases = self._bases[count:]
        return block

    def __len__(self) -> int:
        return len(self._bits)
