"""What a pulse is with B92: a bit, right or wrong, or a double click, which is discarded."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hexkey.events import DETECTORS, Events
from hexkey.gate import Gate
from hexkey.maps.count import Kinds, KindTable, Windows, count_kinds
from hexkey.maps.reading import Sample
from hexkey.record import RecordReader
from hexkey.sift import BIT_OF_DETECTOR, check_bits, gate_and_sift

Counts = NDArray[np.int64]

RIGHT, WRONG, DOUBLE, KINDS = 0, 1, 2, 3


@dataclass(frozen=True, slots=True)
class WindowCounts:
    """What each gate of a grid gives.

    Attributes
    ----------
    windows : Windows
    sifted, errors : (S, W) int64
        Pulses with a bit, and those of them whose bit is not Alice's.
    doubles : (S, W) int64
        Pulses discarded because more than one detector clicked.
    """

    windows: Windows
    sifted: Counts
    errors: Counts
    doubles: Counts

    @staticmethod
    def of_kinds(windows: Windows, kinds: Kinds) -> "WindowCounts":
        """Return what counts of B92's kinds mean; ValueError for those of another protocol."""
        if kinds.shape[-1] != KINDS:
            raise ValueError(f"B92 has {KINDS} kinds of pulses, not {kinds.shape[-1]}")
        right, wrong, doubles = np.moveaxis(kinds, -1, 0)
        return WindowCounts(windows, right + wrong, wrong, doubles)


@dataclass(frozen=True, slots=True)
class B92Reading:
    """A recording of B92; `bit_of_detector` is the bit that each detector stands for.

    Raises ConfigurationError if a bit is not 0 or 1.
    """

    bit_of_detector: Sequence[int] = BIT_OF_DETECTOR
    wrong = (WRONG,)

    def __post_init__(self) -> None:
        check_bits(self.bit_of_detector)

    @property
    def table(self) -> KindTable:
        kind = np.full((1 << DETECTORS, 2), KINDS, np.uint8)
        for mask in range(1 << DETECTORS):
            if mask.bit_count() > 1:
                kind[mask] = DOUBLE
        for detector, bit in enumerate(self.bit_of_detector):
            kind[1 << detector, bit] = RIGHT
            kind[1 << detector, 1 - bit] = WRONG
        return KindTable(kind, KINDS)

    def sent(self, record: RecordReader, pulses: NDArray[np.uint64]) -> NDArray[np.uint8]:
        return record.bits_at(pulses)

    def sample(self, events: Events, gate: Gate, period_ticks: int) -> Sample:
        found = gate_and_sift(events, (gate,) * DETECTORS, period_ticks, self.bit_of_detector)
        return Sample(found.pulse, found.bit)


def count_windows(
    events: Events,
    sent: NDArray[np.uint8],
    windows: Windows,
    sent_before: NDArray[np.uint8] | None = None,
    bit_of_detector: Sequence[int] = BIT_OF_DETECTOR,
) -> WindowCounts:
    """Count sifted bits, errors and doubles of every gate.

    Exactly what `hexkey.sift.gate_and_sift` gives for each gate, compared with Alice's bits, `sent`
    (and `sent_before`, those of the pulses before). Parameters and errors are those of
    `hexkey.maps.count.count_kinds`, and a ConfigurationError if a bit of a detector is not 0 or 1.
    """
    table = B92Reading(bit_of_detector).table
    return WindowCounts.of_kinds(windows, count_kinds(events, sent, windows, table, sent_before))
