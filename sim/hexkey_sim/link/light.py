"""Light on its way from Alice to Bob, and what may stand in that way."""

from dataclasses import dataclass, replace
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

NO_GUESS = -1  # of a bit
NO_COMMAND = -1  # of a detector


@dataclass(frozen=True, slots=True)
class Notes:
    """What an eavesdropper writes down about pulses whose photons she has passed on.

    Attributes
    ----------
    pulse : (n,) int64
        Alice's number.
    kind : (n,) uint8
        How she came by it: an index of her `kinds`, the best first.
    bit : (n, 2) int8
        Her guess of Alice's bit, should the key basis (or the only one) be announced, and should
        the test basis be; `NO_GUESS` where she has none.
    """

    pulse: NDArray[np.int64]
    kind: NDArray[np.uint8]
    bit: NDArray[np.int8]

    def take(self, index: NDArray[np.bool_] | NDArray[np.int64]) -> "Notes":
        return Notes(self.pulse[index], self.kind[index], self.bit[index])


@dataclass(frozen=True, slots=True)
class Light:
    """Photons, those that left the source together next to each other.

    Attributes
    ----------
    source : (n,) int64
        Alice's pulse that excited the source.
    pulse : (n,) int64
        Alice's pulse whose state the photon carries: the one in which it passed her modulator.
    phase_ps : (n,) float
        Time since the edge of `pulse`, without the way to Bob.
    angle_rad : (n,) float
        Polarisation, from the horizontal.
    command : (n,) int64
        Detector that fires whatever the polarisation is, or `NO_COMMAND`.
    notes : Notes or None
        One row for each photon.
    """

    source: NDArray[np.int64]
    pulse: NDArray[np.int64]
    phase_ps: NDArray[np.float64]
    angle_rad: NDArray[np.float64]
    command: NDArray[np.int64] | None = None
    notes: Notes | None = None

    def __len__(self) -> int:
        return len(self.pulse)

    def take(self, index: NDArray[np.bool_] | NDArray[np.int64]) -> Self:
        """Return the chosen photons; `index` may also repeat some."""
        return replace(
            self,
            source=self.source[index],
            pulse=self.pulse[index],
            phase_ps=self.phase_ps[index],
            angle_rad=self.angle_rad[index],
            command=None if self.command is None else self.command[index],
            notes=None if self.notes is None else self.notes.take(index),
        )


class Eavesdropper(Protocol):
    """Who stands between the channel and Bob's receiver (`hexkey_sim.eve`).

    Attributes
    ----------
    kinds : tuple of str
        How she comes by her guesses, the best first.
    replaces_channel : bool
        She stands at Alice's output and brings what she likes to Bob's door without loss; if not,
        she lets the channel be, and light has all the losses of the link behind it when it comes
        to her (which makes no difference to one who treats each photon by itself).
    blinds : bool
        Bob's detectors fire at her command only: no dark counts, no afterpulses.
    earliest_ps : int
        By how much she can make light come earlier than it would.
    """

    @property
    def kinds(self) -> tuple[str, ...]: ...
    @property
    def replaces_channel(self) -> bool: ...
    @property
    def blinds(self) -> bool: ...
    @property
    def earliest_ps(self) -> int: ...

    def act(self, light: Light, first: int, end: int, generator: np.random.Generator) -> Light:
        """Return what Bob gets instead of `light`, all photons of Alice's pulses from `first` on.

        ``end - 1`` is the last of these pulses.
        """
