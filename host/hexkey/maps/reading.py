"""How a recording is read: what its clicks are, by what Alice sent. One reading for each protocol.

`hexkey.maps.b92` and `hexkey.maps.bb84` have them.
"""

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from hexkey.events import Events
from hexkey.gate import Gate
from hexkey.maps.count import KindTable
from hexkey.record import RecordReader


@dataclass(frozen=True, slots=True)
class Sample:
    """Sifted bits by which an epoch is found in Alice's record; `bases`, 1 for the key's, or none.

    (n,) each.
    """

    pulses: NDArray[np.uint64]
    bits: NDArray[np.uint8] = field(repr=False)
    bases: NDArray[np.uint8] | None = None


class Reading(Protocol):
    """A protocol's part in counting."""

    @property
    def table(self) -> KindTable:
        """What detectors make of a pulse."""

    @property
    def wrong(self) -> tuple[int, ...]:
        """Kinds of pulses whose bit is not Alice's: at a wrong offset there are more of them."""

    def sent(self, record: RecordReader, pulses: NDArray[np.uint64]) -> NDArray[np.uint8]:
        """Return what Alice sent in these pulses, as the table's columns."""

    def sample(self, events: Events, gate: Gate, period_ticks: int) -> Sample:
        """Return the sifted bits of a gate."""
