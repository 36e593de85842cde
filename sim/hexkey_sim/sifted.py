"""A simulated run sifted with both sides in view: Bob's events against Alice's record."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hexkey.events import Events
from hexkey.record import RecordReader
from hexkey.sift import sift_b92

KEY_MASKS, TEST_MASKS = np.uint8(0b0011), np.uint8(0b1100)  # detectors of BB84's bases


@dataclass(frozen=True, slots=True)
class SiftedRun:
    """Sifted bits of a run.

    Attributes
    ----------
    pulse : (n,) int64
        Alice's numbers.
    key_basis : (n,) bool
        The basis of both sides; all true in B92.
    alice, bob : (n,) uint8
        Bits.
    same_basis, cross_basis : int
        Pulses left out: both detectors of one basis clicked, or detectors of either. (B92 has one
        pair, and counts them as of one basis.)
    """

    pulse: NDArray[np.int64]
    key_basis: NDArray[np.bool_]
    alice: NDArray[np.uint8]
    bob: NDArray[np.uint8]
    same_basis: int
    cross_basis: int

    def counts(self, key_basis: bool = True) -> tuple[int, int]:
        """Return sifted bits and errors of a basis."""
        chosen = self.key_basis == key_basis
        return int(chosen.sum()), int(np.sum((self.alice != self.bob)[chosen]))


def sift_run(events: Events, record: RecordReader, offset: int) -> SiftedRun:
    """Sift gated and resolved events, whose pulse 0 is Alice's pulse `offset`.

    Pulses with one click alone are sifted, whatever the host makes of others.
    """
    if record.statement.protocol == "b92":
        sifted = sift_b92(events)
        pulse = sifted.pulse + np.uint64(offset)
        key_basis = np.ones(len(pulse), bool)
        bob, same, cross = sifted.bit, sifted.doubles, 0
    else:
        mask = events.mask
        in_key, in_test = mask & KEY_MASKS, mask & TEST_MASKS
        single = mask & (mask - np.uint8(1)) == 0
        same = int(np.sum(~single & ((in_key == 0) | (in_test == 0))))
        cross = int(np.sum((in_key != 0) & (in_test != 0)))
        pulse = events.pulse[single] + np.uint64(offset)
        key_basis = in_key[single] != 0
        bob = ((mask[single] == 2) | (mask[single] == 8)).astype(np.uint8)
        matched = (record.bases_at(pulse) == 1) == key_basis
        pulse, key_basis, bob = pulse[matched], key_basis[matched], bob[matched]
    alice = record.bits_at(pulse)
    return SiftedRun(pulse.astype(np.int64), key_basis, alice, bob, same, cross)
