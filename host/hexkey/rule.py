"""What Bob's clicks mean: the two protocols' rules, side by side, as a receiver applies them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from hexkey.events import DETECTORS
from hexkey.gate import Gate
from hexkey.placed import Placer
from hexkey.randomness import Randomness
from hexkey.sift import BIT_OF_DETECTOR, Sifted, Sifter, bits_of_masks
from hexkey.sift_bb84 import BASIS_OF_MASK, BIT_OF_MASK, DoubleClicks, sift_bb84


@dataclass(frozen=True, slots=True)
class Clicks:
    """Pulses that count for a block, ascending.

    Attributes
    ----------
    pulse : (n,) uint64
    bit : (n,) uint8
    basis : (n,) uint8 or None
        `hexkey.sift_bb84.KEY`, `TEST` or `CROSS`; None with B92, which has no bases.
    doubles, crosses, other : int
        Pulses in which several detectors of a basis (of all, with B92) or of both bases clicked,
        and those discarded since their detector has no bit.
    """

    pulse: NDArray[np.uint64]
    bit: NDArray[np.uint8] = field(repr=False)
    basis: NDArray[np.uint8] | None
    doubles: int
    crosses: int
    other: int


class Rule(Protocol):
    """A protocol's rule; `counted` is what it makes of pulses, for people."""

    @property
    def counted(self) -> str: ...

    def sifter(self, gates: Sequence[Gate], period_ticks: int) -> Sifter:
        """Return what gates and resolves the clicks of an epoch."""

    def placer(self, gates: Sequence[Gate], period_ticks: int) -> Placer | None:
        """Return what keeps the phases of an epoch's clicks; None where nobody asks for them."""

    def read(self, sifted: Sifted) -> Clicks:
        """Return what its pulses mean."""


@dataclass(frozen=True, slots=True)
class B92Rule:
    """One detector clicked: its bit.

    `bit_of_detector` is the bit that each stands for. `places` keeps phases, and clicks outside the
    gate, for maps.
    """

    bit_of_detector: tuple[int, ...] = BIT_OF_DETECTOR
    places: bool = False
    counted = "sifted bits"

    def sifter(self, gates: Sequence[Gate], period_ticks: int) -> Sifter:
        return Sifter(gates, period_ticks, self.bit_of_detector)

    def placer(self, gates: Sequence[Gate], period_ticks: int) -> Placer | None:
        if not self.places:
            return None
        return Placer(_one_gate(gates), period_ticks, bits_of_masks(self.bit_of_detector))

    def read(self, sifted: Sifted) -> Clicks:
        return Clicks(sifted.pulse, sifted.bit, None, sifted.doubles, 0, sifted.other)


@dataclass(frozen=True, slots=True)
class Bb84Rule:
    """Any click: its basis, and a bit that is drawn from `randomness` for a double click.

    `places` is as in `B92Rule`; of double clicks those in the gate alone are kept.
    """

    randomness: Randomness
    double_clicks: DoubleClicks = "random"
    places: bool = False
    counted = "clicks"  # half of which may be of other bases than Alice's

    def sifter(self, gates: Sequence[Gate], period_ticks: int) -> Sifter:
        return Sifter.of_masks(gates, period_ticks)

    def placer(self, gates: Sequence[Gate], period_ticks: int) -> Placer | None:
        if not self.places:
            return None
        return Placer(_one_gate(gates), period_ticks, BIT_OF_MASK, BASIS_OF_MASK)

    def read(self, sifted: Sifted) -> Clicks:
        found = sift_bb84(sifted.pulse, sifted.bit, self.randomness, self.double_clicks)
        return Clicks(found.pulse, found.bit, found.basis, found.doubles, found.crosses, 0)


def _one_gate(gates: Sequence[Gate]) -> Gate:
    if len(set(gates)) != 1 or len(gates) != DETECTORS:
        raise ValueError("maps take one gate for all detectors")
    return gates[0]
