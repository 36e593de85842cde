"""The value that everything between the wire and the sifted key works on: arrays of events.

An event is one pulse of the source in which at least one detector clicked.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

DETECTORS = 4  # inputs of a board, bits of a mask

FLAG_REPEAT = 1  # a further click of a detector already in the mask was dropped in this pulse
FLAG_HOLDOVER = 2  # the trigger's edge was missing: the phase is against a predicted edge


@dataclass(frozen=True, slots=True)
class Events:
    """Events of one epoch in the order of the wire: pulse, then phase.

    Attributes
    ----------
    pulse : (n,) uint64
        Pulse number from the start of the epoch.
    phase_ticks : (n,) uint32
        Time since the pulse's tracked trigger edge, in ticks. May exceed the period where a gate
        reaches past it: the click belongs to the pulse in which its gate opened.
    mask : (n,) uint8
        Detectors that clicked, bit i for detector i (0 to 3).
    flags : (n,) uint8
        `FLAG_REPEAT`, `FLAG_HOLDOVER`.
    """

    pulse: NDArray[np.uint64]
    phase_ticks: NDArray[np.uint32]
    mask: NDArray[np.uint8]
    flags: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.pulse)

    def take(self, chosen: NDArray[np.bool_] | NDArray[np.int64] | slice) -> "Events":
        """Return the events that a boolean array, indices or a slice choose."""
        return Events(
            self.pulse[chosen], self.phase_ticks[chosen], self.mask[chosen], self.flags[chosen]
        )

    @staticmethod
    def empty() -> "Events":
        return Events(
            np.empty(0, np.uint64),
            np.empty(0, np.uint32),
            np.empty(0, np.uint8),
            np.empty(0, np.uint8),
        )

    @staticmethod
    def concatenate(parts: "list[Events]") -> "Events":
        if not parts:
            return Events.empty()
        return Events(
            np.concatenate([part.pulse for part in parts]),
            np.concatenate([part.phase_ticks for part in parts]),
            np.concatenate([part.mask for part in parts]),
            np.concatenate([part.flags for part in parts]),
        )
