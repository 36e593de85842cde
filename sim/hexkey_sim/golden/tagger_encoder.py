"""What the encoder makes of the snapshots of a delay line."""

from dataclasses import dataclass
from functools import reduce
from itertools import combinations
from operator import and_, or_

from hexkey_gateware.tagger.reach import Reach


@dataclass(frozen=True, slots=True)
class Seen:
    """What one snapshot shows.

    Attributes
    ----------
    index : int or None
        Taps that the youngest edge has passed, less one.
    high : bool
        The line is high somewhere, of the places that are looked at for this.
    """

    index: int | None
    high: bool


def look(snapshot: int, reach: Reach) -> Seen:
    """Return what a snapshot shows."""
    taps = _majorities(snapshot, reach.neighbours)
    visible = (1 << reach.visible) - 1
    edges = taps & ~(taps >> 1) & visible
    index = (edges & -edges).bit_length() - 1 if edges else None
    looked_at = range(reach.stride - 1, reach.visible, reach.stride)
    return Seen(index, any(taps >> tap & 1 for tap in looked_at))


def _majorities(snapshot: int, neighbours: int) -> int:
    """Return the majority of each tap and its neighbours; the first taps have fewer of them."""
    if not neighbours:
        return snapshot
    shifted = [
        snapshot << place if place > 0 else snapshot >> -place
        for place in range(-neighbours, neighbours + 1)
    ]
    together = combinations(shifted, neighbours + 1)
    taps = reduce(or_, (reduce(and_, some) for some in together))
    first = (1 << neighbours) - 1
    return taps & ~first | _majorities(snapshot, neighbours - 1) & first


class Encoder:
    """Turns snapshots, one a clock, into codes of new edges.

    Parameters
    ----------
    reach : Reach
    """

    def __init__(self, reach: Reach) -> None:
        self._reach = reach
        self._young = self._something = True  # nothing is new at the start

    def step(self, snapshot: int) -> int | None:
        """Return the code of the edge that is new in a snapshot, if there is one."""
        return self.decide(look(snapshot, self._reach))

    def decide(self, seen: Seen) -> int | None:
        """Return the code, from what a snapshot shows."""
        young = seen.index is not None and seen.index < self._reach.young
        known, something = self._young, self._something
        self._young, self._something = young, seen.index is not None or seen.high
        if seen.index is not None:
            return seen.index if young or not known else None
        return self._reach.visible if seen.high and not something else None
